/* The arithmetic of 64 KiB blocks (FORMAT.md 3). Pure.
 *
 *     0        24                       65536    65560
 *     |header  |chunk bytes ...         |header  |chunk bytes ...
 *
 * A position is an absolute offset. A chunk that begins with a block has the block's begin as
 * its position, although its first own byte comes 24 bytes later. Callers bound positions by
 * the size of the file, so nothing here overflows.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define AREC_BLOCK_SIZE UINT64_C (65536)
#define AREC_BLOCK_HEADER_SIZE UINT64_C (24)
#define AREC_BLOCK_USABLE (AREC_BLOCK_SIZE - AREC_BLOCK_HEADER_SIZE)
#define AREC_CHUNK_HEADER_SIZE UINT64_C (40)

/* Bytes up to the next block; 0 at its begin. */
static inline uint64_t
arec_block_remaining (uint64_t position)
{
    return -position % AREC_BLOCK_SIZE;
}

/* Whether a chunk may begin at @position: not inside a block header nor right after one. */
static inline bool
arec_block_is_chunk_boundary (uint64_t position)
{
    return arec_block_remaining (position) < AREC_BLOCK_USABLE;
}

/* The least position from @position on at which a chunk may begin. */
static inline uint64_t
arec_block_round_up_to_boundary (uint64_t position)
{
    uint64_t remaining = arec_block_remaining (position);

    return remaining < AREC_BLOCK_USABLE ? position
                                         : position + (remaining - (AREC_BLOCK_USABLE - 1));
}

/* Where @length chunk bytes that start at the boundary @begin end, block headers included. */
static inline uint64_t
arec_block_add (uint64_t begin, uint64_t length)
{
    uint64_t headers =
        (length + (begin + AREC_BLOCK_USABLE - 1) % AREC_BLOCK_SIZE) / AREC_BLOCK_USABLE;

    return begin + length + AREC_BLOCK_HEADER_SIZE * headers;
}

/* Chunk bytes, without block headers, from @begin to @position; begin <= position. */
static inline uint64_t
arec_block_distance (uint64_t begin, uint64_t position)
{
    uint64_t in_begin = begin % AREC_BLOCK_SIZE;
    uint64_t in_position = position % AREC_BLOCK_SIZE;

    in_begin = in_begin < AREC_BLOCK_HEADER_SIZE ? in_begin : AREC_BLOCK_HEADER_SIZE;
    in_position = in_position < AREC_BLOCK_HEADER_SIZE ? in_position : AREC_BLOCK_HEADER_SIZE;
    return (position - in_position) - (begin - in_begin) -
           (position / AREC_BLOCK_SIZE - begin / AREC_BLOCK_SIZE) * AREC_BLOCK_HEADER_SIZE;
}

/* Where a chunk ends: past its bytes, and at least one byte for each record later than it
 * began. */
static inline uint64_t
arec_block_chunk_end (uint64_t begin, uint64_t data_size, uint64_t num_records)
{
    uint64_t by_bytes = arec_block_add (begin, AREC_CHUNK_HEADER_SIZE + data_size);
    uint64_t by_records = arec_block_round_up_to_boundary (begin + num_records);

    return by_bytes > by_records ? by_bytes : by_records;
}
