#include "pack/unpack_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <arec/arec.h>

#include "frame/interrupt.h"

/* Hidden names that are tried before giving up. */
#define MAX_TRIES 100

struct ToolUnpackTree {
    char *path;
    int dir_fd;
    char *folder;  /* below it, the one of the last file; NULL: itself */
    int folder_fd; /* of that; dir_fd: itself */
    bool replaces;
    bool is_nameless; /* the filesystem has files without names */
    /* The handler of a signal reads the members below at any time, in the tree's own thread. */
    _Atomic bool has_hidden; /* a file of the hidden name may be there, and is ours */
    char hidden[32];
};

static _Atomic (ToolUnpackTree *) current;

/* ---- the folder ---- */

static bool
fail_folder (const char *path, int saved_errno, GError **error)
{
    return arec_fail (error, AREC_ERROR_IO, "%s: %s", path, g_strerror (saved_errno));
}

/* -1 with errno set. */
static int
open_folder (const char *path)
{
    return open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* false with errno set, to 0 if the folder has been read and holds something. */
static bool
is_empty (int dir_fd)
{
    /* A descriptor of its own, as closedir () closes it. */
    int fd = openat (dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir (fd) : NULL;
    const struct dirent *entry;
    int saved_errno;

    if (!folder) {
        return false;
    }
    do {
        errno = 0;
        entry = readdir (folder);
    } while (entry && (strcmp (entry->d_name, ".") == 0 || strcmp (entry->d_name, "..") == 0));
    saved_errno = errno;
    closedir (folder);
    errno = saved_errno;
    return !entry && errno == 0;
}

static bool
check_empty (const char *path, int dir_fd, GError **error)
{
    if (is_empty (dir_fd)) {
        return true;
    }
    return errno != 0
               ? fail_folder (path, errno, error)
               : arec_fail (error, AREC_ERROR_IO, "%s: is not empty; -f writes into it", path);
}

/* The files that follow are in the folder of the tree itself. */
static void
leave_folder (ToolUnpackTree *tree)
{
    if (tree->folder) {
        close (tree->folder_fd);
        g_clear_pointer (&tree->folder, g_free);
    }
    tree->folder_fd = tree->dir_fd;
}

/* The folder @name, one part of a path, in the folder @fd, made if it is absent. -1 with errno
 * set, also for a symbolic link. */
static int
open_part (int fd, const char *name)
{
    if (mkdirat (fd, name, 0777) != 0 && errno != EEXIST) {
        return -1;
    }
    return openat (fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The folder @path, @length bytes, below @dir_fd. -1 with errno set. */
static int
open_below (int dir_fd, const char *path, size_t length)
{
    g_autofree char *parts = g_strndup (path, length);
    char *part = parts, *next;
    int fd = dir_fd;

    do {
        char *slash = strchr (part, '/');
        int above = fd, saved_errno;

        next = slash ? slash + 1 : NULL;
        if (slash) {
            *slash = '\0';
        }
        fd = open_part (above, part);
        saved_errno = errno;
        if (above != dir_fd) {
            close (above);
        }
        errno = saved_errno;
        part = next;
    } while (part && fd >= 0);
    return fd;
}

/* Makes the folder of the file @name, a path, the one that files are written to. @base  (out)
 * the last part of @name. false with errno set. */
static bool
enter_folder (ToolUnpackTree *tree, const char *name, const char **base)
{
    const char *slash = strrchr (name, '/');
    size_t length = slash ? (size_t)(slash - name) : 0;
    int fd;

    *base = slash ? slash + 1 : name;
    if (tree->folder && strlen (tree->folder) == length &&
        memcmp (tree->folder, name, length) == 0) {
        return true;
    }
    leave_folder (tree);
    if (!slash) {
        return true;
    }
    fd = open_below (tree->dir_fd, name, length);
    if (fd < 0) {
        return false;
    }
    tree->folder = g_strndup (name, length);
    tree->folder_fd = fd;
    return true;
}

/* For a signal that ends the process. */
static void
remove_current (void)
{
    const ToolUnpackTree *tree = current;

    if (tree && tree->has_hidden) {
        unlinkat (tree->folder_fd, tree->hidden, 0);
    }
}

bool
tool_unpack_tree_check (const char *path, bool force, GError **error)
{
    int fd = open_folder (path);
    bool is_good;

    if (fd < 0) {
        return errno == ENOENT || fail_folder (path, errno, error);
    }
    is_good = force || check_empty (path, fd, error);
    close (fd);
    return is_good;
}

ToolUnpackTree *
tool_unpack_tree_new (const char *path, bool force, uint64_t n_files, GError **error)
{
    g_autoptr (ToolUnpackTree) tree = g_new0 (ToolUnpackTree, 1);

    tree->path = g_strdup (path);
    tree->dir_fd = -1;
    tree->folder_fd = -1;
    tree->replaces = force;
    tree->is_nameless = access ("/proc/self/fd", X_OK) == 0;
    if (mkdir (path, 0777) != 0 && errno != EEXIST) {
        fail_folder (path, errno, error);
        return NULL;
    }
    tree->dir_fd = open_folder (path);
    if (tree->dir_fd < 0) {
        fail_folder (path, errno, error);
        return NULL;
    }
    tree->folder_fd = tree->dir_fd;
    if (!force && !check_empty (path, tree->dir_fd, error)) {
        return NULL;
    }
    current = tree;
    tool_interrupt_set_cleanup (remove_current);
    tool_interrupt_expect (n_files, path, "are there");
    return g_steal_pointer (&tree);
}

void
tool_unpack_tree_free (ToolUnpackTree *tree)
{
    if (!tree) {
        return;
    }
    if (current == tree) {
        tool_interrupt_set_cleanup (NULL);
        current = NULL;
    }
    leave_folder (tree);
    if (tree->dir_fd >= 0) {
        close (tree->dir_fd);
    }
    g_free (tree->path);
    g_free (tree);
}

size_t
tool_unpack_tree_max_part (const ToolUnpackTree *tree)
{
    long most = fpathconf (tree->dir_fd, _PC_NAME_MAX);

    return most > 0 ? (size_t)most : NAME_MAX;
}

/* ---- the file in work: functions that return false, or -1, set errno ---- */

/* Says that the name is in use before it is, so that a signal in between finds it. */
static void
choose_hidden (ToolUnpackTree *tree)
{
    snprintf (tree->hidden, sizeof tree->hidden, ".arec-%08" PRIx32 "%08" PRIx32,
              g_random_int(), g_random_int());
    tree->has_hidden = true;
}

static void
remove_hidden (ToolUnpackTree *tree)
{
    int saved_errno = errno;

    if (tree->has_hidden) {
        unlinkat (tree->folder_fd, tree->hidden, 0);
        tree->has_hidden = false;
    }
    errno = saved_errno;
}

static int
open_hidden (ToolUnpackTree *tree)
{
    for (unsigned i = 0; i < MAX_TRIES; i++) {
        int fd;

        choose_hidden (tree);
        fd = openat (tree->folder_fd, tree->hidden,
                     O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (fd >= 0) {
            return fd;
        }
        tree->has_hidden = false; /* it is not ours */
        if (errno != EEXIST) {
            return -1;
        }
    }
    return -1;
}

static int
open_file (ToolUnpackTree *tree)
{
    if (tree->is_nameless) {
        int fd = openat (tree->folder_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);

        if (fd >= 0) {
            return fd;
        }
        tree->is_nameless = false;
    }
    return open_hidden (tree);
}

static bool
write_fully (int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write (fd, data, size);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            errno = n == 0 ? EIO : errno; /* it would be tried for ever */
            return false;
        }
        data += n;
        size -= (size_t)n;
    }
    return true;
}

/* Some filesystems report a failed write when a descriptor is closed. They do so for each, so
 * the file can be asked before it gets its name. */
static bool
flush (int fd)
{
    int copy = fcntl (fd, F_DUPFD_CLOEXEC, 0);

    return copy >= 0 && close (copy) == 0;
}

/* A file without a name gets one through its entry in /proc: the way that needs no privilege.
 */
static bool
link_nameless (const ToolUnpackTree *tree, int fd, const char *name)
{
    char path[64];

    snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
    return linkat (AT_FDCWD, path, tree->folder_fd, name, AT_SYMLINK_FOLLOW) == 0;
}

/* Never onto another file. Filesystems that cannot say so in a rename have hard links. */
static bool
rename_to_free_name (const ToolUnpackTree *tree, const char *name)
{
    if (renameat2 (tree->folder_fd, tree->hidden, tree->folder_fd, name, RENAME_NOREPLACE) ==
        0) {
        return true;
    }
    if ((errno != EINVAL && errno != ENOSYS) ||
        linkat (tree->folder_fd, tree->hidden, tree->folder_fd, name, 0) != 0) {
        return false;
    }
    unlinkat (tree->folder_fd, tree->hidden, 0);
    return true;
}

static bool
rename_hidden (ToolUnpackTree *tree, const char *name)
{
    bool done = tree->replaces
                    ? renameat (tree->folder_fd, tree->hidden, tree->folder_fd, name) == 0
                    : rename_to_free_name (tree, name);

    if (done) {
        tree->has_hidden = false;
    }
    return done;
}

static bool
give_name (ToolUnpackTree *tree, int fd, const char *name)
{
    if (tree->has_hidden) {
        return rename_hidden (tree, name);
    }
    if (link_nameless (tree, fd, name)) {
        return true;
    }
    if (errno != EEXIST || !tree->replaces) {
        return false;
    }
    /* A link cannot replace, a rename needs a name. */
    choose_hidden (tree);
    if (!link_nameless (tree, fd, tree->hidden)) {
        tree->has_hidden = false; /* it is not ours */
        return false;
    }
    return rename_hidden (tree, name);
}

/* Signals wait, so that their handler never sees a file that is there and not counted. */
static bool
install (ToolUnpackTree *tree, int fd, const char *name)
{
    sigset_t before;
    bool done;

    tool_interrupt_hold (&before);
    done = give_name (tree, fd, name);
    if (done) {
        arec_outputs_add_complete();
    } else {
        remove_hidden (tree);
    }
    tool_interrupt_release (&before);
    return done;
}

static bool
fail (const ToolUnpackTree *tree, const char *name, int saved_errno, GError **error)
{
    g_autofree char *path = g_build_filename (tree->path, name, NULL);

    return arec_fail (error, AREC_ERROR_IO, "%s: %s%s", path, g_strerror (saved_errno),
                      saved_errno == EEXIST ? "; -f replaces it" : "");
}

/* Of the folders of the file @name. */
static bool
fail_folder_of (const ToolUnpackTree *tree, const char *name, int saved_errno, GError **error)
{
    g_autofree char *folder = g_path_get_dirname (name);
    g_autofree char *path = g_build_filename (tree->path, folder, NULL);

    return arec_fail (error, AREC_ERROR_IO, "%s: cannot make the folder: %s", path,
                      g_strerror (saved_errno));
}

bool
tool_unpack_tree_put (ToolUnpackTree *tree, const char *name, const void *data, size_t size,
                      GError **error)
{
    int fd, saved_errno;
    const char *base;
    bool done;

    if (!enter_folder (tree, name, &base)) {
        return fail_folder_of (tree, name, errno, error);
    }
    fd = open_file (tree);
    if (fd < 0) {
        return fail (tree, name, errno, error);
    }
    done = write_fully (fd, data, size) && flush (fd) && install (tree, fd, base);
    saved_errno = errno;
    close (fd);
    remove_hidden (tree);
    return done || fail (tree, name, saved_errno, error);
}
