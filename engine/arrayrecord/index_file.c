#include "arrayrecord/index_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/error.h"

struct ArecIndexFile {
    ArecFdPool *pool; /* NULL: none to share descriptors with */
    char *dir;        /* absolute */
    _Atomic int fd;
    _Atomic bool is_refused; /* it could not be made */
    _Atomic uint64_t n_reads;
    pthread_mutex_t lock;
    uint64_t end;      /* one past the last range */
    uint64_t reserved; /* bytes in ranges */
};

ArecIndexFile *
arec_index_file_new (const char *dir)
{
    ArecIndexFile *file = g_new0 (ArecIndexFile, 1);

    file->dir = g_canonicalize_filename (dir ? dir : g_get_tmp_dir(), NULL);
    file->fd = -1;
    pthread_mutex_init (&file->lock, NULL);
    return file;
}

void
arec_index_file_free (ArecIndexFile *file)
{
    if (!file) {
        return;
    }
    if (file->fd >= 0) {
        close (file->fd);
    }
    pthread_mutex_destroy (&file->lock);
    g_free (file->dir);
    g_free (file);
}

/* ---- the file ---- */

static bool
fail (const ArecIndexFile *file, int saved_errno, const char *what, GError **error)
{
    return arec_fail_errno (error, saved_errno, "%s: cannot %s the file for offloaded indexes",
                            file->dir, what);
}

/* A file without a name in @dir, or -1 with errno. */
static int
open_nameless (const char *dir)
{
    int fd = open (dir, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
    g_autofree char *path = NULL;

    /* Some file systems cannot; kernels that know no O_TMPFILE say EISDIR. */
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) {
        return fd;
    }
    path = g_build_filename (dir, "arec-index-XXXXXX", NULL);
    fd = mkostemp (path, O_CLOEXEC);
    if (fd >= 0) {
        unlink (path);
    }
    return fd;
}

void
arec_index_file_share (ArecIndexFile *file, ArecFdPool *pool)
{
    file->pool = pool;
}

bool
arec_index_file_open (ArecIndexFile *file, GError **error)
{
    ArecFdShortage shortage = {0};
    int none = -1, fd;

    if (file->fd >= 0) {
        return true;
    }
    do {
        fd = open_nameless (file->dir);
    } while (fd < 0 && file->pool && arec_fd_pool_make_room (file->pool, &shortage, errno));
    if (fd < 0) {
        file->is_refused = true;
        return fail (file, errno, "make", error);
    }
    if (!atomic_compare_exchange_strong (&file->fd, &none, fd)) {
        close (fd); /* another thread was faster */
    }
    return true;
}

bool
arec_index_file_spares_memory (ArecIndexFile *file)
{
    struct statfs fs;

    return !file->is_refused && arec_index_file_open (file, NULL) &&
           fstatfs (file->fd, &fs) == 0 && fs.f_type != TMPFS_MAGIC && fs.f_type != RAMFS_MAGIC;
}

/* ---- ranges ---- */

bool
arec_index_file_reserve (ArecIndexFile *file, uint64_t size, uint64_t *begin, GError **error)
{
    bool fits;

    if (!arec_index_file_open (file, error)) {
        return false;
    }
    pthread_mutex_lock (&file->lock);
    fits = size <= INT64_MAX - file->end;
    if (fits) {
        *begin = file->end;
        file->end += size;
        file->reserved += size;
    }
    pthread_mutex_unlock (&file->lock);
    return fits ||
           arec_fail (error, AREC_ERROR_LIMIT,
                      "%s: the file for offloaded indexes would be too large", file->dir);
}

void
arec_index_file_release (ArecIndexFile *file, uint64_t begin, uint64_t size)
{
    if (size == 0) {
        return;
    }
    /* Before anybody else may have the range. Where holes are not supported its space is kept
     * until the file is closed. */
    fallocate (file->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)begin, (off_t)size);
    pthread_mutex_lock (&file->lock);
    file->reserved -= size;
    if (file->reserved == 0) {
        file->end = 0;
    } else if (begin + size == file->end) {
        file->end = begin;
    }
    pthread_mutex_unlock (&file->lock);
}

uint64_t
arec_index_file_size (const ArecIndexFile *file)
{
    ArecIndexFile *shared = (ArecIndexFile *)file;
    uint64_t reserved;

    pthread_mutex_lock (&shared->lock);
    reserved = file->reserved;
    pthread_mutex_unlock (&shared->lock);
    return reserved;
}

/* ---- bytes ---- */

bool
arec_index_file_write (ArecIndexFile *file, const void *data, size_t size, uint64_t at,
                       GError **error)
{
    const char *bytes = data;

    while (size > 0) {
        ssize_t n = pwrite (file->fd, bytes, size, (off_t)at);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return fail (file, n < 0 ? errno : ENOSPC, "write", error);
        }
        bytes += n;
        size -= (size_t)n;
        at += (uint64_t)n;
    }
    return true;
}

bool
arec_index_file_read (ArecIndexFile *file, void *data, size_t size, uint64_t at, GError **error)
{
    char *bytes = data;

    atomic_fetch_add_explicit (&file->n_reads, 1, memory_order_relaxed);
    while (size > 0) {
        ssize_t n = pread (file->fd, bytes, size, (off_t)at);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return fail (file, errno, "read", error);
        }
        if (n == 0) {
            return arec_index_file_fail_damaged (file, error);
        }
        bytes += n;
        size -= (size_t)n;
        at += (uint64_t)n;
    }
    return true;
}

bool
arec_index_file_fail_damaged (const ArecIndexFile *file, GError **error)
{
    return arec_fail (error, AREC_ERROR_IO,
                      "%s: the file for offloaded indexes does not hold what was written to it",
                      file->dir);
}

uint64_t
arec_index_file_n_reads (const ArecIndexFile *file)
{
    return atomic_load_explicit (&file->n_reads, memory_order_relaxed);
}
