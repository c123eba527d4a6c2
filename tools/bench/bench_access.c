#include "bench/bench_access.h"

#include <inttypes.h>
#include <string.h>

#include "bench/bench_access_row.h"
#include "bench/bench_cold.h"
#include "bench/bench_data.h"
#include "bench/bench_files.h"
#include "bench/bench_measure.h"
#include "bench/bench_number.h"
#include "bench/bench_rows.h"
#include "frame/command_line.h"

#define DEFAULT_COUNT 1000
#define DEFAULT_BATCH 100
#define MAX_COUNT (UINT64_C (1) << 32)
#define MEGA 1e6

/* Thresholds of the advice. */
#define LEAST_SEQUENTIAL 0.5 /* of the speed at which the records are decoded */
#define MAX_RANDOM 10.0      /* times a read of a record in groups of 1 */

#define LEAST_BYTES 1e6 /* of the records of a row; with fewer, opening takes the time */

/* The sample that is written and read for comparison, by however slow a codec. */
#define SAMPLE_RECORDS 1000
#define SAMPLE_BYTES 2e6

/* The options as typed. */
typedef struct {
    char *count, *batch, *seed;
    gboolean cold;
} AccessText;

/* The work. */
typedef struct {
    const ToolCommandLine *line;
    ToolBenchAccessWork work;
    bool is_cold;
    ToolBenchAccessFigures rows[TOOL_BENCH_N_ACCESSES];
    /* What `bench codecs` says of a sample; 0: not measured. */
    double decode_mb_s; /* with the options of the file */
    double one_us;      /* a random read in groups of 1 */
    bool is_grouped;    /* the chunks of the file hold more than one record */
    char *advice[2];    /* of sequential, of random; NULL: none */
} Access;

static void
text_clear (AccessText *text)
{
    g_free (text->count);
    g_free (text->batch);
    g_free (text->seed);
}

static void
access_clear (Access *access)
{
    for (size_t i = 0; i < G_N_ELEMENTS (access->advice); i++) {
        g_free (access->advice[i]);
    }
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (AccessText, text_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Access, access_clear)

static bool
parse (Access *access, const AccessText *text, GError **error)
{
    ToolBenchAccessWork *work = &access->work;

    *work = (ToolBenchAccessWork){.files = access->line->operands,
                                  .n_files = access->line->n_operands,
                                  .count = DEFAULT_COUNT,
                                  .batch = DEFAULT_BATCH};
    access->is_cold = text->cold;
    return tool_bench_number_take ("--count", text->count, 1, MAX_COUNT, &work->count, error) &&
           tool_bench_number_take ("--batch", text->batch, 1, MAX_COUNT, &work->batch, error) &&
           tool_bench_number_take ("--seed", text->seed, 0, G_MAXUINT64, &work->seed, error);
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
run_rows (Access *access, GError **error)
{
    for (int i = 0; i < TOOL_BENCH_N_ACCESSES; i++) {
        if ((access->is_cold && !drop_files (access, i == 0, error)) ||
            !tool_bench_access_row_run ((ToolBenchAccess)i, &access->work, &access->rows[i],
                                        error)) {
            return false;
        }
    }
    return true;
}

/* ---- the advice ---- */

static double
speed_of (const ToolBenchAccessFigures *row)
{
    return row->time_s > 0 ? (double)row->bytes / MEGA / row->time_s : 0;
}

/* The options with which the first file was written, as far as the file says. */
static bool
find_options (const Access *access, ArecWriterOptions *options, GError **error)
{
    g_autoptr (ArecEngine) engine = arec_engine_new (NULL);
    g_autoptr (ArecReader) reader =
        arec_reader_open (engine, access->work.files[0], NULL, error);
    ArecFileInfo info;

    if (!reader) {
        return false;
    }
    arec_reader_file_info (reader, 0, &info);
    arec_writer_options_init (options);
    if (!info.options || !arec_writer_options_update (info.options, options, NULL)) {
        options->group_size = (uint32_t)CLAMP (info.group_size, 1, G_MAXINT32);
    }
    return true;
}

/* How many records to take, by the size of those that were read at random. */
static uint64_t
sample_count (const Access *access)
{
    const ToolBenchAccessFigures *row = &access->rows[TOOL_BENCH_RANDOM];
    double size = MAX ((double)row->bytes / (double)row->records, 1);

    return (uint64_t)CLAMP (SAMPLE_BYTES / size, 1, SAMPLE_RECORDS);
}

/* Writes and reads a sample of the records, as `bench codecs` does. */
static bool
measure_sample (Access *access, GError **error)
{
    g_auto (ToolBenchData) data = {0};
    g_auto (ToolBenchMeasure) measure = {.data = &data, .threads = 1};
    ToolBenchFigures own = {0}, one = {0};
    ArecWriterOptions options;

    if (!find_options (access, &options, error) ||
        !tool_bench_data_read (&data, access->work.files, access->work.n_files,
                               sample_count (access), error) ||
        !tool_bench_measure_open (&measure, NULL, error) ||
        !tool_bench_measure_run (&measure, &options, data.n_records, &own, error)) {
        return false;
    }
    access->is_grouped = options.group_size > 1;
    options.group_size = 1;
    if (!tool_bench_measure_run (&measure, &options, data.n_records, &one, error)) {
        return false;
    }
    access->decode_mb_s = own.read_s > 0 ? (double)data.size / MEGA / own.read_s : 0;
    access->one_us = one.random_us;
    return true;
}

static void
advise (Access *access)
{
    double speed = speed_of (&access->rows[TOOL_BENCH_SEQUENTIAL]);
    double random = access->rows[TOOL_BENCH_RANDOM].mean_us;

    if ((double)access->rows[TOOL_BENCH_SEQUENTIAL].bytes >= LEAST_BYTES &&
        speed < LEAST_SEQUENTIAL * access->decode_mb_s) {
        access->advice[0] = g_strdup_printf (
            "sequential: %.0f MB/s, where one thread decodes %.0f: a larger buffer or more "
            "threads, as --profile linux has them",
            speed, access->decode_mb_s);
    }
    if (access->is_grouped && random > MAX_RANDOM * access->one_us) {
        access->advice[1] = g_strdup_printf (
            "random: %.0f us a record, where one in groups of 1 takes %.1f us: smaller groups, "
            "as --profile random writes them",
            random, access->one_us);
    }
}

/* ---- the report ---- */

static double
percent_of (const ToolBenchAccessFigures *row)
{
    return row->time_s > 0 ? row->cpu_s / row->time_s * 100 : 0;
}

static double
rate_of (const ToolBenchAccessFigures *row)
{
    return row->time_s > 0 ? (double)row->records / row->time_s : 0;
}

static void
put_table (ToolOutput *out, const Access *access)
{
    tool_output_format (out, "%-10s %8s %6s %7s %7s %9s %7s %8s %8s %8s %7s %8s\n", "access",
                        "time s", "CPU %", "RSS MB", "d RSS", "records/s", "MB/s", "p50 us",
                        "p99 us", "max us", "chunks", "read MB");
    for (int i = 0; i < TOOL_BENCH_N_ACCESSES; i++) {
        const ToolBenchAccessFigures *row = &access->rows[i];

        tool_output_format (out, "%-10s %8.3f %6.0f %7.1f %+7.1f %9.0f %7.1f",
                            tool_bench_access_row_name ((ToolBenchAccess)i), row->time_s,
                            percent_of (row), row->rss_mb, row->rss_delta_mb, rate_of (row),
                            speed_of (row));
        tool_output_format (out, " %8.1f %8.1f %8.1f %7" PRIu64 " %8.2f\n", row->p50_us,
                            row->p99_us, row->max_us, row->chunks_decoded,
                            (double)row->bytes_read / MEGA);
    }
    for (size_t i = 0; i < G_N_ELEMENTS (access->advice); i++) {
        if (access->advice[i]) {
            tool_output_format (out, "advice: %s\n", access->advice[i]);
        }
    }
}

static void
put_row_json (ToolOutput *out, const Access *access, ToolBenchAccess number)
{
    const ToolBenchAccessFigures *row = &access->rows[number];
    const char *name = tool_bench_access_row_name (number);

    tool_output_format (out,
                        "\n  {\"access\": \"%s\", \"profile\": \"%s\", \"time_s\": %.6f, "
                        "\"cpu_percent\": %.1f, \"rss_mb\": %.3f, \"rss_delta_mb\": %.3f",
                        name, name, row->time_s, percent_of (row), row->rss_mb,
                        row->rss_delta_mb);
    tool_output_format (
        out,
        ", \"records\": %" PRIu64 ", \"records_s\": %.1f, \"mb_s\": %.3f, "
        "\"mean_us\": %.3f, \"p50_us\": %.3f, \"p99_us\": %.3f, \"max_us\": %.3f",
        row->records, rate_of (row), speed_of (row), row->mean_us, row->p50_us, row->p99_us,
        row->max_us);
    tool_output_format (out, ", \"chunks_decoded\": %" PRIu64 ", \"bytes_read\": %" PRIu64 "}",
                        row->chunks_decoded, row->bytes_read);
}

static void
put_json (ToolOutput *out, const Access *access)
{
    static const char *const rules[] = {"sequential", "random"};
    const char *separator = "";
    g_autofree char *source = g_strjoinv (" ", access->work.files);

    tool_output_text (out, "{\"source\": ");
    tool_output_json_string (out, source);
    tool_output_format (out, ", \"cold\": %s, \"batch\": %" PRIu64 ", \"seed\": %" PRIu64,
                        access->is_cold ? "true" : "false", access->work.batch,
                        access->work.seed);
    tool_output_text (out, ",\n\"rows\": [");
    for (int i = 0; i < TOOL_BENCH_N_ACCESSES; i++) {
        tool_output_text (out, i > 0 ? "," : "");
        put_row_json (out, access, (ToolBenchAccess)i);
    }
    tool_output_format (out,
                        "\n],\n\"decode_mb_s\": %.3f, \"group_1_us\": %.3f,\n\"advice\": [",
                        access->decode_mb_s, access->one_us);
    for (size_t i = 0; i < G_N_ELEMENTS (access->advice); i++) {
        if (access->advice[i]) {
            tool_output_format (out, "%s\n  {\"rule\": \"%s\", \"text\": ", separator,
                                rules[i]);
            tool_output_json_string (out, access->advice[i]);
            tool_output_byte (out, '}');
            separator = ",";
        }
    }
    tool_output_text (out, "]}\n");
}

int
tool_bench_access (const ToolCommand *command, int argc, char **argv)
{
    g_auto (AccessText) text = {0};
    const GOptionEntry entries[] = {
        {"count", 0, 0, G_OPTION_ARG_FILENAME, &text.count,
         "Records that each row reads (default: 1000)", "N"},
        {"batch", 0, 0, G_OPTION_ARG_FILENAME, &text.batch,
         "Records of one call of the row batch (default: 100)", "N"},
        {"seed", 0, 0, G_OPTION_ARG_FILENAME, &text.seed,
         "Of the order of the row random (default: 0)", "N"},
        {"cold", 0, 0, G_OPTION_ARG_NONE, &text.cold,
         "Drop FILE from the page cache before each row", NULL},
        G_OPTION_ENTRY_NULL,
    };
    g_auto (ToolCommandLine) line = {0};
    g_auto (Access) access = {.line = &line};
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
    if (parse (&access, &text, &error) && run_rows (&access, &error) &&
        measure_sample (&access, &error)) {
        advise (&access);
        if (line.json) {
            put_json (out, &access);
        } else {
            put_table (out, &access);
        }
    }
    return tool_command_finish (out, error);
}
