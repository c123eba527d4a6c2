/* Buckets of durations: bounds to the nanosecond, sums, maxima, threads. */
#include "count/latency.h"

#include <pthread.h>

#include <glib.h>

#define LAST (ARECFS_LATENCY_BUCKETS - 1)

static void
test_bounds (void)
{
    g_assert_cmpuint (arecfs_latency_bound (0), ==, 250);
    g_assert_cmpuint (arecfs_latency_bound (2), ==, 1000);
    g_assert_cmpuint (arecfs_latency_bound (LAST - 1), ==, UINT64_C (16777216000));
    for (unsigned i = 0; i < LAST; i++) {
        uint64_t bound = arecfs_latency_bound (i);

        g_assert_cmpuint (arecfs_latency_bucket (bound - 1), ==, i);
        g_assert_cmpuint (arecfs_latency_bucket (bound), ==, i);
        g_assert_cmpuint (arecfs_latency_bucket (bound + 1), ==, i + 1);
    }
    g_assert_cmpuint (arecfs_latency_bucket (0), ==, 0);
    g_assert_cmpuint (arecfs_latency_bucket (1), ==, 0);
    g_assert_cmpuint (arecfs_latency_bucket (UINT64_MAX), ==, LAST);
}

static void
test_add (void)
{
    ArecfsLatency latency = {0};

    g_assert_cmpuint (arecfs_latency_count (&latency), ==, 0);
    arecfs_latency_add (&latency, 0);
    arecfs_latency_add (&latency, 300);
    arecfs_latency_add (&latency, 400);
    arecfs_latency_add (&latency, UINT64_C (20000000000));
    arecfs_latency_add (&latency, 7);
    g_assert_cmpuint (arecfs_latency_count (&latency), ==, 5);
    g_assert_cmpuint (latency.buckets[0], ==, 2);
    g_assert_cmpuint (latency.buckets[1], ==, 2);
    g_assert_cmpuint (latency.buckets[LAST], ==, 1);
    g_assert_cmpuint (latency.sum, ==, UINT64_C (20000000707));
    g_assert_cmpuint (latency.max, ==, UINT64_C (20000000000));
}

static void
test_merge (void)
{
    ArecfsLatency a = {0}, b = {0};

    arecfs_latency_add (&a, 100);
    arecfs_latency_add (&a, 5000);
    arecfs_latency_add (&b, 200);
    arecfs_latency_add (&b, 600);
    arecfs_latency_merge (&a, &b);
    g_assert_cmpuint (arecfs_latency_count (&a), ==, 4);
    g_assert_cmpuint (a.buckets[0], ==, 2);
    g_assert_cmpuint (a.buckets[arecfs_latency_bucket (600)], ==, 1);
    g_assert_cmpuint (a.sum, ==, 5900);
    g_assert_cmpuint (a.max, ==, 5000);
    g_assert_cmpuint (arecfs_latency_count (&b), ==, 2);
    arecfs_latency_merge (&b, &a);
    g_assert_cmpuint (b.max, ==, 5000);
}

/* ---- threads ---- */

enum { N_THREADS = 4, N_ADDS = 20000 };

static ArecfsLatency shared;

static void *
add_many (void *data)
{
    uint64_t first = (uint64_t)(uintptr_t)data;

    for (uint64_t i = 0; i < N_ADDS; i++) {
        arecfs_latency_add (&shared, first + i * N_THREADS);
    }
    return NULL;
}

static void
test_threads (void)
{
    const uint64_t n = (uint64_t)N_THREADS * N_ADDS;
    pthread_t threads[N_THREADS];

    for (uintptr_t i = 0; i < N_THREADS; i++) {
        g_assert_cmpint (pthread_create (&threads[i], NULL, add_many, (void *)i), ==, 0);
    }
    for (unsigned i = 0; i < N_THREADS; i++) {
        pthread_join (threads[i], NULL);
    }
    g_assert_cmpuint (arecfs_latency_count (&shared), ==, n);
    g_assert_cmpuint (shared.sum, ==, n * (n - 1) / 2);
    g_assert_cmpuint (shared.max, ==, n - 1);
    g_assert_cmpuint (shared.buckets[0], ==, 251);
    g_assert_cmpuint (shared.buckets[1], ==, 250);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/latency/bounds", test_bounds);
    g_test_add_func ("/latency/add", test_add);
    g_test_add_func ("/latency/merge", test_merge);
    g_test_add_func ("/latency/threads", test_threads);
    return g_test_run();
}
