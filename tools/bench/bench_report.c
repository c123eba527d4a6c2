#include "bench/bench_report.h"

#include <string.h>

#define MEGA 1e6

double
tool_bench_report_speed (const ToolBenchReport *report, double seconds)
{
    return seconds > 0 ? (double)report->data->size / MEGA / seconds : 0;
}

double
tool_bench_report_ratio (const ToolBenchReport *report, const ToolBenchRow *row)
{
    return row->median.file_size > 0 ? (double)report->data->size / row->median.file_size : 0;
}

static const ToolBenchRow *
row_at (const ToolBenchReport *report, guint i)
{
    return g_ptr_array_index (report->rows, i);
}

/* ---- the table ---- */

static int
codec_width (const ToolBenchReport *report)
{
    size_t width = strlen ("uncompressed");

    for (guint i = 0; i < report->rows->len; i++) {
        width = MAX (width, strlen (row_at (report, i)->codec));
    }
    return (int)width;
}

static void
put_row (ToolOutput *out, const ToolBenchReport *report, const ToolBenchRow *row, int width)
{
    const ToolBenchFigures *median = &row->median;
    g_autofree char *seconds =
        g_strdup_printf ("%s%.3f", row->estimated ? "~" : "", median->write_s);

    tool_output_format (out, "%-*s %6" G_GUINT32_FORMAT " %8s %6.1f %6.3f %7.3f %6.1f", width,
                        row->codec, row->options.group_size, seconds,
                        tool_bench_report_speed (report, median->write_s), median->write_cpu_s,
                        median->read_s, tool_bench_report_speed (report, median->read_s));
    tool_output_format (out, " %10.1f %8.2f %6.2f\n", median->random_us,
                        median->file_size / MEGA, tool_bench_report_ratio (report, row));
}

/* How far the rounds of one row lie apart, at most. */
static void
put_spread (ToolOutput *out, const ToolBenchReport *report)
{
    double write = 0, read = 0;
    size_t n_rounds = 0, n_outliers = 0;

    for (guint i = 0; i < report->rows->len; i++) {
        const ToolBenchRow *row = row_at (report, i);

        write = MAX (write, row->write.spread);
        read = MAX (read, row->read.spread);
        n_outliers += row->write.outliers + row->read.outliers;
        n_rounds = MAX (n_rounds, row->n_rounds);
    }
    if (n_rounds > 1) {
        tool_output_format (
            out, "spread of %zu rounds: write %.0f %%, read %.0f %% at most, %zu outliers\n",
            n_rounds, write * 100, read * 100, n_outliers);
    }
}

void
tool_bench_report_put_table (ToolOutput *out, const ToolBenchReport *report)
{
    int width = codec_width (report);

    tool_output_format (out, "%-*s %6s %8s %6s %6s %7s %6s %10s %8s %6s\n", width, "codec",
                        "group", "write s", "MB/s", "CPU s", "read s", "MB/s", "random us",
                        "size MB", "ratio");
    for (guint i = 0; i < report->rows->len; i++) {
        put_row (out, report, row_at (report, i), width);
    }
    put_spread (out, report);
    for (guint i = 0; i < report->advice->len; i++) {
        const ToolBenchAdvice *advice = &g_array_index (report->advice, ToolBenchAdvice, i);
        bool is_command = g_str_has_prefix (advice->title, "--");

        tool_output_format (out, is_command ? "advice: %s %s\n" : "advice: %s  (%s)\n",
                            advice->title, advice->text);
    }
}

/* ---- JSON and CSV ---- */

static void
put_data_json (ToolOutput *out, const ToolBenchReport *report)
{
    tool_output_text (out, "{\"data\": {\"source\": ");
    tool_output_json_string (out, report->data->source);
    tool_output_format (out, ", \"records\": %zu, \"bytes\": %zu},\n", report->data->n_records,
                        report->data->size);
    tool_bench_machine_put_json (out, report->machine);
    tool_output_text (out, ",\n\"rows\": [");
}

typedef struct {
    const char *name;
    int digits;
    double number;
} Member;

enum { MAX_MEMBERS = 24 };

/* The numbers of a row. Returns how many. */
static size_t
make_members (const ToolBenchReport *report, const ToolBenchRow *row,
              Member members[MAX_MEMBERS])
{
    const ToolBenchFigures *median = &row->median;
    const Member all[] = {
        {"group_size", 0, row->options.group_size},
        {"write_s", 6, median->write_s},
        {"write_cpu_s", 6, median->write_cpu_s},
        {"write_mb_s", 3, tool_bench_report_speed (report, median->write_s)},
        {"read_s", 6, median->read_s},
        {"read_mb_s", 3, tool_bench_report_speed (report, median->read_s)},
        {"random_us", 3, median->random_us},
        {"rss_mb", 3, median->rss_mb},
        {"file_size", 0, median->file_size},
        {"ratio", 4, tool_bench_report_ratio (report, row)},
        {"write_mean_s", 6, row->write.mean},
        {"write_spread", 4, row->write.spread},
        {"read_mean_s", 6, row->read.mean},
        {"read_spread", 4, row->read.spread},
        {"outliers", 0, (double)(row->write.outliers + row->read.outliers)},
    };

    G_STATIC_ASSERT (G_N_ELEMENTS (all) <= MAX_MEMBERS);
    memcpy (members, all, sizeof all);
    return G_N_ELEMENTS (all);
}

void
tool_bench_report_put_json (ToolOutput *out, const ToolBenchReport *report)
{
    Member members[MAX_MEMBERS];
    size_t n;

    put_data_json (out, report);
    for (guint i = 0; i < report->rows->len; i++) {
        const ToolBenchRow *row = row_at (report, i);

        tool_output_text (out, i > 0 ? ",\n  {\"options\": " : "\n  {\"options\": ");
        tool_output_json_string (out, row->text);
        n = make_members (report, row, members);
        for (size_t k = 0; k < n; k++) {
            tool_output_format (out, ", \"%s\": %.*f", members[k].name, members[k].digits,
                                members[k].number);
        }
        tool_output_format (out, ", \"estimated\": %s}", row->estimated ? "true" : "false");
    }
    tool_output_text (out, "\n],\n\"advice\": [");
    for (guint i = 0; i < report->advice->len; i++) {
        const ToolBenchAdvice *advice = &g_array_index (report->advice, ToolBenchAdvice, i);

        tool_output_format (out, "%s\n  {\"rule\": \"%s\", \"text\": ", i > 0 ? "," : "",
                            advice->rule);
        tool_output_json_string (out, advice->text);
        tool_output_text (out, ", \"options\": ");
        tool_output_json_string (out, advice->options);
        tool_output_byte (out, '}');
    }
    tool_output_text (out, report->advice->len > 0 ? "\n]}\n" : "]}\n");
}

void
tool_bench_report_put_csv (ToolOutput *out, const ToolBenchReport *report)
{
    Member members[MAX_MEMBERS];
    size_t n = make_members (report, row_at (report, 0), members);

    tool_output_text (out, "options");
    for (size_t i = 0; i < n; i++) {
        tool_output_format (out, ",%s", members[i].name);
    }
    tool_output_text (out, ",estimated\n");
    for (guint row = 0; row < report->rows->len; row++) {
        make_members (report, row_at (report, row), members);
        tool_output_format (out, "\"%s\"", row_at (report, row)->text);
        for (size_t i = 0; i < n; i++) {
            tool_output_format (out, ",%.*f", members[i].digits, members[i].number);
        }
        tool_output_format (out, ",%s\n", row_at (report, row)->estimated ? "true" : "false");
    }
}
