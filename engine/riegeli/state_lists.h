/* Lists of states, of which any can be reached from the start of its list by a few offsets
 * (FORMAT.md 7.5, 7.9).
 *
 * An offset leads to one of the next 64 states. A longer list is cut into nodes of 64, and has
 * states that do nothing but lead to a node: a Huffman tree, so that those that are wanted
 * often are near the start.
 *
 *     start                                                     end
 *     | root: 2 0 N1 N2 ... | node of N2: 7 4 ... | node of N1: 9 8 |
 *             heavy   light
 *
 * One thread at a time. Memory is kept by arec_state_lists_reset ().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "base/buffer.h"

/* The symbol of a state that does nothing. */
#define AREC_NO_SYMBOL UINT32_MAX

/* No position of a state. */
#define AREC_NO_POSITION UINT32_MAX

typedef struct {
    uint32_t symbol;
    uint32_t base;   /* of one that does nothing: where its node starts */
    uint32_t source; /* the state that leads to the node of this one; AREC_NO_POSITION: none,
                        it is in the first node of its list */
} ArecListedState;

/* A node that still needs a state that leads to it. */
typedef struct {
    uint64_t weight;
    uint32_t begin;
    uint32_t size;
    uint32_t below; /* another one of the same weight, made before it */
} ArecStateNode;

typedef struct {
    ArecListedState *states;
    size_t n_states, capacity;
    uint32_t max_offset;
    /* For the list that is made. */
    ArecStateNode *nodes;
    uint32_t *stacks; /* nodes on top of those of the same weight, light ones first */
    size_t nodes_capacity, stacks_capacity;
} ArecStateLists;

typedef enum {
    AREC_STATES_OK,
    AREC_STATES_NOMEM,
    AREC_STATES_TOO_MANY, /* more than the header can tell */
} ArecStatesResult;

void arec_state_lists_reset (ArecStateLists *lists, uint32_t max_offset);
void arec_state_lists_clear (ArecStateLists *lists);

/* An item of a list. The order of items, as numbers, is that in which they go to the end of
 * a list: by weight, and equal ones by their symbol, the largest first. AREC_NO_SYMBOL is a
 * state that does nothing; its base is to be set. */
static inline uint64_t
arec_state_item (uint32_t weight, uint32_t symbol)
{
    return (uint64_t)weight << 32 | (UINT32_MAX - symbol);
}

/* Appends a list of the @n items, which it sorts.
 * @placed   (out) the position of each symbol.
 * @nothing  (out) the position of the item that does nothing. */
ArecStatesResult arec_state_lists_append (ArecStateLists *lists, uint64_t *items, size_t n,
                                          uint32_t *placed, uint32_t *nothing);

/* The offsets from @base to @position, which must be reachable from there, outermost first.
 * @offsets  room for AREC_MAX_ROUTE.
 * Returns how many. */
#define AREC_MAX_ROUTE 64
size_t arec_state_lists_route (const ArecStateLists *lists, uint32_t base, uint32_t position,
                               uint8_t *offsets);

/* The base from which all positions of a list that were added can be reached, as far towards
 * them as possible. */
typedef struct {
    uint32_t start; /* of the list */
    uint32_t node;  /* AREC_NO_POSITION: nothing was added yet */
    uint32_t base;  /* (out) */
} ArecSharedBase;

static inline ArecSharedBase
arec_shared_base (uint32_t start)
{
    return (ArecSharedBase){start, AREC_NO_POSITION, AREC_NO_POSITION};
}

void arec_shared_base_add (ArecSharedBase *shared, const ArecStateLists *lists,
                           uint32_t position);
