#include "dataset/engine.h"

#include <stdatomic.h>

#include "base/limits.h"
#include "base/memory_limit.h"

#define MIN_AUTO_CACHE (UINT64_C (32) << 20)
#define MAX_AUTO_CACHE (UINT64_C (1) << 30)

/* Tasks of decoding ahead that may wait for a thread. */
#define MAX_AHEAD_TASKS 256

/* A few milliseconds of decoding, which handing over and waiting would not make shorter. */
#define MAX_WHOLE_CHUNK (UINT64_C (4) << 20)

/* Loads at the same time when nobody says otherwise: disks gain from some even on few CPUs. */
#define MIN_AUTO_PARALLELISM 8

/* Of the budget, what may remember failed chunks: some 160 of them for each MiB of it. */
#define FAILED_SHARE 16
#define MIN_FAILED_SIZE (UINT64_C (64) << 10)

/* What is not for chunks where memory is little: programs, libraries, stacks, malloc's spare
 * blocks, and pages of the kernel that are not given back at once. */
#define MIN_RESERVE (UINT64_C (20) << 20)

/* Chunks may take so much of what a process has before it counts that others want some, too. */
#define OWN_MEMORY (UINT64_C (384) << 20)

/* Bytes that chunks in the cache, in use and in the making may take in all. */
static uint64_t
max_memory (void)
{
    uint64_t all = arec_memory_limit(), reserve = MAX (all / 4, MIN_RESERVE);

    return MAX (all / 2, MIN (all - MIN (all, reserve), OWN_MEMORY));
}

uint64_t
arec_engine_auto_cache_size (void)
{
    return CLAMP (arec_memory_limit() / 8, MIN_AUTO_CACHE, MAX_AUTO_CACHE);
}

ArecEngine *
arec_engine_new (const ArecEngineOptions *options)
{
    ArecEngineOptions chosen = options ? *options : (ArecEngineOptions){0};
    uint64_t memory = max_memory();
    ArecEngine *engine = g_new0 (ArecEngine, 1);
    ArecChunkCacheOptions cache;

    if (chosen.no_threads) {
        chosen.max_parallelism = 1;
    }
    chosen.max_parallelism = MIN (chosen.max_parallelism, AREC_MAX_PARALLELISM);
    if (chosen.cache_size == 0) {
        chosen.cache_size = arec_engine_auto_cache_size();
    }
    engine->parallelism =
        chosen.max_parallelism > 0 ? chosen.max_parallelism : g_get_num_processors();
    if (chosen.max_parallelism == 0) {
        chosen.max_parallelism =
            MIN (MAX (engine->parallelism, MIN_AUTO_PARALLELISM), AREC_MAX_PARALLELISM);
    }
    if (chosen.max_chunk_size == 0) {
        chosen.max_chunk_size = MIN (AREC_MAX_CHUNK_SIZE, memory);
    }
    cache = (ArecChunkCacheOptions){.budget = chosen.cache_size,
                                    .ceiling = memory,
                                    .max_loads = chosen.max_parallelism,
                                    .are_brief = chosen.views_are_brief};
    engine->refs = 1;
    engine->max_loads = chosen.max_parallelism;
    engine->cache_size = chosen.cache_size;
    engine->max_whole_chunk =
        chosen.max_whole_chunk > 0 ? chosen.max_whole_chunk : MAX_WHOLE_CHUNK;
    engine->cache = arec_chunk_cache_new (&cache);
    engine->failed =
        arec_failed_chunks_new (MAX (chosen.cache_size / FAILED_SHARE, MIN_FAILED_SIZE));
    engine->fds = arec_fd_pool_new (chosen.max_open_files);
    engine->workers =
        arec_worker_pool_new (chosen.no_threads ? 0 : chosen.max_parallelism, MAX_AHEAD_TASKS);
    engine->index_file = arec_index_file_new (chosen.index_dir);
    arec_index_file_share (engine->index_file, engine->fds);
    engine->limits =
        (ArecDecodeLimits){.max_size = MIN (chosen.max_chunk_size, AREC_MAX_SIZE_SUMMED),
                           .max_memory = MAX (memory, chosen.cache_size),
                           .max_transposed_ratio = chosen.max_transposed_ratio,
                           .max_transposed_depth = chosen.max_transposed_depth};
    return engine;
}

ArecEngine *
arec_engine_ref (ArecEngine *engine)
{
    atomic_fetch_add (&engine->refs, 1);
    return engine;
}

void
arec_engine_unref (ArecEngine *engine)
{
    if (!engine || atomic_fetch_sub (&engine->refs, 1) > 1) {
        return;
    }
    arec_worker_pool_free (engine->workers);
    arec_chunk_cache_free (engine->cache);
    arec_failed_chunks_free (engine->failed);
    arec_fd_pool_free (engine->fds);
    arec_index_file_free (engine->index_file);
    g_free (engine);
}

bool
arec_engine_open_index_dir (ArecEngine *engine, GError **error)
{
    return arec_index_file_open (engine->index_file, error);
}

unsigned
arec_engine_max_loads (const ArecEngine *engine)
{
    return engine->max_loads;
}

void
arec_engine_get_stats (ArecEngine *engine, ArecEngineStats *stats)
{
    ArecChunkCacheStats cache;

    arec_chunk_cache_get_stats (engine->cache, &cache);
    *stats = (ArecEngineStats){
        .cache_budget = cache.budget,
        .cache_used = cache.used,
        .cache_alive = cache.alive,
        .index_used = engine->index_used,
        .index_offloaded_bytes = arec_index_file_size (engine->index_file),
        .index_reads = arec_index_file_n_reads (engine->index_file),
        .cache_entries = cache.entries,
        .cache_hits = cache.hits,
        .cache_misses = cache.misses,
        .cache_joins = cache.joins,
        .cache_evictions = cache.evictions,
        .chunks_ahead = cache.ahead,
        .chunks_ahead_used = cache.ahead_used,
        .chunks_ahead_wasted = cache.ahead_wasted,
        .chunks_ahead_refused = cache.ahead_refused,
        .chunks_decoded = engine->chunks_decoded,
        .chunks_failed = cache.failures + engine->chunks_failed,
        .damages_known = arec_failed_chunks_n (engine->failed),
        .damage_hits = engine->damage_hits,
        .size_lists_read = engine->size_lists_read,
        .decoded_bytes = engine->decoded_bytes,
        .source_reads = engine->source_counters.reads,
        .source_bytes = engine->source_counters.bytes,
        .files_open = arec_fd_pool_n_open (engine->fds),
    };
}
