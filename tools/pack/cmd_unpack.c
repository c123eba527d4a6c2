/* arec unpack FILE DIR [RANGE]..., arec unpack --tar FILE [RANGE]...: a file a record. */
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include <glib.h>

#include <arec/arec.h>

#include "frame/command_line.h"
#include "frame/interrupt.h"
#include "frame/progress.h"
#include "frame/selection.h"
#include "frame/stored_names.h"
#include "pack/pack.h"
#include "pack/safe_name.h"
#include "pack/tar_stream.h"
#include "pack/unpack_names.h"
#include "pack/unpack_tree.h"

/* The options as typed. */
typedef struct {
    gboolean force;
    gboolean tar;
    gboolean webdataset;
    char *names;
    char *suffix;
} UnpackText;

static void
unpack_text_clear (UnpackText *text)
{
    g_free (text->names);
    g_free (text->suffix);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (UnpackText, unpack_text_clear)

/* What --names asks for. */
typedef enum {
    NAMES_BEST, /* stored where they are, else padded */
    NAMES_PADDED,
    NAMES_PLAIN,
    NAMES_STORED,
} NameForm;

/* How records are named, before the file is known. */
typedef struct {
    NameForm form;
    bool is_webdataset;
    char suffix[AREC_MAX_SUFFIX + 1]; /* `auto` for that of the first record */
} Naming;

typedef struct {
    const char *dir; /* NULL: a tar archive on standard output */
    bool force;
    const Naming *naming;
    ToolCommandLine *line;
    ToolOutput *out;
    ToolSelection selection;
    GPtrArray *stored; /* of each file of the reader: its ArecStoredNames, or NULL */
    ToolUnpackPlan *plan;
    ToolUnpackNames names;
    GString *name;      /* of the record in work */
    uint64_t n_renamed; /* records whose stored names cannot be used */
    uint64_t first_renamed;
    bool has_bad_names;   /* a file has names of which none can be used */
    ToolUnpackTree *tree; /* NULL for a tar archive */
    GByteArray *header;   /* of a member, its memory is kept */
    ToolProgress progress;
    int64_t start;
    uint64_t n_files; /* done */
    uint64_t bytes;   /* of them */
    int damaged_code; /* exit code of the first damage; 0: none */
} Job;

static void
job_clear (Job *job)
{
    tool_unpack_tree_free (job->tree);
    tool_unpack_plan_free (job->plan);
    g_clear_pointer (&job->stored, g_ptr_array_unref); /* before its reader */
    tool_selection_clear (&job->selection);
    if (job->name) {
        g_string_free (job->name, TRUE);
    }
    g_clear_pointer (&job->header, g_byte_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Job, job_clear)

/* ---- the command line ---- */

static bool
parse_names (const char *text, Naming *naming, GError **error)
{
    static const char *const forms[] = {
        [NAMES_PADDED] = "padded", [NAMES_PLAIN] = "plain", [NAMES_STORED] = "stored"};

    for (unsigned form = NAMES_PADDED; form < G_N_ELEMENTS (forms); form++) {
        if (strcmp (text, forms[form]) == 0) {
            naming->form = (NameForm)form;
            return true;
        }
    }
    return arec_fail (error, AREC_ERROR_INVALID,
                      "--names: invalid value: %s, expected padded, plain or stored", text);
}

static bool
parse_naming (const UnpackText *text, Naming *naming, GError **error)
{
    naming->is_webdataset = text->webdataset;
    if (text->webdataset && !text->tar) {
        return arec_fail (error, AREC_ERROR_INVALID, "--webdataset needs --tar");
    }
    if (text->suffix && !arec_suffix_parse (text->suffix, naming->suffix, error)) {
        g_prefix_error (error, "--suffix: ");
        return false;
    }
    return !text->names || parse_names (text->names, naming, error);
}

/* A forgotten DIR must not make a folder of the name of a range. */
static bool
check_dir (const char *dir, GError **error)
{
    ArecRangeText range;

    if (strcmp (dir, "-") == 0) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          "-: only --tar writes to standard output; a folder of that name is "
                          "./-");
    }
    return !arec_range_parse (dir, &range, NULL) || g_file_test (dir, G_FILE_TEST_IS_DIR) ||
           arec_fail (error, AREC_ERROR_INVALID,
                      "DIR is missing; a folder of the name %s is ./%s", dir, dir);
}

/* Takes DIR out of the operands, if there is to be one, so that FILE and RANGEs are left.
 * @dir  (out) one of the operands. */
static bool
take_dir (ToolCommandLine *line, bool is_tar, const char **dir, GError **error)
{
    if (!is_tar) {
        if (line->n_operands < 2) {
            return arec_fail (error, AREC_ERROR_INVALID, "DIR is missing");
        }
        *dir = line->operands[1];
        memmove (line->operands + 1, line->operands + 2,
                 (line->n_operands - 1) * sizeof *line->operands); /* with the NULL */
        line->n_operands--;
        line->n_typed--;
    }
    for (size_t i = 1; i < line->n_operands; i++) {
        ArecRangeText range;

        if (!arec_range_parse (line->operands[i], &range, NULL)) {
            return arec_fail (error, AREC_ERROR_INVALID,
                              "after FILE%s only RANGEs are expected, not %s",
                              is_tar ? "" : " and DIR", line->operands[i]);
        }
    }
    return is_tar || check_dir (*dir, error);
}

/* ---- records ---- */

/* The time of the file that holds @record. */
static int64_t
mtime_of (ArecReader *reader, uint64_t record)
{
    struct stat st;

    arec_reader_file_stat (reader, arec_reader_file_of (reader, record), &st);
    return st.st_mtim.tv_sec;
}

static void
put_member (Job *job, const char *name, uint64_t record, const uint8_t *data, size_t size)
{
    const ToolTarMember member = {
        .name = name, .size = size, .mtime = mtime_of (job->selection.reader, record)};
    static const uint8_t zeros[512];

    g_byte_array_set_size (job->header, 0);
    tool_tar_stream_put_header (job->header, &member);
    tool_output_bytes (job->out, job->header->data, job->header->len);
    tool_output_bytes (job->out, data, size);
    tool_output_bytes (job->out, zeros, tool_tar_stream_padding (size));
}

static bool
put_record (Job *job, uint64_t record, const uint8_t *data, size_t size, GError **error)
{
    bool is_renamed = tool_unpack_names_format (&job->names, record, data, size, job->name);

    if (is_renamed && job->n_renamed++ == 0) {
        job->first_renamed = record;
    }
    if (job->tree) {
        if (!tool_unpack_tree_put (job->tree, job->name->str, data, size, error)) {
            return false;
        }
    } else {
        put_member (job, job->name->str, record, data, size);
        if (!tool_output_check (job->out, error)) {
            return false;
        }
    }
    job->n_files++;
    job->bytes += size;
    tool_progress_record (&job->progress, size);
    return true;
}

/* Damaged records are reported and left out. Any other failure ends the work. */
static bool
put_span (Job *job, const ToolSpan *span, GError **error)
{
    g_autoptr (ArecCursor) cursor =
        arec_cursor_new (job->selection.reader, span->first, span->end);

    for (;;) {
        g_autoptr (GError) failure = NULL;
        const uint8_t *data;
        uint64_t record;
        size_t size;

        if (!arec_cursor_next (cursor, &record, &data, &size, &failure)) {
            if (!arec_error_is_of_bytes (failure)) {
                g_propagate_error (error, g_steal_pointer (&failure));
                return false;
            }
            tool_command_note (job->out, failure, &job->damaged_code);
        } else if (!data) {
            return true;
        } else if (!put_record (job, record, data, size, error)) {
            return false;
        }
    }
}

static bool
put_selection (Job *job, GError **error)
{
    for (size_t i = 0; i < job->selection.n_spans; i++) {
        if (!put_span (job, &job->selection.spans[i], error)) {
            return false;
        }
    }
    if (!job->tree) {
        g_byte_array_set_size (job->header, 0);
        tool_tar_stream_put_end (job->header);
        tool_output_last_bytes (job->out, job->header->data, job->header->len,
                                arec_outputs_add_complete);
    }
    return tool_output_check (job->out, error);
}

/* ---- the whole ---- */

static void
free_stored (void *names)
{
    arec_stored_names_free (names);
}

/* Reads the names of all files, where they are wanted. Without any that can be used records
 * are named by numbers, or --names=stored fails. */
static bool
load_stored (Job *job, GError **error)
{
    ArecReader *reader = job->selection.reader;
    NameForm form = job->naming->form;
    bool has_any = false;

    if (form != NAMES_BEST && form != NAMES_STORED) {
        return true;
    }
    job->stored = g_ptr_array_new_with_free_func (free_stored);
    for (size_t i = 0; i < arec_reader_n_files (reader); i++) {
        ArecStoredNames *names;
        bool is_bad;

        if (!tool_stored_names_load (reader, i, false, &names, &is_bad, error)) {
            return false;
        }
        g_ptr_array_add (job->stored, names);
        job->has_bad_names = job->has_bad_names || is_bad;
        has_any = has_any || names;
    }
    if (!has_any) {
        g_clear_pointer (&job->stored, g_ptr_array_unref);
    }
    if (!has_any && form != NAMES_BEST) {
        g_autofree char *shown = arec_source_shown (job->line->operands[0]);

        return arec_fail (error, AREC_ERROR_FORMAT,
                          "%s: --names=stored: the file keeps no names of records", shown);
    }
    return true;
}

/* The stored name of @record; NULL: it has none. */
static const char *
stored_name (void *data, uint64_t record)
{
    const Job *job = data;
    const ArecStoredNames *names;
    ArecPlace place;

    if (!arec_reader_locate (job->selection.reader, record, &place, NULL)) {
        return NULL;
    }
    names = g_ptr_array_index (job->stored, (guint)place.file);
    return names ? arec_stored_names_get (names, place.file_record) : NULL;
}

static bool
init_names (Job *job, GError **error)
{
    const Naming *naming = job->naming;
    ArecReader *reader = job->selection.reader;
    const char *suffix =
        strcmp (naming->suffix, "auto") == 0 ? arec_reader_suffix (reader) : naming->suffix;

    job->name = g_string_new (NULL);
    tool_unpack_names_init (&job->names, arec_reader_n_records (reader),
                            naming->form == NAMES_PLAIN, suffix, naming->is_webdataset,
                            job->tree ? tool_unpack_tree_max_part (job->tree) : NAME_MAX);
    if (job->stored) {
        job->plan = tool_unpack_plan_new (arec_reader_n_records (reader), stored_name, job,
                                          job->names.max_part, error);
        job->names.plan = job->plan;
    }
    return !job->stored || job->plan;
}

static bool
begin (Job *job, GError **error)
{
    job->start = g_get_monotonic_time();
    if ((job->dir && !tool_unpack_tree_check (job->dir, job->force, error)) ||
        !tool_selection_open (&job->selection, job->line, error) || !load_stored (job, error)) {
        return false;
    }
    tool_selection_unite (&job->selection);
    if (job->dir) {
        job->tree =
            tool_unpack_tree_new (job->dir, job->force, job->selection.n_records, error);
        if (!job->tree) {
            return false;
        }
    } else {
        tool_interrupt_expect (1, NULL, NULL);
    }
    job->header = g_byte_array_new();
    if (!init_names (job, error)) {
        return false;
    }
    tool_progress_start (&job->progress,
                         job->line->quiet || (!job->dir && tool_progress_meets_output()),
                         TOOL_PROGRESS_RECORDS, job->selection.n_records);
    return true;
}

/* `60000 files`, or `12 of 60000 files` when that is not all. */
static char *
count_text (const Job *job)
{
    return job->n_files == job->selection.n_records
               ? g_strdup_printf ("%" PRIu64 " files", job->n_files)
               : g_strdup_printf ("%" PRIu64 " of %" PRIu64 " files", job->n_files,
                                  job->selection.n_records);
}

static void
tell_result (const Job *job)
{
    double seconds = (double)(g_get_monotonic_time() - job->start) / G_USEC_PER_SEC;
    g_autofree char *count = count_text (job);
    g_autofree char *size = arec_text_size (job->bytes);
    g_autofree char *message = g_strdup_printf (
        "%s: %s, %s, %.1f s, %.1f MB/s", job->dir ? job->dir : "standard output", count, size,
        seconds, (double)job->bytes / 1e6 / MAX (seconds, 1e-6));

    if (!job->line->quiet || job->n_files != job->selection.n_records) {
        tool_command_tell (message);
    }
}

/* What is wrong with the name of @record, for people. */
static const char *
name_fault (Job *job, uint64_t record)
{
    const char *fault = tool_safe_name_fault (stored_name (job, record), job->names.max_part);
    const char *name;

    if (fault) {
        return fault;
    }
    return tool_unpack_plan_get (job->plan, record, &name) == TOOL_NAME_DIRECTORY
               ? "is the folder of another record"
               : "is that of another record";
}

static void
tell_renamed (Job *job)
{
    g_autofree char *more =
        job->n_renamed > 1 ? g_strdup_printf (" and of %" PRIu64 " more", job->n_renamed - 1)
                           : NULL;
    g_autofree char *message = NULL;

    if (job->n_renamed == 0) {
        return;
    }
    message = g_strdup_printf (
        "the name of record %" PRIu64 "%s cannot be used, the number is: `%s` %s",
        job->first_renamed, more ? more : "", stored_name (job, job->first_renamed),
        name_fault (job, job->first_renamed));
    tool_command_tell (message);
}

/* Adds to @error how much of the folder is there. */
static void
add_count (const Job *job, GError *error)
{
    g_autofree char *old = error->message;

    error->message = g_strdup_printf ("%s; %" PRIu64 " of %" PRIu64 " files are there", old,
                                      job->n_files, job->selection.n_records);
}

/* Returns the exit code, unless @error is set. */
static int
unpack (Job *job, GError **error)
{
    g_autoptr (GError) gap = NULL;

    if (!begin (job, error)) {
        return TOOL_EXIT_FAILED;
    }
    tool_selection_stop_at_gap (&job->selection, job->line, &gap);
    if (!put_selection (job, error)) {
        if (job->tree) {
            add_count (job, *error);
        }
        return TOOL_EXIT_FAILED;
    }
    tool_interrupt_expect_no_more();
    if (gap) {
        tool_command_note (job->out, gap, &job->damaged_code);
    }
    tell_renamed (job);
    tell_result (job);
    tool_command_line_tell_stats (job->line, job->selection.engine);
    return job->damaged_code == 0 && (job->n_renamed > 0 || job->has_bad_names)
               ? TOOL_EXIT_DAMAGED
               : job->damaged_code;
}

/* Reports what is wrong with the command line, or with what it asks for. */
static int
refuse (const ToolCommand *command, const GError *error)
{
    if (error->code == AREC_ERROR_INVALID) {
        return tool_command_tell_usage (command, "%s", error->message);
    }
    tool_command_tell (error->message);
    return arec_error_exit_code (error);
}

int
tool_cmd_unpack (const ToolCommand *command, int argc, char **argv)
{
    g_auto (UnpackText) text = {0};
    const GOptionEntry entries[] = {
        {"force", 'f', 0, G_OPTION_ARG_NONE, &text.force,
         "Write into a folder that is not empty, replace files; tar to a terminal", NULL},
        {"tar", 0, 0, G_OPTION_ARG_NONE, &text.tar, "A tar archive to standard output", NULL},
        {"webdataset", 0, 0, G_OPTION_ARG_NONE, &text.webdataset,
         "With --tar: names with an extension, as WebDataset needs", NULL},
        {"names", 0, 0, G_OPTION_ARG_FILENAME, &text.names,
         "Names of records: stored (default where they are), padded or plain numbers", "FORM"},
        {"suffix", 0, 0, G_OPTION_ARG_FILENAME, &text.suffix,
         "End of numbers; auto: as the first record suggests", "EXT"},
        G_OPTION_ENTRY_NULL,
    };
    g_auto (ToolCommandLine) line = {0};
    g_auto (Job) job = {0};
    g_autoptr (ToolOutput) out = NULL;
    g_autoptr (GError) error = NULL;
    Naming naming = {0};
    int exit_code, finish_code;

    if (!tool_command_line_parse (command, argc, argv, entries, &line, &exit_code)) {
        return exit_code;
    }
    if (line.json) {
        return tool_command_tell_usage (command,
                                        "--json: records are bytes, see 'arec ls --json'");
    }
    if (!parse_naming (&text, &naming, &error) ||
        !take_dir (&line, text.tar, &job.dir, &error)) {
        return refuse (command, error);
    }
    if (text.tar && !text.force && tool_progress_meets_output()) {
        return tool_command_tell_usage (
            command, "--tar: standard output is a terminal; -f writes to it");
    }
    out = tool_command_stdout();
    job.force = text.force;
    job.naming = &naming;
    job.line = &line;
    job.out = out;
    exit_code = unpack (&job, &error);
    finish_code = tool_command_finish (out, error);
    return error || exit_code == TOOL_EXIT_DONE ? finish_code : exit_code;
}
