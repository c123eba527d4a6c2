#include "base/thread.h"

#include <signal.h>
#include <stddef.h>

int
arec_thread_start (pthread_t *thread, void *(*run) (void *data), void *data)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
    sigset_t blocked, before;
    int number;

    sigfillset (&blocked);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        sigdelset (&blocked, faults[i]);
    }
    pthread_sigmask (SIG_BLOCK, &blocked, &before);
    number = pthread_create (thread, NULL, run, data);
    pthread_sigmask (SIG_SETMASK, &before, NULL);
    return number;
}
