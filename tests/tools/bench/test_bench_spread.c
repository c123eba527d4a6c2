/* Median, mean, spread and outliers of made-up rounds, which are members of structs. */
#include "bench/bench_spread.h"

#include <glib.h>

typedef struct {
    double other, value;
} Round;

static const struct {
    Round rounds[5];
    size_t n;
    ToolBenchSpread expected;
} cases[] = {
    {{{9, 4}}, 1, {4, 4, 0, 0}},
    {{{9, 4}, {9, 2}}, 2, {3, 3, 2.0 / 3, 0}},
    {{{9, 8}, {9, 1}, {9, 3}}, 3, {3, 4, 7.0 / 3, 1}},
    {{{9, 3}, {9, 4.5}, {9, 3}}, 3, {3, 3.5, 0.5, 0}}, /* 1.5 times is none yet */
    {{{9, 0}, {9, 0}, {9, 5}}, 3, {0, 5.0 / 3, 0, 1}}, /* no share of nothing */
    {{{9, 10}, {9, 1}, {9, 1}, {9, 1}, {9, 9}}, 5, {1, 4.4, 9, 2}},
};

static void
test_spread (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        ToolBenchSpread found =
            tool_bench_spread_of (&cases[i].rounds[0].value, cases[i].n, sizeof (Round));

        g_assert_cmpfloat_with_epsilon (found.median, cases[i].expected.median, 1e-9);
        g_assert_cmpfloat_with_epsilon (found.mean, cases[i].expected.mean, 1e-9);
        g_assert_cmpfloat_with_epsilon (found.spread, cases[i].expected.spread, 1e-9);
        g_assert_cmpuint (found.outliers, ==, cases[i].expected.outliers);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/bench-spread/rounds", test_spread);
    return g_test_run();
}
