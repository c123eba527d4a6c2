/* From a chunk in the cache to the view of one of its records. Any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <arec/reader.h>

#include "dataset/chunk_loads.h"

/* The view of bytes [offset, offset + size), cut off at its end, of record @i of the chunk of
 * @load.
 * @cached  that chunk, of which the view takes a reference.
 * Errors: those of decoding up to those bytes. Blocks if they are not decoded yet. */
bool arec_record_view_make (const ArecChunkLoad *load, uint64_t i, ArecCacheEntry *cached,
                            uint64_t offset, uint64_t size, ArecView *view, GError **error);
