#include "bench/bench_random.h"

#include <stdbool.h>

#include <glib.h>

/* SplitMix64. */
static uint64_t
next (uint64_t *state)
{
    uint64_t x = *state += UINT64_C (0x9e3779b97f4a7c15);

    x = (x ^ (x >> 30)) * UINT64_C (0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C (0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* Draws until there are enough that differ: of twice as many, so it takes few draws more. */
static void
draw (uint64_t *numbers, uint64_t n, uint64_t count, uint64_t *state)
{
    g_autoptr (GHashTable) seen = g_hash_table_new (g_int64_hash, g_int64_equal);

    for (uint64_t i = 0; i < count;) {
        numbers[i] = next (state) % n;
        /* Asked first: adding would make the slot, which is drawn again, the key. */
        if (!g_hash_table_contains (seen, &numbers[i])) {
            g_hash_table_add (seen, &numbers[i++]);
        }
    }
}

static void
shuffle (uint64_t *numbers, uint64_t n, uint64_t *state)
{
    for (uint64_t i = 0; i < n; i++) {
        uint64_t k = next (state) % (i + 1);

        numbers[i] = numbers[k];
        numbers[k] = i;
    }
}

uint64_t *
tool_bench_random_sample (uint64_t n, uint64_t count, uint64_t seed)
{
    bool is_sparse = n / 2 >= count;
    uint64_t *numbers = g_new (uint64_t, is_sparse ? count : n);
    uint64_t state = seed;

    if (is_sparse) {
        draw (numbers, n, count, &state);
    } else {
        shuffle (numbers, n, &state);
    }
    return numbers;
}
