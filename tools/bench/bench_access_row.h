/* Measures one way of reading files by the library, in a process of its own. What both this and
 * a mount are measured with.
 *
 * One thread at a time, in a process that has no other threads.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#include "bench/bench_access_figures.h"
#include "bench/bench_calls.h"

typedef struct {
    char **files; /* SOURCEs as of arecfs: one sequence */
    size_t n_files;
    ToolBenchPlan plan;
} ToolBenchAccessWork;

/* Errors: those of arec_reader_open () and of reads; IO: the process did not end well. Blocks
 * until it has ended. */
bool tool_bench_access_row_run (ToolBenchAccess access, const ToolBenchAccessWork *work,
                                ToolBenchAccessFigures *figures, GError **error);
