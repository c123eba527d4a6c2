/* From a position to the verified bytes of the chunk there, block headers stepped over
 * (spec/container 2.3, 3.3).
 *
 * Functions without state; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "source/source.h"

/* The types of chunks that this library knows (spec/container 3.2). */
typedef enum {
    AREC_CHUNK_SIGNATURE = 's',
    AREC_CHUNK_METADATA = 'm',
    AREC_CHUNK_PADDING = 'p',
    AREC_CHUNK_SIMPLE = 'r',
    AREC_CHUNK_TRANSPOSED = 't',
} ArecChunkType;

typedef struct {
    uint64_t data_size; /* stored bytes, block headers and slack excluded */
    uint64_t data_hash;
    uint8_t type;
    uint64_t num_records;
    uint64_t decoded_data_size; /* bytes of all records */
    uint64_t end; /* position behind the chunk, slack included; within the place's limit */
} ArecChunkHeader;

/* A chunk to read. */
typedef struct {
    ArecSource *source;
    uint64_t begin;    /* a possible chunk boundary */
    uint64_t limit;    /* the chunk may not end behind it; at most the source's size */
    uint64_t max_size; /* stored bytes that are accepted, above it: LIMIT */
    /* Block headers are stepped over unverified: the header's own hash and the data hash decide
     * alone, so a whole chunk outlives damage to what is none of its bytes. */
    bool lenient;
} ArecChunkPlace;

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

/* The whole chunk, verified by its data hash.
 * @guess   file bytes, header included, that are worth fetching before the header is known;
 * when the chunk fits in, there is one read.
 * @memory  (out, transfer full) g_free ().
 * @data    (out) header->data_size bytes within @memory. */
bool arec_chunk_read (const ArecChunkPlace *place, uint64_t guess, ArecChunkHeader *header,
                      uint8_t **memory, const uint8_t **data, GError **error);

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

/* The chunk at @place, which is within @all and not lenient, verified as by arec_chunk_read ();
 * false where that would fail.
 * @data  (out) header->data_size bytes in @all. */
bool arec_chunk_neighbours_find (const ArecChunkNeighbours *all, const ArecChunkPlace *place,
                                 ArecChunkHeader *header, const uint8_t **data);
