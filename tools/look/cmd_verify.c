/* arec verify FILE...: reads and checks everything, and names each damage. */
#include <inttypes.h>

#include <glib.h>

#include <arec/arec.h>

#include "frame/command_line.h"
#include "frame/damage_text.h"
#include "frame/progress.h"
#include "frame/timing.h"
#include "look/look.h"

/* The state that all files share. */
typedef struct {
    ToolOutput *out;
    ArecEngine *engine;
    ArecSourceList *list;
    const ToolCommandLine *line;
    ArecSourceTally tally;
    ToolProgress progress; /* of all files together */
    int exit_code;         /* of what failed or is damaged until now */
} Verification;

/* The report on one file while it is checked. */
typedef struct {
    Verification *all;
    const ArecSourceFile *file;
    ToolTiming *timing; /* what was counted before it; NULL: the report has none */
    uint64_t n_told;    /* damages */
    bool is_foreign;    /* it is of another format, which is all of the report */
} Report;

/* Damage of a file outweighs the absence of another one. */
static void
note_exit_code (Verification *all, int exit_code)
{
    if (all->exit_code == TOOL_EXIT_DONE || exit_code == TOOL_EXIT_DAMAGED) {
        all->exit_code = exit_code;
    }
}

static void
note_error (Verification *all, const GError *error)
{
    int ignored = TOOL_EXIT_DONE;

    tool_command_note (all->out, error, &ignored);
    note_exit_code (all, arec_error_exit_code (error));
}

static void
on_damage (void *data, const ArecDamage *damage)
{
    Report *report = data;
    ToolOutput *out = report->all->out;

    if (report->all->line->json) {
        tool_output_text (out, report->n_told > 0 ? ",\n    " : "\n    ");
        tool_damage_text_put_json (out, damage);
    } else {
        g_autofree char *text = tool_damage_text (report->file->path, damage);

        tool_output_text (out, text);
        tool_output_end_line (out);
    }
    report->n_told++;
    report->is_foreign = damage->is_foreign;
}

static void
on_progress (void *data, uint64_t done, uint64_t total)
{
    Report *report = data;
    Verification *all = report->all;

    (void)total;
    if (all->progress.enabled) {
        done = arec_source_tally_reach (&all->tally, report->file->path, done);
        all->progress.total = all->tally.total;
        tool_progress_reach (&all->progress, done);
    }
}

/* The end of the object. */
static void
end_json (const Report *report)
{
    ToolOutput *out = report->all->out;

    if (report->timing) {
        tool_output_text (out, ", \"timing\": ");
        tool_timing_put_json (out, report->timing);
    }
    tool_output_byte (out, '}');
}

static void
put_result_json (const Report *report, const ArecVerifyResult *result)
{
    ToolOutput *out = report->all->out;

    tool_output_format (out, "%s], \"ok\": %s, \"records\": %" PRIu64,
                        report->n_told > 0 ? "\n  " : "",
                        result->n_damages == 0 ? "true" : "false", result->n_records);
    if (report->file->has_range) {
        tool_output_format (out, ", \"selected\": [%" PRIu64 ", %" PRIu64 "]",
                            result->first_record, result->end_record);
    }
    end_json (report);
}

static void
put_result_text (const Report *report, const ArecVerifyResult *result)
{
    ToolOutput *out = report->all->out;
    g_autofree char *path = arec_text_printable (report->file->path);

    tool_output_format (out, "%s: %s, %" PRIu64 " records in %" PRIu64 " chunks are sound",
                        path, result->n_damages == 0 ? "ok" : "damaged", result->n_records,
                        result->n_chunks);
    if (report->file->has_range) {
        tool_output_format (out, " (of the whole file, not only of %" PRIu64 ":%" PRIu64 ")",
                            result->first_record, result->end_record);
    }
    tool_output_end_line (out);
}

static void
put_result (const Report *report, const ArecVerifyResult *result)
{
    if (report->all->line->json) {
        put_result_json (report, result);
    } else if (!report->is_foreign && (result->n_damages > 0 || !report->all->line->quiet)) {
        put_result_text (report, result);
    }
}

static void
verify_file (Verification *all, size_t i)
{
    g_autoptr (ToolTiming) timing =
        tool_command_line_puts_timing (all->line) ? tool_timing_new() : NULL;
    Report report = {.all = all, .file = arec_source_list_get (all->list, i), .timing = timing};
    const ArecVerifyOptions options = {.n_threads = all->line->engine_options.max_parallelism,
                                       .damage = on_damage,
                                       .progress = on_progress,
                                       .data = &report};
    g_autoptr (GError) error = NULL;
    ArecVerifyResult result;

    if (all->line->json) {
        tool_output_text (all->out, i > 0 ? ",\n  {\"path\": " : "\n  {\"path\": ");
        tool_output_json_string (all->out, report.file->path);
        tool_output_text (all->out, ", \"damages\": [");
    }
    if (arec_verify_file (all->engine, all->list, i, &all->line->reader_options, &options,
                          &result, &error)) {
        put_result (&report, &result);
        if (result.n_damages > 0) {
            note_exit_code (all, TOOL_EXIT_DAMAGED);
        }
        return;
    }
    if (all->line->json) {
        tool_output_text (all->out, "], \"ok\": false, \"records\": null");
        end_json (&report);
    }
    note_error (all, error);
}

static void
add_operands (Verification *all)
{
    for (size_t i = 0; i < all->line->n_operands; i++) {
        g_autoptr (GError) error = NULL;

        if (!tool_command_line_add_source (all->line, i, all->list, &error)) {
            note_error (all, error);
        }
    }
}

/* Shards that are missing are no damage of a file, but all that is wrong with some sets. What
 * could not be read is not verified, which is a failure. */
static void
tell_notes (Verification *all)
{
    uint64_t n_more = arec_source_list_n_more_notes (all->list);

    arec_source_list_check_shards (all->list);
    for (size_t i = 0; i < arec_source_list_n_notes (all->list); i++) {
        const ArecSourceNote *note = arec_source_list_note (all->list, i);
        g_autofree char *message = g_strdup_printf ("%s: %s", note->path, note->reason);

        tool_output_flush (all->out);
        tool_command_tell (message);
        if (note->kind == AREC_NOTE_LEFT_OUT) {
            note_exit_code (all, TOOL_EXIT_NOT_OPENED);
        }
    }
    if (n_more > 0) {
        g_autofree char *message = g_strdup_printf ("%" PRIu64 " more such lines", n_more);

        tool_command_tell (message);
    }
}

int
tool_cmd_verify (const ToolCommand *command, int argc, char **argv)
{
    static const GOptionEntry entries[] = {G_OPTION_ENTRY_NULL};
    g_auto (ToolCommandLine) line = {0};
    g_autoptr (ArecSourceList) list = arec_source_list_new();
    g_autoptr (ArecEngine) engine = NULL;
    g_autoptr (ToolOutput) out = NULL;
    Verification all = {.list = list, .line = &line, .tally = {.list = list}};
    int exit_code;

    if (!tool_command_line_parse (command, argc, argv, entries, &line, &exit_code)) {
        return exit_code;
    }
    all.engine = engine = arec_engine_new (&line.engine_options);
    arec_engine_list_buckets (engine, list, NULL);
    all.out = out = tool_command_stdout();
    tool_output_text (out, line.json ? "[" : "");
    add_operands (&all);
    tell_notes (&all);
    tool_progress_start (&all.progress, line.quiet, TOOL_PROGRESS_BYTES, 0);
    for (size_t i = 0; i < arec_source_list_length (list) && tool_output_check (out, NULL);
         i++) {
        verify_file (&all, i);
    }
    if (line.json) {
        tool_output_text (out, arec_source_list_length (list) > 0 ? "\n]\n" : "]\n");
    }
    tool_command_line_tell_stats (&line, engine);
    exit_code = tool_command_finish (out, NULL);
    if (exit_code == TOOL_EXIT_DONE) {
        tool_command_line_tell_timing (&line);
    }
    return all.exit_code != TOOL_EXIT_DONE ? all.exit_code : exit_code;
}
