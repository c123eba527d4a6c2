#include "counters.h"

#include <stddef.h>

static const char *const names[ARECFS_N_REQUESTS] = {
    [ARECFS_LOOKUP] = "lookup",
    [ARECFS_FORGET] = "forget",
    [ARECFS_GETATTR] = "getattr",
    [ARECFS_OPEN] = "open",
    [ARECFS_READ] = "read",
    [ARECFS_FLUSH] = "flush",
    [ARECFS_RELEASE] = "release",
    [ARECFS_OPENDIR] = "opendir",
    [ARECFS_READDIR] = "readdir",
    [ARECFS_READDIRPLUS] = "readdirplus",
    [ARECFS_RELEASEDIR] = "releasedir",
    [ARECFS_GETXATTR] = "getxattr",
    [ARECFS_LISTXATTR] = "listxattr",
    [ARECFS_STATFS] = "statfs",
};

/* The engine's numbers, by the names of ArecEngineStats. Gauges go up and down, counters only
 * up. */
static const struct {
    const char *name;
    size_t offset;
    bool is_gauge;
} engine_numbers[] = {
    {"cache_budget", offsetof (ArecEngineStats, cache_budget), true},
    {"cache_used", offsetof (ArecEngineStats, cache_used), true},
    {"index_used", offsetof (ArecEngineStats, index_used), true},
    {"index_offloaded_bytes", offsetof (ArecEngineStats, index_offloaded_bytes), true},
    {"index_reads", offsetof (ArecEngineStats, index_reads), false},
    {"cache_entries", offsetof (ArecEngineStats, cache_entries), true},
    {"cache_hits", offsetof (ArecEngineStats, cache_hits), false},
    {"cache_misses", offsetof (ArecEngineStats, cache_misses), false},
    {"cache_joins", offsetof (ArecEngineStats, cache_joins), false},
    {"cache_evictions", offsetof (ArecEngineStats, cache_evictions), false},
    {"chunks_ahead", offsetof (ArecEngineStats, chunks_ahead), false},
    {"chunks_ahead_used", offsetof (ArecEngineStats, chunks_ahead_used), false},
    {"chunks_ahead_wasted", offsetof (ArecEngineStats, chunks_ahead_wasted), false},
    {"chunks_ahead_refused", offsetof (ArecEngineStats, chunks_ahead_refused), false},
    {"chunks_decoded", offsetof (ArecEngineStats, chunks_decoded), false},
    {"chunks_failed", offsetof (ArecEngineStats, chunks_failed), false},
    {"size_lists_read", offsetof (ArecEngineStats, size_lists_read), false},
    {"decoded_bytes", offsetof (ArecEngineStats, decoded_bytes), false},
    {"source_reads", offsetof (ArecEngineStats, source_reads), false},
    {"source_bytes", offsetof (ArecEngineStats, source_bytes), false},
    {"files_open", offsetof (ArecEngineStats, files_open), true},
};

const char *
arecfs_request_name (ArecfsRequestKind kind)
{
    return names[kind];
}

static uint64_t
engine_number (const ArecEngineStats *engine, size_t i)
{
    return *(const uint64_t *)((const char *)engine + engine_numbers[i].offset);
}

char *
arecfs_counters_to_json (const ArecfsCounters *counters, const ArecEngineStats *engine)
{
    GString *text = g_string_new ("{\n");

    g_string_append_printf (text,
                            "  \"version\": \"%s\",\n  \"uptime\": %" G_GINT64_FORMAT ",\n",
                            AREC_VERSION, (gint64)(time (NULL) - counters->started));
    g_string_append (text, "  \"requests\": {");
    for (unsigned i = 0; i < ARECFS_N_REQUESTS; i++) {
        g_string_append_printf (text, "%s\n    \"%s\": %" G_GUINT64_FORMAT, i > 0 ? "," : "",
                                names[i], (uint64_t)counters->requests[i]);
    }
    g_string_append_printf (
        text,
        "\n  },\n  \"errors\": %" G_GUINT64_FORMAT ",\n  \"read_bytes\": %" G_GUINT64_FORMAT
        ",\n  \"pushes_kept\": %" G_GUINT64_FORMAT ",\n  \"pushes_refused\": %" G_GUINT64_FORMAT
        ",\n  \"pushed_bytes\": %" G_GUINT64_FORMAT ",\n  \"engine\": {",
        (uint64_t)counters->errors, (uint64_t)counters->read_bytes,
        (uint64_t)counters->pushes_kept, (uint64_t)counters->pushes_refused,
        (uint64_t)counters->pushed_bytes);
    for (size_t i = 0; i < G_N_ELEMENTS (engine_numbers); i++) {
        g_string_append_printf (text, "%s\n    \"%s\": %" G_GUINT64_FORMAT, i > 0 ? "," : "",
                                engine_numbers[i].name, engine_number (engine, i));
    }
    g_string_append (text, "\n  }\n}\n");
    return g_string_free (text, FALSE);
}

char *
arecfs_counters_to_metrics (const ArecfsCounters *counters, const ArecEngineStats *engine)
{
    GString *text = g_string_new ("# HELP arecfs_requests_total Requests of the kernel.\n"
                                  "# TYPE arecfs_requests_total counter\n");

    for (unsigned i = 0; i < ARECFS_N_REQUESTS; i++) {
        g_string_append_printf (text,
                                "arecfs_requests_total{kind=\"%s\"} %" G_GUINT64_FORMAT "\n",
                                names[i], (uint64_t)counters->requests[i]);
    }
    g_string_append_printf (
        text,
        "# TYPE arecfs_errors_total counter\narecfs_errors_total %" G_GUINT64_FORMAT
        "\n# TYPE arecfs_read_bytes_total counter\narecfs_read_bytes_total "
        "%" G_GUINT64_FORMAT
        "\n# TYPE arecfs_pushes_kept_total counter\narecfs_pushes_kept_total "
        "%" G_GUINT64_FORMAT
        "\n# TYPE arecfs_pushes_refused_total counter\narecfs_pushes_refused_total "
        "%" G_GUINT64_FORMAT
        "\n# TYPE arecfs_pushed_bytes_total counter\narecfs_pushed_bytes_total "
        "%" G_GUINT64_FORMAT "\n",
        (uint64_t)counters->errors, (uint64_t)counters->read_bytes,
        (uint64_t)counters->pushes_kept, (uint64_t)counters->pushes_refused,
        (uint64_t)counters->pushed_bytes);
    for (size_t i = 0; i < G_N_ELEMENTS (engine_numbers); i++) {
        const char *total = engine_numbers[i].is_gauge ? "" : "_total";

        g_string_append_printf (
            text, "# TYPE arecfs_%s%s %s\narecfs_%s%s %" G_GUINT64_FORMAT "\n",
            engine_numbers[i].name, total, engine_numbers[i].is_gauge ? "gauge" : "counter",
            engine_numbers[i].name, total, engine_number (engine, i));
    }
    return g_string_free (text, FALSE);
}
