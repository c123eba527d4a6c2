/* What the server counts, and the two texts that tell it. Relaxed atomics; any thread.
 *
 * What each request counts lies in shards, of which a thread always uses the same, so that
 * threads do not pull cache lines from each other; they are summed when somebody asks. A
 * request is counted when it comes and measured before its reply is sent, so whoever has the
 * reply finds it in both.
 */
#pragma once

#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#include <glib.h>

#include <arec/engine.h>

#include "latency.h"

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
    ARECFS_CHANGE, /* whatever would change something */
    ARECFS_STATFS,
    ARECFS_N_REQUESTS,
} ArecfsRequestKind;

#define ARECFS_COUNTER_SHARDS 16
#define ARECFS_CACHE_LINE 64

typedef struct {
    alignas (ARECFS_CACHE_LINE) _Atomic uint64_t requests[ARECFS_N_REQUESTS]; /* received */
    _Atomic uint64_t read_bytes;              /* of records, given to the kernel */
    ArecfsLatency latency[ARECFS_N_REQUESTS]; /* from receipt to reply */
} ArecfsCounterShard;

typedef struct {
    ArecfsCounterShard shards[ARECFS_COUNTER_SHARDS];
    _Atomic uint64_t errors;         /* replies that were one, but for names that are absent */
    _Atomic uint64_t pushes_kept;    /* records stored in the page cache before anybody asked */
    _Atomic uint64_t pushes_refused; /* stores that the kernel did not want */
    _Atomic uint64_t pushes_dropped; /* records not even tried: too many READs waited */
    _Atomic uint64_t pushed_bytes;   /* of those kept */
    time_t started;
    uint64_t started_ns; /* by arecfs_counters_now () */
} ArecfsCounters;

/* Lower-case name of a kind: "lookup". */
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

/* All zero, from now on. */
void arecfs_counters_start (ArecfsCounters *counters);

/* A request has come. Returns when, for arecfs_counters_end (), which any thread may call. */
uint64_t arecfs_counters_begin (ArecfsCounters *counters, ArecfsRequestKind kind);
void arecfs_counters_end (ArecfsCounters *counters, ArecfsRequestKind kind, uint64_t begun);

/* Requests so far that somebody made: all but those by which the kernel forgets. */
uint64_t arecfs_counters_uses (const ArecfsCounters *counters);

/* A READ is answered with @n bytes of a record. */
void arecfs_counters_add_read (ArecfsCounters *counters, uint64_t n);

/* `stats.json` and `metrics` (Prometheus text). g_free (). */
char *arecfs_counters_to_json (const ArecfsCounters *counters, const ArecEngineStats *engine);
char *arecfs_counters_to_metrics (const ArecfsCounters *counters,
                                  const ArecEngineStats *engine);
