#include "bench/bench_calls.h"

#include <stdlib.h>

#include "bench/bench_machine.h"
#include "bench/bench_random.h"

const char *
tool_bench_calls_name (ToolBenchAccess access)
{
    static const char *const names[TOOL_BENCH_N_ACCESSES] = {
        [TOOL_BENCH_SEQUENTIAL] = "sequential",
        [TOOL_BENCH_RANDOM] = "random",
        [TOOL_BENCH_BATCH] = "batch",
    };

    return names[access];
}

/* The numbers of the records in the order in which they are read. */
static uint64_t *
make_numbers (ToolBenchAccess access, const ToolBenchPlan *plan)
{
    uint64_t *numbers;

    if (access == TOOL_BENCH_RANDOM) {
        return tool_bench_random_sample (plan->n_records, plan->count, plan->seed);
    }
    numbers = g_new (uint64_t, plan->count);
    for (uint64_t i = 0; i < plan->count; i++) {
        numbers[i] = i;
    }
    return numbers;
}

static int
compare_doubles (const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Microseconds that @part of all calls take at most. @seconds are sorted. */
static double
percentile (const double *seconds, size_t n, double part)
{
    size_t at = (size_t)((double)n * part);

    return seconds[MIN (at, n - 1)] * 1e6;
}

static void
sum_up (double *seconds, size_t n, ToolBenchCalls *calls)
{
    qsort (seconds, n, sizeof *seconds, compare_doubles);
    for (size_t i = 0; i < n; i++) {
        calls->mean_us += seconds[i] * 1e6 / (double)n;
    }
    calls->p50_us = percentile (seconds, n, 0.5);
    calls->p99_us = percentile (seconds, n, 0.99);
    calls->max_us = percentile (seconds, n, 1);
}

bool
tool_bench_calls_run (ToolBenchAccess access, const ToolBenchPlan *plan, ToolBenchRead read,
                      void *data, ToolBenchCalls *calls, GError **error)
{
    g_autofree uint64_t *numbers = make_numbers (access, plan);
    g_autofree double *seconds = g_new (double, plan->count);
    uint64_t step = access == TOOL_BENCH_BATCH ? plan->batch : 1, bytes = 0;
    size_t n_calls = 0;

    for (uint64_t first = 0; first < plan->count;) {
        uint64_t n = MIN (step, plan->count - first);
        double start = tool_bench_machine_now();

        if (!read (data, &numbers[first], n, &bytes, error)) {
            return false;
        }
        seconds[n_calls++] = tool_bench_machine_now() - start;
        first += n;
    }
    *calls = (ToolBenchCalls){.records = (double)plan->count, .bytes = (double)bytes};
    sum_up (seconds, n_calls, calls);
    return true;
}
