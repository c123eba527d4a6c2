#include "bench/bench_access.h"

#include <string.h>

#include "bench/bench_access_advice.h"
#include "bench/bench_access_report.h"
#include "bench/bench_access_row.h"
#include "bench/bench_cold.h"
#include "bench/bench_data.h"
#include "bench/bench_disturbance.h"
#include "bench/bench_files.h"
#include "bench/bench_measure.h"
#include "bench/bench_mount_row.h"
#include "bench/bench_number.h"
#include "bench/bench_plot.h"
#include "bench/bench_rows.h"
#include "bench/bench_server.h"
#include "frame/command_line.h"

#define DEFAULT_COUNT 1000
#define DEFAULT_BATCH 100
#define DEFAULT_REPEAT 3
#define MAX_REPEAT 1000
#define MAX_COUNT (UINT64_C (1) << 32)

/* The sample that is written and read for comparison, by however slow a codec. */
#define SAMPLE_RECORDS 1000
#define SAMPLE_BYTES 2e6

/* The options as typed. */
typedef struct {
    char *count, *batch, *seed, *repeat, *plot;
    gboolean cold, csv, force;
} AccessText;

/* What the two commands differ in. */
typedef struct {
    bool is_mount;
    bool (*measure) (ToolBenchAccess access, const ToolBenchAccessWork *work,
                     ToolBenchAccessFigures *figures, GError **error);
} Way;

/* The work. */
typedef struct {
    const ToolCommandLine *line;
    const Way *way;
    ToolBenchAccessWork work;
    uint64_t repeat;
    bool is_cold;
    ToolBenchAccessRounds rows[TOOL_BENCH_N_ACCESSES];
    ArecWriterOptions options; /* of the first file */
    ToolBenchSample sample;
    ToolBenchAccessAdvice advice[2];
} Access;

static void
text_clear (AccessText *text)
{
    g_free (text->count);
    g_free (text->batch);
    g_free (text->seed);
    g_free (text->repeat);
    g_free (text->plot);
}

static void
access_clear (Access *access)
{
    for (int i = 0; i < TOOL_BENCH_N_ACCESSES; i++) {
        tool_bench_access_figures_clear (&access->rows[i]);
    }
    for (size_t i = 0; i < G_N_ELEMENTS (access->advice); i++) {
        g_free (access->advice[i].text);
    }
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (AccessText, text_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Access, access_clear)

static bool
parse (Access *access, const AccessText *text, GError **error)
{
    ToolBenchPlan *plan = &access->work.plan;

    access->work.files = access->line->operands;
    access->work.n_files = access->line->n_operands;
    plan->count = DEFAULT_COUNT;
    plan->batch = DEFAULT_BATCH;
    access->repeat = DEFAULT_REPEAT;
    access->is_cold = text->cold;
    if (!tool_bench_number_take ("--count", text->count, 1, MAX_COUNT, &plan->count, error) ||
        !tool_bench_number_take ("--batch", text->batch, 1, MAX_COUNT, &plan->batch, error) ||
        !tool_bench_number_take ("--seed", text->seed, 0, G_MAXUINT64, &plan->seed, error) ||
        !tool_bench_number_take ("--repeat", text->repeat, 1, MAX_REPEAT, &access->repeat,
                                 error)) {
        return false;
    }
    if (text->csv && access->line->json) {
        return arec_fail (error, AREC_ERROR_INVALID, "--csv and --json exclude each other");
    }
    return !text->plot || tool_bench_plot_check (text->plot, text->force, error);
}

/* Finds how many records there are, and with which options the first file was written, as far
 * as it says. */
static bool
inspect (Access *access, GError **error)
{
    const ArecEngineOptions no_threads = {.max_parallelism = 1, .no_threads = true};
    g_autoptr (ArecEngine) engine = arec_engine_new (&no_threads);
    g_autoptr (ArecReader) reader =
        tool_bench_files_open (access->work.files, access->work.n_files, engine, NULL, error);
    ArecWriterOptions *options = &access->options;
    ToolBenchPlan *plan = &access->work.plan;
    ArecFileInfo info;

    if (!reader) {
        return false;
    }
    plan->n_records = arec_reader_n_records (reader);
    plan->count = MIN (plan->count, plan->n_records);
    arec_reader_file_info (reader, 0, &info);
    arec_writer_options_init (options);
    if (!info.options || !arec_writer_options_update (info.options, options, NULL)) {
        options->group_size = (uint32_t)CLAMP (info.group_size, 1, G_MAXINT32);
    }
    return true;
}

/* ---- the rows ---- */

/* Drops the files from the page cache. @tells  says where that has no effect. */
static bool
drop_files (const Access *access, bool tells, GError **error)
{
    g_autoptr (ArecSourceList) list =
        tool_bench_files_list (access->work.files, access->work.n_files, error);

    for (size_t i = 0; list && i < arec_source_list_length (list); i++) {
        const char *path = arec_source_list_get (list, i)->path;

        if (!tool_bench_cold_drop (path) && tells) {
            g_autofree char *text =
                g_strdup_printf ("%s: stays in memory: --cold has no effect on it", path);

            tool_command_tell (text);
        }
    }
    return list != NULL;
}

static bool
run_round (Access *access, bool is_first, GError **error)
{
    for (int i = 0; i < TOOL_BENCH_N_ACCESSES; i++) {
        ToolBenchAccessFigures figures = {0};

        if ((access->is_cold && !drop_files (access, is_first && i == 0, error)) ||
            !access->way->measure ((ToolBenchAccess)i, &access->work, &figures, error)) {
            return false;
        }
        tool_bench_access_figures_add (&access->rows[i], &figures);
    }
    return true;
}

/* Rounds over all rows, so that a disturbance does not hit one row alone. */
static bool
run_rounds (Access *access, GError **error)
{
    ToolBenchDisturbance disturbance;

    tool_bench_disturbance_begin (&disturbance);
    for (uint64_t round = 0; round < access->repeat; round++) {
        if (!run_round (access, round == 0, error)) {
            return false;
        }
    }
    tool_bench_disturbance_tell (&disturbance);
    return true;
}

/* ---- the sample ---- */

/* How many records to take, by the size of those that were read at random. */
static uint64_t
sample_count (const Access *access)
{
    const ToolBenchCalls *calls = &access->rows[TOOL_BENCH_RANDOM].median.calls;
    double size = MAX (calls->bytes / calls->records, 1);

    return (uint64_t)CLAMP (SAMPLE_BYTES / size, 1, SAMPLE_RECORDS);
}

/* Writes and reads a sample of the records, as `bench codecs` does. */
static bool
measure_sample (Access *access, GError **error)
{
    g_auto (ToolBenchData) data = {0};
    g_auto (ToolBenchMeasure) measure = {.data = &data, .threads = 1};
    ToolBenchFigures own = {0}, one = {0};
    ArecWriterOptions options = access->options;

    if (!tool_bench_data_read (&data, access->work.files, access->work.n_files,
                               sample_count (access), error) ||
        !tool_bench_measure_open (&measure, NULL, error) ||
        !tool_bench_measure_run (&measure, &options, data.n_records, &own, error)) {
        return false;
    }
    options.group_size = 1;
    if (!tool_bench_measure_run (&measure, &options, data.n_records, &one, error)) {
        return false;
    }
    access->sample = (ToolBenchSample){
        .decode_mb_s = own.read_s > 0 ? (double)data.size / 1e6 / own.read_s : 0,
        .own_us = own.random_us,
        .one_us = one.random_us,
        .is_grouped = access->options.group_size > 1};
    return true;
}

/* ---- the report ---- */

static bool
report (Access *access, const AccessText *text, ToolOutput *out, GError **error)
{
    g_auto (ToolBenchMachine) machine = {0};
    const ToolBenchAccessReport found = {.work = &access->work,
                                         .machine = &machine,
                                         .is_mount = access->way->is_mount,
                                         .is_cold = access->is_cold,
                                         .rows = access->rows,
                                         .sample = &access->sample,
                                         .advice = access->advice};

    tool_bench_machine_get (&machine);
    tool_bench_access_advice_make (access->rows, access->way->is_mount, &access->sample,
                                   access->advice);
    if (access->line->json) {
        tool_bench_access_report_put_json (out, &found);
    } else if (text->csv) {
        tool_bench_access_report_put_csv (out, &found);
    } else {
        tool_bench_access_report_put_table (out, &found);
    }
    return !text->plot || tool_bench_plot_write_access (text->plot, &found, error);
}

/* Ends the command: a failure of arecfs has its exit code. */
static int
finish (ToolOutput *out, const GError *error)
{
    int exit_code = tool_command_finish (out, error);

    return error && error->domain == TOOL_BENCH_SERVER_ERROR ? error->code : exit_code;
}

static int
run (const ToolCommand *command, const Way *way, int argc, char **argv)
{
    g_auto (AccessText) text = {0};
    const GOptionEntry entries[] = {
        {"count", 0, 0, G_OPTION_ARG_FILENAME, &text.count,
         "Records that each row reads (default: 1000)", "N"},
        {"batch", 0, 0, G_OPTION_ARG_FILENAME, &text.batch,
         "Records of one call of the row batch (default: 100)", "N"},
        {"seed", 0, 0, G_OPTION_ARG_FILENAME, &text.seed,
         "Of the order of the row random (default: 0)", "N"},
        {"repeat", 0, 0, G_OPTION_ARG_FILENAME, &text.repeat,
         "Rounds, of which the medians are shown (default: 3)", "N"},
        {"cold", 0, 0, G_OPTION_ARG_NONE, &text.cold,
         "Drop FILE from the page cache before each row", NULL},
        {"csv", 0, 0, G_OPTION_ARG_NONE, &text.csv, "Write CSV", NULL},
        {"plot", 0, 0, G_OPTION_ARG_FILENAME, &text.plot,
         "Also draw speeds and times of calls, as SVG", "FILE"},
        {"force", 'f', 0, G_OPTION_ARG_NONE, &text.force, "Replace an existing plot", NULL},
        G_OPTION_ENTRY_NULL,
    };
    g_auto (ToolCommandLine) line = {0};
    g_auto (Access) access = {.line = &line, .way = way};
    g_autoptr (ToolOutput) out = NULL;
    g_autoptr (GError) error = NULL;
    int exit_code;

    if (!tool_command_line_parse (command, argc, argv, entries, &line, &exit_code)) {
        return exit_code;
    }
    if (line.n_operands == 0) {
        return tool_command_tell_usage (command, "FILE is missing");
    }
    out = tool_command_stdout();
    if (parse (&access, &text, &error) && inspect (&access, &error) &&
        run_rounds (&access, &error) && measure_sample (&access, &error)) {
        report (&access, &text, out, &error);
    }
    return finish (out, error);
}

int
tool_bench_access (const ToolCommand *command, int argc, char **argv)
{
    static const Way way = {.is_mount = false, .measure = tool_bench_access_row_run};

    return run (command, &way, argc, argv);
}

int
tool_bench_access_mount (const ToolCommand *command, int argc, char **argv)
{
    static const Way way = {.is_mount = true, .measure = tool_bench_mount_row_run};

    return run (command, &way, argc, argv);
}
