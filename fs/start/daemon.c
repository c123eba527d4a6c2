#include "start/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#include "base/log.h"
#include "base/thread.h"

/* ---- in the parent ---- */

/* The child ended without a word. */
static void
explain_death (pid_t child)
{
    g_autofree char *message = NULL;
    int status;

    if (waitpid (child, &status, 0) == child && WIFSIGNALED (status)) {
        message = g_strdup_printf ("the server ended before it was ready: %s",
                                   strsignal (WTERMSIG (status)));
    }
    arecfs_log_tell (message ? message : "the server ended before it was ready");
}

static ssize_t
read_byte (int fd, unsigned char *byte)
{
    ssize_t n;

    do {
        n = recv (fd, byte, 1, 0);
    } while (n < 0 && errno == EINTR);
    return n;
}

static void
write_byte (int fd, unsigned char byte)
{
    ssize_t n;

    do {
        n = send (fd, &byte, 1, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
}

/* A signal ends us while we wait, and only then: once the report is there we exit with it, so
 * that the caller hears what is really mounted. */
static void
wait_for_report (int fd, pid_t child)
{
    struct pollfd report = {.fd = fd, .events = POLLIN};
    unsigned char exit_code;
    sigset_t all, before;

    sigfillset (&all);
    sigprocmask (SIG_BLOCK, &all, &before);
    while (ppoll (&report, 1, NULL, &before) < 0 && errno == EINTR) {
    }
    if (read_byte (fd, &exit_code) == 1) {
        if (exit_code != 0) {
            waitpid (child, NULL, 0); /* nothing of a failed start outlives the command */
        }
        write_byte (fd, 0);
        _exit (exit_code);
    }
    explain_death (child);
    _exit (1);
}

int
arecfs_daemon_fork (void)
{
    int fds[2];
    pid_t child;

    if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
        return -1;
    }
    child = fork();
    if (child < 0) {
        return -1;
    }
    if (child > 0) {
        close (fds[1]);
        wait_for_report (fds[0], child);
    }
    close (fds[0]);
    setsid();
    return fds[1];
}

/* ---- in the child ---- */

static struct {
    pthread_mutex_t lock;
    bool mounts;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* The first of the signals that end us which is not ignored. */
static void
end_as_by_user (void)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};

    for (size_t i = 0; i < G_N_ELEMENTS (numbers); i++) {
        struct sigaction action;

        if (sigaction (numbers[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN) {
            kill (getpid(), numbers[i]);
            return;
        }
    }
}

static void *
watch_parent (void *data)
{
    int fd = (int)(intptr_t)data;
    unsigned char byte;

    if (read_byte (fd, &byte) == 1) {
        close (fd);
        return NULL; /* it has exited, or is about to, with our report */
    }
    pthread_mutex_lock (&state.lock);
    if (!state.mounts) {
        _exit (EXIT_FAILURE);
    }
    pthread_mutex_unlock (&state.lock);
    end_as_by_user();
    close (fd);
    return NULL;
}

void
arecfs_daemon_watch_parent (int report_fd)
{
    int fd = fcntl (report_fd, F_DUPFD_CLOEXEC, 0);
    pthread_t thread;

    /* Without it the child of a parent that was killed would go on, as any daemon does. */
    if (fd >= 0 && arecfs_thread_start (&thread, watch_parent, (void *)(intptr_t)fd) == 0) {
        pthread_detach (thread);
    }
}

void
arecfs_daemon_mounts (void)
{
    pthread_mutex_lock (&state.lock);
    state.mounts = true;
    pthread_mutex_unlock (&state.lock);
}

void
arecfs_daemon_failed (int report_fd, int exit_code)
{
    write_byte (report_fd, (unsigned char)exit_code);
    close (report_fd);
}

void
arecfs_daemon_ready (int report_fd)
{
    int null = open ("/dev/null", O_RDWR | O_CLOEXEC);

    if (null >= 0) {
        dup2 (null, STDIN_FILENO);
        dup2 (null, STDOUT_FILENO);
        dup2 (null, STDERR_FILENO);
        if (null > STDERR_FILENO) {
            close (null);
        }
    }
    if (chdir ("/") != 0) {
        /* Only keeps a directory busy. */
    }
    arecfs_daemon_failed (report_fd, 0);
}
