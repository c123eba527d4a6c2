/* The inside of an ArecEngine, for the reader. */
#pragma once

#include <arec/engine.h>

#include "arrayrecord/index_file.h"
#include "base/worker_pool.h"
#include "cache/chunk_cache.h"
#include "riegeli/decode_limits.h"
#include "source/fd_pool.h"
#include "source/source.h"

struct ArecEngine {
    _Atomic unsigned refs;
    ArecChunkCache *cache;
    ArecFdPool *fds;
    ArecWorkerPool *workers;   /* decode ahead of readers */
    ArecIndexFile *index_file; /* of offloaded indexes */
    ArecDecodeLimits limits;
    uint64_t max_whole_chunk; /* decoded bytes; larger chunks are decoded as they are needed */
    ArecSourceCounters source_counters;
    _Atomic uint64_t next_owner; /* of things in the cache */
    _Atomic uint64_t index_used;
    _Atomic uint64_t chunks_decoded;
    _Atomic uint64_t decodes_failed; /* after a load that succeeded */
    _Atomic uint64_t size_lists_read;
    _Atomic uint64_t decoded_bytes;
};
