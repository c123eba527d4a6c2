/* arec repair -o OUT FILE: a sound copy of what is sound, with a new index. */
#include <inttypes.h>

#include <glib.h>

#include <arec/arec.h>

#include "command.h"
#include "damage_text.h"
#include "progress.h"

typedef struct {
    const char *path;
    ArecOutput *json; /* NULL: told as text */
    uint64_t n_told;  /* damages */
    ArecProgress progress;
} Report;

static void
on_damage (void *data, const ArecDamage *damage)
{
    Report *report = data;

    if (report->json) {
        arec_output_text (report->json, report->n_told > 0 ? ",\n  " : "\n  ");
        arec_damage_put_json (report->json, damage);
    } else {
        g_autofree char *text = arec_damage_text (report->path, damage);

        arec_command_tell (text);
    }
    report->n_told++;
}

static void
on_progress (void *data, uint64_t done, uint64_t total)
{
    Report *report = data;

    report->progress.total = total;
    arec_progress_reach (&report->progress, done);
}

static void
begin_json (const Report *report, const char *out)
{
    arec_output_text (report->json, "{\"path\": ");
    arec_output_json_string (report->json, report->path);
    arec_output_text (report->json, ", \"output\": ");
    arec_output_json_string (report->json, out);
    arec_output_text (report->json, ", \"damages\": [");
}

/* @result  NULL: nothing was written. */
static void
end_json (const Report *report, const ArecRepairResult *result)
{
    arec_output_text (report->json, report->n_told > 0 ? "\n]" : "]");
    if (result) {
        arec_output_format (report->json,
                            ", \"written\": true, \"records\": %" PRIu64
                            ", \"chunks\": %" PRIu64 ", \"records_lost\": %" PRIu64
                            ", \"lost_unknown\": %s}\n",
                            result->n_records, result->n_chunks, result->n_records_lost,
                            result->lost_unknown ? "true" : "false");
    } else {
        arec_output_text (report->json, ", \"written\": false, \"records\": null, "
                                        "\"chunks\": null, \"records_lost\": null, "
                                        "\"lost_unknown\": null}\n");
    }
}

static void
tell_result (const char *out, const ArecRepairResult *result)
{
    g_autofree char *text = g_strdup_printf (
        "%s: %" PRIu64 " records in %" PRIu64 " sound chunks kept, %" PRIu64 " records%s lost",
        out, result->n_records, result->n_chunks, result->n_records_lost,
        result->lost_unknown ? " and an unknown number more" : "");

    arec_command_tell (text);
}

/* Returns the exit code. */
static int
repair (const ArecCommandLine *line, const char *out, const ArecRepairOptions *asked,
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
    options.data = report;
    arec_progress_start (&report->progress, line->quiet, AREC_PROGRESS_BYTES, 0);
    if (report->json) {
        begin_json (report, out);
    }
    done = arec_source_list_add_literal (list, report->path, error) &&
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
    arec_command_tell_stats (line, engine);
    return result.n_records_lost > 0 || result.lost_unknown ? AREC_EXIT_DAMAGED
                                                            : AREC_EXIT_DONE;
}

int
arec_cmd_repair (const ArecCommand *command, int argc, char **argv)
{
    g_autofree char *path = NULL;
    gboolean replace = FALSE, reencode = FALSE;
    const GOptionEntry entries[] = {
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &path, "The file to write", "OUT"},
        {"force", 'f', 0, G_OPTION_ARG_NONE, &replace, "Replace an existing OUT", NULL},
        {"reencode", 0, 0, G_OPTION_ARG_NONE, &reencode,
         "Encode the records anew, in even groups", NULL},
        G_OPTION_ENTRY_NULL,
    };
    g_auto (ArecCommandLine) line = {0};
    g_autoptr (ArecOutput) out = NULL;
    g_autoptr (GError) error = NULL;
    ArecRepairOptions options;
    Report report = {0};
    int exit_code, finish_code;

    if (!arec_command_parse (command, argc, argv, entries, &line, &exit_code)) {
        return exit_code;
    }
    if (!path) {
        return arec_command_tell_usage (command, "-o OUT is missing");
    }
    if (line.n_operands != 1) {
        return arec_command_tell_usage (command, "one FILE is expected");
    }
    out = arec_command_stdout();
    options = (ArecRepairOptions){.replace = replace, .reencode = reencode};
    report.path = line.operands[0];
    report.json = line.json ? out : NULL;
    exit_code = repair (&line, path, &options, &report, &error);
    finish_code = arec_command_finish (out, error);
    return exit_code != AREC_EXIT_DONE ? exit_code : finish_code;
}
