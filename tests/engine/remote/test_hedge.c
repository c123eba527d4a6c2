#include "remote/hedge.h"

#include <glib.h>

#define MS INT64_C (1000)
#define S INT64_C (1000000)

static void
test_delay (void)
{
    static const struct {
        unsigned n;           /* answers that are known, */
        int64_t usual, worst; /* 19 of 20 of them, and the others */
        int64_t delay;
    } rows[] = {
        {0, 0, 0, INT64_MAX},
        {7, 50 * MS, 50 * MS, INT64_MAX},
        {8, 50 * MS, 50 * MS, 200 * MS},
        {100, 50 * MS, 10 * S, 200 * MS},
        {100, 100 * MS, 10 * S, 200 * MS},
        {100, 101 * MS, 10 * S, 202 * MS},
        {100, INT64_MAX, INT64_MAX, INT64_MAX},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        ArecFirstBytes first_bytes = {0};

        for (unsigned n = 0; n < rows[i].n; n++) {
            arec_stall_note_first_byte (&first_bytes,
                                        n % 20 == 19 ? rows[i].worst : rows[i].usual);
        }
        g_assert_cmpint (arec_hedge_delay (&first_bytes), ==, rows[i].delay);
    }
}

static void
note_requests (ArecHedges *hedges, unsigned n, int64_t now)
{
    for (unsigned i = 0; i < n; i++) {
        arec_hedges_note_request (hedges, now);
    }
}

static void
test_share (void)
{
    ArecHedges hedges = {0};

    g_assert_false (arec_hedges_take (&hedges, 5 * S));
    note_requests (&hedges, 19, 5 * S);
    g_assert_false (arec_hedges_take (&hedges, 5 * S));
    note_requests (&hedges, 1, 6 * S);
    g_assert_true (arec_hedges_take (&hedges, 6 * S));
    g_assert_false (arec_hedges_take (&hedges, 7 * S));
    note_requests (&hedges, 40, 30 * S);
    g_assert_true (arec_hedges_take (&hedges, 31 * S));
    g_assert_true (arec_hedges_take (&hedges, 31 * S));
    g_assert_false (arec_hedges_take (&hedges, 31 * S));
}

/* Both age: after a minute neither the requests nor the hedges of the start count. */
static void
test_age (void)
{
    ArecHedges hedges = {0};

    note_requests (&hedges, 20, 100 * S);
    g_assert_true (arec_hedges_take (&hedges, 100 * S));
    note_requests (&hedges, 20, 159 * S);
    g_assert_true (arec_hedges_take (&hedges, 159 * S));
    g_assert_false (arec_hedges_take (&hedges, 160 * S));
    note_requests (&hedges, 20, 161 * S);
    g_assert_true (arec_hedges_take (&hedges, 161 * S));
    g_assert_false (arec_hedges_take (&hedges, 100000 * S));
    note_requests (&hedges, 20, 100000 * S);
    g_assert_true (arec_hedges_take (&hedges, 100000 * S));
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/hedge/delay", test_delay);
    g_test_add_func ("/hedge/share", test_share);
    g_test_add_func ("/hedge/age", test_age);
    return g_test_run();
}
