/* The random order in which read_files and raw_decode take files or chunks: the same for the
 * same seed, so that both read the same records. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Shuffles the @n numbers at @order. */
static inline void
records_order_shuffle (size_t *order, size_t n, uint64_t seed)
{
    for (size_t i = n; i > 1; i--) {
        uint64_t bits = (seed += UINT64_C (0x9e3779b97f4a7c15)); /* splitmix64 */
        size_t number = order[i - 1], j;

        bits = (bits ^ bits >> 30) * UINT64_C (0xbf58476d1ce4e5b9);
        bits = (bits ^ bits >> 27) * UINT64_C (0x94d049bb133111eb);
        j = (size_t)((bits ^ bits >> 31) % i);
        order[i - 1] = order[j];
        order[j] = number;
    }
}
