#include "command.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "progress.h"

/* ---- errors and the end ----------------------------------------------------------------- */

void
arec_command_tell (const char *message)
{
    g_autofree char *printable = arec_text_printable (message);
    g_autofree char *line = g_strdup_printf ("arec: %s\n", printable);
    ssize_t ignored;

    arec_progress_clear();
    /* One call, so that lines of several programs do not mix; if stderr fails there is nobody
     * to tell. */
    ignored = write (STDERR_FILENO, line, strlen (line));
    (void)ignored;
}

int
arec_command_tell_usage (const ArecCommand *command, const char *format, ...)
{
    g_autofree char *what = NULL;
    g_autofree char *message = NULL;
    va_list args;

    va_start (args, format);
    what = g_strdup_vprintf (format, args);
    va_end (args);
    message =
        g_strdup_printf ("%s: %s; try 'arec %s --help'", command->name, what, command->name);
    arec_command_tell (message);
    return AREC_EXIT_USAGE;
}

void
arec_command_note (ArecOutput *out, const GError *error, int *first_failure)
{
    /* On a terminal the error belongs behind what was told before it. */
    arec_output_flush (out);
    arec_command_tell (error->message);
    if (*first_failure == AREC_EXIT_DONE) {
        *first_failure = arec_error_exit_code (error);
    }
}

void
arec_command_tell_stats (const ArecCommandLine *line, ArecEngine *engine)
{
    g_autofree char *message = NULL;
    ArecEngineStats stats;

    if (!line->verbose || line->quiet) {
        return;
    }
    arec_engine_get_stats (engine, &stats);
    message = g_strdup_printf ("%" PRIu64 " chunks decoded (%" PRIu64 " bytes), %" PRIu64
                               " size lists read, %" PRIu64 " reads of %" PRIu64 " bytes",
                               stats.chunks_decoded, stats.decoded_bytes, stats.size_lists_read,
                               stats.source_reads, stats.source_bytes);
    arec_command_tell (message);
}

ArecOutput *
arec_command_stdout (void)
{
    return arec_output_new (STDOUT_FILENO, "standard output");
}

int
arec_command_finish (ArecOutput *out, const GError *error)
{
    g_autoptr (GError) failure = NULL;
    bool closed;

    arec_progress_clear();
    closed = arec_output_close (out, &failure);
    if (error) {
        arec_command_tell (error->message);
        return arec_error_exit_code (error);
    }
    if (!closed) {
        arec_command_tell (failure->message);
        return arec_error_exit_code (failure);
    }
    return AREC_EXIT_DONE;
}

int
arec_command_print_version (void)
{
    g_autoptr (ArecOutput) out = arec_command_stdout();
    g_autofree char *libraries = arec_version_of_libraries();

    arec_output_format (out, "arec " AREC_VERSION "\n%s", libraries);
    return arec_command_finish (out, NULL);
}

/* ---- the command line ------------------------------------------------------------------- */

/* The values of the common options as typed. */
typedef struct {
    gboolean help;
    gboolean version;
    char *threads;
    char *cache_size;
    char *reader_options;
    char *kind;
    gboolean recover;
    char *index_dir;
} CommonText;

static void
common_text_clear (CommonText *text)
{
    g_free (text->threads);
    g_free (text->cache_size);
    g_free (text->reader_options);
    g_free (text->kind);
    g_free (text->index_dir);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CommonText, common_text_clear)

static bool
takes_value (const GOptionEntry *entry)
{
    return entry->arg != G_OPTION_ARG_NONE;
}

static const GOptionEntry *
find_short (const GOptionEntry *const tables[], char letter)
{
    for (; *tables; tables++) {
        for (const GOptionEntry *entry = *tables; entry->long_name; entry++) {
            if (entry->short_name == letter) {
                return entry;
            }
        }
    }
    return NULL;
}

static const GOptionEntry *
find_long (const GOptionEntry *const tables[], const char *name)
{
    for (; *tables; tables++) {
        for (const GOptionEntry *entry = *tables; entry->long_name; entry++) {
            if (strcmp (entry->long_name, name) == 0) {
                return entry;
            }
        }
    }
    return NULL;
}

/* Whether the argument behind the option @arg is its value. */
static bool
value_follows (const GOptionEntry *const tables[], const char *arg)
{
    const GOptionEntry *entry = g_str_has_prefix (arg, "--")
                                    ? find_long (tables, arg + 2)
                                    : find_short (tables, arg[strlen (arg) - 1]);

    return entry && takes_value (entry);
}

/* `-10:` and `-3` are RANGEs. A digit may also be an option (`-0`, `-0q`): it is one unless the
 * argument goes on as a number or a range does (`-05`, `-0:`). */
static bool
is_negative_range (const GOptionEntry *const tables[], const char *arg)
{
    if (arg[0] != '-' || !g_ascii_isdigit (arg[1])) {
        return false;
    }
    return !find_short (tables, arg[1]) || g_ascii_isdigit (arg[2]) || arg[2] == ':';
}

/* GOption would take `--json=no` for `--json`. */
static bool
check_flag (const GOptionEntry *const tables[], const char *arg, GError **error)
{
    const char *equals = g_str_has_prefix (arg, "--") ? strchr (arg, '=') : NULL;
    g_autofree char *name = NULL;
    const GOptionEntry *entry;

    if (!equals) {
        return true;
    }
    name = g_strndup (arg + 2, (size_t)(equals - arg) - 2);
    entry = find_long (tables, name);
    if (entry && !takes_value (entry)) {
        g_set_error (error, AREC_ERROR, AREC_ERROR_INVALID, "--%s takes no value", name);
        return false;
    }
    return true;
}

/* Sorts the arguments behind argv[0] into options, with their values, and operands. GOption
 * alone would take every negative RANGE for an option, and would convert file names from the
 * locale's charset. */
static bool
split_arguments (int argc, char **argv, const GOptionEntry *const tables[], bool has_ranges,
                 GPtrArray *options, GPtrArray *operands, GError **error)
{
    bool only_operands = false;

    g_ptr_array_add (options, argv[0]);
    for (int i = 1; i < argc; i++) {
        char *arg = argv[i];

        if (only_operands || arg[0] != '-' || arg[1] == '\0' ||
            (has_ranges && is_negative_range (tables, arg))) {
            g_ptr_array_add (operands, arg);
        } else if (strcmp (arg, "--") == 0) {
            only_operands = true;
        } else if (check_flag (tables, arg, error)) {
            g_ptr_array_add (options, arg);
            if (i + 1 < argc && value_follows (tables, arg)) {
                g_ptr_array_add (options, argv[++i]);
            }
        } else {
            return false;
        }
    }
    g_ptr_array_add (options, NULL);
    g_ptr_array_add (operands, NULL);
    return true;
}

/* To the engine 0 means auto; one load at a time is the caller's own. */
static bool
parse_threads (const char *text, ArecEngineOptions *options, GError **error)
{
    guint64 number = 0;

    options->max_parallelism = 0;
    options->no_threads = false;
    if (strcmp (text, "auto") == 0) {
        return true;
    }
    if (!g_ascii_string_to_unsigned (text, 10, 0, AREC_MAX_PARALLELISM, &number, NULL)) {
        g_set_error (error, AREC_ERROR, AREC_ERROR_INVALID,
                     "--threads: invalid value: %s, expected auto or a number in [0..%d]", text,
                     AREC_MAX_PARALLELISM);
        return false;
    }
    options->no_threads = number == 0;
    options->max_parallelism = MAX ((unsigned)number, 1);
    return true;
}

static bool
parse_cache_size (const char *text, ArecCommandLine *line, GError **error)
{
    if (strcmp (text, "auto") == 0) {
        return true;
    }
    if (!arec_size_parse (text, &line->engine_options.cache_size, error)) {
        g_prefix_error (error, "--cache-size: ");
        return false;
    }
    /* To the engine 0 means auto; the least it can do is to keep what is in use. */
    line->engine_options.cache_size = MAX (line->engine_options.cache_size, 1);
    return true;
}

static bool
parse_kind (const char *text, ArecKindChoice *kind, GError **error)
{
    if (strcmp (text, "array_record") == 0) {
        *kind = AREC_KIND_IS_ARRAY_RECORD;
    } else if (strcmp (text, "riegeli") == 0) {
        *kind = AREC_KIND_IS_RIEGELI;
    } else {
        g_set_error (error, AREC_ERROR, AREC_ERROR_INVALID,
                     "--kind: invalid value: %s, expected array_record or riegeli", text);
        return false;
    }
    return true;
}

static bool
parse_common (CommonText *text, ArecCommandLine *line, GError **error)
{
    if ((text->threads && !parse_threads (text->threads, &line->engine_options, error)) ||
        (text->cache_size && !parse_cache_size (text->cache_size, line, error))) {
        return false;
    }
    if (text->reader_options &&
        !arec_reader_options_parse (text->reader_options, &line->reader_options, error)) {
        g_prefix_error (error, "--reader-options: ");
        return false;
    }
    line->index_dir = g_steal_pointer (&text->index_dir);
    line->engine_options.index_dir = line->index_dir;
    line->reader_options.recover = text->recover;
    return !text->kind || parse_kind (text->kind, &line->reader_options.kind, error);
}

static int
print_help (const ArecCommand *command, GOptionContext *context)
{
    g_autoptr (ArecOutput) out = arec_command_stdout();
    g_autofree char *name = g_strdup_printf ("arec %s", command->name);
    g_autoptr (GString) help = NULL;
    g_autofree char *text = NULL;

    g_set_prgname (name);
    text = g_option_context_get_help (context, TRUE, NULL);
    help = g_string_new (text);
    g_string_replace (help, "[OPTION\u2026]", "[OPTION]...", 0);
    arec_output_text (out, help->str);
    return arec_command_finish (out, NULL);
}

/* How far the scans of files without an index are. */
static void
show_scan (void *data, const char *path, uint64_t done, uint64_t total)
{
    ArecCommandLine *line = data;

    if (!line->scan_progress.enabled || !line->scanned.list) {
        return;
    }
    if (done == total) {
        arec_progress_clear();
    } else {
        done = arec_source_tally_reach (&line->scanned, path, done);
        line->scan_progress.total = line->scanned.total;
        arec_progress_reach (&line->scan_progress, done);
    }
}

bool
arec_command_parse (const ArecCommand *command, int argc, char **argv,
                    const GOptionEntry *entries, ArecCommandLine *line, int *exit_code)
{
    g_auto (CommonText) text = {0};
    const GOptionEntry telling[] = {
        {"quiet", 'q', 0, G_OPTION_ARG_NONE, &line->quiet, "Only what is wrong, no progress",
         NULL},
        {"verbose", 'v', 0, G_OPTION_ARG_NONE, &line->verbose, "Tell more", NULL},
        {"json", 0, command->has_json ? 0 : G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE,
         &line->json, "Write JSON", NULL},
        G_OPTION_ENTRY_NULL,
    };
    const GOptionEntry reading[] = {
        {"threads", 0, 0, G_OPTION_ARG_FILENAME, &text.threads,
         "Chunks loaded at the same time (default: auto)", "N"},
        {"cache-size", 0, 0, G_OPTION_ARG_FILENAME, &text.cache_size,
         "Memory for decoded chunks (default: auto)", "SIZE"},
        {"reader-options", 0, 0, G_OPTION_ARG_FILENAME, &text.reader_options,
         "Reader options, as the reference writes them", "STRING"},
        {"kind", 0, 0, G_OPTION_ARG_FILENAME, &text.kind,
         "Take files for this kind: array_record or riegeli", "KIND"},
        {"recover", 0, 0, G_OPTION_ARG_NONE, &text.recover,
         "Where an index is damaged or lost, take what a scan finds", NULL},
        {"index-dir", 0, 0, G_OPTION_ARG_FILENAME, &text.index_dir,
         "Folder for offloaded indexes (default: $TMPDIR)", "DIR"},
        G_OPTION_ENTRY_NULL,
    };
    const GOptionEntry helping[] = {
        {"help", 'h', 0, G_OPTION_ARG_NONE, &text.help, "Show this help", NULL},
        {"version", 'V', 0, G_OPTION_ARG_NONE, &text.version,
         "Show the versions of arec and its libraries", NULL},
        G_OPTION_ENTRY_NULL,
    };
    const bool reads = !command->is_of_mount;
    const GOptionEntry *const tables[] = {entries, telling, reads ? reading : helping,
                                          reads ? helping : NULL, NULL};
    g_autoptr (GOptionContext) context = g_option_context_new (command->operands);
    g_autoptr (GPtrArray) options = g_ptr_array_new();
    g_autoptr (GPtrArray) operands = g_ptr_array_new();
    g_autoptr (GError) error = NULL;
    char **option_args;
    int n_option_args;

    *line = (ArecCommandLine){0};
    if (!split_arguments (argc, argv, tables, command->has_ranges, options, operands, &error)) {
        *exit_code = arec_command_tell_usage (command, "%s", error->message);
        return false;
    }
    option_args = (char **)options->pdata;
    n_option_args = (int)options->len - 1;
    g_option_context_set_help_enabled (context, FALSE);
    g_option_context_set_summary (context, command->summary);
    for (size_t i = 0; tables[i]; i++) {
        g_option_context_add_main_entries (context, tables[i], NULL);
    }
    if (!g_option_context_parse (context, &n_option_args, &option_args, &error)) {
        error->message[0] = g_ascii_tolower (error->message[0]);
        *exit_code = arec_command_tell_usage (command, "%s", error->message);
        return false;
    }
    if (text.help) {
        *exit_code = print_help (command, context);
        return false;
    }
    if (text.version) {
        *exit_code = arec_command_print_version();
        return false;
    }
    if (!parse_common (&text, line, &error)) {
        *exit_code = arec_command_tell_usage (command, "%s", error->message);
        return false;
    }
    if (operands->len == 1) {
        *exit_code = arec_command_tell_usage (command, "%s is missing", reads ? "FILE" : "MNT");
        return false;
    }
    arec_progress_start (&line->scan_progress, line->quiet, AREC_PROGRESS_BYTES, 0);
    line->reader_options.progress = show_scan;
    line->reader_options.progress_data = line;
    line->n_operands = operands->len - 1;
    line->operands = (char **)g_ptr_array_free (g_steal_pointer (&operands), FALSE);
    return true;
}

void
arec_command_line_clear (ArecCommandLine *line)
{
    g_clear_pointer (&line->operands, g_free);
    g_clear_pointer (&line->index_dir, g_free);
}
