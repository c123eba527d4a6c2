/* Measures one way of reading a file, in a process of its own: so that memory and CPU time are
 * its own, and no row finds what another one has left.
 *
 * One thread at a time, in a process that has no other threads.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

typedef enum {
    TOOL_BENCH_SEQUENTIAL, /* from the first record on, in order */
    TOOL_BENCH_RANDOM,     /* without repetition */
    TOOL_BENCH_BATCH,      /* from the first record on, many with one call */
    TOOL_BENCH_N_ACCESSES,
} ToolBenchAccess;

typedef struct {
    char **files; /* SOURCEs as of arecfs: one sequence */
    size_t n_files;
    uint64_t count; /* records to read at most, at least 1 */
    uint64_t batch; /* records of a call of BATCH, at least 1 */
    uint64_t seed;  /* of RANDOM */
} ToolBenchAccessWork;

typedef struct {
    double time_s; /* from opening the file to the last record */
    double cpu_s;
    double rss_mb;                          /* at the end */
    double rss_delta_mb;                    /* since the start */
    double mean_us, p50_us, p99_us, max_us; /* of calls; of BATCH a call is a batch */
    uint64_t records;
    uint64_t bytes; /* of these records */
    uint64_t chunks_decoded;
    uint64_t bytes_read; /* from the files */
} ToolBenchAccessFigures;

/* `sequential`: the name of @access, and of the profile whose settings it has. */
const char *tool_bench_access_row_name (ToolBenchAccess access);

/* Errors: those of arec_reader_open () and of reads; INVALID: there is no record; IO: the
 * process did not end well. Blocks until it has ended. */
bool tool_bench_access_row_run (ToolBenchAccess access, const ToolBenchAccessWork *work,
                                ToolBenchAccessFigures *figures, GError **error);
