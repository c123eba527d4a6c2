/* How much memory a cache and its users take, and whether there is room for more: a pure rule,
 * in numbers.
 *
 *     |<------------------ alive, stays below the ceiling --------------------------------->|
 *     |<------- used, kept to the budget unless in use ----------------->|
 *     | charged | entries: small, large | loads in flight: their entries | passing | leaving |
 *
 * Large entries are those of at least budget / (2 x max_loads). `max_loads` of them may stay
 * beyond the budget. Only this file's functions use the fields. One thread at a time, except
 * that any thread may free what leaves.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Bytes that a thing is expected to take. Neither comes near 2^63. */
typedef struct {
    uint64_t cost;    /* while it is there */
    uint64_t passing; /* beside that, while it is being loaded */
} ArecCacheSize;

typedef struct {
    uint64_t budget;
    uint64_t ceiling; /* at least the budget */
    unsigned max_loads;
    unsigned loads;                 /* in flight, each with a place */
    unsigned overdue;               /* in flight, which have given their place back */
    uint64_t charged;               /* bytes that live elsewhere */
    uint64_t small;                 /* bytes of entries that are not large */
    uint64_t large;                 /* bytes of large entries */
    unsigned n_large;               /* large entries, and loads in flight of large ones */
    uint64_t loading;               /* bytes expected of the entries that are being loaded */
    uint64_t passing;               /* bytes that their loads need beside that */
    uint64_t reserved;              /* bytes for the load next in line */
    _Atomic uint64_t leaving;       /* bytes of entries taken out, but not freed yet */
    _Atomic unsigned leaving_large; /* large ones among those */
} ArecRoom;

void arec_room_init (ArecRoom *room, uint64_t budget, uint64_t ceiling, unsigned max_loads);

/* ---- what is there ---- */

bool arec_room_is_large (const ArecRoom *room, uint64_t cost);
uint64_t arec_room_used (const ArecRoom *room);

/* Here and below: @going bytes of `leaving` will be freed by the calling thread before it
 * loads. */
uint64_t arec_room_alive (const ArecRoom *room, uint64_t going);

void arec_room_begin_load (ArecRoom *room, ArecCacheSize size);
void arec_room_end_load (ArecRoom *room, ArecCacheSize size);

/* A load in flight gives its place back, and takes it again before it ends. Its memory counts
 * all the time. */
void arec_room_give_place (ArecRoom *room);
void arec_room_take_place (ArecRoom *room);

void arec_room_add (ArecRoom *room, uint64_t cost, bool is_large);
void arec_room_reduce (ArecRoom *room, uint64_t bytes, bool is_large);

/* An entry is taken out, and later freed; the second may be called by any thread. */
void arec_room_take_out (ArecRoom *room, uint64_t cost, bool is_large);
void arec_room_free (ArecRoom *room, uint64_t cost, bool is_large);

/* ---- room for @size more ---- */

bool arec_room_exceeds_budget (const ArecRoom *room, ArecCacheSize size);
bool arec_room_exceeds_ceiling (const ArecRoom *room, ArecCacheSize size, uint64_t going);

/* Whether it exceeds the ceiling even in an empty cache. */
bool arec_room_never_fits (const ArecRoom *room, ArecCacheSize size);

/* Whether it exceeds what the reservation leaves below the ceiling. */
bool arec_room_exceeds_rest (const ArecRoom *room, ArecCacheSize size, uint64_t going);

/* Whether it would take more beyond the budget than work in progress may: `max_loads` large
 * entries, or as many loads of small ones. Asked once everything that could be evicted has
 * been. */
bool arec_room_exceeds_share (const ArecRoom *room, ArecCacheSize size, uint64_t going);

/* Whether a large entry that is not in use may stay while room for @size is made: unless there
 * are too many large ones, or the ceiling would be exceeded. */
bool arec_room_keeps_large (const ArecRoom *room, ArecCacheSize size, uint64_t going);
