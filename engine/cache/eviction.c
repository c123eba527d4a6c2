#include "cache/eviction.h"

#include "cache/cache_inside.h"

void
arec_cache_take_out_locked (ArecChunkCache *cache, ArecCacheEntry *entry, bool is_evicted,
                            ArecDropped *out)
{
    arec_room_take_out (&cache->room, entry->seat.cost, entry->large);
    entry->has_left = true;
    if (atomic_load_explicit (&entry->refs, memory_order_relaxed) == 1) {
        out->idle += entry->seat.cost;
    }
    cache->counters.ahead_wasted += entry->seat.queue == AREC_AHEAD;
    cache->counters.evictions += is_evicted;
    arec_entry_table_remove (&cache->table, entry);
    if (is_evicted) {
        arec_replacement_evict (&cache->order, &entry->seat);
    } else {
        arec_replacement_remove (&cache->order, &entry->seat);
    }
    entry->next = out->first;
    out->first = entry;
}

void
arec_cache_drop (ArecDropped *out)
{
    while (out->first) {
        ArecCacheEntry *entry = out->first;

        out->first = entry->next;
        arec_cache_entry_unref (entry);
    }
    out->idle = 0;
}

/* ---- making room ---- */

static bool
lacks_room_locked (const ArecChunkCache *cache, const ArecNeed *need, const ArecDropped *out)
{
    return arec_room_exceeds_budget (&cache->room, need->size) ||
           arec_room_exceeds_ceiling (&cache->room, need->size, out->idle);
}

/* Whether @entry, the next in the order of eviction, may be evicted to make room for @need. */
static bool
is_victim_locked (const ArecChunkCache *cache, const ArecCacheEntry *entry,
                  const ArecNeed *need, const ArecDropped *out)
{
    if (atomic_load_explicit (&entry->refs, memory_order_relaxed) > 1) {
        return false; /* its user keeps the memory anyway */
    }
    return !entry->large || !arec_room_keeps_large (&cache->room, need->size, out->idle);
}

int64_t
arec_cache_entry_busy_until (const ArecCacheEntry *entry)
{
    return entry->large ? entry->used_at + entry->load_time : 0;
}

const ArecCacheEntry *
arec_cache_make_room_locked (ArecChunkCache *cache, const ArecNeed *need, ArecDropped *out)
{
    const ArecCacheEntry *blocker = NULL;
    int64_t time = need->patient ? arec_cache_now() : 0;
    ArecSeat *seat = NULL;

    if (lacks_room_locked (cache, need, out)) {
        seat = arec_replacement_first (&cache->order);
    }
    while (seat && lacks_room_locked (cache, need, out)) {
        ArecCacheEntry *entry = arec_cache_entry_of (seat);

        seat = arec_replacement_next (&cache->order, seat);
        if (!is_victim_locked (cache, entry, need, out)) {
            continue;
        }
        if (!need->patient || arec_cache_entry_busy_until (entry) <= time) {
            arec_cache_take_out_locked (cache, entry, true, out);
        } else if (!blocker || arec_cache_entry_busy_until (entry) <
                                   arec_cache_entry_busy_until (blocker)) {
            blocker = entry;
        }
    }
    /* The entries that were evicted after it was passed over may have made enough room. */
    return blocker && lacks_room_locked (cache, need, out) &&
                   is_victim_locked (cache, blocker, need, out)
               ? blocker
               : NULL;
}

void
arec_cache_keep_bounds_locked (ArecChunkCache *cache, ArecDropped *out)
{
    arec_cache_make_room_locked (cache, &(ArecNeed){0}, out);
}
