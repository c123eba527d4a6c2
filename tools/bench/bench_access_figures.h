/* What is measured of one way of reading, in each round and as the median of the rounds. Pure.
 */
#pragma once

#include <stddef.h>

#include <glib.h>

#include "bench/bench_calls.h"
#include "bench/bench_spread.h"

/* Doubles only: each has a median. */
typedef struct {
    double time_s; /* from opening the files, or listing the mount, to the last record */
    double cpu_s;
    double rss_mb;       /* at the end; of a mount its server's */
    double rss_delta_mb; /* since the start */
    ToolBenchCalls calls;
    double chunks_decoded;
    double bytes_read; /* from the files */
    /* Of a mount only: */
    double mount_s;  /* until it answers */
    double again_s;  /* the same records once more, which the kernel keeps */
    double requests; /* of the kernel to read the records, without FORGETs */
} ToolBenchAccessFigures;

/* Made of zeros. */
typedef struct {
    ToolBenchAccessFigures *rounds;
    size_t n_rounds;
    ToolBenchAccessFigures median;
    ToolBenchSpread time; /* of time_s */
} ToolBenchAccessRounds;

/* Adds a round, and makes the rest anew. */
void tool_bench_access_figures_add (ToolBenchAccessRounds *rounds,
                                    const ToolBenchAccessFigures *figures);
void tool_bench_access_figures_clear (ToolBenchAccessRounds *rounds);

/* Of a median: 0 where no time passed. */
double tool_bench_access_figures_speed (const ToolBenchAccessFigures *figures); /* MB/s */
double tool_bench_access_figures_rate (const ToolBenchAccessFigures *figures);  /* records/s */
double tool_bench_access_figures_cpu_percent (const ToolBenchAccessFigures *figures);

/* Requests of the kernel for each record. */
double tool_bench_access_figures_requests (const ToolBenchAccessFigures *figures);
