/* Threads of the library: signals to the process are not for them. */
#pragma once

#include <pthread.h>
#include <signal.h>

/* pthread_create () with all signals blocked, but for those that a fault of the thread itself
 * raises. Returns 0 or an errno. */
int arec_thread_start (pthread_t *thread, void *(*run) (void *data), void *data);

/* No signal reaches the calling thread until they are released, but those that a fault of the
 * thread itself raises. For a few short calls that a handler must not see half of.
 * @before  (out) for the release. */
void arec_thread_hold_signals (sigset_t *before);
void arec_thread_release_signals (const sigset_t *before);

/* A condition whose waits end by the clock of g_get_monotonic_time (). */
void arec_cond_init (pthread_cond_t *cond);
