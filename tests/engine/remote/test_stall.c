#include "remote/stall.h"

#include <glib.h>

#define MS INT64_C (1000)
#define S INT64_C (1000000)

/* ---- times to the first byte ---- */

static void
test_percentiles (void)
{
    ArecFirstBytes first_bytes = {0};

    g_assert_cmpint (arec_stall_percentile (&first_bytes, 99), ==, 0);
    arec_stall_note_first_byte (&first_bytes, 7);
    for (unsigned percent = 1; percent <= 100; percent++) {
        g_assert_cmpint (arec_stall_percentile (&first_bytes, percent), ==, 7);
    }
    /* 100 .. 1, in place of the 7 and 99 others */
    for (int64_t i = 100; i >= 1; i--) {
        arec_stall_note_first_byte (&first_bytes, i);
    }
    for (unsigned percent = 1; percent <= 100; percent++) {
        g_assert_cmpint (arec_stall_percentile (&first_bytes, percent), ==, percent);
    }
    /* The oldest go first: 100 .. 51 are replaced. */
    for (int64_t i = 0; i < 50; i++) {
        arec_stall_note_first_byte (&first_bytes, 1000);
    }
    g_assert_cmpint (arec_stall_percentile (&first_bytes, 50), ==, 50);
    g_assert_cmpint (arec_stall_percentile (&first_bytes, 51), ==, 1000);
}

static void
test_few (void)
{
    ArecFirstBytes first_bytes = {0};

    for (int64_t i = 1; i <= 4; i++) {
        arec_stall_note_first_byte (&first_bytes, i);
    }
    g_assert_cmpint (arec_stall_percentile (&first_bytes, 25), ==, 1);
    g_assert_cmpint (arec_stall_percentile (&first_bytes, 26), ==, 2);
    g_assert_cmpint (arec_stall_percentile (&first_bytes, 95), ==, 4);
}

static void
test_first_byte_limit (void)
{
    static const struct {
        int64_t time, limit; /* all answers took this time; negative: there are none */
    } rows[] = {
        {-1, 20 * S},          {0, 1500 * MS},        {50 * MS, 1500 * MS},
        {375 * MS, 1500 * MS}, {400 * MS, 1600 * MS}, {4999 * MS, 19996 * MS},
        {5 * S, 20 * S},       {60 * S, 20 * S},      {INT64_MAX, 20 * S},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        ArecFirstBytes first_bytes = {0};

        for (unsigned n = 0; n < 3 && rows[i].time >= 0; n++) {
            arec_stall_note_first_byte (&first_bytes, rows[i].time);
        }
        g_assert_cmpint (arec_stall_first_byte_limit (&first_bytes), ==, rows[i].limit);
    }
}

/* One slow answer of a hundred does not move the limit, two do. */
static void
test_outliers (void)
{
    ArecFirstBytes first_bytes = {0};

    for (unsigned i = 0; i < AREC_STALL_KEPT; i++) {
        arec_stall_note_first_byte (&first_bytes, 500 * MS);
    }
    arec_stall_note_first_byte (&first_bytes, 3 * S);
    g_assert_cmpint (arec_stall_first_byte_limit (&first_bytes), ==, 2 * S);
    arec_stall_note_first_byte (&first_bytes, 3 * S);
    g_assert_cmpint (arec_stall_first_byte_limit (&first_bytes), ==, 12 * S);
}

/* ---- bodies ---- */

/* Lets @bytes_a_second arrive and asks each second. Returns the seconds until it stalls; 0: not
 * within @seconds. */
static int64_t
seconds_until_stall (ArecBodyWatch *watch, uint64_t bytes_a_second, int64_t seconds)
{
    arec_stall_watch_begin (watch, 100 * S);
    for (int64_t second = 1; second <= seconds; second++) {
        if (arec_stall_watch (watch, (100 + second) * S, bytes_a_second * (uint64_t)second)) {
            return second;
        }
    }
    return 0;
}

static void
test_slow_bodies (void)
{
    ArecBodyWatch watch;

    g_assert_cmpint (seconds_until_stall (&watch, 0, 60), ==, 10);
    g_assert_cmpint (seconds_until_stall (&watch, 1023, 60), ==, 10);
    g_assert_cmpint (seconds_until_stall (&watch, 1024, 60), ==, 0);
    g_assert_cmpint (seconds_until_stall (&watch, 1 << 30, 60), ==, 0);
}

/* What came fast before does not help a body that stops, and pauses shorter than the limit are
 * no stall. */
static void
test_bodies_that_stop (void)
{
    ArecBodyWatch watch;
    uint64_t bytes = UINT64_C (8) << 20;

    g_assert_cmpint (seconds_until_stall (&watch, bytes, 5), ==, 0); /* until 105 s */
    g_assert_false (arec_stall_watch (&watch, 115 * S - 1, 5 * bytes));
    g_assert_false (arec_stall_watch (&watch, 115 * S - 1, 6 * bytes));
    g_assert_false (arec_stall_watch (&watch, 125 * S - 2, 6 * bytes + 10239));
    g_assert_true (arec_stall_watch (&watch, 125 * S - 1, 6 * bytes + 10239));
    g_assert_false (arec_stall_watch (&watch, 125 * S - 1, 6 * bytes + 10240));
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/stall/percentiles", test_percentiles);
    g_test_add_func ("/stall/few", test_few);
    g_test_add_func ("/stall/first_byte_limit", test_first_byte_limit);
    g_test_add_func ("/stall/outliers", test_outliers);
    g_test_add_func ("/stall/slow_bodies", test_slow_bodies);
    g_test_add_func ("/stall/bodies_that_stop", test_bodies_that_stop);
    return g_test_run();
}
