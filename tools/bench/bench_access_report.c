#include "bench/bench_access_report.h"

#include <inttypes.h>
#include <string.h>

#define MEGA 1e6

/* ---- the table ---- */

static void
put_row (ToolOutput *out, const ToolBenchAccessReport *report, ToolBenchAccess access)
{
    const ToolBenchAccessFigures *row = &report->rows[access].median;

    tool_output_format (out, "%-10s %8.3f %6.0f %7.1f %+7.1f %9.0f %7.1f",
                        tool_bench_calls_name (access), row->time_s,
                        tool_bench_access_figures_cpu_percent (row), row->rss_mb,
                        row->rss_delta_mb, tool_bench_access_figures_rate (row),
                        tool_bench_access_figures_speed (row));
    tool_output_format (out, " %8.1f %8.1f %8.1f %7.0f %8.2f", row->calls.p50_us,
                        row->calls.p99_us, row->calls.max_us, row->chunks_decoded,
                        row->bytes_read / MEGA);
    if (report->is_mount) {
        tool_output_format (out, " %7.2f", tool_bench_access_figures_requests (row));
    }
    tool_output_byte (out, '\n');
}

/* How far the rounds of one row lie apart, at most. */
static void
put_spread (ToolOutput *out, const ToolBenchAccessReport *report)
{
    double spread = 0;
    size_t n_rounds = report->rows[0].n_rounds, n_outliers = 0;

    for (int i = 0; i < TOOL_BENCH_N_ACCESSES; i++) {
        spread = MAX (spread, report->rows[i].time.spread);
        n_outliers += report->rows[i].time.outliers;
    }
    if (n_rounds > 1) {
        tool_output_format (out, "spread of %zu rounds: time %.0f %% at most, %zu outliers\n",
                            n_rounds, spread * 100, n_outliers);
    }
}

void
tool_bench_access_report_put_table (ToolOutput *out, const ToolBenchAccessReport *report)
{
    tool_output_format (out, "%-10s %8s %6s %7s %7s %9s %7s %8s %8s %8s %7s %8s", "access",
                        "time s", "CPU %", "RSS MB", "d RSS", "records/s", "MB/s", "p50 us",
                        "p99 us", "max us", "chunks", "read MB");
    tool_output_text (out, report->is_mount ? " req/rec\n" : "\n");
    for (int i = 0; i < TOOL_BENCH_N_ACCESSES; i++) {
        put_row (out, report, (ToolBenchAccess)i);
    }
    put_spread (out, report);
    for (size_t i = 0; i < 2; i++) {
        if (report->advice[i].text) {
            tool_output_format (out, "advice: %s\n", report->advice[i].text);
        }
    }
}

/* ---- JSON and CSV ---- */

typedef struct {
    const char *name;
    int digits;
    double number;
} Member;

enum { MAX_MEMBERS = 24 };

/* The numbers of a row; those of a mount come last. Returns how many. */
static size_t
make_members (const ToolBenchAccessReport *report, ToolBenchAccess access,
              Member members[MAX_MEMBERS])
{
    const ToolBenchAccessRounds *rounds = &report->rows[access];
    const ToolBenchAccessFigures *row = &rounds->median;
    const Member all[] = {
        {"time_s", 6, row->time_s},
        {"time_mean_s", 6, rounds->time.mean},
        {"time_spread", 4, rounds->time.spread},
        {"outliers", 0, (double)rounds->time.outliers},
        {"cpu_s", 6, row->cpu_s},
        {"cpu_percent", 1, tool_bench_access_figures_cpu_percent (row)},
        {"rss_mb", 3, row->rss_mb},
        {"rss_delta_mb", 3, row->rss_delta_mb},
        {"records", 0, row->calls.records},
        {"bytes", 0, row->calls.bytes},
        {"records_s", 1, tool_bench_access_figures_rate (row)},
        {"mb_s", 3, tool_bench_access_figures_speed (row)},
        {"mean_us", 3, row->calls.mean_us},
        {"p50_us", 3, row->calls.p50_us},
        {"p99_us", 3, row->calls.p99_us},
        {"max_us", 3, row->calls.max_us},
        {"chunks_decoded", 0, row->chunks_decoded},
        {"bytes_read", 0, row->bytes_read},
        /* Of a mount: */
        {"requests", 0, row->requests},
        {"requests_record", 4, tool_bench_access_figures_requests (row)},
        {"mount_s", 6, row->mount_s},
        {"again_s", 6, row->again_s},
    };
    size_t n = G_N_ELEMENTS (all) - (report->is_mount ? 0 : 4);

    G_STATIC_ASSERT (G_N_ELEMENTS (all) <= MAX_MEMBERS);
    memcpy (members, all, n * sizeof *members);
    return n;
}

static void
put_row_json (ToolOutput *out, const ToolBenchAccessReport *report, ToolBenchAccess access)
{
    const char *name = tool_bench_calls_name (access);
    Member members[MAX_MEMBERS];
    size_t n = make_members (report, access, members);

    tool_output_format (out, "\n  {\"access\": \"%s\", \"profile\": \"%s\"", name, name);
    for (size_t i = 0; i < n; i++) {
        tool_output_format (out, ", \"%s\": %.*f", members[i].name, members[i].digits,
                            members[i].number);
    }
    tool_output_byte (out, '}');
}

static void
put_head_json (ToolOutput *out, const ToolBenchAccessReport *report)
{
    const ToolBenchPlan *plan = &report->work->plan;
    g_autofree char *source = g_strjoinv (" ", report->work->files);

    tool_output_text (out, "{\"source\": ");
    tool_output_json_string (out, source);
    tool_output_format (
        out,
        ", \"cold\": %s, \"batch\": %" PRIu64 ", \"seed\": %" PRIu64 ", \"rounds\": %zu,\n",
        report->is_cold ? "true" : "false", plan->batch, plan->seed, report->rows[0].n_rounds);
    tool_bench_machine_put_json (out, report->machine);
}

void
tool_bench_access_report_put_json (ToolOutput *out, const ToolBenchAccessReport *report)
{
    const char *separator = "";

    put_head_json (out, report);
    tool_output_text (out, ",\n\"rows\": [");
    for (int i = 0; i < TOOL_BENCH_N_ACCESSES; i++) {
        tool_output_text (out, i > 0 ? "," : "");
        put_row_json (out, report, (ToolBenchAccess)i);
    }
    tool_output_format (out,
                        "\n],\n\"decode_mb_s\": %.3f, \"group_1_us\": %.3f,\n\"advice\": [",
                        report->sample->decode_mb_s, report->sample->one_us);
    for (size_t i = 0; i < 2; i++) {
        if (report->advice[i].text) {
            tool_output_format (out, "%s\n  {\"rule\": \"%s\", \"text\": ", separator,
                                report->advice[i].rule);
            tool_output_json_string (out, report->advice[i].text);
            tool_output_byte (out, '}');
            separator = ",";
        }
    }
    tool_output_text (out, "]}\n");
}

void
tool_bench_access_report_put_csv (ToolOutput *out, const ToolBenchAccessReport *report)
{
    Member members[MAX_MEMBERS];
    size_t n = make_members (report, TOOL_BENCH_SEQUENTIAL, members);

    tool_output_text (out, "access,profile");
    for (size_t i = 0; i < n; i++) {
        tool_output_format (out, ",%s", members[i].name);
    }
    tool_output_byte (out, '\n');
    for (int row = 0; row < TOOL_BENCH_N_ACCESSES; row++) {
        const char *name = tool_bench_calls_name ((ToolBenchAccess)row);

        make_members (report, (ToolBenchAccess)row, members);
        tool_output_format (out, "%s,%s", name, name);
        for (size_t i = 0; i < n; i++) {
            tool_output_format (out, ",%.*f", members[i].digits, members[i].number);
        }
        tool_output_byte (out, '\n');
    }
}
