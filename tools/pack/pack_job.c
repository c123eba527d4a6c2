#include "pack/pack_job.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

#include "frame/progress.h"
#include "pack/shard_options.h"

/* What is under way. */
struct ToolPackRun {
    const ToolPackJob *job;
    const char *out;
    int64_t start; /* microseconds */
    ToolInput *input;
    ArecWriter *writer;
    uint64_t n_records; /* written so far */
    ToolProgress progress;
};

typedef ToolPackRun Run;

void
tool_pack_run_free (ToolPackRun *run)
{
    if (run) {
        tool_input_free (run->input);
        arec_writer_free (run->writer);
        g_free (run);
    }
}

static void
start_progress (Run *run)
{
    const ToolInputProgress *progress = &run->input->progress;
    bool in_bytes = !progress->counts_files && progress->total > 0;

    tool_progress_start (&run->progress, run->job->hides_progress,
                         in_bytes ? TOOL_PROGRESS_BYTES : TOOL_PROGRESS_RECORDS,
                         progress->total);
}

static void
show_progress (Run *run, size_t size)
{
    if (run->job->n_records) {
        atomic_fetch_add_explicit (run->job->n_records, 1, memory_order_relaxed);
    }
    if (run->progress.unit == TOOL_PROGRESS_RECORDS) {
        tool_progress_record (&run->progress, size);
    } else {
        tool_progress_reach (&run->progress, run->input->progress.done);
    }
}

static bool
write_named (Run *run, const ToolInputRecord *record, GError **error)
{
    const ToolPackJob *job = run->job;
    const char *name = record->name ? record->name : "";

    return arec_writer_write_named (run->writer, record->data, record->size,
                                    job->stores_names ? name : NULL, error) &&
           (!job->names || tool_name_list_add (job->names, name, strlen (name), error));
}

/* Says of which input the record is that does not fit. */
static bool
write_record (Run *run, const ToolInputRecord *record, GError **error)
{
    GError *cause = NULL;

    if (run->job->jobs && tool_ordered_jobs_is_stopped (run->job->jobs)) {
        return arec_fail (error, AREC_ERROR_CANCELLED, "%s: stopped", run->out);
    }
    if (write_named (run, record, &cause)) {
        return true;
    }
    if (g_error_matches (cause, AREC_ERROR, AREC_ERROR_LIMIT)) {
        g_autofree char *place = tool_input_place (run->input);

        g_prefix_error (&cause, "%s: ", place);
    }
    g_propagate_error (error, cause);
    return false;
}

/* Where the records were counted before, as many have come. */
static bool
check_count (const Run *run, GError **error)
{
    uint64_t n = run->n_records + run->input->progress.n_lost;

    /* With `recover` one that is cut off at the end was not counted, and is a damage. */
    return run->input->n_records == UINT64_MAX || n >= run->input->n_records ||
           arec_fail (error, AREC_ERROR_CHANGED,
                      "the inputs have changed: %" PRIu64 " records instead of %" PRIu64, n,
                      run->input->n_records);
}

static ToolInputStep
write_until_end (Run *run, GError **error)
{
    ToolInputRecord record;
    ToolInputStep step;

    while ((step = tool_input_next (run->input, &record, error)) == TOOL_INPUT_RECORD) {
        if (!write_record (run, &record, error)) {
            return TOOL_INPUT_FAILED;
        }
        run->n_records++;
        show_progress (run, record.size);
    }
    return step;
}

/* What takes records apart and gathers them is one phase: to tell these apart for each record
 * would cost more than they do. */
static bool
write_records (Run *run, GError **error)
{
    ArecPhaseMark mark = arec_phases_enter (AREC_PHASE_PARSING);
    ToolInputStep step;

    start_progress (run);
    step = write_until_end (run, error);
    arec_phases_leave (mark);
    return step == TOOL_INPUT_END && check_count (run, error) &&
           arec_writer_complete (run->writer, error);
}

/* Lists the inputs and begins the output. What is in the way of that comes up before any input
 * is opened. */
static bool
begin (Run *run, const char *out, GError **error)
{
    ToolInputOptions options = run->job->input;
    ArecSharding sharding = run->job->sharding;

    options.sharding = sharding;
    options.counts_records = sharding.rule == AREC_SHARDING_EVEN;
    if (!arec_sharding_check_names (&sharding, out, &run->job->writer.output, error)) {
        return false;
    }
    run->input = run->job->kind->new (&options, error);
    if (!run->input ||
        !tool_shard_options_set_count (&sharding, run->input->n_records, error)) {
        return false;
    }
    run->writer = arec_writer_new_sharded (out, &run->job->writer, &sharding, error);
    return run->writer != NULL;
}

ToolPackRun *
tool_pack_job_begin (const ToolPackJob *job, const char *out, GError **error)
{
    g_autoptr (ToolPackRun) run = g_new0 (ToolPackRun, 1);

    run->job = job;
    run->out = out;
    run->start = g_get_monotonic_time();
    return begin (run, out, error) ? g_steal_pointer (&run) : NULL;
}

bool
tool_pack_job_complete (ToolPackRun *run, GError **error)
{
    return write_records (run, error);
}

bool
tool_pack_job_finish (ToolPackRun *run, ToolPackReport *report, ToolPackShards *shards,
                      GError **error)
{
    if (!arec_writer_finish (run->writer, error)) {
        return false;
    }
    report->out = run->out;
    report->options = &run->job->writer;
    report->n_skipped = run->input->progress.n_skipped;
    report->n_damages = run->input->progress.n_damages;
    report->duration = g_get_monotonic_time() - run->start;
    arec_writer_get_totals (run->writer, &report->totals);
    if (shards) {
        tool_pack_shards_fill (shards, run->writer, report);
    }
    return true;
}

bool
tool_pack_job_run (const ToolPackJob *job, const char *out, ToolPackReport *report,
                   ToolPackShards *shards, GError **error)
{
    g_autoptr (ToolPackRun) run = tool_pack_job_begin (job, out, error);
    bool done = run && tool_pack_job_complete (run, error) &&
                tool_pack_job_finish (run, report, shards, error);

    tool_progress_clear();
    return done;
}
