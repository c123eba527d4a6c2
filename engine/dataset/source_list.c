/* From the text of a SOURCE to the list of files it means.
 *
 *   add (text)  ->  literal file | directory -> scan_tree | cut [a:b] -> literal | @N | glob
 *                          \_______________________ append_file ______________________/
 *
 * Each directory that holds a named file is held open once, by O_PATH; a scanned tree costs one
 * descriptor for its top and a few more while it is read, however deep it is.
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
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/autofd.h"
#include "base/error.h"
#include "dataset/shard_sets.h"
#include "source/beneath.h"

/* Files are kept in blocks, so that a pointer to one stays good while the list grows. */
#define BLOCK_FILES 1024
/* A mount numbers its files in 24 bits; a scan enters no more directories either, which ends
 * the one in which symbolic links multiply the paths. */
#define MAX_FILES (1u << 24)
#define MAX_DEPTH 128
#define MAX_SHARDS 99999
/* Directories that links in linked directories lead to: these may multiply without being many.
 */
#define MAX_BY_LINKS 65536
/* Notes that are kept; the others are counted. */
#define MAX_NOTES 64

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
    GArray *notes;    /* of ArecSourceNote; strings in `strings` */
    uint64_t n_more_notes;
    char *told_below; /* where relative paths are; NULL: they are told as typed */
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
    list->notes = g_array_new (FALSE, FALSE, sizeof (ArecSourceNote));
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
    g_array_unref (list->notes);
    g_free (list->told_below);
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

/* ---- how paths are told ------------------------------------------------------------------ */

/* Whether @text is `scheme://...`. */
static bool
is_url (const char *text)
{
    size_t n =
        strspn (text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-");

    return n > 0 && g_ascii_isalpha (text[0]) && g_str_has_prefix (text + n, "://");
}

void
arec_source_list_tell_absolute (ArecSourceList *list, const char *directory)
{
    g_free (list->told_below);
    list->told_below = g_strdup (directory);
}

/* Components that are `.` and slashes that follow each other say nothing; `..` may lead out of
 * the target of a link, so it stays. */
char *
arec_source_absolute (const char *text, const char *directory)
{
    GString *path = g_string_new (NULL);

    if (is_url (text)) {
        g_string_append (path, text);
        return g_string_free (path, FALSE);
    }
    if (text[0] != '/') {
        g_string_append (path, strcmp (directory, "/") == 0 ? "" : directory);
    }
    while (*text) {
        size_t length = strcspn (text, "/");

        if (length > 0 && !(length == 1 && text[0] == '.')) {
            g_string_append_c (path, '/');
            g_string_append_len (path, text, (gssize)length);
        }
        text += length;
        text += strspn (text, "/");
    }
    if (path->len == 0) {
        g_string_append_c (path, '/');
    }
    return g_string_free (path, FALSE);
}

/* ---- notes ------------------------------------------------------------------------------- */

static void
add_note (ArecSourceList *list, ArecSourceNoteKind kind, const char *path, const char *reason)
{
    g_autofree char *told =
        list->told_below ? arec_source_absolute (path, list->told_below) : g_strdup (path);
    ArecSourceNote note = {.kind = kind};

    if (list->notes->len == MAX_NOTES) {
        list->n_more_notes++;
        return;
    }
    note.path = g_string_chunk_insert (list->strings, told);
    note.reason = g_string_chunk_insert (list->strings, reason);
    g_array_append_val (list->notes, note);
}

size_t
arec_source_list_n_notes (const ArecSourceList *list)
{
    return list->notes->len;
}

const ArecSourceNote *
arec_source_list_note (const ArecSourceList *list, size_t i)
{
    g_return_val_if_fail (i < list->notes->len, NULL);
    return &g_array_index (list->notes, ArecSourceNote, i);
}

uint64_t
arec_source_list_n_more_notes (const ArecSourceList *list)
{
    return list->n_more_notes;
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

/* @path as it is told; its name from byte *name_offset on stays as it is. */
static char *
told_path (const ArecSourceList *list, const char *path, size_t *name_offset)
{
    g_autofree char *parent = g_strndup (path, *name_offset);
    g_autofree char *told = NULL;
    char *whole;

    if (!list->told_below) {
        return g_strdup (path);
    }
    told = arec_source_absolute (parent, list->told_below);
    whole = g_strconcat (told, strcmp (told, "/") == 0 ? "" : "/", path + *name_offset, NULL);
    *name_offset = strlen (whole) - strlen (path + *name_offset);
    return whole;
}

/* Appends a file whose name is @path from byte @name_offset on. */
static bool
append_file (ArecSourceList *list, ArecSourceForm form, const char *path, size_t name_offset,
             int dir_fd, const ArecRangeText *range, GError **error)
{
    g_autofree char *told = told_path (list, path, &name_offset);
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
        .path = g_string_chunk_insert (list->strings, told),
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
    unsigned n_links;    /* among the directories above and the one at hand */
    unsigned n_entered;  /* directories */
    unsigned n_by_links; /* of them, those with two links and more */
} Scan;

/* The path from the top to what @path is at now; never empty, for *at () calls. */
static const char *
scan_name (const Scan *scan)
{
    return scan->path->len > scan->name_offset ? scan->path->str + scan->name_offset : ".";
}

/* Opens what @path is at now, with what links may be followed. */
static int
open_scanned (const Scan *scan, int flags)
{
    int fd;

    do {
        fd = arec_beneath_open (scan->top_fd, scan_name (scan), flags, AREC_PASSED_BY_LINK,
                                NULL);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

/* Whether @failure is of this process and says nothing of what it was about. */
static bool
is_want (int failure)
{
    return failure == EMFILE || failure == ENFILE || failure == ENOMEM;
}

/* What @path is at now cannot be read: leaves it out, unless it is the source itself, or the
 * fault is ours. What has gone since its parent was read is no matter. */
static bool
leave_out (Scan *scan, int failure, GError **error)
{
    g_autofree char *path = NULL;
    size_t length = scan->path->len;

    if (is_want (failure) || scan->path->len <= scan->name_offset) {
        return arec_fail_errno (error, failure, "%s", scan->path->str);
    }
    if (failure != ENOENT) {
        path = g_strndup (scan->path->str, length - (scan->path->str[length - 1] == '/'));
        add_note (scan->list, AREC_NOTE_LEFT_OUT, path, arec_beneath_strerror (failure));
    }
    return true;
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

/* An entry of a directory that matters. */
typedef struct {
    char *name; /* of a directory with a slash at the end */
    bool is_link;
} Entry;

static void
clear_entry (void *data)
{
    g_free (((Entry *)data)->name);
}

static int
compare_entries (const void *a, const void *b)
{
    return strcmp (((const Entry *)a)->name, ((const Entry *)b)->name);
}

/* What a link, or what the directory does not tell the type of, is to the scan. A file that
 * cannot be examined but has the right name counts: opening it will tell what is wrong. */
static bool
examine_entry (Scan *scan, bool counts, EntryKind *kind, GError **error)
{
    arec_autofd int fd = open_scanned (scan, O_PATH);
    struct stat st;

    *kind = ENTRY_NONE;
    if (fd >= 0 && fstat (fd, &st) == 0) {
        if (S_ISDIR (st.st_mode)) {
            *kind = ENTRY_DIRECTORY;
        } else {
            *kind = S_ISREG (st.st_mode) && counts ? ENTRY_FILE : ENTRY_NONE;
        }
        return true;
    }
    if (counts && errno != EXDEV && !is_want (errno)) {
        *kind = ENTRY_FILE;
        return true;
    }
    /* A link to nowhere, or to itself, might be anything. */
    return errno == ENOENT || errno == ELOOP || leave_out (scan, errno, error);
}

/* What the entry at hand is to the scan. */
static bool
classify_entry (Scan *scan, const struct dirent *entry, EntryKind *kind, GError **error)
{
    bool counts = name_counts (scan->list, entry->d_name);

    if (entry->d_type == DT_DIR) {
        *kind = ENTRY_DIRECTORY;
    } else if (entry->d_type == DT_REG) {
        *kind = counts ? ENTRY_FILE : ENTRY_NONE;
    } else if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN) {
        *kind = ENTRY_NONE;
    } else {
        return examine_entry (scan, counts, kind, error);
    }
    return true;
}

/* The entries of @stream that matter. Sorted with their slashes they give the byte order of
 * whole relative paths: everything below `a` comes where `a/` stands, behind the file `a.b`. */
static bool
read_entries (Scan *scan, DIR *stream, GArray *entries, GError **error)
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
            Entry found = {
                .name = g_strconcat (entry->d_name, kind == ENTRY_DIRECTORY ? "/" : "", NULL),
                .is_link = entry->d_type != DT_DIR};

            g_array_append_val (entries, found);
        }
    }
    /* What was read until then is there. */
    if (errno != 0 && !leave_out (scan, errno, error)) {
        return false;
    }
    g_array_sort (entries, compare_entries);
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

/* What tells the directory @fd, of O_PATH, from others, as far as that is known without asking
 * anybody: a file server below the top may be dead. */
static bool
identify (int fd, FileId *id)
{
    struct statx st;

    if (statx (fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, STATX_INO, &st) !=
        0) {
        return false;
    }
    *id = (FileId){.dev = makedev (st.stx_dev_major, st.stx_dev_minor), .ino = st.stx_ino};
    return true;
}

/* Whether the scan goes into the directory at hand, or has had enough. */
static bool
admit_directory (Scan *scan, bool *enters, GError **error)
{
    static const char deep[] = "the directories are too deep",
                      linked[] =
                          "too many directories that links in linked directories lead to";
    const char *reason = NULL;

    if (scan->depth > MAX_DEPTH) {
        reason = deep;
    } else if (scan->n_links > 1 && scan->n_by_links++ >= MAX_BY_LINKS) {
        reason = linked;
    } else if (scan->n_entered++ == MAX_FILES) {
        return arec_fail (error, AREC_ERROR_LIMIT, "%s: there are more than %u directories",
                          scan->path->str, MAX_FILES);
    }
    *enters = reason == NULL;
    if (reason) {
        g_autofree char *path = g_strndup (scan->path->str, scan->path->len - 1);

        add_note (scan->list, AREC_NOTE_LEFT_OUT, path, reason);
    }
    return true;
}

/* Opens the directory at hand. *stream stays NULL for one that is to be left out: an ancestor
 * of itself, the excluded one, or one that cannot be read. */
static bool
open_directory (Scan *scan, DIR **stream, GError **error)
{
    arec_autofd int path_fd = open_scanned (scan, O_PATH);
    bool enters = false;
    FileId id;
    int fd;

    if (path_fd < 0 || !identify (path_fd, &id)) {
        return leave_out (scan, errno, error);
    }
    if (scan->depth > 0 && is_barred (scan, id)) {
        return true;
    }
    if (!admit_directory (scan, &enters, error)) {
        return false;
    }
    if (!enters) {
        return true;
    }
    do {
        fd = openat (path_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    } while (fd < 0 && errno == EINTR);
    *stream = fd < 0 ? NULL : fdopendir (fd);
    if (!*stream) {
        arec_close_fd (&fd);
        return leave_out (scan, errno, error);
    }
    scan->ancestors[scan->depth] = id;
    return true;
}

/* Appends the files below the directory at hand. Recurses at most MAX_DEPTH deep; the directory
 * is closed before its subdirectories are entered. */
static bool
scan_directory (Scan *scan, GError **error)
{
    g_autoptr (GArray) entries = g_array_new (FALSE, FALSE, sizeof (Entry));
    size_t length = scan->path->len;
    DIR *stream = NULL;
    bool ok = open_directory (scan, &stream, error);

    if (!ok || !stream) {
        return ok;
    }
    g_array_set_clear_func (entries, clear_entry);
    ok = read_entries (scan, stream, entries, error);
    closedir (stream);
    scan->depth++;
    for (guint i = 0; ok && i < entries->len; i++) {
        const Entry *entry = &g_array_index (entries, Entry, i);

        g_string_append (scan->path, entry->name);
        if (g_str_has_suffix (entry->name, "/")) {
            scan->n_links += entry->is_link;
            ok = scan_directory (scan, error);
            scan->n_links -= entry->is_link;
        } else {
            ok = append_file (scan->list, AREC_SOURCE_DIRECTORY, scan->path->str,
                              scan->name_offset, scan->top_fd, NULL, error);
        }
        g_string_truncate (scan->path, length);
    }
    scan->depth--;
    return ok;
}

/* There is no file below @path. Notes from @n_notes on tell of what could not be read. */
static bool
fail_empty (const ArecSourceList *list, const char *path, guint n_notes, GError **error)
{
    const ArecSourceNote *note;

    if (list->notes->len == n_notes) {
        return arec_fail (error, AREC_ERROR_NOT_FOUND, "no ArrayRecord files below %s", path);
    }
    note = &g_array_index (list->notes, ArecSourceNote, n_notes);
    return arec_fail (error, AREC_ERROR_NOT_FOUND,
                      "no ArrayRecord files below %s that can be read; %s: %s", path,
                      note->path, note->reason);
}

static bool
add_directory (ArecSourceList *list, const char *path, GError **error)
{
    g_autoptr (GString) prefix = g_string_new (path);
    Scan scan = {.list = list, .path = prefix};
    size_t n_before = list->n_files;
    guint n_notes = list->notes->len;

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
    return list->n_files > n_before || fail_empty (list, path, n_notes, error);
}

/* ---- what is there now ------------------------------------------------------------------- */

/* Opens @name, of O_PATH, as what it was listed as. */
static int
open_listed (const ArecSourceFile *file, const char *name, ArecPassed passed, ArecWay *way)
{
    int fd;

    do {
        fd = file->form == AREC_SOURCE_DIRECTORY
                 ? arec_beneath_open (file->dir_fd, name, O_PATH, passed, way)
                 : openat (file->dir_fd, name, O_PATH | O_CLOEXEC);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

/* Attributes of what cannot be examined: of the link @name, else of the directory that it
 * stands in, else of the one at the top. */
static bool
stat_around (const ArecSourceFile *file, const char *name, struct stat *st)
{
    const char *slash = strrchr (name, '/'), *last = slash ? slash + 1 : name;
    g_autofree char *parent = slash ? g_strndup (name, (size_t)(slash - name)) : g_strdup (".");
    arec_autofd int fd = open_listed (file, parent, AREC_PASSED_BY_LINK, NULL);

    if (fd < 0) {
        return errno != ENOENT && !is_want (errno) && fstat (file->dir_fd, st) == 0;
    }
    return fstatat (fd, last, st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0 ||
           (errno != ENOENT && fstat (fd, st) == 0);
}

static bool
stat_listed (const ArecSourceFile *file, const char *name, ArecPassed passed, struct stat *st,
             GError **error)
{
    g_auto (ArecWay) way = {0};
    arec_autofd int fd = open_listed (file, name, passed, &way);

    if (fd >= 0 && fstat (fd, st) == 0) {
        mode_t mode = arec_access_by_way (arec_access_of (fd, st), st, &way);

        st->st_mode = (st->st_mode & S_IFMT) | mode;
        return true;
    }
    if (!is_want (errno) && stat_around (file, name, st)) {
        return true;
    }
    arec_fail_errno (error, errno, "%s: stat", file->path);
    if (error && *error && (*error)->code == AREC_ERROR_NOT_FOUND) {
        (*error)->code = AREC_ERROR_CHANGED; /* it was there when it was listed */
    }
    return false;
}

bool
arec_source_list_stat (const ArecSourceList *list, size_t i, bool merged, struct stat *st,
                       GError **error)
{
    const ArecSourceFile *file = arec_source_list_get (list, i);

    return stat_listed (file, file->name, merged ? AREC_PASSED_ALL : AREC_PASSED_BY_LINK, st,
                        error);
}

bool
arec_source_list_stat_directory (const ArecSourceList *list, size_t i, const char *path,
                                 struct stat *st, GError **error)
{
    return stat_listed (arec_source_list_get (list, i), path, AREC_PASSED_BY_LINK, st, error);
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

/* Whether @text, `F[...]`, names a file but for what is in brackets at its end. */
static bool
is_file_with_index (const char *text)
{
    const char *bracket = strrchr (text, '[');
    g_autofree char *base = bracket ? g_strndup (text, (size_t)(bracket - text)) : NULL;

    return base && g_str_has_suffix (bracket, "]") &&
           g_file_test (base, G_FILE_TEST_IS_REGULAR);
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
    if (ok && list->n_files == n_before && is_file_with_index (text)) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          "%s: no file matches; a range of records is [a:b], such as [5:9]",
                          text);
    }
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

static bool
fail_remote (const char *text, GError **error)
{
    return arec_fail (error, AREC_ERROR_UNSUPPORTED, "%s: remote sources are not in this build",
                      text);
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

    if (is_url (text) && !g_file_test (text, G_FILE_TEST_EXISTS)) {
        return fail_remote (text, error);
    }
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
    guint n_directories, n_notes;
    uint64_t n_more_notes;
} Addition;

static Addition
begin_addition (const ArecSourceList *list)
{
    return (Addition){.n_files = list->n_files,
                      .n_directories = list->directories->len,
                      .n_notes = list->notes->len,
                      .n_more_notes = list->n_more_notes};
}

static bool
finish_addition (ArecSourceList *list, Addition before, bool ok)
{
    if (ok) {
        list->n_arguments++;
    } else {
        list->n_files = before.n_files;
        g_array_set_size (list->directories, before.n_directories);
        g_array_set_size (list->notes, before.n_notes);
        list->n_more_notes = before.n_more_notes;
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
    bool ok = add_file (list, AREC_SOURCE_LITERAL, path, NULL, error);

    if (!ok && is_url (path)) {
        g_clear_error (error);
        fail_remote (path, error);
    }
    return finish_addition (list, before, ok);
}

/* ---- sets of shards ---------------------------------------------------------------------- */

static void
note_set (void *data, const char *pattern, const char *reason)
{
    add_note (data, AREC_NOTE_SHARDS, pattern, reason);
}

void
arec_source_list_check_shards (ArecSourceList *list)
{
    g_autoptr (ArecShardSets) sets = arec_shard_sets_new();

    for (size_t i = 0; i < list->n_files; i++) {
        const ArecSourceFile *file = file_at (list, i);
        const char *slash = strrchr (file->name, '/');
        g_autofree char *directory = g_strdup_printf (
            "%d/%.*s", file->dir_fd, slash ? (int)(slash - file->name) : 0, file->name);

        arec_shard_sets_add (sets, directory, file->path, file->form == AREC_SOURCE_LITERAL,
                             file->has_range);
    }
    arec_shard_sets_check (sets, note_set, list);
}
