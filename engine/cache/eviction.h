/* Making room in the cache: which entries leave, within the budget and the ceiling. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cache/chunk_cache.h"
#include "cache/room.h"

/* Entries that were taken out of the table, linked by `next`. They are dropped without the
 * lock, because freeing a value may take long. */
typedef struct {
    ArecCacheEntry *first;
    uint64_t idle; /* bytes of those without users */
} ArecDropped;

/* Takes a READY entry out of the table; the table's reference goes to @out. */
void arec_cache_take_out_locked (ArecChunkCache *cache, ArecCacheEntry *entry, bool is_evicted,
                                 ArecDropped *out);

/* Without the lock. */
void arec_cache_drop (ArecDropped *out);

/* The room that is wanted. */
typedef struct {
    ArecCacheSize size; /* besides what is there */
    bool patient;       /* does not evict busy entries */
} ArecNeed;

/* Evicts until there is room for @need, as far as the rules allow. Returns the busy entry that
 * blocks a patient @need, the one that is busy for the shortest time if there are several;
 * NULL: none does. */
const ArecCacheEntry *arec_cache_make_room_locked (ArecChunkCache *cache, const ArecNeed *need,
                                                   ArecDropped *out);

/* Evicts down to the bounds, for no load in particular. */
void arec_cache_keep_bounds_locked (ArecChunkCache *cache, ArecDropped *out);

/* A large entry is busy as long as it has been idle for less time than loading it took: it is
 * likely to be wanted again at once. Returns when that ends. */
int64_t arec_cache_entry_busy_until (const ArecCacheEntry *entry);
