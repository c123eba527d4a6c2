/* What the server counts, and the two texts that tell it. Relaxed atomics; any thread. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#include <glib.h>

#include <arec/engine.h>

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
    ARECFS_STATFS,
    ARECFS_N_REQUESTS,
} ArecfsRequestKind;

typedef struct {
    _Atomic uint64_t requests[ARECFS_N_REQUESTS];
    _Atomic uint64_t errors;         /* replies that were one, but for names that are absent */
    _Atomic uint64_t read_bytes;     /* of records, given to the kernel */
    _Atomic uint64_t pushes_kept;    /* records stored in the page cache before anybody asked */
    _Atomic uint64_t pushes_refused; /* stores that the kernel did not want */
    _Atomic uint64_t pushed_bytes;   /* of those kept */
    time_t started;
} ArecfsCounters;

/* Lower-case name of a kind: "lookup". */
const char *arecfs_request_name (ArecfsRequestKind kind);

static inline void
arecfs_count (_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit (counter, n, memory_order_relaxed);
}

/* `stats.json` and `metrics` (Prometheus text). g_free (). */
char *arecfs_counters_to_json (const ArecfsCounters *counters, const ArecEngineStats *engine);
char *arecfs_counters_to_metrics (const ArecfsCounters *counters,
                                  const ArecEngineStats *engine);
