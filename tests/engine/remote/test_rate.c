#include "remote/rate.h"

#include <glib.h>

#define MS INT64_C (1000)
#define S INT64_C (1000000)

static void
test_unknown (void)
{
    ArecRate rate = {0};

    g_assert_cmpuint (arec_rate_bytes_per_second (&rate), ==, 0);
    g_assert_cmpuint (arec_rate_delay (&rate), ==, 0);
    g_assert_cmpuint (arec_rate_target (&rate, UINT64_MAX), ==, AREC_RATE_MIN_TARGET);
    g_assert_cmpuint (arec_rate_target (&rate, 5), ==, 5);
}

/* ---- one sample ---- */

static void
test_one_request (void)
{
    ArecRate rate = {0};
    ArecRateMark mark = arec_rate_mark (&rate, 3 * S);

    arec_rate_first_byte (&rate, 3 * S, 3 * S + 50 * MS);
    arec_rate_deliver (&rate, &mark, 40000, 3 * S + 50 * MS);
    g_assert_cmpuint (arec_rate_delay (&rate), ==, 50000);
    g_assert_cmpuint (arec_rate_bytes_per_second (&rate), ==, 800000);
    /* A slower piece leaves the highest alone, a faster one raises it. */
    arec_rate_deliver (&rate, &mark, 1000, 3 * S + 100 * MS);
    g_assert_cmpuint (arec_rate_bytes_per_second (&rate), ==, 800000);
    arec_rate_deliver (&rate, &mark, 119000, 3 * S + 160 * MS);
    g_assert_cmpuint (arec_rate_bytes_per_second (&rate), ==, 1000000);
    arec_rate_first_byte (&rate, 4 * S, 4 * S + 49 * MS);
    arec_rate_first_byte (&rate, 4 * S, 4 * S + 70 * MS);
    g_assert_cmpuint (arec_rate_delay (&rate), ==, 49000);
}

/* Bytes of all requests count for each. */
static void
test_parallel_requests (void)
{
    ArecRate rate = {0};
    ArecRateMark marks[16];

    for (size_t i = 0; i < G_N_ELEMENTS (marks); i++) {
        marks[i] = arec_rate_mark (&rate, (int64_t)i);
    }
    for (size_t i = 0; i < G_N_ELEMENTS (marks); i++) {
        arec_rate_deliver (&rate, &marks[i], 100000, 100 * MS + (int64_t)i);
    }
    g_assert_cmpuint (arec_rate_bytes_per_second (&rate), ==, 16000000);
    /* What came before a request was sent does not. */
    marks[0] = arec_rate_mark (&rate, 200 * MS);
    arec_rate_deliver (&rate, &marks[0], 5000000, 300 * MS);
    g_assert_cmpuint (arec_rate_bytes_per_second (&rate), ==, 50000000);
}

/* A clock that ticks coarsely gives neither a division by zero nor an endless rate. */
static void
test_no_time (void)
{
    ArecRate rate = {0};
    ArecRateMark mark = arec_rate_mark (&rate, 5 * S);

    arec_rate_first_byte (&rate, 5 * S, 5 * S);
    g_assert_cmpuint (arec_rate_delay (&rate), ==, 1);
    arec_rate_deliver (&rate, &mark, 7, 5 * S);
    g_assert_cmpuint (arec_rate_bytes_per_second (&rate), ==, 7000000);
    arec_rate_deliver (&rate, &mark, UINT64_MAX / 2, 5 * S + 1);
    g_assert_cmpuint (arec_rate_bytes_per_second (&rate), ==, UINT64_MAX);
    g_assert_cmpuint (arec_rate_target (&rate, UINT64_MAX), ==, AREC_RATE_MAX_TARGET);
}

/* ---- ten seconds ---- */

/* A rate of @bytes a second, by a request that took 100 ms, and its delay. */
static void
sample (ArecRate *rate, uint64_t bytes_per_second, int64_t delay, int64_t now)
{
    ArecRateMark mark = arec_rate_mark (rate, now - 100 * MS);

    arec_rate_deliver (rate, &mark, bytes_per_second / 10, now);
    arec_rate_first_byte (rate, now - delay, now);
}

static void
test_window (void)
{
    ArecRate rate = {0};

    sample (&rate, 9000000, 20 * MS, 100 * S + 500 * MS);
    sample (&rate, 1000000, 50 * MS, 109 * S + 499 * MS);
    g_assert_cmpuint (arec_rate_bytes_per_second (&rate), ==, 9000000);
    g_assert_cmpuint (arec_rate_delay (&rate), ==, 20000);
    sample (&rate, 1000000, 50 * MS, 110 * S + 501 * MS);
    g_assert_cmpuint (arec_rate_bytes_per_second (&rate), ==, 1000000);
    g_assert_cmpuint (arec_rate_delay (&rate), ==, 50000);
}

/* Nothing says that a line became worse while nothing was asked of it. */
static void
test_silence (void)
{
    ArecRate rate = {0};

    sample (&rate, 9000000, 20 * MS, 100 * S);
    arec_rate_mark (&rate, 5000 * S);
    g_assert_cmpuint (arec_rate_bytes_per_second (&rate), ==, 9000000);
    sample (&rate, 1000000, 50 * MS, 5000 * S);
    g_assert_cmpuint (arec_rate_bytes_per_second (&rate), ==, 1000000);
    g_assert_cmpuint (arec_rate_delay (&rate), ==, 50000);
}

/* Against all samples that there were: none younger than 9 s is forgotten, none older than 10 s
 * counts. */
static void
test_window_model (void)
{
    enum { N_SAMPLES = 2000 };
    struct {
        uint64_t rate;
        int64_t delay, at;
    } samples[N_SAMPLES];
    ArecRate rate = {0};
    int64_t now = 0;

    for (size_t n = 0; n < N_SAMPLES; n++) {
        uint64_t most_young = 0, most_old = 0, found;
        int64_t least_young = INT64_MAX, least_old = INT64_MAX, delay;

        now += g_test_rand_int_range (0, n % 100 == 0 ? 20000000 : 900000);
        samples[n].rate = (uint64_t)g_test_rand_int_range (1, 1000) * 1000;
        samples[n].delay = g_test_rand_int_range (1, 1000);
        samples[n].at = now;
        sample (&rate, samples[n].rate, samples[n].delay, now);
        for (size_t i = 0; i <= n; i++) {
            if (now - samples[i].at <= 9 * S) {
                most_young = MAX (most_young, samples[i].rate);
                least_young = MIN (least_young, samples[i].delay);
            }
            if (now - samples[i].at <= 10 * S) {
                most_old = MAX (most_old, samples[i].rate);
                least_old = MIN (least_old, samples[i].delay);
            }
        }
        found = arec_rate_bytes_per_second (&rate);
        delay = (int64_t)arec_rate_delay (&rate);
        g_assert_true (found >= most_young && found <= most_old);
        g_assert_true (delay <= least_young && delay >= least_old);
    }
}

/* ---- the target ---- */

static void
test_target (void)
{
    static const struct {
        uint64_t rate; /* bytes a second */
        int64_t delay;
        uint64_t most, target;
    } rows[] = {
        {25000000, 50 * MS, UINT64_MAX, 3125000},    /* 200 Mbit/s at 50 ms */
        {1250000000, 10 * MS, UINT64_MAX, 31250000}, /* 10 Gbit/s at 10 ms */
        {1250000000, 100 * MS, UINT64_MAX, AREC_RATE_MAX_TARGET},
        {1000000, 10 * MS, UINT64_MAX, AREC_RATE_MIN_TARGET},
        {25000000, 50 * MS, 2000000, 2000000}, /* memory is short */
        {25000000, 50 * MS, 0, 0},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        ArecRate rate = {0};

        sample (&rate, rows[i].rate, rows[i].delay, 200 * S);
        g_assert_cmpuint (arec_rate_target (&rate, rows[i].most), ==, rows[i].target);
    }
}

/* A reader that always has the target on its way, on a line of which it knows nothing: each
 * round trip gives what was asked for, at most what the line carries. The target must reach
 * what fills the line, and stay below 2.5 times that. */
static void
run_line (uint64_t capacity, int64_t round_trip)
{
    ArecRate rate = {0};
    uint64_t per_trip = capacity * (uint64_t)round_trip / UINT64_C (1000000);
    int64_t now = 10 * S;

    for (unsigned i = 0; i < 12; i++) {
        uint64_t bytes = MIN (arec_rate_target (&rate, UINT64_MAX), per_trip);
        ArecRateMark mark = arec_rate_mark (&rate, now);

        now += round_trip;
        arec_rate_first_byte (&rate, now - round_trip, now);
        arec_rate_deliver (&rate, &mark, bytes, now);
    }
    g_assert_cmpuint (arec_rate_target (&rate, UINT64_MAX), >=,
                      MIN (per_trip, AREC_RATE_MAX_TARGET));
    g_assert_cmpuint (arec_rate_target (&rate, UINT64_MAX), <=,
                      MAX (5 * per_trip / 2, AREC_RATE_MIN_TARGET));
}

static void
test_convergence (void)
{
    run_line (1250000, 20 * MS);    /* 10 Mbit/s */
    run_line (25000000, 50 * MS);   /* 200 Mbit/s */
    run_line (125000000, 200 * MS); /* 1 Gbit/s, far away */
    run_line (1250000000, 10 * MS); /* 10 Gbit/s */
    run_line (12500000000, MS);     /* 100 Gbit/s, in one house */
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/rate/unknown", test_unknown);
    g_test_add_func ("/rate/one_request", test_one_request);
    g_test_add_func ("/rate/parallel_requests", test_parallel_requests);
    g_test_add_func ("/rate/no_time", test_no_time);
    g_test_add_func ("/rate/window", test_window);
    g_test_add_func ("/rate/silence", test_silence);
    g_test_add_func ("/rate/window_model", test_window_model);
    g_test_add_func ("/rate/target", test_target);
    g_test_add_func ("/rate/convergence", test_convergence);
    return g_test_run();
}
