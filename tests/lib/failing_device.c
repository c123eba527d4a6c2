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
 * A line
 *
 *     CALL output ERRNO NTH
 *
 * is for what the program writes: the NTH call (from 1; 0: each) on a regular file that is open
 * for writing, or on a directory, fails with ERRNO:
 *
 *     write, fsync, close   of the file; a write with ERRNO 0 takes no byte and returns 0
 *     trickle               a write takes 7 bytes at most; ERRNO is not used
 *     sync-folder           fsync () of a directory
 *     tmpfile               openat () of a file without a name
 *     create                openat () of a new file
 *     link, rename          linkat (); renameat () and renameat2 ()
 *     pipe                  write () and writev () into a pipe
 *
 * A line
 *
 *     CALL signal NUMBER NTH
 *
 * is for the same calls, and for unlink, which is unlinkat (): when the NTH has been made, the
 * process gets the signal NUMBER.
 *
 * With AREC_WITHOUT_MOUNT_IDS, statx () does not report the number of a mount, as before
 * Linux 5.8.
 *
 * Each time that a rule is applied, a byte is added to the file named by the control file's
 * name, "." and CALL. Counters are all that is kept in memory, so any thread and forked
 * children may call this. It is linked to neither our code nor a sanitizer.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
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

/* The text of the control file; false: there is none, so nothing fails. Uses the system call
 * itself, because open () is one of the calls that we replace. */
static bool
read_control (char text[CONTROL_SIZE])
{
    const char *path = getenv ("AREC_FAILING_DEVICE");
    long fd, got;

    fd = path ? syscall (SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) {
        return false;
    }
    got = syscall (SYS_read, fd, text, CONTROL_SIZE - 1);
    syscall (SYS_close, fd);
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
    if (fd < 0 || syscall (SYS_write, fd, "x", 1) != 1) {
        abort(); /* the test would wait for it */
    }
    syscall (SYS_close, fd);
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

/* Calls of what the program writes. */
typedef enum {
    WRITE,
    FSYNC,
    CLOSE,
    TRICKLE,
    SYNC_FOLDER,
    TMPFILE,
    CREATE,
    LINK,
    RENAME,
    PIPE,
    UNLINK,
    N_CALLS
} OutputCall;

static const char *const output_calls[N_CALLS] = {"write",       "fsync",   "close",  "trickle",
                                                  "sync-folder", "tmpfile", "create", "link",
                                                  "rename",      "pipe",    "unlink"};

/* The number of this thread's last call of each. */
static _Thread_local unsigned last[N_CALLS];

/* Whether there is a rule of @kind, `output` or `signal`, for the last @call. */
static bool
find_output_rule (const char *kind, OutputCall call, int *number)
{
    char text[CONTROL_SIZE], *rest = NULL;

    if (!read_control (text)) {
        return false;
    }
    for (char *line = strtok_r (text, "\n", &rest); line; line = strtok_r (NULL, "\n", &rest)) {
        char name[16], found[16];
        unsigned wanted;

        if (sscanf (line, "%15s %15s %d %u", name, found, number, &wanted) == 4 &&
            strcmp (found, kind) == 0 && strcmp (name, output_calls[call]) == 0 &&
            (wanted == 0 || wanted == last[call])) {
            note_hit (name);
            return true;
        }
    }
    return false;
}

/* Whether @call, which is counted, is one that fails; then errno is set. */
static bool
output_fails (OutputCall call)
{
    static atomic_uint n_calls[N_CALLS];
    int saved = errno, number;

    last[call] = atomic_fetch_add (&n_calls[call], 1) + 1;
    if (find_output_rule ("output", call, &number)) {
        errno = number;
        return true;
    }
    errno = saved;
    return false;
}

/* What @call gave, after the signal that is to follow it. */
static ssize_t
made (OutputCall call, ssize_t result)
{
    int saved = errno, number;

    if (find_output_rule ("signal", call, &number)) {
        kill (getpid(), number);
    }
    errno = saved;
    return result;
}

/* Whether @fd is of @kind, and a file is open for writing. */
static bool
is_written (int fd, mode_t kind)
{
    int saved = errno, flags = fcntl (fd, F_GETFL);
    struct statx st;
    bool is = flags >= 0 && (fd > STDERR_FILENO || kind == S_IFIFO) &&
              ((flags & O_ACCMODE) != O_RDONLY || kind == S_IFDIR) &&
              statx (fd, "", AT_EMPTY_PATH, STATX_TYPE, &st) == 0 &&
              (st.stx_mode & S_IFMT) == kind;

    errno = saved;
    return is;
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

int
statx (int dir, const char *path, int flags, unsigned mask, struct statx *st)
{
    int (*next) (int, const char *, int, unsigned, struct statx *) = real ("statx");
    int result = next (dir, path, flags, mask, st);

    if (result == 0 && getenv ("AREC_WITHOUT_MOUNT_IDS")) {
        st->stx_mask &= ~(unsigned)STATX_MNT_ID;
        st->stx_mnt_id = 0;
    }
    return result;
}

/* The name of fstat64 () up to glibc 2.32. ThreadSanitizer is called before us and calls this
 * name. */
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
    if (((flags & O_TMPFILE) == O_TMPFILE && output_fails (TMPFILE)) ||
        ((flags & O_CREAT) && output_fails (CREATE))) {
        return -1;
    }
    return fails ("open", dir, path, 0, UINT64_MAX) ? -1 : next (dir, path, flags, mode);
}

/* ---- calls on what is written ---- */

ssize_t
write (int fd, const void *data, size_t size)
{
    ssize_t (*next) (int, const void *, size_t) = real ("write");

    if (is_written (fd, S_IFREG)) {
        if (output_fails (WRITE)) {
            return errno == 0 ? 0 : -1;
        }
        if (size > 7 && output_fails (TRICKLE)) {
            size = 7;
        }
        return made (WRITE, next (fd, data, size));
    }
    if (fd != STDERR_FILENO && is_written (fd, S_IFIFO)) {
        return output_fails (PIPE) ? -1 : made (PIPE, next (fd, data, size));
    }
    return next (fd, data, size);
}

ssize_t
writev (int fd, const struct iovec *iov, int n_iov)
{
    ssize_t (*next) (int, const struct iovec *, int) = real ("writev");

    if (fd != STDERR_FILENO && is_written (fd, S_IFIFO)) {
        return output_fails (PIPE) ? -1 : made (PIPE, next (fd, iov, n_iov));
    }
    return next (fd, iov, n_iov);
}

int
fsync (int fd)
{
    int (*next) (int) = real ("fsync");
    OutputCall call = is_written (fd, S_IFDIR) ? SYNC_FOLDER : FSYNC;

    if (call == FSYNC && !is_written (fd, S_IFREG)) {
        return next (fd);
    }
    return output_fails (call) ? -1 : (int)made (call, next (fd));
}

/* The descriptor is gone all the same. */
int
close (int fd)
{
    int (*next) (int) = real ("close");
    bool is_output = is_written (fd, S_IFREG), is_failing = is_output && output_fails (CLOSE);
    int number = errno, result = next (fd);

    if (is_failing) {
        errno = number;
        return -1;
    }
    return is_output ? (int)made (CLOSE, result) : result;
}

int
linkat (int from_dir, const char *from, int to_dir, const char *to, int flags)
{
    int (*next) (int, const char *, int, const char *, int) = real ("linkat");

    return output_fails (LINK) ? -1
                               : (int)made (LINK, next (from_dir, from, to_dir, to, flags));
}

int
unlinkat (int dir, const char *path, int flags)
{
    int (*next) (int, const char *, int) = real ("unlinkat");

    return output_fails (UNLINK) ? -1 : (int)made (UNLINK, next (dir, path, flags));
}

int
renameat (int from_dir, const char *from, int to_dir, const char *to)
{
    int (*next) (int, const char *, int, const char *) = real ("renameat");

    return output_fails (RENAME) ? -1 : (int)made (RENAME, next (from_dir, from, to_dir, to));
}

int
renameat2 (int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    int (*next) (int, const char *, int, const char *, unsigned) = real ("renameat2");

    return output_fails (RENAME) ? -1
                                 : (int)made (RENAME, next (from_dir, from, to_dir, to, flags));
}
