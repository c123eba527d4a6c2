#include "base/thread.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

#include "base/crash.h"

int
arecfs_thread_create (pthread_t *thread, void *(*run) (void *data), void *data)
{
    pthread_attr_t attributes;
    int number = pthread_attr_init (&attributes);

    if (number != 0) {
        return number;
    }
    pthread_attr_setstacksize (&attributes, ARECFS_STACK_SIZE);
    number = pthread_create (thread, &attributes, run, data);
    pthread_attr_destroy (&attributes);
    return number;
}

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
    number = arecfs_thread_create (thread, run, data);
    pthread_sigmask (SIG_SETMASK, &before, NULL);
    return number;
}

void
arecfs_cond_init (pthread_cond_t *cond)
{
    pthread_condattr_t attributes;

    pthread_condattr_init (&attributes);
    pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
    pthread_cond_init (cond, &attributes);
    pthread_condattr_destroy (&attributes);
}

bool
arecfs_wait_until (pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until)
{
    struct timespec time = {.tv_sec = until / 1000000, .tv_nsec = until % 1000000 * 1000};

    if (until == INT64_MAX) {
        pthread_cond_wait (cond, lock);
        return true;
    }
    return pthread_cond_timedwait (cond, lock, &time) != ETIMEDOUT;
}
