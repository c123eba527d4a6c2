#include "start/watcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#include "base/crash.h"

/* Tells the watcher that the thread that started it has ended. */
#define DEATH_SIGNAL SIGUSR1

/* Its only file but for the standard streams, before it is armed. */
#define SOCKET (STDERR_FILENO + 1)

/* Not one that `pkill arecfs` matches, too. */
#define WATCHER_NAME "arec-watcher"

#define FUSECTL_MAGIC 0x65735543
#define CONNECTIONS "/sys/fs/fuse/connections"

struct ArecfsWatcher {
    _Atomic pid_t process; /* 0: it has ended and is reaped */
    int socket;            /* the minor goes there, whether it can be aborted comes back */
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

    g_snprintf (path, sizeof path, CONNECTIONS "/%u/abort", minor);
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

/* What `ps` shows: neither the name nor the arguments of the server. */
static void
rename_process (int argc, char **argv)
{
    size_t room = 0;

    prctl (PR_SET_NAME, WATCHER_NAME);
    for (int i = 0; i < argc && argv[i] == argv[0] + room; i++) {
        room += strlen (argv[i]) + 1;
    }
    if (room > 0) {
        memset (argv[0], 0, room);
        g_strlcpy (argv[0], WATCHER_NAME, room);
    }
}

/* Keeps no file of the server open but @socket, no directory busy, and belongs to no terminal
 * and no group of processes that others end. */
static void
detach (int socket)
{
    int null = open ("/dev/null", O_RDWR);
    sigset_t all;

    sigfillset (&all);
    sigprocmask (SIG_SETMASK, &all, NULL);
    setsid();
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        dup2 (null, fd);
    }
    dup2 (socket, SOCKET);
    closefrom (SOCKET + 1);
    if (chdir ("/") != 0) {
        /* Only keeps a directory busy. */
    }
}

/* Whether that came of the end of the thread that started us: anybody may send such a signal.
 */
static bool
is_of_death (int signals, pid_t parent)
{
    struct signalfd_siginfo info;

    return read (signals, &info, sizeof info) == sizeof info && (pid_t)info.ssi_pid == parent;
}

/* Returns when the server has to be helped to its end. */
static void
wait_for_end (int signals, pid_t parent)
{
    struct pollfd fds[] = {{.fd = SOCKET, .events = POLLIN}, {.fd = signals, .events = POLLIN}};

    for (;;) {
        char byte;

        if (poll (fds, G_N_ELEMENTS (fds), -1) < 0) {
            continue;
        }
        if ((fds[1].revents & POLLIN) != 0 && is_of_death (signals, parent)) {
            return;
        }
        if (fds[0].revents != 0) {
            if (read (SOCKET, &byte, 1) == 1) {
                return; /* it crashes */
            }
            _exit (0); /* all is closed: there is nothing to abort */
        }
    }
}

static G_GNUC_NORETURN void
watch (int socket, pid_t parent)
{
    sigset_t death;
    unsigned minor;
    bool can_abort;
    int fd, signals;

    detach (socket);
    sigemptyset (&death);
    sigaddset (&death, DEATH_SIGNAL);
    signals = signalfd (-1, &death, SFD_CLOEXEC);
    prctl (PR_SET_PDEATHSIG, DEATH_SIGNAL);
    if (signals < 0 || getppid() != parent ||
        read (SOCKET, &minor, sizeof minor) != sizeof minor) {
        _exit (0); /* it has ended, and pushed nothing yet */
    }
    fd = open_abort (minor);
    can_abort = fd >= 0;
    if (write (SOCKET, &can_abort, sizeof can_abort) != sizeof can_abort || !can_abort) {
        _exit (0);
    }
    wait_for_end (signals, parent);
    _exit (write (fd, "1", 1) == 1 ? 0 : 1);
}

/* ---- in the server ---- */

/* Whether there is a chance to abort: by the kernel's files, which belong to the user who
 * mounted, or by a mount of our own. */
static bool
may_abort (void)
{
    struct statfs st;
    int root;

    if (statfs (CONNECTIONS, &st) == 0 && st.f_type == FUSECTL_MAGIC) {
        return true;
    }
    root = open_connections();
    if (root >= 0) {
        close (root);
    }
    return root >= 0;
}

ArecfsWatcher *
arecfs_watcher_start (int argc, char **argv)
{
    pid_t server = getpid(), process;
    ArecfsWatcher *watcher;
    int ends[2];

    if (!may_abort() || socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return NULL;
    }
    process = fork();
    if (process == 0) {
        rename_process (argc, argv);
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
    if (n != sizeof can_abort || !can_abort) {
        return false;
    }
    arecfs_crash_tell (watcher->socket);
    return true;
}

/* Waits for its end, which is near, once. */
static void
reap (ArecfsWatcher *watcher)
{
    pid_t process = atomic_exchange (&watcher->process, 0);

    while (process > 0 && waitpid (process, NULL, 0) < 0 && errno == EINTR) {
    }
}

bool
arecfs_watcher_is_there (ArecfsWatcher *watcher)
{
    char byte;

    /* It sends nothing any more: there is nothing to read but its end. */
    if (recv (watcher->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0) {
        return true;
    }
    reap (watcher);
    return false;
}

void
arecfs_watcher_free (ArecfsWatcher *watcher)
{
    if (!watcher) {
        return;
    }
    if (watcher->process > 0) {
        kill (watcher->process, SIGKILL);
    }
    reap (watcher);
    close (watcher->socket);
    g_free (watcher);
}
