#include "count/counters.h"

#include <string.h>

static const char *const names[ARECFS_N_REQUESTS] = {
    [ARECFS_LOOKUP] = "lookup",
    [ARECFS_FORGET] = "forget",
    [ARECFS_GETATTR] = "getattr",
    [ARECFS_OPEN] = "open",
    [ARECFS_READ] = "read",
    [ARECFS_FLUSH] = "flush",
    [ARECFS_RELEASE] = "release",
    [ARECFS_OPENDIR] = "opendir",
    [ARECFS_READDIR] = "readdir",
    [ARECFS_READDIRPLUS] = "readdirplus",
    [ARECFS_RELEASEDIR] = "releasedir",
    [ARECFS_GETXATTR] = "getxattr",
    [ARECFS_LISTXATTR] = "listxattr",
    [ARECFS_IOCTL] = "ioctl",
    [ARECFS_ACCESS] = "access",
    [ARECFS_CHANGE] = "change",
    [ARECFS_STATFS] = "statfs",
};

const char *
arecfs_request_name (ArecfsRequestKind kind)
{
    return names[kind];
}

/* ---- counting ---- */

void
arecfs_counters_start (ArecfsCounters *counters)
{
    memset (counters, 0, sizeof *counters);
    counters->started = time (NULL);
    counters->started_ns = arecfs_counters_now();
}

/* The shard of the calling thread. Threads get them in turn, at their first request. */
static ArecfsCounterShard *
shard_of_thread (ArecfsCounters *counters)
{
    static _Atomic unsigned n_threads;
    static _Thread_local unsigned number; /* from 1; 0: none yet */

    if (G_UNLIKELY (number == 0)) {
        number = atomic_fetch_add_explicit (&n_threads, 1, memory_order_relaxed) %
                     ARECFS_COUNTER_SHARDS +
                 1;
    }
    return &counters->shards[number - 1];
}

uint64_t
arecfs_counters_begin (ArecfsCounters *counters, ArecfsRequestKind kind)
{
    arecfs_count (&shard_of_thread (counters)->requests[kind], 1);
    return arecfs_counters_now();
}

uint64_t
arecfs_counters_uses (const ArecfsCounters *counters)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < ARECFS_COUNTER_SHARDS; i++) {
        for (unsigned kind = 0; kind < ARECFS_N_REQUESTS; kind++) {
            if (kind != ARECFS_FORGET) {
                sum += atomic_load_explicit (&counters->shards[i].requests[kind],
                                             memory_order_relaxed);
            }
        }
    }
    return sum;
}

void
arecfs_counters_end (ArecfsCounters *counters, ArecfsRequestKind kind, uint64_t begun)
{
    arecfs_latency_add (&shard_of_thread (counters)->latency[kind],
                        arecfs_counters_now() - begun);
}

void
arecfs_counters_add_read (ArecfsCounters *counters, uint64_t n)
{
    arecfs_count (&shard_of_thread (counters)->read_bytes, n);
}

/* A variable for each number of the list: a number that has none does not compile, nor does a
 * variable that no number uses. */
static void
collect_numbers (const ArecfsCounters *counters, ArecMountNumbers *numbers)
{
    const uint64_t errors = counters->errors;
    const uint64_t pushes_kept = counters->pushes_kept;
    const uint64_t pushes_refused = counters->pushes_refused;
    const uint64_t pushes_dropped = counters->pushes_dropped;
    const uint64_t pushed_bytes = counters->pushed_bytes;
    uint64_t read_bytes = 0;

    for (unsigned i = 0; i < ARECFS_COUNTER_SHARDS; i++) {
        read_bytes += counters->shards[i].read_bytes;
    }
#define TAKE(name, kind, help) numbers->name = name;
    AREC_MOUNT_NUMBERS (TAKE)
#undef TAKE
}

/* Latencies come first. Requests that arrive meanwhile are then counted but not yet measured,
 * never the other way round. */
void
arecfs_counters_sum (const ArecfsCounters *counters, ArecfsTotals *totals)
{
    memset (totals, 0, sizeof *totals);
    for (unsigned i = 0; i < ARECFS_COUNTER_SHARDS; i++) {
        for (unsigned kind = 0; kind < ARECFS_N_REQUESTS; kind++) {
            arecfs_latency_merge (&totals->latency[kind], &counters->shards[i].latency[kind]);
        }
    }
    for (unsigned i = 0; i < ARECFS_COUNTER_SHARDS; i++) {
        for (unsigned kind = 0; kind < ARECFS_N_REQUESTS; kind++) {
            totals->requests[kind] += counters->shards[i].requests[kind];
        }
    }
    collect_numbers (counters, &totals->numbers);
    totals->uptime_ns = arecfs_counters_now() - counters->started_ns;
}
