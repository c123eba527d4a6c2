/* A decoded chunk: one contiguous buffer of record bytes and where each record ends.
 *
 * Any number of threads may use it. Immutable, unless it is decoded progressively: then
 * only the values that arec_chunk_need () has confirmed may be read.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/bytes.h"
#include "riegeli/chunk_reader.h"
#include "riegeli/decode_limits.h"
#include "riegeli/decode_result.h"
#include "riegeli/progressive_values.h"
#include "riegeli/record_ends.h"

typedef struct {
    ArecRecordEnds ends;
    const uint8_t *values;              /* the records, one after the other; never NULL */
    uint8_t *memory;                    /* what holds them */
    uint64_t cost;                      /* bytes of memory in all, as loaded */
    ArecProgressiveValues *progressive; /* NULL: all values are decoded */
} ArecChunk;

/* Whether the chunk that @header describes may be decoded: what it decodes to, the offsets of
 * its records and what a size list takes meanwhile are at most @max_size bytes, and its records
 * are not too many. */
bool arec_chunk_is_within (const ArecChunkHeader *header, uint64_t max_size);

/* The same for a chunk that is made, with all that can be known only then: @body as it is
 * stored, and the tables of a transposed one. */
bool arec_chunk_body_is_within (const ArecChunkHeader *header, ArecBytes body,
                                uint64_t max_size);

/* Decodes @stored.
 * @stored  its memory is taken over, also on failure: the chunk keeps it if records lie in it
 * uncompressed, or are still to be decoded from it; else it is freed. It is NULL afterwards.
 * @limits  what decoding may cost; above: LIMIT.
 * @chunk   (out, transfer full) arec_chunk_free ().
 * Errors: CORRUPT, UNSUPPORTED (unknown types), LIMIT, NOMEM. */
bool arec_chunk_decode (ArecStoredChunk *stored, const ArecDecodeLimits *limits,
                        ArecChunk **chunk, GError **error);

/* The same for a metadata chunk, type `m`: its one record, a serialized RecordsMetadata. The
 * header of such a chunk says that it has no records. */
bool arec_chunk_decode_metadata (ArecStoredChunk *stored, const ArecDecodeLimits *limits,
                                 ArecChunk **chunk, GError **error);

/* Decodes a simple chunk into memory of the caller's, and takes over none.
 * @values  room for header->decoded_data_size bytes.
 * @ends    with room for header->num_records records.
 * Returns the records: at @values, or in the stored data if they lie there uncompressed. NULL,
 * with values and ends undefined, for chunks of other types, and where arec_chunk_decode ()
 * would fail. */
const uint8_t *arec_chunk_decode_into (const ArecStoredChunk *stored,
                                       const ArecDecodeLimits *limits, uint8_t *values,
                                       ArecRecordEnds *ends);

/* Reads a chunk, verifies and decodes it: arec_chunk_read () and arec_chunk_decode (), with
 * their errors.
 * @header  (out) what it says of itself. */
bool arec_chunk_load (const ArecChunkPlace *place, uint64_t guess,
                      const ArecDecodeLimits *limits, ArecChunkHeader *header,
                      ArecChunk **chunk, GError **error);

/* arec_chunk_decode (), but of a simple chunk that decodes to more than @max_whole bytes, and
 * whose codec and window allow it, only the start is decoded: the rest when it is needed. */
bool arec_chunk_decode_progressively (ArecStoredChunk *stored, const ArecDecodeLimits *limits,
                                      uint64_t max_whole, ArecChunk **chunk, GError **error);

/* Decodes on until the first @end bytes of the values can be read.
 * @tally  added to, also with a failure.
 * Returns false with (out) @reason, a static string; then what was decoded before is still
 * right. @result (out) is the kind of failure. */
bool arec_chunk_need (ArecChunk *chunk, uint64_t end, ArecDecodeTally *tally,
                      ArecDecodeResult *result, const char **reason);

/* The bytes of values that can be read. */
uint64_t arec_chunk_mark (const ArecChunk *chunk);

/* Makes the error of a @result and its @reason of the chunk at @place; returns false. */
bool arec_chunk_fail (const ArecChunkPlace *place, ArecDecodeResult result, const char *reason,
                      GError **error);

/* The ends of the records alone. Of a simple chunk the size list: reads the front of the chunk
 * and no more, and is not verified by the data hash. Of a transposed chunk, which has no size
 * list, as arec_chunk_read_verified_sizes ().
 * @ends    (out) arec_record_ends_clear ().
 * Errors: as arec_chunk_decode () and those of the source. */
bool arec_chunk_read_sizes (const ArecChunkPlace *place, const ArecDecodeLimits *limits,
                            ArecChunkHeader *header, ArecRecordEnds *ends, GError **error);

/* The same, but reads the whole chunk and verifies it by its data hash; still no value is
 * decoded that does not say how long something is. Where the chunk can be decoded, these are
 * its ends. */
bool arec_chunk_read_verified_sizes (const ArecChunkPlace *place,
                                     const ArecDecodeLimits *limits, ArecChunkHeader *header,
                                     ArecRecordEnds *ends, GError **error);

/* The record @i of @chunk, i < chunk->ends.n; lives as long as the chunk. */
static inline ArecBytes
arec_chunk_record (const ArecChunk *chunk, uint64_t i)
{
    return arec_bytes (chunk->values + arec_record_ends_begin (&chunk->ends, i),
                       arec_record_ends_size (&chunk->ends, i));
}

void arec_chunk_free (ArecChunk *chunk); /* takes NULL */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecChunk, arec_chunk_free)
