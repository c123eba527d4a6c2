#include "stats/stats_view.h"

#include <math.h>

double
tool_stats_view_rate (const ToolStatsView *view, uint64_t grown)
{
    return (double)grown / view->period.uptime;
}

double
tool_stats_view_share (uint64_t part, uint64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : NAN;
}

double
tool_stats_view_hit_rate (const ToolStatsView *view)
{
    const ArecEngineStats *period = &view->period.engine;

    return tool_stats_view_share (
        period->cache_hits, period->cache_hits + period->cache_misses + period->cache_joins);
}

double
tool_stats_view_waste_rate (const ToolStatsView *view)
{
    const ArecEngineStats *period = &view->period.engine;

    return tool_stats_view_share (period->chunks_ahead_wasted,
                                  period->chunks_ahead_used + period->chunks_ahead_wasted);
}

uint64_t
tool_stats_view_remote_requests (const ArecEngineStats *engine)
{
    uint64_t sum = 0;

#define ADD(family, label, kind) sum += engine->remote.family##_##kind;
    AREC_REMOTE_KINDS (ADD, requests, kind)
#undef ADD
    return sum;
}

double
tool_stats_view_amplification (const ToolStatsView *view)
{
    const ArecRemoteStats *period = &view->period.engine.remote;

    return tool_stats_view_share (period->bytes_received, period->bytes_wanted);
}

uint64_t
tool_stats_view_under_way (const ToolStatsView *view)
{
    const ToolMountStats *stats = &view->total;
    /* The look-up that made these numbers counts as answered. */
    uint64_t received = 0, answered = 1;

    for (unsigned i = 0; i < stats->n_kinds; i++) {
        received += stats->kinds[i].n_received;
        answered += stats->kinds[i].n_answered;
    }
    return received > answered ? received - answered : 0;
}

double
tool_stats_view_max_of (const ToolMountRequests *requests)
{
    return requests->n_answered > 0 ? requests->max : NAN;
}
