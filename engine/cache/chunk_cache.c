#include "cache/chunk_cache.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/error.h"
#include "base/phases.h"
#include "base/thread.h"
#include "cache/replacement.h"

#define MIN_BUCKETS 64

/* A load waits for its turn no longer than this many times what loading its blocker took. */
#define PATIENCE 8

/* Nanoseconds that a load waits for entries to be released. After the first it goes beyond the
 * budget. It fails for want of room below the ceiling once nothing has changed for the second.
 */
#define SHARE_PATIENCE INT64_C (1000000000)
#define ROOM_PATIENCE INT64_C (10000000000)

/* Nanoseconds after which a load that waits for entries to be released looks again, as one may
 * have been released just before it counted as a watcher; or one that waits for a place. */
#define LOOK_AGAIN INT64_C (20000000)

/* Nanoseconds after which a load gives its place to another one: its source may be slow, or
 * dead, and is to delay its own readers alone. */
#define OVERDUE INT64_C (1000000000)

typedef enum { LOADING, READY, FAILED } State;

/* A load in flight; on the stack of its thread. */
typedef struct Flight Flight;

struct Flight {
    Flight *next;
    int64_t begun;
    bool is_overdue;
};

struct ArecCacheEntry {
    ArecChunkCache *cache; /* holds a reference */
    ArecCacheKey key;
    ArecCacheEntry *next;  /* in its bucket */
    ArecSeat seat;         /* in the order of eviction when READY; while LOADING it holds the
                             expected cost */
    _Atomic unsigned refs; /* the table's, and one for each user */
    State state;           /* guarded by the cache's lock */
    bool large;            /* may stay beyond the budget */
    bool has_left;         /* the table, with a value; written with only the table's reference
                              or the lock held, read by the last user */
    bool is_ahead;         /* while LOADING: no caller has asked for it yet */
    bool is_slow;          /* while LOADING: see ArecCacheLoader */
    int64_t used_at;       /* last use of a large entry, nanoseconds */
    int64_t load_time;
    void *value;
    void (*free_value) (void *value);
    GError *error; /* of FAILED, for those that waited */
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
    Flight *flights;                    /* loads in flight, the latest first */
    unsigned waiting;                   /* loads that wait for their turn */
    uint64_t loading_ahead;   /* bytes expected of loads ahead, in flight or waiting */
    ArecCacheEntry **buckets; /* each holds the table's references to its entries */
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
    ArecCacheEntry **buckets = g_try_new0 (ArecCacheEntry *, n);

    if (!buckets) {
        return; /* the old table still works, with longer buckets */
    }
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
    /* At most half full, so that most look-ups of an absent key end at an empty bucket. */
    if (cache->n_entries >= cache->n_buckets / 2) {
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

    pthread_mutex_init (&cache->lock, NULL);
    arec_cond_init (&cache->changed);
    arec_room_init (&cache->room, options->budget, options->ceiling, options->max_loads);
    cache->are_brief = options->are_brief;
    cache->refs = 1;
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

ArecCacheKey
arec_cache_entry_key (const ArecCacheEntry *entry)
{
    return entry->key;
}

ArecCacheEntry *
arec_cache_entry_ref (ArecCacheEntry *entry)
{
    atomic_fetch_add_explicit (&entry->refs, 1, memory_order_relaxed);
    return entry;
}

static void
unref_cache (ArecChunkCache *cache)
{
    if (atomic_fetch_sub_explicit (&cache->refs, 1, memory_order_acq_rel) == 1) {
        pthread_cond_destroy (&cache->changed);
        pthread_mutex_destroy (&cache->lock);
        g_free (cache);
    }
}

static void
signal_change_locked (ArecChunkCache *cache)
{
    cache->n_changes++;
    pthread_cond_broadcast (&cache->changed);
}

/* The last reference to @entry is gone. */
static void
free_entry (ArecCacheEntry *entry)
{
    ArecChunkCache *cache = entry->cache;

    if (entry->value) {
        entry->free_value (entry->value);
    }
    if (entry->has_left) {
        /* Only now is the memory available again. */
        arec_room_free (&cache->room, entry->seat.cost, entry->large);
    }
    g_clear_error (&entry->error);
    g_free (entry);
    unref_cache (cache);
}

/* Drops a reference to @entry. The lock may be held only if the entry has no value or stays in
 * the table: then nothing is freed that takes long. */
static void
release (ArecCacheEntry *entry)
{
    if (atomic_fetch_sub_explicit (&entry->refs, 1, memory_order_acq_rel) == 1) {
        free_entry (entry);
    }
}

void
arec_cache_entry_unref (ArecCacheEntry *entry)
{
    ArecChunkCache *watched = NULL;

    if (!entry) {
        return;
    }
    /* The last reference may free the cache: hold it until the watchers are woken. */
    if (G_UNLIKELY (atomic_load_explicit (&entry->cache->watchers, memory_order_relaxed) > 0)) {
        watched = entry->cache;
        atomic_fetch_add (&watched->refs, 1);
    }
    release (entry);
    if (watched) {
        pthread_mutex_lock (&watched->lock);
        signal_change_locked (watched);
        pthread_mutex_unlock (&watched->lock);
        unref_cache (watched);
    }
}

static ArecCacheEntry *
entry_of (ArecSeat *seat)
{
    return (ArecCacheEntry *)((char *)seat - offsetof (ArecCacheEntry, seat));
}

/* Entries that were taken out of the table, linked by `next`. They are dropped without the
 * lock, because freeing a value may take long. */
typedef struct {
    ArecCacheEntry *first;
    uint64_t idle; /* bytes of those without users */
} Dropped;

/* Takes a READY entry out of the table; the table's reference goes to @out. */
static void
take_out_locked (ArecChunkCache *cache, ArecCacheEntry *entry, bool is_evicted, Dropped *out)
{
    arec_room_take_out (&cache->room, entry->seat.cost, entry->large);
    entry->has_left = true;
    if (atomic_load_explicit (&entry->refs, memory_order_relaxed) == 1) {
        out->idle += entry->seat.cost;
    }
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
    out->idle = 0;
}

/* ---- making room ---- */

/* The room that is wanted. */
typedef struct {
    ArecCacheSize size; /* besides what is there */
    bool patient;       /* does not evict busy entries */
} Need;

static bool
lacks_room_locked (const ArecChunkCache *cache, const Need *need, const Dropped *out)
{
    return arec_room_exceeds_budget (&cache->room, need->size) ||
           arec_room_exceeds_ceiling (&cache->room, need->size, out->idle);
}

/* Whether @entry, the next in the order of eviction, may be evicted to make room for @need. */
static bool
is_victim_locked (const ArecChunkCache *cache, const ArecCacheEntry *entry, const Need *need,
                  const Dropped *out)
{
    if (atomic_load_explicit (&entry->refs, memory_order_relaxed) > 1) {
        return false; /* its user keeps the memory anyway */
    }
    return !entry->large || !arec_room_keeps_large (&cache->room, need->size, out->idle);
}

/* A large entry is busy as long as it has been idle for less time than loading it took: it is
 * likely to be wanted again at once. Returns when that ends. */
static int64_t
busy_until (const ArecCacheEntry *entry)
{
    return entry->large ? entry->used_at + entry->load_time : 0;
}

/* Evicts until there is room for @need, as far as the rules allow. Returns the busy entry that
 * blocks a patient @need, the one that is busy for the shortest time if there are several;
 * NULL: none does. */
static const ArecCacheEntry *
make_room_locked (ArecChunkCache *cache, const Need *need, Dropped *out)
{
    const ArecCacheEntry *blocker = NULL;
    int64_t time = need->patient ? now() : 0;
    ArecSeat *seat = NULL;

    if (lacks_room_locked (cache, need, out)) {
        seat = arec_replacement_first (&cache->order);
    }
    while (seat && lacks_room_locked (cache, need, out)) {
        ArecCacheEntry *entry = entry_of (seat);

        seat = arec_replacement_next (&cache->order, seat);
        if (!is_victim_locked (cache, entry, need, out)) {
            continue;
        }
        if (!need->patient || busy_until (entry) <= time) {
            take_out_locked (cache, entry, true, out);
        } else if (!blocker || busy_until (entry) < busy_until (blocker)) {
            blocker = entry;
        }
    }
    /* The entries that were evicted after it was passed over may have made enough room. */
    return blocker && lacks_room_locked (cache, need, out) &&
                   is_victim_locked (cache, blocker, need, out)
               ? blocker
               : NULL;
}

/* Evicts down to the bounds, for no load in particular. */
static void
keep_bounds_locked (ArecChunkCache *cache, Dropped *out)
{
    make_room_locked (cache, &(Need){0}, out);
}

/* ---- loading ---- */

/* Waits for another thread's load. */
static ArecCacheEntry *
join_locked (ArecChunkCache *cache, ArecCacheEntry *entry, GError **error)
{
    ArecPhaseMark mark = arec_phases_enter (AREC_PHASE_WAITING_DECODING);

    arec_cache_entry_ref (entry);
    while (entry->state == LOADING) {
        pthread_cond_wait (&cache->changed, &cache->lock);
    }
    arec_phases_leave (mark);
    if (entry->state == FAILED) {
        g_propagate_error (error, g_error_copy (entry->error));
        release (entry);
        return NULL;
    }
    return entry;
}

static struct timespec
timespec_of (int64_t time)
{
    return (struct timespec){.tv_sec = (time_t)(time / 1000000000),
                             .tv_nsec = (long)(time % 1000000000)};
}

static void
wait_until_locked (ArecChunkCache *cache, int64_t time)
{
    struct timespec until = timespec_of (time);

    cache->waiting++;
    pthread_cond_timedwait (&cache->changed, &cache->lock, &until);
    cache->waiting--;
}

/* Whether one more load may wait for its turn. One fewer than max_loads may, so that a thread
 * is left to serve readers of entries that are there, and to load what was not there before. */
static bool
may_wait_locked (const ArecChunkCache *cache)
{
    return cache->waiting < MAX (cache->room.max_loads, 2) - 1;
}

/* What a load has to wait for. */
typedef enum {
    NOTHING,
    A_PLACE,  /* max_loads loads are in flight */
    MEMORY,   /* for room below the ceiling: other loads must end, or one is next in line */
    HOLDERS,  /* for room below the ceiling: users must release entries */
    SHARE,    /* for a share of what may exceed the budget: users must release entries */
    ITS_TURN, /* a busy entry, the blocker */
    NO_ROOM   /* there is no room below the ceiling, whatever ends; it waits for nothing */
} Obstacle;

/* Until when a load waits for each of these; 0: it has not waited for that yet. */
typedef struct {
    int64_t turn_ends;
    int64_t share_ends;
    int64_t room_ends;
    uint64_t n_changes; /* when the last of these was set */
} Patience;

/* Whether a load still waits for its share of what may exceed the budget. */
static bool
awaits_share (Patience *patience)
{
    int64_t time = now();

    if (patience->share_ends == 0) {
        patience->share_ends = time + SHARE_PATIENCE;
    }
    return time < patience->share_ends;
}

/* Whether it still waits for room below the ceiling. */
static bool
awaits_room_locked (const ArecChunkCache *cache, Patience *patience)
{
    int64_t time = now();

    if (patience->room_ends == 0 || patience->n_changes != cache->n_changes) {
        patience->room_ends = time + ROOM_PATIENCE;
        patience->n_changes = cache->n_changes;
    }
    return time < patience->room_ends;
}

/* Whether the load of @entry would take memory that the load next in line waits for. Nothing is
 * evicted for it meanwhile, either. */
static bool
is_behind_locked (const ArecChunkCache *cache, const ArecCacheEntry *entry, const Need *need,
                  const Dropped *out)
{
    return cache->next_in_line && cache->next_in_line != entry &&
           arec_room_exceeds_rest (&cache->room, need->size, out->idle);
}

/* Lets loads that are overdue give their places back. Returns whether there is a place then. */
static bool
find_overdue_locked (ArecChunkCache *cache)
{
    const int64_t begun_before = now() - OVERDUE;

    for (Flight *flight = cache->flights; flight; flight = flight->next) {
        if (!flight->is_overdue && flight->begun < begun_before) {
            flight->is_overdue = true;
            arec_room_give_place (&cache->room);
        }
    }
    return cache->room.loads < cache->room.max_loads;
}

static void
end_flight_locked (ArecChunkCache *cache, Flight *ended)
{
    Flight **link = &cache->flights;

    while (*link != ended) {
        link = &(*link)->next;
    }
    *link = ended->next;
    if (ended->is_overdue) {
        arec_room_take_place (&cache->room);
    }
}

/* What the load of @entry, which needs @need, must wait for now; with ITS_TURN for *blocker.
 *
 * The order matters. A load without a place, or behind the one next in line, must evict
 * nothing, so these are asked before room is made. The ceiling is asked after room is made,
 * since evicted entries without users count as gone (out->idle). The share comes last: it is a
 * courtesy that ends after a second. */
static Obstacle
find_obstacle_locked (ArecChunkCache *cache, const ArecCacheEntry *entry, const Need *need,
                      Patience *patience, const ArecCacheEntry **blocker, Dropped *out)
{
    const ArecRoom *room = &cache->room;

    if (arec_room_never_fits (room, need->size)) {
        return NO_ROOM;
    }
    if (!entry->is_slow && room->loads >= room->max_loads && !find_overdue_locked (cache)) {
        return A_PLACE;
    }
    if (is_behind_locked (cache, entry, need, out)) {
        return MEMORY;
    }
    *blocker = make_room_locked (cache, need, out);
    if (*blocker) {
        return ITS_TURN;
    }
    if (arec_room_exceeds_ceiling (room, need->size, out->idle)) {
        /* A load that is overdue may never end; with brief views it is not waited for. */
        if (room->loads > 0 || (room->overdue > 0 && !cache->are_brief)) {
            return MEMORY;
        }
        if (cache->are_brief) {
            return awaits_room_locked (cache, patience) ? HOLDERS : NO_ROOM;
        }
    }
    return cache->are_brief && arec_room_exceeds_share (room, need->size, out->idle) &&
                   awaits_share (patience)
               ? SHARE
               : NOTHING;
}

/* Waits for entries to be released. */
static void
watch_locked (ArecChunkCache *cache)
{
    struct timespec until = timespec_of (now() + LOOK_AGAIN);

    cache->watchers++;
    pthread_cond_timedwait (&cache->changed, &cache->lock, &until);
    cache->watchers--;
}

/* Waits for a load to end, or to be overdue. */
static void
watch_places_locked (ArecChunkCache *cache)
{
    struct timespec until = timespec_of (now() + LOOK_AGAIN);

    pthread_cond_timedwait (&cache->changed, &cache->lock, &until);
}

static void
wait_locked (ArecChunkCache *cache, Obstacle obstacle, const ArecCacheEntry *blocker,
             Patience *patience)
{
    ArecPhaseMark mark = arec_phases_enter (AREC_PHASE_WAITING_DECODING);

    switch (obstacle) {
    case A_PLACE: watch_places_locked (cache); break;
    case MEMORY: pthread_cond_wait (&cache->changed, &cache->lock); break;
    case HOLDERS:
    case SHARE: watch_locked (cache); break;
    case ITS_TURN:
        if (patience->turn_ends == 0) {
            patience->turn_ends = now() + PATIENCE * blocker->load_time;
        }
        wait_until_locked (cache, MIN (busy_until (blocker), patience->turn_ends));
        break;
    case NOTHING:
    case NO_ROOM: break;
    }
    arec_phases_leave (mark);
}

/* The first load that waits for memory is next in line, and later loads leave it room.
 * Otherwise a stream of small loads would keep a large one waiting for ever. */
static void
line_up_locked (ArecChunkCache *cache, const ArecCacheEntry *entry, const Need *need,
                Obstacle obstacle)
{
    if (!cache->next_in_line && (obstacle == MEMORY || obstacle == HOLDERS)) {
        cache->next_in_line = entry;
        cache->room.reserved = need->size.cost + need->size.passing;
    }
}

static void
leave_line_locked (ArecChunkCache *cache, const ArecCacheEntry *entry)
{
    if (cache->next_in_line == entry) {
        cache->next_in_line = NULL;
        cache->room.reserved = 0;
        signal_change_locked (cache);
    }
}

/* Waits until there is a place and room for the load of @entry. Returns false if there will be
 * no room for it.
 *
 * There are three ways to wait, and each has its own end:
 *   - for a place or for memory (A_PLACE, MEMORY), until another load ends or leaves the line,
 *     which signals; for a place only until a load is overdue, for which it looks again;
 *   - for users to release entries (HOLDERS, SHARE), until a release, which signals while
 *     `watchers` is not 0, or LOOK_AGAIN; share_ends or room_ends bounds the whole;
 *   - for its turn (ITS_TURN), until the blocker is no longer busy; turn_ends bounds the whole.
 *
 * Only the load of a large entry that was evicted while readers still came back to it waits for
 * its turn. Otherwise readers of more large chunks than fit would keep evicting each other's.
 */
static bool
await_turn_locked (ArecChunkCache *cache, const ArecCacheEntry *entry, ArecCacheSize expected,
                   Dropped *out)
{
    Need need = {.size = expected};
    const bool was_wanted = arec_room_is_large (&cache->room, expected.cost) &&
                            arec_replacement_remembers (&cache->order, entry->seat.hash);
    Patience patience = {0};
    const ArecCacheEntry *blocker = NULL;
    Obstacle obstacle;

    for (;;) {
        need.patient = was_wanted && may_wait_locked (cache) &&
                       (patience.turn_ends == 0 || now() < patience.turn_ends);
        obstacle = find_obstacle_locked (cache, entry, &need, &patience, &blocker, out);
        if (obstacle == NOTHING || obstacle == NO_ROOM) {
            break;
        }
        line_up_locked (cache, entry, &need, obstacle);
        if (out->first) {
            /* What was taken out must not take memory while we wait. */
            pthread_mutex_unlock (&cache->lock);
            drop (out);
            pthread_mutex_lock (&cache->lock);
        } else {
            wait_locked (cache, obstacle, blocker, &patience);
        }
    }
    leave_line_locked (cache, entry);
    return obstacle == NOTHING;
}

/* Enters a LOADING entry, so that others join it; holds a reference for the table and one for
 * the caller. */
static ArecCacheEntry *
enter_locked (ArecChunkCache *cache, ArecCacheKey key, uint64_t expected, bool is_ahead)
{
    ArecCacheEntry *entry = g_new0 (ArecCacheEntry, 1);

    cache->refs++;
    entry->cache = cache;
    entry->key = key;
    entry->seat.hash = hash_key (key);
    entry->seat.cost = expected;
    entry->refs = 2;
    entry->is_ahead = is_ahead;
    insert_locked (cache, entry);
    return entry;
}

/* The load of @entry did not succeed, or did not begin. The table's reference goes to @out. */
static void
fail_locked (ArecChunkCache *cache, ArecCacheEntry *entry, const GError *cause, Dropped *out)
{
    entry->state = FAILED;
    entry->error = g_error_copy (cause);
    remove_locked (cache, entry);
    entry->next = out->first;
    out->first = entry;
    cache->counters.failures++;
}

static void
succeed_locked (ArecChunkCache *cache, ArecCacheEntry *entry, uint64_t cost)
{
    entry->state = READY;
    entry->large = arec_room_is_large (&cache->room, cost);
    arec_room_add (&cache->room, cost, entry->large);
    if (entry->is_ahead) {
        arec_replacement_add_ahead (&cache->order, &entry->seat, entry->seat.hash, cost);
    } else {
        arec_replacement_add (&cache->order, &entry->seat, entry->seat.hash, cost);
    }
}

/* Measures a thing that is not expected to fit. Drops the lock meanwhile. */
static GError *
measure_locked (ArecChunkCache *cache, const ArecCacheLoader *loader, void *data,
                ArecCacheSize *size)
{
    GError *cause = NULL;

    if (arec_room_never_fits (&cache->room, *size)) {
        pthread_mutex_unlock (&cache->lock);
        loader->measure (data, size, &cause);
        pthread_mutex_lock (&cache->lock);
    }
    return cause;
}

/* The error of a load for which there is no room. Drops the lock meanwhile. */
static GError *
refuse_locked (ArecChunkCache *cache, const ArecCacheLoader *loader, void *data,
               ArecCacheSize size)
{
    uint64_t room = cache->room.ceiling - MIN (cache->room.ceiling, cache->room.charged);
    bool ever = arec_room_never_fits (&cache->room, size);
    GError *cause = NULL;

    pthread_mutex_unlock (&cache->lock);
    loader->refuse (data, size.cost + size.passing, room, ever, &cause);
    pthread_mutex_lock (&cache->lock);
    return cause;
}

/* Drops the lock for the load itself, and before it drops @out, whose memory the load was
 * promised. Returns the error of the load, or NULL. */
static GError *
run_load_locked (ArecChunkCache *cache, ArecCacheEntry *entry, const ArecCacheLoader *loader,
                 void *data, ArecCacheSize expected, Dropped *out)
{
    GError *cause = NULL;
    void *value = NULL;
    uint64_t cost = 0;
    Flight flight = {.next = cache->flights, .begun = now()};
    int64_t ended;
    bool ok;

    arec_room_begin_load (&cache->room, expected);
    cache->flights = &flight;
    if (entry->is_slow) { /* it waits, and needs no place for that */
        flight.is_overdue = true;
        arec_room_give_place (&cache->room);
    }
    pthread_mutex_unlock (&cache->lock);
    drop (out);
    ok = loader->load (data, &value, &cost, &cause);
    ended = now();
    pthread_mutex_lock (&cache->lock);
    end_flight_locked (cache, &flight);
    arec_room_end_load (&cache->room, expected);
    if (ok) {
        entry->value = value;
        entry->free_value = loader->free_value;
        entry->used_at = ended;
        entry->load_time = ended - flight.begun;
        succeed_locked (cache, entry, cost);
    }
    return cause;
}

/* The entry is in the table before the lock is first dropped, so a second caller for @key finds
 * it and joins. It leaves READY or FAILED, and the signal comes after that. */
static ArecCacheEntry *
load_locked (ArecChunkCache *cache, ArecCacheKey key, const ArecCacheLoader *loader, void *data,
             ArecCacheSize expected, bool is_ahead, Dropped *out, GError **error)
{
    ArecCacheEntry *entry = enter_locked (cache, key, expected.cost, is_ahead);
    GError *cause;

    entry->is_slow = loader->is_slow && loader->is_slow (data);
    cause = measure_locked (cache, loader, data, &expected);
    if (!cause) {
        cause = await_turn_locked (cache, entry, expected, out)
                    ? run_load_locked (cache, entry, loader, data, expected, out)
                    : refuse_locked (cache, loader, data, expected);
    }
    if (cause) {
        fail_locked (cache, entry, cause, out);
    }
    keep_bounds_locked (cache, out);
    signal_change_locked (cache);
    if (cause) {
        release (entry); /* ours; @out has the table's */
        g_propagate_error (error, cause);
        return NULL;
    }
    return entry;
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
                      void *data, ArecCacheSize expected, GError **error)
{
    const uint64_t hash = hash_key (key);
    Dropped out = {0};
    GError *of_other = NULL;
    ArecCacheEntry *entry;

    pthread_mutex_lock (&cache->lock);
    entry = look_up_locked (cache, key, hash);
    while (entry && entry->state == LOADING) {
        cache->counters.joins++;
        cache->counters.ahead_used += entry->is_ahead;
        entry->is_ahead = false;
        entry = join_locked (cache, entry, &of_other);
        /* What another caller's cancelling has ended has not failed. */
        if (entry || !g_error_matches (of_other, AREC_ERROR, AREC_ERROR_CANCELLED)) {
            pthread_mutex_unlock (&cache->lock);
            if (of_other) {
                g_propagate_error (error, of_other);
            }
            return entry;
        }
        g_clear_error (&of_other);
        entry = look_up_locked (cache, key, hash);
    }
    if (entry) {
        entry = use_locked (cache, entry);
    } else {
        cache->counters.misses++;
        entry = load_locked (cache, key, loader, data, expected, false, &out, error);
    }
    pthread_mutex_unlock (&cache->lock);
    drop (&out);
    return entry;
}

ArecCacheEntry *
arec_chunk_cache_hit (ArecChunkCache *cache, ArecCacheKey key)
{
    const uint64_t hash = hash_key (key);
    ArecCacheEntry *entry;

    pthread_mutex_lock (&cache->lock);
    entry = look_up_locked (cache, key, hash);
    entry = entry && entry->state == READY ? use_locked (cache, entry) : NULL;
    pthread_mutex_unlock (&cache->lock);
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

ArecCacheEntry *
arec_chunk_cache_find (ArecChunkCache *cache, ArecCacheKey key)
{
    const uint64_t hash = hash_key (key);
    ArecCacheEntry *entry;

    pthread_mutex_lock (&cache->lock);
    entry = look_up_locked (cache, key, hash);
    entry = entry && entry->state == READY ? arec_cache_entry_ref (entry) : NULL;
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

/* Whether a load ahead of @expected bytes displaces no entry that is ahead and no busy one, and
 * needs no memory that is not available now. */
static bool
allows_ahead_locked (ArecChunkCache *cache, ArecCacheSize expected, Dropped *out)
{
    const bool is_large = arec_room_is_large (&cache->room, expected.cost);
    const Need need = {.size = expected, .patient = is_large};

    return arec_replacement_allows_ahead (&cache->order, cache->loading_ahead, expected.cost) &&
           !(is_large && cache->waiting > 0) && !cache->next_in_line &&
           !make_room_locked (cache, &need, out) &&
           !arec_room_exceeds_ceiling (&cache->room, expected, out->idle) &&
           !(cache->are_brief && arec_room_exceeds_share (&cache->room, expected, out->idle));
}

bool
arec_chunk_cache_load_ahead (ArecChunkCache *cache, ArecCacheKey key,
                             const ArecCacheLoader *loader, void *data, ArecCacheSize expected)
{
    const uint64_t hash = hash_key (key);
    Dropped out = {0};
    ArecCacheEntry *entry = NULL;
    GError *error = NULL;
    bool allowed = true;

    pthread_mutex_lock (&cache->lock);
    if (!look_up_locked (cache, key, hash)) {
        allowed = allows_ahead_locked (cache, expected, &out);
        if (allowed) {
            cache->counters.ahead++;
            cache->loading_ahead += expected.cost;
            entry = load_locked (cache, key, loader, data, expected, true, &out, &error);
            cache->loading_ahead -= expected.cost;
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
        arec_room_reduce (&cache->room, bytes, entry->large);
    } else {
        entry->seat.cost -= bytes;
        arec_room_free (&cache->room, bytes, false);
    }
    if (cache->watchers > 0) {
        signal_change_locked (cache);
    }
    pthread_mutex_unlock (&cache->lock);
}

void
arec_chunk_cache_discard (ArecChunkCache *cache, ArecCacheEntry *entry)
{
    Dropped out = {0};

    pthread_mutex_lock (&cache->lock);
    if (is_in_table_locked (cache, entry)) {
        take_out_locked (cache, entry, false, &out);
    }
    pthread_mutex_unlock (&cache->lock);
    drop (&out);
}

void
arec_cache_entry_spend (ArecCacheEntry *entry)
{
    ArecChunkCache *cache = entry->cache;
    Dropped out = {0};

    pthread_mutex_lock (&cache->lock);
    if (is_in_table_locked (cache, entry) && entry->seat.queue == AREC_COLD) {
        arec_replacement_remember_spent (&cache->order, &entry->seat);
        take_out_locked (cache, entry, true, &out);
    }
    pthread_mutex_unlock (&cache->lock);
    drop (&out);
}

void
arec_chunk_cache_forget (ArecChunkCache *cache, uint64_t owner)
{
    Dropped out = {0};

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
arec_chunk_cache_give_back (ArecChunkCache *cache)
{
    Dropped out = {0};

    pthread_mutex_lock (&cache->lock);
    for (ArecSeat *seat = arec_replacement_first (&cache->order), *next; seat; seat = next) {
        next = arec_replacement_next (&cache->order, seat);
        if (atomic_load_explicit (&entry_of (seat)->refs, memory_order_relaxed) == 1) {
            take_out_locked (cache, entry_of (seat), true, &out);
        }
    }
    pthread_mutex_unlock (&cache->lock);
    drop (&out);
}

void
arec_chunk_cache_charge (ArecChunkCache *cache, int64_t bytes)
{
    Dropped out = {0};

    pthread_mutex_lock (&cache->lock);
    cache->room.charged += (uint64_t)bytes;
    arec_replacement_set_room (
        &cache->order, cache->room.budget - MIN (cache->room.budget, cache->room.charged));
    keep_bounds_locked (cache, &out);
    pthread_mutex_unlock (&cache->lock);
    drop (&out);
}

void
arec_chunk_cache_get_stats (ArecChunkCache *cache, ArecChunkCacheStats *stats)
{
    pthread_mutex_lock (&cache->lock);
    *stats = cache->counters;
    stats->budget = cache->room.budget;
    stats->used = arec_room_used (&cache->room);
    stats->alive = arec_room_alive (&cache->room, 0);
    stats->entries = cache->order.n;
    pthread_mutex_unlock (&cache->lock);
}

void
arec_chunk_cache_free (ArecChunkCache *cache)
{
    Dropped out = {0};
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
    unref_cache (cache);
}
