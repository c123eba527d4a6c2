/* ToolStatsView: what `arec stats` shows of a mount, and what follows from it. Plain data, pure
 * functions.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "frame/mount_stats.h"

typedef struct {
    const char *path;      /* not owned */
    ToolMountStats total;  /* since the mount: counts are of this */
    ToolMountStats period; /* rates, shares and times are of this */
    bool is_whole;         /* the period is all the time since the mount */
} ToolStatsView;

/* @grown, a count of the period, for each second of it. */
double tool_stats_view_rate (const ToolStatsView *view, uint64_t grown);

/* The share, in [0, 1], of what readers asked for that was in the cache. NAN: they asked for
 * nothing. */
double tool_stats_view_hit_rate (const ToolStatsView *view);

/* The share, in [0, 1], of chunks loaded ahead that left the cache unused, among those that
 * were used or left. NAN: there are none. */
double tool_stats_view_waste_rate (const ToolStatsView *view);

/* Requests to servers, of all kinds. */
uint64_t tool_stats_view_remote_requests (const ArecEngineStats *engine);

/* Bytes that servers sent for each byte that readers wanted of them. NAN: they wanted none. */
double tool_stats_view_amplification (const ToolStatsView *view);

/* @part of @whole, in [0, 1]. NAN if @whole is 0. */
double tool_stats_view_share (uint64_t part, uint64_t whole);

/* Requests that wait for their answer, except the look-up that made these numbers. */
uint64_t tool_stats_view_under_way (const ToolStatsView *view);

/* Seconds that the longest request took. NAN: there was none. */
double tool_stats_view_max_of (const ToolMountRequests *requests);
