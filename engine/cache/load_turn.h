/* When a load begins: what it waits for, and until when. */
#pragma once

#include <stdbool.h>

#include "cache/cache_inside.h"
#include "cache/eviction.h"

/* Waits until there is a place and room for the load of @entry. Returns false if there will be
 * no room for it. Drops the lock meanwhile. */
bool arec_cache_await_turn_locked (ArecChunkCache *cache, const ArecCacheEntry *entry,
                                   ArecCacheSize expected, ArecDropped *out);

/* The load whose turn has come begins, and ends. Meanwhile it may be found to be overdue. */
void arec_cache_begin_flight_locked (ArecChunkCache *cache, ArecFlight *flight);
void arec_cache_end_flight_locked (ArecChunkCache *cache, ArecFlight *ended);
