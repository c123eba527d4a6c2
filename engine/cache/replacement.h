/* Who goes first when the cache needs room: a pure rule, without clock, threads or I/O.
 *
 * Three queues, new ones at the left:
 *
 *     ahead  loaded before anybody asked  ---- first use ----> cold
 *     cold   used, once as far as known   ---- used again ---> hot
 *     hot    used again and again         ---- displaced ----> cold
 *
 * Room is made at the end of cold, so what is used once passes through and leaves hot alone.
 * What goes is remembered for a while without its value: used again soon, it begins in hot.
 *
 * Time is counted in bytes that came into use. A use is one of a thing again when more than the
 * window has come into use since the one before: the many reads of one chunk by one who goes
 * through it, or by several in step, are one use. What is used again displaces only what is hot
 * and went without use for longer than it did, so that of a loop larger than the cache a part
 * stays instead of all chasing each other out. How much is hot follows what would have served
 * better lately: this, or the least recently used going first.
 *
 * One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/ghosts.h"

typedef enum { AREC_AHEAD, AREC_COLD, AREC_HOT, AREC_N_QUEUES } ArecQueueKind;

/* An entry as the rule sees it; lives in the caller's. */
typedef struct ArecSeat {
    struct ArecSeat *newer, *older;
    uint64_t hash; /* of the key, all bits well mixed */
    uint64_t cost; /* bytes */
    uint64_t seen; /* when it was used last; ahead: when it came */
    ArecQueueKind queue;
} ArecSeat;

typedef struct {
    ArecSeat ends; /* ends.older is the newest, ends.newer the oldest */
    uint64_t bytes;
} ArecQueue;

typedef struct {
    ArecQueue queues[AREC_N_QUEUES];
    ArecGhosts ghosts;
    uint64_t room;   /* bytes for all entries */
    uint64_t window; /* bytes */
    uint64_t lent;   /* bytes that cold has beyond its least share, and hot lacks */
    uint64_t clock;  /* bytes that came into use so far, and 1 */
    size_t n;        /* entries */
} ArecReplacement;

/* Keeps pointers into itself: stays where it is. */
void arec_replacement_init (ArecReplacement *replacement, uint64_t room);
void arec_replacement_clear (ArecReplacement *replacement); /* it has no entries */

/* What the budget leaves for entries now. */
void arec_replacement_set_room (ArecReplacement *replacement, uint64_t room);

/* Enters what was loaded because somebody asked, or before anybody did. */
void arec_replacement_add (ArecReplacement *replacement, ArecSeat *seat, uint64_t hash,
                           uint64_t cost);
void arec_replacement_add_ahead (ArecReplacement *replacement, ArecSeat *seat, uint64_t hash,
                                 uint64_t cost);

/* Whether @cost more bytes may be loaded ahead, besides @in_flight that are being: not where
 * what is ahead would take so much that it had to go before its use; but one thing always. */
bool arec_replacement_allows_ahead (const ArecReplacement *replacement, uint64_t in_flight,
                                    uint64_t cost);

/* Whether it is known when what has @hash, and left, was used last. */
bool arec_replacement_remembers (const ArecReplacement *replacement, uint64_t hash);

/* @seat costs @bytes less from now on. */
void arec_replacement_reduce (ArecReplacement *replacement, ArecSeat *seat, uint64_t bytes);

/* Takes @seat out: evicted to make room, or for good. */
void arec_replacement_evict (ArecReplacement *replacement, ArecSeat *seat);
void arec_replacement_remove (ArecReplacement *replacement, ArecSeat *seat);

/* The one to evict first, and the one after @seat when that cannot go; all are seen. NULL: no
 * more. */
ArecSeat *arec_replacement_first (ArecReplacement *replacement);
ArecSeat *arec_replacement_next (const ArecReplacement *replacement, const ArecSeat *seat);

void arec_replacement_use_later (ArecReplacement *replacement, ArecSeat *seat);

/* Notes a use of @seat. */
static inline void
arec_replacement_use (ArecReplacement *replacement, ArecSeat *seat)
{
    /* Where nothing came into use since, nothing changes. */
    if (seat->queue == AREC_AHEAD || seat->seen != replacement->clock) {
        arec_replacement_use_later (replacement, seat);
    }
}
