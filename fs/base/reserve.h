/* A little memory set apart, out of which small blocks are taken when there is no other.
 *
 *     | header | block | header | free ... | header | block |      one after the other
 *
 * Taking goes through all blocks: it is meant for the few moments without memory. One thread
 * at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint8_t *begin;
    uint8_t *end;
} ArecfsReserve;

#define ARECFS_RESERVE_ALIGNMENT 16

/* Out of the @size bytes at @memory, which is aligned and outlives the reserve. */
void arecfs_reserve_init (ArecfsReserve *reserve, void *memory, size_t size);

/* @size bytes, undefined, aligned for anything; NULL: there is no room. */
void *arecfs_reserve_take (ArecfsReserve *reserve, size_t size);
/* Gives back what was taken. */
void arecfs_reserve_give (ArecfsReserve *reserve, void *memory);

/* Whether @memory was taken from here. Any thread. */
static inline bool
arecfs_reserve_holds (const ArecfsReserve *reserve, const void *memory)
{
    const uint8_t *at = memory;

    return at >= reserve->begin && at < reserve->end;
}

/* Bytes at @memory, which was taken: at least as many as were asked for. */
size_t arecfs_reserve_size (const ArecfsReserve *reserve, const void *memory);
