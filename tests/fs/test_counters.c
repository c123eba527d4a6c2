/* The two texts of the counters: JSON that parses, Prometheus lines that are well-formed, and
 * each number in the place of its name. */
#include "counters.h"

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
skip_value (const char *at)
{
    return *at == '{' ? skip_object (at) : *at == '"' ? skip_string (at) : skip_number (at);
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
    static const char *const json[] = {"{\"a\": 1}\n", "{\"a\": {\"b\": \"c\", \"d\": 0}}"};
    static const char *const other[] = {"",           "{",           "{}}",
                                        "{\"a\" 1}",  "{\"a\": 1,}", "{\"a\": 1 \"b\": 2}",
                                        "{\"a\": -}", "{\"a\": 01}", "{\"a\": \"b}",
                                        "{a: 1}",     "{\"a\": 1} x"};

    for (size_t i = 0; i < G_N_ELEMENTS (json); i++) {
        g_assert_true (is_json (json[i]));
    }
    for (size_t i = 0; i < G_N_ELEMENTS (other); i++) {
        g_assert_false (is_json (other[i]));
    }
}

/* ---- numbers that tell where they came from ---- */

static const char *const request_names[] = {
    "lookup",  "forget",  "getattr",     "open",       "read",     "flush",     "release",
    "opendir", "readdir", "readdirplus", "releasedir", "getxattr", "listxattr", "statfs"};

static const struct {
    const char *name;
    bool is_gauge;
    uint64_t value;
} engine_rows[] = {
    {"cache_budget", true, 9001},
    {"cache_used", true, 9002},
    {"index_used", true, 9003},
    {"cache_entries", true, 9004},
    {"cache_hits", false, 9005},
    {"cache_misses", false, 9006},
    {"cache_joins", false, 9007},
    {"cache_evictions", false, 9008},
    {"chunks_decoded", false, 9009},
    {"chunks_failed", false, 9010},
    {"size_lists_read", false, 9011},
    {"decoded_bytes", false, 9012},
    {"source_reads", false, 9013},
    {"source_bytes", false, UINT64_MAX},
    {"files_open", true, 9015},
    {"index_offloaded_bytes", true, 9016},
    {"index_reads", false, 9017},
    {"chunks_ahead", false, 9018},
    {"chunks_ahead_used", false, 9019},
    {"chunks_ahead_wasted", false, 9020},
    {"chunks_ahead_refused", false, 9021},
};

static const ArecEngineStats engine = {
    .cache_budget = 9001,
    .cache_used = 9002,
    .index_used = 9003,
    .cache_entries = 9004,
    .cache_hits = 9005,
    .cache_misses = 9006,
    .cache_joins = 9007,
    .cache_evictions = 9008,
    .chunks_decoded = 9009,
    .chunks_failed = 9010,
    .size_lists_read = 9011,
    .decoded_bytes = 9012,
    .source_reads = 9013,
    .chunks_ahead = 9018,
    .chunks_ahead_used = 9019,
    .chunks_ahead_wasted = 9020,
    .chunks_ahead_refused = 9021,
    .source_bytes = UINT64_MAX,
    .files_open = 9015,
    .index_offloaded_bytes = 9016,
    .index_reads = 9017,
};

static void
fill (ArecfsCounters *counters)
{
    *counters = (ArecfsCounters){.started = time (NULL) - 3600};
    for (unsigned i = 0; i < ARECFS_N_REQUESTS; i++) {
        arecfs_count (&counters->requests[i], i);
        arecfs_count (&counters->requests[i], 100);
    }
    arecfs_count (&counters->errors, 77);
    arecfs_count (&counters->read_bytes, UINT64_C (1) << 63);
    arecfs_count (&counters->pushes_kept, 78);
    arecfs_count (&counters->pushes_refused, 79);
    arecfs_count (&counters->pushed_bytes, 80);
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

/* Takes `"@name": NUMBER` out of @text, where it must stand once, and returns the number. */
static uint64_t
number_of (const char *text, const char *name)
{
    g_autofree char *key = g_strdup_printf ("\"%s\": ", name);
    const char *at = strstr (text, key);

    g_assert_nonnull (at);
    g_assert_null (strstr (at + 1, key));
    return g_ascii_strtoull (at + strlen (key), NULL, 10);
}

static void
test_json (void)
{
    ArecfsCounters counters;
    g_autofree char *text = NULL;
    const char *requests, *inner;

    fill (&counters);
    text = arecfs_counters_to_json (&counters, &engine);
    g_assert_true (is_json (text));
    g_assert_true (g_str_has_suffix (text, "}\n"));
    g_assert_nonnull (strstr (text, "\"version\": \"" AREC_VERSION "\""));
    g_assert_cmpuint (number_of (text, "uptime"), >=, 3600);
    g_assert_cmpuint (number_of (text, "uptime"), <, 3600 + 600);
    g_assert_cmpuint (number_of (text, "errors"), ==, 77);
    g_assert_cmpuint (number_of (text, "read_bytes"), ==, UINT64_C (1) << 63);
    g_assert_cmpuint (number_of (text, "pushes_kept"), ==, 78);
    g_assert_cmpuint (number_of (text, "pushes_refused"), ==, 79);
    g_assert_cmpuint (number_of (text, "pushed_bytes"), ==, 80);
    for (unsigned i = 0; i < ARECFS_N_REQUESTS; i++) {
        g_assert_cmpuint (number_of (text, request_names[i]), ==, 100 + i);
    }
    for (size_t i = 0; i < G_N_ELEMENTS (engine_rows); i++) {
        g_assert_cmpuint (number_of (text, engine_rows[i].name), ==, engine_rows[i].value);
    }

    /* Which object holds what. */
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

static void
check_type (const char *text, const char *name, bool is_gauge)
{
    g_autofree char *line =
        g_strdup_printf ("# TYPE %s %s\n%s", name, is_gauge ? "gauge" : "counter", name);

    g_assert_nonnull (strstr (text, line));
}

static void
test_metrics (void)
{
    g_autoptr (GRegex) sample =
        g_regex_new ("^[a-z_]+(\\{[a-z]+=\"[a-z]+\"\\})? [0-9]+$", 0, 0, NULL);
    g_autoptr (GRegex) comment =
        g_regex_new ("^# (TYPE [a-z_]+ (gauge|counter)|HELP [a-z_]+ .+)$", 0, 0, NULL);
    g_autofree char *text = NULL;
    g_auto (GStrv) lines = NULL;
    ArecfsCounters counters;

    fill (&counters);
    text = arecfs_counters_to_metrics (&counters, &engine);
    g_assert_true (g_str_has_suffix (text, "\n"));
    text[strlen (text) - 1] = '\0';
    lines = g_strsplit (text, "\n", -1);
    for (char **line = lines; *line; line++) {
        if (!g_regex_match (**line == '#' ? comment : sample, *line, 0, NULL)) {
            g_error ("not a line of the format: '%s'", *line);
        }
    }

    check_type (text, "arecfs_requests_total", false);
    check_type (text, "arecfs_errors_total", false);
    check_type (text, "arecfs_read_bytes_total", false);
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

        check_type (text, name, engine_rows[i].is_gauge);
        g_assert_cmpuint (sample_of (lines, name), ==, engine_rows[i].value);
    }
}

/* A number that the engine has and the texts lack would be lost silently. */
static void
test_every_number_of_the_engine_is_told (void)
{
    G_STATIC_ASSERT (sizeof (ArecEngineStats) ==
                     G_N_ELEMENTS (engine_rows) * sizeof (uint64_t));
}

static void
test_zero (void)
{
    ArecfsCounters counters = {.started = time (NULL)};
    ArecEngineStats none = {0};
    g_autofree char *json = arecfs_counters_to_json (&counters, &none);
    g_autofree char *metrics = arecfs_counters_to_metrics (&counters, &none);

    g_assert_true (is_json (json));
    g_assert_cmpuint (number_of (json, "lookup"), ==, 0);
    g_assert_nonnull (strstr (metrics, "\narecfs_requests_total{kind=\"lookup\"} 0\n"));
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/counters/checker", test_checker);
    g_test_add_func ("/counters/request-names", test_request_names);
    g_test_add_func ("/counters/json", test_json);
    g_test_add_func ("/counters/metrics", test_metrics);
    g_test_add_func ("/counters/complete", test_every_number_of_the_engine_is_told);
    g_test_add_func ("/counters/zero", test_zero);
    return g_test_run();
}
