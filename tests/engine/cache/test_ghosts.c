/* The memory of evicted entries. */
#include "cache/ghosts.h"

static uint64_t
hash_of (uint64_t i)
{
    return (i + 1) * UINT64_C (0x9e3779b97f4a7c15) >> 7;
}

static void
test_none (void)
{
    ArecGhosts ghosts = {0};

    arec_ghosts_put (&ghosts, 5, 1);
    g_assert_cmpuint (arec_ghosts_take (&ghosts, 5), ==, 0);
    arec_ghosts_clear (&ghosts);
}

static void
test_taken_once (void)
{
    ArecGhosts ghosts = {0};

    arec_ghosts_make_room (&ghosts, 1);
    arec_ghosts_put (&ghosts, 5, 77);
    g_assert_cmpuint (arec_ghosts_take (&ghosts, 6), ==, 0);
    g_assert_cmpuint (arec_ghosts_find (&ghosts, 5), ==, 77);
    g_assert_cmpuint (arec_ghosts_take (&ghosts, 5), ==, 77);
    g_assert_cmpuint (arec_ghosts_find (&ghosts, 5), ==, 0);
    g_assert_cmpuint (arec_ghosts_take (&ghosts, 5), ==, 0);
    g_assert_cmpuint (arec_ghosts_take (&ghosts, 0), ==, 0); /* a free place is not one for 0 */
    arec_ghosts_clear (&ghosts);
}

/* Most of the last ones are found, none is invented, and growing loses none. */
static void
test_last_entries_stay (void)
{
    enum { N = 4096 };
    ArecGhosts ghosts = {0};
    unsigned known = 0;

    arec_ghosts_make_room (&ghosts, N / 4);
    for (uint64_t i = 0; i < N / 8; i++) {
        arec_ghosts_put (&ghosts, hash_of (i), i + 1);
    }
    arec_ghosts_make_room (&ghosts, N);
    arec_ghosts_make_room (&ghosts, 1); /* never less */
    g_assert_cmpuint (ghosts.n_places, ==, N);
    for (uint64_t i = N / 8; i < 4 * N; i++) {
        arec_ghosts_put (&ghosts, hash_of (i), i + 1);
    }
    for (uint64_t i = 0; i < 4 * N; i++) {
        uint64_t seen = arec_ghosts_take (&ghosts, hash_of (i));

        g_assert_true (seen == 0 || seen == i + 1);
        known += i >= 4 * N - N / 2 && seen > 0;
    }
    g_assert_cmpuint (known, >, N / 2 * 9 / 10);
    arec_ghosts_clear (&ghosts);
}

static void
test_growing_loses_none (void)
{
    enum { N = 48 };
    ArecGhosts ghosts = {0};
    unsigned before = 0, after = 0;

    arec_ghosts_make_room (&ghosts, 64);
    for (uint64_t i = 0; i < N; i++) {
        arec_ghosts_put (&ghosts, hash_of (i), i + 1);
    }
    for (size_t i = 0; i < ghosts.n_places; i++) {
        before += ghosts.places[i].seen > 0;
    }
    arec_ghosts_make_room (&ghosts, 1000);
    for (uint64_t i = 0; i < N; i++) {
        after += arec_ghosts_take (&ghosts, hash_of (i)) == i + 1;
    }
    g_assert_cmpuint (before, >, N / 2);
    g_assert_cmpuint (after, ==, before);
    arec_ghosts_clear (&ghosts);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/ghosts/none", test_none);
    g_test_add_func ("/ghosts/taken-once", test_taken_once);
    g_test_add_func ("/ghosts/last-ones", test_last_entries_stay);
    g_test_add_func ("/ghosts/growing", test_growing_loses_none);
    return g_test_run();
}
