/* What could not be loaded, and why: chunks and size lists that failed for a reason of their
 * bytes, by (owner, number), so that they are not read, hashed and refused again for each of
 * their records.
 *
 * Thread-safe. Bounded in bytes: beyond the bound the oldest failure is forgotten, and the next
 * load of its chunk meets it again. Who asks for what has not failed takes no lock, but for a
 * chance that grows with the number of failures: 1 in 1,000 with 500 of them, 1 in 8 with
 * 65,536.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "cache/chunk_cache.h"

typedef struct ArecFailedChunks ArecFailedChunks;

/* How much of a thing is lost: of record @record in it the bytes behind the first @n_sound, and
 * all records behind that one. Zeros: all of it. */
typedef struct {
    uint64_t record;
    uint64_t n_sound;
} ArecFailedFrom;

/* @max_bytes  of memory for what is remembered; one failure always is. */
ArecFailedChunks *arec_failed_chunks_new (uint64_t max_bytes);
void arec_failed_chunks_free (ArecFailedChunks *failed); /* takes NULL */

/* Remembers that of the thing of @key everything from @from on failed with @error. Of two
 * failures of one thing the one that takes more counts.
 * Returns by how many bytes the memory in use has grown, or shrunk. */
int64_t arec_failed_chunks_add (ArecFailedChunks *failed, ArecCacheKey key, ArecFailedFrom from,
                                const GError *error);

/* Whether anything of the thing of @key has failed. */
bool arec_failed_chunks_has (ArecFailedChunks *failed, ArecCacheKey key);

/* Whether the first @end bytes of record @record in the thing of @key cannot be had; then
 * *error says why, as it was said the first time. */
bool arec_failed_chunks_find (ArecFailedChunks *failed, ArecCacheKey key, uint64_t record,
                              uint64_t end, GError **error);

/* Forgets all of @owner. Returns as arec_failed_chunks_add () does. */
int64_t arec_failed_chunks_forget (ArecFailedChunks *failed, uint64_t owner);

/* How many failures are remembered. */
uint64_t arec_failed_chunks_n (ArecFailedChunks *failed);
