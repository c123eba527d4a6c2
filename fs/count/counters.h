/* What the server counts. Any thread; all numbers are relaxed atomics.
 *
 * Numbers that grow with each request lie in shards. A thread always uses the same shard, so
 * that threads seldom write to one cache line; arecfs_counters_sum () adds the shards up. A
 * request is counted when it arrives and measured before its reply is sent: a caller that has
 * the reply finds both.
 */
#pragma once

#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#include <glib.h>

#include <arec/stats.h>

#include "count/latency.h"

typedef enum {
    ARECFS_LOOKUP,
    ARECFS_FORGET,
    ARECFS_GETATTR,
    ARECFS_OPEN,
    ARECFS_READ,
    ARECFS_FLUSH,
    ARECFS_RELEASE,
    ARECFS_OPENDIR,
    ARECFS_READDIR,
    ARECFS_READDIRPLUS,
    ARECFS_RELEASEDIR,
    ARECFS_GETXATTR,
    ARECFS_LISTXATTR,
    ARECFS_IOCTL,
    ARECFS_ACCESS,
    ARECFS_CHANGE, /* all that would change something */
    ARECFS_STATFS,
    ARECFS_N_REQUESTS,
} ArecfsRequestKind;

#define ARECFS_COUNTER_SHARDS 16
#define ARECFS_CACHE_LINE 64

typedef struct {
    alignas (ARECFS_CACHE_LINE) _Atomic uint64_t requests[ARECFS_N_REQUESTS]; /* received */
    _Atomic uint64_t read_bytes;
    ArecfsLatency latency[ARECFS_N_REQUESTS]; /* from receipt to reply */
} ArecfsCounterShard;

/* The numbers are those of AREC_MOUNT_NUMBERS, where each has its meaning. */
typedef struct {
    ArecfsCounterShard shards[ARECFS_COUNTER_SHARDS];
    _Atomic uint64_t errors;
    _Atomic uint64_t pushes_kept;
    _Atomic uint64_t pushes_refused;
    _Atomic uint64_t pushes_dropped;
    _Atomic uint64_t pushed_bytes;
    time_t started;
    uint64_t started_ns; /* by arecfs_counters_now () */
} ArecfsCounters;

/* The name of a kind in lower case: "lookup". */
const char *arecfs_request_name (ArecfsRequestKind kind);

static inline void
arecfs_count (_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit (counter, n, memory_order_relaxed);
}

/* Nanoseconds of the monotonic clock. */
static inline uint64_t
arecfs_counters_now (void)
{
    struct timespec now;

    clock_gettime (CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Sets everything to zero, and the start to now. */
void arecfs_counters_start (ArecfsCounters *counters);

/* Counts a request that has arrived. Returns the time, for arecfs_counters_end (), which any
 * thread may call. */
uint64_t arecfs_counters_begin (ArecfsCounters *counters, ArecfsRequestKind kind);
void arecfs_counters_end (ArecfsCounters *counters, ArecfsRequestKind kind, uint64_t begun);

/* Requests so far that mean a use of the mount: all but those by which the kernel forgets. */
uint64_t arecfs_counters_uses (const ArecfsCounters *counters);

/* Counts @n bytes of a record that answer a READ. */
void arecfs_counters_add_read (ArecfsCounters *counters, uint64_t n);

/* All that has been counted, at one time. */
typedef struct {
    uint64_t requests[ARECFS_N_REQUESTS];
    ArecfsLatency latency[ARECFS_N_REQUESTS];
    ArecMountNumbers numbers;
    uint64_t uptime_ns;
} ArecfsTotals;

/* A request whose time is in @totals is also counted there. */
void arecfs_counters_sum (const ArecfsCounters *counters, ArecfsTotals *totals);
