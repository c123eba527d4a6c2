#include "start/process.h"

#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <arec/error.h>

#include "base/allocation.h"

/* Threads that the least mount has. */
#define LEAST_THREADS 8

/* Descriptors that must be free: what a server keeps open, and some for sources. */
#define LEAST_DESCRIPTORS 24

static void
fill_standard_streams (void)
{
    int fd;

    do {
        fd = open ("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO) {
        close (fd);
    }
}

void
arecfs_process_prepare (void)
{
    fill_standard_streams();
    signal (SIGCHLD, SIG_DFL); /* or a watcher that ended would leave its number to others */
    signal (SIGXFSZ, SIG_IGN); /* a file that grows too large is an error to report */
    setlocale (LC_ALL, "");
    arecfs_allocation_start();
}

static void
raise_file_limit (void)
{
    struct rlimit limit;

    if (getrlimit (RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit (RLIMIT_NOFILE, &limit);
    }
}

static bool
check_descriptors (GError **error)
{
    int fds[LEAST_DESCRIPTORS];
    size_t n = 0;

    while (n < LEAST_DESCRIPTORS && (fds[n] = open ("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0) {
        n++;
    }
    for (size_t i = 0; i < n; i++) {
        close (fds[i]);
    }
    if (n < LEAST_DESCRIPTORS) {
        arec_fail (error, AREC_ERROR_IO,
                   "too few file descriptors: %zu can be opened, at least %d are needed "
                   "(ulimit -n)",
                   n, LEAST_DESCRIPTORS);
    }
    return n == LEAST_DESCRIPTORS;
}

bool
arecfs_process_check (GError **error)
{
    raise_file_limit();
    return arecfs_allocation_check (LEAST_THREADS, error) && check_descriptors (error);
}
