/* arec doctor FILE...: what the layout of each file suits, what is wrong with it, what a random
 * read of it costs, and the commands that make it better. */
#include <string.h>

#include "doctor/doctor.h"
#include "doctor/doctor_findings.h"
#include "doctor/doctor_report.h"
#include "doctor/doctor_sample.h"
#include "doctor/doctor_sets.h"
#include "doctor/doctor_words.h"
#include "frame/command_line.h"

#define PLACES 32
#define DEEP_PLACES 1024

/* All operands. */
typedef struct {
    ToolOutput *out;
    ToolCommandLine *line;
    unsigned access;
    const char *profile; /* of the access; NULL: none was named */
    bool is_deep;
    ArecEngine *engine;
    ArecSourceList *list;
    ToolDoctorSets sets;
    size_t n_told; /* files and sets */
    int first_failure;
} Round;

/* One file. */
typedef struct {
    Round *round;
    size_t number; /* in the list */
    char *operand; /* as commands name it */
    ArecReaderOptions reader_options;
    ArecReader *reader;
    ToolFileFacts facts;
    ToolDoctorLayout layout;
    ToolDoctorTimes times;
    ToolDoctorTrials trials;
    GPtrArray *damages; /* of GError * */
} Patient;

static void
patient_clear (Patient *patient)
{
    g_free (patient->operand);
    tool_doctor_trials_clear (&patient->trials);
    tool_doctor_layout_clear (&patient->layout);
    tool_file_facts_clear (&patient->facts);
    g_clear_pointer (&patient->reader, arec_reader_unref);
    g_clear_pointer (&patient->damages, g_ptr_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Patient, patient_clear)

/* ---- options ---- */

/* Names of --access are those of profiles, too. */
static const struct {
    const char *name;
    ToolDoctorAccess access;
} accesses[] = {
    {"sequential", TOOL_DOCTOR_FOR_SEQUENTIAL},
    {"random", TOOL_DOCTOR_FOR_RANDOM},
    {"batch", TOOL_DOCTOR_FOR_BATCH},
    {"low-memory", TOOL_DOCTOR_FOR_LOW_MEMORY},
};

static bool
take_access (Round *round, const char *text, GError **error)
{
    round->access = TOOL_DOCTOR_FOR_ALL;
    for (size_t i = 0; text && i < G_N_ELEMENTS (accesses); i++) {
        if (strcmp (text, accesses[i].name) == 0) {
            round->access = accesses[i].access;
            round->profile = accesses[i].name;
            return true;
        }
    }
    return !text || arec_fail (error, AREC_ERROR_INVALID,
                               "--access: invalid value: %s, expected sequential, random, "
                               "batch or low-memory",
                               text);
}

/* ---- one file ---- */

static bool
open_file (Patient *patient, GError **error)
{
    Round *round = patient->round;

    tool_file_facts_clear (&patient->facts);
    g_clear_pointer (&patient->reader, arec_reader_unref);
    patient->reader = arec_reader_open_list (round->engine, round->list, patient->number, 1,
                                             &patient->reader_options, error);
    return patient->reader && tool_file_facts_get (&patient->facts, patient->reader, error);
}

/* A damage in the chunks that show the codec is one to tell; the other chunks show it, too. */
static bool
open_leniently (Patient *patient, GError **error)
{
    GError *failure = NULL;

    if (open_file (patient, &failure)) {
        return true;
    }
    if (!patient->reader || !arec_error_is_of_bytes (failure)) {
        g_propagate_error (error, failure);
        return false;
    }
    g_ptr_array_add (patient->damages, failure);
    patient->reader_options.recover = true;
    return open_file (patient, error);
}

static bool
measure (Patient *patient, GError **error)
{
    const Round *round = patient->round;
    const ToolDoctorSource source = {
        .list = round->list, .file = patient->number, .options = &patient->reader_options};

    return tool_doctor_layout_walk (&patient->layout, patient->reader,
                                    round->is_deep ? DEEP_PLACES : PLACES, error) &&
           tool_doctor_measure (&source, &patient->layout, patient->damages, &patient->times,
                                error) &&
           (!round->is_deep || tool_doctor_measure_all (&source, patient->damages, error));
}

/* The options that made the file, as far as it says. */
static void
find_own (Patient *patient, ArecWriterOptions *own)
{
    if (!arec_file_options_of (patient->reader, 0, own, NULL)) {
        arec_writer_options_init (own);
        own->group_size = (uint32_t)CLAMP (patient->facts.info.group_size, 1, G_MAXINT32);
    }
}

static void
try_others (Patient *patient, const ArecWriterOptions *own)
{
    const ToolDoctorLayout *layout = &patient->layout;
    g_auto (ToolBenchData) data = {0};
    double messages;

    tool_doctor_sample_take (&data, patient->reader, layout,
                             tool_doctor_trials_sample_size (own), &messages);
    if (data.n_records == 0) {
        return;
    }
    tool_doctor_trials_plan (&patient->trials, own, (double)data.size / (double)data.n_records,
                             (double)layout->n_records / (double)layout->n_chunks,
                             tool_doctor_rules_may_transpose (patient->facts.transposed,
                                                              layout->max_records, messages));
    tool_doctor_trials_run (&patient->trials, &data);
}

/* Tells each damage once, and counts them. */
static size_t
tell_damages (Patient *patient)
{
    g_autoptr (GHashTable) told = g_hash_table_new (g_str_hash, g_str_equal);

    for (guint i = 0; i < patient->damages->len; i++) {
        const GError *damage = g_ptr_array_index (patient->damages, i);

        if (g_hash_table_add (told, damage->message)) {
            tool_command_note (patient->round->out, damage, &patient->round->first_failure);
        }
    }
    return g_hash_table_size (told);
}

/* What separates one JSON object, or one block, from the one before. */
static void
put_separator (Round *round)
{
    bool is_first = round->n_told++ == 0;

    if (round->line->json) {
        tool_output_text (round->out, is_first ? "\n  " : ",\n  ");
    } else if (!is_first) {
        tool_output_byte (round->out, '\n');
    }
}

static uint64_t
cache_size (const Round *round)
{
    uint64_t typed = round->line->engine_options.cache_size;

    return typed > 0 ? typed : arec_engine_auto_cache_size();
}

static void
report (Patient *patient, const ArecWriterOptions *own)
{
    Round *round = patient->round;
    const GError *first =
        patient->damages->len > 0 ? g_ptr_array_index (patient->damages, 0) : NULL;
    const ToolDoctorCase one = {.file = patient->operand,
                                .facts = &patient->facts,
                                .layout = &patient->layout,
                                .times = &patient->times,
                                .trials = &patient->trials,
                                .own = *own,
                                .n_damages = tell_damages (patient),
                                .damage = first ? first->message : NULL,
                                .cache_size = cache_size (round),
                                .access = round->access,
                                .profile = round->profile};
    g_autoptr (GPtrArray) findings = tool_doctor_findings_new (&one);

    put_separator (round);
    if (round->line->json) {
        tool_doctor_report_put_file_json (round->out, &one, findings);
    } else {
        tool_doctor_report_put_file (round->out, &one, findings);
    }
}

/* How commands name file @number: as it was typed, if that was one file. */
static char *
operand_of (const Round *round, size_t number, const char *typed)
{
    const ArecSourceFile *file = arec_source_list_get (round->list, number);
    g_autofree char *shown = arec_source_shown (typed);

    return tool_doctor_words_operand (file->form == AREC_SOURCE_LITERAL ? shown : file->path);
}

static bool
examine (Round *round, size_t number, const char *typed, GError **error)
{
    g_auto (Patient) patient = {.round = round,
                                .number = number,
                                .operand = operand_of (round, number, typed),
                                .reader_options = round->line->reader_options};
    ArecWriterOptions own;

    patient.damages = g_ptr_array_new_with_free_func ((GDestroyNotify)g_error_free);
    if (!open_leniently (&patient, error) || !measure (&patient, error)) {
        return false;
    }
    find_own (&patient, &own);
    try_others (&patient, &own);
    report (&patient, &own);
    tool_doctor_sets_add (&round->sets, patient.facts.info.path, patient.facts.info.file_size);
    return true;
}

/* ---- all files ---- */

static void
examine_operand (Round *round, size_t i, size_t *file)
{
    const char *operand = round->line->operands[i];
    g_autoptr (GError) error = NULL;

    if (!tool_file_facts_add_file (round->list, round->line, i, &error)) {
        tool_command_note (round->out, error, &round->first_failure);
    }
    for (;
         *file < arec_source_list_length (round->list) && tool_output_check (round->out, NULL);
         (*file)++) {
        g_autoptr (GError) failure = NULL;

        if (!examine (round, *file, operand, &failure)) {
            tool_command_note (round->out, failure, &round->first_failure);
        }
    }
}

/* Sets of which there is something to say. */
static void
put_sets (Round *round)
{
    tool_doctor_sets_check (&round->sets, round->list);
    for (guint i = 0; i < round->sets.sets->len; i++) {
        const ToolDoctorSet *set = g_ptr_array_index (round->sets.sets, i);
        g_autoptr (GPtrArray) findings = tool_doctor_findings_new_of_set (set);

        if (findings->len == 0) {
            continue;
        }
        put_separator (round);
        if (round->line->json) {
            tool_doctor_report_put_set_json (round->out, set, findings);
        } else {
            tool_doctor_report_put_set (round->out, set, findings);
        }
    }
}

static void
put_all (Round *round)
{
    const ToolCommandLine *line = round->line;
    size_t file = 0;

    tool_output_text (round->out, line->json ? "[" : "");
    for (size_t i = 0; i < line->n_operands; i++) {
        examine_operand (round, i, &file);
    }
    put_sets (round);
    if (line->json) {
        tool_output_text (round->out, round->n_told > 0 ? "\n]\n" : "]\n");
    }
}

int
tool_cmd_doctor (const ToolCommand *command, int argc, char **argv)
{
    g_autofree char *access = NULL;
    gboolean is_deep = FALSE;
    const GOptionEntry entries[] = {
        {"access", 0, 0, G_OPTION_ARG_FILENAME, &access,
         "What it is read for: sequential, random, batch or low-memory (default: anything)",
         "ACCESS"},
        {"deep", 0, 0, G_OPTION_ARG_NONE, &is_deep, "Decode all chunks, not a sample", NULL},
        G_OPTION_ENTRY_NULL,
    };
    g_auto (ToolCommandLine) line = {0};
    g_autoptr (ArecSourceList) list = arec_source_list_new();
    g_autoptr (ArecSourceList) all = arec_source_list_new();
    g_autoptr (ArecEngine) engine = NULL;
    g_autoptr (ToolOutput) out = NULL;
    g_autoptr (GError) error = NULL;
    Round round = {.line = &line, .list = list};
    int exit_code;

    if (!tool_command_line_parse (command, argc, argv, entries, &line, &exit_code)) {
        return exit_code;
    }
    if (!take_access (&round, access, &error)) {
        return tool_command_tell_usage (command, "%s", error->message);
    }
    round.engine = engine = arec_engine_new (&line.engine_options);
    arec_engine_list_buckets (engine, list, NULL);
    round.out = out = tool_command_stdout();
    round.is_deep = is_deep;
    tool_file_facts_count_scans (&line, all);
    tool_doctor_sets_init (&round.sets);
    put_all (&round);
    tool_doctor_sets_clear (&round.sets);
    tool_command_line_tell_stats (&line, engine);
    exit_code = tool_command_finish (out, NULL);
    return round.first_failure != TOOL_EXIT_DONE ? round.first_failure : exit_code;
}
