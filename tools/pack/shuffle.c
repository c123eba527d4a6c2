/* A Feistel network permutes the numbers of twice `half` bits, less than four times as many as
 * there are. A result that is too large is put in again until one is below n: that stays a
 * permutation of the numbers below n. */
#include "pack/shuffle.h"

/* The steps of SplitMix64, which mix all bits of a number with each other. */
static uint64_t
mix (uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C (0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C (0x94d049bb133111eb);
    return x ^ (x >> 31);
}

void
tool_shuffle_init (ToolShuffle *shuffle, uint64_t n, uint64_t seed)
{
    *shuffle = (ToolShuffle){.n = n, .half = 1};
    while (shuffle->half < 32 && n > UINT64_C (1) << (2 * shuffle->half)) {
        shuffle->half++;
    }
    for (unsigned i = 0; i < TOOL_SHUFFLE_ROUNDS; i++) {
        seed += UINT64_C (0x9e3779b97f4a7c15);
        shuffle->keys[i] = mix (seed);
    }
}

static uint64_t
permute (const ToolShuffle *shuffle, uint64_t x)
{
    uint64_t mask = (UINT64_C (1) << shuffle->half) - 1;
    uint64_t left = x >> shuffle->half, right = x & mask;

    for (unsigned i = 0; i < TOOL_SHUFFLE_ROUNDS; i++) {
        uint64_t next = left ^ (mix (right ^ shuffle->keys[i]) & mask);

        left = right;
        right = next;
    }
    return left << shuffle->half | right;
}

uint64_t
tool_shuffle_at (const ToolShuffle *shuffle, uint64_t i)
{
    do {
        i = permute (shuffle, i);
    } while (i >= shuffle->n);
    return i;
}
