/* ArecMountStats: what a running mount tells in `.arecfs/metrics`, as numbers.
 *
 * Plain data, one thread at a time. Read from the metrics and not from stats.json, as each of
 * their lines stands for itself: no nesting, no escapes, no order between families.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

enum {
    AREC_MOUNT_KINDS = 32,
    AREC_MOUNT_BUCKETS = 64,
    AREC_MOUNT_NAME = 32,
};

/* Requests of one kind. */
typedef struct {
    char name[AREC_MOUNT_NAME];
    uint64_t n_received;
    uint64_t n_answered; /* all in the buckets */
    double max;          /* seconds; at most that, if it is of a period */
    unsigned n_buckets;
    double bounds[AREC_MOUNT_BUCKETS];   /* seconds, ascending; the last is INFINITY */
    uint64_t counts[AREC_MOUNT_BUCKETS]; /* above the bound before, up to this one */
} ArecMountRequests;

typedef struct {
    char version[AREC_MOUNT_NAME];
    double uptime; /* seconds */
    unsigned n_kinds;
    ArecMountRequests kinds[AREC_MOUNT_KINDS];
    uint64_t errors;
    uint64_t read_bytes;
    uint64_t pushes_kept, pushes_refused, pushes_dropped, pushed_bytes;
    uint64_t cache_budget, cache_used, cache_entries;
    uint64_t cache_hits, cache_misses, cache_joins, cache_evictions;
    uint64_t chunks_ahead, chunks_ahead_used, chunks_ahead_wasted;
    uint64_t chunks_decoded, chunks_failed, size_lists_read, decoded_bytes;
    uint64_t source_reads, source_bytes, files_open;
} ArecMountStats;

/* @stats  (out) undefined on failure.
 * Errors: FORMAT (not such a text), UNSUPPORTED (a number is missing: another version). */
bool arec_mount_stats_parse (ArecMountStats *stats, const char *text, GError **error);

/* What grew from @before to @now; what goes up and down is that of @now.
 * false: they are not of one mount; @period is untouched. */
bool arec_mount_stats_between (ArecMountStats *period, const ArecMountStats *before,
                               const ArecMountStats *now);

/* The seconds that a share @q in (0, 1] of the requests took at most, interpolated within a
 * bucket. NAN when there was none. */
double arec_mount_stats_quantile (const ArecMountRequests *requests, double q);
