#include "dataset/chunk_range.h"

#include "base/error.h"

/* Bytes to decode ahead of the furthest reader of a chunk: several reads of the largest size,
 * but only a few milliseconds of decoding, in case the reader does not go on. */
#define AHEAD (UINT64_C (4) << 20)

/* A thread's task. It holds the key and not the entry while it waits for a thread, so it does
 * not keep the chunk's memory; a chunk that was evicted meanwhile is not decoded further. */
typedef struct {
    ArecEngine *engine; /* outlives its threads' tasks */
    ArecCacheKey chunk;
} AheadTask;

static ArecDecodeTally
start_tally (ArecEngine *engine)
{
    return (ArecDecodeTally){&engine->decoded_bytes, &engine->chunks_failed, 0};
}

static void
end_tally (ArecEngine *engine, ArecCacheEntry *cached, const ArecDecodeTally *tally)
{
    if (tally->freed > 0) {
        arec_chunk_cache_reduce (engine->cache, cached, tally->freed);
    }
}

static void
decode_to_goal (ArecEngine *engine, ArecCacheEntry *cached)
{
    ArecChunk *chunk = arec_cache_entry_value (cached);
    ArecDecodeTally tally = start_tally (engine);

    arec_progressive_values_decode_to_goal (chunk->progressive, &tally);
    end_tally (engine, cached, &tally);
}

static void
run_ahead_task (void *data)
{
    g_autofree AheadTask *task = data;
    g_autoptr (ArecCacheEntry) cached =
        arec_chunk_cache_find (task->engine->cache, task->chunk);
    ArecChunk *chunk = cached ? arec_cache_entry_value (cached) : NULL;

    /* The chunk may have been evicted and loaded again, and then decoded whole. */
    if (chunk && chunk->progressive) {
        decode_to_goal (task->engine, cached);
    }
}

static void
decode_ahead (ArecEngine *engine, ArecCacheEntry *cached, uint64_t end)
{
    ArecChunk *chunk = arec_cache_entry_value (cached);
    AheadTask *task;

    if (!arec_progressive_values_aim (chunk->progressive, end + AHEAD)) {
        return;
    }
    task = g_new (AheadTask, 1);
    *task = (AheadTask){engine, arec_cache_entry_key (cached)};
    if (!arec_worker_pool_try (engine->workers, run_ahead_task, g_free, task)) {
        arec_progressive_values_give_up (chunk->progressive);
        g_free (task);
    }
}

bool
arec_chunk_range_need (ArecEngine *engine, const ArecShard *shard, const ArecIndexEntry *entry,
                       ArecCacheEntry *cached, uint64_t end, GError **error)
{
    ArecChunk *chunk = arec_cache_entry_value (cached);
    ArecDecodeTally tally = start_tally (engine);
    GError *cause = NULL;
    bool ok;

    /* Bytes that are decoded well ahead of this read need no lock. */
    if (!chunk->progressive ||
        arec_chunk_mark (chunk) >= MIN (end + AHEAD / 2, entry->decoded_size)) {
        return true;
    }
    decode_ahead (engine, cached, end);
    ok = arec_shard_need (shard, entry, chunk, end, &tally, &cause);
    end_tally (engine, cached, &tally);
    if (!ok) {
        if (g_error_matches (cause, AREC_ERROR, AREC_ERROR_NOMEM)) {
            arec_chunk_cache_discard (engine->cache, cached);
        }
        g_propagate_error (error, cause);
    }
    return ok;
}

void
arec_chunk_range_complete (ArecEngine *engine, ArecCacheEntry *cached)
{
    ArecChunk *chunk = arec_cache_entry_value (cached);

    if (chunk->progressive && arec_progressive_values_aim (chunk->progressive, UINT64_MAX)) {
        decode_to_goal (engine, cached);
    }
}
