/* A device that fails: preloaded into a program, makes calls on chosen files fail while a
 * control file exists.
 *
 * AREC_FAILING_DEVICE names the control file. Each of its lines is a rule
 *
 *     CALL MAJOR MINOR INODE ERRNO BEGIN END
 *
 * for the file of that device and number, and for reads that touch its bytes [BEGIN, END):
 *
 *     read       preadv () and pread () fail with ERRNO
 *     stat       fstat () fails with ERRNO
 *     open       openat () fails with ERRNO
 *     short      a read gives 1000 bytes at most
 *     interrupt  every other read fails with EINTR
 *     pause      a read waits until the rule is gone
 *     slow       a read waits for ERRNO milliseconds
 *
 * Each time that a rule was followed, a byte is added to the file of the control file's name,
 * "." and CALL. Keeps nothing in memory but one counter, so it may be called by any thread and
 * in forked children. Stands alone: neither our code nor a sanitizer is linked.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { CONTROL_SIZE = 4096, SHORT = 1000 };

/* ---- rules ---- */

/* The text of the control file; false: there is none, so nothing fails. By the system call
 * itself: open () is one of the calls that we replace. */
static bool
read_control (char text[CONTROL_SIZE])
{
    const char *path = getenv ("AREC_FAILING_DEVICE");
    long fd, got;

    fd = path ? syscall (SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) {
        return false;
    }
    got = read ((int)fd, text, CONTROL_SIZE - 1);
    close ((int)fd);
    text[got > 0 ? got : 0] = '\0';
    return got > 0;
}

static void
note_hit (const char *call)
{
    char path[CONTROL_SIZE];
    long fd;

    snprintf (path, sizeof path, "%s.%s", getenv ("AREC_FAILING_DEVICE"), call);
    fd = syscall (SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || write ((int)fd, "x", 1) != 1) {
        abort(); /* the test would wait for it */
    }
    close ((int)fd);
}

/* The errno of the rule for @call on this file and range; 0: there is none. */
static int
find_rule (const char *call, int dir, const char *path, uint64_t begin, uint64_t end)
{
    int saved = errno, found = 0;
    char text[CONTROL_SIZE], *rest = NULL;
    struct statx st;

    if (!read_control (text) ||
        statx (dir, path, *path ? 0 : AT_EMPTY_PATH, STATX_INO, &st) != 0) {
        errno = saved;
        return 0;
    }
    for (char *line = strtok_r (text, "\n", &rest); line; line = strtok_r (NULL, "\n", &rest)) {
        char name[16];
        unsigned major, minor;
        uint64_t inode, from, to;
        int number;

        if (sscanf (line, "%15s %u %u %" SCNu64 " %d %" SCNu64 " %" SCNu64, name, &major,
                    &minor, &inode, &number, &from, &to) == 7 &&
            strcmp (name, call) == 0 && major == st.stx_dev_major &&
            minor == st.stx_dev_minor && inode == st.stx_ino && begin < to && from < end) {
            found = number;
        }
    }
    errno = saved;
    return found;
}

/* Whether @call on this file fails; then errno is set. */
static bool
fails (const char *call, int dir, const char *path, uint64_t begin, uint64_t end)
{
    int number = find_rule (call, dir, path, begin, end);

    if (number != 0) {
        note_hit (call);
        errno = number;
    }
    return number != 0;
}

static bool
is_interrupted (int fd, uint64_t begin, uint64_t end)
{
    static atomic_uint n_calls;

    return find_rule ("interrupt", fd, "", begin, end) != 0 &&
           atomic_fetch_add (&n_calls, 1) % 2 == 0 && fails ("interrupt", fd, "", begin, end);
}

static void
wait_while_paused (int fd, uint64_t begin, uint64_t end)
{
    static const struct timespec interval = {.tv_nsec = 5000000};

    if (find_rule ("pause", fd, "", begin, end) != 0) {
        note_hit ("pause");
    }
    while (find_rule ("pause", fd, "", begin, end) != 0) {
        nanosleep (&interval, NULL);
    }
}

static void
wait_if_slow (int fd, uint64_t begin, uint64_t end)
{
    int milliseconds = find_rule ("slow", fd, "", begin, end);
    struct timespec time = {.tv_sec = milliseconds / 1000,
                            .tv_nsec = milliseconds % 1000 * 1000000L};

    if (milliseconds > 0) {
        note_hit ("slow");
        nanosleep (&time, NULL);
    }
}

/* ---- calls ---- */

static void *
real (const char *name)
{
    void *function = dlsym (RTLD_NEXT, name);

    if (!function) {
        abort();
    }
    return function;
}

static uint64_t
sum (const struct iovec *iov, int n_iov)
{
    uint64_t size = 0;

    for (int i = 0; i < n_iov; i++) {
        size += iov[i].iov_len;
    }
    return size;
}

ssize_t
preadv64 (int fd, const struct iovec *iov, int n_iov, off64_t offset)
{
    ssize_t (*next) (int, const struct iovec *, int, off64_t) = real ("preadv64");
    uint64_t begin = (uint64_t)offset, end = begin + sum (iov, n_iov);
    struct iovec first;

    /* What a short read does not touch cannot fail. */
    if (find_rule ("short", fd, "", begin, end) != 0) {
        note_hit ("short");
        first = (struct iovec){iov->iov_base, iov->iov_len < SHORT ? iov->iov_len : SHORT};
        iov = &first;
        n_iov = 1;
        end = begin + first.iov_len;
    }
    wait_while_paused (fd, begin, end);
    wait_if_slow (fd, begin, end);
    if (fails ("read", fd, "", begin, end) || is_interrupted (fd, begin, end)) {
        return -1;
    }
    return next (fd, iov, n_iov, offset);
}

ssize_t
pread64 (int fd, void *buffer, size_t size, off64_t offset)
{
    struct iovec iov = {buffer, size};

    return preadv64 (fd, &iov, 1, offset);
}

int
fstat64 (int fd, struct stat64 *st)
{
    int (*next) (int, struct stat64 *) = real ("fstat64");

    return fails ("stat", fd, "", 0, UINT64_MAX) ? -1 : next (fd, st);
}

/* What fstat64 () was called up to glibc 2.32. ThreadSanitizer, which stands in front of us,
 * turns one into the other. */
int __fxstat64 (int version, int fd, struct stat64 *st);

int
__fxstat64 (int version, int fd, struct stat64 *st)
{
    (void)version;
    return fstat64 (fd, st);
}

int
openat64 (int dir, const char *path, int flags, ...)
{
    int (*next) (int, const char *, int, ...) = real ("openat64");
    mode_t mode = 0;
    va_list args;

    if (flags & (O_CREAT | O_TMPFILE)) {
        va_start (args, flags);
        mode = va_arg (args, mode_t);
        va_end (args);
    }
    return fails ("open", dir, path, 0, UINT64_MAX) ? -1 : next (dir, path, flags, mode);
}
