/* From a position to the verified bytes of the chunk there, block headers stepped over
 * (FORMAT.md 3, 4).
 *
 * Functions without state; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "source/source.h"

/* The types of chunks that this library knows (FORMAT.md 4). */
typedef enum {
    AREC_CHUNK_SIGNATURE = 's',
    AREC_CHUNK_METADATA = 'm',
    AREC_CHUNK_PADDING = 'p',
    AREC_CHUNK_SIMPLE = 'r',
    AREC_CHUNK_TRANSPOSED = 't',
    AREC_CHUNK_NAMES = 'n', /* FORMAT.md 8 */
} ArecChunkType;

typedef struct {
    uint64_t data_size; /* stored bytes, block headers and slack excluded */
    uint64_t data_hash;
    uint8_t type;
    uint64_t num_records;
    uint64_t decoded_data_size; /* bytes of all records */
    uint64_t end; /* position past the chunk, slack included; within the place's limit */
} ArecChunkHeader;

/* A chunk to read. */
typedef struct {
    ArecSource *source;
    uint64_t begin;    /* a possible chunk boundary */
    uint64_t limit;    /* the chunk may not end past it; at most the source's size */
    uint64_t max_size; /* stored bytes that are accepted, above it: LIMIT */
    /* Block headers are stepped over unverified: the header's own hash and the data hash decide
     * alone, so a whole chunk outlives damage to what is none of its bytes. */
    bool lenient;
} ArecChunkPlace;

/* A chunk as it is stored, verified by its data hash and not decoded yet. */
typedef struct {
    const ArecChunkPlace *place;
    ArecChunkHeader *header; /* what it says of itself; the caller's */
    const uint8_t *data;     /* header->data_size bytes */
    uint8_t *memory;         /* owned: what holds @data; NULL: the caller keeps that itself */
} ArecStoredChunk;

/* The header alone, verified. It and the block headers that it meets are all that is read.
 * Errors: CORRUPT, LIMIT, and those of the source. */
bool arec_chunk_read_header (const ArecChunkPlace *place, ArecChunkHeader *header,
                             GError **error);

/* The header together with the first @size bytes of data at @buffer, in one read. Data is not
 * verified; *got tells how many bytes of @buffer are data (less than @size when the chunk is
 * shorter). */
bool arec_chunk_read_front (const ArecChunkPlace *place, ArecChunkHeader *header,
                            uint8_t *buffer, size_t size, size_t *got, GError **error);

/* Data bytes [from, from + size), within header->data_size, not verified by the data hash. */
bool arec_chunk_read_part (const ArecChunkPlace *place, const ArecChunkHeader *header,
                           uint64_t from, uint8_t *buffer, size_t size, GError **error);

/* The whole chunk at @stored->place, verified by its data hash.
 * @stored  (out) header, data and memory; the caller's @stored->header is filled.
 * @guess   file bytes, header included, that are worth fetching before the header is known;
 * when the chunk fits in, there is one read.
 * Errors: CORRUPT, LIMIT, NOMEM, and those of the source; @stored is as it was then. */
bool arec_chunk_read (ArecStoredChunk *stored, uint64_t guess, GError **error);

/* ---- chunks that lie side by side: read once, found one after the other ---- */

/* The file range [begin, end), its block headers taken out of the chunks' bytes. */
typedef struct {
    uint64_t begin, end;
    const uint8_t *bytes; /* of the chunks */
    size_t size;
    const uint8_t *block_headers; /* the others, in order */
} ArecChunkNeighbours;

/* @begin, @end  possible chunk boundaries, begin < end.
 * @memory       end - begin bytes, which @out points into.
 * Errors: those of the source. */
bool arec_chunk_neighbours_read (ArecSource *source, uint64_t begin, uint64_t end,
                                 uint8_t *memory, ArecChunkNeighbours *out, GError **error);

/* The chunk at @stored->place, which is within @all and not lenient, verified as by
 * arec_chunk_read (); false where that would fail.
 * @stored  (out) header and data, which lies in @all. */
bool arec_chunk_neighbours_find (const ArecChunkNeighbours *all, ArecStoredChunk *stored);
