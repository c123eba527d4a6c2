#include "count/latency.h"

/* Nanoseconds of the first bucket: the cheapest request takes more. */
#define FIRST_BOUND 250

unsigned
arecfs_latency_bucket (uint64_t ns)
{
    uint64_t units = (ns - (ns > 0)) / FIRST_BOUND;
    unsigned bucket = units == 0 ? 0 : 64 - (unsigned)__builtin_clzll (units);

    return bucket < ARECFS_LATENCY_BUCKETS ? bucket : ARECFS_LATENCY_BUCKETS - 1;
}

uint64_t
arecfs_latency_bound (unsigned bucket)
{
    return (uint64_t)FIRST_BOUND << bucket;
}

static void
add (_Atomic uint64_t *number, uint64_t n)
{
    atomic_fetch_add_explicit (number, n, memory_order_relaxed);
}

static uint64_t
get (const _Atomic uint64_t *number)
{
    return atomic_load_explicit (number, memory_order_relaxed);
}

static void
raise_to (_Atomic uint64_t *number, uint64_t n)
{
    uint64_t now = get (number);

    while (n > now && !atomic_compare_exchange_weak_explicit (
                          number, &now, n, memory_order_relaxed, memory_order_relaxed)) {
    }
}

void
arecfs_latency_add (ArecfsLatency *latency, uint64_t ns)
{
    add (&latency->sum, ns);
    raise_to (&latency->max, ns);
    add (&latency->buckets[arecfs_latency_bucket (ns)], 1);
}

void
arecfs_latency_merge (ArecfsLatency *latency, const ArecfsLatency *other)
{
    add (&latency->sum, get (&other->sum));
    raise_to (&latency->max, get (&other->max));
    for (unsigned i = 0; i < ARECFS_LATENCY_BUCKETS; i++) {
        add (&latency->buckets[i], get (&other->buckets[i]));
    }
}

uint64_t
arecfs_latency_count (const ArecfsLatency *latency)
{
    uint64_t count = 0;

    for (unsigned i = 0; i < ARECFS_LATENCY_BUCKETS; i++) {
        count += get (&latency->buckets[i]);
    }
    return count;
}
