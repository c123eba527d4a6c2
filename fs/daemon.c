#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The child ended without a word. */
static void
explain_death (pid_t child)
{
    int status;

    if (waitpid (child, &status, 0) == child && WIFSIGNALED (status)) {
        fprintf (stderr, "arecfs: the server ended before it was ready: %s\n",
                 strsignal (WTERMSIG (status)));
    } else {
        fprintf (stderr, "arecfs: the server ended before it was ready\n");
    }
}

static void
wait_for_report (int fd, pid_t child)
{
    unsigned char exit_code;
    ssize_t n;

    do {
        n = read (fd, &exit_code, 1);
    } while (n < 0 && errno == EINTR);
    if (n == 1) {
        if (exit_code != 0) {
            waitpid (child, NULL, 0); /* nothing of a failed start outlives the command */
        }
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

    if (pipe2 (fds, O_CLOEXEC) != 0) {
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

void
arecfs_daemon_failed (int report_fd, int exit_code)
{
    unsigned char byte = (unsigned char)exit_code;
    ssize_t n;

    do {
        n = write (report_fd, &byte, 1);
    } while (n < 0 && errno == EINTR);
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
