#include "bench/bench_mount_row.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include <arec/arec.h>

#include "bench/bench_child.h"
#include "bench/bench_machine.h"
#include "bench/bench_server.h"

#define MEGA 1e6

enum { PIECE = 128 * 1024 }; /* bytes of a read (), as cat takes them */

/* What is to be done in the process that reads. */
typedef struct {
    ToolBenchAccess access;
    const ToolBenchAccessWork *work;
    const char *path; /* of the mount */
} Task;

typedef struct {
    DIR *folder;
    int width; /* of names; 0: plain numbers */
    char *piece;
} Reader;

static void
reader_clear (Reader *reader)
{
    g_clear_pointer (&reader->folder, closedir);
    g_clear_pointer (&reader->piece, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Reader, reader_clear)

/* ---- one call ---- */

static bool
fail_record (uint64_t number, GError **error)
{
    return arec_fail (error, AREC_ERROR_IO, "record %" PRIu64 " of the mount: %s", number,
                      g_strerror (errno));
}

static bool
read_file (Reader *reader, uint64_t number, uint64_t *bytes, GError **error)
{
    char name[32];
    ssize_t n;
    int fd;

    g_snprintf (name, sizeof name, "%0*" PRIu64, reader->width, number);
    fd = openat (dirfd (reader->folder), name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return fail_record (number, error);
    }
    while ((n = read (fd, reader->piece, PIECE)) > 0) {
        *bytes += (uint64_t)n;
    }
    if (n < 0) {
        fail_record (number, error);
    }
    close (fd);
    return n == 0;
}

static bool
read_files (void *data, const uint64_t *numbers, size_t n, uint64_t *bytes, GError **error)
{
    for (size_t i = 0; i < n; i++) {
        if (!read_file (data, numbers[i], bytes, error)) {
            return false;
        }
    }
    return true;
}

/* ---- in the process that reads ---- */

/* Lists the first names, as `*` of a shell lists all: without that the kernel knows no record,
 * and none can be put into its page cache ahead. */
static void
list_names (Reader *reader, uint64_t count)
{
    const struct dirent *entry;

    while (count > 0 && (entry = readdir (reader->folder))) {
        if (entry->d_name[0] != '.') {
            reader->width = (int)strlen (entry->d_name);
            count--;
        }
    }
}

static bool
measure (const void *data, void *result, GError **error)
{
    const Task *task = data;
    ToolBenchAccessFigures *figures = result;
    const ToolBenchPlan *plan = &task->work->plan;
    double cpu = tool_bench_machine_own_cpu(), start = tool_bench_machine_now();
    g_auto (Reader) reader = {.folder = opendir (task->path), .piece = g_malloc (PIECE)};

    if (!reader.folder) {
        return arec_fail (error, AREC_ERROR_IO, "%s: %s", task->path, g_strerror (errno));
    }
    if (task->access != TOOL_BENCH_RANDOM) {
        list_names (&reader, plan->count);
    }
    if (!tool_bench_calls_run (task->access, plan, read_files, &reader, &figures->calls,
                               error)) {
        return false;
    }
    figures->time_s = tool_bench_machine_now() - start;
    figures->cpu_s = tool_bench_machine_own_cpu() - cpu;
    return true;
}

/* ---- the row ---- */

static bool
run_reader (const Task *task, const ToolBenchServer *server, ToolBenchAccessFigures *figures,
            GError **error)
{
    const ToolBenchChild child = {.name = tool_bench_calls_name (task->access),
                                  .run = measure,
                                  .data = task,
                                  .result_size = sizeof *figures};

    return tool_bench_child_run (&child, server->signals, figures, error);
}

/* A read that failed may have met a damage, which only the server can explain. */
static void
explain (const ToolBenchServer *server, ToolMountStats *stats, GError **error)
{
    g_autofree char *words = NULL;

    if (!tool_bench_server_count (server, stats, NULL) || stats->engine.damages_known == 0) {
        return;
    }
    words = tool_bench_server_words (server);
    if (*words != '\0') {
        g_clear_error (error);
        arec_fail (error, AREC_ERROR_CORRUPT, "%s", words);
    }
}

/* All but FORGETs, for which no reader waits: the kernel may send them at any time later. */
static uint64_t
count_requests (const ToolMountStats *stats)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < stats->n_kinds; i++) {
        n += strcmp (stats->kinds[i].name, "forget") == 0 ? 0 : stats->kinds[i].n_received;
    }
    return n;
}

/* Counts that grow while nothing is read are those of the question itself:
 *
 *     stats[0]   a question   stats[1]   a question, and the reader   stats[2]
 */
static double
requests_of_reader (const ToolMountStats stats[3])
{
    uint64_t idle = count_requests (&stats[1]) - count_requests (&stats[0]);
    uint64_t all = count_requests (&stats[2]) - count_requests (&stats[1]);

    return all > idle ? (double)(all - idle) : 0;
}

static bool
read_and_count (const Task *task, const ToolBenchServer *server, ToolMountStats stats[3],
                ToolBenchAccessFigures *figures, GError **error)
{
    double memory, cpu;

    if (!tool_bench_server_count (server, &stats[0], error) ||
        !tool_bench_server_count (server, &stats[1], error)) {
        return false;
    }
    memory = tool_bench_machine_memory_of (server->server);
    cpu = tool_bench_machine_cpu_of (server->server);
    if (!run_reader (task, server, figures, error)) {
        explain (server, &stats[2], error);
        return false;
    }
    figures->cpu_s += tool_bench_machine_cpu_of (server->server) - cpu;
    figures->rss_mb = tool_bench_machine_memory_of (server->server) / MEGA;
    figures->rss_delta_mb = figures->rss_mb - memory / MEGA;
    if (!tool_bench_server_count (server, &stats[2], error)) {
        return false;
    }
    figures->requests = requests_of_reader (stats);
    figures->chunks_decoded = (double)stats[2].engine.chunks_decoded;
    figures->bytes_read = (double)stats[2].engine.source_bytes;
    return true;
}

bool
tool_bench_mount_row_run (ToolBenchAccess access, const ToolBenchAccessWork *work,
                          ToolBenchAccessFigures *figures, GError **error)
{
    g_autofree ToolMountStats *stats = g_new0 (ToolMountStats, 3);
    g_auto (ToolBenchServer) server = TOOL_BENCH_SERVER_NONE;
    ToolBenchAccessFigures again;
    double start = tool_bench_machine_now(), mount_s;
    Task task = {.access = access, .work = work};

    if (!tool_bench_server_start (&server, work->files, work->n_files,
                                  tool_bench_calls_name (access), error)) {
        return false;
    }
    mount_s = tool_bench_machine_now() - start;
    task.path = server.path;
    if (!read_and_count (&task, &server, stats, figures, error) ||
        !run_reader (&task, &server, &again, error)) {
        return false;
    }
    figures->mount_s = mount_s;
    figures->again_s = again.time_s;
    return true;
}
