/* Which entry is evicted first when the cache needs room: a pure rule, without clock, threads
 * or I/O.
 *
 * Three queues, new entries at the left:
 *
 *     ahead  loaded before it was asked   ---- first use ----> cold
 *     cold   used, once as far as known   ---- used again ---> hot
 *     hot    used again and again         ---- displaced ----> cold
 *
 * Room is made at the end of cold, so entries that are used once pass through and leave hot
 * alone. An evicted entry leaves a ghost for a while: used again soon, it begins in hot.
 *
 * Time is counted in bytes that came into use. An access counts as another use only if more
 * than the window has come into use since the last one: the many reads of one chunk by a reader
 * that goes through it, or by several in step, are one use. An entry that is used again
 * displaces only hot ones that have been unused for longer than it was. So a part of a loop
 * larger than the cache stays, where otherwise each entry would evict the one needed next. How
 * much may be hot adapts to what would have served better lately: this rule, or evicting the
 * least recently used first.
 *
 * One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/ghosts.h"

typedef enum { AREC_AHEAD, AREC_COLD, AREC_HOT, AREC_N_QUEUES } ArecQueueKind;

/* An entry as the rule sees it; part of the caller's entry. */
typedef struct ArecSeat {
    struct ArecSeat *newer, *older;
    uint64_t hash; /* of the key, all bits well mixed */
    uint64_t cost; /* bytes */
    uint64_t seen; /* when it was used last; in ahead: when it was loaded */
    ArecQueueKind queue;
} ArecSeat;

typedef struct {
    ArecSeat ends; /* ends.older is the newest, ends.newer the oldest */
    uint64_t bytes;
} ArecQueue;

typedef struct {
    ArecQueue queues[AREC_N_QUEUES];
    ArecGhosts ghosts;
    uint64_t room;       /* bytes for all entries */
    uint64_t window;     /* bytes */
    uint64_t extra_cold; /* bytes that cold has beyond its least share, taken from hot */
    uint64_t clock;      /* 1 + bytes that came into use so far */
    size_t n;            /* entries */
    size_t n_spent;      /* entries that were evicted although there was room */
} ArecReplacement;

/* @replacement must not move afterwards: it keeps pointers into itself. */
void arec_replacement_init (ArecReplacement *replacement, uint64_t room);
void arec_replacement_clear (ArecReplacement *replacement); /* it has no entries */

/* @room  bytes that the budget leaves for entries now. */
void arec_replacement_set_room (ArecReplacement *replacement, uint64_t room);

/* Enters what was loaded because a caller asked, or ahead of that. */
void arec_replacement_add (ArecReplacement *replacement, ArecSeat *seat, uint64_t hash,
                           uint64_t cost);
void arec_replacement_add_ahead (ArecReplacement *replacement, ArecSeat *seat, uint64_t hash,
                                 uint64_t cost);

/* Whether @cost more bytes may be loaded ahead, besides @in_flight that are being loaded so.
 * False if ahead would grow beyond its share, so that entries were evicted before their use;
 * one thing is always allowed. */
bool arec_replacement_allows_ahead (const ArecReplacement *replacement, uint64_t in_flight,
                                    uint64_t cost);

/* Whether there is a ghost of @hash. */
bool arec_replacement_remembers (const ArecReplacement *replacement, uint64_t hash);

/* @seat costs @bytes less from now on. */
void arec_replacement_reduce (ArecReplacement *replacement, ArecSeat *seat, uint64_t bytes);

/* @seat, which is in cold, is about to be evicted although there is room: makes places for the
 * ghosts of all that there would have been room for. */
void arec_replacement_remember_spent (ArecReplacement *replacement, const ArecSeat *seat);

/* Takes @seat out: evicted to make room, or for good. */
void arec_replacement_evict (ArecReplacement *replacement, ArecSeat *seat);
void arec_replacement_remove (ArecReplacement *replacement, ArecSeat *seat);

/* The one to evict first, and the one after @seat if that cannot be evicted. Together they
 * visit all. NULL: no more. */
ArecSeat *arec_replacement_first (ArecReplacement *replacement);
ArecSeat *arec_replacement_next (const ArecReplacement *replacement, const ArecSeat *seat);

void arec_replacement_use_later (ArecReplacement *replacement, ArecSeat *seat);

/* Notes a use of @seat. */
static inline void
arec_replacement_use (ArecReplacement *replacement, ArecSeat *seat)
{
    /* If nothing came into use since its last use, nothing changes. */
    if (seat->queue == AREC_AHEAD || seat->seen != replacement->clock) {
        arec_replacement_use_later (replacement, seat);
    }
}
