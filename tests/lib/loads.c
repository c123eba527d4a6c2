#include "loads.h"

bool
test_load_chunk (ArecShard *shard, uint64_t chunk, ArecChunk **out, GError **error)
{
    ArecIndexEntry entry;

    return arec_index_get (arec_shard_index (shard), chunk, &entry, error) &&
           arec_shard_load_chunk_at (shard, &entry, out, error);
}

bool
test_load_sizes (ArecShard *shard, uint64_t chunk, ArecRecordEnds *ends, GError **error)
{
    ArecIndexEntry entry;

    return arec_index_get (arec_shard_index (shard), chunk, &entry, error) &&
           arec_shard_load_sizes_at (shard, &entry, ends, error);
}
