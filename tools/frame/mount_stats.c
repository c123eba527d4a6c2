#include "frame/mount_stats.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include <arec/arec.h>

#define PREFIX "arecfs_"
#define KIND_LABEL "{kind=\""
#define BUCKET PREFIX "request_duration_seconds_bucket" KIND_LABEL
#define MAX_SECONDS PREFIX "request_duration_max_seconds" KIND_LABEL
#define REQUESTS PREFIX "requests_total" KIND_LABEL
#define VERSION PREFIX "build_info{version=\""
#define UPTIME PREFIX "uptime_seconds"

#define SUFFIX_COUNTER "_total"
#define SUFFIX_GAUGE ""
enum { IS_COUNTER, IS_GAUGE };

/* All of <arec/stats.h>. */
static const struct {
    const char *sample;
    size_t offset;
    bool is_gauge;
    bool is_remote;  /* there only with a source on a server */
    bool is_seconds; /* kept in microseconds */
} numbers[] = {
#define ROW(name, kind, help)                                                                  \
    {.sample = PREFIX #name SUFFIX_##kind,                                                     \
     .offset = offsetof (ToolMountStats, numbers.name),                                        \
     .is_gauge = IS_##kind},
    AREC_MOUNT_NUMBERS (ROW)
#undef ROW
#define ROW(name, kind, help)                                                                  \
    {.sample = PREFIX #name SUFFIX_##kind,                                                     \
     .offset = offsetof (ToolMountStats, engine.name),                                         \
     .is_gauge = IS_##kind},
        AREC_ENGINE_NUMBERS (ROW)
#undef ROW
#define ROW(name, kind, help)                                                                  \
    {.sample = PREFIX "remote_" #name SUFFIX_##kind,                                           \
     .offset = offsetof (ToolMountStats, engine.remote.name),                                  \
     .is_gauge = IS_##kind,                                                                    \
     .is_remote = true},
            AREC_REMOTE_NUMBERS (ROW)
#undef ROW
#define ROW(name, kind, help)                                                                  \
    {.sample = PREFIX "remote_disk_cache_" #name SUFFIX_##kind,                                \
     .offset = offsetof (ToolMountStats, engine.disk_cache.name),                              \
     .is_gauge = IS_##kind,                                                                    \
     .is_remote = true},
                AREC_DISK_CACHE_NUMBERS (ROW)
#undef ROW
#define ROW(family, label, value)                                                              \
    {.sample = PREFIX "remote_" #family "_total{" #label "=\"" #value "\"}",                   \
     .offset = offsetof (ToolMountStats, engine.remote.family##_##value),                      \
     .is_remote = true},
#define ROWS(family, label, VALUES, help) VALUES (ROW, family, label)
                    AREC_REMOTE_FAMILIES (ROWS)
#undef ROWS
#undef ROW
#define ROW(name, help)                                                                        \
    {.sample = PREFIX "remote_" #name "_seconds_sum",                                          \
     .offset = offsetof (ToolMountStats, engine.remote.name.sum),                              \
     .is_remote = true,                                                                        \
     .is_seconds = true},
                        AREC_REMOTE_TIMES (ROW)
#undef ROW
};

enum { N_NUMBERS = G_N_ELEMENTS (numbers) };

static uint64_t *
number_of (ToolMountStats *stats, size_t i)
{
    return (uint64_t *)((char *)stats + numbers[i].offset);
}

/* ---- one line ---- */

static bool
parse_count (const char *text, uint64_t *count)
{
    guint64 number;

    if (!g_ascii_string_to_unsigned (text, 10, 0, UINT64_MAX, &number, NULL)) {
        return false;
    }
    *count = number;
    return true;
}

static bool
parse_seconds (const char *text, double *seconds)
{
    char *end;

    if (strcmp (text, "+Inf") == 0) {
        *seconds = INFINITY;
        return true;
    }
    *seconds = g_ascii_strtod (text, &end);
    return g_ascii_isdigit (text[0]) && *end == '\0' && isfinite (*seconds);
}

/* Takes the value of a label, which ends with `"`, from the start of *text. */
static bool
take_label (const char **text, char label[TOOL_MOUNT_NAME])
{
    size_t length = strcspn (*text, "\"\\");

    if ((*text)[length] != '"' || length == 0 || length >= TOOL_MOUNT_NAME) {
        return false;
    }
    memcpy (label, *text, length);
    label[length] = '\0';
    *text += length + 1;
    return true;
}

static ToolMountRequests *
find_kind (ToolMountStats *stats, const char *name)
{
    for (unsigned i = 0; i < stats->n_kinds; i++) {
        if (strcmp (stats->kinds[i].name, name) == 0) {
            return &stats->kinds[i];
        }
    }
    return NULL;
}

/* @labels  `KIND"}` */
static bool
parse_requests (ToolMountStats *stats, const char *labels, const char *value)
{
    char name[TOOL_MOUNT_NAME];
    ToolMountRequests *requests;

    if (!take_label (&labels, name) || strcmp (labels, "}") != 0 || find_kind (stats, name) ||
        stats->n_kinds == TOOL_MOUNT_KINDS) {
        return false;
    }
    requests = &stats->kinds[stats->n_kinds++];
    memcpy (requests->name, name, sizeof name);
    return parse_count (value, &requests->n_received);
}

static bool
parse_max (ToolMountStats *stats, const char *labels, const char *value)
{
    char name[TOOL_MOUNT_NAME];
    ToolMountRequests *requests;

    if (!take_label (&labels, name) || strcmp (labels, "}") != 0) {
        return false;
    }
    requests = find_kind (stats, name);
    return requests && parse_seconds (value, &requests->max);
}

/* @labels  `KIND",le="BOUND"}`, in ascending order; their counts are cumulative. */
static bool
parse_bucket (ToolMountStats *stats, const char *labels, const char *value)
{
    static const char between[] = ",le=\"";
    char name[TOOL_MOUNT_NAME], le[TOOL_MOUNT_NAME];
    ToolMountRequests *requests;
    uint64_t count;
    double bound;
    unsigned n;

    if (!take_label (&labels, name) || !g_str_has_prefix (labels, between)) {
        return false;
    }
    labels += strlen (between);
    requests = find_kind (stats, name);
    if (!take_label (&labels, le) || strcmp (labels, "}") != 0 || !requests ||
        !parse_seconds (le, &bound) || !parse_count (value, &count)) {
        return false;
    }
    n = requests->n_buckets;
    if (n == TOOL_MOUNT_BUCKETS || count < requests->n_answered ||
        (n > 0 && !(bound > requests->bounds[n - 1]))) {
        return false;
    }
    requests->bounds[n] = bound;
    requests->counts[n] = count - requests->n_answered;
    requests->n_answered = count;
    requests->n_buckets++;
    return true;
}

/* A time in seconds as whole microseconds. */
static bool
parse_microseconds (const char *text, uint64_t *us)
{
    double seconds;

    if (!parse_seconds (text, &seconds) || !(seconds < (double)(UINT64_MAX / 2) / 1e6)) {
        return false;
    }
    *us = (uint64_t)(seconds * 1e6 + 0.5);
    return true;
}

static bool
parse_version (ToolMountStats *stats, const char *label)
{
    return take_label (&label, stats->version) && strcmp (label, "}") == 0;
}

/* @seen  whether there was a sample, for each of the numbers. */
static bool
parse_number (ToolMountStats *stats, const char *sample, const char *value,
              bool seen[N_NUMBERS])
{
    for (size_t i = 0; i < N_NUMBERS; i++) {
        if (strcmp (sample, numbers[i].sample) == 0) {
            bool is_first = !seen[i];

            seen[i] = true;
            stats->engine.has_remote |= numbers[i].is_remote;
            return is_first &&
                   (numbers[i].is_seconds ? parse_microseconds (value, number_of (stats, i))
                                          : parse_count (value, number_of (stats, i)));
        }
    }
    return true; /* of a later version, or one that is not shown */
}

static bool
parse_sample (ToolMountStats *stats, const char *sample, const char *value,
              bool seen[N_NUMBERS])
{
    if (g_str_has_prefix (sample, REQUESTS)) {
        return parse_requests (stats, sample + strlen (REQUESTS), value);
    }
    if (g_str_has_prefix (sample, BUCKET)) {
        return parse_bucket (stats, sample + strlen (BUCKET), value);
    }
    if (g_str_has_prefix (sample, MAX_SECONDS)) {
        return parse_max (stats, sample + strlen (MAX_SECONDS), value);
    }
    if (g_str_has_prefix (sample, VERSION)) {
        return parse_version (stats, sample + strlen (VERSION));
    }
    if (strcmp (sample, UPTIME) == 0) {
        return parse_seconds (value, &stats->uptime) && isfinite (stats->uptime);
    }
    return parse_number (stats, sample, value, seen);
}

/* ---- the whole ---- */

static bool
check_complete (const ToolMountStats *stats, const bool seen[N_NUMBERS], GError **error)
{
    const char *missing = NULL;

    for (size_t i = 0; i < N_NUMBERS && !missing; i++) {
        bool may_miss = numbers[i].is_remote && !stats->engine.has_remote;

        missing = seen[i] || may_miss ? NULL : numbers[i].sample;
    }
    for (unsigned i = 0; i < stats->n_kinds && !missing; i++) {
        const ToolMountRequests *requests = &stats->kinds[i];

        if (requests->n_buckets == 0 || isfinite (requests->bounds[requests->n_buckets - 1])) {
            missing = PREFIX "request_duration_seconds_bucket";
        }
    }
    if (!missing && (stats->n_kinds == 0 || stats->version[0] == '\0' || stats->uptime == 0)) {
        missing = stats->n_kinds == 0         ? PREFIX "requests_total"
                  : stats->version[0] == '\0' ? PREFIX "build_info"
                                              : UPTIME;
    }
    if (missing) {
        g_set_error (error, AREC_ERROR, AREC_ERROR_UNSUPPORTED,
                     "%s is missing: arecfs is of another version than arec", missing);
        return false;
    }
    return true;
}

bool
tool_mount_stats_parse (ToolMountStats *stats, const char *text, GError **error)
{
    g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
    bool seen[N_NUMBERS] = {false};

    memset (stats, 0, sizeof *stats);
    for (char **line = lines; *line; line++) {
        char *space = strrchr (*line, ' ');
        bool is_end = line[1] == NULL;

        if (!is_end && **line == '#') {
            continue;
        }
        if (is_end && **line == '\0') {
            break;
        }
        if (space) {
            *space = '\0';
        }
        if (is_end || !space || !parse_sample (stats, *line, space + 1, seen)) {
            g_set_error (error, AREC_ERROR, AREC_ERROR_FORMAT,
                         "line %u: '%s%s%s', which is no metric of arecfs",
                         (unsigned)(line - lines) + 1, *line, space ? " " : "",
                         space ? space + 1 : "");
            return false;
        }
    }
    return check_complete (stats, seen, error);
}

/* ---- a period ---- */

/* An upper bound for the requests that are in @period but were not in @before. */
static double
max_between (const ToolMountRequests *period, const ToolMountRequests *before, double max)
{
    if (max > before->max) {
        return max;
    }
    for (unsigned i = period->n_buckets; i-- > 0;) {
        if (period->counts[i] > 0) {
            return fmin (period->bounds[i], max);
        }
    }
    return 0;
}

static bool
subtract_requests (ToolMountRequests *period, const ToolMountRequests *before)
{
    if (strcmp (period->name, before->name) != 0 || period->n_buckets != before->n_buckets ||
        period->n_received < before->n_received || period->n_answered < before->n_answered) {
        return false;
    }
    period->n_received -= before->n_received;
    period->n_answered -= before->n_answered;
    for (unsigned i = 0; i < period->n_buckets; i++) {
        if (period->bounds[i] != before->bounds[i] || period->counts[i] < before->counts[i]) {
            return false;
        }
        period->counts[i] -= before->counts[i];
    }
    period->max = max_between (period, before, period->max);
    return true;
}

bool
tool_mount_stats_between (ToolMountStats *period, const ToolMountStats *before,
                          const ToolMountStats *now)
{
    g_autofree ToolMountStats *difference = g_memdup2 (now, sizeof *now);
    g_autofree ToolMountStats *earlier = g_memdup2 (before, sizeof *before);

    if (now->n_kinds != before->n_kinds || !(now->uptime > before->uptime)) {
        return false;
    }
    difference->uptime -= before->uptime;
    for (unsigned i = 0; i < now->n_kinds; i++) {
        if (!subtract_requests (&difference->kinds[i], &before->kinds[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < N_NUMBERS; i++) {
        uint64_t *number = number_of (difference, i);
        uint64_t was = numbers[i].is_gauge ? 0 : *number_of (earlier, i);

        if (*number < was) {
            return false;
        }
        *number -= was;
    }
    *period = *difference;
    return true;
}

double
tool_mount_stats_quantile (const ToolMountRequests *requests, double q)
{
    double rank = q * (double)requests->n_answered, below = 0, lower = 0;

    for (unsigned i = 0; i < requests->n_buckets; i++) {
        double count = (double)requests->counts[i];

        if (count > 0 && below + count >= rank) {
            double upper = fmin (requests->bounds[i], fmax (requests->max, lower));

            return lower + (upper - lower) * (rank - below) / count;
        }
        below += count;
        lower = requests->bounds[i];
    }
    return NAN;
}
