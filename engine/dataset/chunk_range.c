#include "dataset/chunk_range.h"

#include "base/error.h"

/* Decoded bytes that are made ahead of the furthest reader of a chunk: some reads of the
 * largest size, and not more than a reader that comes once wastes in a few milliseconds. */
#define AHEAD (UINT64_C (4) << 20)

/* A thread's task. It holds no memory of the chunk's while it waits for a thread: whoever wants
 * the chunk then finds it, and one that has gone meanwhile is not decoded on. */
typedef struct {
    ArecEngine *engine; /* outlives its threads' tasks */
    ArecCacheKey chunk;
} Pursuit;

static ArecProgress
begin_progress (ArecEngine *engine)
{
    return (ArecProgress){&engine->decoded_bytes, &engine->chunks_failed, 0};
}

static void
end_progress (ArecEngine *engine, ArecCacheEntry *cached, const ArecProgress *progress)
{
    if (progress->freed > 0) {
        arec_chunk_cache_reduce (engine->cache, cached, progress->freed);
    }
}

static void
pursue (ArecEngine *engine, ArecCacheEntry *cached)
{
    ArecChunk *chunk = arec_cache_entry_value (cached);
    ArecProgress progress = begin_progress (engine);

    arec_progressive_values_pursue (chunk->progressive, &progress);
    end_progress (engine, cached, &progress);
}

static void
run_pursuit (void *data)
{
    g_autofree Pursuit *pursuit = data;
    g_autoptr (ArecCacheEntry) cached =
        arec_chunk_cache_find (pursuit->engine->cache, pursuit->chunk);
    ArecChunk *chunk = cached ? arec_cache_entry_value (cached) : NULL;

    /* One that came in its place may have been decoded whole. */
    if (chunk && chunk->progressive) {
        pursue (pursuit->engine, cached);
    }
}

static void
decode_ahead (ArecEngine *engine, ArecCacheEntry *cached, uint64_t end)
{
    ArecChunk *chunk = arec_cache_entry_value (cached);
    Pursuit *pursuit;

    if (!arec_progressive_values_aim (chunk->progressive, end + AHEAD)) {
        return;
    }
    pursuit = g_new (Pursuit, 1);
    *pursuit = (Pursuit){engine, arec_cache_entry_key (cached)};
    if (!arec_worker_pool_try (engine->workers, run_pursuit, g_free, pursuit)) {
        arec_progressive_values_give_up (chunk->progressive);
        g_free (pursuit);
    }
}

bool
arec_chunk_range_need (ArecEngine *engine, const ArecShard *shard, const ArecIndexEntry *entry,
                       ArecCacheEntry *cached, uint64_t end, GError **error)
{
    ArecChunk *chunk = arec_cache_entry_value (cached);
    ArecProgress progress = begin_progress (engine);
    GError *cause = NULL;
    bool ok;

    /* What nobody comes near is left alone, so that reading again takes no lock. */
    if (!chunk->progressive ||
        arec_chunk_mark (chunk) >= MIN (end + AHEAD / 2, entry->decoded_size)) {
        return true;
    }
    decode_ahead (engine, cached, end);
    ok = arec_shard_need (shard, entry, chunk, end, &progress, &cause);
    end_progress (engine, cached, &progress);
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
        pursue (engine, cached);
    }
}
