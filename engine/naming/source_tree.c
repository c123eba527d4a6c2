#include "naming/source_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/autofd.h"
#include "base/error.h"
#include "naming/source_list.h"
#include "source/beneath.h"

#define MAX_DEPTH 128
/* Directories reached by a link within a linked directory: a few links can form exponentially
 * many paths. */
#define MAX_BY_LINKS 65536

typedef struct {
    ArecSourceList *list;
    int top_fd;
    GString *path; /* of the current directory or entry, with the text of the top in front */
    size_t name_offset; /* where the part below the top begins in @path */
    ArecFileId ancestors[MAX_DEPTH + 1];
    unsigned depth;
    unsigned n_links;    /* links among the current directory and those above it */
    unsigned n_entered;  /* directories entered */
    unsigned n_by_links; /* directories with n_links > 1 */
} Scan;

/* The current path below the top; never empty, for *at () calls. */
static const char *
scan_name (const Scan *scan)
{
    return scan->path->len > scan->name_offset ? scan->path->str + scan->name_offset : ".";
}

/* Opens the current path, and follows the links that may be followed. */
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

/* The current path cannot be read: leaves it out with a note. It is an error if it is the
 * source itself, or if this process is short of descriptors or memory. An entry that has gone
 * since its parent was read is not noted. */
static bool
leave_out (Scan *scan, int failure, GError **error)
{
    g_autofree char *path = NULL;
    size_t length = scan->path->len;

    if (arec_errno_is_shortage (failure) || scan->path->len <= scan->name_offset) {
        return arec_fail_errno (error, failure, "%s", scan->path->str);
    }
    if (failure != ENOENT) {
        path = g_strndup (scan->path->str, length - (scan->path->str[length - 1] == '/'));
        arec_source_list_add_note (scan->list, AREC_NOTE_LEFT_OUT, path,
                                   arec_beneath_strerror (failure));
    }
    return true;
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

/* The kind of an entry that is a link, or whose type the directory does not give. A file that
 * cannot be examined but has the right name counts: opening it will report the fault. */
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
    if (counts && errno != EXDEV && !arec_errno_is_shortage (errno)) {
        *kind = ENTRY_FILE;
        return true;
    }
    /* A link to nowhere, or to itself, is passed over without a note. */
    return errno == ENOENT || errno == ELOOP || leave_out (scan, errno, error);
}

/* The kind of the current entry. */
static bool
classify_entry (Scan *scan, const struct dirent *entry, EntryKind *kind, GError **error)
{
    bool counts = arec_source_list_takes_name (scan->list, entry->d_name);

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
 * whole relative paths: everything below `a` comes where `a/` stands, after the file `a.b`. */
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
    /* After a failure the entries that were read so far still count. */
    if (errno != 0 && !leave_out (scan, errno, error)) {
        return false;
    }
    g_array_sort (entries, compare_entries);
    return true;
}

/* Whether the scan must not enter the directory @id: it is its own ancestor, or excluded. */
static bool
is_barred (const Scan *scan, ArecFileId id)
{
    for (unsigned i = 0; i < scan->depth; i++) {
        if (arec_file_id_equal (scan->ancestors[i], id)) {
            return true;
        }
    }
    for (guint i = 0; i < scan->list->excluded->len; i++) {
        if (arec_file_id_equal (g_array_index (scan->list->excluded, ArecFileId, i), id)) {
            return true;
        }
    }
    return false;
}

/* The identity of the directory @fd, of O_PATH, as the kernel has it cached: asking a file
 * server below the top may hang. */
static bool
identify (int fd, ArecFileId *id)
{
    struct statx st;

    if (statx (fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, STATX_INO, &st) !=
        0) {
        return false;
    }
    *id = (ArecFileId){.dev = makedev (st.stx_dev_major, st.stx_dev_minor), .ino = st.stx_ino};
    return true;
}

/* Whether the scan enters the current directory, by the bounds on depth and number. */
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
    } else if (scan->n_entered++ == AREC_MAX_SOURCE_FILES) {
        return arec_fail (error, AREC_ERROR_LIMIT, "%s: there are more than %u directories",
                          scan->path->str, AREC_MAX_SOURCE_FILES);
    }
    *enters = reason == NULL;
    if (reason) {
        g_autofree char *path = g_strndup (scan->path->str, scan->path->len - 1);

        arec_source_list_add_note (scan->list, AREC_NOTE_LEFT_OUT, path, reason);
    }
    return true;
}

/* Opens the current directory. *stream stays NULL for one that is left out: an ancestor of
 * itself, the excluded one, one beyond the bounds, or one that cannot be read.
 *
 * It is opened with O_PATH first and identified by that, so that an excluded directory, the
 * mount point, is never opened for reading. */
static bool
open_directory (Scan *scan, DIR **stream, GError **error)
{
    arec_autofd int path_fd = open_scanned (scan, O_PATH);
    bool enters = false;
    ArecFileId id;
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

/* Appends the files below the current directory. Recurses at most MAX_DEPTH deep; a directory
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
            ok = arec_source_list_append (scan->list, AREC_SOURCE_DIRECTORY, scan->path->str,
                                          scan->name_offset, scan->top_fd, NULL, error);
        }
        g_string_truncate (scan->path, length);
    }
    scan->depth--;
    return ok;
}

/* Fails because no file was found below @path. Notes from @n_notes on say what could not be
 * read. */
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

bool
arec_source_tree_add (ArecSourceList *list, const char *path, GError **error)
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
    if (!arec_source_list_hold_directory (list, path, &scan.top_fd)) {
        return arec_fail_errno (error, errno, "%s", path);
    }
    if (!scan_directory (&scan, error)) {
        return false;
    }
    return list->n_files > n_before || fail_empty (list, path, n_notes, error);
}
