#include "count/metrics.h"

static void
begin_family (GString *text, const char *name, const char *type, const char *help)
{
    g_string_append_printf (text, "# HELP arecfs_%s %s\n# TYPE arecfs_%s %s\n", name, help,
                            name, type);
}

/* Nanoseconds as seconds, exact and without trailing zeros: `0.00000025`. */
static void
put_seconds (GString *text, uint64_t ns)
{
    gsize end;

    g_string_append_printf (text, "%" G_GUINT64_FORMAT ".%09" G_GUINT64_FORMAT, ns / 1000000000,
                            ns % 1000000000);
    for (end = text->len; text->str[end - 1] == '0'; end--) {
    }
    g_string_truncate (text, end - (text->str[end - 1] == '.'));
}

/* `arecfs_NAME{kind="KIND"} ` */
static void
begin_sample (GString *text, const char *name, ArecfsRequestKind kind)
{
    g_string_append_printf (text, "arecfs_%s{kind=\"%s\"} ", name, arecfs_request_name (kind));
}

static void
put_histogram (GString *text, ArecfsRequestKind kind, const ArecfsLatency *latency)
{
    uint64_t count = 0;

    for (unsigned i = 0; i < ARECFS_LATENCY_BUCKETS; i++) {
        count += latency->buckets[i];
        g_string_append_printf (text,
                                "arecfs_request_duration_seconds_bucket{kind=\"%s\",le=\"",
                                arecfs_request_name (kind));
        if (i + 1 < ARECFS_LATENCY_BUCKETS) {
            put_seconds (text, arecfs_latency_bound (i));
        } else {
            g_string_append (text, "+Inf");
        }
        g_string_append_printf (text, "\"} %" G_GUINT64_FORMAT "\n", count);
    }
    begin_sample (text, "request_duration_seconds_sum", kind);
    put_seconds (text, latency->sum);
    g_string_append_c (text, '\n');
    begin_sample (text, "request_duration_seconds_count", kind);
    g_string_append_printf (text, "%" G_GUINT64_FORMAT "\n", count);
}

static void
put_requests (GString *text, const ArecfsTotals *totals)
{
    begin_family (text, "requests_total", "counter", "Requests of the kernel.");
    for (unsigned i = 0; i < ARECFS_N_REQUESTS; i++) {
        begin_sample (text, "requests_total", (ArecfsRequestKind)i);
        g_string_append_printf (text, "%" G_GUINT64_FORMAT "\n", totals->requests[i]);
    }
    begin_family (text, "request_duration_seconds", "histogram",
                  "Time from the receipt of a request to its reply.");
    for (unsigned i = 0; i < ARECFS_N_REQUESTS; i++) {
        put_histogram (text, (ArecfsRequestKind)i, &totals->latency[i]);
    }
    begin_family (text, "request_duration_max_seconds", "gauge",
                  "The longest of these times since the mount.");
    for (unsigned i = 0; i < ARECFS_N_REQUESTS; i++) {
        begin_sample (text, "request_duration_max_seconds", (ArecfsRequestKind)i);
        put_seconds (text, totals->latency[i].max);
        g_string_append_c (text, '\n');
    }
}

static void
put_counter (GString *text, const char *name, const char *help, uint64_t value)
{
    g_autofree char *full = g_strconcat (name, "_total", NULL);

    begin_family (text, full, "counter", help);
    g_string_append_printf (text, "arecfs_%s %" G_GUINT64_FORMAT "\n", full, value);
}

static void
put_gauge (GString *text, const char *name, const char *help, uint64_t value)
{
    begin_family (text, name, "gauge", help);
    g_string_append_printf (text, "arecfs_%s %" G_GUINT64_FORMAT "\n", name, value);
}

/* By the KIND of <arec/stats.h>. */
#define PUT_COUNTER put_counter
#define PUT_GAUGE put_gauge

/* ---- sources on servers ---- */

static void
put_times (GString *text, const char *name, const char *help, const ArecTimes *times)
{
    g_autofree char *full = g_strdup_printf ("remote_%s_seconds", name);
    uint64_t count = 0;

    begin_family (text, full, "histogram", help);
    for (unsigned i = 0; i < AREC_TIMES_BUCKETS; i++) {
        count += times->buckets[i];
        g_string_append_printf (text, "arecfs_%s_bucket{le=\"", full);
        if (i + 1 < AREC_TIMES_BUCKETS) {
            put_seconds (text, AREC_TIMES_BOUND (i) * 1000);
        } else {
            g_string_append (text, "+Inf");
        }
        g_string_append_printf (text, "\"} %" G_GUINT64_FORMAT "\n", count);
    }
    g_string_append_printf (text, "arecfs_%s_sum ", full);
    put_seconds (text, times->sum * 1000);
    g_string_append_printf (text, "\narecfs_%s_count %" G_GUINT64_FORMAT "\n", full, count);
}

static void
put_remote (GString *text, const ArecEngineStats *engine)
{
    const ArecRemoteStats *remote = &engine->remote;

#define PUT_VALUE(family, label, value)                                                        \
    g_string_append_printf (text,                                                              \
                            "arecfs_remote_" #family "_total{" #label "=\"" #value             \
                            "\"} %" G_GUINT64_FORMAT "\n",                                     \
                            remote->family##_##value);
#define PUT_FAMILY(family, label, VALUES, help)                                                \
    begin_family (text, "remote_" #family "_total", "counter", help);                          \
    VALUES (PUT_VALUE, family, label)
    AREC_REMOTE_FAMILIES (PUT_FAMILY)
#undef PUT_FAMILY
#undef PUT_VALUE
#define PUT(name, kind, help) PUT_##kind (text, "remote_" #name, help, remote->name);
    AREC_REMOTE_NUMBERS (PUT)
#undef PUT
#define PUT(name, kind, help)                                                                  \
    PUT_##kind (text, "remote_disk_cache_" #name, help, engine->disk_cache.name);
    AREC_DISK_CACHE_NUMBERS (PUT)
#undef PUT
#define PUT(name, help) put_times (text, #name, help, &remote->name);
    AREC_REMOTE_TIMES (PUT)
#undef PUT
}

/* ---- all ---- */

char *
arecfs_metrics_text (const ArecfsCounters *counters, const ArecEngineStats *engine)
{
    GString *text = g_string_new (NULL);
    ArecfsTotals totals;

    arecfs_counters_sum (counters, &totals);
    begin_family (text, "build_info", "gauge", "The version; always 1.");
    g_string_append (text, "arecfs_build_info{version=\"" AREC_VERSION "\"} 1\n");
    begin_family (text, "uptime_seconds", "gauge", "Time since the mount.");
    g_string_append (text, "arecfs_uptime_seconds ");
    put_seconds (text, totals.uptime_ns);
    g_string_append_c (text, '\n');
    put_requests (text, &totals);
#define PUT(name, kind, help) PUT_##kind (text, #name, help, totals.numbers.name);
    AREC_MOUNT_NUMBERS (PUT)
#undef PUT
#define PUT(name, kind, help) PUT_##kind (text, #name, help, engine->name);
    AREC_ENGINE_NUMBERS (PUT)
#undef PUT
    if (engine->has_remote) {
        put_remote (text, engine);
    }
    return g_string_free (text, FALSE);
}
