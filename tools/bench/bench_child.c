#include "bench/bench_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arec/arec.h>

/* What the process reports: less than a pipe takes at once. */
typedef struct {
    int code; /* of the error; -1: none */
    char message[2048];
    double result[TOOL_BENCH_CHILD_RESULT / sizeof (double)]; /* of any struct */
} Answer;

/* ---- in the process ---- */

/* Ends silently by any signal, and with its parent, which says what there is to say. A group of
 * its own: what a terminal sends goes to the parent alone, which ends it.
 * @mask  of signals, which were all blocked, so that none met a handler of the parent. */
static void
prepare (pid_t parent, const sigset_t *mask)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};

    for (size_t i = 0; i < G_N_ELEMENTS (signals); i++) {
        signal (signals[i], SIG_DFL);
    }
    setpgid (0, 0);
    pthread_sigmask (SIG_SETMASK, mask, NULL);
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit (EXIT_FAILURE);
    }
}

static void
answer (int fd, const ToolBenchChild *child)
{
    g_autoptr (GError) error = NULL;
    Answer found = {.code = -1};
    bool is_told;

    if (!child->run (child->data, found.result, &error)) {
        found.code = error->code;
        g_strlcpy (found.message, error->message, sizeof found.message);
    }
    is_told = write (fd, &found, sizeof found) == (ssize_t)sizeof found;
    _exit (is_told ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* ---- in its parent ---- */

typedef enum { ANSWERED, ENDED, INTERRUPTED } Outcome;

static Outcome
take_answer (int fd, int interrupt_fd, Answer *found)
{
    size_t size = 0;

    while (size < sizeof *found) {
        struct pollfd fds[] = {{.fd = fd, .events = POLLIN},
                               {.fd = interrupt_fd, .events = POLLIN}};
        ssize_t n;

        if (poll (fds, G_N_ELEMENTS (fds), -1) < 0) {
            continue;
        }
        if (fds[1].revents != 0) {
            return INTERRUPTED;
        }
        n = read (fd, (char *)found + size, sizeof *found - size);
        if (n == 0 || (n < 0 && errno != EINTR)) {
            return ENDED;
        }
        size += n > 0 ? (size_t)n : 0;
    }
    return ANSWERED;
}

/* Returns the process, or -1, and what it answers through. */
static pid_t
start (const ToolBenchChild *child, int *from_child)
{
    pid_t parent = getpid(), process;
    sigset_t all, mask;
    int fds[2];

    if (pipe2 (fds, O_CLOEXEC) != 0) {
        return -1;
    }
    sigfillset (&all);
    pthread_sigmask (SIG_BLOCK, &all, &mask);
    process = fork();
    if (process == 0) {
        prepare (parent, &mask);
        answer (fds[1], child);
    }
    pthread_sigmask (SIG_SETMASK, &mask, NULL);
    close (fds[1]);
    *from_child = fds[0];
    if (process < 0) {
        close (fds[0]);
    }
    return process;
}

bool
tool_bench_child_run (const ToolBenchChild *child, int interrupt_fd, void *result,
                      GError **error)
{
    Answer found;
    Outcome outcome;
    int from_child = -1;
    pid_t process = start (child, &from_child);

    if (process < 0) {
        return arec_fail (error, AREC_ERROR_IO, "cannot start a process: %s",
                          g_strerror (errno));
    }
    outcome = take_answer (from_child, interrupt_fd, &found);
    close (from_child);
    if (outcome == INTERRUPTED) {
        kill (process, SIGKILL);
        return arec_fail (error, AREC_ERROR_IO, "interrupted");
    }
    while (waitpid (process, NULL, 0) < 0 && errno == EINTR) {
    }
    if (outcome == ENDED) {
        return arec_fail (error, AREC_ERROR_IO, "%s: the process that reads did not end well",
                          child->name);
    }
    if (found.code >= 0) {
        return arec_fail (error, (ArecError)found.code, "%s", found.message);
    }
    memcpy (result, found.result, child->result_size);
    return true;
}
