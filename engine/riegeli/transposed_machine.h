/* The machine of a transposed chunk, made of the symbols of its records as the reference makes
 * it (FORMAT.md 7.5, 7.9), and the transitions that take it through them.
 *
 * Each symbol that is often followed by the same ones has a private list of states for these;
 * all others share the public list, which is the last one. A state of a symbol may so be there
 * several times, each time with the same way on.
 *
 * One thread at a time. Memory and time are linear in the length of the sequence (but for
 * sorting), and memory is kept for the next chunk.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "base/buffer.h"
#include "riegeli/state_lists.h"
#include "riegeli/transposed_symbols.h"

typedef struct {
    uint32_t max_offset; /* of a transition, 1 to 63 */
    uint32_t min_count;  /* uses of a step that make it private */
} ArecMachineLimits;

/* Those of the reference. */
#define AREC_MACHINE_LIMITS ((ArecMachineLimits){.max_offset = 63, .min_count = 10})

typedef struct {
    uint32_t incoming; /* uses that no private list serves */
    uint32_t steps;    /* where its steps begin in `step_order` */
    uint32_t base;     /* of its states; AREC_NO_POSITION: nothing follows */
    uint32_t escape;   /* the state from its private list to the public one */
    bool has_list;     /* a private one */
    bool is_implicit;  /* what follows is always the same, and it never ends the walk */
} ArecMachineSymbol;

typedef struct {
    uint32_t position; /* in a private list, or one of two marks */
    uint32_t route;    /* its offsets in `routes` */
    uint32_t n_offsets;
} ArecMachineStep;

typedef struct {
    ArecMachineLimits limits;
    ArecStateLists lists;
    ArecMachineSymbol *symbols; /* of symbols, and one past the last */
    ArecMachineStep *steps;     /* of steps */
    uint32_t *step_order;       /* all steps, by the symbol that they come from */
    uint32_t *placed;           /* where a list has put each symbol; at last the public one */
    uint64_t *items;            /* of the list that is made */
    size_t symbols_capacity, steps_capacity, order_capacity, placed_capacity, items_capacity;
    ArecBuffer routes;
    uint32_t public_start;
    uint32_t first; /* position of the first state of the walk */
} ArecTransposedMachine;

ArecStatesResult arec_transposed_machine_build (ArecTransposedMachine *machine,
                                                const ArecTransposedSymbols *symbols,
                                                const ArecMachineLimits *limits);

void arec_transposed_machine_clear (ArecTransposedMachine *machine);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ArecTransposedMachine, arec_transposed_machine_clear)
