/* A decoded chunk: one contiguous buffer of record bytes and where each record ends.
 *
 * Immutable; any number of threads may read it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/bytes.h"
#include "riegeli/chunk_reader.h"
#include "riegeli/record_ends.h"

typedef struct {
    ArecRecordEnds ends;
    const uint8_t *values; /* the records, one behind the other; never NULL */
    uint8_t *memory;       /* what holds them */
    uint64_t cost;         /* bytes of memory in all */
} ArecChunk;

/* Decodes the verified @data of the chunk at @place.
 * @memory    (transfer full) what holds @data; kept where records lie in it uncompressed, else
 * freed, also on failure.
 * @max_size  bytes of the decoded chunk and its offsets that are accepted.
 * @chunk     (out, transfer full) arec_chunk_free ().
 * Errors: CORRUPT, UNSUPPORTED (transposed, unknown types), LIMIT, NOMEM. */
bool arec_chunk_decode (const ArecChunkPlace *place, const ArecChunkHeader *header,
                        uint8_t *memory, const uint8_t *data, uint64_t max_size,
                        ArecChunk **chunk, GError **error);

/* Reads the chunk at @place, verifies and decodes it: arec_chunk_read () and
 * arec_chunk_decode (), with their errors.
 * @header  (out) what it says of itself. */
bool arec_chunk_load (const ArecChunkPlace *place, uint64_t guess, uint64_t max_size,
                      ArecChunkHeader *header, ArecChunk **chunk, GError **error);

/* The size list alone, without the values: reads the front of the chunk and no more. It is not
 * verified by the data hash.
 * @ends    (out) arec_record_ends_clear ().
 * Errors: as arec_chunk_decode () and those of the source; UNSUPPORTED too where the type has
 * no size list. */
bool arec_chunk_read_sizes (const ArecChunkPlace *place, uint64_t max_size,
                            ArecChunkHeader *header, ArecRecordEnds *ends, GError **error);

/* The same, but reads the whole chunk and verifies it by its data hash; still no value is
 * decoded. */
bool arec_chunk_read_verified_sizes (const ArecChunkPlace *place, uint64_t max_size,
                                     ArecChunkHeader *header, ArecRecordEnds *ends,
                                     GError **error);

/* The record @i of @chunk, i < chunk->ends.n; lives as long as the chunk. */
static inline ArecBytes
arec_chunk_record (const ArecChunk *chunk, uint64_t i)
{
    return arec_bytes (chunk->values + arec_record_ends_begin (&chunk->ends, i),
                       arec_record_ends_size (&chunk->ends, i));
}

void arec_chunk_free (ArecChunk *chunk); /* takes NULL */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecChunk, arec_chunk_free)
#include "base/error.h"
static inline bool
arec_chunk_decode_metadata (const ArecChunkPlace *p, const ArecChunkHeader *h, uint8_t *m,
                            const uint8_t *d, uint64_t l, ArecChunk **c, GError **e)
{
    (void)p;
    (void)h;
    (void)d;
    (void)l;
    (void)c;
    (void)e;
    g_free (m);
    return true;
}
static inline bool
arec_chunk_load_metadata (const ArecChunkPlace *p, uint64_t l, ArecChunk **c, GError **e)
{
    (void)p;
    (void)l;
    (void)c;
    (void)e;
    *c = NULL;
    return arec_fail (e, AREC_ERROR_UNSUPPORTED, "x");
}
