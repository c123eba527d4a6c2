/* arec verify FILE...: reads and checks everything, and names each damage. */
#include <inttypes.h>

#include <glib.h>

#include <arec/arec.h>

#include "command.h"
#include "damage_text.h"
#include "progress.h"

/* What is told of one file while it is checked. */
typedef struct {
    ArecOutput *out;
    bool json;
    const char *path;
    uint64_t n_told; /* damages */
    ArecProgress progress;
} Report;

static void
put_number_or_null (ArecOutput *out, bool is_known, uint64_t number)
{
    if (is_known) {
        arec_output_u64 (out, number);
    } else {
        arec_output_text (out, "null");
    }
}

static void
put_damage_json (Report *report, const ArecDamage *damage)
{
    arec_output_format (
        report->out, "%s{\"offset\": %" PRIu64 ", \"length\": %" PRIu64 ", \"reason\": ",
        report->n_told > 0 ? ",\n    " : "\n    ", damage->offset, damage->length);
    arec_output_json_string (report->out, damage->reason);
    arec_output_text (report->out, ", \"first_record\": ");
    put_number_or_null (report->out, damage->knows_first_record, damage->first_record);
    arec_output_text (report->out, ", \"records\": ");
    put_number_or_null (report->out, damage->knows_n_records, damage->n_records);
    arec_output_byte (report->out, '}');
}

static void
on_damage (void *data, const ArecDamage *damage)
{
    Report *report = data;

    if (report->json) {
        put_damage_json (report, damage);
    } else {
        g_autofree char *text = arec_damage_text (report->path, damage);

        arec_output_format (report->out, "%s\n", text);
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
put_result (Report *report, const ArecVerifyResult *result)
{
    g_autofree char *path = arec_text_printable (report->path);

    if (report->json) {
        arec_output_format (report->out, "%s], \"ok\": %s, \"records\": %" PRIu64 "}",
                            report->n_told > 0 ? "\n  " : "",
                            result->n_damages == 0 ? "true" : "false", result->n_records);
    } else {
        arec_output_format (
            report->out, "%s: %s, %" PRIu64 " records in %" PRIu64 " chunks are sound\n", path,
            result->n_damages == 0 ? "ok" : "damaged", result->n_records, result->n_chunks);
    }
}

/* @n_files  files told so far. Returns whether the file is sound; false too with *error set. */
static bool
verify_file (ArecOutput *out, ArecEngine *engine, ArecSourceList *list, size_t file,
             const ArecCommandLine *line, size_t n_files, GError **error)
{
    Report report = {
        .out = out, .json = line->json, .path = arec_source_list_get (list, file)->path};
    const ArecVerifyOptions options = {.n_threads = line->engine_options.max_parallelism,
                                       .damage = on_damage,
                                       .progress = on_progress,
                                       .data = &report};
    ArecVerifyResult result;

    arec_progress_start (&report.progress, line->quiet, AREC_PROGRESS_BYTES, 0);
    if (line->json) {
        arec_output_text (out, n_files > 0 ? ",\n  {\"path\": " : "\n  {\"path\": ");
        arec_output_json_string (out, report.path);
        arec_output_text (out, ", \"damages\": [");
    }
    if (!arec_verify_file (engine, list, file, &line->reader_options, &options, &result,
                           error)) {
        if (line->json) {
            arec_output_text (out, "], \"ok\": false, \"records\": null}");
        }
        return false;
    }
    put_result (&report, &result);
    return result.n_damages == 0;
}

/* Shards that are missing are no damage of a file, but all that is wrong with some sets. */
static void
tell_notes (ArecOutput *out, ArecSourceList *list)
{
    arec_source_list_check_shards (list);
    for (size_t i = 0; i < arec_source_list_n_notes (list); i++) {
        const ArecSourceNote *note = arec_source_list_note (list, i);
        g_autofree char *message = g_strdup_printf ("%s: %s", note->path, note->reason);

        arec_output_flush (out);
        arec_command_tell (message);
    }
}

int
arec_cmd_verify (const ArecCommand *command, int argc, char **argv)
{
    static const GOptionEntry entries[] = {G_OPTION_ENTRY_NULL};
    g_auto (ArecCommandLine) line = {0};
    g_autoptr (ArecSourceList) list = arec_source_list_new();
    g_autoptr (ArecEngine) engine = NULL;
    g_autoptr (ArecOutput) out = NULL;
    int first_failure = AREC_EXIT_DONE;
    int exit_code;

    if (!arec_command_parse (command, argc, argv, entries, &line, &exit_code)) {
        return exit_code;
    }
    engine = arec_engine_new (&line.engine_options);
    out = arec_command_stdout();
    arec_output_text (out, line.json ? "[" : "");
    for (size_t i = 0; i < line.n_operands; i++) {
        g_autoptr (GError) error = NULL;

        if (!arec_source_list_add (list, line.operands[i], NULL, &error)) {
            arec_command_note (out, error, &first_failure);
        }
    }
    tell_notes (out, list);
    for (size_t i = 0; i < arec_source_list_length (list) && arec_output_check (out, NULL);
         i++) {
        g_autoptr (GError) error = NULL;
        bool is_sound = verify_file (out, engine, list, i, &line, i, &error);

        if (error) {
            arec_command_note (out, error, &first_failure);
        } else if (!is_sound && first_failure == AREC_EXIT_DONE) {
            first_failure = AREC_EXIT_DAMAGED;
        }
    }
    if (line.json) {
        arec_output_text (out, arec_source_list_length (list) > 0 ? "\n]\n" : "]\n");
    }
    arec_command_tell_stats (&line, engine);
    exit_code = arec_command_finish (out, NULL);
    return first_failure != AREC_EXIT_DONE ? first_failure : exit_code;
}
