#include "remote/small_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#include "base/autofd.h"

int64_t
arec_small_file_read (int dir_fd, const char *name, void *out, size_t size)
{
    arec_autofd int fd = openat (dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    size_t n = 0;
    ssize_t got;
    struct stat st;

    if (fd < 0 || fstat (fd, &st) != 0) {
        return -1;
    }
    if (!S_ISREG (st.st_mode)) {
        errno = EINVAL;
        return -1;
    }
    do {
        got = read (fd, (uint8_t *)out + n, size - n);
        n += got > 0 ? (size_t)got : 0;
    } while ((got > 0 && n < size) || (got < 0 && errno == EINTR));
    return got < 0 ? -1 : (int64_t)n;
}

static bool
write_all (int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t written = write (fd, data, size);

        if (written < 0 && errno != EINTR) {
            return false;
        }
        if (written > 0) {
            data += written;
            size -= (size_t)written;
        }
    }
    return true;
}

/* A second name that only a new file can have; file systems without links rename instead. */
static bool
give_name (int dir_fd, const char *temporary, const char *name, bool replaces)
{
    if (replaces) {
        return renameat (dir_fd, temporary, dir_fd, name) == 0;
    }
    if (linkat (dir_fd, temporary, dir_fd, name, 0) == 0) {
        unlinkat (dir_fd, temporary, 0);
        return true;
    }
    return (errno == EPERM || errno == EOPNOTSUPP) &&
           faccessat (dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT &&
           renameat (dir_fd, temporary, dir_fd, name) == 0;
}

bool
arec_small_file_write (int dir_fd, const char *name, const void *data, size_t size,
                       bool replaces)
{
    arec_autofd int fd = -1;
    char temporary[32];
    bool ok;
    int saved_errno;

    snprintf (temporary, sizeof temporary, "new-%08" PRIx32 "%08" PRIx32, g_random_int(),
              g_random_int());
    fd = openat (dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return false;
    }
    ok = write_all (fd, data, size) && give_name (dir_fd, temporary, name, replaces);
    saved_errno = errno;
    if (!ok) {
        unlinkat (dir_fd, temporary, 0);
    }
    errno = saved_errno;
    return ok;
}
