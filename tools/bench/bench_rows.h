/* ToolBenchRows: what is compared, a row for each set of writer options, and what was measured
 * of each.
 *
 * Pure. One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include <arec/arec.h>

#include "bench/bench_spread.h"

/* What is measured of a row, in each round and as the median of the rounds. */
typedef struct {
    double write_s;
    double write_cpu_s; /* of all threads */
    double read_s;      /* all records in order */
    double random_us;   /* a record in a random order, each decoding its chunk */
    double rss_mb;      /* most memory beside the records */
    double file_size;   /* bytes */
} ToolBenchFigures;

typedef struct {
    ArecWriterOptions options;
    char *codec;      /* `zstd:3,transpose`: the options but the group size */
    char *text;       /* `group_size:100,zstd:3,transpose` */
    size_t n_records; /* that are measured, from the first */
    bool estimated;   /* they are not all; the figures are for all */
    ToolBenchFigures *rounds;
    size_t n_rounds;
    ToolBenchFigures median;
    ToolBenchSpread write, read; /* of the seconds */
} ToolBenchRow;

/* What is to be compared, as typed; NULL: not given. */
typedef struct {
    const char *options;     /* option strings, separated by blanks or `;` */
    const char *levels;      /* `all` */
    const char *group_sizes; /* `1,100` */
} ToolBenchChoice;

/* The rows that @choice means. Without any: the codecs and levels that the guide compares, in
 * groups of 1 and 100, and the profile `archive`.
 * Errors: INVALID. Returns (transfer full) of ToolBenchRow *. */
GPtrArray *tool_bench_rows_new (const ToolBenchChoice *choice, GError **error);

/* `group_size:100,zstd:3`: what @options are, without what they leave at its default and
 * without max_parallelism. Returns (transfer full). */
char *tool_bench_rows_text (const ArecWriterOptions *options);

/* What was measured of all records when @figures were of @n of @total. */
ToolBenchFigures tool_bench_rows_scale (const ToolBenchFigures *figures, size_t n,
                                        size_t total);

/* Adds a round, and makes median and spread anew. */
void tool_bench_rows_add_round (ToolBenchRow *row, const ToolBenchFigures *figures);

/* How many of @total records to measure, in whole groups, so that writing them takes about
 * @limit seconds, where @n took @seconds. @total if all take less. */
size_t tool_bench_rows_plan (const ToolBenchRow *row, size_t n, double seconds, size_t total,
                             double limit);
