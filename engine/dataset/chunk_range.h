/* Decodes the bytes of a chunk in the cache that are not decoded yet: as far as a reader needs,
 * and ahead of it by the engine's threads.
 *
 * Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "arrayrecord/shard.h"
#include "dataset/engine.h"

/* Decodes until the first @end bytes of the values of @cached, the chunk that @entry of
 * @shard's index describes, can be read, and lets a thread decode the bytes after them. Errors:
 * those of arec_shard_need (). If out of memory, the chunk leaves the cache; a corrupt one
 * stays there, and its decoded part stays readable. */
bool arec_chunk_range_need (ArecEngine *engine, const ArecShard *shard,
                            const ArecIndexEntry *entry, ArecCacheEntry *cached, uint64_t end,
                            GError **error);

/* Decodes the rest of @cached, unless another thread is at it. Failures are left for the
 * chunk's readers to meet. */
void arec_chunk_range_complete (ArecEngine *engine, ArecCacheEntry *cached);
