/* ToolMountStats: the numbers in `.arecfs/metrics` of a running mount.
 *
 * Plain data, one thread at a time. They are read from the metrics, where each line stands
 * alone without nesting, escapes or an order between families, and not from stats.json.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <arec/stats.h>

enum {
    TOOL_MOUNT_KINDS = 32,
    TOOL_MOUNT_BUCKETS = 64,
    TOOL_MOUNT_NAME = 32,
};

/* Requests of one kind. */
typedef struct {
    char name[TOOL_MOUNT_NAME];
    uint64_t n_received;
    uint64_t n_answered; /* the sum of the buckets */
    double max;          /* seconds; of a period an upper bound */
    unsigned n_buckets;
    double bounds[TOOL_MOUNT_BUCKETS];   /* seconds, ascending; the last is INFINITY */
    uint64_t counts[TOOL_MOUNT_BUCKETS]; /* above the bound before and up to this one */
} ToolMountRequests;

typedef struct {
    char version[TOOL_MOUNT_NAME];
    double uptime; /* seconds */
    unsigned n_kinds;
    ToolMountRequests kinds[TOOL_MOUNT_KINDS];
    ArecMountNumbers numbers;
    ArecEngineStats engine;
} ToolMountStats;

/* @stats  (out) undefined on failure. Errors: FORMAT (not the metrics of arecfs),
 * UNSUPPORTED (a number is missing, as arecfs is of another version). */
bool tool_mount_stats_parse (ToolMountStats *stats, const char *text, GError **error);

/* What was counted from @before to @now; gauges are those of @now.
 * false: the two are not of one mount, and @period is untouched. */
bool tool_mount_stats_between (ToolMountStats *period, const ToolMountStats *before,
                               const ToolMountStats *now);

/* The seconds within which a share @q, in (0, 1], of the requests was answered, interpolated
 * within a bucket. NAN: there was no request. */
double tool_mount_stats_quantile (const ToolMountRequests *requests, double q);
