/* The two texts of the counters: JSON that parses, Prometheus lines that are well-formed,
 * with each number under its own name; and counting by several threads. */
#include "count/counters.h"
#include "count/metrics.h"
#include "count/stats_json.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include <arec/arec.h>

/* ---- a checker of JSON ---- */

static const char *skip_value (const char *at);

static const char *
skip_space (const char *at)
{
    return at + strspn (at, " \n\t\r");
}

/* NULL where the text is not JSON. Escapes are not expected here. */
static const char *
skip_string (const char *at)
{
    const char *end = *at == '"' ? strpbrk (at + 1, "\"\\\n") : NULL;

    return end && *end == '"' ? end + 1 : NULL;
}

static const char *
skip_number (const char *at)
{
    size_t digits = strspn (at, "0123456789");

    return digits == 0 || (digits > 1 && *at == '0') ? NULL : at + digits;
}

static const char *
skip_object (const char *at)
{
    do {
        at = skip_string (skip_space (at + 1));
        if (!at || *(at = skip_space (at)) != ':') {
            return NULL;
        }
        at = skip_value (skip_space (at + 1));
        if (!at) {
            return NULL;
        }
        at = skip_space (at);
    } while (*at == ',');
    return *at == '}' ? at + 1 : NULL;
}

static const char *
skip_array (const char *at)
{
    do {
        at = skip_value (skip_space (at + 1));
        if (!at) {
            return NULL;
        }
        at = skip_space (at);
    } while (*at == ',');
    return *at == ']' ? at + 1 : NULL;
}

static const char *
skip_value (const char *at)
{
    switch (*at) {
    case '{': return skip_object (at);
    case '[': return skip_array (at);
    case '"': return skip_string (at);
    default: return skip_number (at);
    }
}

static bool
is_json (const char *text)
{
    const char *end = skip_value (text);

    return end && *skip_space (end) == '\0';
}

static void
test_checker (void)
{
    static const char *const json[] = {"{\"a\": 1}\n", "{\"a\": {\"b\": \"c\", \"d\": 0}}",
                                       "{\"a\": [0, 12], \"b\": [{\"c\": 1}]}"};
    static const char *const other[] = {"",
                                        "{",
                                        "{}}",
                                        "{\"a\" 1}",
                                        "{\"a\": 1,}",
                                        "{\"a\": 1 \"b\": 2}",
                                        "{\"a\": -}",
                                        "{\"a\": 01}",
                                        "{\"a\": \"b}",
                                        "{a: 1}",
                                        "{\"a\": 1} x",
                                        "{\"a\": [1 2]}",
                                        "{\"a\": [1}"};

    for (size_t i = 0; i < G_N_ELEMENTS (json); i++) {
        g_assert_true (is_json (json[i]));
    }
    for (size_t i = 0; i < G_N_ELEMENTS (other); i++) {
        g_assert_false (is_json (other[i]));
    }
}

/* ---- numbers that identify their counter ---- */

static const char *const request_names[] = {
    "lookup",    "forget",  "getattr", "open",        "read",       "flush",
    "release",   "opendir", "readdir", "readdirplus", "releasedir", "getxattr",
    "listxattr", "ioctl",   "access",  "change",      "statfs"};

/* Dashboards use these names, so they stay, whatever is counted besides. */
static const char *const lasting_gauges[] = {
    "cache_budget",          "cache_used",    "cache_alive",   "index_used",
    "index_offloaded_bytes", "cache_entries", "damages_known", "files_open"};
static const char *const lasting_counters[] = {"errors",
                                               "read_bytes",
                                               "pushes_kept",
                                               "pushes_refused",
                                               "pushes_dropped",
                                               "pushed_bytes",
                                               "index_reads",
                                               "cache_hits",
                                               "cache_misses",
                                               "cache_joins",
                                               "cache_evictions",
                                               "chunks_ahead",
                                               "chunks_ahead_used",
                                               "chunks_ahead_wasted",
                                               "chunks_ahead_refused",
                                               "chunks_decoded",
                                               "chunks_failed",
                                               "damage_hits",
                                               "size_lists_read",
                                               "decoded_bytes",
                                               "source_reads",
                                               "source_bytes"};

#define COUNTER false
#define GAUGE true

/* Each number of the engine has its own value, and one needs all 64 bits. */
enum { FIRST_VALUE = 9001 };

static ArecEngineStats engine;

static const struct {
    const char *name;
    bool is_gauge;
    const uint64_t *value;
} engine_rows[] = {
#define ROW(name, kind, help) {#name, kind, &engine.name},
    AREC_ENGINE_NUMBERS (ROW)
#undef ROW
};

static void
fill_engine (void)
{
    uint64_t next = FIRST_VALUE;

#define FILL(name, kind, help) engine.name = next++;
    AREC_ENGINE_NUMBERS (FILL)
#undef FILL
    engine.source_bytes = UINT64_MAX;
}

/* Numbers in several shards, as several threads would add them. */
static void
fill (ArecfsCounters *counters)
{
    ArecfsCounterShard *first = &counters->shards[0];
    ArecfsCounterShard *last = &counters->shards[ARECFS_COUNTER_SHARDS - 1];

    arecfs_counters_start (counters);
    counters->started_ns -= UINT64_C (3600) * 1000000000;
    for (unsigned i = 0; i < ARECFS_N_REQUESTS; i++) {
        arecfs_count (&first->requests[i], i);
        arecfs_count (&last->requests[i], 100);
    }
    arecfs_latency_add (&first->latency[ARECFS_READ], 250);
    arecfs_latency_add (&last->latency[ARECFS_READ], 251);
    arecfs_latency_add (&last->latency[ARECFS_READ], 1000000000);
    arecfs_latency_add (&last->latency[ARECFS_STATFS], UINT64_C (20000000000));
    arecfs_count (&counters->errors, 77);
    arecfs_counters_add_read (counters, UINT64_C (1) << 62);
    arecfs_count (&last->read_bytes, UINT64_C (1) << 62);
    arecfs_count (&counters->pushes_kept, 78);
    arecfs_count (&counters->pushes_refused, 79);
    arecfs_count (&counters->pushed_bytes, 80);
    arecfs_count (&counters->pushes_dropped, 81);
}

static void
test_request_names (void)
{
    G_STATIC_ASSERT (G_N_ELEMENTS (request_names) == ARECFS_N_REQUESTS);
    for (unsigned i = 0; i < ARECFS_N_REQUESTS; i++) {
        g_assert_cmpstr (arecfs_request_name ((ArecfsRequestKind)i), ==, request_names[i]);
    }
    g_assert_cmpstr (arecfs_request_name (ARECFS_LOOKUP), ==, "lookup");
    g_assert_cmpstr (arecfs_request_name (ARECFS_READDIRPLUS), ==, "readdirplus");
    g_assert_cmpstr (arecfs_request_name (ARECFS_STATFS), ==, "statfs");
}

/* The position of the value of @name in @text, in which it must have one. */
static const char *
value_of (const char *text, const char *name)
{
    g_autofree char *key = g_strdup_printf ("\"%s\": ", name);
    const char *at = strstr (text, key);

    g_assert_nonnull (at);
    g_assert_null (strstr (at + 1, key));
    return at + strlen (key);
}

static uint64_t
number_of (const char *text, const char *name)
{
    return g_ascii_strtoull (value_of (text, name), NULL, 10);
}

static void
check_latencies (const char *text)
{
    g_assert_true (
        g_str_has_prefix (value_of (text, "latency_bounds_ns"), "[250, 500, 1000, "));
    g_assert_nonnull (strstr (text, ", 8388608000, 16777216000],"));
    text = value_of (text, "latency");
    g_assert_true (
        g_str_has_prefix (value_of (text, "read"),
                          "{\"count\": 3, \"sum_ns\": 1000000501, \"max_ns\": 1000000000, "
                          "\"buckets\": [1, 1, 0, 0, "));
    g_assert_true (g_str_has_prefix (
        value_of (text, "statfs"),
        "{\"count\": 1, \"sum_ns\": 20000000000, \"max_ns\": 20000000000, \"buckets\": [0, "));
    g_assert_nonnull (strstr (value_of (text, "statfs"), ", 0, 1]}\n  }\n}\n"));
    g_assert_true (g_str_has_prefix (value_of (text, "flush"),
                                     "{\"count\": 0, \"sum_ns\": 0, \"max_ns\": 0, "));
}

/* Requests that the kernel sends by itself do not count as use. */
static void
test_uses (void)
{
    static ArecfsCounters counters;

    arecfs_counters_start (&counters);
    g_assert_cmpuint (arecfs_counters_uses (&counters), ==, 0);
    arecfs_counters_begin (&counters, ARECFS_FORGET);
    g_assert_cmpuint (arecfs_counters_uses (&counters), ==, 0);
    arecfs_counters_begin (&counters, ARECFS_LOOKUP);
    arecfs_counters_begin (&counters, ARECFS_STATFS);
    g_assert_cmpuint (arecfs_counters_uses (&counters), ==, 2);
}

static void
test_json (void)
{
    ArecfsCounters counters;
    g_autofree char *whole = NULL;
    g_autofree char *text = NULL;
    const char *requests, *inner;

    fill (&counters);
    whole = arecfs_stats_json_text (&counters, &engine);
    g_assert_true (is_json (whole));
    g_assert_true (g_str_has_suffix (whole, "}\n"));
    check_latencies (whole);
    text = g_strndup (whole, (size_t)(strstr (whole, "\"latency_bounds_ns\"") - whole));
    g_assert_nonnull (strstr (text, "\"version\": \"" AREC_VERSION "\""));
    g_assert_cmpuint (number_of (text, "uptime"), >=, 3600);
    g_assert_cmpuint (number_of (text, "uptime"), <, 3600 + 600);
    g_assert_cmpuint (number_of (text, "errors"), ==, 77);
    g_assert_cmpuint (number_of (text, "read_bytes"), ==, UINT64_C (1) << 63);
    g_assert_cmpuint (number_of (text, "pushes_dropped"), ==, 81);
    g_assert_cmpuint (number_of (text, "pushes_kept"), ==, 78);
    g_assert_cmpuint (number_of (text, "pushes_refused"), ==, 79);
    g_assert_cmpuint (number_of (text, "pushed_bytes"), ==, 80);
    for (unsigned i = 0; i < ARECFS_N_REQUESTS; i++) {
        g_assert_cmpuint (number_of (text, request_names[i]), ==, 100 + i);
    }
    for (size_t i = 0; i < G_N_ELEMENTS (engine_rows); i++) {
        g_assert_cmpuint (number_of (text, engine_rows[i].name), ==, *engine_rows[i].value);
    }

    /* The members of each object. */
    requests = strstr (text, "\"requests\": {");
    inner = strstr (text, "\"engine\": {");
    g_assert_nonnull (requests);
    g_assert_nonnull (inner);
    g_assert_true (requests < inner);
    g_assert_true (strstr (text, "\"lookup\"") > requests);
    g_assert_true (strstr (text, "\"statfs\"") < strchr (requests, '}'));
    g_assert_true (strstr (text, "\"errors\"") > strchr (requests, '}'));
    g_assert_true (strstr (text, "\"errors\"") < inner);
    g_assert_true (strstr (text, "\"cache_budget\"") > inner);
}

/* The value of the one sample line that begins with @name and a space. */
static uint64_t
sample_of (char *const *lines, const char *name)
{
    g_autofree char *prefix = g_strconcat (name, " ", NULL);
    const char *found = NULL;

    for (; *lines; lines++) {
        if (g_str_has_prefix (*lines, prefix)) {
            g_assert_null (found);
            found = *lines + strlen (prefix);
        }
    }
    g_assert_nonnull (found);
    return g_ascii_strtoull (found, NULL, 10);
}

/* The comments must come before the first sample. */
static void
check_type (const char *text, const char *name, const char *type)
{
    g_autofree char *help = g_strdup_printf ("# HELP %s ", name);
    g_autofree char *line = g_strdup_printf ("\n# TYPE %s %s\n%s", name, type, name);
    const char *at = strstr (text, help);

    g_assert_nonnull (at);
    g_assert_true (strchr (at, '\n') == strstr (text, line));
}

/* Buckets of one kind are cumulative, and the last is the count. */
static void
check_histogram (char *const *lines)
{
#define FAMILY "arecfs_request_duration_seconds"
    g_assert_cmpuint (sample_of (lines, FAMILY "_bucket{kind=\"read\",le=\"0.00000025\"}"), ==,
                      1);
    g_assert_cmpuint (sample_of (lines, FAMILY "_bucket{kind=\"read\",le=\"0.0000005\"}"), ==,
                      2);
    g_assert_cmpuint (sample_of (lines, FAMILY "_bucket{kind=\"read\",le=\"0.524288\"}"), ==,
                      2);
    g_assert_cmpuint (sample_of (lines, FAMILY "_bucket{kind=\"read\",le=\"1.048576\"}"), ==,
                      3);
    g_assert_cmpuint (sample_of (lines, FAMILY "_bucket{kind=\"read\",le=\"+Inf\"}"), ==, 3);
    g_assert_cmpuint (sample_of (lines, FAMILY "_count{kind=\"read\"}"), ==, 3);
    g_assert_true (
        g_strv_contains ((const char *const *)lines, FAMILY "_sum{kind=\"read\"} 1.000000501"));
    g_assert_cmpuint (sample_of (lines, FAMILY "_bucket{kind=\"statfs\",le=\"16.777216\"}"), ==,
                      0);
    g_assert_cmpuint (sample_of (lines, FAMILY "_bucket{kind=\"statfs\",le=\"+Inf\"}"), ==, 1);
    g_assert_true (
        g_strv_contains ((const char *const *)lines, FAMILY "_sum{kind=\"statfs\"} 20"));
    g_assert_true (
        g_strv_contains ((const char *const *)lines, FAMILY "_sum{kind=\"flush\"} 0"));
    g_assert_true (g_strv_contains ((const char *const *)lines,
                                    "arecfs_request_duration_max_seconds{kind=\"read\"} 1"));
#undef FAMILY
}

static void
test_metrics (void)
{
    g_autoptr (GRegex) sample =
        g_regex_new ("^[a-z_]+(\\{[a-z]+=\"[^\"]+\"(,le=\"([0-9.]+|\\+Inf)\")?\\})? "
                     "[0-9]+(\\.[0-9]*[1-9])?$",
                     0, 0, NULL);
    g_autoptr (GRegex) comment = g_regex_new (
        "^# (TYPE [a-z_]+ (gauge|counter|histogram)|HELP [a-z_]+ .+\\.)$", 0, 0, NULL);
    g_autofree char *text = NULL;
    g_auto (GStrv) lines = NULL;
    ArecfsCounters counters;

    fill (&counters);
    text = arecfs_metrics_text (&counters, &engine);
    g_assert_true (g_str_has_suffix (text, "\n"));
    text[strlen (text) - 1] = '\0';
    lines = g_strsplit (text, "\n", -1);
    for (char **line = lines; *line; line++) {
        if (!g_regex_match (**line == '#' ? comment : sample, *line, 0, NULL)) {
            g_error ("not a line of the format: '%s'", *line);
        }
    }

    check_histogram (lines);
    g_free (text);
    text = arecfs_metrics_text (&counters, &engine);
    check_type (text, "arecfs_build_info", "gauge");
    check_type (text, "arecfs_uptime_seconds", "gauge");
    check_type (text, "arecfs_requests_total", "counter");
    check_type (text, "arecfs_request_duration_seconds", "histogram");
    check_type (text, "arecfs_request_duration_max_seconds", "gauge");
    check_type (text, "arecfs_errors_total", "counter");
    check_type (text, "arecfs_read_bytes_total", "counter");
    check_type (text, "arecfs_pushes_dropped_total", "counter");
    g_assert_cmpuint (sample_of (lines, "arecfs_uptime_seconds"), >=, 3600);
    g_assert_cmpuint (sample_of (lines, "arecfs_uptime_seconds"), <, 3600 + 600);
    g_assert_cmpuint (sample_of (lines, "arecfs_pushes_dropped_total"), ==, 81);
    g_assert_cmpuint (sample_of (lines, "arecfs_errors_total"), ==, 77);
    g_assert_cmpuint (sample_of (lines, "arecfs_read_bytes_total"), ==, UINT64_C (1) << 63);
    g_assert_cmpuint (sample_of (lines, "arecfs_pushes_kept_total"), ==, 78);
    g_assert_cmpuint (sample_of (lines, "arecfs_pushes_refused_total"), ==, 79);
    g_assert_cmpuint (sample_of (lines, "arecfs_pushed_bytes_total"), ==, 80);
    for (unsigned i = 0; i < ARECFS_N_REQUESTS; i++) {
        g_autofree char *name =
            g_strdup_printf ("arecfs_requests_total{kind=\"%s\"}", request_names[i]);

        g_assert_cmpuint (sample_of (lines, name), ==, 100 + i);
    }
    for (size_t i = 0; i < G_N_ELEMENTS (engine_rows); i++) {
        g_autofree char *name = g_strconcat ("arecfs_", engine_rows[i].name,
                                             engine_rows[i].is_gauge ? "" : "_total", NULL);

        check_type (text, name, engine_rows[i].is_gauge ? "gauge" : "counter");
        g_assert_cmpuint (sample_of (lines, name), ==, *engine_rows[i].value);
    }
}

/* ---- sources on servers ---- */

static ArecEngineStats remote_engine;

static const struct {
    const char *name;
    bool is_gauge;
    const uint64_t *value;
} remote_rows[] = {
#define ROW(name, kind, help) {#name, kind, &remote_engine.remote.name},
    AREC_REMOTE_NUMBERS (ROW)
#undef ROW
};

static const struct {
    const char *name;
    bool is_gauge;
    const uint64_t *value;
} disk_rows[] = {
#define ROW(name, kind, help) {#name, kind, &remote_engine.disk_cache.name},
    AREC_DISK_CACHE_NUMBERS (ROW)
#undef ROW
};

static const struct {
    const char *family, *label, *name;
    const uint64_t *value;
} remote_values[] = {
#define ROW(family, label, value)                                                              \
    {#family, #label, #value, &remote_engine.remote.family##_##value},
#define ROWS(family, label, VALUES, help) VALUES (ROW, family, label)
    AREC_REMOTE_FAMILIES (ROWS)
#undef ROWS
#undef ROW
};

static void
fill_remote (void)
{
    ArecRemoteStats *remote = &remote_engine.remote;
    uint64_t next = 1;

    remote_engine.has_remote = true;
#define FILL(name, kind, help) remote->name = next++;
    AREC_REMOTE_NUMBERS (FILL)
#undef FILL
#define FILL(name, kind, help) remote_engine.disk_cache.name = next++;
    AREC_DISK_CACHE_NUMBERS (FILL)
#undef FILL
#define FILL(family, label, value) remote->family##_##value = next++;
#define FILL_ALL(family, label, VALUES, help) VALUES (FILL, family, label)
    AREC_REMOTE_FAMILIES (FILL_ALL)
#undef FILL_ALL
#undef FILL
    remote->wait = (ArecTimes){.sum = 1500250, .max = 1000000, .buckets = {2, 0, 1}};
    remote->wait.buckets[AREC_TIMES_BUCKETS - 1] = 4;
}

static void
test_remote_json (void)
{
    ArecfsCounters counters;
    g_autofree char *local = NULL;
    g_autofree char *whole = NULL;
    const char *text, *numbers;

    fill (&counters);
    local = arecfs_stats_json_text (&counters, &engine);
    g_assert_null (strstr (local, "\"remote\""));
    whole = arecfs_stats_json_text (&counters, &remote_engine);
    g_assert_true (is_json (whole));
    text = value_of (whole, "remote");
    numbers = strstr (text, "\"bytes_received\""); /* behind the families */
    g_assert_nonnull (numbers);
    for (size_t i = 0; i < G_N_ELEMENTS (remote_rows); i++) {
        g_assert_cmpuint (number_of (numbers, remote_rows[i].name), ==, *remote_rows[i].value);
    }
    for (size_t i = 0; i < G_N_ELEMENTS (remote_values); i++) {
        const char *at = value_of (text, remote_values[i].family);
        g_autofree char *family = g_strndup (at, strcspn (at, "}"));

        g_assert_cmpuint (number_of (family, remote_values[i].name), ==,
                          *remote_values[i].value);
    }
    text = value_of (text, "disk_cache");
    for (size_t i = 0; i < G_N_ELEMENTS (disk_rows); i++) {
        g_assert_cmpuint (number_of (text, disk_rows[i].name), ==, *disk_rows[i].value);
    }
    g_assert_true (g_str_has_prefix (value_of (text, "bounds_us"), "[100, 200, 400, "));
    g_assert_nonnull (strstr (text, ", 26214400, 52428800]"));
    g_assert_true (g_str_has_prefix (value_of (text, "wait_us"),
                                     "{\"count\": 7, \"sum\": 1500250, \"max\": 1000000, "
                                     "\"buckets\": [2, 0, 1, 0, "));
}

static void
test_remote_metrics (void)
{
    ArecfsCounters counters;
    g_autofree char *local = NULL;
    g_autofree char *text = NULL;
    g_auto (GStrv) lines = NULL;

    fill (&counters);
    local = arecfs_metrics_text (&counters, &engine);
    g_assert_null (strstr (local, "remote"));
    text = arecfs_metrics_text (&counters, &remote_engine);
    lines = g_strsplit (text, "\n", -1);
    for (size_t i = 0; i < G_N_ELEMENTS (remote_rows); i++) {
        g_autofree char *name = g_strconcat ("arecfs_remote_", remote_rows[i].name,
                                             remote_rows[i].is_gauge ? "" : "_total", NULL);

        check_type (text, name, remote_rows[i].is_gauge ? "gauge" : "counter");
        g_assert_cmpuint (sample_of (lines, name), ==, *remote_rows[i].value);
    }
    for (size_t i = 0; i < G_N_ELEMENTS (remote_values); i++) {
        g_autofree char *family =
            g_strdup_printf ("arecfs_remote_%s_total", remote_values[i].family);
        g_autofree char *name = g_strdup_printf ("%s{%s=\"%s\"}", family,
                                                 remote_values[i].label, remote_values[i].name);

        check_type (text, family, "counter");
        g_assert_cmpuint (sample_of (lines, name), ==, *remote_values[i].value);
    }
    for (size_t i = 0; i < G_N_ELEMENTS (disk_rows); i++) {
        g_autofree char *name = g_strconcat ("arecfs_remote_disk_cache_", disk_rows[i].name,
                                             disk_rows[i].is_gauge ? "" : "_total", NULL);

        g_assert_cmpuint (sample_of (lines, name), ==, *disk_rows[i].value);
    }
#define FAMILY "arecfs_remote_wait_seconds"
    check_type (text, FAMILY, "histogram");
    g_assert_cmpuint (sample_of (lines, FAMILY "_bucket{le=\"0.0001\"}"), ==, 2);
    g_assert_cmpuint (sample_of (lines, FAMILY "_bucket{le=\"0.0004\"}"), ==, 3);
    g_assert_cmpuint (sample_of (lines, FAMILY "_bucket{le=\"52.4288\"}"), ==, 3);
    g_assert_cmpuint (sample_of (lines, FAMILY "_bucket{le=\"+Inf\"}"), ==, 7);
    g_assert_cmpuint (sample_of (lines, FAMILY "_count"), ==, 7);
    g_assert_true (g_strv_contains ((const char *const *)lines, FAMILY "_sum 1.50025"));
#undef FAMILY
}

static void
test_lasting_names (void)
{
    ArecfsCounters counters;
    g_autofree char *json = NULL;
    g_autofree char *metrics = NULL;

    fill (&counters);
    json = arecfs_stats_json_text (&counters, &engine);
    metrics = arecfs_metrics_text (&counters, &engine);
    for (size_t i = 0; i < G_N_ELEMENTS (lasting_gauges); i++) {
        g_autofree char *sample = g_strconcat ("arecfs_", lasting_gauges[i], NULL);

        number_of (json, lasting_gauges[i]);
        check_type (metrics, sample, "gauge");
    }
    for (size_t i = 0; i < G_N_ELEMENTS (lasting_counters); i++) {
        g_autofree char *sample = g_strconcat ("arecfs_", lasting_counters[i], "_total", NULL);

        number_of (json, lasting_counters[i]);
        check_type (metrics, sample, "counter");
    }
}

static void
test_zero (void)
{
    ArecfsCounters counters;
    ArecEngineStats none = {0};
    g_autofree char *json = NULL;
    g_autofree char *metrics = NULL;

    memset (&counters, 0xff, sizeof counters);
    arecfs_counters_start (&counters);
    json = arecfs_stats_json_text (&counters, &none);
    metrics = arecfs_metrics_text (&counters, &none);
    g_assert_true (is_json (json));
    g_assert_nonnull (strstr (json, "\"lookup\": 0,"));
    g_assert_cmpuint (number_of (json, "uptime"), <, 600);
    g_assert_nonnull (strstr (metrics, "\narecfs_requests_total{kind=\"lookup\"} 0\n"));
}

/* ---- counting ---- */

/* More than there are shards, so that some share one. */
enum { N_THREADS = ARECFS_COUNTER_SHARDS + 3, N_ROUNDS = 500 };

static ArecfsCounters shared;

/* A request that starts here and ends in another thread. */
static void *
end_later (void *data)
{
    arecfs_counters_end (&shared, ARECFS_READ, *(uint64_t *)data);
    return NULL;
}

static void *
serve (void *data)
{
    uint64_t begun;
    pthread_t other;

    (void)data;
    for (unsigned i = 0; i < N_ROUNDS; i++) {
        begun = arecfs_counters_begin (&shared, ARECFS_LOOKUP);
        arecfs_counters_end (&shared, ARECFS_LOOKUP, begun);
        arecfs_counters_add_read (&shared, 3);
    }
    begun = arecfs_counters_begin (&shared, ARECFS_READ);
    g_assert_cmpint (pthread_create (&other, NULL, end_later, &begun), ==, 0);
    pthread_join (other, NULL);
    return NULL;
}

/* Snapshots taken meanwhile never have more replies than requests. */
static void *
look (void *data)
{
    const ArecEngineStats none = {0};

    while (!atomic_load ((_Atomic bool *)data)) {
        g_autofree char *text = arecfs_stats_json_text (&shared, &none);
        const char *latencies = strstr (text, "\"latency\": ");
        uint64_t requests = g_ascii_strtoull (strstr (text, "\"lookup\": ") + 10, NULL, 10);
        uint64_t replies = g_ascii_strtoull (strstr (latencies, "{\"count\": ") + 10, NULL, 10);

        g_assert_cmpuint (replies, <=, requests);
    }
    return NULL;
}

static void
test_threads (void)
{
    const ArecEngineStats none = {0};
    g_autofree char *text = NULL;
    g_autofree char *expected = NULL;
    pthread_t threads[N_THREADS], looker;
    _Atomic bool ended = false;

    arecfs_counters_start (&shared);
    g_assert_cmpint (pthread_create (&looker, NULL, look, &ended), ==, 0);
    for (unsigned i = 0; i < N_THREADS; i++) {
        g_assert_cmpint (pthread_create (&threads[i], NULL, serve, NULL), ==, 0);
    }
    for (unsigned i = 0; i < N_THREADS; i++) {
        pthread_join (threads[i], NULL);
    }
    atomic_store (&ended, true);
    pthread_join (looker, NULL);
    text = arecfs_stats_json_text (&shared, &none);
    expected = g_strdup_printf ("\"lookup\": %d,", N_THREADS * N_ROUNDS);
    g_assert_nonnull (strstr (text, expected));
    g_free (expected);
    expected = g_strdup_printf ("\"lookup\": {\"count\": %d,", N_THREADS * N_ROUNDS);
    g_assert_nonnull (strstr (text, expected));
    g_free (expected);
    expected = g_strdup_printf ("\"read\": {\"count\": %d,", N_THREADS);
    g_assert_nonnull (strstr (text, expected));
    g_assert_cmpuint (number_of (text, "read_bytes"), ==, 3 * N_THREADS * N_ROUNDS);
}

/* A request that takes long is counted as long. */
static void
test_time (void)
{
    uint64_t begun;

    arecfs_counters_start (&shared);
    begun = arecfs_counters_begin (&shared, ARECFS_READ);
    g_usleep (20000);
    arecfs_counters_end (&shared, ARECFS_READ, begun);
    for (unsigned i = 0; i < ARECFS_COUNTER_SHARDS; i++) {
        const ArecfsLatency *latency = &shared.shards[i].latency[ARECFS_READ];

        if (arecfs_latency_count (latency) > 0) {
            g_assert_cmpuint (latency->sum, >=, 20000000);
            g_assert_cmpuint (latency->max, ==, latency->sum);
            return;
        }
    }
    g_assert_not_reached();
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    fill_engine();
    fill_remote();
    g_test_add_func ("/counters/checker", test_checker);
    g_test_add_func ("/counters/request-names", test_request_names);
    g_test_add_func ("/counters/json", test_json);
    g_test_add_func ("/counters/metrics", test_metrics);
    g_test_add_func ("/counters/remote-json", test_remote_json);
    g_test_add_func ("/counters/remote-metrics", test_remote_metrics);
    g_test_add_func ("/counters/lasting-names", test_lasting_names);
    g_test_add_func ("/counters/zero", test_zero);
    g_test_add_func ("/counters/threads", test_threads);
    g_test_add_func ("/counters/time", test_time);
    g_test_add_func ("/counters/uses", test_uses);
    return g_test_run();
}
