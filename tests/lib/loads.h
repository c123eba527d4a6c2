/* Loads of a chunk by its number, as a reader makes them by the entry of the index. */
#pragma once

#include "arrayrecord/shard.h"

/* arec_shard_load_chunk_at () of chunk @chunk. */
bool test_load_chunk (ArecShard *shard, uint64_t chunk, ArecChunk **out, GError **error);

/* arec_shard_load_sizes_at () of chunk @chunk. */
bool test_load_sizes (ArecShard *shard, uint64_t chunk, ArecRecordEnds *ends, GError **error);
