/* Chunks and size lists that could not be loaded because of their bytes, and why, by (owner,
 * number), so that they are not read, hashed and refused again for each of their records.
 *
 * Thread-safe. Bounded in bytes: beyond the bound the oldest failure is forgotten, and the next
 * load of its chunk meets it again. A query for a chunk that has not failed takes no lock, but
 * for false positives, which grow with the number of failures: 1 in 1,000 with 500 of them, 1
 * in 8 with 65,536.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "cache/chunk_cache.h"

typedef struct ArecFailedChunks ArecFailedChunks;

/* How much of a thing is lost: all bytes of record @record in it but the first @n_sound, and
 * all later records. Zeros: all of it. */
typedef struct {
    uint64_t record;
    uint64_t n_sound;
} ArecFailedFrom;

/* @max_bytes  of memory for failures; one is always remembered. */
ArecFailedChunks *arec_failed_chunks_new (uint64_t max_bytes);
void arec_failed_chunks_free (ArecFailedChunks *failed); /* takes NULL */

/* Remembers that the thing of @key failed with @error from @from on. Of two failures of one
 * thing the earlier @from counts.
 * Returns by how many bytes the memory in use has grown; negative if it shrank. */
int64_t arec_failed_chunks_add (ArecFailedChunks *failed, ArecCacheKey key, ArecFailedFrom from,
                                const GError *error);

/* Whether anything of the thing of @key has failed. */
bool arec_failed_chunks_has (ArecFailedChunks *failed, ArecCacheKey key);

/* Whether any of the first @end bytes of record @record in the thing of @key are lost; then
 * *error is the error that was remembered. */
bool arec_failed_chunks_find (ArecFailedChunks *failed, ArecCacheKey key, uint64_t record,
                              uint64_t end, GError **error);

/* Forgets all of @owner. Returns as arec_failed_chunks_add () does. */
int64_t arec_failed_chunks_forget (ArecFailedChunks *failed, uint64_t owner);

/* How many failures are remembered. */
uint64_t arec_failed_chunks_n (ArecFailedChunks *failed);
