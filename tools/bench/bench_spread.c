#include "bench/bench_spread.h"

#include <stdlib.h>

#include <glib.h>

#define OUTLIER 1.5 /* times the median */

static int
compare_doubles (const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

ToolBenchSpread
tool_bench_spread_of (const double *first, size_t n, size_t size)
{
    g_autofree double *values = g_new (double, n);
    ToolBenchSpread found = {0};

    for (size_t i = 0; i < n; i++) {
        values[i] = *(const double *)((const char *)first + i * size);
        found.mean += values[i] / (double)n;
    }
    qsort (values, n, sizeof *values, compare_doubles);
    found.median = (values[(n - 1) / 2] + values[n / 2]) / 2;
    if (found.median > 0) {
        found.spread = (values[n - 1] - values[0]) / found.median;
    }
    for (size_t i = 0; i < n; i++) {
        found.outliers += values[i] > OUTLIER * found.median;
    }
    return found;
}
