/* arec repair -o OUT FILE: a sound copy of what is sound, with a new index. */
#include <inttypes.h>

#include <glib.h>

#include <arec/arec.h>

#include "command.h"
#include "damage_text.h"
#include "progress.h"

typedef struct {
    const char *path;
    ArecProgress progress;
} Report;

static void
on_damage (void *data, const ArecDamage *damage)
{
    const Report *report = data;
    g_autofree char *text = arec_damage_text (report->path, damage);

    arec_command_tell (text);
}

static void
on_progress (void *data, uint64_t done, uint64_t total)
{
    Report *report = data;

    report->progress.total = total;
    arec_progress_reach (&report->progress, done);
}

static void
tell_result (const char *out, const ArecRepairResult *result, bool quiet)
{
    g_autofree char *text = g_strdup_printf (
        "%s: %" PRIu64 " records in %" PRIu64 " sound chunks kept, %" PRIu64 " records%s lost",
        out, result->n_records, result->n_chunks, result->n_records_lost,
        result->lost_unknown ? " and an unknown number more" : "");

    if (!quiet) {
        arec_command_tell (text);
    }
}

/* Returns the exit code. */
static int
repair (const ArecCommandLine *line, const char *out, bool replace, bool reencode,
        GError **error)
{
    g_autoptr (ArecSourceList) list = arec_source_list_new();
    g_autoptr (ArecEngine) engine = arec_engine_new (&line->engine_options);
    Report report = {.path = line->operands[0]};
    const ArecRepairOptions options = {.replace = replace,
                                       .reencode = reencode,
                                       .n_threads = line->engine_options.max_parallelism,
                                       .damage = on_damage,
                                       .progress = on_progress,
                                       .data = &report};
    ArecRepairResult result;

    if (!arec_source_list_add_literal (list, line->operands[0], error)) {
        return arec_error_exit_code (*error);
    }
    arec_progress_start (&report.progress, line->quiet, AREC_PROGRESS_BYTES, 0);
    if (!arec_repair_file (engine, list, 0, out, &line->reader_options, &options, &result,
                           error)) {
        return arec_error_exit_code (*error);
    }
    arec_progress_clear();
    tell_result (out, &result, line->quiet);
    arec_command_tell_stats (line, engine);
    return result.n_records_lost > 0 || result.lost_unknown ? AREC_EXIT_DAMAGED
                                                            : AREC_EXIT_DONE;
}

int
arec_cmd_repair (const ArecCommand *command, int argc, char **argv)
{
    g_autofree char *out = NULL;
    gboolean replace = FALSE, reencode = FALSE;
    const GOptionEntry entries[] = {
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &out, "The file to write", "OUT"},
        {"force", 'f', 0, G_OPTION_ARG_NONE, &replace, "Replace an existing OUT", NULL},
        {"reencode", 0, 0, G_OPTION_ARG_NONE, &reencode,
         "Encode the records anew, in even groups", NULL},
        G_OPTION_ENTRY_NULL,
    };
    g_auto (ArecCommandLine) line = {0};
    g_autoptr (GError) error = NULL;
    int exit_code;

    if (!arec_command_parse (command, argc, argv, entries, &line, &exit_code)) {
        return exit_code;
    }
    if (!out) {
        return arec_command_tell_usage (command, "-o OUT is missing");
    }
    if (line.n_operands != 1) {
        return arec_command_tell_usage (command, "one FILE is expected");
    }
    exit_code = repair (&line, out, replace, reencode, &error);
    if (error) {
        arec_progress_clear();
        arec_command_tell (error->message);
    }
    return exit_code;
}
