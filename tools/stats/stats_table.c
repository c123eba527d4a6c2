#include "stats/stats_table.h"

#include <inttypes.h>
#include <math.h>

#include <arec/arec.h>

#define HISTOGRAM_WIDTH 40

/* ---- numbers for people ---- */

static char *
duration_text (double seconds)
{
    if (isnan (seconds)) {
        return g_strdup ("-");
    }
    if (seconds < 999.5e-9) {
        return g_strdup_printf ("%.0f ns", seconds * 1e9);
    }
    if (seconds < 999.5e-6) {
        return g_strdup_printf ("%.3g us", seconds * 1e6);
    }
    if (seconds < 999.5e-3) {
        return g_strdup_printf ("%.3g ms", seconds * 1e3);
    }
    return g_strdup_printf ("%.3g s", seconds);
}

/* `0:01:02`, `3 d 0:01:02` */
static char *
uptime_text (double seconds)
{
    uint64_t s = (uint64_t)seconds, days = s / 86400;
    g_autofree char *prefix = days > 0 ? g_strdup_printf ("%" PRIu64 " d ", days) : NULL;

    return g_strdup_printf ("%s%" PRIu64 ":%02" PRIu64 ":%02" PRIu64, prefix ? prefix : "",
                            s / 3600 % 24, s / 60 % 60, s % 60);
}

static char *
rate_text (const ToolStatsView *view, uint64_t grown)
{
    double a_second = tool_stats_view_rate (view, grown);

    return g_strdup_printf (a_second < 99.95 ? "%.1f" : "%.0f", a_second);
}

/* `1.5 MiB (0.2 MiB/s)` */
static char *
bytes_text (const ToolStatsView *view, uint64_t total, uint64_t grown)
{
    g_autofree char *size = arec_text_size (total);
    g_autofree char *a_second = arec_text_size ((uint64_t)tool_stats_view_rate (view, grown));

    return g_strdup_printf ("%s (%s/s)", size, a_second);
}

static char *
percent_text (double part)
{
    return isnan (part) ? g_strdup ("-") : g_strdup_printf ("%.1f %%", 100 * part);
}

/* ---- the table ---- */

static void
put_requests (ToolOutput *out, const ToolStatsView *view, unsigned i)
{
    const ToolMountRequests *period = &view->period.kinds[i];
    g_autofree char *a_second = rate_text (view, period->n_received);
    g_autofree char *p50 = duration_text (tool_mount_stats_quantile (period, 0.5));
    g_autofree char *p90 = duration_text (tool_mount_stats_quantile (period, 0.9));
    g_autofree char *p99 = duration_text (tool_mount_stats_quantile (period, 0.99));
    g_autofree char *max = duration_text (tool_stats_view_max_of (period));

    tool_output_format (out, "%-12s %12" PRIu64 " %9s %9s %9s %9s %9s\n", period->name,
                        view->total.kinds[i].n_received, a_second, p50, p90, p99, max);
}

static void
put_header (ToolOutput *out, const ToolStatsView *view)
{
    g_autofree char *path = arec_text_printable (view->path);
    g_autofree char *uptime = uptime_text (view->total.uptime);
    g_autofree char *period = view->is_whole
                                  ? g_strdup ("since the mount")
                                  : g_strdup_printf ("of the last %.1f s", view->period.uptime);

    tool_output_format (out, "%s: arecfs %s, up %s; rates, shares and times %s\n\n", path,
                        view->total.version, uptime, period);
    tool_output_format (out, "%-12s %12s %9s %9s %9s %9s %9s\n", "requests", "count", "/s",
                        "p50", "p90", "p99", "max");
}

static void
put_cache (ToolOutput *out, const ToolStatsView *view)
{
    const ArecEngineStats *engine = &view->total.engine;
    g_autofree char *hits = percent_text (tool_stats_view_hit_rate (view));
    g_autofree char *used = arec_text_size (engine->cache_used);
    g_autofree char *budget = arec_text_size (engine->cache_budget);
    g_autofree char *alive = arec_text_size (engine->cache_alive);

    tool_output_format (out,
                        "%-12s hit rate %s (%" PRIu64 " hits, %" PRIu64 " misses, %" PRIu64
                        " joins); %s of %s used by %" PRIu64 " entries, %" PRIu64
                        " evicted; %s with loads and what is still held\n",
                        "cache", hits, engine->cache_hits, engine->cache_misses,
                        engine->cache_joins, used, budget, engine->cache_entries,
                        engine->cache_evictions, alive);
}

static void
put_indexes (ToolOutput *out, const ToolStatsView *view)
{
    const ArecEngineStats *engine = &view->total.engine;
    g_autofree char *used = arec_text_size (engine->index_used);
    g_autofree char *offloaded = arec_text_size (engine->index_offloaded_bytes);

    tool_output_format (
        out, "%-12s %s in memory; %s in the temporary file, read %" PRIu64 " times\n",
        "indexes", used, offloaded, engine->index_reads);
}

static void
put_decodes (ToolOutput *out, const ToolStatsView *view)
{
    const ArecEngineStats *total = &view->total.engine, *period = &view->period.engine;
    g_autofree char *a_second = rate_text (view, period->chunks_decoded);
    g_autofree char *bytes = bytes_text (view, total->decoded_bytes, period->decoded_bytes);

    tool_output_format (out,
                        "%-12s %" PRIu64 " chunks (%s/s), %s; %" PRIu64 " failed, %" PRIu64
                        " size lists\n",
                        "decodes", total->chunks_decoded, a_second, bytes, total->chunks_failed,
                        total->size_lists_read);
    tool_output_format (out, "%-12s %" PRIu64 " known, %" PRIu64 " requests refused\n",
                        "damages", total->damages_known, total->damage_hits);
}

static void
put_ahead (ToolOutput *out, const ToolStatsView *view)
{
    const ArecEngineStats *total = &view->total.engine;
    g_autofree char *wasted = percent_text (tool_stats_view_waste_rate (view));

    tool_output_format (out,
                        "%-12s %" PRIu64 " chunks, %" PRIu64 " used, %" PRIu64
                        " wasted (%s); %" PRIu64 " refused\n",
                        "readahead", total->chunks_ahead, total->chunks_ahead_used,
                        total->chunks_ahead_wasted, wasted, total->chunks_ahead_refused);
}

static void
put_pushes (ToolOutput *out, const ToolStatsView *view)
{
    const ArecMountNumbers *total = &view->total.numbers, *period = &view->period.numbers;
    g_autofree char *a_second = rate_text (view, period->pushes_kept);
    g_autofree char *bytes = bytes_text (view, total->pushed_bytes, period->pushed_bytes);

    tool_output_format (
        out, "%-12s %" PRIu64 " records (%s/s), %s; %" PRIu64 " refused, %" PRIu64 " dropped\n",
        "pushes", total->pushes_kept, a_second, bytes, total->pushes_refused,
        total->pushes_dropped);
}

static void
put_bytes (ToolOutput *out, const ToolStatsView *view)
{
    const ToolMountStats *total = &view->total;
    g_autofree char *in =
        bytes_text (view, total->engine.source_bytes, view->period.engine.source_bytes);
    g_autofree char *read =
        bytes_text (view, total->numbers.read_bytes, view->period.numbers.read_bytes);

    tool_output_format (out, "%-12s %s in %" PRIu64 " reads of sources, %" PRIu64 " open\n",
                        "bytes in", in, total->engine.source_reads, total->engine.files_open);
    tool_output_format (out, "%-12s %s to readers, besides what is pushed\n", "bytes out",
                        read);
    tool_output_format (out, "%-12s %" PRIu64 "; %" PRIu64 " requests under way\n", "errors",
                        total->numbers.errors, tool_stats_view_under_way (view));
}

/* Of sources on servers. */
static void
put_remote (ToolOutput *out, const ToolStatsView *view)
{
    const ArecEngineStats *total = &view->total.engine, *period = &view->period.engine;
    uint64_t n = tool_stats_view_remote_requests (total);
    g_autofree char *a_second = rate_text (view, tool_stats_view_remote_requests (period));
    double rate = tool_stats_view_rate (view, period->remote.bytes_received);
    double amplification = tool_stats_view_amplification (view);
    g_autofree char *times =
        isnan (amplification) ? g_strdup ("-") : g_strdup_printf ("%.2f", amplification);
    g_autofree char *waited = duration_text ((double)period->remote.wait.sum / 1e6);

    tool_output_format (out,
                        "%-12s %" PRIu64 " requests (%s/s), %.1f MB/s; readers waited %s; "
                        "%s bytes received for each one wanted\n",
                        "servers", n, a_second, rate / 1e6, waited, times);
}

static void
put_histogram (ToolOutput *out, const ToolMountRequests *requests)
{
    uint64_t most = 0;

    for (unsigned i = 0; i < requests->n_buckets; i++) {
        most = MAX (most, requests->counts[i]);
    }
    tool_output_format (out, "\n%s\n", requests->name);
    for (unsigned i = 0; i < requests->n_buckets; i++) {
        bool is_last = !isfinite (requests->bounds[i]);
        g_autofree char *bound =
            duration_text (is_last && i > 0 ? requests->bounds[i - 1] : requests->bounds[i]);
        int width =
            (int)ceil (HISTOGRAM_WIDTH * tool_stats_view_share (requests->counts[i], most));
        g_autofree char *bar = g_strnfill ((gsize)width, '#');

        if (requests->counts[i] > 0) {
            tool_output_format (out, "  %s %8s %12" PRIu64 " %s\n",
                                is_last ? "> " : "<=", bound, requests->counts[i], bar);
        }
    }
}

/* @a_second  NAN for a gauge, which has no rate. */
static void
put_number (ToolOutput *out, const char *name, uint64_t total, double a_second)
{
    tool_output_format (out, "%-24s %20" PRIu64, name, total);
    if (isnan (a_second)) {
        tool_output_format (out, " %9s\n", "-");
    } else {
        tool_output_format (out, " %9.1f\n", a_second);
    }
}

/* By the KIND of <arec/stats.h>. */
#define RATE_COUNTER(view, grown) tool_stats_view_rate (view, grown)
#define RATE_GAUGE(view, grown) NAN

/* The families by FAMILY.VALUE. */
static void
put_remote_numbers (ToolOutput *out, const ToolStatsView *view)
{
    const ArecRemoteStats *total = &view->total.engine.remote;
    const ArecRemoteStats *period = &view->period.engine.remote;

#define PUT(family, label, value)                                                              \
    put_number (out, "remote." #family "." #value, total->family##_##value,                    \
                tool_stats_view_rate (view, period->family##_##value));
#define PUT_ALL(family, label, VALUES, help) VALUES (PUT, family, label)
    AREC_REMOTE_FAMILIES (PUT_ALL)
#undef PUT_ALL
#undef PUT
#define PUT(name, kind, help)                                                                  \
    put_number (out, "remote." #name, total->name, RATE_##kind (view, period->name));
    AREC_REMOTE_NUMBERS (PUT)
#undef PUT
#define PUT(name, kind, help)                                                                  \
    put_number (out, "remote.disk_cache." #name, view->total.engine.disk_cache.name,           \
                RATE_##kind (view, view->period.engine.disk_cache.name));
    AREC_DISK_CACHE_NUMBERS (PUT)
#undef PUT
}

/* All numbers, by their names in JSON and metrics. */
static void
put_numbers (ToolOutput *out, const ToolStatsView *view)
{
    const ToolMountStats *total = &view->total, *period = &view->period;

    tool_output_format (out, "\n%-24s %20s %9s\n", "numbers", "value", "/s");
#define PUT(name, kind, help)                                                                  \
    put_number (out, #name, total->numbers.name, RATE_##kind (view, period->numbers.name));
    AREC_MOUNT_NUMBERS (PUT)
#undef PUT
#define PUT(name, kind, help)                                                                  \
    put_number (out, #name, total->engine.name, RATE_##kind (view, period->engine.name));
    AREC_ENGINE_NUMBERS (PUT)
#undef PUT
    if (total->engine.has_remote) {
        put_remote_numbers (out, view);
    }
}

void
tool_stats_table_put (ToolOutput *out, const ToolStatsView *view, bool verbose)
{
    put_header (out, view);
    for (unsigned i = 0; i < view->total.n_kinds; i++) {
        if (view->total.kinds[i].n_received > 0) {
            put_requests (out, view, i);
        }
    }
    tool_output_byte (out, '\n');
    put_cache (out, view);
    put_indexes (out, view);
    put_decodes (out, view);
    put_ahead (out, view);
    put_pushes (out, view);
    if (view->total.engine.has_remote) {
        put_remote (out, view);
    }
    put_bytes (out, view);
    if (verbose) {
        put_numbers (out, view);
    }
    for (unsigned i = 0; i < view->period.n_kinds && verbose; i++) {
        if (view->period.kinds[i].n_answered > 0) {
            put_histogram (out, &view->period.kinds[i]);
        }
    }
}
