/* arec repair -o OUT FILE: a sound copy of what is sound, with a new index. */
#include <inttypes.h>
#include <string.h>

#include <glib.h>

#include <arec/arec.h>

#include "frame/command_line.h"
#include "frame/damage_text.h"
#include "frame/interrupt.h"
#include "frame/progress.h"
#include "look/look.h"

typedef struct {
    const char *path;
    ToolOutput *json; /* NULL: told as text */
    uint64_t n_told;  /* damages */
    int64_t begin;    /* microseconds */
    ToolProgress progress;
} Report;

static void
on_damage (void *data, const ArecDamage *damage)
{
    Report *report = data;

    if (report->json) {
        tool_output_text (report->json, report->n_told > 0 ? ",\n  " : "\n  ");
        tool_damage_text_put_json (report->json, damage);
    } else {
        g_autofree char *text = tool_damage_text (report->path, damage);

        tool_command_tell (text);
    }
    report->n_told++;
}

static void
on_progress (void *data, uint64_t done, uint64_t total)
{
    Report *report = data;

    report->progress.total = total;
    tool_progress_reach (&report->progress, done);
}

static void
on_note (void *data, const char *text)
{
    (void)data;
    tool_command_tell (text);
}

static void
begin_json (const Report *report, const char *out)
{
    tool_output_text (report->json, "{\"path\": ");
    tool_output_json_string (report->json, report->path);
    tool_output_text (report->json, ", \"out\": ");
    tool_output_json_string (report->json, out);
    tool_output_text (report->json, ", \"damages\": [");
}

/* @result  NULL: nothing was written. */
static void
end_json (const Report *report, const ArecRepairResult *result)
{
    tool_output_text (report->json, report->n_told > 0 ? "\n]" : "]");
    if (result) {
        tool_output_format (report->json,
                            ", \"written\": true, \"records\": %" PRIu64
                            ", \"chunks\": %" PRIu64 ", \"lost\": %" PRIu64
                            ", \"lost_unknown\": %s, \"file_size\": %" PRIu64,
                            result->n_records, result->n_chunks, result->n_records_lost,
                            result->lost_unknown ? "true" : "false", result->file_size);
    } else {
        tool_output_text (report->json, ", \"written\": false, \"records\": null, "
                                        "\"chunks\": null, \"lost\": null, "
                                        "\"lost_unknown\": null, \"file_size\": null");
    }
    tool_output_format (report->json, ", \"seconds\": %.3f}\n",
                        (double)(g_get_monotonic_time() - report->begin) / G_USEC_PER_SEC);
}

static void
tell_result (const char *out, const ArecRepairResult *result)
{
    g_autofree char *text = g_strdup_printf (
        "%s: %" PRIu64 " records in %" PRIu64 " sound chunks kept, %" PRIu64 " records%s lost",
        arec_output_is_stdout (out) ? "standard output" : out, result->n_records,
        result->n_chunks, result->n_records_lost,
        result->lost_unknown ? " and an unknown number more" : "");

    tool_command_tell (text);
}

/* Whether @path is a file followed by a range, and no file of that name. */
static bool
has_range (const char *path)
{
    const char *bracket = strrchr (path, '[');
    g_autofree char *file = bracket ? g_strndup (path, (size_t)(bracket - path)) : NULL;
    g_autofree char *inside = NULL;
    ArecRangeText range;

    if (!bracket || !g_str_has_suffix (bracket, "]") ||
        !g_file_test (file, G_FILE_TEST_EXISTS) || g_file_test (path, G_FILE_TEST_EXISTS)) {
        return false;
    }
    inside = g_strndup (bracket + 1, strlen (bracket) - 2);
    return arec_range_parse (inside, &range, NULL);
}

/* Returns the exit code. */
static int
repair (const ToolCommandLine *line, const char *out, const ArecRepairOptions *asked,
        Report *report, GError **error)
{
    g_autoptr (ArecSourceList) list = arec_source_list_new();
    g_autoptr (ArecEngine) engine = arec_engine_new (&line->engine_options);
    ArecRepairOptions options = *asked;
    ArecRepairResult result;
    bool done;

    options.n_threads = line->engine_options.max_parallelism;
    options.damage = on_damage;
    options.progress = on_progress;
    options.note = line->quiet ? NULL : on_note;
    options.data = report;
    tool_progress_start (&report->progress, line->quiet, TOOL_PROGRESS_BYTES, 0);
    tool_interrupt_expect (1, NULL, NULL);
    if (report->json) {
        begin_json (report, out);
    }
    done = arec_source_list_add_literal (list, line->operands[0], error) &&
           arec_repair_file (engine, list, 0, out, &line->reader_options, &options, &result,
                             error);
    if (report->json) {
        end_json (report, done ? &result : NULL);
    } else if (done && !line->quiet) {
        tell_result (out, &result);
    }
    if (!done) {
        return arec_error_exit_code (*error);
    }
    tool_command_line_tell_stats (line, engine);
    return result.n_records_lost > 0 || result.lost_unknown ? TOOL_EXIT_DAMAGED
                                                            : TOOL_EXIT_DONE;
}

int
tool_cmd_repair (const ToolCommand *command, int argc, char **argv)
{
    g_autofree char *path = NULL;
    gboolean replace = FALSE, no_sync = FALSE, reencode = FALSE;
    const GOptionEntry entries[] = {
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &path,
         "The file to write; - is standard output", "OUT"},
        {"force", 'f', 0, G_OPTION_ARG_NONE, &replace,
         "Replace an existing OUT, write to a terminal", NULL},
        {"no-sync", 0, 0, G_OPTION_ARG_NONE, &no_sync, "Do not wait for the disk", NULL},
        {"reencode", 0, 0, G_OPTION_ARG_NONE, &reencode,
         "Encode the records anew, in even groups", NULL},
        G_OPTION_ENTRY_NULL,
    };
    g_auto (ToolCommandLine) line = {0};
    g_autoptr (ToolOutput) out = NULL;
    g_autoptr (GError) error = NULL;
    ArecRepairOptions options;
    g_autofree char *shown = NULL;
    Report report = {0};
    int exit_code, finish_code;

    if (!tool_command_line_parse (command, argc, argv, entries, &line, &exit_code)) {
        return exit_code;
    }
    if (!path) {
        return tool_command_tell_usage (command, "-o OUT is missing");
    }
    if (line.n_operands != 1) {
        return tool_command_tell_usage (command, "one FILE is expected");
    }
    shown = arec_source_shown (line.operands[0]);
    if (has_range (line.operands[0])) {
        return tool_command_tell_usage (
            command, "%s: a file is repaired as a whole, without a range", shown);
    }
    out = tool_command_output_beside (path);
    options = (ArecRepairOptions){.output = {.replace = replace, .no_sync = no_sync},
                                  .reencode = reencode};
    report.path = shown;
    report.begin = g_get_monotonic_time();
    report.json = line.json ? out : NULL;
    exit_code = repair (&line, path, &options, &report, &error);
    finish_code = tool_command_finish (out, error);
    return exit_code != TOOL_EXIT_DONE ? exit_code : finish_code;
}
