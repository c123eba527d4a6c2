#include "bench/bench_codecs.h"

#include <string.h>

#include "bench/bench_advice.h"
#include "bench/bench_data.h"
#include "bench/bench_disturbance.h"
#include "bench/bench_machine.h"
#include "bench/bench_measure.h"
#include "bench/bench_number.h"
#include "bench/bench_plot.h"
#include "bench/bench_report.h"
#include "bench/bench_rows.h"
#include "frame/command_line.h"

#define GUIDE_RECORDS 10000
#define MAX_RECORDS (UINT64_C (1) << 40)
#define MAX_REPEAT 1000
#define DEFAULT_REPEAT 3
#define DEFAULT_LIMIT 60 /* seconds of a row; more is estimated */
#define MAX_LIMIT 86400
#define LEAST_PLAN_RECORDS 16
#define PLAN_SECONDS 0.05 /* of writing, from which the whole is foreseen */

/* The options as typed. */
typedef struct {
    ToolBenchChoice choice;
    char *options, *levels, *group_sizes;
    char *records, *threads, *repeat, *limit;
    char *dir, *plot;
    gboolean csv, force;
} CodecsText;

/* The work. */
typedef struct {
    const ToolCommandLine *line;
    uint64_t n_records; /* as typed; 0: not given */
    uint64_t repeat;
    double limit;
    ToolBenchData data;
    ToolBenchMeasure measure;
    GPtrArray *rows;
    ToolProgress progress;
    uint64_t done;
} Codecs;

static void
text_clear (CodecsText *text)
{
    g_free (text->options);
    g_free (text->levels);
    g_free (text->group_sizes);
    g_free (text->records);
    g_free (text->threads);
    g_free (text->repeat);
    g_free (text->limit);
    g_free (text->dir);
    g_free (text->plot);
}

static void
codecs_clear (Codecs *codecs)
{
    tool_bench_measure_close (&codecs->measure);
    tool_bench_data_clear (&codecs->data);
    g_clear_pointer (&codecs->rows, g_ptr_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CodecsText, text_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Codecs, codecs_clear)

/* ---- the command line ---- */

static bool
take_limit (const char *text, double *limit, GError **error)
{
    char *end;

    if (!text) {
        return true;
    }
    *limit = g_ascii_strtod (text, &end);
    return (end != text && *end == '\0' && *limit > 0 && *limit <= MAX_LIMIT) ||
           arec_fail (error, AREC_ERROR_INVALID,
                      "--limit: invalid value: %s, expected seconds up to %d", text, MAX_LIMIT);
}

static bool
parse (Codecs *codecs, CodecsText *text, GError **error)
{
    uint64_t threads = 1;

    codecs->repeat = DEFAULT_REPEAT;
    codecs->limit = DEFAULT_LIMIT;
    if (!tool_bench_number_take ("--records", text->records, 1, MAX_RECORDS, &codecs->n_records,
                                 error) ||
        !tool_bench_number_take ("--threads", text->threads, 0, AREC_MAX_PARALLELISM, &threads,
                                 error) ||
        !tool_bench_number_take ("--repeat", text->repeat, 1, MAX_REPEAT, &codecs->repeat,
                                 error) ||
        !take_limit (text->limit, &codecs->limit, error)) {
        return false;
    }
    if (text->csv && codecs->line->json) {
        return arec_fail (error, AREC_ERROR_INVALID, "--csv and --json exclude each other");
    }
    codecs->measure.data = &codecs->data;
    codecs->measure.threads = MAX ((unsigned)threads, 1);
    text->choice = (ToolBenchChoice){text->options, text->levels, text->group_sizes};
    codecs->rows = tool_bench_rows_new (&text->choice, error);
    return codecs->rows &&
           (!text->plot || tool_bench_plot_check (text->plot, text->force, error));
}

static bool
load (Codecs *codecs, GError **error)
{
    const ToolCommandLine *line = codecs->line;

    return line->n_operands > 0
               ? tool_bench_data_read (&codecs->data, line->operands, line->n_operands,
                                       codecs->n_records, error)
               : tool_bench_data_make (
                     &codecs->data, codecs->n_records > 0 ? codecs->n_records : GUIDE_RECORDS,
                     error);
}

/* ---- the work ---- */

/* Finds how many records of @row are measured: writes more and more of them until it can be
 * foreseen how long all would take. */
static bool
plan (const Codecs *codecs, ToolBenchRow *row, GError **error)
{
    size_t total = codecs->data.n_records;
    size_t n = MIN (total, MAX (row->options.group_size, LEAST_PLAN_RECORDS));
    double seconds;

    for (;; n = n > total / 4 ? total : n * 4) {
        if (!tool_bench_measure_write (&codecs->measure, &row->options, n, &seconds, error)) {
            return false;
        }
        if (n == total || seconds >= PLAN_SECONDS) {
            break;
        }
    }
    row->n_records = tool_bench_rows_plan (row, n, seconds, total, codecs->limit);
    row->estimated = row->n_records < total;
    return true;
}

/* What of a row is progress: its bytes, roughly. */
static uint64_t
share_of (const Codecs *codecs, const ToolBenchRow *row)
{
    return (uint64_t)((double)codecs->data.size * (double)row->n_records /
                      (double)codecs->data.n_records);
}

static bool
run_round (Codecs *codecs, GError **error)
{
    for (guint i = 0; i < codecs->rows->len; i++) {
        ToolBenchRow *row = g_ptr_array_index (codecs->rows, i);
        ToolBenchFigures figures = {0};

        if (!tool_bench_measure_run (&codecs->measure, &row->options, row->n_records, &figures,
                                     error)) {
            g_prefix_error (error, "%s: ", row->text);
            return false;
        }
        figures = tool_bench_rows_scale (&figures, row->n_records, codecs->data.n_records);
        tool_bench_rows_add_round (row, &figures);
        codecs->done += share_of (codecs, row);
        tool_progress_reach (&codecs->progress, codecs->done);
    }
    return true;
}

static bool
run (Codecs *codecs, GError **error)
{
    uint64_t total = 0;

    for (guint i = 0; i < codecs->rows->len; i++) {
        ToolBenchRow *row = g_ptr_array_index (codecs->rows, i);

        if (!plan (codecs, row, error)) {
            g_prefix_error (error, "%s: ", row->text);
            return false;
        }
        total += share_of (codecs, row) * codecs->repeat;
    }
    tool_progress_start (&codecs->progress, codecs->line->quiet, TOOL_PROGRESS_BYTES, total);
    for (uint64_t round = 0; round < codecs->repeat; round++) {
        if (!run_round (codecs, error)) {
            return false;
        }
    }
    return true;
}

static bool
run_watched (Codecs *codecs, GError **error)
{
    ToolBenchDisturbance disturbance;

    tool_bench_disturbance_begin (&disturbance);
    if (!run (codecs, error)) {
        return false;
    }
    tool_bench_disturbance_tell (&disturbance);
    return true;
}

static bool
report (const Codecs *codecs, const CodecsText *text, ToolOutput *out, GError **error)
{
    g_autoptr (GArray) advice = tool_bench_advice_new (codecs->rows);
    g_auto (ToolBenchMachine) machine = {0};
    const ToolBenchReport report = {
        .data = &codecs->data, .machine = &machine, .rows = codecs->rows, .advice = advice};

    tool_bench_machine_get (&machine);
    if (codecs->line->json) {
        tool_bench_report_put_json (out, &report);
    } else if (text->csv) {
        tool_bench_report_put_csv (out, &report);
    } else {
        tool_bench_report_put_table (out, &report);
    }
    return !text->plot || tool_bench_plot_write (text->plot, &report, error);
}

int
tool_bench_codecs (const ToolCommand *command, int argc, char **argv)
{
    g_auto (CodecsText) text = {0};
    const GOptionEntry entries[] = {
        {"options", 0, 0, G_OPTION_ARG_FILENAME, &text.options,
         "Rows: option strings of the writer, separated by blanks", "LIST"},
        {"levels", 0, 0, G_OPTION_ARG_FILENAME, &text.levels,
         "Rows: every level of brotli and zstd", "all"},
        {"group-size", 0, 0, G_OPTION_ARG_FILENAME, &text.group_sizes,
         "Records of a chunk, each for all rows (default: 1,100)", "N,N..."},
        {"records", 0, 0, G_OPTION_ARG_FILENAME, &text.records,
         "Records to take (default: what fits 256 MiB; without FILE 10000)", "N"},
        {"threads", 0, 0, G_OPTION_ARG_FILENAME, &text.threads,
         "Threads that encode and decode (default: 1)", "N"},
        {"repeat", 0, 0, G_OPTION_ARG_FILENAME, &text.repeat,
         "Rounds, of which the medians are shown (default: 3)", "N"},
        {"limit", 0, 0, G_OPTION_ARG_FILENAME, &text.limit,
         "A row that is slower to write is estimated from fewer records (default: 60)",
         "SECONDS"},
        {"dir", 0, 0, G_OPTION_ARG_FILENAME, &text.dir,
         "Folder of the file that is written, which has no name (default: $TMPDIR)", "DIR"},
        {"csv", 0, 0, G_OPTION_ARG_NONE, &text.csv, "Write CSV", NULL},
        {"plot", 0, 0, G_OPTION_ARG_FILENAME, &text.plot, "Also draw ratio over speed, as SVG",
         "FILE"},
        {"force", 'f', 0, G_OPTION_ARG_NONE, &text.force, "Replace an existing plot", NULL},
        G_OPTION_ENTRY_NULL,
    };
    g_auto (ToolCommandLine) line = {0};
    g_auto (Codecs) codecs = {.line = &line};
    g_autoptr (ToolOutput) out = NULL;
    g_autoptr (GError) error = NULL;
    int exit_code;

    if (!tool_command_line_parse (command, argc, argv, entries, &line, &exit_code)) {
        return exit_code;
    }
    out = tool_command_stdout();
    if (parse (&codecs, &text, &error) && load (&codecs, &error) &&
        tool_bench_measure_open (&codecs.measure, text.dir, &error) &&
        run_watched (&codecs, &error)) {
        report (&codecs, &text, out, &error);
    }
    return tool_command_finish (out, error);
}
