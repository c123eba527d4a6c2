/* Counters of servers: buckets of times, and that a snapshot has each counter. */
#include "remote/remote_counters.h"

#include <string.h>

#include <glib.h>

static void
test_times (void)
{
    static const struct {
        int64_t us;
        unsigned bucket;
    } cases[] = {{-5, 0},  {0, 0},         {100, 0},       {101, 1},       {200, 1},
                 {201, 2}, {52428800, 19}, {52428801, 20}, {INT64_MAX, 20}};

    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        ArecRemoteCounters counters = {0};
        ArecRemoteStats stats;

        arec_remote_count_time (&counters.wait, cases[i].us);
        arec_remote_counters_get (&counters, &stats);
        g_assert_cmpuint (stats.wait.buckets[cases[i].bucket], ==, 1);
        g_assert_cmpuint (stats.wait.sum, ==, (uint64_t)MAX (cases[i].us, 0));
        g_assert_cmpuint (stats.wait.max, ==, stats.wait.sum);
    }
}

static void
test_longest (void)
{
    ArecRemoteCounters counters = {0};
    ArecRemoteStats stats;

    arec_remote_count_time (&counters.request, 300);
    arec_remote_count_time (&counters.request, 7000);
    arec_remote_count_time (&counters.request, 20);
    arec_remote_counters_get (&counters, &stats);
    g_assert_cmpuint (stats.request.sum, ==, 7320);
    g_assert_cmpuint (stats.request.max, ==, 7000);
    g_assert_cmpuint (stats.first_byte.sum, ==, 0);
}

/* Each counter has a place of its own. */
static void
test_snapshot (void)
{
    ArecRemoteCounters counters;
    ArecRemoteStats stats;
    _Atomic uint64_t *numbers = (_Atomic uint64_t *)&counters;
    const size_t n = sizeof counters / sizeof *numbers;

    G_STATIC_ASSERT (sizeof counters == sizeof stats);
    for (size_t i = 0; i < n; i++) {
        numbers[i] = i + 1;
    }
    arec_remote_counters_get (&counters, &stats);
    for (size_t i = 0; i < n; i++) {
        g_assert_cmpuint (((const uint64_t *)&stats)[i], ==, i + 1);
    }
    arec_remote_count (&counters.bytes_received, 5);
    arec_remote_set (&counters.window_bytes, 7);
    arec_remote_counters_get (&counters, &stats);
    g_assert_cmpuint (stats.bytes_received, ==, 6);
    g_assert_cmpuint (stats.window_bytes, ==, 7);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/remote-counters/times", test_times);
    g_test_add_func ("/remote-counters/longest", test_longest);
    g_test_add_func ("/remote-counters/snapshot", test_snapshot);
    return g_test_run();
}
