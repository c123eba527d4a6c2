#include "bench/bench_plot.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench/plot_bars.h"
#include "bench/plot_svg.h"

bool
tool_bench_plot_check (const char *path, bool replace, GError **error)
{
    struct stat st;

    if (lstat (path, &st) != 0) {
        return true;
    }
    if (stat (path, &st) != 0 || !S_ISREG (st.st_mode)) {
        return arec_fail (error, AREC_ERROR_IO, "%s: is no file", path);
    }
    return replace || arec_fail (error, AREC_ERROR_IO, "%s: exists; -f replaces it", path);
}

/* The family of a codec: `zstd` of `zstd:3,transpose`. Returns (transfer full). */
static char *
family_of (const char *codec)
{
    return g_strndup (codec, strcspn (codec, ":,"));
}

static char *
make_svg (const ToolBenchReport *report)
{
    guint n = report->rows->len;
    g_autofree ToolPlotMark *marks = g_new0 (ToolPlotMark, n);
    g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
    g_autofree char *title =
        g_strdup_printf ("%s: %zu records, %.4g MB", report->data->source,
                         report->data->n_records, (double)report->data->size / 1e6);
    const ToolPlot plot = {
        .title = title,
        .x_titles = {"written, MB/s", "read in order, MB/s"},
        .y_title = "ratio of decoded to stored bytes",
        .marks = marks,
        .n_marks = n,
    };

    for (guint i = 0; i < n; i++) {
        const ToolBenchRow *row = g_ptr_array_index (report->rows, i);
        char *family = family_of (row->codec);
        char *group =
            g_strdup_printf ("group_size:%" G_GUINT32_FORMAT, row->options.group_size);

        g_ptr_array_add (texts, family);
        g_ptr_array_add (texts, group);
        marks[i] = (ToolPlotMark){
            .label = row->codec,
            .family = family,
            .group = group,
            .x = {tool_bench_report_speed (report, row->median.write_s),
                  tool_bench_report_speed (report, row->median.read_s)},
            .y = tool_bench_report_ratio (report, row),
        };
    }
    return tool_plot_svg_new (&plot);
}

/* Of each way of reading the speed and the times of its calls. */
static char *
make_access_svg (const ToolBenchAccessReport *report)
{
    static const char *const families[] = {"MB/s", "p50", "p99", "max"};
    g_autofree char *source = g_strjoinv (" ", report->work->files);
    g_autofree char *title =
        g_strdup_printf ("%s: %.0f records%s", source, report->rows[0].median.calls.records,
                         report->is_mount ? ", through a mount" : "");
    ToolPlotBar speeds[TOOL_BENCH_N_ACCESSES], times[3 * TOOL_BENCH_N_ACCESSES];
    const ToolPlotPanel panels[] = {
        {.title = "MB/s", .bars = speeds, .n_bars = G_N_ELEMENTS (speeds)},
        {.title = "microseconds of a call, logarithmic",
         .is_logarithmic = true,
         .bars = times,
         .n_bars = G_N_ELEMENTS (times)},
    };

    for (int i = 0; i < TOOL_BENCH_N_ACCESSES; i++) {
        const ToolBenchAccessFigures *row = &report->rows[i].median;
        const char *name = tool_bench_calls_name ((ToolBenchAccess)i);

        speeds[i] = (ToolPlotBar){name, families[0], tool_bench_access_figures_speed (row)};
        times[3 * i] = (ToolPlotBar){name, families[1], row->calls.p50_us};
        times[3 * i + 1] = (ToolPlotBar){name, families[2], row->calls.p99_us};
        times[3 * i + 2] = (ToolPlotBar){name, families[3], row->calls.max_us};
    }
    return tool_plot_bars_new (title, panels, G_N_ELEMENTS (panels), families,
                               G_N_ELEMENTS (families));
}

/* The file appears as a whole, also if a signal ends the process meanwhile. */
static bool
write_svg (const char *path, const char *svg, GError **error)
{
    g_autofree char *target = realpath (path, NULL); /* GLib would replace a link itself */
    g_autoptr (GError) cause = NULL;
    sigset_t all, before;
    bool is_written;

    sigfillset (&all);
    pthread_sigmask (SIG_BLOCK, &all, &before);
    is_written = g_file_set_contents_full (target ? target : path, svg, (gssize)strlen (svg),
                                           G_FILE_SET_CONTENTS_CONSISTENT, 0666, &cause);
    pthread_sigmask (SIG_SETMASK, &before, NULL);
    return is_written || arec_fail (error, AREC_ERROR_IO, "%s", cause->message);
}

bool
tool_bench_plot_write (const char *path, const ToolBenchReport *report, GError **error)
{
    g_autofree char *svg = make_svg (report);

    return write_svg (path, svg, error);
}

bool
tool_bench_plot_write_access (const char *path, const ToolBenchAccessReport *report,
                              GError **error)
{
    g_autofree char *svg = make_access_svg (report);

    return write_svg (path, svg, error);
}
