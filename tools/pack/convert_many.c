#include "pack/convert_many.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "frame/interrupt.h"
#include "frame/progress.h"
#include "pack/convert_options.h"
#include "pack/pack_notes.h"

typedef struct Work Work;

/* One output. */
typedef struct {
    Work *work;
    size_t number;
    ToolSelection selection;
    GArray *damages;
    ToolConvertJob job;
    ToolConvertRun *run;
} File;

struct Work {
    const ToolConvertMany *many;
    unsigned n_at_once;
    ArecWriterOptions share; /* of each file */
    ToolOrderedJobs *jobs;
    File *files;
    ToolProgress progress;
    _Atomic uint64_t n_records; /* of all files */
};

static void
work_clear (Work *work)
{
    tool_ordered_jobs_free (work->jobs);
    g_free (work->files);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Work, work_clear)

/* ---- what is reported ---- */

static void
tell (const File *file, const char *text)
{
    tool_ordered_jobs_tell (file->work->jobs, file->number, text);
}

static bool
tells_details (const File *file)
{
    const ToolCommandLine *line = file->work->many->line;

    return line->verbose && !line->quiet;
}

static void
on_damage (void *data, const char *path, uint64_t offset, const char *reason, const char *text)
{
    const File *file = data;

    if (file->work->many->line->json) {
        tool_pack_damages_add (file->damages, path, offset, reason);
    } else {
        tell (file, text);
    }
}

/* Each output is reported when it is there. */
static void
tell_report (const File *file, const ToolPackReport *report, const ToolConvertResult *result)
{
    const ToolCommandLine *line = file->work->many->line;

    if (tells_details (file)) {
        g_autofree char *text =
            g_strdup_printf ("%s: %" PRIu64 " of %" PRIu64 " chunks copied as they are",
                             report->out, result->n_copied, report->totals.n_chunks);

        tool_command_tell (text);
    }
    if (!line->json && !line->quiet) {
        g_autofree char *text = tool_pack_report_text (report, 0);

        tool_command_tell (text);
    }
}

/* ---- names of outputs ---- */

static const char *
keep (const ToolConvertMany *many, char *text)
{
    g_ptr_array_add (many->kept, text);
    return text;
}

/* @path as the name of an output that means the same file: as an output, `-` and the names of
 * descriptors are no files. */
static const char *
name_in_place (const ToolConvertMany *many, const char *path)
{
    g_autofree char *copy = NULL;
    char *real;

    if (strcmp (path, "-") != 0 && !g_str_has_prefix (path, "/dev/") &&
        !g_str_has_prefix (path, "/proc/")) {
        return path;
    }
    real = realpath (path, NULL);
    copy = g_strdup (real);
    free (real);
    return copy ? keep (many, g_steal_pointer (&copy)) : path;
}

static const char *
name_out (const ToolConvertMany *many, size_t i)
{
    return many->each
               ? g_ptr_array_index (many->each->outs, i)
               : name_in_place (many, arec_source_list_get (many->selection->list, i)->path);
}

/* ---- one output ---- */

static bool
choose_options (File *file, GError **error)
{
    const ToolConvertMany *many = file->work->many;
    g_autofree char *note = NULL;

    if (!tool_convert_options_choose (many->writing, many->typed, file->selection.reader,
                                      &file->job.writer, &note, error)) {
        return false;
    }
    if (note && tells_details (file)) {
        tell (file, note);
    }
    file->job.writer.max_parallelism = file->work->share.max_parallelism;
    file->job.writer.max_memory = file->work->share.max_memory;
    return true;
}

static bool
begin_file (void *data, size_t i, GError **error)
{
    Work *work = data;
    const ToolConvertMany *many = work->many;
    File *file = &work->files[i];

    file->work = work;
    file->number = i;
    file->damages = tool_pack_damages_new();
    file->selection = (ToolSelection){.engine = arec_engine_ref (many->selection->engine),
                                      .list = arec_source_list_ref (many->selection->list)};
    file->job = *many->job;
    file->job.selection = &file->selection;
    file->job.max_memory = MAX (many->job->max_memory / work->n_at_once, 1);
    file->job.hides_progress |= work->n_at_once > 1;
    file->job.jobs = work->jobs;
    file->job.n_records = work->progress.enabled ? &work->n_records : NULL;
    file->job.damage = on_damage;
    file->job.data = file;
    if (!tool_selection_open_listed (&file->selection, many->line, i, 1, NULL, error) ||
        !tool_selection_stop_at_gap (&file->selection, many->line, error) ||
        !choose_options (file, error)) {
        return false;
    }
    file->run = tool_convert_job_begin (&file->job, name_out (many, i), error);
    return file->run != NULL;
}

static bool
write_file (void *data, size_t i, GError **error)
{
    return tool_convert_job_complete (((Work *)data)->files[i].run, error);
}

/* The options as they were asked for: threads and memory of one file are its share. */
static const ArecWriterOptions *
keep_options (const ToolConvertMany *many, const ArecWriterOptions *options)
{
    ArecWriterOptions *kept = g_memdup2 (options, sizeof *options);

    kept->max_parallelism = many->typed->max_parallelism;
    kept->max_memory = many->typed->max_memory;
    g_ptr_array_add (many->kept, kept);
    return kept;
}

static bool
end_file (void *data, size_t i, GError **error)
{
    const ToolConvertMany *many = ((Work *)data)->many;
    File *file = &((Work *)data)->files[i];
    ToolPackReport report = {.damages = many->damages, .first_damage = many->damages->len};
    ToolConvertResult result;

    tool_progress_clear();
    if (!tool_convert_job_finish (file->run, &report, NULL, &result, error)) {
        return false;
    }
    report.options = keep_options (many, &file->job.writer);
    tool_pack_notes_move_damages (many->damages, file->damages);
    g_array_append_val (many->reports, report);
    tell_report (file, &report, &result);
    return true;
}

static void
clear_file (void *data, size_t i)
{
    File *file = &((Work *)data)->files[i];

    g_clear_pointer (&file->run, tool_convert_run_free);
    tool_selection_clear (&file->selection);
    g_clear_pointer (&file->damages, g_array_unref);
}

static void
show_progress (void *data)
{
    Work *work = data;

    tool_progress_reach (&work->progress, work->n_records);
}

/* ---- all of them ---- */

/* Threads and memory of each. */
static void
share (Work *work)
{
    const ToolConvertMany *many = work->many;
    ArecReaderOptions *reader = &many->line->reader_options;

    work->n_at_once = 1;
    work->share = *many->typed;
    if (many->each) {
        work->n_at_once = tool_pack_each_share (many->each, many->typed, &work->share);
    }
    if (many->shares_readahead) {
        reader->readahead_buffer_size /= work->n_at_once;
    }
}

/* One file in place is there or not, and there is no more to say. */
static void
expect_outputs (const ToolConvertMany *many, size_t n)
{
    bool has_line = many->each || n > 1;

    tool_interrupt_expect (n, many->each ? many->each->folder : NULL,
                           has_line ? "are done" : NULL);
}

bool
tool_convert_many_run (const ToolConvertMany *many, GError **error)
{
    static const ToolOrderedJobsOps ops = {
        .begin = begin_file,
        .work = write_file,
        .end = end_file,
        .clear = clear_file,
        .tick = show_progress,
    };
    size_t n = arec_source_list_length (many->selection->list);
    g_auto (Work) work = {.many = many, .files = g_new0 (File, MAX (n, 1))};
    bool done;

    share (&work);
    work.jobs = tool_ordered_jobs_new (&ops, &work, n, work.n_at_once);
    /* One after the other, each shows its own. */
    tool_progress_start (&work.progress, many->job->hides_progress || work.n_at_once == 1,
                         TOOL_PROGRESS_RECORDS, 0);
    expect_outputs (many, n);
    done = tool_ordered_jobs_run (work.jobs, error);
    tool_progress_clear();
    if (!done) {
        tool_interrupt_tell();
    }
    return done;
}
