#include "remote/remote_counters.h"

static uint64_t
get (const _Atomic uint64_t *number)
{
    return atomic_load_explicit (number, memory_order_relaxed);
}

static unsigned
bucket_of (uint64_t us)
{
    unsigned bucket = 0;

    while (bucket + 1 < AREC_TIMES_BUCKETS && us > AREC_TIMES_BOUND (bucket)) {
        bucket++;
    }
    return bucket;
}

void
arec_remote_count_time (ArecTimesCounter *times, int64_t us)
{
    uint64_t time = us > 0 ? (uint64_t)us : 0, max = get (&times->max);

    arec_remote_count (&times->sum, time);
    arec_remote_count (&times->buckets[bucket_of (time)], 1);
    while (time > max && !atomic_compare_exchange_weak_explicit (&times->max, &max, time,
                                                                 memory_order_relaxed,
                                                                 memory_order_relaxed)) {
    }
}

static void
get_times (const ArecTimesCounter *times, ArecTimes *out)
{
    out->sum = get (&times->sum);
    out->max = get (&times->max);
    for (unsigned i = 0; i < AREC_TIMES_BUCKETS; i++) {
        out->buckets[i] = get (&times->buckets[i]);
    }
}

void
arec_remote_counters_get (const ArecRemoteCounters *counters, ArecRemoteStats *out)
{
#define TAKE(name, kind, help) out->name = get (&counters->name);
    AREC_REMOTE_NUMBERS (TAKE)
#undef TAKE
#define TAKE(family, label, value) out->family##_##value = get (&counters->family##_##value);
#define TAKE_ALL(family, label, VALUES, help) VALUES (TAKE, family, label)
    AREC_REMOTE_FAMILIES (TAKE_ALL)
#undef TAKE_ALL
#undef TAKE
#define TAKE(name, help) get_times (&counters->name, &out->name);
    AREC_REMOTE_TIMES (TAKE)
#undef TAKE
}
