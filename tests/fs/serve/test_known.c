/* Which directories may be listed in full, and the nodes that the kernel is thought to know. */
#include "serve/known.h"

#include <pthread.h>

static void
test_bound_of_a_directory (void)
{
    g_autoptr (ArecfsKnown) known = arecfs_known_new (3, 100, 1000);

    g_assert_true (arecfs_known_allows_full_listing (known, 1, 100));
    g_assert_false (arecfs_known_allows_full_listing (known, 2, 101));
    g_assert_false (arecfs_known_allows_full_listing (known, 2, UINT64_MAX));
    g_assert_true (arecfs_known_allows_full_listing (known, 3, 0));
}

static void
test_bound_of_all (void)
{
    g_autoptr (ArecfsKnown) known = arecfs_known_new (3, 100, 150);

    g_assert_true (arecfs_known_allows_full_listing (known, 1, 100));
    g_assert_false (arecfs_known_allows_full_listing (known, 2, 51));
    g_assert_true (arecfs_known_allows_full_listing (known, 3, 50));
    /* A directory that is listed in full stays so, however often it is listed. */
    g_assert_true (arecfs_known_allows_full_listing (known, 1, 100));
    g_assert_true (arecfs_known_allows_full_listing (known, 3, 50));
}

/* Nodes that the kernel forgets are given back, and a directory counts until all of its
 * nodes are forgotten. */
static void
test_forgetting (void)
{
    g_autoptr (ArecfsKnown) known = arecfs_known_new (2, 100, 100);

    g_assert_true (arecfs_known_allows_full_listing (known, 1, 100));
    arecfs_known_add (known, 1, 100);
    arecfs_known_add (known, 1, 1);
    arecfs_known_forget (known, 1, 100);
    g_assert_false (arecfs_known_allows_full_listing (known, 2, 1));
    arecfs_known_forget (known, 1, 1);
    g_assert_true (arecfs_known_allows_full_listing (known, 2, 100));
    g_assert_false (arecfs_known_allows_full_listing (known, 1, 1));
}

#define THREADS 4
#define ROUNDS 20000

static void *
list_and_forget (void *data)
{
    ArecfsKnown *known = data;

    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t slot = 1 + i % 3;
        bool admitted = arecfs_known_allows_full_listing (known, slot, 10);

        arecfs_known_add (known, slot, admitted ? 10 : 1);
        arecfs_known_forget (known, slot, admitted ? 10 : 1);
    }
    return NULL;
}

/* No part of the total is lost or given twice, whichever thread comes first. */
static void
test_threads (void)
{
    g_autoptr (ArecfsKnown) known = arecfs_known_new (4, 30, 30);
    pthread_t threads[THREADS];

    for (unsigned i = 0; i < THREADS; i++) {
        g_assert_cmpint (pthread_create (&threads[i], NULL, list_and_forget, known), ==, 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join (threads[i], NULL);
    }
    g_assert_true (arecfs_known_allows_full_listing (known, 4, 30));
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/known/directory", test_bound_of_a_directory);
    g_test_add_func ("/known/all", test_bound_of_all);
    g_test_add_func ("/known/forgetting", test_forgetting);
    g_test_add_func ("/known/threads", test_threads);
    return g_test_run();
}
