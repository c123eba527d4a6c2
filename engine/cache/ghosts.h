/* Ghosts of things that left the cache lately: the hash of a thing's key, and when the thing
 * was used last.
 *
 * There are as many as the cache has entries, of 16 bytes each. A newer ghost replaces the
 * oldest of the few places that its hash may be in. One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

typedef struct {
    uint64_t hash;
    uint64_t seen; /* 0: the place is free */
} ArecGhost;

/* Zero-initialised: none, and no place for any. */
typedef struct {
    ArecGhost *places;
    size_t n_places; /* a power of two, or 0 */
} ArecGhosts;

/* Makes places for @n at least, as far as there is memory; no ghost is lost but by a collision.
 */
void arec_ghosts_make_room (ArecGhosts *ghosts, size_t n);
void arec_ghosts_clear (ArecGhosts *ghosts);

/* @seen > 0. */
void arec_ghosts_put (ArecGhosts *ghosts, uint64_t hash, uint64_t seen);

/* When the thing of @hash was used last; 0: not known. The second forgets it. */
uint64_t arec_ghosts_find (const ArecGhosts *ghosts, uint64_t hash);
uint64_t arec_ghosts_take (ArecGhosts *ghosts, uint64_t hash);
