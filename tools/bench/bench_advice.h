/* Advice that follows from measured rows, in the guide's words. Pure. */
#pragma once

#include <glib.h>

#include "bench/bench_rows.h"

typedef struct {
    const char *rule; /* `random`, `speed`, `profile`, `incompressible`. Static */
    char *text;       /* one sentence, for people */
    char *options;    /* an option string of the writer */
    /* What is shown before the text: the options, or `--profile NAME`. */
    char *title;
} ToolBenchAdvice;

/* @rows  of ToolBenchRow *, measured.
 * Returns (transfer full) of ToolBenchAdvice; none where the files are small. */
GArray *tool_bench_advice_new (const GPtrArray *rows);
