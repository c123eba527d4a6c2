#include "failing_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

TestCalls test_calls = {.fail_at = -1, .stop_at = -1};

void
test_calls_begin (void)
{
    test_calls.n_calls = 0;
    test_calls.fail_at = -1;
    test_calls.failed = NULL;
    test_calls.stop_at = -1;
    test_calls.is_counting = true;
}

void
test_calls_end (void)
{
    test_calls.is_counting = false;
}

/* Whether this call fails; then errno is set. */
static bool
fails (const char *name)
{
    if (!test_calls.is_counting || test_calls.n_calls != test_calls.fail_at) {
        return false;
    }
    test_calls.n_calls++;
    test_calls.failed = name;
    errno = EIO;
    return true;
}

/* What the call gave, after it is counted. */
static long
done (long result)
{
    int saved_errno = errno;

    if (test_calls.is_counting && test_calls.n_calls++ == test_calls.stop_at) {
        test_calls.is_counting = false;
        test_calls.stop();
    }
    errno = saved_errno;
    return result;
}

static int
refuse (int number)
{
    errno = number;
    return (int)done (-1);
}

int
openat (int dir_fd, const char *path, int flags, ...)
{
    mode_t mode = 0;
    va_list args;

    if (flags & (O_CREAT | O_TMPFILE)) {
        va_start (args, flags);
        mode = va_arg (args, mode_t);
        va_end (args);
    }
    if (fails ("openat")) {
        return -1;
    }
    if (test_calls.without_tmpfile && (flags & O_TMPFILE) == O_TMPFILE) {
        return refuse (EOPNOTSUPP);
    }
    return (int)done (syscall (SYS_openat, dir_fd, path, flags, mode));
}

ssize_t
write (int fd, const void *data, size_t size)
{
    if (fails ("write")) {
        return -1;
    }
    if (test_calls.empty_writes) {
        return done (0);
    }
    if (test_calls.short_writes && size > 7) {
        size = 7;
    }
    return done (syscall (SYS_write, fd, data, size));
}

int
fsync (int fd)
{
    return fails ("fsync") ? -1 : (int)done (syscall (SYS_fsync, fd));
}

/* The descriptor is gone also when its close has failed. */
int
close (int fd)
{
    if (fails ("close")) {
        syscall (SYS_close, fd);
        errno = EIO;
        return -1;
    }
    return (int)done (syscall (SYS_close, fd));
}

int
linkat (int from_fd, const char *from, int to_fd, const char *to, int flags)
{
    return fails ("linkat") ? -1
                            : (int)done (syscall (SYS_linkat, from_fd, from, to_fd, to, flags));
}

int
unlinkat (int dir_fd, const char *path, int flags)
{
    return fails ("unlinkat") ? -1 : (int)done (syscall (SYS_unlinkat, dir_fd, path, flags));
}

static int
rename_at (const char *name, int from_fd, const char *from, int to_fd, const char *to,
           unsigned flags)
{
    if (fails (name)) {
        return -1;
    }
    if (test_calls.without_exchange && (flags & RENAME_EXCHANGE)) {
        return refuse (EINVAL);
    }
    return (int)done (syscall (SYS_renameat2, from_fd, from, to_fd, to, flags));
}

int
renameat (int from_fd, const char *from, int to_fd, const char *to)
{
    return rename_at ("renameat", from_fd, from, to_fd, to, 0);
}

int
renameat2 (int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    return rename_at ("renameat2", from_fd, from, to_fd, to, flags);
}

int
fchmod (int fd, mode_t mode)
{
    return fails ("fchmod") ? -1 : (int)done (syscall (SYS_fchmod, fd, mode));
}

int
fchown (int fd, uid_t owner, gid_t group)
{
    if (fails ("fchown")) {
        return -1;
    }
    return test_calls.without_owners ? refuse (EPERM)
                                     : (int)done (syscall (SYS_fchown, fd, owner, group));
}
