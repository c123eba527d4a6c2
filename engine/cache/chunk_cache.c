#include "cache/chunk_cache.h"

#include "base/error.h"
#include "base/phases.h"
#include "base/thread.h"
#include "cache/cache_inside.h"
#include "cache/eviction.h"
#include "cache/load_turn.h"

ArecChunkCache *
arec_chunk_cache_new (const ArecChunkCacheOptions *options)
{
    ArecChunkCache *cache = g_new0 (ArecChunkCache, 1);

    pthread_mutex_init (&cache->lock, NULL);
    arec_cond_init (&cache->changed);
    arec_room_init (&cache->room, options->budget, options->ceiling, options->max_loads);
    cache->are_brief = options->are_brief;
    cache->refs = 1;
    arec_entry_table_init (&cache->table);
    arec_replacement_init (&cache->order, options->budget);
    return cache;
}

/* ---- loading ---- */

/* Waits for another thread's load. */
static ArecCacheEntry *
join_locked (ArecChunkCache *cache, ArecCacheEntry *entry, GError **error)
{
    ArecPhaseMark mark = arec_phases_enter (AREC_PHASE_WAITING_DECODING);

    arec_cache_entry_ref (entry);
    while (entry->state == AREC_LOADING) {
        pthread_cond_wait (&cache->changed, &cache->lock);
    }
    arec_phases_leave (mark);
    if (entry->state == AREC_FAILED) {
        g_propagate_error (error, g_error_copy (entry->error));
        arec_cache_entry_release (entry);
        return NULL;
    }
    return entry;
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
    entry->seat.hash = arec_cache_key_hash (key);
    entry->seat.cost = expected;
    entry->refs = 2;
    entry->is_ahead = is_ahead;
    arec_entry_table_insert (&cache->table, entry);
    return entry;
}

/* The load of @entry did not succeed, or did not begin. The table's reference goes to @out. */
static void
fail_locked (ArecChunkCache *cache, ArecCacheEntry *entry, const GError *cause,
             ArecDropped *out)
{
    entry->state = AREC_FAILED;
    entry->error = g_error_copy (cause);
    arec_entry_table_remove (&cache->table, entry);
    entry->next = out->first;
    out->first = entry;
    cache->counters.failures++;
}

static void
succeed_locked (ArecChunkCache *cache, ArecCacheEntry *entry, uint64_t cost)
{
    entry->state = AREC_READY;
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
                 void *data, ArecCacheSize expected, ArecDropped *out)
{
    GError *cause = NULL;
    void *value = NULL;
    uint64_t cost = 0;
    ArecFlight flight;
    int64_t ended;
    bool ok;

    arec_room_begin_load (&cache->room, expected);
    arec_cache_begin_flight_locked (cache, &flight);
    pthread_mutex_unlock (&cache->lock);
    arec_cache_drop (out);
    ok = loader->load (data, &value, &cost, &cause);
    ended = arec_cache_now();
    pthread_mutex_lock (&cache->lock);
    arec_cache_end_flight_locked (cache, &flight);
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
             ArecCacheSize expected, bool is_ahead, ArecDropped *out, GError **error)
{
    ArecCacheEntry *entry = enter_locked (cache, key, expected.cost, is_ahead);
    GError *cause = measure_locked (cache, loader, data, &expected);

    if (!cause) {
        cause = arec_cache_await_turn_locked (cache, entry, expected, out)
                    ? run_load_locked (cache, entry, loader, data, expected, out)
                    : refuse_locked (cache, loader, data, expected);
    }
    if (cause) {
        fail_locked (cache, entry, cause, out);
    }
    arec_cache_keep_bounds_locked (cache, out);
    arec_cache_signal_change_locked (cache);
    if (cause) {
        arec_cache_entry_release (entry); /* ours; @out has the table's */
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
        entry->used_at = arec_cache_now();
    }
    return arec_cache_entry_ref (entry);
}

ArecCacheEntry *
arec_chunk_cache_get (ArecChunkCache *cache, ArecCacheKey key, const ArecCacheLoader *loader,
                      void *data, ArecCacheSize expected, GError **error)
{
    const uint64_t hash = arec_cache_key_hash (key);
    ArecDropped out = {0};
    ArecCacheEntry *entry;

    pthread_mutex_lock (&cache->lock);
    entry = arec_entry_table_find (&cache->table, key, hash);
    if (!entry) {
        cache->counters.misses++;
        entry = load_locked (cache, key, loader, data, expected, false, &out, error);
    } else if (entry->state == AREC_READY) {
        entry = use_locked (cache, entry);
    } else {
        cache->counters.joins++;
        cache->counters.ahead_used += entry->is_ahead;
        entry->is_ahead = false;
        entry = join_locked (cache, entry, error);
    }
    pthread_mutex_unlock (&cache->lock);
    arec_cache_drop (&out);
    return entry;
}

ArecCacheEntry *
arec_chunk_cache_hit (ArecChunkCache *cache, ArecCacheKey key)
{
    const uint64_t hash = arec_cache_key_hash (key);
    ArecCacheEntry *entry;

    pthread_mutex_lock (&cache->lock);
    entry = arec_entry_table_find (&cache->table, key, hash);
    entry = entry && entry->state == AREC_READY ? use_locked (cache, entry) : NULL;
    pthread_mutex_unlock (&cache->lock);
    return entry;
}

ArecCacheEntry *
arec_chunk_cache_peek (ArecChunkCache *cache, ArecCacheKey key)
{
    const uint64_t hash = arec_cache_key_hash (key);
    ArecCacheEntry *entry;

    pthread_mutex_lock (&cache->lock);
    entry = arec_entry_table_find (&cache->table, key, hash);
    entry = entry && entry->state == AREC_READY ? arec_cache_entry_ref (entry) : NULL;
    if (entry && entry->seat.queue != AREC_AHEAD) {
        arec_replacement_use (&cache->order, &entry->seat);
    }
    pthread_mutex_unlock (&cache->lock);
    return entry;
}

ArecCacheEntry *
arec_chunk_cache_find (ArecChunkCache *cache, ArecCacheKey key)
{
    const uint64_t hash = arec_cache_key_hash (key);
    ArecCacheEntry *entry;

    pthread_mutex_lock (&cache->lock);
    entry = arec_entry_table_find (&cache->table, key, hash);
    entry = entry && entry->state == AREC_READY ? arec_cache_entry_ref (entry) : NULL;
    pthread_mutex_unlock (&cache->lock);
    return entry;
}

bool
arec_chunk_cache_has (ArecChunkCache *cache, ArecCacheKey key)
{
    const uint64_t hash = arec_cache_key_hash (key);
    bool has;

    pthread_mutex_lock (&cache->lock);
    has = arec_entry_table_find (&cache->table, key, hash) != NULL;
    pthread_mutex_unlock (&cache->lock);
    return has;
}

/* Whether a load ahead of @expected bytes displaces no entry that is ahead and no busy one, and
 * needs no memory that is not available now. */
static bool
allows_ahead_locked (ArecChunkCache *cache, ArecCacheSize expected, ArecDropped *out)
{
    const bool is_large = arec_room_is_large (&cache->room, expected.cost);
    const ArecNeed need = {.size = expected, .patient = is_large};

    return arec_replacement_allows_ahead (&cache->order, cache->loading_ahead, expected.cost) &&
           !(is_large && cache->waiting > 0) && !cache->next_in_line &&
           !arec_cache_make_room_locked (cache, &need, out) &&
           !arec_room_exceeds_ceiling (&cache->room, expected, out->idle) &&
           !(cache->are_brief && arec_room_exceeds_share (&cache->room, expected, out->idle));
}

bool
arec_chunk_cache_load_ahead (ArecChunkCache *cache, ArecCacheKey key,
                             const ArecCacheLoader *loader, void *data, ArecCacheSize expected)
{
    const uint64_t hash = arec_cache_key_hash (key);
    ArecDropped out = {0};
    ArecCacheEntry *entry = NULL;
    GError *error = NULL;
    bool allowed = true;

    pthread_mutex_lock (&cache->lock);
    if (!arec_entry_table_find (&cache->table, key, hash)) {
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
    arec_cache_drop (&out);
    arec_cache_entry_unref (entry);
    g_clear_error (&error);
    return allowed;
}

static bool
is_in_table_locked (const ArecChunkCache *cache, const ArecCacheEntry *entry)
{
    return arec_entry_table_find (&cache->table, entry->key, entry->seat.hash) == entry;
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
        arec_cache_signal_change_locked (cache);
    }
    pthread_mutex_unlock (&cache->lock);
}

void
arec_chunk_cache_discard (ArecChunkCache *cache, ArecCacheEntry *entry)
{
    ArecDropped out = {0};

    pthread_mutex_lock (&cache->lock);
    if (is_in_table_locked (cache, entry)) {
        arec_cache_take_out_locked (cache, entry, false, &out);
    }
    pthread_mutex_unlock (&cache->lock);
    arec_cache_drop (&out);
}

void
arec_cache_entry_spend (ArecCacheEntry *entry)
{
    ArecChunkCache *cache = entry->cache;
    ArecDropped out = {0};

    pthread_mutex_lock (&cache->lock);
    if (is_in_table_locked (cache, entry) && entry->seat.queue == AREC_COLD) {
        arec_replacement_remember_spent (&cache->order, &entry->seat);
        arec_cache_take_out_locked (cache, entry, true, &out);
    }
    pthread_mutex_unlock (&cache->lock);
    arec_cache_drop (&out);
}

void
arec_chunk_cache_forget (ArecChunkCache *cache, uint64_t owner)
{
    ArecDropped out = {0};

    pthread_mutex_lock (&cache->lock);
    for (ArecSeat *seat = arec_replacement_first (&cache->order), *next; seat; seat = next) {
        next = arec_replacement_next (&cache->order, seat);
        if (arec_cache_entry_of (seat)->key.owner == owner) {
            arec_cache_take_out_locked (cache, arec_cache_entry_of (seat), false, &out);
        }
    }
    pthread_mutex_unlock (&cache->lock);
    arec_cache_drop (&out);
}

void
arec_chunk_cache_give_back (ArecChunkCache *cache)
{
    ArecDropped out = {0};

    pthread_mutex_lock (&cache->lock);
    for (ArecSeat *seat = arec_replacement_first (&cache->order), *next; seat; seat = next) {
        next = arec_replacement_next (&cache->order, seat);
        if (atomic_load_explicit (&arec_cache_entry_of (seat)->refs, memory_order_relaxed) ==
            1) {
            arec_cache_take_out_locked (cache, arec_cache_entry_of (seat), true, &out);
        }
    }
    pthread_mutex_unlock (&cache->lock);
    arec_cache_drop (&out);
}

void
arec_chunk_cache_charge (ArecChunkCache *cache, int64_t bytes)
{
    ArecDropped out = {0};

    pthread_mutex_lock (&cache->lock);
    cache->room.charged += (uint64_t)bytes;
    arec_replacement_set_room (
        &cache->order, cache->room.budget - MIN (cache->room.budget, cache->room.charged));
    arec_cache_keep_bounds_locked (cache, &out);
    pthread_mutex_unlock (&cache->lock);
    arec_cache_drop (&out);
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
    ArecDropped out = {0};
    ArecSeat *seat;

    if (!cache) {
        return;
    }
    while ((seat = arec_replacement_first (&cache->order))) {
        arec_cache_take_out_locked (cache, arec_cache_entry_of (seat), false, &out);
    }
    arec_cache_drop (&out);
    arec_replacement_clear (&cache->order);
    arec_entry_table_clear (&cache->table);
    arec_cache_unref (cache);
}
