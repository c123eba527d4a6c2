/* The ways of reading that are compared: which records each call takes, and how long the calls
 * take. What is called is given: the library, or files of a mount.
 *
 * One thread at a time.
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
    uint64_t n_records; /* that there are */
    uint64_t count;     /* records to read, in [1, n_records] */
    uint64_t batch;     /* records of a call of BATCH, at least 1 */
    uint64_t seed;      /* of RANDOM */
} ToolBenchPlan;

/* What was found of the calls. Counts are doubles, as medians are. */
typedef struct {
    double records;
    double bytes;                           /* of these records */
    double mean_us, p50_us, p99_us, max_us; /* of calls; of BATCH a call is a batch */
} ToolBenchCalls;

/* One call: reads @n records, @numbers, and adds their bytes to *bytes. */
typedef bool (*ToolBenchRead) (void *data, const uint64_t *numbers, size_t n, uint64_t *bytes,
                               GError **error);

/* `sequential`: the name of @access, and of the profile whose settings it has. */
const char *tool_bench_calls_name (ToolBenchAccess access);

/* Errors: those of @read. */
bool tool_bench_calls_run (ToolBenchAccess access, const ToolBenchPlan *plan,
                           ToolBenchRead read, void *data, ToolBenchCalls *calls,
                           GError **error);
