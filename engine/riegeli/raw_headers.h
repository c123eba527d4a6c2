/* The two kinds of headers as they are stored: bytes to numbers, verified by their own hash
 * and nothing else (FORMAT.md 3, 4). Private to this room. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "riegeli/block.h"
#include "riegeli/chunk_reader.h"
#include "riegeli/hash.h"

typedef struct {
    uint64_t previous_chunk; /* from the begin of the chunk that goes on here to the block */
    uint64_t next_chunk;     /* from the block to the end of that chunk */
} ArecBlockHeader;

/* False on a hash mismatch. */
static inline bool
arec_block_header_parse (const uint8_t raw[AREC_BLOCK_HEADER_SIZE], ArecBlockHeader *out)
{
    if (arec_hash (raw + 8, AREC_BLOCK_HEADER_SIZE - 8) != arec_le64 (raw)) {
        return false;
    }
    out->previous_chunk = arec_le64 (raw + 8);
    out->next_chunk = arec_le64 (raw + 16);
    return true;
}

/* Whether a writer can have written these numbers: both ends of a chunk are boundaries. */
static inline bool
arec_block_header_is_possible (const ArecBlockHeader *header)
{
    return header->previous_chunk % AREC_BLOCK_SIZE < AREC_BLOCK_USABLE &&
           header->next_chunk > 0 &&
           (header->next_chunk - 1) % AREC_BLOCK_SIZE >= AREC_BLOCK_HEADER_SIZE;
}

/* All but out->end, which takes the place of the chunk and numbers that are bounded. False on a
 * hash mismatch. */
static inline bool
arec_chunk_header_parse (const uint8_t raw[AREC_CHUNK_HEADER_SIZE], ArecChunkHeader *out)
{
    if (arec_hash (raw + 8, AREC_CHUNK_HEADER_SIZE - 8) != arec_le64 (raw)) {
        return false;
    }
    out->data_size = arec_le64 (raw + 8);
    out->data_hash = arec_le64 (raw + 16);
    out->type = raw[24];
    out->num_records = arec_le64 (raw + 24) >> 8;
    out->decoded_data_size = arec_le64 (raw + 32);
    return true;
}
