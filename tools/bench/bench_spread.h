/* What several rounds say of one figure. Pure. */
#pragma once

#include <stddef.h>

typedef struct {
    double median;
    double mean;
    double spread;   /* (largest - smallest) / median; 0 if that is not positive */
    size_t outliers; /* values above 1.5 times the median */
} ToolBenchSpread;

/* Of @n values, at least 1: a member of an array of structs of @size bytes, of which @first is
 * that of the first struct. */
ToolBenchSpread tool_bench_spread_of (const double *first, size_t n, size_t size);
