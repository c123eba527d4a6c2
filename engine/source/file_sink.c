#include "source/file_sink.h"

#include <arec/outputs.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/autofd.h"
#include "base/error.h"

/* Small pieces are gathered up to this many bytes. */
#define BUFFER_SIZE ((size_t)256 * 1024)

/* Hidden names that are tried before giving up. */
#define MAX_TRIES 100

/* Outputs with a hidden name at the same time that a signal's handler finds; more than a
 * program writes at once. */
#define MAX_NAMED 256

/* A hidden name in a directory. The handler of a signal may read it at any time: it is whole as
 * long as is_there holds. */
typedef struct {
    _Atomic bool is_taken;
    _Atomic bool is_there;
    int dir_fd;
    char name[32];
} Temporary;

static Temporary temporaries[MAX_NAMED];

typedef struct {
    ArecSink base;
    ArecFileSinkFlags flags;
    int dir_fd;
    int fd;
    char *target;         /* its name below dir_fd */
    Temporary *temporary; /* a file of that name may be there, and is ours; NULL: none */
    uint64_t flushed;     /* bytes that the file has */
    uint8_t *buffer;      /* bytes behind those */
    size_t n_buffered;
} FileSink;

static bool
fail (const FileSink *file, int saved_errno, const char *what, GError **error)
{
    return arec_fail (error, AREC_ERROR_IO, "%s: %s: %s", file->base.name, what,
                      g_strerror (saved_errno));
}

/* ---- writing ---- */

static bool
write_fully (FileSink *file, const uint8_t *data, size_t size, GError **error)
{
    while (size > 0) {
        ssize_t n = write (file->fd, data, size);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return arec_fail (error, AREC_ERROR_IO, "%s: at %" PRIu64 ": write: %s",
                              file->base.name, file->flushed, g_strerror (errno));
        }
        data += n;
        size -= (size_t)n;
        file->flushed += (uint64_t)n;
    }
    return true;
}

static bool
flush (FileSink *file, GError **error)
{
    size_t size = file->n_buffered;

    file->n_buffered = 0;
    return write_fully (file, file->buffer, size, error);
}

static bool
file_write (ArecSink *sink, const void *data, size_t size, GError **error)
{
    FileSink *file = (FileSink *)sink;

    if (size > BUFFER_SIZE - file->n_buffered && !flush (file, error)) {
        return false;
    }
    if (size >= BUFFER_SIZE) {
        return write_fully (file, data, size, error);
    }
    memcpy (file->buffer + file->n_buffered, data, size);
    file->n_buffered += size;
    return true;
}

/* ---- names ---- */

static Temporary *
take_temporary (void)
{
    for (size_t i = 0; i < MAX_NAMED; i++) {
        bool is_taken = false;

        if (atomic_compare_exchange_strong (&temporaries[i].is_taken, &is_taken, true)) {
            return &temporaries[i];
        }
    }
    return NULL;
}

/* The name is not used any more: the file has another one, or none. */
static void
drop_temporary (FileSink *file)
{
    file->temporary->is_there = false;
    file->temporary->is_taken = false;
    file->temporary = NULL;
}

/* Says that the hidden name is in use before it is, so that a signal in between finds it. false
 * with errno set. */
static bool
choose_temporary (FileSink *file)
{
    Temporary *temporary = take_temporary();

    if (!temporary) {
        errno = EMFILE;
        return false;
    }
    temporary->dir_fd = file->dir_fd;
    snprintf (temporary->name, sizeof temporary->name, ".arec-%08" PRIx32 "%08" PRIx32,
              g_random_int(), g_random_int());
    temporary->is_there = true;
    file->temporary = temporary;
    return true;
}

static bool
open_temporary (FileSink *file)
{
    for (unsigned i = 0; i < MAX_TRIES && choose_temporary (file); i++) {
        int saved_errno;

        file->fd = openat (file->dir_fd, file->temporary->name,
                           O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (file->fd >= 0) {
            return true;
        }
        saved_errno = errno;
        drop_temporary (file);
        errno = saved_errno;
        if (errno != EEXIST) {
            return false;
        }
    }
    return false;
}

/* A file without a name gets one through its entry in /proc: the way that needs no privilege.
 */
static bool
open_nameless (FileSink *file)
{
    if ((file->flags & AREC_FILE_SINK_NAMED) || access ("/proc/self/fd", X_OK) != 0) {
        return false;
    }
    file->fd = openat (file->dir_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
    return file->fd >= 0;
}

static bool
link_nameless (const FileSink *file, const char *name)
{
    char path[64];

    snprintf (path, sizeof path, "/proc/self/fd/%d", file->fd);
    return linkat (AT_FDCWD, path, file->dir_fd, name, AT_SYMLINK_FOLLOW) == 0;
}

static bool
link_nameless_to_temporary (FileSink *file)
{
    for (unsigned i = 0; i < MAX_TRIES && choose_temporary (file); i++) {
        int saved_errno;

        if (link_nameless (file, file->temporary->name)) {
            return true;
        }
        saved_errno = errno;
        drop_temporary (file);
        errno = saved_errno;
        if (errno != EEXIST) {
            return false;
        }
    }
    return false;
}

/* Never onto another file. Filesystems that cannot say so in a rename have hard links. */
static bool
rename_to_free_name (FileSink *file)
{
    if (renameat2 (file->dir_fd, file->temporary->name, file->dir_fd, file->target,
                   RENAME_NOREPLACE) == 0) {
        return true;
    }
    if ((errno != EINVAL && errno != ENOSYS) ||
        linkat (file->dir_fd, file->temporary->name, file->dir_fd, file->target, 0) != 0) {
        return false;
    }
    unlinkat (file->dir_fd, file->temporary->name, 0);
    return true;
}

static bool
rename_temporary (FileSink *file)
{
    bool done =
        file->flags & AREC_FILE_SINK_REPLACE
            ? renameat (file->dir_fd, file->temporary->name, file->dir_fd, file->target) == 0
            : rename_to_free_name (file);

    if (done) {
        drop_temporary (file);
    }
    return done;
}

/* Gives the file the target's name. false with errno set. */
static bool
install (FileSink *file)
{
    if (file->temporary) {
        return rename_temporary (file);
    }
    if (link_nameless (file, file->target)) {
        return true;
    }
    /* A link cannot replace, a rename needs a name. */
    return errno == EEXIST && (file->flags & AREC_FILE_SINK_REPLACE) &&
           link_nameless_to_temporary (file) && rename_temporary (file);
}

/* Some filesystems have nothing to sync in a directory and say EINVAL. */
static bool
sync_directory (const FileSink *file)
{
    return fsync (file->dir_fd) == 0 || errno == EINVAL;
}

static bool
file_commit (ArecSink *sink, GError **error)
{
    FileSink *file = (FileSink *)sink;

    if (!flush (file, error)) {
        return false;
    }
    if (fsync (file->fd) != 0) {
        return fail (file, errno, "sync", error);
    }
    if (!install (file)) {
        return fail (file, errno, "cannot put the finished file in its place", error);
    }
    return sync_directory (file) || fail (file, errno, "sync of its directory", error);
}

static void
file_free (ArecSink *sink)
{
    FileSink *file = (FileSink *)sink;

    if (file->temporary) {
        unlinkat (file->dir_fd, file->temporary->name, 0);
        drop_temporary (file);
    }
    arec_close_fd (&file->fd);
    arec_close_fd (&file->dir_fd);
    g_free (file->target);
    g_free (file->buffer);
    g_free (file);
}

void
arec_outputs_abort (void)
{
    int saved_errno = errno;

    for (size_t i = 0; i < MAX_NAMED; i++) {
        if (temporaries[i].is_there) {
            unlinkat (temporaries[i].dir_fd, temporaries[i].name, 0);
        }
    }
    errno = saved_errno;
}

/* ---- creating ---- */

static const ArecSinkOps file_ops = {
    .write = file_write, .commit = file_commit, .free = file_free};

/* Opens the directory of @path and sets the target's name in it. */
static bool
open_directory (FileSink *file, const char *path, GError **error)
{
    const char *slash = strrchr (path, '/');
    g_autofree char *directory = slash == path ? g_strdup ("/")
                                 : slash       ? g_strndup (path, (size_t)(slash - path))
                                               : g_strdup (".");

    file->target = g_strdup (slash ? slash + 1 : path);
    if (file->target[0] == '\0') {
        return fail (file, *path ? EISDIR : ENOENT, "cannot create", error);
    }
    file->dir_fd = open (directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return file->dir_fd >= 0 || fail (file, errno, "cannot open its directory", error);
}

/* Says now what the commit would say only after all the work. */
static bool
check_target (const FileSink *file, GError **error)
{
    struct stat st;

    if (fstatat (file->dir_fd, file->target, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT || fail (file, errno, "cannot create", error);
    }
    if (!(file->flags & AREC_FILE_SINK_REPLACE)) {
        return fail (file, EEXIST, "cannot create", error);
    }
    return S_ISREG (st.st_mode) ||
           arec_fail (error, AREC_ERROR_IO, "%s: cannot replace: not a regular file",
                      file->base.name);
}

ArecSink *
arec_file_sink_new (const char *path, ArecFileSinkFlags flags, GError **error)
{
    FileSink *file = g_new0 (FileSink, 1);
    g_autoptr (ArecSink) sink = &file->base;

    sink->ops = &file_ops;
    sink->name = g_strdup (path);
    file->flags = flags;
    file->dir_fd = -1;
    file->fd = -1;
    if (!open_directory (file, path, error) || !check_target (file, error)) {
        return NULL;
    }
    if (!open_nameless (file) && !open_temporary (file)) {
        fail (file, errno, "cannot create", error);
        return NULL;
    }
    file->buffer = g_malloc (BUFFER_SIZE);
    return g_steal_pointer (&sink);
}
