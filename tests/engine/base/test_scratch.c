/* Scratch memory: kept by its thread up to a size, and used by one caller at a time. */
#include "base/scratch.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include <glib.h>

static void
test_is_kept (void)
{
    uint8_t *first = arec_scratch_take (100000);

    g_assert_nonnull (first);
    memset (first, 1, 100000);
    arec_scratch_give (first);
    for (size_t size = 0; size <= 100000; size += 1000) {
        uint8_t *again = arec_scratch_take (size);

        g_assert_true (again == first);
        arec_scratch_give (again);
    }
}

static void
test_two_at_once (void)
{
    uint8_t *first = arec_scratch_take (1000), *second = arec_scratch_take (1000);

    memset (first, 1, 1000);
    memset (second, 2, 1000);
    g_assert_cmpint (first[0], ==, 1);
    g_assert_cmpint (first[999], ==, 1);
    arec_scratch_give (first);
    arec_scratch_give (second);
    arec_scratch_give (NULL);
}

static void
test_grows (void)
{
    for (size_t size = 1; size <= 4 * AREC_MAX_SCRATCH; size = size * 3 + 1) {
        uint8_t *memory = arec_scratch_take (size);

        g_assert_cmpuint ((uintptr_t)memory % 16, ==, 0);
        memset (memory, 3, size);
        arec_scratch_give (memory);
    }
}

static void
test_too_much (void)
{
    g_assert_null (arec_scratch_take (SIZE_MAX));
    g_assert_null (arec_scratch_take (SIZE_MAX - 70000));
}

static void *
give_there (void *memory)
{
    arec_scratch_give (memory);
    g_assert_true (arec_scratch_take (10) == memory);
    arec_scratch_give (memory);
    return NULL;
}

/* A block may be released in another thread, and is freed with the thread that keeps it. */
static void
test_threads (void)
{
    uint8_t *memory = arec_scratch_take (10);
    pthread_t thread;

    g_assert_cmpint (pthread_create (&thread, NULL, give_there, memory), ==, 0);
    pthread_join (thread, NULL);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/scratch/kept", test_is_kept);
    g_test_add_func ("/scratch/two", test_two_at_once);
    g_test_add_func ("/scratch/grows", test_grows);
    g_test_add_func ("/scratch/too-much", test_too_much);
    g_test_add_func ("/scratch/threads", test_threads);
    return g_test_run();
}
