/* Samples: without repetition, in range, the same for the same seed. */
#include "bench/bench_random.h"

#include <string.h>

#include <glib.h>

static void
check (uint64_t n, uint64_t count)
{
    g_autofree uint64_t *numbers = tool_bench_random_sample (n, count, 7);
    g_autofree uint64_t *again = tool_bench_random_sample (n, count, 7);
    g_autoptr (GHashTable) seen = g_hash_table_new (g_int64_hash, g_int64_equal);

    for (uint64_t i = 0; i < count; i++) {
        g_assert_cmpuint (numbers[i], <, n);
        g_assert_true (g_hash_table_add (seen, &numbers[i]));
    }
    g_assert_cmpmem (numbers, count * sizeof *numbers, again, count * sizeof *again);
}

/* Around the border between shuffling all and drawing some. */
static void
test_samples (void)
{
    static const uint64_t counts[][2] = {{1, 0},   {1, 1},   {2, 1},          {10, 4},
                                         {10, 5},  {10, 6},  {10, 10},        {5000, 2500},
                                         {99, 98}, {99, 49}, {1u << 31, 1000}};

    for (size_t i = 0; i < G_N_ELEMENTS (counts); i++) {
        check (counts[i][0], counts[i][1]);
    }
}

static void
test_orders (void)
{
    g_autofree uint64_t *one = tool_bench_random_sample (1000, 1000, 1);
    g_autofree uint64_t *two = tool_bench_random_sample (1000, 1000, 2);
    size_t n_in_place = 0;

    for (uint64_t i = 0; i < 1000; i++) {
        n_in_place += one[i] == i ? 1 : 0;
    }
    g_assert_cmpuint (n_in_place, <, 20);
    g_assert_true (memcmp (one, two, 1000 * sizeof *one) != 0);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/bench_random/samples", test_samples);
    g_test_add_func ("/bench_random/orders", test_orders);
    return g_test_run();
}
