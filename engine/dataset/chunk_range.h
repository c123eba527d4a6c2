/* Bytes of a chunk in the cache that may not be decoded yet: decoding on for a reader, and
 * ahead of it by the engine's threads.
 *
 * Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "arrayrecord/shard.h"
#include "dataset/engine.h"

/* Decodes on until the first @end bytes of the values of @cached, the chunk that @entry of
 * @shard's index describes, can be read, and lets a thread decode what follows them.
 * Errors: those of arec_shard_need (). A chunk that lacked memory leaves the cache; one that is
 * corrupt stays there, and what was decoded of it stays readable. */
bool arec_chunk_range_need (ArecEngine *engine, const ArecShard *shard,
                            const ArecIndexEntry *entry, ArecCacheEntry *cached, uint64_t end,
                            GError **error);

/* Decodes what is missing of @cached, unless another thread is at it. Who reads it meets what
 * fails. */
void arec_chunk_range_complete (ArecEngine *engine, ArecCacheEntry *cached);
