#include "frame/command_line.h"

#include <inttypes.h>
#include <string.h>

#include "frame/timing.h"

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
    char *list;
    char *remote[AREC_N_REMOTE_OPTIONS];
    gboolean remote_flags[AREC_N_REMOTE_OPTIONS]; /* of those without a value */
} CommonText;

static void
common_text_clear (CommonText *text)
{
    g_free (text->threads);
    g_free (text->cache_size);
    g_free (text->reader_options);
    g_free (text->kind);
    g_free (text->index_dir);
    g_free (text->list);
    for (size_t i = 0; i < AREC_N_REMOTE_OPTIONS; i++) {
        g_free (text->remote[i]);
    }
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CommonText, common_text_clear)

static bool
takes_value (const GOptionEntry *entry)
{
    return entry->arg != G_OPTION_ARG_NONE;
}

static bool
may_lack_value (const GOptionEntry *entry)
{
    return entry->arg_description && entry->arg_description[0] == '[';
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

/* Of short options in one argument, `-qo` or `-qoOUT`: the letters with their dash, up to the
 * one that takes a value. 0: none does. */
static size_t
letters_before_value (const GOptionEntry *const tables[], const char *arg)
{
    for (size_t i = 1; arg[i] != '\0'; i++) {
        const GOptionEntry *entry = find_short (tables, arg[i]);

        if (!entry) {
            return 0;
        }
        if (takes_value (entry)) {
            return i + 1;
        }
    }
    return 0;
}

/* Adds @arg to @options. The value of a short option may be a part of it: GOption knows it only
 * as an argument of its own. What is added besides belongs to @pieces.
 * Returns whether the next argument is its value. */
static bool
add_option (const GOptionEntry *const tables[], char *arg, GPtrArray *options,
            GPtrArray *pieces)
{
    bool is_long = g_str_has_prefix (arg, "--");
    size_t letters = is_long ? 0 : letters_before_value (tables, arg);
    const GOptionEntry *entry = is_long ? find_long (tables, arg + 2) : NULL;

    if (letters > 0 && arg[letters] != '\0') {
        char *front = g_strndup (arg, letters);

        g_ptr_array_add (pieces, front);
        g_ptr_array_add (options, front);
        g_ptr_array_add (options, arg + letters);
        return false;
    }
    if (entry && may_lack_value (entry)) {
        /* GOption knows no values that may be left out. */
        char *completed = g_strconcat (arg, "=", NULL);

        g_ptr_array_add (pieces, completed);
        g_ptr_array_add (options, completed);
        return false;
    }
    g_ptr_array_add (options, arg);
    return letters > 0 || (entry && takes_value (entry));
}

/* `-10:` and `-3` are RANGEs. A digit may also be an option (`-0`, `-0q`), unless a second
 * digit or a colon follows it (`-05`, `-0:`). */
static bool
is_negative_range (const GOptionEntry *const tables[], const char *arg)
{
    if (arg[0] != '-' || !g_ascii_isdigit (arg[1])) {
        return false;
    }
    return !find_short (tables, arg[1]) || g_ascii_isdigit (arg[2]) || arg[2] == ':';
}

/* Refuses a value for a flag: GOption would take `--json=no` for `--json`. */
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

/* Sorts the arguments after argv[0] into options, with their values, and operands. GOption
 * alone would take every negative RANGE for an option, and would convert file names from the
 * locale's charset.
 * @pieces  what @options holds besides strings of @argv; freed after it */
static bool
split_arguments (int argc, char **argv, const GOptionEntry *const tables[], bool has_ranges,
                 GPtrArray *options, GPtrArray *pieces, GPtrArray *operands, GError **error)
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
            if (add_option (tables, arg, options, pieces) && i + 1 < argc) {
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

bool
tool_command_line_parse_threads (const char *text, unsigned *n, GError **error)
{
    guint64 number = 0;

    if (strcmp (text, "auto") == 0) {
        *n = TOOL_THREADS_AUTO;
        return true;
    }
    if (!g_ascii_string_to_unsigned (text, 10, 0, AREC_MAX_PARALLELISM, &number, NULL)) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          "--threads: invalid value: %s, expected auto or a number in [0..%d]",
                          text, AREC_MAX_PARALLELISM);
    }
    *n = (unsigned)number;
    return true;
}

/* To the engine 0 means auto. With no threads the one load at a time is in the calling
 * thread. */
static bool
parse_threads (const char *text, ArecEngineOptions *options, GError **error)
{
    unsigned n;

    if (!tool_command_line_parse_threads (text, &n, error)) {
        return false;
    }
    options->no_threads = n == 0;
    options->max_parallelism = n == TOOL_THREADS_AUTO ? 0 : MAX (n, 1);
    return true;
}

static bool
parse_cache_size (const char *text, ToolCommandLine *line, GError **error)
{
    if (strcmp (text, "auto") == 0) {
        return true;
    }
    if (!arec_size_parse (text, &line->engine_options.cache_size, error)) {
        g_prefix_error (error, "--cache-size: ");
        return false;
    }
    /* To the engine 0 means auto. With 1 it keeps only what is in use. */
    line->engine_options.cache_size = MAX (line->engine_options.cache_size, 1);
    return true;
}

static bool
parse_kind (const char *text, ArecKind *kind, GError **error)
{
    return arec_kind_parse (text, kind) ||
           arec_fail (error, AREC_ERROR_INVALID,
                      "--kind: invalid value: %s, expected array_record or riegeli", text);
}

static bool
parse_remote (const CommonText *text, ArecRemoteOptions *options, GError **error)
{
    for (size_t i = 0; i < AREC_N_REMOTE_OPTIONS; i++) {
        if ((text->remote[i] || text->remote_flags[i]) &&
            !arec_remote_option_set (i, text->remote[i], options, error)) {
            g_prefix_error (error, "--%s: ", arec_remote_option (i)->name);
            return false;
        }
    }
    return true;
}

static bool
parse_common (CommonText *text, ToolCommandLine *line, GError **error)
{
    if ((text->threads && !parse_threads (text->threads, &line->engine_options, error)) ||
        (text->cache_size && !parse_cache_size (text->cache_size, line, error)) ||
        !parse_remote (text, &line->engine_options.remote, error)) {
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

/* ---- --files-from ---- */

static bool
add_listed (void *data, const char *name, size_t size, uint64_t number, GError **error)
{
    ToolCommandLine *line = data;

    if (line->listed->len == AREC_SOURCE_MAX_NAMES) {
        return arec_fail (error, AREC_ERROR_LIMIT, "%s:%" PRIu64 ": more than %u names",
                          arec_source_names_shown (line->list), number, AREC_SOURCE_MAX_NAMES);
    }
    g_ptr_array_add (line->listed, g_strndup (name, size));
    g_array_append_val (line->lines, number);
    return true;
}

/* Adds the names in the file of --files-from to @operands. */
static bool
read_list (ToolCommandLine *line, GPtrArray *operands, GError **error)
{
    if (!line->list) {
        return true;
    }
    line->listed = g_ptr_array_new_with_free_func (g_free);
    line->lines = g_array_new (FALSE, FALSE, sizeof (uint64_t));
    if (!arec_source_names_read (line->list, '\n', add_listed, line, error)) {
        return false;
    }
    for (guint i = 0; i < line->listed->len; i++) {
        g_ptr_array_add (operands, g_ptr_array_index (line->listed, i));
    }
    return operands->len > 0 || arec_fail (error, AREC_ERROR_NOT_FOUND, "%s: holds no names",
                                           arec_source_names_shown (line->list));
}

bool
tool_command_line_blame (const ToolCommandLine *line, size_t i, GError **error)
{
    if (i >= line->n_typed) {
        g_prefix_error (error, "%s:%" PRIu64 ": ", arec_source_names_shown (line->list),
                        g_array_index (line->lines, uint64_t, i - line->n_typed));
    }
    return false;
}

bool
tool_command_line_add_source (const ToolCommandLine *line, size_t i, ArecSourceList *list,
                              GError **error)
{
    return arec_source_list_add (list, line->operands[i], NULL, error) ||
           tool_command_line_blame (line, i, error);
}

/* ---- parsing ---- */

static int
print_help (const ToolCommand *command, GOptionContext *context)
{
    g_autoptr (ToolOutput) out = tool_command_stdout();
    g_autofree char *name = g_strdup_printf ("arec %s", command->name);
    g_autoptr (GString) help = NULL;
    g_autofree char *text = NULL;

    g_set_prgname (name);
    text = g_option_context_get_help (context, TRUE, NULL);
    help = g_string_new (text);
    g_string_replace (help, "[OPTION\u2026]", "[OPTION]...", 0);
    g_string_replace (help, "=[", "[=", 0);
    tool_output_text (out, help->str);
    return tool_command_finish (out, NULL);
}

/* Shows how far the scans of files without an index are. */
static void
show_scan (void *data, const char *path, uint64_t done, uint64_t total)
{
    ToolCommandLine *line = data;

    if (!line->scan_progress.enabled || !line->scanned.list) {
        return;
    }
    if (done == total) {
        tool_progress_clear();
    } else {
        done = arec_source_tally_reach (&line->scanned, path, done);
        line->scan_progress.total = line->scanned.total;
        tool_progress_reach (&line->scan_progress, done);
    }
}

static GOptionEntry
remote_entry (CommonText *text, size_t i)
{
    const ArecRemoteOption *option = arec_remote_option (i);

    if (!option->value) {
        return (GOptionEntry){option->name, 0,   0, G_OPTION_ARG_NONE, &text->remote_flags[i],
                              option->help, NULL};
    }
    return (GOptionEntry){
        option->name, 0, 0, G_OPTION_ARG_FILENAME, &text->remote[i], option->help,
        option->value};
}

static void
warn (const char *message, void *data)
{
    (void)data;
    tool_command_tell (message);
}

bool
tool_command_line_parse (const ToolCommand *command, int argc, char **argv,
                         const GOptionEntry *entries, ToolCommandLine *line, int *exit_code)
{
    g_auto (CommonText) text = {0};
    const GOptionEntry telling[] = {
        {"quiet", 'q', 0, G_OPTION_ARG_NONE, &line->quiet,
         "Show only what is wrong, no progress", NULL},
        {"verbose", 'v', 0, G_OPTION_ARG_NONE, &line->verbose, "Show more", NULL},
        {"json", 0, command->has_json ? 0 : G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE,
         &line->json, "Write JSON", NULL},
        G_OPTION_ENTRY_NULL,
    };
    const GOptionEntry reading[] = {
        {"threads", 0, 0, G_OPTION_ARG_FILENAME, &text.threads,
         "Chunks loaded at the same time (default: auto)", "N"},
        {"jobs", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_FILENAME, &text.threads, NULL, NULL},
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
    const GOptionEntry measuring[] = {
        {command->has_timing ? "timing" : NULL, 0, 0, G_OPTION_ARG_NONE, &line->timing,
         "Show on stderr what each thread spends its time with", NULL},
        G_OPTION_ENTRY_NULL,
    };
    const GOptionEntry listing[] = {
        {command->has_list ? "files-from" : NULL, 0, 0, G_OPTION_ARG_FILENAME, &text.list,
         "More FILEs, one a line of FILE", "FILE"},
        G_OPTION_ENTRY_NULL,
    };
    GOptionEntry remote[AREC_N_REMOTE_OPTIONS + 1] = {0};
    const bool reads = !command->is_of_mount && !command->is_of_inputs;
    const GOptionEntry *const tables[] = {
        entries, listing, telling, measuring, reads ? reading : helping, reads ? remote : NULL,
        helping, NULL};
    g_autoptr (GOptionContext) context = g_option_context_new (command->operands);
    g_autoptr (GPtrArray) options = g_ptr_array_new();
    g_autoptr (GPtrArray) pieces = g_ptr_array_new_with_free_func (g_free);
    g_autoptr (GPtrArray) operands = g_ptr_array_new();
    g_autoptr (GError) error = NULL;
    char **option_args;
    int n_option_args;

    for (size_t i = 0; i < AREC_N_REMOTE_OPTIONS; i++) {
        remote[i] = remote_entry (&text, i);
    }
    *line = (ToolCommandLine){0};
    if (!split_arguments (argc, argv, tables, command->has_ranges, options, pieces, operands,
                          &error)) {
        *exit_code = tool_command_tell_usage (command, "%s", error->message);
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
        *exit_code = tool_command_tell_usage (command, "%s", error->message);
        return false;
    }
    if (text.help) {
        *exit_code = print_help (command, context);
        return false;
    }
    if (text.version) {
        *exit_code = tool_command_print_version();
        return false;
    }
    if (!parse_common (&text, line, &error)) {
        *exit_code = tool_command_tell_usage (command, "%s", error->message);
        return false;
    }
    line->list = g_steal_pointer (&text.list);
    line->n_typed = operands->len - 1;
    g_ptr_array_set_size (operands, (int)line->n_typed); /* without the NULL */
    if (!read_list (line, operands, &error)) {
        tool_command_tell (error->message);
        *exit_code = arec_error_exit_code (error);
        return false;
    }
    if (operands->len == 0 && !command->is_of_inputs) {
        *exit_code = tool_command_tell_usage (command, "%s is missing", reads ? "FILE" : "MNT");
        return false;
    }
    if (line->timing || (command->has_timing && tool_command_line_puts_timing (line))) {
        arec_phases_start();
    }
    tool_progress_start (&line->scan_progress, line->quiet, TOOL_PROGRESS_BYTES, 0);
    line->engine_options.warn = warn;
    line->reader_options.progress = show_scan;
    line->reader_options.progress_data = line;
    line->n_operands = operands->len;
    g_ptr_array_add (operands, NULL);
    line->operands = (char **)g_ptr_array_free (g_steal_pointer (&operands), FALSE);
    return true;
}

void
tool_command_line_tell_timing (const ToolCommandLine *line)
{
    if (line->timing) {
        g_autofree char *table = tool_timing_table();

        tool_command_tell_table (table);
    }
}

bool
tool_command_line_puts_timing (const ToolCommandLine *line)
{
    return line->json && line->verbose;
}

void
tool_command_line_tell_stats (const ToolCommandLine *line, ArecEngine *engine)
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
    tool_command_tell (message);
}

void
tool_command_line_clear (ToolCommandLine *line)
{
    g_clear_pointer (&line->operands, g_free);
    g_clear_pointer (&line->index_dir, g_free);
    g_clear_pointer (&line->list, g_free);
    g_clear_pointer (&line->listed, g_ptr_array_unref);
    g_clear_pointer (&line->lines, g_array_unref);
}
