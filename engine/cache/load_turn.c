#include "cache/load_turn.h"

#include "base/phases.h"

/* A load waits for its turn no longer than this many times what loading its blocker took. */
#define PATIENCE 8

/* Nanoseconds that a load waits for entries to be released. After the first it goes beyond the
 * budget. It fails for want of room below the ceiling once nothing has changed for the second.
 */
#define SHARE_PATIENCE INT64_C (1000000000)
#define ROOM_PATIENCE INT64_C (10000000000)

/* Nanoseconds after which a load that waits for entries to be released looks again, as one may
 * have been released just before it counted as a watcher; or one that waits for a place. */
#define LOOK_AGAIN INT64_C (20000000)

/* Nanoseconds after which a load gives its place to another one: its source may be slow, or
 * dead, and is to delay its own readers alone. */
#define OVERDUE INT64_C (1000000000)

static struct timespec
timespec_of (int64_t time)
{
    return (struct timespec){.tv_sec = (time_t)(time / 1000000000),
                             .tv_nsec = (long)(time % 1000000000)};
}

static void
wait_until_locked (ArecChunkCache *cache, int64_t time)
{
    struct timespec until = timespec_of (time);

    cache->waiting++;
    pthread_cond_timedwait (&cache->changed, &cache->lock, &until);
    cache->waiting--;
}

/* Whether one more load may wait for its turn. One fewer than max_loads may, so that a thread
 * is left to serve readers of entries that are there, and to load what was not there before. */
static bool
may_wait_locked (const ArecChunkCache *cache)
{
    return cache->waiting < MAX (cache->room.max_loads, 2) - 1;
}

/* What a load has to wait for. */
typedef enum {
    NOTHING,
    A_PLACE,  /* max_loads loads are in flight */
    MEMORY,   /* for room below the ceiling: other loads must end, or one is next in line */
    HOLDERS,  /* for room below the ceiling: users must release entries */
    SHARE,    /* for a share of what may exceed the budget: users must release entries */
    ITS_TURN, /* a busy entry, the blocker */
    NO_ROOM   /* there is no room below the ceiling, whatever ends; it waits for nothing */
} Obstacle;

/* Until when a load waits for each of these; 0: it has not waited for that yet. */
typedef struct {
    int64_t turn_ends;
    int64_t share_ends;
    int64_t room_ends;
    uint64_t n_changes; /* when the last of these was set */
} Patience;

/* Whether a load still waits for its share of what may exceed the budget. */
static bool
awaits_share (Patience *patience)
{
    int64_t time = arec_cache_now();

    if (patience->share_ends == 0) {
        patience->share_ends = time + SHARE_PATIENCE;
    }
    return time < patience->share_ends;
}

/* Whether it still waits for room below the ceiling. */
static bool
awaits_room_locked (const ArecChunkCache *cache, Patience *patience)
{
    int64_t time = arec_cache_now();

    if (patience->room_ends == 0 || patience->n_changes != cache->n_changes) {
        patience->room_ends = time + ROOM_PATIENCE;
        patience->n_changes = cache->n_changes;
    }
    return time < patience->room_ends;
}

/* Whether the load of @entry would take memory that the load next in line waits for. Nothing is
 * evicted for it meanwhile, either. */
static bool
is_behind_locked (const ArecChunkCache *cache, const ArecCacheEntry *entry,
                  const ArecNeed *need, const ArecDropped *out)
{
    return cache->next_in_line && cache->next_in_line != entry &&
           arec_room_exceeds_rest (&cache->room, need->size, out->idle);
}

/* Lets loads that are overdue give their places back. Returns whether there is a place then. */
static bool
find_overdue_locked (ArecChunkCache *cache)
{
    const int64_t begun_before = arec_cache_now() - OVERDUE;

    for (ArecFlight *flight = cache->flights; flight; flight = flight->next) {
        if (!flight->is_overdue && flight->begun < begun_before) {
            flight->is_overdue = true;
            arec_room_give_place (&cache->room);
        }
    }
    return cache->room.loads < cache->room.max_loads;
}

void
arec_cache_begin_flight_locked (ArecChunkCache *cache, ArecFlight *flight)
{
    *flight = (ArecFlight){.next = cache->flights, .begun = arec_cache_now()};
    cache->flights = flight;
}

void
arec_cache_end_flight_locked (ArecChunkCache *cache, ArecFlight *ended)
{
    ArecFlight **link = &cache->flights;

    while (*link != ended) {
        link = &(*link)->next;
    }
    *link = ended->next;
    if (ended->is_overdue) {
        arec_room_take_place (&cache->room);
    }
}

/* What the load of @entry, which needs @need, must wait for now; with ITS_TURN for *blocker.
 *
 * The order matters. A load without a place, or behind the one next in line, must evict
 * nothing, so these are asked before room is made. The ceiling is asked after room is made,
 * since evicted entries without users count as gone (out->idle). The share comes last: it is a
 * courtesy that ends after a second. */
static Obstacle
find_obstacle_locked (ArecChunkCache *cache, const ArecCacheEntry *entry, const ArecNeed *need,
                      Patience *patience, const ArecCacheEntry **blocker, ArecDropped *out)
{
    const ArecRoom *room = &cache->room;

    if (arec_room_never_fits (room, need->size)) {
        return NO_ROOM;
    }
    if (room->loads >= room->max_loads && !find_overdue_locked (cache)) {
        return A_PLACE;
    }
    if (is_behind_locked (cache, entry, need, out)) {
        return MEMORY;
    }
    *blocker = arec_cache_make_room_locked (cache, need, out);
    if (*blocker) {
        return ITS_TURN;
    }
    if (arec_room_exceeds_ceiling (room, need->size, out->idle)) {
        /* A load that is overdue may never end; with brief views it is not waited for. */
        if (room->loads > 0 || (room->overdue > 0 && !cache->are_brief)) {
            return MEMORY;
        }
        if (cache->are_brief) {
            return awaits_room_locked (cache, patience) ? HOLDERS : NO_ROOM;
        }
    }
    return cache->are_brief && arec_room_exceeds_share (room, need->size, out->idle) &&
                   awaits_share (patience)
               ? SHARE
               : NOTHING;
}

/* Waits for entries to be released. */
static void
watch_locked (ArecChunkCache *cache)
{
    struct timespec until = timespec_of (arec_cache_now() + LOOK_AGAIN);

    cache->watchers++;
    pthread_cond_timedwait (&cache->changed, &cache->lock, &until);
    cache->watchers--;
}

/* Waits for a load to end, or to be overdue. */
static void
watch_places_locked (ArecChunkCache *cache)
{
    struct timespec until = timespec_of (arec_cache_now() + LOOK_AGAIN);

    pthread_cond_timedwait (&cache->changed, &cache->lock, &until);
}

static void
wait_locked (ArecChunkCache *cache, Obstacle obstacle, const ArecCacheEntry *blocker,
             Patience *patience)
{
    ArecPhaseMark mark = arec_phases_enter (AREC_PHASE_WAITING_DECODING);

    switch (obstacle) {
    case A_PLACE: watch_places_locked (cache); break;
    case MEMORY: pthread_cond_wait (&cache->changed, &cache->lock); break;
    case HOLDERS:
    case SHARE: watch_locked (cache); break;
    case ITS_TURN:
        if (patience->turn_ends == 0) {
            patience->turn_ends = arec_cache_now() + PATIENCE * blocker->load_time;
        }
        wait_until_locked (cache,
                           MIN (arec_cache_entry_busy_until (blocker), patience->turn_ends));
        break;
    case NOTHING:
    case NO_ROOM: break;
    }
    arec_phases_leave (mark);
}

/* The first load that waits for memory is next in line, and later loads leave it room.
 * Otherwise a stream of small loads would keep a large one waiting for ever. */
static void
line_up_locked (ArecChunkCache *cache, const ArecCacheEntry *entry, const ArecNeed *need,
                Obstacle obstacle)
{
    if (!cache->next_in_line && (obstacle == MEMORY || obstacle == HOLDERS)) {
        cache->next_in_line = entry;
        cache->room.reserved = need->size.cost + need->size.passing;
    }
}

static void
leave_line_locked (ArecChunkCache *cache, const ArecCacheEntry *entry)
{
    if (cache->next_in_line == entry) {
        cache->next_in_line = NULL;
        cache->room.reserved = 0;
        arec_cache_signal_change_locked (cache);
    }
}

/* Waits until there is a place and room for the load of @entry. Returns false if there will be
 * no room for it.
 *
 * There are three ways to wait, and each has its own end:
 *   - for a place or for memory (A_PLACE, MEMORY), until another load ends or leaves the line,
 *     which signals; for a place only until a load is overdue, for which it looks again;
 *   - for users to release entries (HOLDERS, SHARE), until a release, which signals while
 *     `watchers` is not 0, or LOOK_AGAIN; share_ends or room_ends bounds the whole;
 *   - for its turn (ITS_TURN), until the blocker is no longer busy; turn_ends bounds the whole.
 *
 * Only the load of a large entry that was evicted while readers still came back to it waits for
 * its turn. Otherwise readers of more large chunks than fit would keep evicting each other's.
 */
bool
arec_cache_await_turn_locked (ArecChunkCache *cache, const ArecCacheEntry *entry,
                              ArecCacheSize expected, ArecDropped *out)
{
    ArecNeed need = {.size = expected};
    const bool was_wanted = arec_room_is_large (&cache->room, expected.cost) &&
                            arec_replacement_remembers (&cache->order, entry->seat.hash);
    Patience patience = {0};
    const ArecCacheEntry *blocker = NULL;
    Obstacle obstacle;

    for (;;) {
        need.patient = was_wanted && may_wait_locked (cache) &&
                       (patience.turn_ends == 0 || arec_cache_now() < patience.turn_ends);
        obstacle = find_obstacle_locked (cache, entry, &need, &patience, &blocker, out);
        if (obstacle == NOTHING || obstacle == NO_ROOM) {
            break;
        }
        line_up_locked (cache, entry, &need, obstacle);
        if (out->first) {
            /* What was taken out must not take memory while we wait. */
            pthread_mutex_unlock (&cache->lock);
            arec_cache_drop (out);
            pthread_mutex_lock (&cache->lock);
        } else {
            wait_locked (cache, obstacle, blocker, &patience);
        }
    }
    leave_line_locked (cache, entry);
    return obstacle == NOTHING;
}
