#include "riegeli/state_lists.h"

#include <stdlib.h>

#include "base/array.h"

/* A position, and a position plus the number of states, have 32 bits in the header. */
#define MAX_STATES (UINT32_C (1) << 31)

/* So few items are sorted by insertion: most lists have no more. */
#define FEW 24

void
arec_state_lists_reset (ArecStateLists *lists, uint32_t max_offset)
{
    lists->n_states = 0;
    lists->max_offset = max_offset;
}

void
arec_state_lists_clear (ArecStateLists *lists)
{
    g_free (lists->states);
    g_free (lists->nodes);
    g_free (lists->stacks);
    *lists = (ArecStateLists){0};
}

/* ---- the tree ---- */

/* A list in the making: what goes to its end is taken first. */
typedef struct {
    ArecStateLists *lists;
    const uint64_t *items; /* those that are left */
    size_t n_items;
    size_t n_nodes;               /* all that were made */
    size_t stack_head, stack_end; /* the stacks of nodes that are left */
    uint32_t at;                  /* the first state that is filled */
    uint32_t *placed;
    uint32_t *nothing;
} List;

static int
compare_items (const void *first, const void *second)
{
    const uint64_t *a = first, *b = second;

    return *a < *b ? -1 : *a > *b;
}

static void
sort_items (uint64_t *items, size_t n)
{
    if (n > FEW) {
        qsort (items, n, sizeof *items, compare_items);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        uint64_t item = items[i];
        size_t k = i;

        for (; k > 0 && item < items[k - 1]; k--) {
            items[k] = items[k - 1];
        }
        items[k] = item;
    }
}

/* Whether a node comes before all items. Of equal weights the state that does nothing among
 * the items comes first, then nodes, then symbols. */
static bool
is_node_next (const List *list)
{
    uint64_t node, item;

    if (list->stack_head == list->stack_end) {
        return false;
    }
    if (list->n_items == 0) {
        return true;
    }
    node = list->lists->nodes[list->lists->stacks[list->stack_head]].weight;
    item = list->items[0] >> 32;
    return node != item ? node < item : (uint32_t)list->items[0] != 0;
}

/* Of nodes of the same weight the last one comes first. */
static const ArecStateNode *
take_node (List *list)
{
    uint32_t *top = &list->lists->stacks[list->stack_head];
    const ArecStateNode *node = &list->lists->nodes[*top];

    if (node->below == AREC_NO_POSITION) {
        list->stack_head++;
    } else {
        *top = node->below;
    }
    return node;
}

/* Nodes are never lighter than those before: stacks stay in order. */
static void
put_node (List *list, uint32_t begin, uint32_t size, uint64_t weight)
{
    ArecStateLists *lists = list->lists;
    uint32_t number = (uint32_t)list->n_nodes++, below = AREC_NO_POSITION;
    uint32_t *last =
        list->stack_head < list->stack_end ? &lists->stacks[list->stack_end - 1] : NULL;

    if (last && lists->nodes[*last].weight == weight) {
        below = *last;
        *last = number;
    } else {
        lists->stacks[list->stack_end++] = number;
    }
    lists->nodes[number] =
        (ArecStateNode){.weight = weight, .begin = begin, .size = size, .below = below};
}

/* Puts a state that leads to the next node in front; returns its weight. */
static uint64_t
place_node (List *list)
{
    ArecListedState *states = list->lists->states;
    const ArecStateNode *node = take_node (list);

    states[--list->at] = (ArecListedState){AREC_NO_SYMBOL, node->begin, AREC_NO_POSITION};
    for (uint32_t i = 0; i < node->size; i++) {
        states[node->begin + i].source = list->at;
    }
    return node->weight;
}

/* Puts the state of the next item in front; returns its weight. */
static uint64_t
place_item (List *list)
{
    uint64_t item = *list->items++;
    uint32_t symbol = UINT32_MAX - (uint32_t)item;

    list->n_items--;
    list->lists->states[--list->at] = (ArecListedState){symbol, 0, AREC_NO_POSITION};
    *(symbol == AREC_NO_SYMBOL ? list->nothing : &list->placed[symbol]) = list->at;
    return item >> 32;
}

static void
fill_list (List *list, uint32_t start)
{
    uint32_t most = list->lists->max_offset + 1;
    /* All nodes are full but the one at the end. */
    uint32_t size = (list->at - start - 1) % most + 1;

    for (;; size = most) {
        uint64_t weight = 0;

        for (uint32_t i = 0; i < size; i++) {
            weight += is_node_next (list) ? place_node (list) : place_item (list);
        }
        if (list->at == start) {
            return;
        }
        put_node (list, list->at, size, weight);
    }
}

ArecStatesResult
arec_state_lists_append (ArecStateLists *lists, uint64_t *items, size_t n, uint32_t *placed,
                         uint32_t *nothing)
{
    size_t start = lists->n_states;
    size_t n_nodes = n <= (size_t)lists->max_offset + 1 ? 0 : (n - 2) / lists->max_offset;
    size_t end = start + n + n_nodes;
    List list = {.lists = lists,
                 .items = items,
                 .n_items = n,
                 .at = (uint32_t)end,
                 .placed = placed,
                 .nothing = nothing};

    if (n == 0) {
        return AREC_STATES_OK;
    }
    if (end > MAX_STATES) {
        return AREC_STATES_TOO_MANY;
    }
    if (!arec_array_reserve (&lists->states, &lists->capacity, end, sizeof *lists->states) ||
        !arec_array_reserve (&lists->nodes, &lists->nodes_capacity, n_nodes,
                             sizeof *lists->nodes) ||
        !arec_array_reserve (&lists->stacks, &lists->stacks_capacity, n_nodes,
                             sizeof *lists->stacks)) {
        return AREC_STATES_NOMEM;
    }
    lists->n_states = end;
    sort_items (items, n);
    fill_list (&list, (uint32_t)start);
    return AREC_STATES_OK;
}

/* ---- ways ---- */

static inline bool
is_within_reach (const ArecStateLists *lists, uint32_t base, uint32_t position)
{
    return base <= position && position - base <= lists->max_offset;
}

size_t
arec_state_lists_route (const ArecStateLists *lists, uint32_t base, uint32_t position,
                        uint8_t *offsets)
{
    const ArecListedState *states = lists->states;
    size_t n = 0;

    while (!is_within_reach (lists, base, position)) {
        uint32_t source = states[position].source;

        g_assert (source != AREC_NO_POSITION && n < AREC_MAX_ROUTE - 1);
        offsets[n++] = (uint8_t)(position - states[source].base);
        position = source;
    }
    offsets[n++] = (uint8_t)(position - base);
    for (size_t i = 0; i < n / 2; i++) { /* found from the end */
        uint8_t swapped = offsets[i];

        offsets[i] = offsets[n - 1 - i];
        offsets[n - 1 - i] = swapped;
    }
    return n;
}

static uint32_t
node_of (const ArecSharedBase *shared, const ArecStateLists *lists, uint32_t position)
{
    uint32_t source = lists->states[position].source;

    return source == AREC_NO_POSITION ? shared->start : lists->states[source].base;
}

void
arec_shared_base_add (ArecSharedBase *shared, const ArecStateLists *lists, uint32_t position)
{
    while (shared->node == AREC_NO_POSITION ||
           !is_within_reach (lists, shared->node, position)) {
        if (shared->node == AREC_NO_POSITION) {
            shared->node = node_of (shared, lists, position);
        } else if (position < shared->node) {
            uint32_t source = lists->states[shared->node].source;

            shared->base = MIN (shared->base, source);
            shared->node = node_of (shared, lists, source);
        } else {
            position = lists->states[position].source;
        }
    }
    shared->base = MIN (shared->base, position);
}
