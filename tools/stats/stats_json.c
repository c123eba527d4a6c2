#include "stats/stats_json.h"

#include <inttypes.h>
#include <math.h>

/* NAN becomes null, as JSON has none. */
static void
put_json_double (ToolOutput *out, const char *name, double number)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    tool_output_format (out, ", \"%s\": %s", name,
                        isnan (number) ? "null"
                                       : g_ascii_formatd (text, sizeof text, "%.9g", number));
}

static void
put_json_count (ToolOutput *out, const char *name, uint64_t number)
{
    tool_output_format (out, ", \"%s\": %" PRIu64, name, number);
}

static void
put_requests_json (ToolOutput *out, const ToolStatsView *view, unsigned i)
{
    const ToolMountRequests *period = &view->period.kinds[i];

    tool_output_text (out, i > 0 ? ", " : "");
    tool_output_json_string (out, period->name);
    tool_output_format (out, ": {\"count\": %" PRIu64, view->total.kinds[i].n_received);
    put_json_double (out, "rate", tool_stats_view_rate (view, period->n_received));
    put_json_double (out, "p50", tool_mount_stats_quantile (period, 0.5));
    put_json_double (out, "p90", tool_mount_stats_quantile (period, 0.9));
    put_json_double (out, "p99", tool_mount_stats_quantile (period, 0.99));
    put_json_double (out, "max", tool_stats_view_max_of (period));
    tool_output_byte (out, '}');
}

/* Numbers by subject, with their rates and shares. */
static void
put_summary_json (ToolOutput *out, const ToolStatsView *view)
{
    const ArecEngineStats *engine = &view->total.engine, *engine_grown = &view->period.engine;
    const ArecMountNumbers *mount = &view->total.numbers, *mount_grown = &view->period.numbers;

    tool_output_format (out, ", \"cache\": {\"used\": %" PRIu64, engine->cache_used);
    put_json_count (out, "budget", engine->cache_budget);
    put_json_count (out, "entries", engine->cache_entries);
    put_json_count (out, "hits", engine->cache_hits);
    put_json_count (out, "misses", engine->cache_misses);
    put_json_count (out, "joins", engine->cache_joins);
    put_json_count (out, "evictions", engine->cache_evictions);
    put_json_double (out, "hit_rate", tool_stats_view_hit_rate (view));
    tool_output_format (out, "}, \"decodes\": {\"chunks\": %" PRIu64, engine->chunks_decoded);
    put_json_double (out, "rate", tool_stats_view_rate (view, engine_grown->chunks_decoded));
    put_json_count (out, "bytes", engine->decoded_bytes);
    put_json_count (out, "failed", engine->chunks_failed);
    put_json_count (out, "size_lists", engine->size_lists_read);
    tool_output_format (out, "}, \"readahead\": {\"chunks\": %" PRIu64, engine->chunks_ahead);
    put_json_count (out, "used", engine->chunks_ahead_used);
    put_json_count (out, "wasted", engine->chunks_ahead_wasted);
    put_json_double (out, "waste_rate", tool_stats_view_waste_rate (view));
    tool_output_format (out, "}, \"pushes\": {\"records\": %" PRIu64, mount->pushes_kept);
    put_json_double (out, "rate", tool_stats_view_rate (view, mount_grown->pushes_kept));
    put_json_count (out, "bytes", mount->pushed_bytes);
    put_json_count (out, "refused", mount->pushes_refused);
    put_json_count (out, "dropped", mount->pushes_dropped);
    tool_output_format (out, "}, \"in\": {\"bytes\": %" PRIu64, engine->source_bytes);
    put_json_double (out, "rate", tool_stats_view_rate (view, engine_grown->source_bytes));
    put_json_count (out, "reads", engine->source_reads);
    put_json_count (out, "files_open", engine->files_open);
    tool_output_format (out, "}, \"out\": {\"bytes\": %" PRIu64, mount->read_bytes);
    put_json_double (out, "rate", tool_stats_view_rate (view, mount_grown->read_bytes));
    tool_output_byte (out, '}');
}

/* As in stats.json, but for the histograms, with what follows from the numbers. */
static void
put_remote_json (ToolOutput *out, const ToolStatsView *view)
{
    const ArecRemoteStats *total = &view->total.engine.remote;
    const ArecRemoteStats *period = &view->period.engine.remote;
    const char *comma = "", *inner;

    tool_output_text (out, ", \"remote\": {");
#define PUT(family, label, value)                                                              \
    tool_output_format (out, "%s\"%s\": %" PRIu64, inner, #value, total->family##_##value);    \
    inner = ", ";
#define PUT_ALL(family, label, VALUES, help)                                                   \
    tool_output_format (out, "%s\"%s\": {", comma, #family);                                   \
    comma = ", ";                                                                              \
    inner = "";                                                                                \
    VALUES (PUT, family, label)                                                                \
    tool_output_byte (out, '}');
    AREC_REMOTE_FAMILIES (PUT_ALL)
#undef PUT_ALL
#undef PUT
#define PUT(name, kind, help) put_json_count (out, #name, total->name);
    AREC_REMOTE_NUMBERS (PUT)
#undef PUT
    tool_output_text (out, ", \"disk_cache\": {");
    inner = "";
#define PUT(name, kind, help)                                                                  \
    tool_output_format (out, "%s\"%s\": %" PRIu64, inner, #name,                               \
                        view->total.engine.disk_cache.name);                                   \
    inner = ", ";
    AREC_DISK_CACHE_NUMBERS (PUT)
#undef PUT
    tool_output_byte (out, '}');
    put_json_double (out, "received_rate", tool_stats_view_rate (view, period->bytes_received));
    put_json_double (out, "waited", (double)total->wait.sum / 1e6);
    put_json_double (out, "amplification", tool_stats_view_amplification (view));
    tool_output_byte (out, '}');
}

/* All of <arec/stats.h>, as in stats.json. */
static void
put_numbers_json (ToolOutput *out, const ToolStatsView *view)
{
    const ToolMountStats *total = &view->total;
    const char *comma = "";

#define PUT(name, kind, help) put_json_count (out, #name, total->numbers.name);
    AREC_MOUNT_NUMBERS (PUT)
#undef PUT
    tool_output_text (out, ", \"engine\": {");
#define PUT(name, kind, help)                                                                  \
    tool_output_format (out, "%s\"%s\": %" PRIu64, comma, #name, total->engine.name);          \
    comma = ", ";
    AREC_ENGINE_NUMBERS (PUT)
#undef PUT
    tool_output_byte (out, '}');
}

/* An object on one line. Times in seconds, rates a second. */
void
tool_stats_json_put (ToolOutput *out, const ToolStatsView *view)
{
    tool_output_text (out, "{\"mount\": ");
    tool_output_json_string (out, view->path);
    tool_output_text (out, ", \"version\": ");
    tool_output_json_string (out, view->total.version);
    put_json_double (out, "uptime", view->total.uptime);
    put_json_double (out, "period", view->period.uptime);
    tool_output_text (out, ", \"requests\": {");
    for (unsigned i = 0; i < view->total.n_kinds; i++) {
        put_requests_json (out, view, i);
    }
    tool_output_byte (out, '}');
    put_summary_json (out, view);
    put_numbers_json (out, view);
    if (view->total.engine.has_remote) {
        put_remote_json (out, view);
    }
    put_json_count (out, "under_way", tool_stats_view_under_way (view));
    tool_output_text (out, "}\n");
}
