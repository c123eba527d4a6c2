/* ToolShuffle: a permutation of numbers that takes no memory, the same everywhere for a seed.
 *
 * Immutable after it is made; pure.
 */
#pragma once

#include <stdint.h>

enum { TOOL_SHUFFLE_ROUNDS = 8 };

typedef struct {
    uint64_t n;
    unsigned half; /* bits of either half of a number */
    uint64_t keys[TOOL_SHUFFLE_ROUNDS];
} ToolShuffle;

/* Permutes the numbers below @n. */
void tool_shuffle_init (ToolShuffle *shuffle, uint64_t n, uint64_t seed);

/* The number at place @i of the order, i < n. */
uint64_t tool_shuffle_at (const ToolShuffle *shuffle, uint64_t i);
