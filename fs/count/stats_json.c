#include "count/stats_json.h"

/* The comma after the member before, if @i is not 0, and on a new line the name. */
static void
begin_member (GString *text, unsigned i, const char *indent, const char *name)
{
    g_string_append_printf (text, "%s\n%s\"%s\": ", i > 0 ? "," : "", indent, name);
}

static void
put_number_json (GString *text, unsigned i, const char *indent, const char *name, uint64_t n)
{
    begin_member (text, i, indent, name);
    g_string_append_printf (text, "%" G_GUINT64_FORMAT, n);
}

static void
put_latency_json (GString *text, const ArecfsLatency *latency)
{
    g_string_append_printf (text,
                            "{\"count\": %" G_GUINT64_FORMAT ", \"sum_ns\": %" G_GUINT64_FORMAT
                            ", \"max_ns\": %" G_GUINT64_FORMAT ", \"buckets\": [",
                            arecfs_latency_count (latency), (uint64_t)latency->sum,
                            (uint64_t)latency->max);
    for (unsigned i = 0; i < ARECFS_LATENCY_BUCKETS; i++) {
        g_string_append_printf (text, "%s%" G_GUINT64_FORMAT, i > 0 ? ", " : "",
                                (uint64_t)latency->buckets[i]);
    }
    g_string_append (text, "]}");
}

static void
put_latencies_json (GString *text, const ArecfsTotals *totals)
{
    begin_member (text, 1, "  ", "latency_bounds_ns");
    for (unsigned i = 0; i + 1 < ARECFS_LATENCY_BUCKETS; i++) {
        g_string_append_printf (text, "%s%" G_GUINT64_FORMAT, i > 0 ? ", " : "[",
                                arecfs_latency_bound (i));
    }
    g_string_append (text, "]");
    begin_member (text, 1, "  ", "latency");
    g_string_append (text, "{");
    for (unsigned i = 0; i < ARECFS_N_REQUESTS; i++) {
        begin_member (text, i, "    ", arecfs_request_name ((ArecfsRequestKind)i));
        put_latency_json (text, &totals->latency[i]);
    }
    g_string_append (text, "\n  }");
}

static void
put_engine_json (GString *text, const ArecEngineStats *engine)
{
    unsigned i = 0;

    begin_member (text, 1, "  ", "engine");
    g_string_append (text, "{");
#define PUT(name, kind, help) put_number_json (text, i++, "    ", #name, engine->name);
    AREC_ENGINE_NUMBERS (PUT)
#undef PUT
    g_string_append (text, "\n  }");
}

static void
put_times_json (GString *text, const char *name, const ArecTimes *times)
{
    g_autofree char *full = g_strconcat (name, "_us", NULL);
    uint64_t count = 0;

    for (unsigned i = 0; i < AREC_TIMES_BUCKETS; i++) {
        count += times->buckets[i];
    }
    begin_member (text, 1, "    ", full);
    g_string_append_printf (text,
                            "{\"count\": %" G_GUINT64_FORMAT ", \"sum\": %" G_GUINT64_FORMAT
                            ", \"max\": %" G_GUINT64_FORMAT ", \"buckets\": [",
                            count, times->sum, times->max);
    for (unsigned i = 0; i < AREC_TIMES_BUCKETS; i++) {
        g_string_append_printf (text, "%s%" G_GUINT64_FORMAT, i > 0 ? ", " : "",
                                times->buckets[i]);
    }
    g_string_append (text, "]}");
}

static void
put_times_bounds_json (GString *text)
{
    begin_member (text, 1, "    ", "bounds_us");
    for (unsigned i = 0; i + 1 < AREC_TIMES_BUCKETS; i++) {
        g_string_append_printf (text, "%s%" G_GUINT64_FORMAT, i > 0 ? ", " : "[",
                                AREC_TIMES_BOUND (i));
    }
    g_string_append (text, "]");
}

/* The families first, each an object of its label's values. */
static void
put_remote_json (GString *text, const ArecEngineStats *engine)
{
    const ArecRemoteStats *remote = &engine->remote;
    unsigned n_families = 0, i;

    begin_member (text, 1, "  ", "remote");
    g_string_append (text, "{");
#define PUT_VALUE(family, label, value)                                                        \
    put_number_json (text, i++, "      ", #value, remote->family##_##value);
#define PUT_FAMILY(family, label, VALUES, help)                                                \
    begin_member (text, n_families++, "    ", #family);                                        \
    g_string_append (text, "{");                                                               \
    i = 0;                                                                                     \
    VALUES (PUT_VALUE, family, label)                                                          \
    g_string_append (text, "\n    }");
    AREC_REMOTE_FAMILIES (PUT_FAMILY)
#undef PUT_FAMILY
#undef PUT_VALUE
#define PUT(name, kind, help) put_number_json (text, 1, "    ", #name, remote->name);
    AREC_REMOTE_NUMBERS (PUT)
#undef PUT
    begin_member (text, 1, "    ", "disk_cache");
    g_string_append (text, "{");
    i = 0;
#define PUT(name, kind, help)                                                                  \
    put_number_json (text, i++, "      ", #name, engine->disk_cache.name);
    AREC_DISK_CACHE_NUMBERS (PUT)
#undef PUT
    g_string_append (text, "\n    }");
    put_times_bounds_json (text);
#define PUT(name, help) put_times_json (text, #name, &remote->name);
    AREC_REMOTE_TIMES (PUT)
#undef PUT
    g_string_append (text, "\n  }");
}

char *
arecfs_stats_json_text (const ArecfsCounters *counters, const ArecEngineStats *engine)
{
    GString *text = g_string_new ("{");
    ArecfsTotals totals;

    arecfs_counters_sum (counters, &totals);
    begin_member (text, 0, "  ", "version");
    g_string_append (text, "\"" AREC_VERSION "\"");
    begin_member (text, 1, "  ", "uptime");
    g_string_append_printf (text, "%" G_GUINT64_FORMAT, totals.uptime_ns / 1000000000);
    begin_member (text, 1, "  ", "requests");
    g_string_append (text, "{");
    for (unsigned i = 0; i < ARECFS_N_REQUESTS; i++) {
        put_number_json (text, i, "    ", arecfs_request_name ((ArecfsRequestKind)i),
                         totals.requests[i]);
    }
    g_string_append (text, "\n  }");
#define PUT(name, kind, help) put_number_json (text, 1, "  ", #name, totals.numbers.name);
    AREC_MOUNT_NUMBERS (PUT)
#undef PUT
    put_engine_json (text, engine);
    if (engine->has_remote) {
        put_remote_json (text, engine);
    }
    put_latencies_json (text, &totals);
    g_string_append (text, "\n}\n");
    return g_string_free (text, FALSE);
}
