#include "base/worker_pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <glib.h>

typedef struct {
    pthread_mutex_t gate; /* locked: tasks wait for it */
    _Atomic unsigned n_begun;
    _Atomic unsigned n_run;
    _Atomic unsigned n_dropped;
} Counts;

static void
run_task (void *data)
{
    Counts *counts = data;

    counts->n_begun++;
    pthread_mutex_lock (&counts->gate);
    counts->n_run++;
    pthread_mutex_unlock (&counts->gate);
}

static void
drop_task (void *data)
{
    ((Counts *)data)->n_dropped++;
}

static void
test_all_run (void)
{
    Counts counts = {.gate = PTHREAD_MUTEX_INITIALIZER};
    ArecWorkerPool *pool = arec_worker_pool_new (3, 8);
    unsigned n_taken = 0;

    for (unsigned i = 0; i < 500; i++) {
        n_taken += arec_worker_pool_try (pool, run_task, drop_task, &counts);
        if (i % 10 == 0) {
            g_usleep (50);
        }
    }
    while (counts.n_run < n_taken) {
        g_usleep (100);
    }
    arec_worker_pool_free (pool);
    g_assert_cmpuint (n_taken, >=, 8);
    g_assert_cmpuint (counts.n_run, ==, n_taken);
    g_assert_cmpuint (counts.n_dropped, ==, 0);
}

/* One thread waits at the gate, so a pool of depth 4 takes at most 5 tasks and drops the
 * others. */
static void
test_bound_and_drop (void)
{
    Counts counts = {.gate = PTHREAD_MUTEX_INITIALIZER};
    ArecWorkerPool *pool = arec_worker_pool_new (1, 4);
    unsigned n_taken = 0;

    pthread_mutex_lock (&counts.gate);
    for (unsigned i = 0; i < 100; i++) {
        n_taken += arec_worker_pool_try (pool, run_task, drop_task, &counts);
        g_usleep (20);
    }
    g_assert_cmpuint (n_taken, >=, 4);
    g_assert_cmpuint (n_taken, <=, 5);
    pthread_mutex_unlock (&counts.gate);
    arec_worker_pool_free (pool);
    g_assert_cmpuint (counts.n_run + counts.n_dropped, ==, n_taken);
}

/* A task that does not end is reported; waiting tasks are dropped, and no more are taken. */
static void
test_stop (void)
{
    Counts counts = {.gate = PTHREAD_MUTEX_INITIALIZER};
    ArecWorkerPool *pool = arec_worker_pool_new (1, 4);
    unsigned n_taken = 0;

    pthread_mutex_lock (&counts.gate);
    for (unsigned i = 0; i < 4; i++) {
        n_taken += arec_worker_pool_try (pool, run_task, drop_task, &counts);
    }
    g_assert_cmpuint (n_taken, ==, 4);
    while (counts.n_begun == 0) {
        g_usleep (100);
    }
    g_assert_false (arec_worker_pool_stop (pool, g_get_monotonic_time()));
    g_assert_cmpuint (counts.n_dropped, ==, 3);
    g_assert_false (arec_worker_pool_try (pool, run_task, drop_task, &counts));
    pthread_mutex_unlock (&counts.gate);
    g_assert_true (arec_worker_pool_stop (pool, g_get_monotonic_time() + 60 * G_USEC_PER_SEC));
    g_assert_cmpuint (counts.n_run, ==, 1);
    arec_worker_pool_free (pool);
}

/* If one thread does not end, those that have ended are joined. ThreadSanitizer reports a
 * thread that has ended and is not joined. */
static void
test_leave (void)
{
    if (g_test_subprocess()) {
        static Counts counts = {.gate = PTHREAD_MUTEX_INITIALIZER};
        static ArecWorkerPool *pool;

        pool = arec_worker_pool_new (4, 4);
        pthread_mutex_lock (&counts.gate);
        g_assert_true (arec_worker_pool_try (pool, run_task, drop_task, &counts));
        while (counts.n_begun == 0) {
            g_usleep (100);
        }
        g_assert_false (
            arec_worker_pool_stop (pool, g_get_monotonic_time() + G_USEC_PER_SEC / 5));
        exit (0);
    }
    g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_passed();
}

/* Stopping an unused pool starts no thread. */
static void
test_stop_unused (void)
{
    ArecWorkerPool *pool = arec_worker_pool_new (2, 2);

    g_assert_true (arec_worker_pool_stop (pool, 0));
    g_assert_false (arec_worker_pool_try (pool, g_free, g_free, NULL));
    arec_worker_pool_free (pool);
}

/* Without threads no task is taken. */
static void
test_no_threads (void)
{
    ArecWorkerPool *pool = arec_worker_pool_new (0, 2);

    g_assert_false (arec_worker_pool_try (pool, g_free, g_free, NULL));
    g_assert_false (arec_worker_pool_try (pool, g_free, g_free, NULL));
    arec_worker_pool_free (pool);
}

static void
test_unused (void)
{
    arec_worker_pool_free (arec_worker_pool_new (2, 2));
    arec_worker_pool_free (NULL);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/worker-pool/all-run", test_all_run);
    g_test_add_func ("/worker-pool/no-threads", test_no_threads);
    g_test_add_func ("/worker-pool/bound-and-drop", test_bound_and_drop);
    g_test_add_func ("/worker-pool/stop", test_stop);
    g_test_add_func ("/worker-pool/leave", test_leave);
    g_test_add_func ("/worker-pool/stop-unused", test_stop_unused);
    g_test_add_func ("/worker-pool/unused", test_unused);
    return g_test_run();
}
