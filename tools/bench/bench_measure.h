/* Measures one row: writes the records into a file without a name, reads them in order and in a
 * random order, through the public library.
 *
 * One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#include "bench/bench_data.h"
#include "bench/bench_rows.h"

typedef struct {
    const ToolBenchData *data;
    unsigned threads; /* that encode and decode; 1: the caller's alone */
    int fd;           /* of the file, to read it */
    char *path;       /* by which it is opened */
} ToolBenchMeasure;

/* @dir  the folder of the file; NULL: $TMPDIR, or /tmp. Errors: NOT_FOUND, IO. */
bool tool_bench_measure_open (ToolBenchMeasure *measure, const char *dir, GError **error);
/* The same of a file in memory. Errors: IO. */
bool tool_bench_measure_open_memory (ToolBenchMeasure *measure, GError **error);
void tool_bench_measure_close (ToolBenchMeasure *measure); /* takes a zeroed one */

/* Seconds that writing the first @n records takes. Errors: those of ArecWriter. */
bool tool_bench_measure_write (const ToolBenchMeasure *measure,
                               const ArecWriterOptions *options, size_t n, double *seconds,
                               GError **error);

/* One round of the first @n records. Each figure is the mean of as many passes as take a
 * fiftieth of a second, or of up to 1000 random reads. Errors: those of ArecWriter and
 * ArecReader; CORRUPT: other records came back. */
bool tool_bench_measure_run (const ToolBenchMeasure *measure, const ArecWriterOptions *options,
                             size_t n, ToolBenchFigures *figures, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ToolBenchMeasure, tool_bench_measure_close)
