#include "counters.h"

#include <stddef.h>
#include <string.h>

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
    [ARECFS_IOCTL] = "ioctl",
    [ARECFS_ACCESS] = "access",
    [ARECFS_CHANGE] = "change",
    [ARECFS_STATFS] = "statfs",
};

/* The numbers of the engine, by the names of ArecEngineStats. Gauges go up and down, counters
 * only up. */
static const struct {
    const char *name;
    size_t offset;
    bool is_gauge;
    const char *help;
} engine_numbers[] = {
    {"cache_budget", offsetof (ArecEngineStats, cache_budget), true,
     "Bytes that the chunk cache may use."},
    {"cache_used", offsetof (ArecEngineStats, cache_used), true,
     "Bytes of chunks, size lists, indexes and loads in flight."},
    {"cache_alive", offsetof (ArecEngineStats, cache_alive), true,
     "The same, with chunks that left and are held, and what loads need meanwhile."},
    {"index_used", offsetof (ArecEngineStats, index_used), true,
     "Bytes of memory of the indexes of open files."},
    {"index_offloaded_bytes", offsetof (ArecEngineStats, index_offloaded_bytes), true,
     "Bytes of indexes in the temporary file."},
    {"index_reads", offsetof (ArecEngineStats, index_reads), false,
     "Reads of offloaded indexes."},
    {"cache_entries", offsetof (ArecEngineStats, cache_entries), true,
     "Chunks and size lists in the cache."},
    {"cache_hits", offsetof (ArecEngineStats, cache_hits), false,
     "Chunks and size lists that were wanted and there."},
    {"cache_misses", offsetof (ArecEngineStats, cache_misses), false,
     "Those that were loaded by the thread that wanted them."},
    {"cache_joins", offsetof (ArecEngineStats, cache_joins), false,
     "Those that another thread was loading."},
    {"cache_evictions", offsetof (ArecEngineStats, cache_evictions), false,
     "Those that had to leave the cache."},
    {"chunks_ahead", offsetof (ArecEngineStats, chunks_ahead), false,
     "Chunks loaded by readahead."},
    {"chunks_ahead_used", offsetof (ArecEngineStats, chunks_ahead_used), false,
     "Chunks loaded by readahead and asked for then."},
    {"chunks_ahead_wasted", offsetof (ArecEngineStats, chunks_ahead_wasted), false,
     "Chunks loaded by readahead that left the cache unused."},
    {"chunks_ahead_refused", offsetof (ArecEngineStats, chunks_ahead_refused), false,
     "Chunks not loaded by readahead because enough was ahead."},
    {"chunks_decoded", offsetof (ArecEngineStats, chunks_decoded), false, "Chunks decoded."},
    {"chunks_failed", offsetof (ArecEngineStats, chunks_failed), false,
     "Loads that failed, size lists included."},
    {"damages_known", offsetof (ArecEngineStats, damages_known), true,
     "Chunks and size lists that are remembered as damaged."},
    {"damage_hits", offsetof (ArecEngineStats, damage_hits), false,
     "Reads and sizes refused because their chunk is known to be damaged."},
    {"size_lists_read", offsetof (ArecEngineStats, size_lists_read), false,
     "Size lists read without their chunk."},
    {"decoded_bytes", offsetof (ArecEngineStats, decoded_bytes), false,
     "Bytes of records made by decoding."},
    {"source_reads", offsetof (ArecEngineStats, source_reads), false, "Read calls on sources."},
    {"source_bytes", offsetof (ArecEngineStats, source_bytes), false,
     "Bytes read from sources."},
    {"files_open", offsetof (ArecEngineStats, files_open), true,
     "Descriptors of sources open now."},
};

/* Our own, besides what is told by kind of request. */
typedef struct {
    const char *name;
    const char *help;
    uint64_t value;
} Number;

enum { N_OWN = 6 };

const char *
arecfs_request_name (ArecfsRequestKind kind)
{
    return names[kind];
}

/* ---- counting ---- */

void
arecfs_counters_start (ArecfsCounters *counters)
{
    memset (counters, 0, sizeof *counters);
    counters->started = time (NULL);
    counters->started_ns = arecfs_counters_now();
}

/* The calling thread's, given out in turn. */
static ArecfsCounterShard *
shard_of_thread (ArecfsCounters *counters)
{
    static _Atomic unsigned n_threads;
    static _Thread_local unsigned number; /* from 1; 0: none yet */

    if (G_UNLIKELY (number == 0)) {
        number = atomic_fetch_add_explicit (&n_threads, 1, memory_order_relaxed) %
                     ARECFS_COUNTER_SHARDS +
                 1;
    }
    return &counters->shards[number - 1];
}

uint64_t
arecfs_counters_begin (ArecfsCounters *counters, ArecfsRequestKind kind)
{
    arecfs_count (&shard_of_thread (counters)->requests[kind], 1);
    return arecfs_counters_now();
}

uint64_t
arecfs_counters_uses (const ArecfsCounters *counters)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < ARECFS_COUNTER_SHARDS; i++) {
        for (unsigned kind = 0; kind < ARECFS_N_REQUESTS; kind++) {
            if (kind != ARECFS_FORGET) {
                sum += atomic_load_explicit (&counters->shards[i].requests[kind],
                                             memory_order_relaxed);
            }
        }
    }
    return sum;
}

void
arecfs_counters_end (ArecfsCounters *counters, ArecfsRequestKind kind, uint64_t begun)
{
    arecfs_latency_add (&shard_of_thread (counters)->latency[kind],
                        arecfs_counters_now() - begun);
}

void
arecfs_counters_add_read (ArecfsCounters *counters, uint64_t n)
{
    arecfs_count (&shard_of_thread (counters)->read_bytes, n);
}

/* Latencies first: a request ends after it began, so no more end than began. */
static void
sum_up (const ArecfsCounters *counters, ArecfsCounterShard *total)
{
    memset (total, 0, sizeof *total);
    for (unsigned i = 0; i < ARECFS_COUNTER_SHARDS; i++) {
        for (unsigned kind = 0; kind < ARECFS_N_REQUESTS; kind++) {
            arecfs_latency_merge (&total->latency[kind], &counters->shards[i].latency[kind]);
        }
    }
    for (unsigned i = 0; i < ARECFS_COUNTER_SHARDS; i++) {
        for (unsigned kind = 0; kind < ARECFS_N_REQUESTS; kind++) {
            arecfs_count (&total->requests[kind], counters->shards[i].requests[kind]);
        }
        arecfs_count (&total->read_bytes, counters->shards[i].read_bytes);
    }
}

static void
list_own (const ArecfsCounters *counters, const ArecfsCounterShard *total,
          Number numbers[N_OWN])
{
    const Number own[N_OWN] = {
        {"errors", "Replies that tell of a failure; not that a name is absent.",
         counters->errors},
        {"read_bytes", "Bytes of records given to the kernel by READ.", total->read_bytes},
        {"pushes_kept", "Records stored in the page cache before anybody asked.",
         counters->pushes_kept},
        {"pushes_refused", "Records that the kernel did not want to store.",
         counters->pushes_refused},
        {"pushes_dropped", "Records not pushed because too many requests waited.",
         counters->pushes_dropped},
        {"pushed_bytes", "Bytes of the records stored.", counters->pushed_bytes},
    };

    memcpy (numbers, own, sizeof own);
}

static uint64_t
engine_number (const ArecEngineStats *engine, size_t i)
{
    return *(const uint64_t *)((const char *)engine + engine_numbers[i].offset);
}

static uint64_t
uptime_ns (const ArecfsCounters *counters)
{
    return arecfs_counters_now() - counters->started_ns;
}

/* ---- JSON ---- */

/* `,` between members, and a new line. */
static void
begin_member (GString *text, unsigned i, const char *indent, const char *name)
{
    g_string_append_printf (text, "%s\n%s\"%s\": ", i > 0 ? "," : "", indent, name);
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
put_latencies_json (GString *text, const ArecfsCounterShard *total)
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
        begin_member (text, i, "    ", names[i]);
        put_latency_json (text, &total->latency[i]);
    }
    g_string_append (text, "\n  }");
}

char *
arecfs_counters_to_json (const ArecfsCounters *counters, const ArecEngineStats *engine)
{
    GString *text = g_string_new ("{");
    ArecfsCounterShard total;
    Number own[N_OWN];

    sum_up (counters, &total);
    list_own (counters, &total, own);
    begin_member (text, 0, "  ", "version");
    g_string_append (text, "\"" AREC_VERSION "\"");
    begin_member (text, 1, "  ", "uptime");
    g_string_append_printf (text, "%" G_GUINT64_FORMAT, uptime_ns (counters) / 1000000000);
    begin_member (text, 1, "  ", "requests");
    g_string_append (text, "{");
    for (unsigned i = 0; i < ARECFS_N_REQUESTS; i++) {
        begin_member (text, i, "    ", names[i]);
        g_string_append_printf (text, "%" G_GUINT64_FORMAT, (uint64_t)total.requests[i]);
    }
    g_string_append (text, "\n  }");
    for (unsigned i = 0; i < N_OWN; i++) {
        begin_member (text, 1, "  ", own[i].name);
        g_string_append_printf (text, "%" G_GUINT64_FORMAT, own[i].value);
    }
    begin_member (text, 1, "  ", "engine");
    g_string_append (text, "{");
    for (unsigned i = 0; i < G_N_ELEMENTS (engine_numbers); i++) {
        begin_member (text, i, "    ", engine_numbers[i].name);
        g_string_append_printf (text, "%" G_GUINT64_FORMAT, engine_number (engine, i));
    }
    g_string_append (text, "\n  }");
    put_latencies_json (text, &total);
    g_string_append (text, "\n}\n");
    return g_string_free (text, FALSE);
}

/* ---- Prometheus' text ---- */

static void
begin_family (GString *text, const char *name, const char *type, const char *help)
{
    g_string_append_printf (text, "# HELP arecfs_%s %s\n# TYPE arecfs_%s %s\n", name, help,
                            name, type);
}

/* Nanoseconds as exact seconds, without zeros at the end: `0.00000025`. */
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
    g_string_append_printf (text, "arecfs_%s{kind=\"%s\"} ", name, names[kind]);
}

static void
put_histogram (GString *text, ArecfsRequestKind kind, const ArecfsLatency *latency)
{
    uint64_t count = 0;

    for (unsigned i = 0; i < ARECFS_LATENCY_BUCKETS; i++) {
        count += latency->buckets[i];
        g_string_append_printf (
            text, "arecfs_request_duration_seconds_bucket{kind=\"%s\",le=\"", names[kind]);
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
put_requests (GString *text, const ArecfsCounterShard *total)
{
    begin_family (text, "requests_total", "counter", "Requests of the kernel.");
    for (unsigned i = 0; i < ARECFS_N_REQUESTS; i++) {
        begin_sample (text, "requests_total", (ArecfsRequestKind)i);
        g_string_append_printf (text, "%" G_GUINT64_FORMAT "\n", (uint64_t)total->requests[i]);
    }
    begin_family (text, "request_duration_seconds", "histogram",
                  "Time from the receipt of a request to its reply.");
    for (unsigned i = 0; i < ARECFS_N_REQUESTS; i++) {
        put_histogram (text, (ArecfsRequestKind)i, &total->latency[i]);
    }
    begin_family (text, "request_duration_max_seconds", "gauge",
                  "The longest of these times since the mount.");
    for (unsigned i = 0; i < ARECFS_N_REQUESTS; i++) {
        begin_sample (text, "request_duration_max_seconds", (ArecfsRequestKind)i);
        put_seconds (text, total->latency[i].max);
        g_string_append_c (text, '\n');
    }
}

static void
put_number (GString *text, const char *name, bool is_gauge, const char *help, uint64_t value)
{
    g_autofree char *full = g_strconcat (name, is_gauge ? "" : "_total", NULL);

    begin_family (text, full, is_gauge ? "gauge" : "counter", help);
    g_string_append_printf (text, "arecfs_%s %" G_GUINT64_FORMAT "\n", full, value);
}

char *
arecfs_counters_to_metrics (const ArecfsCounters *counters, const ArecEngineStats *engine)
{
    GString *text = g_string_new (NULL);
    ArecfsCounterShard total;
    Number own[N_OWN];

    sum_up (counters, &total);
    list_own (counters, &total, own);
    begin_family (text, "build_info", "gauge", "The version; always 1.");
    g_string_append (text, "arecfs_build_info{version=\"" AREC_VERSION "\"} 1\n");
    begin_family (text, "uptime_seconds", "gauge", "Time since the mount.");
    g_string_append (text, "arecfs_uptime_seconds ");
    put_seconds (text, uptime_ns (counters));
    g_string_append_c (text, '\n');
    put_requests (text, &total);
    for (unsigned i = 0; i < N_OWN; i++) {
        put_number (text, own[i].name, false, own[i].help, own[i].value);
    }
    for (size_t i = 0; i < G_N_ELEMENTS (engine_numbers); i++) {
        put_number (text, engine_numbers[i].name, engine_numbers[i].is_gauge,
                    engine_numbers[i].help, engine_number (engine, i));
    }
    return g_string_free (text, FALSE);
}
