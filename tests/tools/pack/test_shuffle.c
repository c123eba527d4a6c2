/* A permutation of any n. */
#include <stdbool.h>

#include <glib.h>

#include "pack/shuffle.h"

/* Checks that each number below @n comes once. */
static void
check_permutation (uint64_t n, uint64_t seed)
{
    g_autofree bool *seen = g_new0 (bool, MAX (n, 1));
    ToolShuffle shuffle;

    tool_shuffle_init (&shuffle, n, seed);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t number = tool_shuffle_at (&shuffle, i);

        g_assert_cmpuint (number, <, n);
        g_assert_false (seen[number]);
        seen[number] = true;
    }
}

static void
test_permutations (void)
{
    for (uint64_t n = 0; n < 300; n++) {
        check_permutation (n, n);
    }
    check_permutation (65535, 1);
    check_permutation (65536, 1);
    check_permutation (65537, UINT64_MAX);
}

/* Files are made with these seeds, so they never change. */
static const struct {
    uint64_t n, seed;
    uint64_t order[8]; /* its begin */
} orders[] = {
    {8, 0, {1, 0, 4, 3, 5, 6, 2, 7}},
    {8, 1, {2, 6, 4, 3, 5, 7, 0, 1}},
    {10, 42, {2, 9, 1, 5, 3, 7, 0, 4}},
    {1000, UINT64_MAX, {330, 343, 316, 103, 556, 644, 660, 332}},
    {UINT64_C (1) << 40,
     7,
     {907683893606, 429612211996, 283715903016, 765949967065, 453509086455, 58333633188,
      255915470814, 1014541893702}},
};

static void
test_orders (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (orders); i++) {
        ToolShuffle shuffle;

        tool_shuffle_init (&shuffle, orders[i].n, orders[i].seed);
        for (uint64_t j = 0; j < G_N_ELEMENTS (orders[i].order); j++) {
            g_assert_cmpuint (tool_shuffle_at (&shuffle, j), ==, orders[i].order[j]);
        }
    }
}

/* Numbers of more than 32 bits. */
static void
test_large (void)
{
    const uint64_t n = UINT64_C (3) << 62;
    ToolShuffle shuffle;
    uint64_t all = 0;

    tool_shuffle_init (&shuffle, n, 7);
    for (uint64_t i = 0; i < 1000; i++) {
        uint64_t number = tool_shuffle_at (&shuffle, i);

        g_assert_cmpuint (number, <, n);
        all |= number;
    }
    g_assert_cmpuint (all >> 32, ==, UINT32_MAX);
}

/* A shuffle leaves about one number where it was, and one after its neighbour. */
static void
test_is_no_order (void)
{
    unsigned stays = 0, follows = 0;

    for (uint64_t seed = 0; seed < 100; seed++) {
        ToolShuffle shuffle;

        tool_shuffle_init (&shuffle, 1000, seed);
        for (uint64_t i = 0; i < 1000; i++) {
            uint64_t number = tool_shuffle_at (&shuffle, i);

            stays += number == i;
            follows += i > 0 && number == tool_shuffle_at (&shuffle, i - 1) + 1;
        }
    }
    g_assert_cmpuint (stays, >, 50);
    g_assert_cmpuint (stays, <, 150);
    g_assert_cmpuint (follows, >, 50);
    g_assert_cmpuint (follows, <, 150);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/shuffle/permutations", test_permutations);
    g_test_add_func ("/shuffle/orders", test_orders);
    g_test_add_func ("/shuffle/large", test_large);
    g_test_add_func ("/shuffle/is_no_order", test_is_no_order);
    return g_test_run();
}
