#include "start/options.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "start/mount_options.h"
#include "start/option_table.h"

static gboolean
on_option (const char *name, const char *value, gpointer data, GError **error)
{
    /* GLib gives the option as it was typed: `--cache-size`. */
    return arecfs_option_set (arecfs_option_find (name + 2), data, value, error);
}

static gboolean
on_mount_options (const char *name, const char *value, gpointer data, GError **error)
{
    (void)name;
    return arecfs_mount_options_set (data, value, error);
}

static gboolean
on_foreground (const char *name, const char *value, gpointer data, GError **error)
{
    ArecfsOptions *options = data;

    (void)value;
    (void)error;
    options->foreground = true;
    if (strcmp (name, "-d") == 0 || strcmp (name, "--debug") == 0) {
        options->debug = true;
        options->log_level = G_LOG_LEVEL_DEBUG;
    }
    return TRUE;
}

static gboolean
on_action (const char *name, const char *value, gpointer data, GError **error)
{
    ArecfsOptions *options = data;

    (void)value;
    (void)error;
    options->action = strcmp (name, "--version") == 0 || strcmp (name, "-V") == 0
                          ? ARECFS_VERSION
                          : ARECFS_HELP;
    return TRUE;
}

static gboolean
on_unmount (const char *name, const char *value, gpointer data, GError **error)
{
    ArecfsOptions *options = data;

    (void)name;
    (void)value;
    (void)error;
    if (options->action == ARECFS_RUN) {
        options->action = ARECFS_UNMOUNT;
    }
    return TRUE;
}

static const char description[] =
    "SOURCE is an ArrayRecord file, a directory of them, a quoted glob, or NAME@N for N "
    "shards;\n"
    "PATH[a:b] takes only these records. One file is mounted flat (MOUNTPOINT/00000 ...), "
    "several\n"
    "as a directory for each. Each option is also understood as -o NAME=VALUE.\n"
    "MOUNTPOINT is made if need be, or /dev/fd/N: a FUSE descriptor that is mounted "
    "already.\n\n"
    "Exit codes: 0 mounted, 1 failed while running, 2 wrong command line, 3 a source cannot "
    "be\n"
    "opened, 4 unknown format, 5 damaged, 6 not in this build, 7 mount point unusable,\n"
    "8 FUSE unavailable.";

static GOptionContext *
new_context (ArecfsOptions *options, char ***operands)
{
    static const GOptionEntry basic[] = {
        {"foreground", 'f', G_OPTION_FLAG_NO_ARG, G_OPTION_ARG_CALLBACK, on_foreground,
         "stay in the foreground", NULL},
        {"debug", 'd', G_OPTION_FLAG_NO_ARG, G_OPTION_ARG_CALLBACK, on_foreground,
         "a line for each request, in the foreground", NULL},
        {"options", 'o', G_OPTION_FLAG_FILENAME, G_OPTION_ARG_CALLBACK, on_mount_options,
         "mount options: allow_other, uid=N, gid=N, umask=MODE, fsname=NAME ...",
         "NAME[=VALUE],..."},
        {"unmount", 'u', G_OPTION_FLAG_NO_ARG, G_OPTION_ARG_CALLBACK, on_unmount,
         "arecfs -u MOUNTPOINT...: unmount", NULL},
        {"help", 'h', G_OPTION_FLAG_NO_ARG, G_OPTION_ARG_CALLBACK, on_action, "this text",
         NULL},
        {"version", 'V', G_OPTION_FLAG_NO_ARG, G_OPTION_ARG_CALLBACK, on_action,
         "versions of this program and of its libraries", NULL},
        G_OPTION_ENTRY_NULL,
    };
    GOptionEntry entries[ARECFS_N_OPTIONS + 2] = {0};
    GOptionContext *context = g_option_context_new ("SOURCE... MOUNTPOINT");
    GOptionGroup *group = g_option_group_new ("main", "", "", options, NULL);
    size_t n = ARECFS_N_OPTIONS;

    for (size_t i = 0; i < n; i++) {
        entries[i] = (GOptionEntry){
            .long_name = arecfs_option_table[i].name,
            .flags =
                arecfs_option_table[i].value ? G_OPTION_FLAG_FILENAME : G_OPTION_FLAG_NO_ARG,
            .arg = G_OPTION_ARG_CALLBACK,
            .arg_data = on_option,
            .description = arecfs_option_table[i].help,
            .arg_description = arecfs_option_table[i].value,
        };
    }
    entries[n] = (GOptionEntry){.long_name = G_OPTION_REMAINING,
                                .arg = G_OPTION_ARG_FILENAME_ARRAY,
                                .arg_data = operands};
    g_option_group_add_entries (group, basic);
    g_option_group_add_entries (group, entries);
    g_option_context_set_main_group (context, group);
    g_option_context_set_help_enabled (context, FALSE);
    g_option_context_set_summary (context,
                                  "Shows ArrayRecord files as directories of records.");
    g_option_context_set_description (context, description);
    return context;
}

/* `-oVALUE` as `-o VALUE`: GOption knows only the second. */
static char **
separate_short_values (int argc, char **argv)
{
    GPtrArray *args = g_ptr_array_new();
    bool operands = false;

    for (int i = 0; i < argc; i++) {
        operands = operands || strcmp (argv[i], "--") == 0;
        if (!operands && i > 0 && g_str_has_prefix (argv[i], "-o") && argv[i][2] != '\0') {
            g_ptr_array_add (args, g_strdup ("-o"));
            g_ptr_array_add (args, g_strdup (argv[i] + 2));
        } else {
            g_ptr_array_add (args, g_strdup (argv[i]));
        }
    }
    g_ptr_array_add (args, NULL);
    return (char **)g_ptr_array_free (args, FALSE);
}

/* `--cache_size=1G` as `--cache-size=1G`, where only the second is an option. */
static void
dash_long_names (char **args)
{
    for (char **arg = args; *arg && strcmp (*arg, "--") != 0; arg++) {
        size_t length = strcspn (*arg, "=");
        g_autofree char *name = NULL;

        if (!g_str_has_prefix (*arg, "--")) {
            continue;
        }
        name = g_strndup (*arg + 2, length - 2);
        if (strchr (name, '_') && arecfs_option_find (name)) {
            g_autofree char *whole = *arg;
            g_autofree char *dashed = g_strdelimit (g_steal_pointer (&name), "_", '-');

            *arg = g_strconcat ("--", dashed, whole + length, NULL);
        }
    }
}

/* `--merge=no`: GOption would drop the value and switch the option on. */
static bool
check_flags (char **args, GError **error)
{
    static const char *const basic_flags[] = {"foreground", "debug",   "help",
                                              "version",    "unmount", NULL};

    for (char **arg = args; *arg && strcmp (*arg, "--") != 0; arg++) {
        const char *equals = g_str_has_prefix (*arg, "--") ? strchr (*arg, '=') : NULL;
        g_autofree char *name =
            equals ? g_strndup (*arg + 2, (gsize)(equals - *arg - 2)) : NULL;
        const ArecfsOption *option = name ? arecfs_option_find (name) : NULL;

        if (name && (option ? !option->value : g_strv_contains (basic_flags, name))) {
            return arec_fail (error, AREC_ERROR_INVALID, "option %s takes no value", name);
        }
    }
    return true;
}

/* What GOption says of an option that it does not know, and what may have been meant. */
static bool
fail_unknown_option (const char *message, GError **error)
{
    static const char *const basic[] = {"foreground", "debug", "options", "help", "version"};
    const char *words[ARECFS_N_OPTIONS + G_N_ELEMENTS (basic) + 1] = {0};
    const char *dashes = strstr (message, "--");
    g_autofree char *word =
        dashes ? g_strndup (dashes + 2, strcspn (dashes + 2, "=")) : g_strdup ("");
    const char *nearest;

    for (size_t i = 0; i < ARECFS_N_OPTIONS; i++) {
        words[i] = arecfs_option_table[i].name;
    }
    memcpy (words + ARECFS_N_OPTIONS, basic, sizeof basic);
    nearest = arec_text_nearest (word, words);
    return arec_fail (error, AREC_ERROR_INVALID, "%c%s; try 'arecfs --help'%s%s%s",
                      g_ascii_tolower (message[0]), message + 1, nearest ? ", or is --" : "",
                      nearest ? nearest : "", nearest ? " meant?" : "");
}

/* The file that @source names, if that is a descriptor of ours (`/dev/fd/3`): its number means
 * something else to other processes, and to this one later. @source itself if the file has no
 * name any more, or cannot be opened by it. g_free (). */
static char *
name_of_source (const char *source)
{
    static const char *const places[] = {"/dev/fd/", "/dev/stdin", "/proc/self/fd/", NULL};
    const char *bracket = strrchr (source, '[');
    g_autofree char *file =
        bracket ? g_strndup (source, (size_t)(bracket - source)) : g_strdup (source);
    char resolved[PATH_MAX];
    struct stat st, named;

    for (const char *const *place = places; *place; place++) {
        if (g_str_has_prefix (file, *place) && stat (file, &st) == 0 && S_ISREG (st.st_mode) &&
            realpath (file, resolved) && stat (resolved, &named) == 0 &&
            named.st_ino == st.st_ino && named.st_dev == st.st_dev &&
            access (resolved, R_OK) == 0) {
            return g_strconcat (resolved, bracket, NULL);
        }
    }
    return g_strdup (source);
}

static bool
take_operands (ArecfsOptions *options, char **operands, GError **error)
{
    guint n = operands ? g_strv_length (operands) : 0;

    if (options->action == ARECFS_UNMOUNT) {
        options->unmounts = g_strdupv (operands);
        return n > 0 || arec_fail (error, AREC_ERROR_INVALID,
                                   "no mount point; usage: arecfs -u MOUNTPOINT...");
    }
    if (n < (options->files_from ? 1 : 2)) {
        return arec_fail (
            error, AREC_ERROR_INVALID, "%s; usage: arecfs [OPTION]... SOURCE... MOUNTPOINT",
            n == 0 && !options->files_from ? "no source and no mount point" : "no mount point");
    }
    options->mount_point = g_strdup (operands[n - 1]);
    options->n_typed = n - 1;
    options->sources = g_new0 (char *, n);
    for (guint i = 0; i < n - 1; i++) {
        options->sources[i] = name_of_source (operands[i]);
    }
    return true;
}

/* Where the sources of a list go. */
typedef struct {
    ArecfsOptions *options;
    GPtrArray *sources;
} Listed;

static bool
add_listed (void *data, const char *name, size_t size, uint64_t line, GError **error)
{
    const Listed *listed = data;

    if (listed->sources->len == AREC_SOURCE_MAX_NAMES) {
        return arec_fail (error, AREC_ERROR_LIMIT, "%s:%" PRIu64 ": more than %u names",
                          arec_source_names_shown (listed->options->files_from), line,
                          AREC_SOURCE_MAX_NAMES);
    }
    (void)size;
    g_ptr_array_add (listed->sources, name_of_source (name));
    g_array_append_val (listed->options->list_lines, line);
    return true;
}

/* Adds the sources that stand in files_from. */
static bool
read_list (ArecfsOptions *options, GError **error)
{
    Listed listed = {.options = options};
    bool ok;

    if (options->action != ARECFS_RUN || options->remount || !options->files_from) {
        return true;
    }
    listed.sources = g_ptr_array_new();
    options->list_lines = g_array_new (FALSE, FALSE, sizeof (uint64_t));
    for (char **source = options->sources; *source; source++) {
        g_ptr_array_add (listed.sources, *source);
    }
    g_free (options->sources);
    ok = arec_source_names_read (options->files_from, '\n', add_listed, &listed, error);
    if (ok && listed.sources->len == 0) {
        ok = arec_fail (error, AREC_ERROR_NOT_FOUND, "%s: holds no names",
                        arec_source_names_shown (options->files_from));
    }
    g_ptr_array_add (listed.sources, NULL);
    options->sources = (char **)g_ptr_array_free (listed.sources, FALSE);
    return ok;
}

/* What the reader's options say to others. Without threads nothing is decoded ahead, by
 * whatever thread. */
static void
apply_reader_options (ArecfsOptions *options)
{
    uint32_t n = options->reader.max_parallelism;

    if (!options->reader.has_max_parallelism) {
        return;
    }
    options->engine.max_parallelism = CLAMP (n, 1, AREC_MAX_PARALLELISM);
    options->engine.no_threads = n == 0;
    options->no_push = options->no_push || n == 0;
}

/* @profile  what options of the command line are set on top of; nullable. */
static ArecfsOptions *
new_options (const ArecProfile *profile)
{
    ArecfsOptions *options = g_new0 (ArecfsOptions, 1);

    options->patterns = g_ptr_array_new_with_free_func (g_free);
    options->mount_options = g_ptr_array_new_with_free_func (g_free);
    options->log_level = G_LOG_LEVEL_MESSAGE;
    if (profile) {
        gboolean is_valid =
            arec_reader_options_update (profile->reader, &options->reader, NULL);

        g_assert (is_valid); /* a test parses the whole table */
        options->engine.cache_size = profile->cache_size;
    }
    return options;
}

static ArecfsOptions *
parse_over (const ArecProfile *profile, int argc, char **argv, GError **error)
{
    g_autoptr (ArecfsOptions) options = new_options (profile);
    g_auto (GStrv) args = separate_short_values (argc, argv);
    g_auto (GStrv) operands = NULL;
    g_autoptr (GOptionContext) context = NULL;

    dash_long_names (args);
    if (!check_flags (args, error)) {
        return NULL;
    }
    context = new_context (options, &operands);
    if (!g_option_context_parse_strv (context, &args, error)) {
        if ((*error)->domain == G_OPTION_ERROR) {
            g_autoptr (GError) cause = g_steal_pointer (error);

            if (cause->code == G_OPTION_ERROR_UNKNOWN_OPTION) {
                fail_unknown_option (cause->message, error);
            } else {
                arec_fail (error, AREC_ERROR_INVALID, "%s", cause->message);
            }
        }
        return NULL;
    }
    if (options->action == ARECFS_HELP) {
        options->help = g_option_context_get_help (context, TRUE, NULL);
    }
    if ((options->action == ARECFS_RUN || options->action == ARECFS_UNMOUNT) &&
        !take_operands (options, operands, error)) {
        return NULL;
    }
    apply_reader_options (options);
    return g_steal_pointer (&options);
}

ArecfsOptions *
arecfs_options_parse (int argc, char **argv, GError **error)
{
    g_autoptr (ArecfsOptions) options = parse_over (NULL, argc, argv, error);

    if (options && options->profile) {
        /* Once more, on top of the profile: options by name win, wherever it stands. */
        g_autoptr (ArecfsOptions) first = g_steal_pointer (&options);

        options = parse_over (first->profile, argc, argv, error);
    }
    return options && read_list (options, error) ? g_steal_pointer (&options) : NULL;
}

/* `,NAME=NUMBER`, or `,NAME=auto`. */
static void
append_setting (GString *text, const char *name, bool is_set, uint64_t number)
{
    g_string_append_printf (text, "%s%s=", text->len > 0 ? "," : "", name);
    if (is_set) {
        g_string_append_printf (text, "%" PRIu64, number);
    } else {
        g_string_append (text, "auto");
    }
}

char *
arecfs_options_reading_text (const ArecfsOptions *options)
{
    const ArecReaderOptions *reader = &options->reader;
    GString *text = g_string_new (NULL);

    append_setting (text, "readahead-buffer-size", reader->has_readahead_buffer_size,
                    reader->readahead_buffer_size);
    append_setting (text, "max-parallelism", reader->has_max_parallelism,
                    reader->max_parallelism);
    append_setting (text, "cache-size", options->engine.cache_size > 0,
                    options->engine.cache_size);
    if (reader->index_storage != AREC_INDEX_AUTO) {
        g_string_append_printf (text, ",index-storage-option=%s",
                                reader->index_storage == AREC_INDEX_IN_MEMORY ? "in_memory"
                                                                              : "offloaded");
    }
    return g_string_free (text, FALSE);
}

void
arecfs_options_free (ArecfsOptions *options)
{
    if (!options) {
        return;
    }
    g_strfreev (options->sources);
    g_strfreev (options->unmounts);
    g_free (options->files_from);
    g_clear_pointer (&options->list_lines, g_array_unref);
    g_free (options->help);
    g_free (options->mount_point);
    g_free (options->suffix);
    g_free (options->fsname);
    g_free (options->log_file);
    g_free (options->index_dir);
    g_clear_pointer (&options->patterns, g_ptr_array_unref);
    g_clear_pointer (&options->mount_options, g_ptr_array_unref);
    g_free (options);
}
