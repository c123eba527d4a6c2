#include "dataset/engine.h"

#include <stdatomic.h>

#include "base/limits.h"
#include "base/memory_limit.h"
#include "remote/cache_dir.h"
#include "remote/http_client.h"
#include "remote/object_stores.h"

#define MIN_AUTO_CACHE (UINT64_C (32) << 20)
#define MAX_AUTO_CACHE (UINT64_C (1) << 30)

/* Tasks of decoding ahead that may wait for a thread. */
#define MAX_AHEAD_TASKS 256

/* A few milliseconds of decoding: decoding such a chunk piece by piece would not be faster. */
#define MAX_WHOLE_CHUNK (UINT64_C (4) << 20)

/* The default of concurrent loads is at least this: disks gain from several even on few CPUs.
 */
#define MIN_AUTO_PARALLELISM 8

/* The share of the budget for failed chunks: some 160 failures for each MiB of the budget. */
#define FAILED_SHARE 16
#define MIN_FAILED_SIZE (UINT64_C (64) << 10)

/* Stored bytes that are asked for ahead of readers, as a share of the cache. */
#define AHEAD_SHARE 4

/* Seconds. */
#define MAX_DEADLINE 86400

/* Memory that small machines keep free of chunks: for programs, libraries, stacks, malloc's
 * spare blocks, and pages that the kernel does not reclaim at once. */
#define MIN_RESERVE (UINT64_C (20) << 20)

/* Up to this much, chunks may take all memory but the reserve; beyond it, half of all memory.
 */
#define OWN_MEMORY (UINT64_C (384) << 20)

/* Bytes that chunks in the cache, in use and being loaded may take in all. */
static uint64_t
max_memory (void)
{
    uint64_t all = arec_memory_limit(), reserve = MAX (all / 4, MIN_RESERVE);

    return MAX (all / 2, MIN (all - MIN (all, reserve), OWN_MEMORY));
}

uint64_t
arec_engine_auto_max_chunk_size (void)
{
    return MIN (AREC_MAX_CHUNK_SIZE, max_memory());
}

uint64_t
arec_engine_auto_cache_size (void)
{
    return CLAMP (arec_memory_limit() / 8, MIN_AUTO_CACHE, MAX_AUTO_CACHE);
}

/* Without libcurl nothing asks servers. */
#ifdef AREC_HAVE_LIBCURL
/* What 0 stands for, in microseconds; 0: the default of the client. */
static int64_t
deadline_of_environment (void)
{
    const char *text = g_getenv ("AREC_REQUEST_DEADLINE");
    double seconds = text ? g_ascii_strtod (text, NULL) : 0;

    return seconds > 0 && seconds <= MAX_DEADLINE ? (int64_t)(seconds * 1e6) : 0;
}

static void
make_http_client (ArecEngine *engine, const ArecEngineOptions *options)
{
    const ArecRemoteOptions *remote = &options->remote;
    ArecHttpOptions http = {.deadline = (int64_t)remote->request_deadline,
                            .max_requests = remote->max_requests,
                            .max_ahead = remote->has_prefetch
                                             ? remote->prefetch
                                             : options->cache_size / AHEAD_SHARE};
    const ArecObjectStoresOptions stores = {.endpoint_url = remote->endpoint_url,
                                            .region = remote->region,
                                            .addressing = remote->addressing,
                                            .aws_profile = remote->aws_profile,
                                            .is_anonymous = remote->anonymous,
                                            .is_requester_paying = remote->requester_pays,
                                            .billing_project = remote->billing_project};

    if (http.deadline == 0) {
        http.deadline = deadline_of_environment();
    }
    engine->http = arec_http_client_new (&http);
    engine->stores = arec_object_stores_new (&stores);
}

void
arec_engine_note_remote (ArecEngine *engine)
{
    if (!atomic_exchange (&engine->has_remote, true)) {
        arec_chunk_cache_charge (engine->cache,
                                 (int64_t)arec_http_client_max_ahead (engine->http));
    }
}

static void
collect_remote (const ArecEngine *engine, ArecRemoteStats *stats)
{
    arec_http_client_get_stats (engine->http, stats);
}

static void
stop_requests (ArecEngine *engine)
{
    arec_http_client_stop (engine->http);
    arec_object_stores_stop (engine->stores);
}

static void
free_http_client (ArecEngine *engine)
{
    arec_http_client_free (engine->http);
    arec_object_stores_free (engine->stores);
}
#else
static void
make_http_client (ArecEngine *engine, const ArecEngineOptions *options)
{
    (void)engine;
    (void)options;
}

static void
collect_remote (const ArecEngine *engine, ArecRemoteStats *stats)
{
    (void)engine;
    (void)stats;
}

static void
stop_requests (ArecEngine *engine)
{
    (void)engine;
}

static void
free_http_client (ArecEngine *engine)
{
    (void)engine;
}
#endif

/* First replaces each 0 of the options by its default, in an order in which a default may use
 * those before it: `parallelism`, for cursors and batches, is taken before max_parallelism gets
 * the higher default that is good for loads. */
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
        chosen.max_chunk_size = arec_engine_auto_max_chunk_size();
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
    make_http_client (engine, &chosen);
    engine->cache_dir_path = g_strdup (chosen.remote.cache_dir);
    engine->cache_dir_size = chosen.remote.cache_dir_size;
    engine->warn = chosen.warn;
    engine->warn_data = chosen.warn_data;
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
    stop_requests (engine); /* so that no task waits for one */
    /* Next, since tasks of its threads use all the rest. */
    arec_worker_pool_free (engine->workers);
    arec_chunk_cache_free (engine->cache);
    arec_failed_chunks_free (engine->failed);
    arec_fd_pool_free (engine->fds);
    free_http_client (engine);
    arec_cache_dir_free (engine->cache_dir);
    g_free (engine->cache_dir_path);
    arec_index_file_free (engine->index_file);
    g_free (engine);
}

bool
arec_engine_stop (ArecEngine *engine, int64_t until)
{
    stop_requests (engine);
    return arec_worker_pool_stop (engine->workers, until);
}

bool
arec_engine_open_index_dir (ArecEngine *engine, GError **error)
{
    return arec_index_file_open (engine->index_file, error);
}

/* Of several threads that are the first, one's is taken. */
bool
arec_engine_open_cache_dir (ArecEngine *engine, GError **error)
{
    const ArecCacheDirOptions options = {.path = engine->cache_dir_path,
                                         .max_size = engine->cache_dir_size,
                                         .warn = engine->warn,
                                         .warn_data = engine->warn_data};
    ArecCacheDir *dir, *none = NULL;

    if (!engine->cache_dir_path || engine->cache_dir) {
        return true;
    }
    dir = arec_cache_dir_new (&options, error);
    if (!dir) {
        return false;
    }
    if (!atomic_compare_exchange_strong (&engine->cache_dir, &none, dir)) {
        arec_cache_dir_free (dir);
    }
    return true;
}

unsigned
arec_engine_max_loads (const ArecEngine *engine)
{
    return engine->max_loads;
}

/* A variable for each number of the list: a number that has none does not compile, nor does a
 * variable that no number uses. */
static void
collect_stats (const ArecEngine *engine, const ArecChunkCacheStats *cache,
               ArecEngineStats *stats)
{
    const uint64_t cache_budget = cache->budget;
    const uint64_t cache_used = cache->used;
    const uint64_t cache_alive = cache->alive;
    const uint64_t index_used = engine->index_used;
    const uint64_t index_offloaded_bytes = arec_index_file_size (engine->index_file);
    const uint64_t index_reads = arec_index_file_n_reads (engine->index_file);
    const uint64_t cache_entries = cache->entries;
    const uint64_t cache_hits = cache->hits;
    const uint64_t cache_misses = cache->misses;
    const uint64_t cache_joins = cache->joins;
    const uint64_t cache_evictions = cache->evictions;
    const uint64_t chunks_ahead = cache->ahead;
    const uint64_t chunks_ahead_used = cache->ahead_used;
    const uint64_t chunks_ahead_wasted = cache->ahead_wasted;
    const uint64_t chunks_ahead_refused = cache->ahead_refused;
    const uint64_t chunks_decoded = engine->chunks_decoded;
    const uint64_t chunks_failed = cache->failures + engine->chunks_failed;
    const uint64_t damages_known = arec_failed_chunks_n (engine->failed);
    const uint64_t damage_hits = engine->damage_hits;
    const uint64_t size_lists_read = engine->size_lists_read;
    const uint64_t decoded_bytes = engine->decoded_bytes;
    const uint64_t source_reads = engine->source_counters.reads;
    const uint64_t source_bytes = engine->source_counters.bytes;
    const uint64_t files_open = arec_fd_pool_n_open (engine->fds);

#define TAKE(name, kind, help) stats->name = name;
    AREC_ENGINE_NUMBERS (TAKE)
#undef TAKE
}

void
arec_engine_get_stats (ArecEngine *engine, ArecEngineStats *stats)
{
    ArecChunkCacheStats cache;

    arec_chunk_cache_get_stats (engine->cache, &cache);
    collect_stats (engine, &cache, stats);
    stats->has_remote = engine->has_remote;
    stats->remote = (ArecRemoteStats){0};
    if (stats->has_remote) {
        collect_remote (engine, &stats->remote);
    }
    stats->disk_cache = (ArecDiskCacheStats){0};
    if (engine->cache_dir) {
        arec_cache_dir_get_stats (engine->cache_dir, &stats->disk_cache);
    }
}
