/* The plots of measured rows, as SVG files: of codecs the ratio over the speeds of writing and
 * reading. */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include "bench/bench_access_report.h"
#include "bench/bench_report.h"

/* Whether a plot may be written to @path. Errors: IO: something is there, and not @replace, or
 * it is no file. */
bool tool_bench_plot_check (const char *path, bool replace, GError **error);

/* The file appears as a whole, also if a signal ends the process meanwhile. Errors: IO. */
bool tool_bench_plot_write (const char *path, const ToolBenchReport *report, GError **error);

/* The same of ways of reading: bars of speeds and of the times of calls. */
bool tool_bench_plot_write_access (const char *path, const ToolBenchAccessReport *report,
                                   GError **error);
