/* How much memory a cache and those who work with it have, and whether there is room for more:
 * a pure rule, in numbers.
 *
 *     |<------------------ alive, stays below the ceiling ------------------------->|
 *     |<------- used, kept to the budget where nothing is in use ------->|
 *     | charged | entries: small, large | loads in flight: their entries | passing  | leaving |
 *
 * Large entries, of at least budget / (2 x max_loads), may stay beyond the budget, `max_loads`
 * of them. The fields are for this file's functions alone. One thread at a time, but for what
 * leaves, which any thread may free.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Bytes that a thing is expected to take. Neither comes near 2^63. */
typedef struct {
    uint64_t cost;    /* while it is there */
    uint64_t passing; /* besides, while it is being loaded */
} ArecCacheSize;

typedef struct {
    uint64_t budget;
    uint64_t ceiling; /* at least the budget */
    unsigned max_loads;
    unsigned loads;           /* in flight */
    uint64_t charged;         /* bytes that live elsewhere */
    uint64_t small;           /* of entries that are not large */
    uint64_t large;           /* of those that are */
    unsigned n_large;         /* of them, and of loads in flight */
    uint64_t loading;         /* of the entries that are being loaded */
    uint64_t passing;         /* of their loads */
    uint64_t reserved;        /* for the load that is to have room next */
    _Atomic uint64_t leaving; /* of entries that are not there any more, but not freed yet */
    _Atomic unsigned leaving_large; /* large ones among them */
} ArecRoom;

void arec_room_init (ArecRoom *room, uint64_t budget, uint64_t ceiling, unsigned max_loads);

/* ---- what is there ---- */

bool arec_room_is_large (const ArecRoom *room, uint64_t cost);
uint64_t arec_room_used (const ArecRoom *room);

/* Below, @going are bytes among those that leave which the asking thread frees before it loads.
 */
uint64_t arec_room_alive (const ArecRoom *room, uint64_t going);

void arec_room_begin_load (ArecRoom *room, ArecCacheSize size);
void arec_room_end_load (ArecRoom *room, ArecCacheSize size);
void arec_room_add (ArecRoom *room, uint64_t cost, bool is_large);
void arec_room_reduce (ArecRoom *room, uint64_t bytes, bool is_large);

/* An entry is taken out, and later freed, in whatever thread. */
void arec_room_take_out (ArecRoom *room, uint64_t cost, bool is_large);
void arec_room_free (ArecRoom *room, uint64_t cost, bool is_large);

/* ---- room for @size more ---- */

bool arec_room_exceeds_budget (const ArecRoom *room, ArecCacheSize size);
bool arec_room_exceeds_ceiling (const ArecRoom *room, ArecCacheSize size, uint64_t going);

/* Whether it exceeds the ceiling even when nothing else is there. */
bool arec_room_never_fits (const ArecRoom *room, ArecCacheSize size);

/* Whether it would take what is reserved. */
bool arec_room_exceeds_rest (const ArecRoom *room, ArecCacheSize size, uint64_t going);

/* Where all that is left is in use: whether it would take more beyond the budget than work in
 * progress may, which is `max_loads` large entries, or as many loads of what is not large. */
bool arec_room_exceeds_share (const ArecRoom *room, ArecCacheSize size, uint64_t going);

/* Whether an entry that nobody uses may stay while room for @size, that of something large or
 * not, is made: one that is large itself, unless there are too many. */
bool arec_room_keeps_large (const ArecRoom *room, ArecCacheSize size, uint64_t going);
