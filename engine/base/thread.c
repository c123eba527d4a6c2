#include "base/thread.h"

#include <stddef.h>
#include <time.h>

/* Bytes of a thread's stack: what the deepest calls need several times over. The system's own
 * choice is often 8 MiB, and address space may be limited. */
#define STACK_SIZE ((size_t)512 * 1024)

static int
create (pthread_t *thread, void *(*run) (void *data), void *data)
{
    pthread_attr_t attributes;
    int number = pthread_attr_init (&attributes);

    if (number != 0) {
        return number;
    }
    pthread_attr_setstacksize (&attributes, STACK_SIZE);
    number = pthread_create (thread, &attributes, run, data);
    pthread_attr_destroy (&attributes);
    return number;
}

void
arec_thread_hold_signals (sigset_t *before)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
    sigset_t blocked;

    sigfillset (&blocked);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        sigdelset (&blocked, faults[i]);
    }
    pthread_sigmask (SIG_BLOCK, &blocked, before);
}

void
arec_thread_release_signals (const sigset_t *before)
{
    pthread_sigmask (SIG_SETMASK, before, NULL);
}

int
arec_thread_start (pthread_t *thread, void *(*run) (void *data), void *data)
{
    sigset_t before;
    int number;

    arec_thread_hold_signals (&before);
    number = create (thread, run, data);
    arec_thread_release_signals (&before);
    return number;
}

void
arec_cond_init (pthread_cond_t *cond)
{
    pthread_condattr_t attributes;

    pthread_condattr_init (&attributes);
    pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
    pthread_cond_init (cond, &attributes);
    pthread_condattr_destroy (&attributes);
}
