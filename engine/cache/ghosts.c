#include "cache/ghosts.h"

/* Places in which one hash may be. */
#define WAYS 4

#define MIN_PLACES 64

static ArecGhost *
places_of (const ArecGhosts *ghosts, uint64_t hash)
{
    return &ghosts->places[hash & (ghosts->n_places - WAYS)];
}

void
arec_ghosts_make_room (ArecGhosts *ghosts, size_t n)
{
    ArecGhosts larger = {.n_places = MAX (ghosts->n_places, MIN_PLACES)};

    while (larger.n_places < n) {
        larger.n_places *= 2;
    }
    if (larger.n_places == ghosts->n_places) {
        return;
    }
    larger.places = g_try_new0 (ArecGhost, larger.n_places);
    if (!larger.places) {
        return;
    }
    for (size_t i = 0; i < ghosts->n_places; i++) {
        if (ghosts->places[i].seen > 0) {
            arec_ghosts_put (&larger, ghosts->places[i].hash, ghosts->places[i].seen);
        }
    }
    arec_ghosts_clear (ghosts);
    *ghosts = larger;
}

void
arec_ghosts_clear (ArecGhosts *ghosts)
{
    g_free (ghosts->places);
    *ghosts = (ArecGhosts){0};
}

void
arec_ghosts_put (ArecGhosts *ghosts, uint64_t hash, uint64_t seen)
{
    ArecGhost *places, *oldest;

    if (ghosts->n_places == 0) {
        return;
    }
    places = oldest = places_of (ghosts, hash);
    for (unsigned i = 1; i < WAYS; i++) {
        if (places[i].seen < oldest->seen) {
            oldest = &places[i];
        }
    }
    *oldest = (ArecGhost){hash, seen};
}

static ArecGhost *
find (const ArecGhosts *ghosts, uint64_t hash)
{
    ArecGhost *places = ghosts->n_places > 0 ? places_of (ghosts, hash) : NULL;

    for (unsigned i = 0; places && i < WAYS; i++) {
        if (places[i].hash == hash && places[i].seen > 0) {
            return &places[i];
        }
    }
    return NULL;
}

uint64_t
arec_ghosts_find (const ArecGhosts *ghosts, uint64_t hash)
{
    const ArecGhost *ghost = find (ghosts, hash);

    return ghost ? ghost->seen : 0;
}

uint64_t
arec_ghosts_take (ArecGhosts *ghosts, uint64_t hash)
{
    ArecGhost *ghost = find (ghosts, hash);
    uint64_t seen = 0;

    if (ghost) {
        seen = ghost->seen;
        ghost->seen = 0;
    }
    return seen;
}
