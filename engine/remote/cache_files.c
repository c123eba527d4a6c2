#include "remote/cache_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#include "base/array.h"
#include "base/autofd.h"
#include "base/keyed_hash.h"

#define DIGITS "0123456789abcdef"
#define MAX_NAME AREC_KEYED_NAME_SIZE /* with the NUL */
#define KEPT_PERCENT 95

typedef struct {
    char name[MAX_NAME];
    bool is_thinned; /* a file was removed from it */
} Folder;

typedef struct {
    int64_t mtime; /* nanoseconds */
    uint64_t size;
    size_t folder;
    char name[MAX_NAME];
} File;

typedef struct {
    Folder *folders;
    size_t n_folders, max_folders;
    File *files;
    size_t n_files, max_files;
    uint64_t size;
} Walk;

static void
walk_clear (Walk *walk)
{
    g_free (walk->folders);
    g_free (walk->files);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Walk, walk_clear)

static void
close_dir (DIR *dir)
{
    int saved_errno = errno;

    closedir (dir);
    errno = saved_errno;
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DIR, close_dir)

static bool
is_number (const char *name, size_t n_digits)
{
    return strlen (name) == n_digits && strspn (name, DIGITS) == n_digits;
}

static bool
is_names (const Folder *folder)
{
    return strcmp (folder->name, AREC_CACHE_NAMES) == 0;
}

/* A directory that was removed meanwhile, or a link, is none. */
static DIR *
open_folder (int root_fd, const char *name)
{
    arec_autofd int fd =
        openat (root_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir (fd);

    if (dir) {
        arec_steal_fd (&fd);
    }
    return dir;
}

/* The next entry; NULL with errno 0 at the end. */
static struct dirent *
next_entry (DIR *dir)
{
    errno = 0;
    return readdir (dir);
}

static bool
add_folder (Walk *walk, const char *name)
{
    if (!arec_array_reserve (&walk->folders, &walk->max_folders, walk->n_folders + 1,
                             sizeof *walk->folders)) {
        errno = ENOMEM;
        return false;
    }
    walk->folders[walk->n_folders] = (Folder){0};
    g_strlcpy (walk->folders[walk->n_folders].name, name, MAX_NAME);
    walk->n_folders++;
    return true;
}

static bool
add_file (Walk *walk, const char *name, const struct stat *st)
{
    File *file;

    if (!arec_array_reserve (&walk->files, &walk->max_files, walk->n_files + 1,
                             sizeof *walk->files)) {
        errno = ENOMEM;
        return false;
    }
    file = &walk->files[walk->n_files++];
    *file = (File){.mtime = st->st_mtim.tv_sec * INT64_C (1000000000) + st->st_mtim.tv_nsec,
                   .size = (uint64_t)st->st_blocks * 512,
                   .folder = walk->n_folders - 1};
    g_strlcpy (file->name, name, MAX_NAME);
    walk->size += file->size;
    return true;
}

/* Whether the name is one that the cache gives to files of the folder. */
static bool
is_ours (const Folder *folder, const char *name)
{
    return is_names (folder) ? strlen (name) < MAX_NAME
                             : is_number (name, AREC_CACHE_SEGMENT_DIGITS);
}

/* Adds the files of the last folder. */
static bool
walk_folder (Walk *walk, int root_fd)
{
    const Folder *folder = &walk->folders[walk->n_folders - 1];
    g_autoptr (DIR) dir = open_folder (root_fd, folder->name);
    struct dirent *entry;
    struct stat st;

    if (!dir) {
        return errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
    }
    while ((entry = next_entry (dir))) {
        if (is_ours (folder, entry->d_name) &&
            fstatat (dirfd (dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG (st.st_mode) && !add_file (walk, entry->d_name, &st)) {
            return false;
        }
    }
    return errno == 0;
}

static bool
walk_root (Walk *walk, int root_fd)
{
    g_autoptr (DIR) dir = open_folder (root_fd, ".");
    struct dirent *entry;

    if (!dir) {
        return false;
    }
    while ((entry = next_entry (dir))) {
        if ((is_number (entry->d_name, AREC_KEYED_NAME_SIZE - 1) ||
             strcmp (entry->d_name, AREC_CACHE_NAMES) == 0) &&
            (!add_folder (walk, entry->d_name) || !walk_folder (walk, root_fd))) {
            return false;
        }
    }
    return errno == 0;
}

/* The names decide between files of one moment, so that the order is always the same. */
static int
compare_age (const void *a, const void *b)
{
    const File *one = a, *other = b;

    if (one->mtime != other->mtime) {
        return one->mtime < other->mtime ? -1 : 1;
    }
    return strcmp (one->name, other->name);
}

/* A file that is gone already takes no disk either. */
static void
remove_file (Walk *walk, int root_fd, const File *file, ArecCacheTally *tally)
{
    Folder *folder = &walk->folders[file->folder];
    char path[2 * MAX_NAME];

    snprintf (path, sizeof path, "%s/%s", folder->name, file->name);
    if (unlinkat (root_fd, path, 0) == 0) {
        tally->evicted += file->size;
        folder->is_thinned = true;
    } else if (errno != ENOENT) {
        return;
    }
    tally->size -= file->size;
}

static void
remove_empty_folders (const Walk *walk, int root_fd)
{
    for (size_t i = 0; i < walk->n_folders; i++) {
        if (walk->folders[i].is_thinned && !is_names (&walk->folders[i])) {
            unlinkat (root_fd, walk->folders[i].name, AT_REMOVEDIR);
        }
    }
}

bool
arec_cache_files_trim (int root_fd, uint64_t max_size, ArecCacheTally *tally)
{
    const uint64_t kept = max_size - max_size / 100 * (100 - KEPT_PERCENT);
    g_auto (Walk) walk = {0};

    if (!walk_root (&walk, root_fd)) {
        return false;
    }
    *tally = (ArecCacheTally){.size = walk.size};
    if (walk.size <= kept) {
        return true;
    }
    qsort (walk.files, walk.n_files, sizeof *walk.files, compare_age);
    for (size_t i = 0; i < walk.n_files && tally->size > kept; i++) {
        remove_file (&walk, root_fd, &walk.files[i], tally);
    }
    remove_empty_folders (&walk, root_fd);
    return true;
}
