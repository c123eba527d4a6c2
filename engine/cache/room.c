#include "cache/room.h"

#include <stdatomic.h>

#include <glib.h>

void
arec_room_init (ArecRoom *room, uint64_t budget, uint64_t ceiling, unsigned max_loads)
{
    *room = (ArecRoom){
        .budget = budget, .ceiling = MAX (ceiling, budget), .max_loads = MAX (max_loads, 1)};
}

/* ---- what is there ---- */

bool
arec_room_is_large (const ArecRoom *room, uint64_t cost)
{
    return cost >= room->budget / (2 * room->max_loads);
}

uint64_t
arec_room_used (const ArecRoom *room)
{
    return room->charged + room->small + room->large + room->loading;
}

static uint64_t
leaving (const ArecRoom *room, uint64_t going)
{
    return room->leaving - going;
}

uint64_t
arec_room_alive (const ArecRoom *room, uint64_t going)
{
    return arec_room_used (room) + room->passing + leaving (room, going);
}

void
arec_room_begin_load (ArecRoom *room, ArecCacheSize size)
{
    room->loads++;
    room->loading += size.cost;
    room->passing += size.passing;
    room->n_large += arec_room_is_large (room, size.cost);
}

void
arec_room_end_load (ArecRoom *room, ArecCacheSize size)
{
    room->loads--;
    room->loading -= size.cost;
    room->passing -= size.passing;
    room->n_large -= arec_room_is_large (room, size.cost);
}

static uint64_t *
bytes_of (ArecRoom *room, bool is_large)
{
    return is_large ? &room->large : &room->small;
}

void
arec_room_give_place (ArecRoom *room)
{
    room->loads--;
    room->overdue++;
}

void
arec_room_take_place (ArecRoom *room)
{
    room->loads++;
    room->overdue--;
}

void
arec_room_add (ArecRoom *room, uint64_t cost, bool is_large)
{
    *bytes_of (room, is_large) += cost;
    room->n_large += is_large;
}

void
arec_room_reduce (ArecRoom *room, uint64_t bytes, bool is_large)
{
    *bytes_of (room, is_large) -= bytes;
}

void
arec_room_take_out (ArecRoom *room, uint64_t cost, bool is_large)
{
    *bytes_of (room, is_large) -= cost;
    room->n_large -= is_large;
    room->leaving += cost;
    room->leaving_large += is_large;
}

void
arec_room_free (ArecRoom *room, uint64_t cost, bool is_large)
{
    room->leaving -= cost;
    room->leaving_large -= is_large;
}

/* ---- room for more ---- */

/* Whether used + extra > bound, whatever the numbers are. */
static bool
exceeds (uint64_t used, uint64_t extra, uint64_t bound)
{
    return used > bound || extra > bound - used;
}

bool
arec_room_exceeds_budget (const ArecRoom *room, ArecCacheSize size)
{
    return exceeds (arec_room_used (room), size.cost, room->budget);
}

bool
arec_room_exceeds_ceiling (const ArecRoom *room, ArecCacheSize size, uint64_t going)
{
    return exceeds (arec_room_alive (room, going), size.cost + size.passing, room->ceiling);
}

bool
arec_room_never_fits (const ArecRoom *room, ArecCacheSize size)
{
    return exceeds (room->charged, size.cost + size.passing, room->ceiling);
}

bool
arec_room_exceeds_rest (const ArecRoom *room, ArecCacheSize size, uint64_t going)
{
    size.passing += room->reserved;
    return arec_room_exceeds_ceiling (room, size, going);
}

bool
arec_room_exceeds_share (const ArecRoom *room, ArecCacheSize size, uint64_t going)
{
    uint64_t held = leaving (room, going);
    uint64_t budget = room->budget - MIN (room->budget, room->charged);

    if (!exceeds (arec_room_used (room) + held, size.cost, room->budget)) {
        return false;
    }
    return arec_room_is_large (room, size.cost)
               ? room->n_large + room->leaving_large >= room->max_loads
               : exceeds (room->small + held, size.cost,
                          MAX (budget, room->max_loads * size.cost));
}

bool
arec_room_keeps_large (const ArecRoom *room, ArecCacheSize size, uint64_t going)
{
    bool one_more = size.cost > 0 && arec_room_is_large (room, size.cost);

    return room->n_large + one_more <= room->max_loads &&
           !arec_room_exceeds_ceiling (room, size, going);
}
