#include "source/file_source.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mix.h"
#include "base/phases.h"
#include "source/beneath.h"

typedef struct {
    ArecSource base;
    ArecFdSlot slot;
    int dir_fd;
    char *file;    /* below dir_fd */
    bool is_found; /* and opened as beneath.h says */
} FileSource;

static FileSource *
of_slot (ArecFdSlot *slot)
{
    return (FileSource *)((char *)slot - offsetof (FileSource, slot));
}

static uint64_t
identity_of (const struct stat *st)
{
    uint64_t hash = arec_mix (0, st->st_dev);

    hash = arec_mix (hash, st->st_ino);
    hash = arec_mix (hash, (uint64_t)st->st_size);
    hash = arec_mix (hash, (uint64_t)st->st_mtim.tv_sec);
    return arec_mix (hash, (uint64_t)st->st_mtim.tv_nsec);
}

/* The time of change cannot be put back, whatever was written. But links, names, modes and
 * attributes move it as well. */
static uint64_t
stamp_of (const struct stat *st)
{
    return arec_mix (arec_mix (0, (uint64_t)st->st_ctim.tv_sec), (uint64_t)st->st_ctim.tv_nsec);
}

/* @stamp  (out, nullable). */
static bool
check_fd (FileSource *file, int fd, uint64_t *stamp, GError **error)
{
    struct stat st;

    if (fstat (fd, &st) != 0) {
        return arec_fail_errno (error, errno, "%s: stat", file->base.name);
    }
    if (st.st_nlink == 0 && file->base.st.st_nlink > 0) {
        return arec_fail (error, AREC_ERROR_CHANGED,
                          "%s: the file was replaced or removed since it was opened",
                          file->base.name);
    }
    if (identity_of (&st) != file->base.identity && (uint64_t)st.st_size == file->base.size) {
        return arec_fail (error, AREC_ERROR_CHANGED,
                          "%s: the file changed since it was opened: it has the same size, and "
                          "another time of modification or inode",
                          file->base.name);
    }
    if (identity_of (&st) != file->base.identity) {
        return arec_fail (error, AREC_ERROR_CHANGED,
                          "%s: the file changed since it was opened (now %" PRIu64
                          " bytes, then %" PRIu64 ")",
                          file->base.name, (uint64_t)st.st_size, file->base.size);
    }
    if (stamp) {
        *stamp = stamp_of (&st);
    }
    return true;
}

/* O_NONBLOCK: a FIFO of that name must not hang us before fstat tells what it is. */
static int
open_path (FileSource *file, ArecWay *way)
{
    const int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    ArecFdShortage shortage = {0};
    int fd;

    do {
        fd = file->is_found
                 ? arec_beneath_open (file->dir_fd, file->file, flags, AREC_PASSED_BY_LINK, way)
                 : openat (file->dir_fd, file->file, flags);
    } while (fd < 0 &&
             (errno == EINTR || arec_fd_pool_make_room (file->slot.pool, &shortage, errno)));
    return fd;
}

/* @way  nullable, zeroed; gets what has been passed. */
static int
open_regular (FileSource *file, struct stat *st, ArecWay *way, GError **error)
{
    int fd = open_path (file, way);

    if (fd < 0 && errno == EXDEV) {
        arec_fail (error, AREC_ERROR_NOT_FOUND, "%s: cannot open: %s", file->base.name,
                   arec_beneath_strerror (errno));
        return -1;
    }
    if (fd < 0) {
        arec_fail_errno (error, errno, "%s: cannot open", file->base.name);
        return -1;
    }
    if (fstat (fd, st) != 0) {
        arec_fail_errno (error, errno, "%s: stat", file->base.name);
    } else if (!S_ISREG (st->st_mode)) {
        arec_fail (error, AREC_ERROR_NOT_FOUND, "%s: cannot open: not a regular file",
                   file->base.name);
    } else {
        return fd;
    }
    close (fd);
    return -1;
}

static int
open_again (ArecFdSlot *slot, GError **error)
{
    FileSource *file = of_slot (slot);
    struct stat st;
    GError *cause = NULL;
    int fd = open_regular (file, &st, NULL, &cause);

    if (fd < 0) {
        /* It was there when the source was made. */
        if (g_error_matches (cause, AREC_ERROR, AREC_ERROR_NOT_FOUND)) {
            cause->code = AREC_ERROR_CHANGED;
        }
        g_propagate_error (error, cause);
        return -1;
    }
    if (!check_fd (file, fd, NULL, error)) {
        close (fd);
        return -1;
    }
    return fd;
}

/* Moves @iov past @n bytes that were read; returns how many leading elements are done. */
static int
advance (struct iovec *iov, int n_iov, size_t n)
{
    int done = 0;

    while (done < n_iov && n >= iov[done].iov_len) {
        n -= iov[done++].iov_len;
    }
    if (n > 0) {
        iov[done].iov_base = (char *)iov[done].iov_base + n;
        iov[done].iov_len -= n;
    }
    return done;
}

static bool
read_all (FileSource *file, int fd, struct iovec *iov, int n_iov, uint64_t offset,
          GError **error)
{
    while (n_iov > 0) {
        ssize_t n = preadv (fd, iov, MIN (n_iov, AREC_MAX_IOV), (off_t)offset);
        int done;

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return arec_fail_errno (error, errno, "%s: at %" PRIu64 ": read", file->base.name,
                                    offset);
        }
        done = advance (iov, n_iov, (size_t)n);
        if (n == 0 && done < n_iov) {
            return arec_fail (error, AREC_ERROR_CHANGED,
                              "%s: at %" PRIu64 ": end of file, expected %" PRIu64
                              " bytes in all: truncated since it was opened",
                              file->base.name, offset, file->base.size);
        }
        iov += done;
        n_iov -= done;
        offset += (uint64_t)n;
    }
    return true;
}

static bool
file_preadv (ArecSource *source, struct iovec *iov, int n_iov, uint64_t offset, GError **error)
{
    FileSource *file = (FileSource *)source;
    int fd = arec_fd_slot_acquire (&file->slot, error);
    ArecPhaseMark mark;
    bool ok;

    if (fd < 0) {
        return false;
    }
    mark = arec_phases_enter (AREC_PHASE_READING);
    ok = read_all (file, fd, iov, n_iov, offset, error);
    arec_phases_leave (mark);
    arec_fd_slot_release (&file->slot);
    return ok;
}

static bool
file_check (ArecSource *source, uint64_t *stamp, GError **error)
{
    FileSource *file = (FileSource *)source;
    int fd = arec_fd_slot_acquire (&file->slot, error);
    bool ok;

    if (fd < 0) {
        return false;
    }
    ok = check_fd (file, fd, stamp, error);
    arec_fd_slot_release (&file->slot);
    return ok;
}

static uint64_t
file_state (ArecSource *source)
{
    FileSource *file = (FileSource *)source;
    int fd = arec_fd_slot_acquire (&file->slot, NULL);
    struct stat st, named;
    uint64_t hash = 0;

    if (fd < 0) {
        return 0;
    }
    if (fstat (fd, &st) == 0) {
        bool is_named = fstatat (file->dir_fd, file->file, &named, 0) == 0 &&
                        named.st_ino == st.st_ino && named.st_dev == st.st_dev;

        hash = arec_mix (hash, st.st_mode);
        hash = arec_mix (hash, st.st_uid);
        hash = arec_mix (hash, st.st_gid);
        hash = arec_mix (hash, st.st_nlink);
        hash = arec_mix (hash, is_named);
    }
    arec_fd_slot_release (&file->slot);
    return hash;
}

/* A lease to read is refused where the file is open for writing, by anybody on this machine.
 * Should somebody want to write in the moment that we hold it, the signal is one that does
 * nothing. */
static bool
file_is_being_written (ArecSource *source)
{
    FileSource *file = (FileSource *)source;
    int fd = arec_fd_slot_acquire (&file->slot, NULL);
    struct stat st;
    bool is;

    if (fd < 0) {
        return false;
    }
    is = fstat (fd, &st) == 0 && identity_of (&st) != source->identity;
    if (!is) {
        fcntl (fd, F_SETSIG, SIGURG);
        if (fcntl (fd, F_SETLEASE, F_RDLCK) == 0) {
            fcntl (fd, F_SETLEASE, F_UNLCK);
        } else {
            is = errno == EAGAIN;
        }
    }
    arec_fd_slot_release (&file->slot);
    return is;
}

/* Moves the descriptor's own position, which nothing else here uses. */
static uint64_t
file_next_data (ArecSource *source, uint64_t offset)
{
    FileSource *file = (FileSource *)source;
    int fd = arec_fd_slot_acquire (&file->slot, NULL);
    off_t next;

    if (fd < 0) {
        return offset;
    }
    next = lseek (fd, (off_t)offset, SEEK_DATA);
    if (next < 0) {
        /* ENXIO: no data up to the end. Else the filesystem does not know. */
        next = errno == ENXIO ? (off_t)source->size : (off_t)offset;
    }
    arec_fd_slot_release (&file->slot);
    return (uint64_t)next;
}

static void
file_free (ArecSource *source)
{
    FileSource *file = (FileSource *)source;

    arec_fd_slot_clear (&file->slot);
    g_free (file->file);
    g_free (file);
}

static const ArecSourceOps file_ops = {.preadv = file_preadv,
                                       .check = file_check,
                                       .state = file_state,
                                       .is_being_written = file_is_being_written,
                                       .next_data = file_next_data,
                                       .free = file_free};

static ArecSource *
make_source (ArecFdPool *pool, int dir_fd, const char *name, const char *path, bool is_found,
             GError **error)
{
    FileSource *file = g_new0 (FileSource, 1);
    g_autoptr (ArecSource) source = &file->base;
    g_auto (ArecWay) way = {0};
    int fd;

    source->ops = &file_ops;
    source->name = g_strdup (path);
    file->file = g_strdup (name);
    file->dir_fd = dir_fd;
    file->is_found = is_found;
    arec_fd_slot_init (&file->slot, pool, open_again);

    /* Opened once for its identity; the pool opens it again when it is read. */
    fd = open_regular (file, &source->st, &way, error);
    if (fd < 0) {
        return NULL;
    }
    source->mode = arec_access_by_way (arec_access_of (fd, &source->st), &source->st, &way);
    close (fd);
    source->size = (uint64_t)source->st.st_size;
    source->identity = identity_of (&source->st);
    source->stamp = stamp_of (&source->st);
    return g_steal_pointer (&source);
}

ArecSource *
arec_file_source_new (ArecFdPool *pool, int dir_fd, const char *name, const char *path,
                      GError **error)
{
    return make_source (pool, dir_fd, name, path, false, error);
}

ArecSource *
arec_file_source_new_found (ArecFdPool *pool, int dir_fd, const char *name, const char *path,
                            GError **error)
{
    return make_source (pool, dir_fd, name, path, true, error);
}
