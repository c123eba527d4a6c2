#include "pack/pack_many.h"

#include <string.h>

#include "frame/interrupt.h"
#include "frame/progress.h"
#include "pack/pack_notes.h"

typedef struct Work Work;

/* One output. */
typedef struct {
    Work *work;
    size_t number;
    ToolNameList names; /* of the input */
    ToolNameList record_names;
    ToolPackNotes notes;
    GArray *damages;
    ToolPackJob job;
    ToolPackRun *run;
} File;

struct Work {
    const ToolPackMany *many;
    ArecWriterOptions share; /* of each file */
    ToolOrderedJobs *jobs;
    File *files;
    const char **inputs;
    ToolProgress progress;
    _Atomic uint64_t n_records; /* of all files */
};

static void
work_clear (Work *work)
{
    tool_ordered_jobs_free (work->jobs);
    g_free (work->files);
    g_free (work->inputs);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Work, work_clear)

/* ---- one file ---- */

static void
on_text (void *data, const char *text)
{
    const File *file = data;

    tool_ordered_jobs_tell (file->work->jobs, file->number, text);
}

static ToolPackJob
job_of (File *file)
{
    const ToolPackMany *many = file->work->many;
    ToolPackJob job = *many->job;

    job.writer = file->work->share;
    job.input.names = &file->names;
    job.input.out = g_ptr_array_index (many->each->outs, file->number);
    job.input.max_memory = file->work->share.max_memory;
    job.names = many->job->names ? &file->record_names : NULL;
    job.hides_progress = true;
    job.jobs = file->work->jobs;
    job.n_records = file->work->progress.enabled ? &file->work->n_records : NULL;
    tool_pack_notes_take (&file->notes, &job.input);
    return job;
}

static bool
begin_file (void *data, size_t i, GError **error)
{
    Work *work = data;
    File *file = &work->files[i];
    const char *input = work->inputs[i];

    file->work = work;
    file->number = i;
    file->damages = tool_pack_damages_new();
    file->notes = (ToolPackNotes){.quiet = work->many->quiet,
                                  .damages = work->many->tells_damages ? NULL : file->damages,
                                  .tell = on_text,
                                  .data = file};
    file->job = job_of (file);
    if (!tool_name_list_add (&file->names, input, strlen (input), error)) {
        return false;
    }
    file->run = tool_pack_job_begin (&file->job, file->job.input.out, error);
    return file->run != NULL;
}

static bool
write_file (void *data, size_t i, GError **error)
{
    return tool_pack_job_complete (((Work *)data)->files[i].run, error);
}

static bool
move_names (const ToolNameList *from, ToolNameList *to, GError **error)
{
    const char *name;

    for (size_t at = 0; (name = tool_name_list_next (from, &at));) {
        if (!tool_name_list_add (to, name, strlen (name), error)) {
            return false;
        }
    }
    return true;
}

/* The name of the file last: it is there then. */
static bool
end_file (void *data, size_t i, GError **error)
{
    const Work *work = data;
    const ToolPackMany *many = work->many;
    File *file = &work->files[i];
    ToolPackReport report = {.damages = many->damages, .first_damage = many->damages->len};

    if ((many->job->names && !move_names (&file->record_names, many->job->names, error)) ||
        !tool_pack_job_finish (file->run, &report, NULL, error)) {
        return false;
    }
    report.options = &many->job->writer; /* as they were given */
    tool_pack_notes_move_damages (many->damages, file->damages);
    g_array_append_val (many->reports, report);
    return true;
}

static void
clear_file (void *data, size_t i)
{
    File *file = &((Work *)data)->files[i];

    g_clear_pointer (&file->run, tool_pack_run_free);
    tool_name_list_clear (&file->names);
    tool_name_list_clear (&file->record_names);
    g_clear_pointer (&file->damages, g_array_unref);
}

static void
show_progress (void *data)
{
    Work *work = data;

    tool_progress_reach (&work->progress, work->n_records);
}

/* ---- all of them ---- */

/* Lists the input, so that what is wrong with it comes up before anything is written. */
static bool
check_input (const Work *work, size_t i, GError **error)
{
    const ToolPackMany *many = work->many;
    ToolInputOptions options = many->job->input;
    g_auto (ToolNameList) names = {0};
    g_autoptr (ToolInput) input = NULL;

    if (!tool_name_list_add (&names, work->inputs[i], strlen (work->inputs[i]), error)) {
        return false;
    }
    options.names = &names;
    options.out = g_ptr_array_index (many->each->outs, i);
    options.max_memory = work->share.max_memory;
    options.note = NULL; /* it will be told when the file is made */
    options.damage = NULL;
    input = many->job->kind->new (&options, error);
    return input != NULL;
}

static bool
check_inputs (const Work *work, size_t n, GError **error)
{
    for (size_t i = 0; i < n; i++) {
        if (!check_input (work, i, error)) {
            return false;
        }
    }
    return true;
}

static const char **
list_inputs (const ToolNameList *names)
{
    const char **inputs = g_new (const char *, MAX (names->n, 1));
    size_t at = 0;

    for (uint64_t i = 0; i < names->n; i++) {
        inputs[i] = tool_name_list_next (names, &at);
    }
    return inputs;
}

bool
tool_pack_many_run (const ToolPackMany *many, GError **error)
{
    static const ToolOrderedJobsOps ops = {
        .begin = begin_file,
        .work = write_file,
        .end = end_file,
        .clear = clear_file,
        .tick = show_progress,
    };
    g_auto (Work) work = {.many = many, .inputs = list_inputs (many->inputs)};
    size_t n = many->each->outs->len;
    unsigned n_at_once = tool_pack_each_share (many->each, &many->job->writer, &work.share);
    bool done;

    if (!tool_pack_each_check (many->each, many->job->writer.output.replace, error) ||
        !check_inputs (&work, n, error) || !tool_pack_each_make_folder (many->each, error)) {
        return false;
    }
    work.files = g_new0 (File, MAX (n, 1));
    work.jobs = tool_ordered_jobs_new (&ops, &work, n, n_at_once);
    tool_progress_start (&work.progress, many->job->hides_progress, TOOL_PROGRESS_RECORDS, 0);
    tool_interrupt_expect (n, many->each->folder, "are done");
    done = tool_ordered_jobs_run (work.jobs, error);
    tool_progress_clear();
    if (!done) {
        tool_interrupt_tell();
    }
    return done;
}
