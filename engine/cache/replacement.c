#include "cache/replacement.h"

/* Shares of the room, chosen by the traces of tests/engine/cache/test_replacement.c. */
#define WINDOW(room) ((room) / 4)
#define MAX_AHEAD(room) ((room) / 4)
#define MAX_HOT(room) ((room) - (room) / 8)

/* An unused entry of ahead is evicted first once this much came into use since it was loaded.
 */
#define AHEAD_CHANCE(room) (4 * (room))

void
arec_replacement_init (ArecReplacement *replacement, uint64_t room)
{
    *replacement = (ArecReplacement){.clock = 1};
    for (unsigned i = 0; i < AREC_N_QUEUES; i++) {
        ArecSeat *ends = &replacement->queues[i].ends;

        ends->newer = ends->older = ends;
    }
    arec_replacement_set_room (replacement, room);
}

void
arec_replacement_clear (ArecReplacement *replacement)
{
    arec_ghosts_clear (&replacement->ghosts);
}

void
arec_replacement_set_room (ArecReplacement *replacement, uint64_t room)
{
    replacement->room = room;
    replacement->window = WINDOW (room);
}

static void
enqueue (ArecReplacement *replacement, ArecSeat *seat, ArecQueueKind kind)
{
    ArecQueue *queue = &replacement->queues[kind];

    seat->queue = kind;
    seat->newer = &queue->ends;
    seat->older = queue->ends.older;
    seat->older->newer = seat;
    queue->ends.older = seat;
    queue->bytes += seat->cost;
}

static void
dequeue (ArecReplacement *replacement, ArecSeat *seat)
{
    seat->newer->older = seat->older;
    seat->older->newer = seat->newer;
    replacement->queues[seat->queue].bytes -= seat->cost;
}

static void
move (ArecReplacement *replacement, ArecSeat *seat, ArecQueueKind kind)
{
    dequeue (replacement, seat);
    enqueue (replacement, seat, kind);
}

static ArecSeat *
oldest_of (const ArecReplacement *replacement, ArecQueueKind kind)
{
    const ArecQueue *queue = &replacement->queues[kind];

    return queue->ends.newer == &queue->ends ? NULL : queue->ends.newer;
}

/* The room of extra_cold and of ahead is taken from hot. */
static uint64_t
max_hot (const ArecReplacement *replacement)
{
    uint64_t most = MAX_HOT (replacement->room);

    return most - MIN (most, replacement->extra_cold + replacement->queues[AREC_AHEAD].bytes);
}

/* Displaces hot entries until @extra bytes more fit in; if @since > 0, only entries that were
 * last used before it. Returns whether the bytes fit. */
static bool
shrink_hot (ArecReplacement *replacement, uint64_t extra, uint64_t since)
{
    uint64_t most = max_hot (replacement);

    if (extra > most) {
        return false;
    }
    while (replacement->queues[AREC_HOT].bytes > most - extra) {
        ArecSeat *oldest = oldest_of (replacement, AREC_HOT);

        if (since > 0 && oldest->seen >= since) {
            return false;
        }
        move (replacement, oldest, AREC_COLD);
    }
    return true;
}

/* Learns from a use of an entry, evicted or hot, whose last use was @age ago. Evicting the
 * least recently used first keeps whatever was used within the last `room` bytes. If that rule
 * would have kept what was evicted, cold gets more room; if it would have lost what is hot,
 * less. */
static void
learn (ArecReplacement *replacement, uint64_t cost, uint64_t age, bool is_hot)
{
    if (is_hot && age > replacement->room) {
        replacement->extra_cold -= MIN (replacement->extra_cold, cost);
    } else if (!is_hot && age <= replacement->room) {
        replacement->extra_cold =
            MIN (replacement->extra_cold + cost, MAX_HOT (replacement->room));
    }
}

/* The queue for a thing that is used now, and was last used at @before; 0: never, as far as
 * known. */
static ArecQueueKind
queue_for (ArecReplacement *replacement, uint64_t cost, uint64_t before)
{
    return before > 0 && shrink_hot (replacement, cost, before) ? AREC_HOT : AREC_COLD;
}

static void
seat_new (ArecReplacement *replacement, ArecSeat *seat, uint64_t hash, uint64_t cost)
{
    arec_ghosts_make_room (&replacement->ghosts, ++replacement->n);
    seat->hash = hash;
    seat->cost = cost;
}

void
arec_replacement_add (ArecReplacement *replacement, ArecSeat *seat, uint64_t hash,
                      uint64_t cost)
{
    uint64_t before = arec_ghosts_take (&replacement->ghosts, hash);

    seat_new (replacement, seat, hash, cost);
    if (before > 0) {
        learn (replacement, cost, replacement->clock - before, false);
    }
    replacement->clock += cost;
    enqueue (replacement, seat, queue_for (replacement, cost, before));
    seat->seen = replacement->clock;
}

void
arec_replacement_add_ahead (ArecReplacement *replacement, ArecSeat *seat, uint64_t hash,
                            uint64_t cost)
{
    seat_new (replacement, seat, hash, cost);
    enqueue (replacement, seat, AREC_AHEAD);
    seat->seen = replacement->clock;
}

bool
arec_replacement_allows_ahead (const ArecReplacement *replacement, uint64_t in_flight,
                               uint64_t cost)
{
    uint64_t most = MAX_AHEAD (replacement->room);
    uint64_t bytes = replacement->queues[AREC_AHEAD].bytes + in_flight;

    return bytes == 0 || (bytes <= most && cost <= most - bytes);
}

bool
arec_replacement_remembers (const ArecReplacement *replacement, uint64_t hash)
{
    return arec_ghosts_find (&replacement->ghosts, hash) > 0;
}

void
arec_replacement_use_later (ArecReplacement *replacement, ArecSeat *seat)
{
    ArecQueueKind kind = seat->queue == AREC_AHEAD ? AREC_COLD : seat->queue;

    if (seat->queue == AREC_AHEAD || replacement->clock - seat->seen > replacement->window) {
        replacement->clock += seat->cost;
        if (seat->queue == AREC_COLD) {
            kind = queue_for (replacement, seat->cost, seat->seen);
        } else if (seat->queue == AREC_HOT) {
            learn (replacement, seat->cost, replacement->clock - seat->seen, true);
        }
    }
    move (replacement, seat, kind);
    seat->seen = replacement->clock;
}

void
arec_replacement_reduce (ArecReplacement *replacement, ArecSeat *seat, uint64_t bytes)
{
    replacement->queues[seat->queue].bytes -= bytes;
    seat->cost -= bytes;
}

void
arec_replacement_remove (ArecReplacement *replacement, ArecSeat *seat)
{
    dequeue (replacement, seat);
    replacement->n--;
}

void
arec_replacement_evict (ArecReplacement *replacement, ArecSeat *seat)
{
    if (seat->queue != AREC_AHEAD) {
        arec_ghosts_put (&replacement->ghosts, seat->hash, seat->seen);
    }
    arec_replacement_remove (replacement, seat);
}

void
arec_replacement_remember_spent (ArecReplacement *replacement, const ArecSeat *seat)
{
    if (replacement->n_spent < replacement->room / MAX (seat->cost, 1)) {
        arec_ghosts_make_room (&replacement->ghosts, replacement->n + ++replacement->n_spent);
    }
}

/* ---- the order of eviction: stale ones of ahead, cold, hot, the rest of ahead ---- */

static bool
is_stale (const ArecReplacement *replacement, const ArecSeat *seat)
{
    return replacement->clock - seat->seen > AHEAD_CHANCE (replacement->room);
}

/* The oldest of ahead that is not stale. */
static ArecSeat *
first_ahead (const ArecReplacement *replacement)
{
    const ArecSeat *ends = &replacement->queues[AREC_AHEAD].ends;
    ArecSeat *seat = ends->newer;

    while (seat != ends && is_stale (replacement, seat)) {
        seat = seat->newer;
    }
    return seat == ends ? NULL : seat;
}

/* The oldest of the queue @kind, else of those that come after it. */
static ArecSeat *
first_from (const ArecReplacement *replacement, ArecQueueKind kind)
{
    ArecSeat *seat = NULL;

    for (; !seat && kind < AREC_N_QUEUES; kind++) {
        seat = oldest_of (replacement, kind);
    }
    return seat ? seat : first_ahead (replacement);
}

ArecSeat *
arec_replacement_first (ArecReplacement *replacement)
{
    ArecSeat *ahead = oldest_of (replacement, AREC_AHEAD);

    if (ahead && is_stale (replacement, ahead)) {
        return ahead;
    }
    shrink_hot (replacement, 0, 0);
    return first_from (replacement, AREC_COLD);
}

ArecSeat *
arec_replacement_next (const ArecReplacement *replacement, const ArecSeat *seat)
{
    bool is_last = seat->newer == &replacement->queues[seat->queue].ends;

    if (seat->queue != AREC_AHEAD) {
        return is_last ? first_from (replacement, (ArecQueueKind)(seat->queue + 1))
                       : seat->newer;
    }
    if (!is_stale (replacement, seat)) {
        return is_last ? NULL : seat->newer;
    }
    return is_last || !is_stale (replacement, seat->newer) ? first_from (replacement, AREC_COLD)
                                                           : seat->newer;
}
