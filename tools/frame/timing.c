#include "frame/timing.h"

#include <arec/arec.h>

/* By thread. */
struct ToolTiming {
    size_t n;
    ArecPhaseTimes *times;
};

static double
seconds_of (int64_t ns)
{
    return (double)ns / 1e9;
}

ToolTiming *
tool_timing_new (void)
{
    ToolTiming *timing = g_new0 (ToolTiming, 1);

    timing->n = arec_phases_read (NULL, 0);
    timing->times = g_new0 (ArecPhaseTimes, MAX (timing->n, 1));
    arec_phases_read (timing->times, timing->n);
    return timing;
}

void
tool_timing_free (ToolTiming *timing)
{
    if (timing) {
        g_free (timing->times);
        g_free (timing);
    }
}

/* What was counted since @since (nullable) until now. */
static ToolTiming *
measure (const ToolTiming *since)
{
    ToolTiming *timing = tool_timing_new();

    for (size_t i = 0; i < timing->n; i++) {
        arec_phases_settle (&timing->times[i], since && i < since->n ? &since->times[i] : NULL);
    }
    return timing;
}

/* The first thread is the one that runs the command. Returns (transfer full). */
static char *
name_thread (size_t i)
{
    return i == 0 ? g_strdup ("caller") : g_strdup_printf ("worker %zu", i);
}

/* ---- the table ---- */

static void
put_row (GString *text, const char *thread, const char *phase, int64_t ns, int64_t sum)
{
    g_string_append_printf (text, "%-12s%-17s%12.6f%7.1f %%\n", thread, phase, seconds_of (ns),
                            sum > 0 ? 100.0 * (double)ns / (double)sum : 0.0);
}

static void
put_rows (GString *text, const char *thread, const ArecPhaseTimes *times)
{
    int64_t sum = arec_phases_sum (times);

    for (int phase = 0; phase < AREC_N_PHASES; phase++) {
        if (times->ns[phase] > 0) {
            put_row (text, thread, arec_phases_word ((ArecPhase)phase), times->ns[phase], sum);
            thread = "";
        }
    }
    put_row (text, thread, "total", sum, sum);
}

char *
tool_timing_table (void)
{
    g_autoptr (ToolTiming) timing = measure (NULL);
    GString *text = g_string_new (NULL);

    g_string_append_printf (text, "%-12s%-17s%12s%9s\n", "thread", "phase", "seconds", "share");
    for (size_t i = 0; i < timing->n; i++) {
        g_autofree char *thread = name_thread (i);

        put_rows (text, thread, &timing->times[i]);
    }
    return g_string_free (text, FALSE);
}

/* ---- JSON ---- */

static void
put_thread (ToolOutput *out, size_t i, const ArecPhaseTimes *times)
{
    g_autofree char *thread = name_thread (i);

    tool_output_format (out, "{\"thread\": \"%s\", \"seconds\": %.6f", thread,
                        seconds_of (arec_phases_sum (times)));
    for (int phase = 0; phase < AREC_N_PHASES; phase++) {
        if (times->ns[phase] > 0) {
            tool_output_format (out, ", \"%s\": %.6f", arec_phases_word ((ArecPhase)phase),
                                seconds_of (times->ns[phase]));
        }
    }
    tool_output_byte (out, '}');
}

void
tool_timing_put_json (ToolOutput *out, const ToolTiming *since)
{
    g_autoptr (ToolTiming) timing = measure (since);
    const char *gap = "\n  ";

    tool_output_text (out, "{\"threads\": [");
    for (size_t i = 0; i < timing->n; i++) {
        if (arec_phases_sum (&timing->times[i]) > 0) {
            tool_output_text (out, gap);
            put_thread (out, i, &timing->times[i]);
            gap = ",\n  ";
        }
    }
    tool_output_text (out, "]}");
}
