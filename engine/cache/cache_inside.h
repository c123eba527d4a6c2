/* The cache and its entries from inside, for the files that make it up. Functions that end in
 * `_locked` are called with the cache's lock held.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "cache/chunk_cache.h"
#include "cache/entry_table.h"
#include "cache/replacement.h"
#include "cache/room.h"

typedef enum { AREC_LOADING, AREC_READY, AREC_FAILED } ArecEntryState;

struct ArecCacheEntry {
    ArecChunkCache *cache; /* holds a reference */
    ArecCacheKey key;
    ArecCacheEntry *next;  /* in its bucket */
    ArecSeat seat;         /* in the order of eviction when READY; while LOADING it holds the
                             expected cost */
    _Atomic unsigned refs; /* the table's, and one for each user */
    ArecEntryState state;  /* guarded by the cache's lock */
    bool large;            /* may stay beyond the budget */
    bool has_left;         /* the table, with a value; written with only the table's reference
                              or the lock held, read by the last user */
    bool is_ahead;         /* while LOADING: no caller has asked for it yet */
    int64_t used_at;       /* last use of a large entry, nanoseconds */
    int64_t load_time;
    void *value;
    void (*free_value) (void *value);
    GError *error; /* of FAILED, for those that waited */
};

/* A load in flight; on the stack of its thread. */
typedef struct ArecFlight ArecFlight;

struct ArecFlight {
    ArecFlight *next;
    int64_t begun;
    bool is_overdue;
};

struct ArecChunkCache {
    bool are_brief;
    _Atomic unsigned watchers; /* loads that wait for entries to be released */
    char apart[64]; /* every release of an entry reads the fields above: this keeps them off the
                       cache line of the fields below, which change all the time */
    _Atomic uint64_t refs; /* the owner's, and one for each entry */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a load ended, or an entry that a load waits for was released */
    uint64_t n_changes;     /* how often that was signalled */
    ArecRoom room;
    const ArecCacheEntry *next_in_line; /* the load that has reserved room; NULL: none */
    ArecFlight *flights;                /* loads in flight, the latest first */
    unsigned waiting;                   /* loads that wait for their turn */
    uint64_t loading_ahead; /* bytes expected of loads ahead, in flight or waiting */
    ArecEntryTable table;   /* holds a reference to each of its entries */
    ArecReplacement order;  /* of READY entries */
    ArecChunkCacheStats counters;
};

/* Nanoseconds of a clock that only goes forward. */
static inline int64_t
arec_cache_now (void)
{
    struct timespec time;

    clock_gettime (CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C (1000000000) + time.tv_nsec;
}

static inline ArecCacheEntry *
arec_cache_entry_of (ArecSeat *seat)
{
    return (ArecCacheEntry *)((char *)seat - offsetof (ArecCacheEntry, seat));
}

/* Drops the owner's reference, or an entry's. */
static inline void
arec_cache_unref (ArecChunkCache *cache)
{
    if (atomic_fetch_sub_explicit (&cache->refs, 1, memory_order_acq_rel) == 1) {
        pthread_cond_destroy (&cache->changed);
        pthread_mutex_destroy (&cache->lock);
        g_free (cache);
    }
}

static inline void
arec_cache_signal_change_locked (ArecChunkCache *cache)
{
    cache->n_changes++;
    pthread_cond_broadcast (&cache->changed);
}
