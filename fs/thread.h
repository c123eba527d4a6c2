/* Threads that leave signals to others, and waiting by the monotonic clock. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* pthread_create () with all signals blocked, but for those that tell of a crash. Returns 0 or
 * an errno. */
int arecfs_thread_start (pthread_t *thread, void *(*run) (void *data), void *data);

/* Of a condition for the next call. */
void arecfs_cond_init (pthread_cond_t *cond);

/* Waits until @cond is signalled, if it is not @until by g_get_monotonic_time () yet, INT64_MAX
 * for ever. Returns false where that time has come. */
bool arecfs_wait_until (pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until);
