/* Advice on reading that follows from measured rows, in the guide's words; all its thresholds.
 * Pure.
 */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include "bench/bench_access_figures.h"

/* What a sample of the records, written and read as `bench codecs` does, says. */
typedef struct {
    double decode_mb_s; /* with the options of the file, by one thread */
    double own_us;      /* a random read with these options */
    double one_us;      /* a random read in groups of 1 */
    bool is_grouped;    /* chunks of the file hold more than one record */
} ToolBenchSample;

typedef struct {
    const char *rule; /* `sequential`, `random`. Static */
    char *text;       /* NULL: there is none */
} ToolBenchAccessAdvice;

/* @rows      of the ways of reading.
 * @is_mount  they were read through a mount.
 * @advice    (out) of sequential, of random; texts are the caller's. */
void tool_bench_access_advice_make (const ToolBenchAccessRounds rows[TOOL_BENCH_N_ACCESSES],
                                    bool is_mount, const ToolBenchSample *sample,
                                    ToolBenchAccessAdvice advice[2]);
