/* What is counted of sources on servers, where it happens. Any thread; relaxed atomics. The
 * lists of <arec/stats.h> are the members, so a counter that is added there is here.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include <arec/stats.h>

typedef struct {
    _Atomic uint64_t sum, max;
    _Atomic uint64_t buckets[AREC_TIMES_BUCKETS];
} ArecTimesCounter;

#define AREC_REMOTE_MEMBER(name, kind, help) _Atomic uint64_t name;
#define AREC_REMOTE_VALUE(family, label, value) _Atomic uint64_t family##_##value;
#define AREC_REMOTE_FAMILY(family, label, VALUES, help)                                        \
    VALUES (AREC_REMOTE_VALUE, family, label)
#define AREC_REMOTE_TIMES_MEMBER(name, help) ArecTimesCounter name;

/* All zeros at the start. */
typedef struct {
    AREC_REMOTE_NUMBERS (AREC_REMOTE_MEMBER)
    AREC_REMOTE_FAMILIES (AREC_REMOTE_FAMILY)
    AREC_REMOTE_TIMES (AREC_REMOTE_TIMES_MEMBER)
} ArecRemoteCounters;

#undef AREC_REMOTE_MEMBER
#undef AREC_REMOTE_VALUE
#undef AREC_REMOTE_FAMILY
#undef AREC_REMOTE_TIMES_MEMBER

static inline void
arec_remote_count (_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit (counter, n, memory_order_relaxed);
}

/* For gauges. */
static inline void
arec_remote_set (_Atomic uint64_t *gauge, uint64_t value)
{
    atomic_store_explicit (gauge, value, memory_order_relaxed);
}

/* @us  microseconds; negative counts as 0. */
void arec_remote_count_time (ArecTimesCounter *times, int64_t us);

/* @out  each number is exact, but they are not of one moment. */
void arec_remote_counters_get (const ArecRemoteCounters *counters, ArecRemoteStats *out);
