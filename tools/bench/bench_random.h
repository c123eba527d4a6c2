/* Numbers in a random order that is the same in each run. Pure. */
#pragma once

#include <stdint.h>

/* @count of the numbers below @n, without repetition; count <= n. Returns (transfer full), to
 * be freed by g_free (). */
uint64_t *tool_bench_random_sample (uint64_t n, uint64_t count, uint64_t seed);
