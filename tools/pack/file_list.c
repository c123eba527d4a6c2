#include "pack/file_list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <arec/arec.h>

#include "pack/excludes.h"
#include "pack/input_path.h"

/* The first letter of an entry. */
enum {
    ENTRY_INPUT = '>', /* a directory that was typed */
    ENTRY_DIRECTORY = '/',
    ENTRY_FILE = '.',
};

/* Why something is left out. */
typedef enum {
    SKIPPED_NOT, /* it is not */
    SKIPPED_LINK,
    SKIPPED_DANGLING,
    SKIPPED_LOOP,
    SKIPPED_SPECIAL,
    SKIPPED_MOUNT,
    SKIPPED_OUT,
    N_SKIPPED,
} SkippedKind;

/* What one is, and what several are. */
static const char *const skipped_texts[N_SKIPPED][2] = {
    [SKIPPED_LINK] = {"a symbolic link, skipped; -L follows it",
                      "symbolic links, skipped; -L follows them"},
    [SKIPPED_DANGLING] = {"a symbolic link to nothing, skipped",
                          "symbolic links to nothing, skipped"},
    [SKIPPED_LOOP] = {"leads to a directory around it, skipped",
                      "lead to directories around them, skipped"},
    [SKIPPED_SPECIAL] = {"neither a file nor a directory, skipped",
                         "neither files nor directories, skipped"},
    [SKIPPED_MOUNT] = {"a directory of another file system, skipped",
                       "directories of other file systems, skipped"},
    [SKIPPED_OUT] = {"is the output, skipped", "are the output, skipped"},
};

typedef struct {
    uint64_t n;
    char *first; /* path of the first one */
} Skipped;

/* A directory that is gone through; the chain of those around it is on the stack. */
typedef struct Level Level;

struct Level {
    const Level *above;
    dev_t dev;
    ino_t ino;
    ToolNameList names; /* of its entries, each with the letter of its type in front */
    const char **sorted;
};

typedef struct {
    ToolFileList *list;
    const ToolInputOptions *options;
    bool has_out;
    struct stat out;
    GString *path; /* of what is looked at */
    size_t root;   /* bytes of @path that were typed; below is what follows them and a slash */
    bool in_place; /* the last directory in the list is that of the next file */
    Skipped skipped[N_SKIPPED];
} Walk;

static void
skip (Walk *walk, SkippedKind kind)
{
    Skipped *skipped = &walk->skipped[kind];

    if (skipped->n++ == 0) {
        skipped->first = g_strdup (walk->path->str);
    }
}

static void
level_clear (Level *level)
{
    tool_name_list_clear (&level->names);
    g_free (level->sorted);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Level, level_clear)

static bool
is_excluded (const Walk *walk)
{
    const char *last = strrchr (walk->path->str, '/');
    const char *below = walk->path->str + walk->root;

    last = last ? last + 1 : walk->path->str;
    return tool_excludes_match (walk->options->excludes, below, last);
}

static bool
add_entry (Walk *walk, char type, const char *text, GError **error)
{
    g_autofree char *entry = g_strdup_printf ("%c%s", type, text);

    return tool_name_list_add (&walk->list->entries, entry, strlen (entry), error);
}

/* Adds the file @name in the directory @directory, which is the path's; NULL: none. */
static bool
add_file (Walk *walk, const char *directory, const char *name, GError **error)
{
    if (!walk->in_place &&
        !add_entry (walk, ENTRY_DIRECTORY, directory ? directory : "", error)) {
        return false;
    }
    walk->in_place = true;
    walk->list->n_files++;
    return add_entry (walk, ENTRY_FILE, name, error);
}

/* ---- one directory ---- */

static char
letter_of_type (unsigned char type)
{
    switch (type) {
    case DT_REG: return 'f';
    case DT_DIR: return 'd';
    case DT_LNK: return 'l';
    case DT_UNKNOWN: return '?';
    default: return 's';
    }
}

static char
letter_of_mode (mode_t mode)
{
    return S_ISREG (mode) ? 'f' : S_ISDIR (mode) ? 'd' : S_ISLNK (mode) ? 'l' : 's';
}

static int
compare_names (const void *a, const void *b)
{
    const char *const *one = a;
    const char *const *other = b;

    return strcmp (*one + 1, *other + 1);
}

static bool
sort_names (Level *level, GError **error)
{
    size_t at = 0;

    level->sorted = g_try_new (const char *, level->names.n);
    if (!level->sorted && level->names.n > 0) {
        return arec_fail (error, AREC_ERROR_NOMEM, "no memory for %" PRIu64 " names",
                          level->names.n);
    }
    for (uint64_t i = 0; i < level->names.n; i++) {
        level->sorted[i] = tool_name_list_next (&level->names, &at);
    }
    if (level->names.n > 0) {
        qsort (level->sorted, level->names.n, sizeof *level->sorted, compare_names);
    }
    return true;
}

static bool
is_shard_of_out (const Walk *walk, const char *path)
{
    return walk->options->out && walk->options->sharding.rule != AREC_SHARDING_NONE &&
           arec_sharding_has_shard (&walk->options->sharding, walk->options->out, path);
}

/* The same of @name in the directory that is looked at. */
static bool
is_shard_here (const Walk *walk, const char *name)
{
    g_autofree char *path = NULL;

    if (!walk->options->out || walk->options->sharding.rule == AREC_SHARDING_NONE) {
        return false;
    }
    path = g_build_filename (walk->path->str, name, NULL);
    return is_shard_of_out (walk, path);
}

/* Whether the entry may be the output, whose number is compared first: that costs nothing. */
static bool
is_out (const Walk *walk, int fd, const struct dirent *entry)
{
    struct stat st;

    return is_shard_here (walk, entry->d_name) ||
           (walk->has_out && entry->d_ino == walk->out.st_ino &&
            fstatat (fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            st.st_dev == walk->out.st_dev && st.st_ino == walk->out.st_ino);
}

/* The letter of what @entry is, found by looking where the directory does not say. */
static char
find_letter (const Walk *walk, int fd, const struct dirent *entry)
{
    char letter = letter_of_type (entry->d_type);
    struct stat st;

    if (is_out (walk, fd, entry)) {
        return 'o';
    }
    if (letter == '?' && fstatat (fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        letter = letter_of_mode (st.st_mode);
    }
    if (letter == 'l' && walk->options->dereference) {
        letter = fstatat (fd, entry->d_name, &st, 0) == 0 ? letter_of_mode (st.st_mode) : 'n';
        if (letter == 'f' && walk->has_out && st.st_dev == walk->out.st_dev &&
            st.st_ino == walk->out.st_ino) {
            letter = 'o';
        }
    }
    return letter;
}

static bool
read_entries (Walk *walk, Level *level, DIR *folder, GError **error)
{
    g_autoptr (GString) name = g_string_new (NULL);
    const struct dirent *entry;

    for (errno = 0; (entry = readdir (folder)); errno = 0) {
        if (strcmp (entry->d_name, ".") == 0 || strcmp (entry->d_name, "..") == 0) {
            continue;
        }
        g_string_printf (name, "%c%s", find_letter (walk, dirfd (folder), entry),
                         entry->d_name);
        if (!tool_name_list_add (&level->names, name->str, name->len, error)) {
            return false;
        }
    }
    return errno == 0 || tool_input_path_fail (walk->path->str, errno, error);
}

/* Why the walk skips the directory @level, or that it does not. */
static SkippedKind
judge_level (const Walk *walk, const Level *level)
{
    for (const Level *above = level->above; above; above = above->above) {
        if (above->dev == level->dev && above->ino == level->ino) {
            return SKIPPED_LOOP;
        }
    }
    return walk->options->one_file_system && level->above && level->above->dev != level->dev
               ? SKIPPED_MOUNT
               : SKIPPED_NOT;
}

/* Reads the directory walk->path; its names stay none where it is skipped. */
static bool
open_level (Walk *walk, Level *level, GError **error)
{
    DIR *folder = opendir (walk->path->str);
    SkippedKind skipped;
    struct stat st;
    bool done;

    if (!folder || fstat (dirfd (folder), &st) != 0) {
        tool_input_path_fail (walk->path->str, errno, error);
        if (folder) {
            closedir (folder);
        }
        return false;
    }
    level->dev = st.st_dev;
    level->ino = st.st_ino;
    skipped = judge_level (walk, level);
    if (skipped != SKIPPED_NOT) {
        skip (walk, skipped);
    }
    done = skipped != SKIPPED_NOT || read_entries (walk, level, folder, error);
    closedir (folder);
    return done && sort_names (level, error);
}

/* ---- the walk ---- */

static bool walk_directory (Walk *walk, const Level *above, GError **error);

/* @entry  a letter and a name; walk->path is the directory of @level. */
static bool
take_entry (Walk *walk, const Level *level, const char *entry, GError **error)
{
    size_t length = walk->path->len;
    g_autofree char *directory = NULL;
    bool done = true;

    if (walk->path->str[length - 1] != '/') {
        g_string_append_c (walk->path, '/');
    }
    g_string_append (walk->path, entry + 1);
    if (!is_excluded (walk)) {
        switch (entry[0]) {
        case 'f':
            directory = walk->in_place ? NULL : g_strndup (walk->path->str, length);
            done = add_file (walk, directory, entry + 1, error);
            break;
        case 'd': done = walk_directory (walk, level, error); break;
        case 'l': skip (walk, SKIPPED_LINK); break;
        case 'n': skip (walk, SKIPPED_DANGLING); break;
        case 'o': skip (walk, SKIPPED_OUT); break;
        default: skip (walk, SKIPPED_SPECIAL); break;
        }
    }
    g_string_truncate (walk->path, length);
    return done;
}

/* Takes what is below the directory walk->path. No descriptor stays open meanwhile, so depth is
 * bounded only by the length of a path. */
static bool
walk_directory (Walk *walk, const Level *above, GError **error)
{
    g_auto (Level) level = {.above = above};

    if (!open_level (walk, &level, error)) {
        return false;
    }
    walk->in_place = false;
    for (uint64_t i = 0; i < level.names.n; i++) {
        if (!take_entry (walk, &level, level.sorted[i], error)) {
            return false;
        }
    }
    walk->in_place = false;
    return true;
}

/* Takes what was named: @name itself, or what is below it. */
static bool
take_name (Walk *walk, const char *name, GError **error)
{
    struct stat st;

    g_string_assign (walk->path, name);
    if (stat (name, &st) != 0) {
        return tool_input_path_fail (name, errno, error);
    }
    if (S_ISDIR (st.st_mode)) {
        walk->root = walk->path->len + (name[walk->path->len - 1] != '/');
        return add_entry (walk, ENTRY_INPUT, name, error) && walk_directory (walk, NULL, error);
    }
    if (!S_ISREG (st.st_mode)) {
        return arec_fail (error, AREC_ERROR_NOT_FOUND,
                          "%s: is %s, neither a file nor a directory", name,
                          tool_input_path_kind (st.st_mode));
    }
    walk->root = 0;
    if (is_excluded (walk)) {
        return true;
    }
    if (is_shard_of_out (walk, name) ||
        (walk->has_out && st.st_dev == walk->out.st_dev && st.st_ino == walk->out.st_ino)) {
        skip (walk, SKIPPED_OUT);
        return true;
    }
    return add_file (walk, NULL, name, error);
}

/* Tells what was left out, a line for each reason. */
static void
report_skipped (const Walk *walk, ToolInput *input)
{
    for (size_t i = 0; i < N_SKIPPED; i++) {
        const Skipped *skipped = &walk->skipped[i];

        if (skipped->n == 1) {
            tool_input_note (input, 1, "%s: %s", skipped->first, skipped_texts[i][0]);
        } else if (skipped->n > 1) {
            tool_input_note (input, skipped->n, "%s and %" PRIu64 " more: %s", skipped->first,
                             skipped->n - 1, skipped_texts[i][1]);
        }
    }
}

bool
tool_file_list_fill (ToolFileList *list, ToolInput *input, GError **error)
{
    Walk walk = {.list = list, .options = &input->options, .path = g_string_new (NULL)};
    bool done = true;
    const char *name;
    bool is_open;

    walk.has_out = walk.options->out &&
                   arec_output_stat (walk.options->out, &walk.out, &is_open) &&
                   S_ISREG (walk.out.st_mode);
    for (size_t at = 0; done && (name = tool_name_list_next (input->options.names, &at));) {
        done = take_name (&walk, name, error);
    }
    if (done) {
        report_skipped (&walk, input);
    }
    for (size_t i = 0; i < N_SKIPPED; i++) {
        g_free (walk.skipped[i].first);
    }
    g_string_free (walk.path, TRUE);
    return done;
}

bool
tool_file_list_next (const ToolFileList *list, ToolFileCursor *cursor)
{
    const char *entry = tool_name_list_next (&list->entries, &cursor->at);

    /* One without files is followed by the next one. */
    while (entry && entry[0] == ENTRY_INPUT) {
        cursor->root = strlen (entry + 1) + !g_str_has_suffix (entry + 1, "/");
        entry = tool_name_list_next (&list->entries, &cursor->at);
    }
    cursor->is_new_directory = entry && entry[0] == ENTRY_DIRECTORY;
    if (cursor->is_new_directory) {
        cursor->directory = entry[1] != '\0' ? entry + 1 : NULL;
        /* A directory is listed only with a file. */
        entry = tool_name_list_next (&list->entries, &cursor->at);
    }
    cursor->name = entry ? entry + 1 : NULL;
    return entry;
}

char *
tool_file_list_path (const ToolFileCursor *cursor)
{
    return cursor->directory
               ? g_strconcat (cursor->directory,
                              g_str_has_suffix (cursor->directory, "/") ? "" : "/",
                              cursor->name, NULL)
               : g_strdup (cursor->name);
}

/* @path without its slashes at the start, and without everything up to its last part `..`. */
static const char *
without_way_up (const char *path)
{
    const char *from = path, *part = path;

    for (;;) {
        size_t length = strcspn (part, "/");

        if (length == 2 && strncmp (part, "..", length) == 0) {
            from = part + length;
        }
        if (part[length] == '\0') {
            break;
        }
        part += length + 1;
    }
    while (*from == '/') {
        from++;
    }
    return from;
}

void
tool_file_list_record_name (const ToolFileCursor *cursor, GString *out)
{
    const char *directory = cursor->directory;

    g_string_truncate (out, 0);
    if (!directory) {
        g_string_append (out, without_way_up (cursor->name));
        return;
    }
    if (strlen (directory) > cursor->root) {
        g_string_append_printf (out, "%s/", directory + cursor->root);
    }
    g_string_append (out, cursor->name);
}

void
tool_file_list_clear (ToolFileList *list)
{
    tool_name_list_clear (&list->entries);
}
