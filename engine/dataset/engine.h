/* The inside of an ArecEngine, for the reader. */
#pragma once

#include <stdatomic.h>
#include <arec/engine.h>

#include "arrayrecord/index_file.h"
#include "base/worker_pool.h"
#include "cache/chunk_cache.h"
#include "cache/failed_chunks.h"
#include "riegeli/decode_limits.h"
#include "source/fd_pool.h"
#include "source/source.h"

struct ArecEngine {
    _Atomic unsigned refs;
    ArecChunkCache *cache;
    ArecFailedChunks *failed; /* of what the cache would load */
    ArecFdPool *fds;
    ArecWorkerPool *workers;   /* decode ahead of readers */
    ArecIndexFile *index_file; /* of offloaded indexes */
    unsigned max_loads;        /* chunks loaded at the same time */
    unsigned parallelism;      /* threads for many chunks at once: as asked for, or the CPUs */
    uint64_t cache_size;       /* bytes */
    ArecDecodeLimits limits;
    uint64_t max_whole_chunk; /* decoded bytes; larger chunks are decoded as they are needed */
    ArecSourceCounters source_counters;
    /* Asks servers; NULL: this build reads no URLs. */
    struct ArecHttpClient *http;
    struct ArecObjectStores *stores;        /* S3 and GCS, with it */
    struct ArecCacheDir *_Atomic cache_dir; /* NULL: none, or not opened yet */
    char *cache_dir_path;                   /* NULL: none is wanted */
    uint64_t cache_dir_size;
    void (*warn) (const char *message, void *data); /* nullable */
    void *warn_data;
    atomic_flag has_warned;      /* of an object without a validator */
    _Atomic bool has_remote;     /* a source on a server was opened */
    _Atomic uint64_t next_owner; /* of things in the cache */
    _Atomic uint64_t index_used;
    _Atomic uint64_t chunks_decoded;
    _Atomic uint64_t chunks_failed; /* in cursors, and after a load that succeeded; the cache
                                       counts the others */
    _Atomic uint64_t damage_hits;
    _Atomic uint64_t size_lists_read;
    _Atomic uint64_t decoded_bytes;
};

/* The first source on a server takes the room of what is asked for ahead of readers from the
 * cache. */
void arec_engine_note_remote (ArecEngine *engine);
