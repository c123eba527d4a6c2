/* A hash of a few numbers, one after the other: splitmix64, which spreads what little differs
 * over all bits. Not for what must withstand intent. Pure. */
#pragma once

#include <stdint.h>

static inline uint64_t
arec_mix (uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) + UINT64_C (0x9e3779b97f4a7c15);
    hash = (hash ^ (hash >> 30)) * UINT64_C (0xbf58476d1ce4e5b9);
    hash = (hash ^ (hash >> 27)) * UINT64_C (0x94d049bb133111eb);
    return hash ^ (hash >> 31);
}
