#include "naming/source_list.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "naming/shard_sets.h"

/* Files are kept in blocks, so that a pointer to one stays valid while the list grows. */
#define BLOCK_FILES 1024
/* Notes that are kept; the others are counted. */
#define MAX_NOTES 64

/* Each directory that holds a named file is held open once, by O_PATH. */
typedef struct {
    ArecFileId id;
    int fd;
} Directory;

typedef struct {
    ArecSourceFile file;      /* first: a pointer to it is one to this */
    int dir_fd;               /* -1 of an object */
    ArecSourceObject *object; /* NULL: it is local */
} ListedFile;

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
    list->objects = g_ptr_array_new_with_free_func (g_free);
    list->directories = g_array_new (FALSE, FALSE, sizeof (Directory));
    g_array_set_clear_func (list->directories, close_directory);
    list->patterns = g_ptr_array_new_with_free_func (g_free);
    list->excluded = g_array_new (FALSE, FALSE, sizeof (ArecFileId));
    list->notes = g_array_new (FALSE, FALSE, sizeof (ArecSourceNote));
    clock_gettime (CLOCK_REALTIME, &list->made);
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
    g_ptr_array_unref (list->objects);
    g_array_unref (list->directories);
    g_ptr_array_unref (list->patterns);
    g_array_unref (list->excluded);
    g_array_unref (list->notes);
    g_free (list->shown_below);
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

    /* A path that does not exist needs no exclusion. */
    if (stat (path, &st) == 0) {
        ArecFileId id = arec_file_id_of (&st);

        g_array_append_val (list->excluded, id);
    }
}

size_t
arec_source_list_length (const ArecSourceList *list)
{
    return list->n_files;
}

static ListedFile *
file_at (const ArecSourceList *list, size_t i)
{
    ListedFile *block = g_ptr_array_index (list->blocks, i / BLOCK_FILES);

    return &block[i % BLOCK_FILES];
}

const ArecSourceFile *
arec_source_list_get (const ArecSourceList *list, size_t i)
{
    g_return_val_if_fail (i < list->n_files, NULL);
    return &file_at (list, i)->file;
}

int
arec_source_file_directory (const ArecSourceFile *file)
{
    return ((const ListedFile *)file)->dir_fd;
}

const ArecSourceObject *
arec_source_file_object (const ArecSourceFile *file)
{
    return ((const ListedFile *)file)->object;
}

const char *
arec_source_file_url (const ArecSourceFile *file)
{
    const ArecSourceObject *object = arec_source_file_object (file);

    return object ? object->url : NULL;
}

void
arec_source_list_tell_absolute (ArecSourceList *list, const char *directory)
{
    g_free (list->shown_below);
    list->shown_below = g_strdup (directory);
}

bool
arec_errno_is_shortage (int failure)
{
    return failure == EMFILE || failure == ENFILE || failure == ENOMEM;
}

bool
arec_source_list_takes_name (const ArecSourceList *list, const char *name)
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

/* ---- notes ------------------------------------------------------------------------------- */

void
arec_source_list_add_note (ArecSourceList *list, ArecSourceNoteKind kind, const char *path,
                           const char *reason)
{
    g_autofree char *shown =
        list->shown_below ? arec_source_absolute (path, list->shown_below) : g_strdup (path);
    ArecSourceNote note = {.kind = kind};

    if (list->notes->len == MAX_NOTES) {
        list->n_more_notes++;
        return;
    }
    note.path = g_string_chunk_insert (list->strings, shown);
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

/* ---- adding one file --------------------------------------------------------------------- */

bool
arec_source_list_hold_directory (ArecSourceList *list, const char *path, int *fd)
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
    directory.id = arec_file_id_of (&st);
    for (guint i = 0; i < list->directories->len; i++) {
        const Directory *held = &g_array_index (list->directories, Directory, i);

        if (arec_file_id_equal (held->id, directory.id)) {
            close (directory.fd);
            *fd = held->fd;
            return true;
        }
    }
    g_array_append_val (list->directories, directory);
    *fd = directory.fd;
    return true;
}

/* @path as messages show it. Its name, from byte *name_offset on, stays as it is, and
 * *name_offset is moved to where it begins in the result. */
static char *
shown_path (const ArecSourceList *list, const char *path, size_t *name_offset)
{
    g_autofree char *parent = g_strndup (path, *name_offset);
    g_autofree char *shown = NULL;
    char *whole;

    if (!list->shown_below) {
        return g_strdup (path);
    }
    shown = arec_source_absolute (parent, list->shown_below);
    whole = g_strconcat (shown, strcmp (shown, "/") == 0 ? "" : "/", path + *name_offset, NULL);
    *name_offset = strlen (whole) - strlen (path + *name_offset);
    return whole;
}

/* A zeroed place at the end. NULL: there is none; @path is for the message. */
static ListedFile *
add_place (ArecSourceList *list, const char *path, GError **error)
{
    if (list->n_files == AREC_MAX_SOURCE_FILES) {
        arec_fail (error, AREC_ERROR_LIMIT, "%s: there are more than %u files", path,
                   AREC_MAX_SOURCE_FILES);
        return NULL;
    }
    if (list->n_files == (size_t)list->blocks->len * BLOCK_FILES) {
        g_ptr_array_add (list->blocks, g_new0 (ListedFile, BLOCK_FILES));
    }
    return file_at (list, list->n_files++);
}

bool
arec_source_list_append (ArecSourceList *list, ArecSourceForm form, const char *path,
                         size_t name_offset, int dir_fd, const ArecRangeText *range,
                         GError **error)
{
    g_autofree char *shown = shown_path (list, path, &name_offset);
    ListedFile *listed = add_place (list, path, error);

    if (!listed) {
        return false;
    }
    *listed = (ListedFile){
        .file = {.form = form,
                 .argument = list->n_arguments,
                 .path = g_string_chunk_insert (list->strings, shown),
                 .has_range = range != NULL},
        .dir_fd = dir_fd,
    };
    listed->file.name = listed->file.path + name_offset;
    if (range) {
        listed->file.range = *range;
    }
    return true;
}

/* Makes @listed an object, but for its names. */
static void
set_object (ArecSourceList *list, ListedFile *listed, ArecSourceForm form,
            const ArecRangeText *range, const ArecSourceObject *object)
{
    size_t i = list->n_objects++;

    if (i == (size_t)list->objects->len * BLOCK_FILES) {
        g_ptr_array_add (list->objects, g_new (ArecSourceObject, BLOCK_FILES));
    }
    *listed = (ListedFile){
        .file = {.form = form, .argument = list->n_arguments, .has_range = range != NULL},
        .dir_fd = -1,
        .object = (ArecSourceObject *)g_ptr_array_index (list->objects, i / BLOCK_FILES) +
                  i % BLOCK_FILES,
    };
    *listed->object = *object;
    if (range) {
        listed->file.range = *range;
    }
}

bool
arec_source_list_add_object (ArecSourceList *list, ArecSourceForm form, const ArecUrl *url,
                             const ArecRangeText *range, GError **error)
{
    g_autofree char *shown = arec_url_shown (url);
    g_autofree char *whole = arec_url_whole (url);
    g_autofree char *name = arec_url_name (url, error);
    ListedFile *listed = name ? add_place (list, shown, error) : NULL;

    if (!listed) {
        return false;
    }
    set_object (list, listed, form, range,
                &(ArecSourceObject){.url = g_string_chunk_insert (list->strings, whole)});
    listed->file.path = g_string_chunk_insert (list->strings, shown);
    listed->file.name = g_string_chunk_insert (list->strings, name);
    return true;
}

bool
arec_source_list_add_listed (ArecSourceList *list, ArecSourceForm form, const char *base,
                             const char *name, const ArecListedObject *object,
                             const ArecRangeText *range, GError **error)
{
    g_autofree char *url = g_strconcat (base, object->key, NULL);
    ListedFile *listed = add_place (list, url, error);
    const char *kept;

    if (!listed) {
        return false;
    }
    /* Such a URL has no query, so it may be shown. */
    kept = g_string_chunk_insert (list->strings, url);
    set_object (list, listed, form, range,
                &(ArecSourceObject){.url = kept,
                                    .is_listed = true,
                                    .size = object->size,
                                    .generation = object->generation,
                                    .modified = object->modified});
    listed->file.path = kept;
    listed->file.name = kept + strlen (kept) - strlen (name);
    return true;
}

bool
arec_source_list_add_file (ArecSourceList *list, ArecSourceForm form, const char *path,
                           const ArecRangeText *range, GError **error)
{
    const char *slash = strrchr (path, '/');
    const char *name = slash ? slash + 1 : path;
    g_autofree char *parent = slash ? g_strndup (path, (size_t)(name - path)) : g_strdup (".");
    struct stat st;
    int dir_fd;

    if (!arec_source_list_hold_directory (list, parent, &dir_fd) ||
        fstatat (dir_fd, slash && *name == '\0' ? "." : name, &st, 0) != 0) {
        return arec_fail_errno (error, errno, "%s", path);
    }
    if (!S_ISREG (st.st_mode)) {
        return arec_fail (error, AREC_ERROR_NOT_FOUND, "%s: not a regular file%s", path,
                          S_ISDIR (st.st_mode) ? " but a directory" : "");
    }
    return arec_source_list_append (list, form, path, (size_t)(name - path), dir_fd, range,
                                    error);
}

/* ---- sets of shards ---------------------------------------------------------------------- */

static void
note_set (void *data, const char *pattern, const char *reason)
{
    arec_source_list_add_note (data, AREC_NOTE_SHARDS, pattern, reason);
}

/* What tells the directory of @file from others: one that is held open, or a part of a bucket,
 * and where it is below that. Returns (transfer full). */
static char *
directory_of (const ArecSourceFile *file)
{
    bool is_local = !arec_source_file_object (file);
    const char *path = is_local ? file->name : file->path;
    const char *slash = strrchr (path, '/');

    return g_strdup_printf ("%d/%.*s", arec_source_file_directory (file),
                            slash ? (int)(slash - path) : 0, path);
}

/* Whether the set of @file may lack some. An object that was typed has no listing beside it,
 * and @N names all. */
static bool
may_lack (const ArecSourceFile *file)
{
    return !arec_source_file_object (file) || file->form == AREC_SOURCE_GLOB ||
           file->form == AREC_SOURCE_DIRECTORY;
}

void
arec_source_list_check_shards (ArecSourceList *list)
{
    g_autoptr (ArecShardSets) sets = arec_shard_sets_new();

    for (size_t i = 0; i < list->n_files; i++) {
        const ArecSourceFile *file = arec_source_list_get (list, i);
        g_autofree char *directory = directory_of (file);

        if (may_lack (file)) {
            arec_shard_sets_add (sets, directory, file->path, file->form == AREC_SOURCE_LITERAL,
                                 file->has_range);
        }
    }
    arec_shard_sets_check (sets, note_set, list);
}
