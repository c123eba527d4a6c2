/* A mount's metrics: parsed whole or refused, subtracted, and percentiles of them.
 */
#include "frame/mount_stats.h"

#include <math.h>
#include <string.h>

#include <arec/arec.h>

#include "count/counters.h"
#include "count/metrics.h"

/* ---- texts ---- */

/* The metrics as the server writes them. */
static char *
make_text (ArecfsCounters *counters)
{
    const ArecEngineStats engine = {.cache_used = 5, .cache_hits = 100, .source_bytes = 7};

    return arecfs_metrics_text (counters, &engine);
}

static ArecfsCounters counters;

/* An hour old, with a read of 300 ns. */
static char *
plain_text (void)
{
    arecfs_counters_start (&counters);
    counters.started_ns -= UINT64_C (3600) * 1000000000;
    arecfs_counters_begin (&counters, ARECFS_READ);
    arecfs_latency_add (&counters.shards[3].latency[ARECFS_READ], 300);
    arecfs_count (&counters.pushes_dropped, 4);
    return make_text (&counters);
}

static const ToolMountRequests *
kind_of (const ToolMountStats *stats, const char *name)
{
    for (unsigned i = 0; i < stats->n_kinds; i++) {
        if (strcmp (stats->kinds[i].name, name) == 0) {
            return &stats->kinds[i];
        }
    }
    g_error ("no such kind: %s", name);
}

static void
test_parse (void)
{
    g_autofree char *text = plain_text();
    g_autofree ToolMountStats *stats = g_new (ToolMountStats, 1);
    const ToolMountRequests *reads;
    GError *error = NULL;

    g_assert_true (tool_mount_stats_parse (stats, text, &error));
    g_assert_no_error (error);
    g_assert_cmpstr (stats->version, ==, AREC_VERSION);
    g_assert_cmpfloat (stats->uptime, >=, 3600);
    g_assert_cmpfloat (stats->uptime, <, 3600 + 600);
    g_assert_cmpuint (stats->n_kinds, ==, ARECFS_N_REQUESTS);
    g_assert_cmpuint (stats->numbers.pushes_dropped, ==, 4);
    g_assert_cmpuint (stats->engine.cache_used, ==, 5);
    g_assert_cmpuint (stats->engine.cache_hits, ==, 100);
    g_assert_cmpuint (stats->engine.source_bytes, ==, 7);
    reads = kind_of (stats, "read");
    g_assert_cmpuint (reads->n_received, ==, 1);
    g_assert_cmpuint (reads->n_answered, ==, 1);
    g_assert_cmpfloat_with_epsilon (reads->max, 300e-9, 1e-15);
    g_assert_cmpuint (reads->n_buckets, ==, ARECFS_LATENCY_BUCKETS);
    g_assert_cmpfloat_with_epsilon (reads->bounds[1], 500e-9, 1e-15);
    g_assert_true (isinf (reads->bounds[ARECFS_LATENCY_BUCKETS - 1]));
    g_assert_cmpuint (reads->counts[0], ==, 0);
    g_assert_cmpuint (reads->counts[1], ==, 1);
    g_assert_cmpuint (reads->counts[2], ==, 0);
    g_assert_cmpuint (kind_of (stats, "statfs")->n_answered, ==, 0);
}

/* ---- sources on servers ---- */

static char *
remote_text (void)
{
    const ArecEngineStats engine = {.has_remote = true,
                                    .remote = {.bytes_received = 9,
                                               .in_flight = 3,
                                               .requests_range = 8,
                                               .errors_failed = 2,
                                               .wait = {.sum = 1500250, .buckets = {1}}}};

    arecfs_counters_start (&counters);
    counters.started_ns -= 1000;
    return arecfs_metrics_text (&counters, &engine);
}

static void
test_remote (void)
{
    g_autofree char *text = remote_text();
    g_autofree char *plain = plain_text();
    g_autofree ToolMountStats *stats = g_new (ToolMountStats, 1);

    g_assert_true (tool_mount_stats_parse (stats, plain, NULL));
    g_assert_false (stats->engine.has_remote);
    g_assert_true (tool_mount_stats_parse (stats, text, NULL));
    g_assert_true (stats->engine.has_remote);
    g_assert_cmpuint (stats->engine.remote.bytes_received, ==, 9);
    g_assert_cmpuint (stats->engine.remote.in_flight, ==, 3);
    g_assert_cmpuint (stats->engine.remote.requests_range, ==, 8);
    g_assert_cmpuint (stats->engine.remote.errors_failed, ==, 2);
    g_assert_cmpuint (stats->engine.remote.wait.sum, ==, 1500250);
}

static void
refuses (const char *text, ArecError code, const char *what)
{
    g_autofree ToolMountStats *stats = g_new (ToolMountStats, 1);
    g_autoptr (GError) error = NULL;

    g_assert_false (tool_mount_stats_parse (stats, text, &error));
    g_assert_error (error, AREC_ERROR, (gint)code);
    if (!strstr (error->message, what)) {
        g_error ("'%s' does not name '%s'", error->message, what);
    }
}

/* The good text with @old, which is in it, turned into @new. */
static char *
turned (const char *old, const char *new)
{
    g_autofree char *text = plain_text();
    g_autoptr (GString) changed = g_string_new (text);

    g_assert_cmpuint (g_string_replace (changed, old, new, 1), ==, 1);
    return g_string_free (g_steal_pointer (&changed), FALSE);
}

/* Some of the numbers of servers, or one that is none. */
static void
refuse_remote (void)
{
    static const struct {
        const char *old, *new;
        ArecError code;
        const char *what;
    } cases[] = {
        {"arecfs_remote_cancelled_total 0", "arecfs_other 0", AREC_ERROR_UNSUPPORTED,
         "arecfs_remote_cancelled_total is missing"},
        {"_wait_seconds_sum 1.50025", "_wait_seconds_sum +Inf", AREC_ERROR_FORMAT, "Inf"},
        {"_wait_seconds_sum 1.50025", "_wait_seconds_sum -1", AREC_ERROR_FORMAT, "-1"},
        {"_wait_seconds_sum 1.50025", "_wait_seconds_sum 1e30", AREC_ERROR_FORMAT, "1e30"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autofree char *text = remote_text();
        g_autoptr (GString) changed = g_string_new (text);

        g_assert_cmpuint (g_string_replace (changed, cases[i].old, cases[i].new, 1), ==, 1);
        refuses (changed->str, cases[i].code, cases[i].what);
    }
}

static void
test_refusals (void)
{
    static const struct {
        const char *old, *new;
        ArecError code;
        const char *what;
    } cases[] = {
        {"arecfs_cache_hits_total 100", "arecfs_cache_hits_total", AREC_ERROR_FORMAT, "line "},
        {"arecfs_cache_hits_total 100", "arecfs_cache_hits_total -1", AREC_ERROR_FORMAT, "-1'"},
        {"arecfs_cache_hits_total 100", "arecfs_cache_hits_total 1.5", AREC_ERROR_FORMAT,
         "1.5"},
        {"arecfs_cache_hits_total 100", "arecfs_cache_hits_total ", AREC_ERROR_FORMAT, "hits"},
        {"arecfs_cache_hits_total 100", "arecfs_cache_hits_total 18446744073709551616",
         AREC_ERROR_FORMAT, "hits"},
        {"arecfs_cache_hits_total 100", "arecfs_cache_used 100", AREC_ERROR_FORMAT, "used"},
        {"arecfs_cache_hits_total 100", "arecfs_other_total 1", AREC_ERROR_UNSUPPORTED,
         "arecfs_cache_hits_total is missing"},
        {"arecfs_build_info{", "arecfs_other{", AREC_ERROR_UNSUPPORTED,
         "arecfs_build_info is missing"},
        {"\narecfs_uptime_seconds ", "\narecfs_other ", AREC_ERROR_UNSUPPORTED,
         "arecfs_uptime_seconds is missing"},
        {"_total{kind=\"read\"}", "_total{kind=\"read}", AREC_ERROR_FORMAT, "read}"},
        {"_total{kind=\"read\"}", "_total{kind=\"\"}", AREC_ERROR_FORMAT, "kind"},
        {"_total{kind=\"read\"}", "_total{kind=\"a-kind-that-is-longer-than-any-can-be\"}",
         AREC_ERROR_FORMAT, "longer"},
        {"_total{kind=\"read\"}", "_total{kind=\"flush\"}", AREC_ERROR_FORMAT, "flush"},
        {"_total{kind=\"read\"}", "_total{kind=\"re\\\\d\"}", AREC_ERROR_FORMAT, "re"},
        {"_total{kind=\"read\"} 1", "_total{kind=\"read\",x=\"y\"} 1", AREC_ERROR_FORMAT, "x="},
        {"{kind=\"read\",le=\"+Inf\"} 1", "{kind=\"read\",le=\"+Inf\"} 0", AREC_ERROR_FORMAT,
         "Inf"},
        {"{kind=\"read\",le=\"+Inf\"} 1", "{kind=\"read\",le=\"1\"} 1", AREC_ERROR_FORMAT,
         "le=\"1\""},
        {"{kind=\"read\",le=\"+Inf\"} 1", "{kind=\"read\",le=\"nan\"} 1", AREC_ERROR_FORMAT,
         "nan"},
        {"{kind=\"read\",le=\"+Inf\"} 1", "{kind=\"walk\",le=\"+Inf\"} 1", AREC_ERROR_FORMAT,
         "walk"},
        {"{kind=\"read\",le=\"+Inf\"} 1", "{kind=\"read\",le=\"99\"} 1", AREC_ERROR_UNSUPPORTED,
         "duration_seconds_bucket is missing"},
    };
    g_autofree char *cut = plain_text();

    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autofree char *text = turned (cases[i].old, cases[i].new);

        refuses (text, cases[i].code, cases[i].what);
    }
    refuse_remote();
    refuses ("", AREC_ERROR_UNSUPPORTED, "missing");
    refuses ("\n", AREC_ERROR_FORMAT, "line 1: ''");
    refuses ("# HELP nothing\n", AREC_ERROR_UNSUPPORTED, "missing");
    refuses ("hello\n", AREC_ERROR_FORMAT, "line 1: 'hello'");
    cut[strlen (cut) - 1] = '\0';
    refuses (cut, AREC_ERROR_FORMAT, "line ");
}

/* ---- periods ---- */

static ToolMountStats *
parse (const char *text)
{
    ToolMountStats *stats = g_new (ToolMountStats, 1);

    g_assert_true (tool_mount_stats_parse (stats, text, NULL));
    return stats;
}

static void
test_between (void)
{
    g_autofree char *first = plain_text();
    g_autofree ToolMountStats *before = parse (first);
    g_autofree ToolMountStats *now = NULL;
    g_autofree ToolMountStats *period = g_new0 (ToolMountStats, 1);
    g_autofree char *second = NULL;
    const ToolMountRequests *reads;

    arecfs_counters_begin (&counters, ARECFS_READ);
    arecfs_counters_begin (&counters, ARECFS_READ);
    arecfs_latency_add (&counters.shards[0].latency[ARECFS_READ], 270);
    arecfs_latency_add (&counters.shards[0].latency[ARECFS_STATFS], 5000);
    arecfs_count (&counters.pushes_dropped, 6);
    second = make_text (&counters);
    now = parse (second);
    g_assert_true (tool_mount_stats_between (period, before, now));
    g_assert_cmpfloat (period->uptime, >, 0);
    g_assert_cmpfloat (period->uptime, <, 600);
    g_assert_cmpuint (period->numbers.pushes_dropped, ==, 6);
    g_assert_cmpuint (period->engine.cache_hits, ==, 0);
    g_assert_cmpuint (period->engine.cache_used, ==, 5);
    reads = kind_of (period, "read");
    g_assert_cmpuint (reads->n_received, ==, 2);
    g_assert_cmpuint (reads->n_answered, ==, 1);
    g_assert_cmpuint (reads->counts[1], ==, 1);
    /* 300 ns is the maximum since the mount: the period's own is unknown, but no higher. */
    g_assert_cmpfloat_with_epsilon (reads->max, 300e-9, 1e-15);
    g_assert_cmpfloat_with_epsilon (kind_of (period, "statfs")->max, 5e-6, 1e-15);
    g_assert_cmpfloat (kind_of (period, "flush")->max, ==, 0);

    /* Another mount, or no time has passed. */
    g_assert_false (tool_mount_stats_between (period, now, before));
    g_assert_false (tool_mount_stats_between (period, now, now));
    before->numbers.pushes_dropped = 1000;
    g_assert_false (tool_mount_stats_between (period, before, now));
    g_assert_cmpuint (period->numbers.pushes_dropped, ==, 6);
}

static void
test_quantiles (void)
{
    ToolMountRequests requests = {.n_answered = 100,
                                  .max = 9,
                                  .n_buckets = 4,
                                  .bounds = {1, 2, 4, INFINITY},
                                  .counts = {50, 0, 40, 10}};
    ToolMountRequests none = {.n_buckets = 2, .bounds = {1, INFINITY}};

    g_assert_cmpfloat_with_epsilon (tool_mount_stats_quantile (&requests, 0.25), 0.5, 1e-9);
    g_assert_cmpfloat_with_epsilon (tool_mount_stats_quantile (&requests, 0.5), 1, 1e-9);
    g_assert_cmpfloat_with_epsilon (tool_mount_stats_quantile (&requests, 0.7), 3, 1e-9);
    g_assert_cmpfloat_with_epsilon (tool_mount_stats_quantile (&requests, 0.9), 4, 1e-9);
    /* Above all bounds, only the maximum is a bound. */
    g_assert_cmpfloat_with_epsilon (tool_mount_stats_quantile (&requests, 0.95), 6.5, 1e-9);
    g_assert_cmpfloat_with_epsilon (tool_mount_stats_quantile (&requests, 1), 9, 1e-9);
    /* No percentile is above the maximum. */
    requests.max = 3;
    requests.counts[3] = 0;
    requests.n_answered = 90;
    g_assert_cmpfloat_with_epsilon (tool_mount_stats_quantile (&requests, 1), 3, 1e-9);
    g_assert_true (isnan (tool_mount_stats_quantile (&none, 0.5)));
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/mount-stats/parse", test_parse);
    g_test_add_func ("/mount-stats/remote", test_remote);
    g_test_add_func ("/mount-stats/refusals", test_refusals);
    g_test_add_func ("/mount-stats/between", test_between);
    g_test_add_func ("/mount-stats/quantiles", test_quantiles);
    return g_test_run();
}
