/* Chunks and size lists of files through the cache: what they cost, how they are loaded, and
 * what is remembered about those that failed. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "arrayrecord/index.h"
#include "cache/chunk_cache.h"
#include "dataset/engine.h"
#include "dataset/reader_inside.h"
#include "riegeli/chunk.h"

/* A chunk that may be loaded. */
typedef struct {
    ArecEngine *engine;
    ArecReaderFile *file;
    const ArecIndexEntry *entry; /* of the chunk */
    uint64_t chunk;              /* its number in the file */
} ArecChunkLoad;

/* The chunk, of which the first @end bytes of its record @record are wanted. Its values may be
 * read only as far as arec_chunk_range_need () was asked for.
 * Returns (transfer full), or NULL. Errors: those of reading and decoding, the remembered one
 * if it failed before, LIMIT and NOMEM if there is no memory for it, CHANGED. Blocks on I/O. */
ArecCacheEntry *arec_chunk_load_get (const ArecChunkLoad *load, uint64_t record, uint64_t end,
                                     GError **error);

/* The same if it is loaded and would not fail, else NULL: no I/O, no waiting, not a miss. */
ArecCacheEntry *arec_chunk_load_get_loaded (const ArecChunkLoad *load, uint64_t record,
                                            uint64_t end);

/* The chunk if the cache has it loaded; counts as a use, but not as a hit or miss. Returns
 * (transfer full), or NULL. */
ArecCacheEntry *arec_chunk_load_peek (const ArecChunkLoad *load);

/* The size list of the chunk, an ArecRecordEnds. Returns (transfer full), or NULL. Errors and
 * blocking as above. */
ArecCacheEntry *arec_chunk_load_get_sizes (const ArecChunkLoad *load, GError **error);

/* The same if it is loaded, else NULL: no I/O, no waiting, not a miss. */
ArecCacheEntry *arec_chunk_load_get_loaded_sizes (const ArecChunkLoad *load);

/* Whether the cache has the chunk, or another thread is loading it. */
bool arec_chunk_load_is_there (const ArecChunkLoad *load);

/* Loads the chunk unless it is there or has failed before, and decodes all of it; a failure is
 * remembered and not reported. false: the cache has no room for more chunks loaded ahead. */
bool arec_chunk_load_ahead (const ArecChunkLoad *load);

/* Whether the cache has all of the decoded chunk, and no failure of it is remembered. */
bool arec_chunk_load_is_sound (const ArecChunkLoad *load);

/* Whether the first @end bytes of record @record of the chunk are known to fail. */
bool arec_chunk_load_is_known_to_fail (const ArecChunkLoad *load, uint64_t record,
                                       uint64_t end);

/* Remembers that the values of @chunk can be decoded up to its mark, but not past it because of
 * @error. */
void arec_chunk_load_note_broken_values (const ArecChunkLoad *load, const ArecChunk *chunk,
                                         const GError *error);

/* Drops what the cache has of @file, and its remembered failures. */
void arec_chunk_loads_forget (ArecEngine *engine, const ArecReaderFile *file);
