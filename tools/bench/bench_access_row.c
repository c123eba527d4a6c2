#include "bench/bench_access_row.h"

#include <arec/arec.h>

#include "bench/bench_child.h"
#include "bench/bench_files.h"
#include "bench/bench_machine.h"

#define MEGA 1e6

/* What is to be done in the process. */
typedef struct {
    ToolBenchAccess access;
    const ToolBenchAccessWork *work;
} Task;

typedef struct {
    ToolBenchAccess access;
    ArecEngine *engine;
    ArecReader *reader;
    ArecCursor *cursor; /* of SEQUENTIAL */
} Row;

static void
row_clear (Row *row)
{
    g_clear_pointer (&row->cursor, arec_cursor_free);
    g_clear_pointer (&row->reader, arec_reader_unref);
    g_clear_pointer (&row->engine, arec_engine_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Row, row_clear)

/* ---- one call ---- */

static bool
read_next (Row *row, uint64_t *bytes, GError **error)
{
    const uint8_t *data;
    size_t size;

    if (!arec_cursor_next (row->cursor, NULL, &data, &size, error)) {
        return false;
    }
    *bytes += size;
    return true;
}

static bool
read_one (Row *row, uint64_t number, uint64_t *bytes, GError **error)
{
    g_auto (ArecView) view = {0};

    if (!arec_reader_read (row->reader, number, &view, error)) {
        return false;
    }
    *bytes += view.size;
    return true;
}

static bool
read_many (Row *row, const uint64_t *numbers, size_t n, uint64_t *bytes, GError **error)
{
    g_autofree ArecView *views = g_new0 (ArecView, n);

    if (!arec_reader_read_many (row->reader, numbers, n, views, error)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        *bytes += views[i].size;
        arec_view_clear (&views[i]);
    }
    return true;
}

static bool
read_records (void *data, const uint64_t *numbers, size_t n, uint64_t *bytes, GError **error)
{
    Row *row = data;

    if (row->access == TOOL_BENCH_BATCH) {
        return read_many (row, numbers, n, bytes, error);
    }
    return row->cursor ? read_next (row, bytes, error)
                       : read_one (row, numbers[0], bytes, error);
}

/* ---- in the process ---- */

/* Opens the files with the settings of the profile. */
static bool
open_files (Row *row, const ToolBenchAccessWork *work, GError **error)
{
    const ArecProfile *profile =
        arec_profile_find (tool_bench_calls_name (row->access), AREC_PROFILE_READER);
    ArecReaderOptions reader = {0};
    ArecEngineOptions engine = {.cache_size = profile->cache_size};

    if (!arec_reader_options_update (profile->reader, &reader, error)) {
        return false;
    }
    if (reader.has_max_parallelism) {
        engine.max_parallelism = MAX (reader.max_parallelism, 1);
        engine.no_threads = reader.max_parallelism == 0;
    }
    row->engine = arec_engine_new (&engine);
    row->reader =
        tool_bench_files_open (work->files, work->n_files, row->engine, &reader, error);
    if (row->reader && row->access == TOOL_BENCH_SEQUENTIAL) {
        row->cursor = arec_cursor_new (row->reader, 0, work->plan.count);
    }
    return row->reader != NULL;
}

static bool
measure (const void *data, void *result, GError **error)
{
    const Task *task = data;
    ToolBenchAccessFigures *figures = result;
    double memory = tool_bench_machine_memory(), cpu = tool_bench_machine_own_cpu();
    double start = tool_bench_machine_now();
    g_auto (Row) row = {.access = task->access};
    ArecEngineStats stats;

    if (!open_files (&row, task->work, error) ||
        !tool_bench_calls_run (task->access, &task->work->plan, read_records, &row,
                               &figures->calls, error)) {
        return false;
    }
    figures->time_s = tool_bench_machine_now() - start;
    figures->cpu_s = tool_bench_machine_own_cpu() - cpu;
    figures->rss_mb = tool_bench_machine_memory() / MEGA;
    figures->rss_delta_mb = figures->rss_mb - memory / MEGA;
    arec_engine_get_stats (row.engine, &stats);
    figures->chunks_decoded = (double)stats.chunks_decoded;
    figures->bytes_read = (double)stats.source_bytes;
    return true;
}

bool
tool_bench_access_row_run (ToolBenchAccess access, const ToolBenchAccessWork *work,
                           ToolBenchAccessFigures *figures, GError **error)
{
    const Task task = {.access = access, .work = work};
    const ToolBenchChild child = {.name = tool_bench_calls_name (access),
                                  .run = measure,
                                  .data = &task,
                                  .result_size = sizeof *figures};

    return tool_bench_child_run (&child, -1, figures, error);
}
