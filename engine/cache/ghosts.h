/* What left the cache lately: the hash of a thing's key and when the thing was used last.
 *
 * As many as the cache has entries, 16 bytes for each; an older one makes room for a newer one
 * whose hash is near. One thread at a time.
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

/* Makes places for @n at least; those that are kept stay. */
void arec_ghosts_make_room (ArecGhosts *ghosts, size_t n);
void arec_ghosts_clear (ArecGhosts *ghosts);

/* @seen > 0. */
void arec_ghosts_put (ArecGhosts *ghosts, uint64_t hash, uint64_t seen);

/* When what has @hash was used last; 0: not known. The second forgets it. */
uint64_t arec_ghosts_find (const ArecGhosts *ghosts, uint64_t hash);
uint64_t arec_ghosts_take (ArecGhosts *ghosts, uint64_t hash);
