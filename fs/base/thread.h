/* Threads that leave signals to others, and waiting by the monotonic clock. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a thread's stack: what the deepest calls need several times over. The system's own
 * choice, 8 MiB, would be most of what a process may have where address space is limited. */
#define ARECFS_STACK_SIZE ((size_t)512 * 1024)

/* pthread_create () with a stack of ARECFS_STACK_SIZE. Returns 0 or an errno. */
int arecfs_thread_create (pthread_t *thread, void *(*run) (void *data), void *data);

/* The same with all signals blocked, except those that report a crash. */
int arecfs_thread_start (pthread_t *thread, void *(*run) (void *data), void *data);

/* Of a condition for the next call. */
void arecfs_cond_init (pthread_cond_t *cond);

/* Waits until @cond is signalled, if it is not @until by g_get_monotonic_time () yet, INT64_MAX
 * for ever. Returns false where that time has come. */
bool arecfs_wait_until (pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until);
