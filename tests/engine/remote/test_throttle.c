#include "remote/throttle.h"

#include <glib.h>

static void
note (ArecThrottle *throttle, bool is_throttled, int64_t began, int64_t now)
{
    arec_throttle_note (throttle, is_throttled, began, now, throttle->limit);
}

static void
test_first_answer (void)
{
    ArecThrottle throttle;

    arec_throttle_init (&throttle, 32);
    g_assert_cmpuint (throttle.limit, ==, AREC_THROTTLE_FIRST);
    note (&throttle, false, 0, 5);
    g_assert_cmpuint (throttle.limit, ==, 32);
    note (&throttle, false, 0, 6);
    g_assert_cmpuint (throttle.limit, ==, 32);

    arec_throttle_init (&throttle, 3);
    g_assert_cmpuint (throttle.limit, ==, 3);
    note (&throttle, false, 0, 5);
    g_assert_cmpuint (throttle.limit, ==, 3);

    /* A server that is busy from the start gets no burst. */
    arec_throttle_init (&throttle, 32);
    note (&throttle, true, 0, 5);
    g_assert_cmpuint (throttle.limit, ==, 4);
    note (&throttle, false, 6, 7);
    g_assert_cmpuint (throttle.limit, ==, 4);
}

/* 32 requests under way when the first is refused: the 31 others were sent before it was known.
 */
static void
test_one_window_halves_once (void)
{
    ArecThrottle throttle;

    arec_throttle_init (&throttle, 32);
    note (&throttle, false, 0, 1);
    for (int64_t i = 0; i < 32; i++) {
        note (&throttle, true, 10 + i, 100 + i);
    }
    g_assert_cmpuint (throttle.limit, ==, 16);
    note (&throttle, true, 100, 140); /* sent in the microsecond of the halving */
    g_assert_cmpuint (throttle.limit, ==, 16);
    note (&throttle, true, 101, 150);
    g_assert_cmpuint (throttle.limit, ==, 8);
}

static void
test_never_none (void)
{
    ArecThrottle throttle;

    arec_throttle_init (&throttle, 32);
    for (int64_t i = 0; i < 20; i++) {
        note (&throttle, true, 10 * i + 1, 10 * i + 5);
        g_assert_cmpuint (throttle.limit, >=, 1);
    }
    g_assert_cmpuint (throttle.limit, ==, 1);
    arec_throttle_note (&throttle, true, 1000, 1001, 0);
    g_assert_cmpuint (throttle.limit, ==, 1);
}

/* Half of what is in flight, not of what might be. */
static void
test_few_in_flight (void)
{
    ArecThrottle throttle;

    arec_throttle_init (&throttle, 32);
    note (&throttle, false, 0, 1);
    arec_throttle_note (&throttle, true, 2, 3, 6);
    g_assert_cmpuint (throttle.limit, ==, 3);
    arec_throttle_note (&throttle, true, 4, 5, 99); /* some are still in flight from before */
    g_assert_cmpuint (throttle.limit, ==, 1);
}

/* From 4 to 8 it takes 4 + 5 + 6 + 7 successes, and a failure begins a new window. */
static void
test_growth (void)
{
    ArecThrottle throttle;
    unsigned n = 0;

    arec_throttle_init (&throttle, 8);
    note (&throttle, true, 0, 1);
    g_assert_cmpuint (throttle.limit, ==, 4);
    while (throttle.limit < 8) {
        note (&throttle, false, 2, 3);
        n++;
    }
    g_assert_cmpuint (n, ==, 4 + 5 + 6 + 7);
    for (unsigned i = 0; i < 100; i++) {
        note (&throttle, false, 2, 3);
    }
    g_assert_cmpuint (throttle.limit, ==, 8);

    note (&throttle, true, 4, 5);
    for (unsigned i = 0; i < 3; i++) {
        note (&throttle, false, 6, 7);
    }
    g_assert_cmpuint (throttle.limit, ==, 4);
    note (&throttle, true, 8, 9);
    g_assert_cmpuint (throttle.limit, ==, 2);
    note (&throttle, false, 10, 11);
    g_assert_cmpuint (throttle.limit, ==, 2);
    note (&throttle, false, 10, 11);
    g_assert_cmpuint (throttle.limit, ==, 3);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/throttle/first_answer", test_first_answer);
    g_test_add_func ("/throttle/one_window_halves_once", test_one_window_halves_once);
    g_test_add_func ("/throttle/never_none", test_never_none);
    g_test_add_func ("/throttle/few_in_flight", test_few_in_flight);
    g_test_add_func ("/throttle/growth", test_growth);
    return g_test_run();
}
