#include "cache/chunk_cache.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "cache/replacement.h"

#define MIN_BUCKETS 64

/* A load waits for room no longer than this many times what loading took that is in its way. */
#define PATIENCE 8

typedef enum { LOADING, READY, FAILED } State;

struct ArecCacheEntry {
    ArecCacheKey key;
    ArecCacheEntry *next; /* in its bucket */
    ArecSeat seat;        /* in the order of going when READY; while LOADING the cost is what is
                             expected */
    _Atomic unsigned refs; /* the table's, and one for each user */
    State state;           /* guarded by the cache's lock */
    bool large;            /* may stay beyond the budget */
    bool is_ahead;         /* while LOADING: nobody has asked yet */
    int64_t used_at;       /* of large ones, nanoseconds */
    int64_t load_time;
    void *value;
    void (*free_value) (void *value);
    GError *error; /* of FAILED, for those that waited */
};

struct ArecChunkCache {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a load ended */
    uint64_t budget;
    uint64_t ceiling;
    unsigned max_loads;
    unsigned loads;         /* in flight */
    unsigned waiting;       /* loads that wait for large entries to be done with */
    uint64_t loading_ahead; /* bytes expected of loads ahead, in flight or waiting */
    uint64_t used;
    uint64_t charged;         /* of these, what lives elsewhere */
    unsigned n_large;         /* of READY and LOADING entries */
    ArecCacheEntry **buckets; /* whose references they hold */
    size_t n_buckets;         /* a power of two */
    size_t n_entries;         /* in the buckets */
    ArecReplacement order;    /* of READY entries */
    ArecChunkCacheStats counters;
};

static int64_t
now (void)
{
    struct timespec time;

    clock_gettime (CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C (1000000000) + time.tv_nsec;
}

/* ---- the table ---- */

static uint64_t
hash_key (ArecCacheKey key)
{
    uint64_t hash = (key.owner * UINT64_C (0x9e3779b97f4a7c15)) ^ key.number;

    hash = (hash ^ (hash >> 32)) * UINT64_C (0xd6e8feb86659fd93);
    return hash ^ (hash >> 32);
}

static ArecCacheEntry *
look_up_locked (const ArecChunkCache *cache, ArecCacheKey key, uint64_t hash)
{
    ArecCacheEntry *entry = cache->buckets[hash & (cache->n_buckets - 1)];

    while (entry && (entry->key.number != key.number || entry->key.owner != key.owner)) {
        entry = entry->next;
    }
    return entry;
}

static void
put_in_bucket (ArecCacheEntry **buckets, size_t n_buckets, ArecCacheEntry *entry)
{
    ArecCacheEntry **bucket = &buckets[entry->seat.hash & (n_buckets - 1)];

    entry->next = *bucket;
    *bucket = entry;
}

static void
grow_locked (ArecChunkCache *cache)
{
    size_t n = 2 * cache->n_buckets;
    ArecCacheEntry **buckets = g_new0 (ArecCacheEntry *, n);

    for (size_t i = 0; i < cache->n_buckets; i++) {
        for (ArecCacheEntry *entry = cache->buckets[i], *next; entry; entry = next) {
            next = entry->next;
            put_in_bucket (buckets, n, entry);
        }
    }
    g_free (cache->buckets);
    cache->buckets = buckets;
    cache->n_buckets = n;
}

static void
insert_locked (ArecChunkCache *cache, ArecCacheEntry *entry)
{
    /* What is not there is found out in the bucket, mostly, without a look at an entry. */
    if (cache->n_entries == cache->n_buckets / 2) {
        grow_locked (cache);
    }
    put_in_bucket (cache->buckets, cache->n_buckets, entry);
    cache->n_entries++;
}

static void
remove_locked (ArecChunkCache *cache, ArecCacheEntry *entry)
{
    ArecCacheEntry **link = &cache->buckets[entry->seat.hash & (cache->n_buckets - 1)];

    while (*link != entry) {
        link = &(*link)->next;
    }
    *link = entry->next;
    cache->n_entries--;
}

/* ---- entries ---- */

ArecChunkCache *
arec_chunk_cache_new (const ArecChunkCacheOptions *options)
{
    ArecChunkCache *cache = g_new0 (ArecChunkCache, 1);
    pthread_condattr_t attributes;

    pthread_mutex_init (&cache->lock, NULL);
    pthread_condattr_init (&attributes);
    pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
    pthread_cond_init (&cache->changed, &attributes);
    pthread_condattr_destroy (&attributes);
    cache->budget = options->budget;
    cache->ceiling = MAX (options->ceiling, options->budget);
    cache->max_loads = MAX (options->max_loads, 1);
    cache->n_buckets = MIN_BUCKETS;
    cache->buckets = g_new0 (ArecCacheEntry *, MIN_BUCKETS);
    arec_replacement_init (&cache->order, options->budget);
    return cache;
}

void *
arec_cache_entry_value (const ArecCacheEntry *entry)
{
    return entry->value;
}

ArecCacheEntry *
arec_cache_entry_ref (ArecCacheEntry *entry)
{
    atomic_fetch_add_explicit (&entry->refs, 1, memory_order_relaxed);
    return entry;
}

void
arec_cache_entry_unref (ArecCacheEntry *entry)
{
    if (!entry || atomic_fetch_sub_explicit (&entry->refs, 1, memory_order_acq_rel) > 1) {
        return;
    }
    if (entry->value) {
        entry->free_value (entry->value);
    }
    g_clear_error (&entry->error);
    g_free (entry);
}

static ArecCacheEntry *
entry_of (ArecSeat *seat)
{
    return (ArecCacheEntry *)((char *)seat - offsetof (ArecCacheEntry, seat));
}

/* What was taken out, by `next`, to be dropped without the lock. */
typedef struct {
    ArecCacheEntry *first;
} Dropped;

/* Takes a READY entry out of the table; the table's reference goes to @out. */
static void
take_out_locked (ArecChunkCache *cache, ArecCacheEntry *entry, bool is_evicted, Dropped *out)
{
    cache->used -= entry->seat.cost;
    cache->n_large -= entry->large;
    cache->counters.ahead_wasted += entry->seat.queue == AREC_AHEAD;
    cache->counters.evictions += is_evicted;
    remove_locked (cache, entry);
    if (is_evicted) {
        arec_replacement_evict (&cache->order, &entry->seat);
    } else {
        arec_replacement_remove (&cache->order, &entry->seat);
    }
    entry->next = out->first;
    out->first = entry;
}

static void
drop (Dropped *out)
{
    while (out->first) {
        ArecCacheEntry *entry = out->first;

        out->first = entry->next;
        arec_cache_entry_unref (entry);
    }
}

/* ---- making room ---- */

/* Room for what? */
typedef struct {
    uint64_t bytes; /* more than are used */
    bool large;     /* they are those of a large entry */
    bool patient;   /* not by what is being worked with */
} Need;

/* Whether used + extra > bound, whatever the numbers are. */
static bool
exceeds (uint64_t used, uint64_t extra, uint64_t bound)
{
    return used > bound || extra > bound - used;
}

static bool
is_large (const ArecChunkCache *cache, uint64_t cost)
{
    return cost >= cache->budget / (2 * cache->max_loads);
}

/* Whether @entry, the first to go of those not looked at, may go to make room for @need. */
static bool
is_victim_locked (const ArecChunkCache *cache, const ArecCacheEntry *entry, const Need *need)
{
    if (atomic_load_explicit (&entry->refs, memory_order_relaxed) > 1) {
        return false; /* in use: its memory would stay anyway */
    }
    return !entry->large || cache->n_large + need->large > cache->max_loads ||
           exceeds (cache->used, need->bytes, cache->ceiling);
}

/* A large entry that was idle for less than loading it takes is likely to be wanted again at
 * once. Till when that holds. */
static int64_t
worked_with_until (const ArecCacheEntry *entry)
{
    return entry->large ? entry->used_at + entry->load_time : 0;
}

/* Evicts until there is room for @need, as far as the rules allow. Returns NULL, or where @need
 * is patient what is in its way, of several the one that is worked with for the shortest time.
 */
static const ArecCacheEntry *
make_room_locked (ArecChunkCache *cache, const Need *need, Dropped *out)
{
    const ArecCacheEntry *in_the_way = NULL;
    int64_t time = need->patient ? now() : 0;
    ArecSeat *seat = NULL;

    if (exceeds (cache->used, need->bytes, cache->budget)) {
        seat = arec_replacement_first (&cache->order);
    }
    while (seat && exceeds (cache->used, need->bytes, cache->budget)) {
        ArecCacheEntry *entry = entry_of (seat);

        seat = arec_replacement_next (&cache->order, seat);
        if (!is_victim_locked (cache, entry, need)) {
            continue;
        }
        if (!need->patient || worked_with_until (entry) <= time) {
            take_out_locked (cache, entry, true, out);
        } else if (!in_the_way || worked_with_until (entry) < worked_with_until (in_the_way)) {
            in_the_way = entry;
        }
    }
    /* What went after it was passed over may do. */
    return in_the_way && exceeds (cache->used, need->bytes, cache->budget) &&
                   is_victim_locked (cache, in_the_way, need)
               ? in_the_way
               : NULL;
}

static void
make_any_room_locked (ArecChunkCache *cache, Dropped *out)
{
    make_room_locked (cache, &(Need){0}, out);
}

/* ---- loading ---- */

/* Waits for another thread's load. */
static ArecCacheEntry *
join_locked (ArecChunkCache *cache, ArecCacheEntry *entry, GError **error)
{
    arec_cache_entry_ref (entry);
    while (entry->state == LOADING) {
        pthread_cond_wait (&cache->changed, &cache->lock);
    }
    if (entry->state == FAILED) {
        g_propagate_error (error, g_error_copy (entry->error));
        arec_cache_entry_unref (entry);
        return NULL;
    }
    return entry;
}

static void
wait_until_locked (ArecChunkCache *cache, int64_t time)
{
    struct timespec until = {.tv_sec = (time_t)(time / 1000000000),
                             .tv_nsec = (long)(time % 1000000000)};

    cache->waiting++;
    pthread_cond_timedwait (&cache->changed, &cache->lock, &until);
    cache->waiting--;
}

/* Whether one more may wait for things that are worked with: somebody has to answer those who
 * work, and to load what has not been here yet. */
static bool
may_wait_locked (const ArecChunkCache *cache)
{
    return cache->waiting < MAX (cache->max_loads, 2) - 1;
}

/* Waits until the load of @entry may start, for which there is room then. One for a large thing
 * that went while it was wanted is patient: more are worked with than may stay, and they would
 * chase each other out. A load that alone exceeds the ceiling runs alone. */
static void
await_turn_locked (ArecChunkCache *cache, const ArecCacheEntry *entry, Dropped *out)
{
    const uint64_t expected = entry->seat.cost;
    const bool large = is_large (cache, expected);
    const bool was_wanted =
        large && arec_replacement_remembers (&cache->order, entry->seat.hash);
    int64_t deadline = INT64_MAX;

    for (;;) {
        bool patient = was_wanted && may_wait_locked (cache) &&
                       (deadline == INT64_MAX || now() < deadline);
        bool is_full = cache->loads >= cache->max_loads;
        const ArecCacheEntry *in_the_way =
            is_full ? NULL : make_room_locked (cache, &(Need){expected, large, patient}, out);
        bool must_wait =
            is_full || (cache->loads > 0 && exceeds (cache->used, expected, cache->ceiling));

        if (!must_wait && !in_the_way) {
            return;
        }
        if (out->first) {
            /* What was taken out must not take memory while we wait. */
            pthread_mutex_unlock (&cache->lock);
            drop (out);
            pthread_mutex_lock (&cache->lock);
        } else if (must_wait) {
            pthread_cond_wait (&cache->changed, &cache->lock);
        } else {
            if (deadline == INT64_MAX) {
                deadline = now() + PATIENCE * in_the_way->load_time;
            }
            wait_until_locked (cache, MIN (worked_with_until (in_the_way), deadline));
        }
    }
}

/* Enters a LOADING entry, so that others join it, and returns it when its load may start; holds
 * a reference for the table and one for the caller. */
static ArecCacheEntry *
begin_load_locked (ArecChunkCache *cache, ArecCacheKey key, uint64_t expected, bool is_ahead,
                   Dropped *out)
{
    ArecCacheEntry *entry = g_new0 (ArecCacheEntry, 1);

    entry->key = key;
    entry->seat.hash = hash_key (key);
    entry->seat.cost = expected;
    entry->refs = 2;
    entry->is_ahead = is_ahead;
    insert_locked (cache, entry);
    await_turn_locked (cache, entry, out);
    entry->large = is_large (cache, expected);
    cache->used += expected;
    cache->n_large += entry->large;
    cache->loads++;
    return entry;
}

static void
end_load_locked (ArecChunkCache *cache, ArecCacheEntry *entry, uint64_t cost, Dropped *out)
{
    cache->loads--;
    cache->used -= entry->seat.cost;
    cache->n_large -= entry->large;
    if (entry->state == FAILED) {
        remove_locked (cache, entry);
        entry->next = out->first;
        out->first = entry;
        cache->counters.failures++;
    } else {
        entry->large = is_large (cache, cost);
        cache->n_large += entry->large;
        cache->used += cost;
        if (entry->is_ahead) {
            arec_replacement_add_ahead (&cache->order, &entry->seat, entry->seat.hash, cost);
        } else {
            arec_replacement_add (&cache->order, &entry->seat, entry->seat.hash, cost);
        }
    }
    make_any_room_locked (cache, out);
    pthread_cond_broadcast (&cache->changed);
}

/* Lets go of the lock for the load itself. */
static ArecCacheEntry *
load_locked (ArecChunkCache *cache, ArecCacheKey key, const ArecCacheLoader *loader, void *data,
             uint64_t expected, bool is_ahead, Dropped *out, GError **error)
{
    ArecCacheEntry *entry = begin_load_locked (cache, key, expected, is_ahead, out);
    GError *cause = NULL;
    void *value = NULL;
    uint64_t cost = 0;
    int64_t begun, ended;
    bool ok;

    pthread_mutex_unlock (&cache->lock);
    drop (out);
    begun = now();
    ok = loader->load (data, &value, &cost, &cause);
    ended = now();
    pthread_mutex_lock (&cache->lock);

    if (ok) {
        entry->state = READY;
        entry->value = value;
        entry->free_value = loader->free_value;
        entry->used_at = ended;
        entry->load_time = ended - begun;
        end_load_locked (cache, entry, cost, out);
        return entry;
    }
    entry->state = FAILED;
    entry->error = g_error_copy (cause);
    end_load_locked (cache, entry, 0, out);
    arec_cache_entry_unref (entry); /* ours; @out has the table's */
    g_propagate_error (error, cause);
    return NULL;
}

/* ---- asking ---- */

static ArecCacheEntry *
use_locked (ArecChunkCache *cache, ArecCacheEntry *entry)
{
    cache->counters.hits++;
    cache->counters.ahead_used += entry->seat.queue == AREC_AHEAD;
    arec_replacement_use (&cache->order, &entry->seat);
    if (entry->large) {
        entry->used_at = now();
    }
    return arec_cache_entry_ref (entry);
}

ArecCacheEntry *
arec_chunk_cache_get (ArecChunkCache *cache, ArecCacheKey key, const ArecCacheLoader *loader,
                      void *data, uint64_t expected, GError **error)
{
    const uint64_t hash = hash_key (key);
    Dropped out = {NULL};
    ArecCacheEntry *entry;

    pthread_mutex_lock (&cache->lock);
    entry = look_up_locked (cache, key, hash);
    if (!entry) {
        cache->counters.misses++;
        entry = load_locked (cache, key, loader, data, expected, false, &out, error);
    } else if (entry->state == READY) {
        entry = use_locked (cache, entry);
    } else {
        cache->counters.joins++;
        cache->counters.ahead_used += entry->is_ahead;
        entry->is_ahead = false;
        entry = join_locked (cache, entry, error);
    }
    pthread_mutex_unlock (&cache->lock);
    drop (&out);
    return entry;
}

ArecCacheEntry *
arec_chunk_cache_peek (ArecChunkCache *cache, ArecCacheKey key)
{
    const uint64_t hash = hash_key (key);
    ArecCacheEntry *entry;

    pthread_mutex_lock (&cache->lock);
    entry = look_up_locked (cache, key, hash);
    entry = entry && entry->state == READY ? arec_cache_entry_ref (entry) : NULL;
    if (entry && entry->seat.queue != AREC_AHEAD) {
        arec_replacement_use (&cache->order, &entry->seat);
    }
    pthread_mutex_unlock (&cache->lock);
    return entry;
}

bool
arec_chunk_cache_has (ArecChunkCache *cache, ArecCacheKey key)
{
    const uint64_t hash = hash_key (key);
    bool has;

    pthread_mutex_lock (&cache->lock);
    has = look_up_locked (cache, key, hash) != NULL;
    pthread_mutex_unlock (&cache->lock);
    return has;
}

/* Whether a load ahead of @expected bytes takes no room from others that are ahead, nor from
 * those who work with large entries. */
static bool
allows_ahead_locked (ArecChunkCache *cache, uint64_t expected, Dropped *out)
{
    const Need need = {.bytes = expected, .large = is_large (cache, expected), .patient = true};

    return arec_replacement_allows_ahead (&cache->order, cache->loading_ahead, expected) &&
           (!need.large || (cache->waiting == 0 && !make_room_locked (cache, &need, out)));
}

bool
arec_chunk_cache_load_ahead (ArecChunkCache *cache, ArecCacheKey key,
                             const ArecCacheLoader *loader, void *data, uint64_t expected)
{
    const uint64_t hash = hash_key (key);
    Dropped out = {NULL};
    ArecCacheEntry *entry = NULL;
    GError *error = NULL;
    bool allowed = true;

    pthread_mutex_lock (&cache->lock);
    if (!look_up_locked (cache, key, hash)) {
        allowed = allows_ahead_locked (cache, expected, &out);
        if (allowed) {
            cache->counters.ahead++;
            cache->loading_ahead += expected;
            entry = load_locked (cache, key, loader, data, expected, true, &out, &error);
            cache->loading_ahead -= expected;
        } else {
            cache->counters.ahead_refused++;
        }
    }
    pthread_mutex_unlock (&cache->lock);
    drop (&out);
    arec_cache_entry_unref (entry);
    g_clear_error (&error);
    return allowed;
}

static bool
is_in_table_locked (const ArecChunkCache *cache, const ArecCacheEntry *entry)
{
    return look_up_locked (cache, entry->key, entry->seat.hash) == entry;
}

void
arec_chunk_cache_reduce (ArecChunkCache *cache, ArecCacheEntry *entry, uint64_t bytes)
{
    pthread_mutex_lock (&cache->lock);
    if (is_in_table_locked (cache, entry)) {
        arec_replacement_reduce (&cache->order, &entry->seat, bytes);
        cache->used -= bytes;
    }
    pthread_mutex_unlock (&cache->lock);
}

void
arec_chunk_cache_discard (ArecChunkCache *cache, ArecCacheEntry *entry)
{
    Dropped out = {NULL};

    pthread_mutex_lock (&cache->lock);
    if (is_in_table_locked (cache, entry)) {
        take_out_locked (cache, entry, false, &out);
    }
    pthread_mutex_unlock (&cache->lock);
    drop (&out);
}

void
arec_chunk_cache_forget (ArecChunkCache *cache, uint64_t owner)
{
    Dropped out = {NULL};

    pthread_mutex_lock (&cache->lock);
    for (ArecSeat *seat = arec_replacement_first (&cache->order), *next; seat; seat = next) {
        next = arec_replacement_next (&cache->order, seat);
        if (entry_of (seat)->key.owner == owner) {
            take_out_locked (cache, entry_of (seat), false, &out);
        }
    }
    pthread_mutex_unlock (&cache->lock);
    drop (&out);
}

void
arec_chunk_cache_charge (ArecChunkCache *cache, int64_t bytes)
{
    Dropped out = {NULL};

    pthread_mutex_lock (&cache->lock);
    cache->used += (uint64_t)bytes;
    cache->charged += (uint64_t)bytes;
    arec_replacement_set_room (&cache->order,
                               cache->budget - MIN (cache->budget, cache->charged));
    make_any_room_locked (cache, &out);
    pthread_mutex_unlock (&cache->lock);
    drop (&out);
}

void
arec_chunk_cache_get_stats (ArecChunkCache *cache, ArecChunkCacheStats *stats)
{
    pthread_mutex_lock (&cache->lock);
    *stats = cache->counters;
    stats->budget = cache->budget;
    stats->used = cache->used;
    stats->entries = cache->order.n;
    pthread_mutex_unlock (&cache->lock);
}

void
arec_chunk_cache_free (ArecChunkCache *cache)
{
    Dropped out = {NULL};
    ArecSeat *seat;

    if (!cache) {
        return;
    }
    while ((seat = arec_replacement_first (&cache->order))) {
        take_out_locked (cache, entry_of (seat), false, &out);
    }
    drop (&out);
    arec_replacement_clear (&cache->order);
    g_free (cache->buckets);
    pthread_cond_destroy (&cache->changed);
    pthread_mutex_destroy (&cache->lock);
    g_free (cache);
}
