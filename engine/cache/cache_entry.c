#include "cache/cache_entry.h"

#include "cache/cache_inside.h"

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
    arec_cache_unref (cache);
}

void
arec_cache_entry_release (ArecCacheEntry *entry)
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
    arec_cache_entry_release (entry);
    if (watched) {
        pthread_mutex_lock (&watched->lock);
        arec_cache_signal_change_locked (watched);
        pthread_mutex_unlock (&watched->lock);
        arec_cache_unref (watched);
    }
}
