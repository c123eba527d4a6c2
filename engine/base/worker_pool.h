/* Threads for tasks that no caller waits for, first come first served, with a bound on how many
 * may be waiting: where there is no room, a task is not taken.
 *
 * Thread-safe. Threads start with the first task, never before (a daemon forks first).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

typedef struct ArecWorkerPool ArecWorkerPool;

/* @n_threads  with 0 no task is ever taken.
 * @depth      tasks that may wait, at least 1. */
ArecWorkerPool *arec_worker_pool_new (unsigned n_threads, unsigned depth);

/* Drops what waits, takes nothing any more, and waits for what runs.
 * @until  by g_get_monotonic_time (): returns false if something still runs then; the pool must
 * not be freed, unless to wait for that. */
bool arec_worker_pool_stop (ArecWorkerPool *pool, int64_t until);

/* The same without a limit, and frees it. Takes NULL. */
void arec_worker_pool_free (ArecWorkerPool *pool);

/* Lets a thread call @run (@data), which frees it. Returns false, with nothing called, when
 * there is no room or no thread.
 * @drop  called instead of @run when the pool is stopped or freed before. */
bool arec_worker_pool_try (ArecWorkerPool *pool, void (*run) (void *data),
                           void (*drop) (void *data), void *data);
