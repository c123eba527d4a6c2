#include "options.h"

#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"

static bool fail (GError **error, ArecError code, const char *format, ...) G_GNUC_PRINTF (3, 4);

static bool
fail (GError **error, ArecError code, const char *format, ...)
{
    va_list args;

    va_start (args, format);
    *error = g_error_new_valist (AREC_ERROR, (gint)code, format, args);
    va_end (args);
    return false;
}

/* ---- values ---- */

static bool
parse_unsigned (const char *name, const char *value, unsigned base, uint64_t max, uint64_t *out,
                GError **error)
{
    g_autoptr (GError) cause = NULL;

    if (g_ascii_string_to_unsigned (value, base, 0, max, out, &cause)) {
        return true;
    }
    if (base == 8) {
        return fail (error, AREC_ERROR_INVALID,
                     "option %s: '%s' is not an octal number from 0 to %" PRIo64, name, value,
                     max);
    }
    return fail (error, AREC_ERROR_INVALID,
                 "option %s: '%s' is not a number from 0 to %" PRIu64, name, value, max);
}

static bool
parse_size (const char *name, const char *value, uint64_t *out, GError **error)
{
    if (arec_size_parse (value, out, error)) {
        return true;
    }
    g_prefix_error (error, "option %s: ", name);
    return false;
}

/* An option of the reference's reader, in its own grammar. */
static bool
set_reader_option (ArecReaderOptions *reader, const char *key, const char *value,
                   GError **error)
{
    g_autofree char *text = g_strdup_printf ("%s:%s", key, value);
    ArecReaderOptions parsed = {0};

    if (strchr (value, ',')) {
        return fail (error, AREC_ERROR_INVALID, "option %s: '%s' is not one value", key, value);
    }
    if (!arec_reader_options_parse (text, &parsed, error)) {
        return false;
    }
    if (strcmp (key, "max_parallelism") == 0) {
        reader->has_max_parallelism = parsed.has_max_parallelism;
        reader->max_parallelism = parsed.max_parallelism;
    } else {
        reader->index_storage = parsed.index_storage;
    }
    return true;
}

/* An option string of the reference may ask for more threads than there ever are; who writes an
 * option of ours is told. */
static bool
set_parallelism (ArecReaderOptions *reader, const char *value, GError **error)
{
    return set_reader_option (reader, "max_parallelism", value, error) &&
           (reader->max_parallelism <= AREC_MAX_PARALLELISM ||
            fail (error, AREC_ERROR_INVALID,
                  "option max-parallelism: %s is too much, the largest allowed is %d", value,
                  AREC_MAX_PARALLELISM));
}

/* Several at once: what the string does not set stays as other options set it. */
static bool
set_reader_options (ArecReaderOptions *reader, const char *text, GError **error)
{
    ArecReaderOptions parsed;

    if (!arec_reader_options_parse (text, &parsed, error)) {
        return false;
    }
    if (parsed.has_max_parallelism) {
        reader->has_max_parallelism = true;
        reader->max_parallelism = parsed.max_parallelism;
    }
    if (parsed.has_readahead_buffer_size) {
        reader->has_readahead_buffer_size = true;
        reader->readahead_buffer_size = parsed.readahead_buffer_size;
    }
    if (parsed.index_storage != AREC_INDEX_AUTO) {
        reader->index_storage = parsed.index_storage;
    }
    return true;
}

static bool
set_suffix (ArecfsOptions *options, const char *value, GError **error)
{
    if (strlen (value) + (g_ascii_isalpha (value[0]) ? 1 : 0) > ARECFS_MAX_SUFFIX ||
        strchr (value, '/')) {
        return fail (error, AREC_ERROR_INVALID,
                     "option suffix: '%s' is not a part of a file name of at most %d bytes",
                     value, ARECFS_MAX_SUFFIX);
    }
    if (g_ascii_isdigit (value[0])) {
        return fail (error, AREC_ERROR_INVALID,
                     "option suffix: '%s' begins with a digit, which would change the numbers",
                     value);
    }
    g_free (options->suffix);
    /* A suffix that is a word is the name of a format. */
    options->suffix = g_ascii_isalpha (value[0]) && strcmp (value, "auto") != 0
                          ? g_strconcat (".", value, NULL)
                          : g_strdup (value);
    return true;
}

static bool
set_log_level (ArecfsOptions *options, const char *value, GError **error)
{
    static const struct {
        const char *name;
        GLogLevelFlags level;
    } levels[] = {{"error", G_LOG_LEVEL_CRITICAL},
                  {"warning", G_LOG_LEVEL_WARNING},
                  {"message", G_LOG_LEVEL_MESSAGE},
                  {"info", G_LOG_LEVEL_INFO},
                  {"debug", G_LOG_LEVEL_DEBUG}};

    for (size_t i = 0; i < G_N_ELEMENTS (levels); i++) {
        if (strcmp (value, levels[i].name) == 0) {
            options->log_level = levels[i].level;
            return true;
        }
    }
    return fail (error, AREC_ERROR_INVALID,
                 "option log-level: '%s' is not one of error, warning, message, info, debug",
                 value);
}

static bool
set_kind (ArecfsOptions *options, const char *value, GError **error)
{
    if (strcmp (value, "array_record") == 0) {
        options->reader.kind = AREC_KIND_IS_ARRAY_RECORD;
        return true;
    }
    if (strcmp (value, "riegeli") == 0) {
        options->reader.kind = AREC_KIND_IS_RIEGELI;
        return true;
    }
    return fail (error, AREC_ERROR_INVALID,
                 "option kind: '%s' is not one of array_record, riegeli", value);
}

static bool
set_profile (const char *value, GError **error)
{
    static const char *const profiles[] = {"sequential",  "random", "batch", "low-memory",
                                           "high-memory", "cloud",  NULL};

    if (!g_strv_contains (profiles, value)) {
        return fail (error, AREC_ERROR_INVALID,
                     "option profile: '%s' is not one of sequential, random, batch, low-memory,"
                     " high-memory, cloud",
                     value);
    }
    return fail (error, AREC_ERROR_UNSUPPORTED, "option profile: not in this build");
}

static bool
set_names (ArecfsOptions *options, const char *value, GError **error)
{
    if (strcmp (value, "plain") != 0 && strcmp (value, "padded") != 0) {
        return fail (error, AREC_ERROR_INVALID,
                     "option names: '%s' is not one of padded, plain", value);
    }
    options->plain_names = strcmp (value, "plain") == 0;
    return true;
}

/* ---- the table ---- */

typedef enum {
    OPTION_CACHE_SIZE,
    OPTION_READAHEAD_BUFFER_SIZE,
    OPTION_MAX_PARALLELISM,
    OPTION_INDEX_STORAGE,
    OPTION_READER_OPTIONS,
    OPTION_PROFILE,
    OPTION_MERGE,
    OPTION_NAMES,
    OPTION_SUFFIX,
    OPTION_PATTERN,
    OPTION_RECOVER,
    OPTION_STRICT,
    OPTION_KIND,
    OPTION_NO_PUSH,
    OPTION_INDEX_DIR,
    OPTION_IDLE_UNMOUNT,
    OPTION_LOG_LEVEL,
    OPTION_LOG_FILE,
} OptionId;

typedef struct {
    OptionId id;
    const char *name;
    const char *value; /* NULL: a flag */
    const char *help;
} Option;

static const Option table[] = {
    {OPTION_CACHE_SIZE, "cache-size", "SIZE",
     "memory for decoded chunks (default: an eighth of it)"},
    {OPTION_READAHEAD_BUFFER_SIZE, "readahead-buffer-size", "SIZE",
     "decoded ahead of each reader in order (default: auto; 0: nothing)"},
    {OPTION_MAX_PARALLELISM, "max-parallelism", "N|auto",
     "chunks loaded at the same time, at most 1024; 0: no thread for it"},
    {OPTION_INDEX_STORAGE, "index-storage-option", "in_memory|offloaded",
     "where the index is kept; offloaded: in a file, for little memory"},
    {OPTION_READER_OPTIONS, "reader-options", "STRING",
     "options as the reference's reader takes them"},
    {OPTION_PROFILE, "profile", "NAME", "not in this build"},
    {OPTION_MERGE, "merge", NULL, "show all sources as one sequence of records"},
    {OPTION_NAMES, "names", "padded|plain", "how record numbers are written"},
    {OPTION_SUFFIX, "suffix", ".EXT|auto", "append to every record's name"},
    {OPTION_PATTERN, "pattern", "GLOB", "in directories, these files count too"},
    {OPTION_RECOVER, "recover", NULL,
     "mount what a scan finds where an index is damaged or lost"},
    {OPTION_STRICT, "strict", NULL,
     "what cannot be read or opened, or a shard that is missing, is an error"},
    {OPTION_KIND, "kind", "array_record|riegeli", "take the sources for this kind"},
    {OPTION_NO_PUSH, "no-push", NULL,
     "do not put what a reader in order will want next into the page cache"},
    {OPTION_INDEX_DIR, "index-dir", "DIR",
     "folder of the file for offloaded indexes (default: $TMPDIR)"},
    {OPTION_IDLE_UNMOUNT, "idle-unmount", "SECONDS",
     "unmount and exit when nobody uses it that long"},
    {OPTION_LOG_LEVEL, "log-level", "LEVEL", "error, warning, message, info or debug"},
    {OPTION_LOG_FILE, "log-file", "FILE", "log there, not to syslog"},
};

static bool
set_option (ArecfsOptions *options, const Option *option, const char *value, GError **error)
{
    ArecReaderOptions *reader = &options->reader;
    uint64_t number;

    switch (option->id) {
    case OPTION_CACHE_SIZE:
        if (strcmp (value, "auto") == 0) {
            options->engine.cache_size = 0;
            return true;
        }
        if (!parse_size (option->name, value, &options->engine.cache_size, error)) {
            return false;
        }
        /* To the engine 0 means auto; the least it can do is to keep what is in use. */
        options->engine.cache_size = MAX (options->engine.cache_size, 1);
        return true;
    case OPTION_READAHEAD_BUFFER_SIZE:
        if (strcmp (value, "auto") == 0) {
            reader->has_readahead_buffer_size = false;
            return true;
        }
        reader->has_readahead_buffer_size = true;
        return parse_size (option->name, value, &reader->readahead_buffer_size, error);
    case OPTION_MAX_PARALLELISM: return set_parallelism (reader, value, error);
    case OPTION_INDEX_STORAGE:
        return set_reader_option (reader, "index_storage_option", value, error);
    case OPTION_READER_OPTIONS: return set_reader_options (reader, value, error);
    case OPTION_PROFILE: return set_profile (value, error);
    case OPTION_MERGE: options->merge = true; return true;
    case OPTION_NAMES: return set_names (options, value, error);
    case OPTION_SUFFIX: return set_suffix (options, value, error);
    case OPTION_PATTERN: g_ptr_array_add (options->patterns, g_strdup (value)); return true;
    case OPTION_RECOVER: options->reader.recover = true; return true;
    case OPTION_STRICT: options->strict = true; return true;
    case OPTION_KIND: return set_kind (options, value, error);
    case OPTION_NO_PUSH: options->no_push = true; return true;
    case OPTION_INDEX_DIR:
        g_free (options->index_dir);
        options->index_dir = g_canonicalize_filename (value, NULL);
        options->engine.index_dir = options->index_dir;
        return true;
    case OPTION_IDLE_UNMOUNT:
        if (!parse_unsigned (option->name, value, 10, 365 * 86400, &number, error)) {
            return false;
        }
        options->idle_unmount = (unsigned)number;
        return true;
    case OPTION_LOG_LEVEL: return set_log_level (options, value, error);
    case OPTION_LOG_FILE:
        g_free (options->log_file);
        options->log_file = g_canonicalize_filename (value, NULL);
        return true;
    }
    g_assert_not_reached();
}

/* @name with `-` for `_`, as the table has it. g_free (). */
static char *
with_dashes (const char *name)
{
    return g_strdelimit (g_strdup (name), "_", '-');
}

static const Option *
find_option (const char *name)
{
    g_autofree char *dashed = with_dashes (name);

    for (size_t i = 0; i < G_N_ELEMENTS (table); i++) {
        if (strcmp (dashed, table[i].name) == 0) {
            return &table[i];
        }
    }
    return NULL;
}

/* ---- mount options ---- */

/* Whether @text is one of @names, or begins with one that ends in `=` or `-`. */
static bool
is_one_of (const char *const *names, const char *text)
{
    for (; *names; names++) {
        size_t length = strlen (*names);
        char last = (*names)[length - 1];

        if (strcmp (*names, text) == 0 ||
            ((last == '=' || last == '-') && strncmp (*names, text, length) == 0)) {
            return true;
        }
    }
    return false;
}

/* Of fstab and mount (8), for other programs than the server. */
static bool
is_for_others (const char *text)
{
    static const char *const names[] = {
        "defaults", "auto",     "noauto",   "user",  "user=",   "nouser", "users",
        "nousers",  "owner",    "noowner",  "group", "nogroup", "nofail", "_netdev",
        "_rnetdev", "uhelper=", "comment=", "x-",    "X-",      NULL};

    return is_one_of (names, text);
}

/* Without effect where nothing is ever written: times of access, what the second version of
 * FUSE and mounts of disks know; and what /proc/mounts tells of each mount, which mount (8)
 * hands on with `remount`. */
static bool
is_without_effect (const char *text)
{
    static const char *const names[] = {
        "atime",       "noatime",       "diratime", "nodiratime", "relatime",  "norelatime",
        "strictatime", "nostrictatime", "lazytime", "nolazytime", "iversion",  "noiversion",
        "silent",      "loud",          "nonempty", "user_id=",   "group_id=", NULL};

    return is_one_of (names, text);
}

/* What libfuse and the kernel understand as it is. */
static bool
is_for_kernel (const char *text)
{
    static const char *const names[] = {"nosuid",
                                        "suid",
                                        "nodev",
                                        "dev",
                                        "noexec",
                                        "exec",
                                        "sync",
                                        "async",
                                        "dirsync",
                                        "auto_unmount",
                                        "default_permissions",
                                        "context=",
                                        "fscontext=",
                                        "defcontext=",
                                        "rootcontext=",
                                        NULL};

    return is_one_of (names, text);
}

/* Numbers and names are two things: a user may be named `1000`, but none is meant by that. */
static bool
parse_owner (const char *name, const char *value, const char *kind,
             bool (*find) (const char *value, uint32_t *id), uint32_t *id, GError **error)
{
    uint64_t number;

    if (g_ascii_isdigit (value[0])) {
        if (!parse_unsigned (name, value, 10, UINT32_MAX - 1, &number, error)) {
            return false;
        }
        *id = (uint32_t)number;
        return true;
    }
    return find (value, id) ||
           fail (error, AREC_ERROR_INVALID,
                 "option %s: '%s' is neither a number from 0 to %" PRIu32 " nor a %s here",
                 name, value, UINT32_MAX - 1, kind);
}

static bool
find_user (const char *name, uint32_t *id)
{
    const struct passwd *user = getpwnam (name);

    if (user) {
        *id = user->pw_uid;
    }
    return user != NULL;
}

static bool
find_group (const char *name, uint32_t *id)
{
    const struct group *group = getgrnam (name);

    if (group) {
        *id = group->gr_gid;
    }
    return group != NULL;
}

static bool
parse_mask (const char *name, const char *value, bool *has, mode_t *mask, GError **error)
{
    uint64_t number;

    if (!parse_unsigned (name, value, 8, 0777, &number, error)) {
        return false;
    }
    *has = true;
    *mask = (mode_t)number;
    return true;
}

typedef enum {
    VALUE_FSNAME,
    VALUE_UID,
    VALUE_GID,
    VALUE_UMASK,
    VALUE_FMASK,
    VALUE_DMASK,
    VALUE_MAX_READ,
} ValueId;

static bool
set_value (ArecfsOptions *options, ValueId id, const char *name, const char *value,
           GError **error)
{
    uint64_t number;

    switch (id) {
    case VALUE_FSNAME:
        g_free (options->fsname);
        options->fsname = g_strdup (value);
        return true;
    case VALUE_UID:
        options->has_uid = parse_owner (name, value, "user", find_user, &options->uid, error);
        return options->has_uid;
    case VALUE_GID:
        options->has_gid = parse_owner (name, value, "group", find_group, &options->gid, error);
        return options->has_gid;
    case VALUE_UMASK:
        return parse_mask (name, value, &options->has_umask, &options->umask, error);
    case VALUE_FMASK:
        return parse_mask (name, value, &options->has_fmask, &options->fmask, error);
    case VALUE_DMASK:
        return parse_mask (name, value, &options->has_dmask, &options->dmask, error);
    case VALUE_MAX_READ:
        if (!parse_unsigned (name, value, 10, UINT32_MAX, &number, error)) {
            return false;
        }
        options->max_read = (unsigned)number;
        return true;
    }
    g_assert_not_reached();
}

/* Mount options of ours that have a value. */
static bool
find_value (const char *name, ValueId *id)
{
    static const struct {
        const char *name;
        ValueId id;
    } values[] = {{"fsname", VALUE_FSNAME},    {"uid", VALUE_UID},     {"gid", VALUE_GID},
                  {"umask", VALUE_UMASK},      {"fmask", VALUE_FMASK}, {"dmask", VALUE_DMASK},
                  {"max_read", VALUE_MAX_READ}};

    for (size_t i = 0; i < G_N_ELEMENTS (values); i++) {
        if (strcmp (name, values[i].name) == 0) {
            *id = values[i].id;
            return true;
        }
    }
    return false;
}

/* Mount options of ours that have none. */
static bool
set_flag (ArecfsOptions *options, const char *text)
{
    if (strcmp (text, "ro") == 0 || strcmp (text, "rw") == 0) {
        options->asked_rw = strcmp (text, "rw") == 0;
    } else if (strcmp (text, "allow_other") == 0) {
        options->allow_other = true;
    } else if (strcmp (text, "remount") == 0) {
        options->remount = true;
    } else {
        return false;
    }
    return true;
}

static bool
set_mount_option (ArecfsOptions *options, const char *text, GError **error)
{
    const char *equals = strchr (text, '=');
    g_autofree char *name =
        equals ? g_strndup (text, (size_t)(equals - text)) : g_strdup (text);
    const char *value = equals ? equals + 1 : NULL;
    const Option *option = find_option (name);
    ValueId id;

    if (option) {
        if (!value != !option->value) {
            return fail (error, AREC_ERROR_INVALID, "option %s %s", name,
                         option->value ? "needs a value" : "takes no value");
        }
        return set_option (options, option, value, error);
    }
    if (find_value (name, &id)) {
        return value ? set_value (options, id, name, value, error)
                     : fail (error, AREC_ERROR_INVALID, "option %s needs a value", name);
    }
    if (set_flag (options, text)) {
        return true;
    }
    if (is_for_kernel (text)) {
        g_ptr_array_add (options->mount_options, g_strdup (text));
        return true;
    }
    return is_without_effect (text) || is_for_others (text) ||
           fail (error, AREC_ERROR_INVALID, "unknown mount option '%s'", text);
}

/* Splits at commas; `\,` and `\\` stand for themselves. */
static bool
set_mount_options (ArecfsOptions *options, const char *list, GError **error)
{
    g_autoptr (GString) one = g_string_new (NULL);

    for (const char *at = list;; at++) {
        if (at[0] == '\\' && at[1] != '\0') {
            g_string_append_c (one, *++at);
        } else if (*at != ',' && *at != '\0') {
            g_string_append_c (one, *at);
        } else {
            if (one->len > 0 && !set_mount_option (options, one->str, error)) {
                return false;
            }
            g_string_truncate (one, 0);
            if (*at == '\0') {
                return true;
            }
        }
    }
}

/* ---- GOption ---- */

static gboolean
on_option (const char *name, const char *value, gpointer data, GError **error)
{
    /* GLib gives the option as it was typed: `--cache-size`. */
    return set_option (data, find_option (name + 2), value, error);
}

static gboolean
on_mount_options (const char *name, const char *value, gpointer data, GError **error)
{
    (void)name;
    return set_mount_options (data, value, error);
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
    GOptionEntry entries[G_N_ELEMENTS (table) + 2] = {0};
    GOptionContext *context = g_option_context_new ("SOURCE... MOUNTPOINT");
    GOptionGroup *group = g_option_group_new ("main", "", "", options, NULL);
    size_t n = G_N_ELEMENTS (table);

    for (size_t i = 0; i < n; i++) {
        entries[i] = (GOptionEntry){
            .long_name = table[i].name,
            .flags = table[i].value ? G_OPTION_FLAG_FILENAME : G_OPTION_FLAG_NO_ARG,
            .arg = G_OPTION_ARG_CALLBACK,
            .arg_data = on_option,
            .description = table[i].help,
            .arg_description = table[i].value,
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
        if (strchr (name, '_') && find_option (name)) {
            g_autofree char *whole = *arg;
            g_autofree char *dashed = with_dashes (name);

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
        const Option *option = name ? find_option (name) : NULL;

        if (name && (option ? !option->value : g_strv_contains (basic_flags, name))) {
            return fail (error, AREC_ERROR_INVALID, "option %s takes no value", name);
        }
    }
    return true;
}

/* What GOption says of an option that it does not know, and what may have been meant. */
static bool
fail_unknown_option (const char *message, GError **error)
{
    static const char *const basic[] = {"foreground", "debug", "options", "help", "version"};
    const char *words[G_N_ELEMENTS (table) + G_N_ELEMENTS (basic) + 1] = {0};
    const char *dashes = strstr (message, "--");
    g_autofree char *word =
        dashes ? g_strndup (dashes + 2, strcspn (dashes + 2, "=")) : g_strdup ("");
    const char *nearest;

    for (size_t i = 0; i < G_N_ELEMENTS (table); i++) {
        words[i] = table[i].name;
    }
    memcpy (words + G_N_ELEMENTS (table), basic, sizeof basic);
    nearest = arec_text_nearest (word, words);
    return fail (error, AREC_ERROR_INVALID, "%c%s; try 'arecfs --help'%s%s%s",
                 g_ascii_tolower (message[0]), message + 1, nearest ? ", or is --" : "",
                 nearest ? nearest : "", nearest ? " meant?" : "");
}

static bool
take_operands (ArecfsOptions *options, char **operands, GError **error)
{
    guint n = operands ? g_strv_length (operands) : 0;

    if (options->action == ARECFS_UNMOUNT) {
        options->unmounts = g_strdupv (operands);
        return n > 0 || fail (error, AREC_ERROR_INVALID,
                              "no mount point; usage: arecfs -u MOUNTPOINT...");
    }
    if (n < 2) {
        return fail (error, AREC_ERROR_INVALID,
                     "%s; usage: arecfs [OPTION]... SOURCE... MOUNTPOINT",
                     n == 0 ? "no source and no mount point" : "no mount point");
    }
    options->mount_point = g_strdup (operands[n - 1]);
    options->sources = g_new0 (char *, n);
    for (guint i = 0; i < n - 1; i++) {
        options->sources[i] = g_strdup (operands[i]);
    }
    return true;
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

ArecfsOptions *
arecfs_options_parse (int argc, char **argv, GError **error)
{
    g_autoptr (ArecfsOptions) options = g_new0 (ArecfsOptions, 1);
    g_auto (GStrv) args = separate_short_values (argc, argv);
    g_auto (GStrv) operands = NULL;
    g_autoptr (GOptionContext) context = NULL;

    options->patterns = g_ptr_array_new_with_free_func (g_free);
    options->mount_options = g_ptr_array_new_with_free_func (g_free);
    options->log_level = G_LOG_LEVEL_MESSAGE;
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
                fail (error, AREC_ERROR_INVALID, "%s", cause->message);
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

void
arecfs_options_free (ArecfsOptions *options)
{
    if (!options) {
        return;
    }
    g_strfreev (options->sources);
    g_strfreev (options->unmounts);
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
