/* Threads of the library: signals to the process are not for them. */
#pragma once

#include <pthread.h>

/* pthread_create () with all signals blocked, but for those that a fault of the thread itself
 * raises. Returns 0 or an errno. */
int arec_thread_start (pthread_t *thread, void *(*run) (void *data), void *data);

/* A condition whose waits end by the clock of g_get_monotonic_time (). */
void arec_cond_init (pthread_cond_t *cond);
