#include "frame/mount_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arec/arec.h>

#define NOT_A_MOUNT (-1) /* besides errno */

enum {
    PATIENCE = 5,       /* seconds */
    MAX_TEXT = 4 << 20, /* bytes: far above what a mount writes */
};

/* ---- the child ---- */

/* Not even SIGKILL may end a call into a mount that hangs. So a process of its own makes the
 * call, and the parent need not wait for it. */

/* An errno, NOT_A_MOUNT or 0. */
static int
open_metrics_at (const char *directory, int *fd)
{
    g_autofree char *file = g_build_filename (directory, ".arecfs", "metrics", NULL);

    *fd = open (file, O_RDONLY | O_CLOEXEC);
    if (*fd >= 0) {
        return 0;
    }
    return errno == ENOENT || errno == ENOTDIR ? NOT_A_MOUNT : errno;
}

/* The same for the mount that holds @path, a record or a directory. */
static int
open_metrics (const char *path, int *fd)
{
    g_autofree char *at = realpath (path, NULL);
    struct stat st, above;
    int number;

    if (!at || stat (at, &st) != 0) {
        return errno;
    }
    number = open_metrics_at (at, fd);
    while (number == NOT_A_MOUNT && strcmp (at, "/") != 0) {
        g_autofree char *parent = g_path_get_dirname (at);

        strcpy (at, parent);
        if (stat (at, &above) != 0 || above.st_dev != st.st_dev) {
            break;
        }
        number = open_metrics_at (at, fd);
    }
    return number;
}

static bool
write_all (int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write (fd, data, size);

        if (n < 0 && errno != EINTR) {
            return false;
        }
        data += MAX (n, 0);
        size -= (size_t)MAX (n, 0);
    }
    return true;
}

/* Writes the result of open_metrics (), and the text if that is 0. */
static void
answer (const char *path, int out)
{
    char buffer[16384];
    ssize_t n = 0;
    int fd, number = open_metrics (path, &fd);

    if (number == 0) {
        n = read (fd, buffer, sizeof buffer);
        number = n < 0 ? errno : 0;
    }
    if (!write_all (out, (const char *)&number, sizeof number)) {
        return;
    }
    while (number == 0 && n > 0 && write_all (out, buffer, (size_t)n)) {
        n = read (fd, buffer, sizeof buffer);
    }
}

static pid_t
start_child (const char *path, int *from_child)
{
    int fds[2];
    pid_t pid;

    if (pipe2 (fds, O_CLOEXEC) != 0) {
        return -1;
    }
    pid = fork();
    if (pid == 0) {
        /* A reader of our standard output must not wait until this process ends. */
        close (STDIN_FILENO);
        close (STDOUT_FILENO);
        close (STDERR_FILENO);
        close (fds[0]);
        answer (path, fds[1]);
        _exit (0);
    }
    close (fds[1]);
    if (pid < 0) {
        close (fds[0]);
        return -1;
    }
    *from_child = fds[0];
    return pid;
}

/* ---- the parent ---- */

static ToolMountAnswer
fail (ToolMountAnswer result, GError **error, const char *path, const char *reason)
{
    g_set_error (error, AREC_ERROR,
                 result == TOOL_MOUNT_ABSENT ? AREC_ERROR_NOT_FOUND : AREC_ERROR_IO, "%s: %s",
                 path, reason);
    return result;
}

/* Reads until the child has closed its end. */
static ToolMountAnswer
collect (const char *path, int from_child, int interrupt_fd, GByteArray *bytes, GError **error)
{
    int64_t end = g_get_monotonic_time() + PATIENCE * G_USEC_PER_SEC;
    guint8 buffer[16384];

    for (;;) {
        struct pollfd fds[] = {{.fd = from_child, .events = POLLIN},
                               {.fd = interrupt_fd, .events = POLLIN}};
        int64_t left = end - g_get_monotonic_time();
        ssize_t n;

        if (left <= 0 || bytes->len > MAX_TEXT) {
            return fail (TOOL_MOUNT_FAILED, error, path,
                         left <= 0 ? "the mount does not answer" : "its metrics do not end");
        }
        if (poll (fds, G_N_ELEMENTS (fds), (int)(left / 1000) + 1) <= 0) {
            continue;
        }
        if (fds[1].revents != 0) {
            return TOOL_MOUNT_INTERRUPTED;
        }
        n = read (from_child, buffer, sizeof buffer);
        if (n == 0) {
            return TOOL_MOUNT_ANSWERED;
        }
        g_byte_array_append (bytes, buffer, (guint)MAX (n, 0));
    }
}

static ToolMountAnswer
parse_answer (const char *path, GByteArray *bytes, char **text, GError **error)
{
    int number;

    if (bytes->len < sizeof number) {
        return fail (TOOL_MOUNT_FAILED, error, path, "the process that asks the mount ended");
    }
    memcpy (&number, bytes->data, sizeof number);
    switch (number) {
    case 0:
        *text =
            g_strndup ((const char *)bytes->data + sizeof number, bytes->len - sizeof number);
        return TOOL_MOUNT_ANSWERED;
    case NOT_A_MOUNT:
        return fail (TOOL_MOUNT_ABSENT, error, path, "not a mount point of arecfs");
    case ENOENT:
    case ENOTDIR:
    case EACCES:
    case EPERM:
    case ELOOP:
    case ENAMETOOLONG: return fail (TOOL_MOUNT_ABSENT, error, path, g_strerror (number));
    default: return fail (TOOL_MOUNT_FAILED, error, path, g_strerror (number));
    }
}

ToolMountAnswer
tool_mount_probe (const char *path, int interrupt_fd, char **text, GError **error)
{
    g_autoptr (GByteArray) bytes = g_byte_array_new();
    ToolMountAnswer result;
    int from_child;
    pid_t pid = start_child (path, &from_child);

    if (pid < 0) {
        return fail (TOOL_MOUNT_FAILED, error, path, g_strerror (errno));
    }
    result = collect (path, from_child, interrupt_fd, bytes, error);
    close (from_child);
    if (result == TOOL_MOUNT_ANSWERED) {
        waitpid (pid, NULL, 0);
        return parse_answer (path, bytes, text, error);
    }
    kill (pid, SIGKILL);
    waitpid (pid, NULL, WNOHANG);
    return result;
}
