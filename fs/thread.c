#include "thread.h"

#include <signal.h>

#include "crash.h"

int
arecfs_thread_start (pthread_t *thread, void *(*run) (void *data), void *data)
{
    sigset_t blocked, before;
    int number;

    sigfillset (&blocked);
    for (size_t i = 0; i < arecfs_n_crashes; i++) {
        sigdelset (&blocked, arecfs_crashes[i]);
    }
    pthread_sigmask (SIG_BLOCK, &blocked, &before);
    number = pthread_create (thread, NULL, run, data);
    pthread_sigmask (SIG_SETMASK, &before, NULL);
    return number;
}
