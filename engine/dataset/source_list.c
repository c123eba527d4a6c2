/* From the text of a SOURCE to the list of files it means.
 *
 *   add (text)  ->  literal file | directory -> scan_tree | cut [a:b] -> literal | @N | glob
 *                          \_______________________ append_file ______________________/
 *
 * Each directory that holds a named file is held open once, by O_PATH; a scanned tree costs one
 * descriptor for its top and one more while it is read, however deep it is.
 */
#include <arec/sources.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

/* Files are kept in blocks, so that a pointer to one stays good while the list grows. */
#define BLOCK_FILES 1024
/* A mount numbers its files in 24 bits; a scan enters no more directories either, which ends
 * the one in which symbolic links multiply the paths. */
#define MAX_FILES (1u << 24)
#define MAX_DEPTH 128
#define MAX_SHARDS 99999

typedef struct {
    dev_t dev;
    ino_t ino;
} FileId;

typedef struct {
    FileId id;
    int fd;
} Directory;

struct ArecSourceList {
    atomic_uint refs;
    GPtrArray *blocks; /* of BLOCK_FILES ArecSourceFile each */
    size_t n_files;
    unsigned n_arguments; /* successful additions */
    GStringChunk *strings;
    GArray *directories; /* of Directory, each open */
    GPtrArray *patterns;
    GArray *excluded; /* of FileId */
};

static FileId
id_of (const struct stat *st)
{
    return (FileId){.dev = st->st_dev, .ino = st->st_ino};
}

static bool
id_equal (FileId a, FileId b)
{
    return a.dev == b.dev && a.ino == b.ino;
}

static void
close_directory (void *data)
{
    close (((Directory *)data)->fd);
}

ArecSourceList *
arec_source_list_new (void)
{
    ArecSourceList *list = g_new0 (ArecSourceList, 1);

    atomic_init (&list->refs, 1);
    list->blocks = g_ptr_array_new_with_free_func (g_free);
    list->strings = g_string_chunk_new (64 * 1024);
    list->directories = g_array_new (FALSE, FALSE, sizeof (Directory));
    g_array_set_clear_func (list->directories, close_directory);
    list->patterns = g_ptr_array_new_with_free_func (g_free);
    list->excluded = g_array_new (FALSE, FALSE, sizeof (FileId));
    return list;
}

ArecSourceList *
arec_source_list_ref (ArecSourceList *list)
{
    atomic_fetch_add_explicit (&list->refs, 1, memory_order_relaxed);
    return list;
}

void
arec_source_list_unref (ArecSourceList *list)
{
    if (!list || atomic_fetch_sub_explicit (&list->refs, 1, memory_order_acq_rel) > 1) {
        return;
    }
    g_ptr_array_unref (list->blocks);
    g_string_chunk_free (list->strings);
    g_array_unref (list->directories);
    g_ptr_array_unref (list->patterns);
    g_array_unref (list->excluded);
    g_free (list);
}

void
arec_source_list_add_pattern (ArecSourceList *list, const char *glob)
{
    g_ptr_array_add (list->patterns, g_strdup (glob));
}

void
arec_source_list_exclude (ArecSourceList *list, const char *path)
{
    struct stat st;

    /* What is not there needs no exclusion. */
    if (stat (path, &st) == 0) {
        FileId id = id_of (&st);

        g_array_append_val (list->excluded, id);
    }
}

size_t
arec_source_list_length (const ArecSourceList *list)
{
    return list->n_files;
}

static ArecSourceFile *
file_at (const ArecSourceList *list, size_t i)
{
    ArecSourceFile *block = g_ptr_array_index (list->blocks, i / BLOCK_FILES);

    return &block[i % BLOCK_FILES];
}

const ArecSourceFile *
arec_source_list_get (const ArecSourceList *list, size_t i)
{
    g_return_val_if_fail (i < list->n_files, NULL);
    return file_at (list, i);
}

/* ---- names ------------------------------------------------------------------------------- */

/* Takes at least five digits off the end of @name, @length bytes long; false: there are fewer.
 */
static bool
drop_digits (const char *name, size_t *length)
{
    size_t n = 0;

    while (n < *length && g_ascii_isdigit (name[*length - n - 1])) {
        n++;
    }
    *length -= n;
    return n >= 5;
}

static bool
drop_suffix (const char *name, size_t *length, const char *suffix)
{
    size_t n = strlen (suffix);

    if (*length < n || memcmp (name + *length - n, suffix, n) != 0) {
        return false;
    }
    *length -= n;
    return true;
}

bool
arec_source_name_is_array_record (const char *name)
{
    size_t length = strlen (name);

    return g_str_has_suffix (name, ".array_record") ||
           g_str_has_suffix (name, ".arrayrecord") ||
           (drop_digits (name, &length) && drop_suffix (name, &length, "-of-") &&
            drop_digits (name, &length) && drop_suffix (name, &length, ".array_record-"));
}

/* Whether a scan takes the file @name. */
static bool
name_counts (const ArecSourceList *list, const char *name)
{
    if (arec_source_name_is_array_record (name) || g_str_has_suffix (name, ".riegeli")) {
        return true;
    }
    for (guint i = 0; i < list->patterns->len; i++) {
        if (fnmatch (g_ptr_array_index (list->patterns, i), name, 0) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- adding one file --------------------------------------------------------------------- */

/* Opens the directory @path, or finds it among those that are open: *fd belongs to @list. On
 * failure errno tells why. */
static bool
hold_directory (ArecSourceList *list, const char *path, int *fd)
{
    Directory directory = {.fd = open (path, O_PATH | O_DIRECTORY | O_CLOEXEC)};
    struct stat st;

    if (directory.fd < 0) {
        return false;
    }
    if (fstat (directory.fd, &st) != 0) {
        int saved_errno = errno;

        close (directory.fd);
        errno = saved_errno;
        return false;
    }
    directory.id = id_of (&st);
    for (guint i = 0; i < list->directories->len; i++) {
        const Directory *held = &g_array_index (list->directories, Directory, i);

        if (id_equal (held->id, directory.id)) {
            close (directory.fd);
            *fd = held->fd;
            return true;
        }
    }
    g_array_append_val (list->directories, directory);
    *fd = directory.fd;
    return true;
}

/* Appends a file whose name is @path from byte @name_offset on. */
static bool
append_file (ArecSourceList *list, ArecSourceForm form, const char *path, size_t name_offset,
             int dir_fd, const ArecRangeText *range, GError **error)
{
    ArecSourceFile *file;

    if (list->n_files == MAX_FILES) {
        return arec_fail (error, AREC_ERROR_LIMIT, "%s: there are more than %u files", path,
                          MAX_FILES);
    }
    if (list->n_files == (size_t)list->blocks->len * BLOCK_FILES) {
        g_ptr_array_add (list->blocks, g_new0 (ArecSourceFile, BLOCK_FILES));
    }
    file = file_at (list, list->n_files++);
    *file = (ArecSourceFile){
        .form = form,
        .argument = list->n_arguments,
        .path = g_string_chunk_insert (list->strings, path),
        .dir_fd = dir_fd,
        .has_range = range != NULL,
    };
    file->name = file->path + name_offset;
    if (range) {
        file->range = *range;
    }
    return true;
}

/* Appends the file @path, by the directory that it stands in. */
static bool
add_file (ArecSourceList *list, ArecSourceForm form, const char *path,
          const ArecRangeText *range, GError **error)
{
    const char *slash = strrchr (path, '/');
    const char *name = slash ? slash + 1 : path;
    g_autofree char *parent = slash ? g_strndup (path, (size_t)(name - path)) : g_strdup (".");
    struct stat st;
    int dir_fd;

    if (!hold_directory (list, parent, &dir_fd) ||
        fstatat (dir_fd, slash && *name == '\0' ? "." : name, &st, 0) != 0) {
        return arec_fail_errno (error, errno, "%s", path);
    }
    if (!S_ISREG (st.st_mode)) {
        return arec_fail (error, AREC_ERROR_NOT_FOUND, "%s: not a regular file%s", path,
                          S_ISDIR (st.st_mode) ? " but a directory" : "");
    }
    return append_file (list, form, path, (size_t)(name - path), dir_fd, range, error);
}

/* ---- directories ------------------------------------------------------------------------- */

typedef struct {
    ArecSourceList *list;
    int top_fd;
    GString *path; /* of the directory or entry at hand, with the text of the top in front */
    size_t name_offset; /* where the part below the top begins in @path */
    FileId ancestors[MAX_DEPTH + 1];
    unsigned depth;
    unsigned n_entered; /* directories */
} Scan;

/* The path from the top to what @path is at now; never empty, for *at () calls. */
static const char *
scan_name (const Scan *scan)
{
    return scan->path->len > scan->name_offset ? scan->path->str + scan->name_offset : ".";
}

static int
compare_names (const void *a, const void *b)
{
    return strcmp (*(const char *const *)a, *(const char *const *)b);
}

typedef enum {
    ENTRY_NONE,
    ENTRY_FILE,
    ENTRY_DIRECTORY,
} EntryKind;

/* What the entry at hand is to the scan. A file that cannot be examined but has the right name
 * counts: opening it will tell what is wrong. */
static bool
classify_entry (const Scan *scan, const struct dirent *entry, EntryKind *kind, GError **error)
{
    bool counts = name_counts (scan->list, entry->d_name);
    struct stat st;

    if (entry->d_type == DT_DIR) {
        *kind = ENTRY_DIRECTORY;
    } else if (entry->d_type == DT_REG) {
        *kind = counts ? ENTRY_FILE : ENTRY_NONE;
    } else if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN) {
        *kind = ENTRY_NONE;
    } else if (fstatat (scan->top_fd, scan_name (scan), &st, 0) == 0) {
        if (S_ISDIR (st.st_mode)) {
            *kind = ENTRY_DIRECTORY;
        } else {
            *kind = S_ISREG (st.st_mode) && counts ? ENTRY_FILE : ENTRY_NONE;
        }
    } else if (counts || errno == ENOENT || errno == ELOOP) {
        *kind = counts ? ENTRY_FILE : ENTRY_NONE;
    } else {
        return arec_fail_errno (error, errno, "%s", scan->path->str);
    }
    return true;
}

/* The entries of @stream that matter, directories with a slash at the end. Sorted so, they give
 * the byte order of whole relative paths: everything below `a` comes where `a/` stands, behind
 * the file `a.b`. */
static bool
read_entries (Scan *scan, DIR *stream, GPtrArray *entries, GError **error)
{
    const struct dirent *entry;
    size_t length = scan->path->len;

    while (errno = 0, (entry = readdir (stream))) {
        EntryKind kind = ENTRY_NONE;
        bool ok;

        if (entry->d_name[0] == '.') {
            continue;
        }
        g_string_append (scan->path, entry->d_name);
        ok = classify_entry (scan, entry, &kind, error);
        g_string_truncate (scan->path, length);
        if (!ok) {
            return false;
        }
        if (kind != ENTRY_NONE) {
            g_ptr_array_add (
                entries, g_strconcat (entry->d_name, kind == ENTRY_DIRECTORY ? "/" : "", NULL));
        }
    }
    if (errno != 0) {
        return arec_fail_errno (error, errno, "%s", scan->path->str);
    }
    g_ptr_array_sort (entries, compare_names);
    return true;
}

/* Whether the directory @id, below the top, is one that the scan must leave out. */
static bool
is_barred (const Scan *scan, FileId id)
{
    for (unsigned i = 0; i < scan->depth; i++) {
        if (id_equal (scan->ancestors[i], id)) {
            return true;
        }
    }
    for (guint i = 0; i < scan->list->excluded->len; i++) {
        if (id_equal (g_array_index (scan->list->excluded, FileId, i), id)) {
            return true;
        }
    }
    return false;
}

/* Opens the directory at hand. *stream stays NULL for one that is to be left out: an ancestor
 * of itself, the excluded one, or one that has gone since its parent was read. */
static bool
open_directory (Scan *scan, DIR **stream, GError **error)
{
    struct stat st;
    int fd;

    if (fstatat (scan->top_fd, scan_name (scan), &st, 0) != 0) {
        return (errno == ENOENT && scan->depth > 0) ||
               arec_fail_errno (error, errno, "%s", scan->path->str);
    }
    if (scan->depth > 0 && is_barred (scan, id_of (&st))) {
        return true;
    }
    if (scan->depth > MAX_DEPTH) {
        return arec_fail (error, AREC_ERROR_LIMIT, "%s: more than %d levels of directories",
                          scan->path->str, MAX_DEPTH);
    }
    if (scan->n_entered++ == MAX_FILES) {
        return arec_fail (error, AREC_ERROR_LIMIT, "%s: there are more than %u directories",
                          scan->path->str, MAX_FILES);
    }
    fd = openat (scan->top_fd, scan_name (scan), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return (errno == ENOENT && scan->depth > 0) ||
               arec_fail_errno (error, errno, "%s", scan->path->str);
    }
    *stream = fdopendir (fd);
    if (!*stream) {
        int saved_errno = errno;

        close (fd);
        return arec_fail_errno (error, saved_errno, "%s", scan->path->str);
    }
    scan->ancestors[scan->depth] = id_of (&st);
    return true;
}

/* Appends the files below the directory at hand. Recurses at most MAX_DEPTH deep; the directory
 * is closed before its subdirectories are entered. */
static bool
scan_directory (Scan *scan, GError **error)
{
    g_autoptr (GPtrArray) entries = g_ptr_array_new_with_free_func (g_free);
    size_t length = scan->path->len;
    DIR *stream = NULL;
    bool ok = open_directory (scan, &stream, error);

    if (!ok || !stream) {
        return ok;
    }
    ok = read_entries (scan, stream, entries, error);
    closedir (stream);
    scan->depth++;
    for (guint i = 0; ok && i < entries->len; i++) {
        const char *entry = g_ptr_array_index (entries, i);

        g_string_append (scan->path, entry);
        if (g_str_has_suffix (entry, "/")) {
            ok = scan_directory (scan, error);
        } else {
            ok = append_file (scan->list, AREC_SOURCE_DIRECTORY, scan->path->str,
                              scan->name_offset, scan->top_fd, NULL, error);
        }
        g_string_truncate (scan->path, length);
    }
    scan->depth--;
    return ok;
}

static bool
add_directory (ArecSourceList *list, const char *path, GError **error)
{
    g_autoptr (GString) prefix = g_string_new (path);
    Scan scan = {.list = list, .path = prefix};
    size_t n_before = list->n_files;

    while (prefix->len > 1 && g_str_has_suffix (prefix->str, "/")) {
        g_string_truncate (prefix, prefix->len - 1);
    }
    if (!g_str_has_suffix (prefix->str, "/")) {
        g_string_append_c (prefix, '/');
    }
    scan.name_offset = prefix->len;
    if (!hold_directory (list, path, &scan.top_fd)) {
        return arec_fail_errno (error, errno, "%s", path);
    }
    if (!scan_directory (&scan, error)) {
        return false;
    }
    if (list->n_files == n_before) {
        return arec_fail (error, AREC_ERROR_NOT_FOUND, "no ArrayRecord files below %s", path);
    }
    return true;
}

/* ---- ranges, shards, globs --------------------------------------------------------------- */

/* Moves over `-`? digits or nothing. */
static const char *
skip_number (const char *text)
{
    const char *digits = text + (*text == '-');
    size_t n = strspn (digits, "0123456789");

    return n > 0 ? digits + n : text;
}

/* Where the trailing `[a:b]` of @text begins; NULL: it has none. */
static const char *
find_range (const char *text)
{
    const char *bracket = strrchr (text, '[');
    const char *rest;

    if (!bracket) {
        return NULL;
    }
    rest = skip_number (bracket + 1);
    if (*rest != ':') {
        return NULL;
    }
    rest = skip_number (rest + 1);
    return strcmp (rest, "]") == 0 ? bracket : NULL;
}

/* Splits @text into *base and, with a trailing `[a:b]`, *range. */
static bool
cut_range (const char *text, char **base, bool *has_range, ArecRangeText *range, GError **error)
{
    const char *bracket = find_range (text);
    g_autofree char *inside = NULL;

    *has_range = bracket != NULL;
    if (!bracket) {
        *base = g_strdup (text);
        return true;
    }
    inside = g_strndup (bracket + 1, strlen (bracket) - 2);
    if (!arec_range_parse (inside, range, error)) {
        g_prefix_error (error, "%s: ", text);
        return false;
    }
    *base = g_strndup (text, (size_t)(bracket - text));
    return true;
}

/* The N of a trailing `@N`; 0: there is none, or it is not in [1, MAX_SHARDS]. */
static unsigned
shards_in (const char *text, size_t *stem_length)
{
    const char *at = strrchr (text, '@');
    uint64_t n;

    if (!at || !g_ascii_isdigit (at[1]) ||
        !g_ascii_string_to_unsigned (at + 1, 10, 1, MAX_SHARDS, &n, NULL)) {
        return 0;
    }
    *stem_length = (size_t)(at - text);
    return (unsigned)n;
}

static char *
shard_path (const char *text, size_t stem_length, unsigned shard, unsigned n_shards)
{
    return g_strdup_printf ("%.*s-%05u-of-%05u", (int)stem_length, text, shard, n_shards);
}

/* How many of the shards are there; *first_missing is the path of the first that is not. */
static unsigned
count_shards (const char *text, size_t stem_length, unsigned n_shards, char **first_missing)
{
    unsigned n_found = 0;

    for (unsigned i = 0; i < n_shards; i++) {
        g_autofree char *path = shard_path (text, stem_length, i, n_shards);
        struct stat st;

        /* Only absence makes a shard missing: anything else is told by add_file (). */
        if (stat (path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR)) {
            n_found++;
        } else if (!*first_missing) {
            *first_missing = g_steal_pointer (&path);
        }
    }
    return n_found;
}

static bool
add_shards (ArecSourceList *list, const char *text, size_t stem_length, unsigned n_shards,
            const ArecRangeText *range, GError **error)
{
    for (unsigned i = 0; i < n_shards; i++) {
        g_autofree char *path = shard_path (text, stem_length, i, n_shards);

        if (!add_file (list, AREC_SOURCE_SHARDED, path, range, error)) {
            return false;
        }
    }
    return true;
}

static bool
has_wildcard (const char *text)
{
    return strpbrk (text, "*?[") != NULL;
}

/* glob () gives its callback no pointer of ours; the first directory that could not be read is
 * left here. */
static _Thread_local struct {
    char *path;
    int saved_errno;
} glob_failure;

static int
note_glob_failure (const char *path, int failure)
{
    if (failure == ENOENT || failure == ENOTDIR) {
        return 0;
    }
    g_free (glob_failure.path);
    glob_failure.path = g_strdup (path);
    glob_failure.saved_errno = failure;
    return 1;
}

static bool
add_matches (ArecSourceList *list, const glob_t *matches, const ArecRangeText *range,
             GError **error)
{
    for (size_t i = 0; i < matches->gl_pathc; i++) {
        const char *path = matches->gl_pathv[i];
        struct stat st;

        if (stat (path, &st) == 0 && !S_ISREG (st.st_mode)) {
            continue;
        }
        if (!add_file (list, AREC_SOURCE_GLOB, path, range, error)) {
            return false;
        }
    }
    return true;
}

static bool
add_glob (ArecSourceList *list, const char *text, const ArecRangeText *range, GError **error)
{
    size_t n_before = list->n_files;
    glob_t matches = {0};
    int result = glob (text, GLOB_NOSORT, note_glob_failure, &matches);
    bool ok = true;

    if (result == GLOB_ABORTED) {
        g_autofree char *path = g_steal_pointer (&glob_failure.path);

        ok = arec_fail_errno (error, glob_failure.saved_errno, "%s: %s", text, path);
    } else if (result == GLOB_NOSPACE) {
        ok = arec_fail (error, AREC_ERROR_NOMEM, "%s: out of memory", text);
    } else if (result == 0) {
        /* Not by glob () itself, whose order follows the locale. */
        qsort (matches.gl_pathv, matches.gl_pathc, sizeof *matches.gl_pathv, compare_names);
        ok = add_matches (list, &matches, range, error);
    }
    globfree (&matches);
    if (ok && list->n_files == n_before) {
        return arec_fail (error, AREC_ERROR_NOT_FOUND, "%s: no file matches", text);
    }
    return ok;
}

/* Appends what @text, which is no existing file, means without its `[a:b]`. @form starts as
 * LITERAL. */
static bool
add_by_meaning (ArecSourceList *list, const char *text, const ArecRangeText *range,
                ArecSourceForm *form, GError **error)
{
    size_t stem_length = 0;
    unsigned n_shards = shards_in (text, &stem_length);
    g_autofree char *missing = NULL;
    unsigned n_found = n_shards > 0 ? count_shards (text, stem_length, n_shards, &missing) : 0;

    if (n_shards > 0 && n_found == n_shards) {
        *form = AREC_SOURCE_SHARDED;
        return add_shards (list, text, stem_length, n_shards, range, error);
    }
    if (n_shards > 0 && (n_found > 0 || !has_wildcard (text))) {
        return arec_fail (error, AREC_ERROR_NOT_FOUND,
                          "%s: no such file; %u of the %u shards of %s are missing", missing,
                          n_shards - n_found, n_shards, text);
    }
    if (has_wildcard (text)) {
        *form = AREC_SOURCE_GLOB;
        return add_glob (list, text, range, error);
    }
    return add_file (list, AREC_SOURCE_LITERAL, text, range, error);
}

/* Whether something is there under the name @text. Failures other than absence, and than a name
 * so long that only a pattern can be meant, are errors. */
static bool
probe (const char *text, bool *exists, bool *is_directory, GError **error)
{
    struct stat st;

    *exists = stat (text, &st) == 0;
    *is_directory = *exists && S_ISDIR (st.st_mode);
    return *exists || errno == ENOENT || errno == ENOTDIR ||
           (errno == ENAMETOOLONG && has_wildcard (text)) ||
           arec_fail_errno (error, errno, "%s", text);
}

/* Appends what @text means. @form starts as LITERAL. */
static bool
add_text (ArecSourceList *list, const char *text, ArecSourceForm *form, GError **error)
{
    g_autofree char *base = NULL;
    ArecRangeText range;
    bool has_range, exists, is_directory;

    if (!probe (text, &exists, &is_directory, error)) {
        return false;
    }
    if (is_directory) {
        *form = AREC_SOURCE_DIRECTORY;
        return add_directory (list, text, error);
    }
    if (exists) {
        return add_file (list, AREC_SOURCE_LITERAL, text, NULL, error);
    }
    if (!cut_range (text, &base, &has_range, &range, error)) {
        return false;
    }
    if (has_range && !probe (base, &exists, &is_directory, error)) {
        return false;
    }
    if (is_directory) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          "%s: a range of records needs a file, but %s is a directory", text,
                          base);
    }
    if (exists) {
        return add_file (list, AREC_SOURCE_LITERAL, base, &range, error);
    }
    return add_by_meaning (list, base, has_range ? &range : NULL, form, error);
}

/* What a list held before an addition: a failed one leaves nothing behind. */
typedef struct {
    size_t n_files;
    guint n_directories;
} Addition;

static Addition
begin_addition (const ArecSourceList *list)
{
    return (Addition){.n_files = list->n_files, .n_directories = list->directories->len};
}

static bool
finish_addition (ArecSourceList *list, Addition before, bool ok)
{
    if (ok) {
        list->n_arguments++;
    } else {
        list->n_files = before.n_files;
        g_array_set_size (list->directories, before.n_directories);
    }
    return ok;
}

bool
arec_source_list_add (ArecSourceList *list, const char *text, ArecSourceForm *form,
                      GError **error)
{
    Addition before = begin_addition (list);
    ArecSourceForm understood = AREC_SOURCE_LITERAL;
    bool ok = add_text (list, text, &understood, error);

    if (ok && form) {
        *form = understood;
    }
    return finish_addition (list, before, ok);
}

bool
arec_source_list_add_literal (ArecSourceList *list, const char *path, GError **error)
{
    Addition before = begin_addition (list);

    return finish_addition (list, before,
                            add_file (list, AREC_SOURCE_LITERAL, path, NULL, error));
}
