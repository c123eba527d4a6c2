#include "pack/convert_job.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "frame/damage_text.h"
#include "frame/progress.h"
#include "pack/carried_names.h"
#include "pack/record_order.h"
#include "pack/shard_options.h"
#include "pack/shuffle.h"

/* What is under way. */
struct ToolConvertRun {
    const ToolConvertJob *job;
    const char *out;
    int64_t start;      /* microseconds */
    ArecReader *reader; /* the selection's */
    ArecWriter *writer;
    ArecCopier *copier;
    ToolCarriedNames *names; /* of the records; NULL: they have none */
    bool lacks_names;        /* those of a file cannot be used */
    GHashTable *damaged;     /* chunks that were reported, as text */
    uint64_t n_damages;
    uint64_t *starts; /* for each span of the selection, how many records come before it */
    ToolShuffle shuffle;
    ToolProgress progress;
    uint64_t n_done; /* records written, or left out */
};

typedef ToolConvertRun Run;

/* The writer first: its threads are at work. */
void
tool_convert_run_free (ToolConvertRun *run)
{
    if (!run) {
        return;
    }
    arec_copier_free (run->copier);
    arec_writer_free (run->writer);
    g_clear_pointer (&run->names, tool_carried_names_free);
    g_clear_pointer (&run->damaged, g_hash_table_unref);
    g_free (run->starts);
    g_free (run);
}

static bool
check_stopped (const Run *run, GError **error)
{
    return !run->job->jobs || !tool_ordered_jobs_is_stopped (run->job->jobs) ||
           arec_fail (error, AREC_ERROR_CANCELLED, "%s: stopped", run->out);
}

static void
show_progress (Run *run, uint64_t n)
{
    run->n_done += n;
    if (run->job->n_records) {
        atomic_fetch_add_explicit (run->job->n_records, n, memory_order_relaxed);
    }
    tool_progress_reach (&run->progress, run->n_done);
}

/* ---- damages ---- */

static void
report (Run *run, const char *path, uint64_t offset, const char *reason, const char *text)
{
    run->n_damages++;
    run->job->damage (run->job->data, path, offset, reason, text);
}

static void
report_chunk (Run *run, const ArecChunkDamage *damage)
{
    char *key = g_strdup_printf ("%zu:%" PRIu64, damage->file, damage->chunk);
    g_autofree char *text = NULL;
    ArecFileInfo info;

    if (!g_hash_table_add (run->damaged, key)) {
        return; /* the key is freed */
    }
    arec_reader_file_info (run->reader, damage->file, &info);
    text = tool_damage_text (info.path, &damage->damage);
    report (run, info.path, damage->damage.offset, damage->text, text);
}

/* Stretches of files without a usable index, in which a scan found no chunk. */
static void
report_gaps (Run *run)
{
    for (size_t i = 0; i < arec_reader_n_files (run->reader); i++) {
        g_autofree char *gaps = NULL;
        g_autofree char *text = NULL;
        ArecFileInfo info;

        if (!tool_selection_passes_gap (run->job->selection, i, &info)) {
            continue;
        }
        gaps = arec_file_info_gaps (&info);
        text = g_strdup_printf ("%s: at %" PRIu64 ": %s; %s, their records are missing",
                                info.path, info.first_fault, info.first_reason, gaps);
        report (run, info.path, info.first_fault, info.first_reason, text);
    }
}

/* Leaves @record out because of @failure, which is taken over. */
static bool
skip_record (void *data, uint64_t record, GError *failure, GError **error)
{
    Run *run = data;
    g_auto (ArecChunkDamage) damage = {0};

    if (!run->job->recover || !arec_reader_damage (run->reader, record, failure, &damage)) {
        g_propagate_error (error, failure);
        return false;
    }
    g_error_free (failure);
    report_chunk (run, &damage);
    return true;
}

/* ---- records ---- */

static const char *
name_of (void *data, uint64_t record)
{
    const Run *run = data;

    return run->names ? tool_carried_names_get (run->names, record) : NULL;
}

/* Says of which file the record is that does not fit. */
static bool
put_record (void *data, uint64_t record, const void *bytes, size_t size, GError **error)
{
    Run *run = data;
    GError *cause = NULL;

    if (!check_stopped (run, error)) {
        return false;
    }
    if (!arec_writer_write_named (run->writer, bytes, size, name_of (run, record), &cause)) {
        if (g_error_matches (cause, AREC_ERROR, AREC_ERROR_LIMIT)) {
            ArecFileInfo info;

            arec_reader_file_info (run->reader, arec_reader_file_of (run->reader, record),
                                   &info);
            g_prefix_error (&cause, "%s: ", info.path);
        }
        g_propagate_error (error, cause);
        return false;
    }
    show_progress (run, 1);
    return true;
}

/* Decodes the records [first, end) and writes them. */
static bool
recode (Run *run, uint64_t first, uint64_t end, GError **error)
{
    g_autoptr (ArecCursor) cursor = arec_cursor_new (run->reader, first, end);

    for (;;) {
        GError *failure = NULL;
        const uint8_t *data;
        uint64_t record;
        size_t size;

        if (!arec_cursor_next (cursor, &record, &data, &size, &failure)) {
            if (!skip_record (run, record, failure, error)) {
                return false;
            }
        } else if (!data) {
            return true;
        } else if (!put_record (run, record, data, size, error)) {
            return false;
        }
    }
}

/* Writes [first, end), or the front of it.
 * @until  (out) what comes next. */
static bool
convert_some (Run *run, uint64_t first, uint64_t end, bool is_last, uint64_t *until,
              GError **error)
{
    bool copied = false;

    *until = end;
    if (!check_stopped (run, error)) {
        return false;
    }
    if (!run->job->never_copies &&
        !arec_copier_next (run->copier, first, end, is_last, until, &copied, error)) {
        return false;
    }
    if (copied) {
        show_progress (run, *until - first);
        return true;
    }
    return recode (run, first, *until, error);
}

static bool
convert_in_order (Run *run, GError **error)
{
    const ToolSelection *selection = run->job->selection;

    for (size_t i = 0; i < selection->n_spans; i++) {
        uint64_t at = selection->spans[i].first, end = selection->spans[i].end;

        while (at < end) {
            if (!convert_some (run, at, end, i + 1 == selection->n_spans, &at, error)) {
                return false;
            }
        }
    }
    return true;
}

/* ---- shuffling ---- */

static void
count_starts (Run *run)
{
    const ToolSelection *selection = run->job->selection;
    uint64_t n = 0;

    run->starts = g_new (uint64_t, MAX (selection->n_spans, 1));
    for (size_t i = 0; i < selection->n_spans; i++) {
        run->starts[i] = n;
        n += selection->spans[i].end - selection->spans[i].first;
    }
}

/* The record at place @i of the shuffled selection. */
static uint64_t
record_at (void *data, uint64_t i)
{
    const Run *run = data;
    uint64_t place = tool_shuffle_at (&run->shuffle, i);
    size_t low = 0, high = run->job->selection->n_spans;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (run->starts[middle] <= place) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return run->job->selection->spans[low].first + (place - run->starts[low]);
}

/* Whether each record is a chunk that is likely to be copied. */
static bool
copies_singly (const Run *run)
{
    bool does = !run->job->never_copies && run->job->writer.group_size == 1;

    for (size_t i = 0; does && i < arec_reader_n_files (run->reader); i++) {
        ArecFileInfo info;

        arec_reader_file_info (run->reader, i, &info);
        does = info.group_size <= 1 && arec_copier_fits (run->copier, i);
    }
    return does;
}

static bool
convert_shuffled (Run *run, GError **error)
{
    const ToolSelection *selection = run->job->selection;
    const ToolRecordOrder order = {.n = selection->n_records,
                                   .at = record_at,
                                   .put = put_record,
                                   .skip = skip_record,
                                   .data = run};

    count_starts (run);
    tool_shuffle_init (&run->shuffle, selection->n_records, run->job->seed);
    if (!copies_singly (run)) {
        return tool_record_order_give (&order, run->reader, run->job->max_memory, error);
    }
    for (uint64_t i = 0; i < selection->n_records; i++) {
        uint64_t record = record_at (run, i), until;

        if (!convert_some (run, record, record + 1, i + 1 == selection->n_records, &until,
                           error)) {
            return false;
        }
    }
    return true;
}

/* ---- the whole ---- */

/* What is made of a file is no more readable than the file. */
static unsigned
denied_mode (ArecReader *reader)
{
    unsigned denied = 0;

    for (size_t i = 0; i < arec_reader_n_files (reader); i++) {
        struct stat st;

        arec_reader_file_stat (reader, i, &st);
        denied |= S_ISREG (st.st_mode) ? 0777 & ~st.st_mode : 0;
    }
    return denied;
}

static void
keep_times (ArecReader *reader, ArecOutputOptions *output)
{
    struct stat st;

    arec_reader_file_stat (reader, 0, &st);
    output->has_times = true;
    output->times[0] = st.st_atim;
    output->times[1] = st.st_mtim;
}

static bool
is_own_input (const Run *run)
{
    struct stat out, st;
    const ArecSharding *sharding = &run->job->sharding;
    bool has_out = !arec_output_is_stdout (run->out) && stat (run->out, &out) == 0;

    for (size_t i = 0; i < arec_reader_n_files (run->reader); i++) {
        ArecFileInfo info;

        arec_reader_file_info (run->reader, i, &info);
        arec_reader_file_stat (run->reader, i, &st);
        if ((has_out && st.st_dev == out.st_dev && st.st_ino == out.st_ino) ||
            arec_sharding_has_shard (sharding, run->out, info.path)) {
            return true;
        }
    }
    return false;
}

static bool
begin (Run *run, GError **error)
{
    ArecWriterOptions options = run->job->writer;
    ArecSharding sharding = run->job->sharding;

    options.output.denied_mode |= denied_mode (run->reader);
    if (run->job->keeps_times) {
        keep_times (run->reader, &options.output);
    }
    if (!tool_shard_options_set_count (&sharding, run->job->selection->n_records, error) ||
        !tool_carried_names_load (run->reader, run->job->is_quiet, &run->names,
                                  &run->lacks_names, error)) {
        return false;
    }
    run->writer = arec_writer_new_sharded (run->out, &options, &sharding, error);
    if (!run->writer) {
        return false;
    }
    run->copier = arec_copier_new (run->reader, run->writer);
    arec_copier_set_names (run->copier, run->names ? name_of : NULL, run);
    run->damaged = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    tool_progress_start (&run->progress, run->job->hides_progress, TOOL_PROGRESS_RECORDS,
                         run->job->selection->n_records);
    return true;
}

/* A chunk of metadata that is damaged is reported, and left out as records are. */
static bool
put_metadata (Run *run, GError **error)
{
    GError *failure = NULL;
    g_autofree char *text = NULL;
    const char *reason;
    ArecFileInfo info;
    uint64_t offset;

    if (arec_copier_put_metadata (run->copier, &failure)) {
        return true;
    }
    if (!run->job->recover || !arec_error_is_of_bytes (failure) ||
        !arec_error_place (failure, &offset, &reason)) {
        g_propagate_error (error, failure);
        return false;
    }
    arec_reader_file_info (run->reader, 0, &info);
    text = g_strdup_printf ("%s; the metadata are lost", failure->message);
    report (run, info.path, offset, reason, text);
    g_error_free (failure);
    return true;
}

/* An input is replaced only by what is whole: what could not be read would be lost with it. */
static bool
complete (Run *run, GError **error)
{
    if ((run->n_damages > 0 || run->lacks_names) && is_own_input (run)) {
        return arec_fail (error, AREC_ERROR_CORRUPT,
                          "%s: is an input of which something is lost, so it is not replaced",
                          run->out);
    }
    return arec_writer_complete (run->writer, error);
}

/* Gathering records is a part of encoding them. */
static bool
convert_records (Run *run, GError **error)
{
    ArecPhaseMark mark = arec_phases_enter (AREC_PHASE_ENCODING);
    bool done =
        run->job->is_shuffled ? convert_shuffled (run, error) : convert_in_order (run, error);

    arec_phases_leave (mark);
    return done;
}

static bool
convert (Run *run, GError **error)
{
    report_gaps (run);
    return put_metadata (run, error) && convert_records (run, error) && complete (run, error);
}

ToolConvertRun *
tool_convert_job_begin (const ToolConvertJob *job, const char *out, GError **error)
{
    g_autoptr (ToolConvertRun) run = g_new0 (ToolConvertRun, 1);

    run->job = job;
    run->out = out;
    run->start = g_get_monotonic_time();
    run->reader = job->selection->reader;
    return begin (run, error) ? g_steal_pointer (&run) : NULL;
}

bool
tool_convert_job_complete (ToolConvertRun *run, GError **error)
{
    return convert (run, error);
}

bool
tool_convert_job_finish (ToolConvertRun *run, ToolPackReport *done, ToolPackShards *shards,
                         ToolConvertResult *result, GError **error)
{
    if (!arec_writer_finish (run->writer, error)) {
        return false;
    }
    done->out = run->out;
    done->options = &run->job->writer;
    done->n_damages = run->n_damages;
    done->duration = g_get_monotonic_time() - run->start;
    arec_writer_get_totals (run->writer, &done->totals);
    if (shards) {
        tool_pack_shards_fill (shards, run->writer, done);
    }
    result->n_copied = arec_copier_n_copied (run->copier);
    return true;
}

bool
tool_convert_job_run (const ToolConvertJob *job, const char *out, ToolPackReport *done,
                      ToolPackShards *shards, ToolConvertResult *result, GError **error)
{
    g_autoptr (ToolConvertRun) run = tool_convert_job_begin (job, out, error);
    bool ok = run && tool_convert_job_complete (run, error) &&
              tool_convert_job_finish (run, done, shards, result, error);

    tool_progress_clear();
    return ok;
}
