#include "watcher.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

/* Tells the watcher that its parent has ended. */
#define DEATH_SIGNAL SIGUSR1

struct ArecfsWatcher {
    pid_t process;
    int socket; /* the minor goes there, whether it can be aborted comes back */
};

/* ---- in the watcher ---- */

/* The kernel's filesystem of FUSE connections, mounted nowhere. Returns a descriptor, or -1. */
static int
open_connections (void)
{
    int context = fsopen ("fusectl", FSOPEN_CLOEXEC), root = -1;

    if (context >= 0 && fsconfig (context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0) {
        root = fsmount (context, FSMOUNT_CLOEXEC, 0);
    }
    if (context >= 0) {
        close (context);
    }
    return root;
}

/* What aborts the connection when written to. Once the connection is gone, that does nothing.
 * Returns a descriptor, or -1. */
static int
open_abort (unsigned minor)
{
    char path[64];
    int connections, fd;

    g_snprintf (path, sizeof path, "/sys/fs/fuse/connections/%u/abort", minor);
    fd = open (path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        return fd;
    }
    connections = open_connections();
    g_snprintf (path, sizeof path, "%u/abort", minor);
    fd = connections < 0 ? -1 : openat (connections, path, O_WRONLY | O_CLOEXEC);
    if (connections >= 0) {
        close (connections);
    }
    return fd;
}

/* Neither keeps a pipe of the server's starter open, nor a directory busy, nor ends with a
 * terminal. */
static void
detach (int socket)
{
    int null = open ("/dev/null", O_RDWR);
    sigset_t all;

    sigfillset (&all);
    sigprocmask (SIG_SETMASK, &all, NULL);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        dup2 (null, fd);
    }
    if (socket > STDERR_FILENO + 1) {
        close_range (STDERR_FILENO + 1, (unsigned)socket - 1, 0);
    }
    close_range ((unsigned)socket + 1, ~0U, 0);
    if (chdir ("/") != 0) {
        /* Only keeps a directory busy. */
    }
    prctl (PR_SET_NAME, "arecfs-watcher");
}

static G_GNUC_NORETURN void
watch (int socket, pid_t parent)
{
    sigset_t death;
    unsigned minor;
    bool can_abort;
    int fd, number;

    detach (socket);
    prctl (PR_SET_PDEATHSIG, DEATH_SIGNAL);
    if (getppid() != parent || read (socket, &minor, sizeof minor) != sizeof minor) {
        _exit (0); /* it has ended, and pushed nothing yet */
    }
    fd = open_abort (minor);
    can_abort = fd >= 0;
    if (write (socket, &can_abort, sizeof can_abort) != sizeof can_abort || !can_abort) {
        _exit (0);
    }
    sigemptyset (&death);
    sigaddset (&death, DEATH_SIGNAL);
    sigwait (&death, &number);
    _exit (write (fd, "1", 1) == 1 ? 0 : 1);
}

/* ---- in the server ---- */

ArecfsWatcher *
arecfs_watcher_start (void)
{
    pid_t server = getpid(), process;
    ArecfsWatcher *watcher;
    int ends[2];

    if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return NULL;
    }
    process = fork();
    if (process == 0) {
        watch (ends[1], server);
    }
    close (ends[1]);
    if (process < 0) {
        close (ends[0]);
        return NULL;
    }
    watcher = g_new (ArecfsWatcher, 1);
    watcher->process = process;
    watcher->socket = ends[0];
    return watcher;
}

bool
arecfs_watcher_arm (ArecfsWatcher *watcher, unsigned minor)
{
    bool can_abort = false;
    ssize_t n;

    /* No SIGPIPE: it may have been killed. */
    if (send (watcher->socket, &minor, sizeof minor, MSG_NOSIGNAL) != sizeof minor) {
        return false;
    }
    do {
        n = recv (watcher->socket, &can_abort, sizeof can_abort, 0);
    } while (n < 0 && errno == EINTR);
    return n == sizeof can_abort && can_abort;
}

void
arecfs_watcher_free (ArecfsWatcher *watcher)
{
    if (!watcher) {
        return;
    }
    kill (watcher->process, SIGKILL);
    while (waitpid (watcher->process, NULL, 0) < 0 && errno == EINTR) {
    }
    close (watcher->socket);
    g_free (watcher);
}
