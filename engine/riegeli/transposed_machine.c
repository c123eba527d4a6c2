#include "riegeli/transposed_machine.h"

#include "base/array.h"

/* Marks of a step in place of a position: no private list has it; one will have it. */
#define IS_PUBLIC UINT32_MAX
#define IS_PRIVATE (UINT32_MAX - 1)

void
arec_transposed_machine_clear (ArecTransposedMachine *machine)
{
    arec_state_lists_clear (&machine->lists);
    g_free (machine->symbols);
    g_free (machine->steps);
    g_free (machine->step_order);
    g_free (machine->placed);
    g_free (machine->items);
    arec_buffer_clear (&machine->routes);
    *machine = (ArecTransposedMachine){0};
}

/* ---- counts ---- */

static bool
reserve (ArecTransposedMachine *machine, const ArecTransposedSymbols *symbols)
{
    size_t n_symbols = symbols->n_symbols, n_steps = symbols->n_steps;

    return arec_array_reserve (&machine->symbols, &machine->symbols_capacity, n_symbols + 1,
                               sizeof *machine->symbols) &&
           arec_array_reserve (&machine->steps, &machine->steps_capacity, n_steps,
                               sizeof *machine->steps) &&
           arec_array_reserve (&machine->step_order, &machine->order_capacity, n_steps,
                               sizeof *machine->step_order) &&
           arec_array_reserve (&machine->placed, &machine->placed_capacity, n_symbols,
                               sizeof *machine->placed) &&
           /* A private list has an escape besides. */
           arec_array_reserve (&machine->items, &machine->items_capacity, n_symbols + 1,
                               sizeof *machine->items);
}

/* Sorts the steps by where they come from: counts them, then puts each where the counts of
 * those before end. */
static void
order_steps (ArecTransposedMachine *machine, const ArecTransposedSymbols *symbols)
{
    uint32_t begin = 0;

    for (size_t i = 0; i < symbols->n_steps; i++) {
        machine->symbols[symbols->steps[i].from].steps++;
    }
    for (size_t i = 0; i <= symbols->n_symbols; i++) {
        uint32_t n = machine->symbols[i].steps;

        machine->symbols[i].steps = begin + n;
        begin += n;
    }
    for (size_t i = symbols->n_steps; i-- > 0;) {
        machine->step_order[--machine->symbols[symbols->steps[i].from].steps] = (uint32_t)i;
    }
}

static void
count_uses (ArecTransposedMachine *machine, const ArecTransposedSymbols *symbols)
{
    for (size_t i = 0; i <= symbols->n_symbols; i++) {
        machine->symbols[i] =
            (ArecMachineSymbol){.base = AREC_NO_POSITION, .escape = AREC_NO_POSITION};
    }
    for (size_t i = 0; i < symbols->n_steps; i++) {
        machine->symbols[symbols->steps[i].to].incoming += symbols->steps[i].count;
        machine->steps[i] = (ArecMachineStep){.position = IS_PUBLIC};
    }
    /* The walk starts somewhere, even if no step leads there. */
    if (machine->symbols[symbols->last].incoming == 0) {
        machine->symbols[symbols->last].incoming = 1;
    }
    order_steps (machine, symbols);
}

static inline uint32_t
n_steps_of (const ArecTransposedMachine *machine, uint32_t symbol)
{
    return machine->symbols[symbol + 1].steps - machine->symbols[symbol].steps;
}

/* The step @i of those of a symbol. */
static inline uint32_t
step_of (const ArecTransposedMachine *machine, uint32_t symbol, uint32_t i)
{
    return machine->step_order[machine->symbols[symbol].steps + i];
}

/* ---- private lists ---- */

static void
make_private (ArecTransposedMachine *machine, const ArecTransposedSymbols *symbols,
              uint32_t step)
{
    machine->steps[step].position = IS_PRIVATE;
    machine->symbols[symbols->steps[step].to].incoming -= symbols->steps[step].count;
}

static void
make_frequent_private (ArecTransposedMachine *machine, const ArecTransposedSymbols *symbols)
{
    for (size_t i = 0; i < symbols->n_steps; i++) {
        if (symbols->steps[i].count >= machine->limits.min_count) {
            make_private (machine, symbols, (uint32_t)i);
        }
    }
}

/* Of a symbol, the steps that are not private. */
typedef struct {
    uint32_t n;
    uint32_t uses;
    uint32_t last;
} Rest;

/* Makes also those steps of @symbol private which alone lead where they do, and the last one
 * that is left, if it has any others. */
static Rest
choose_private (ArecTransposedMachine *machine, const ArecTransposedSymbols *symbols,
                uint32_t symbol)
{
    uint32_t n = n_steps_of (machine, symbol);
    Rest rest = {0};

    for (uint32_t i = 0; i < n; i++) {
        uint32_t number = step_of (machine, symbol, i);
        const ArecTransposedStep *step = &symbols->steps[number];

        if (machine->steps[number].position == IS_PUBLIC &&
            machine->symbols[step->to].incoming == step->count) {
            make_private (machine, symbols, number);
        }
        if (machine->steps[number].position == IS_PUBLIC) {
            rest.n++;
            rest.uses += step->count;
            rest.last = number;
        }
    }
    if (rest.n == 1 && n > 1) {
        make_private (machine, symbols, rest.last);
        rest.n = 0;
    }
    return rest;
}

static size_t
collect_private (ArecTransposedMachine *machine, const ArecTransposedSymbols *symbols,
                 uint32_t symbol, const Rest *rest)
{
    uint32_t n = n_steps_of (machine, symbol);
    size_t n_items = 0;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t number = step_of (machine, symbol, i);
        const ArecTransposedStep *step = &symbols->steps[number];

        if (machine->steps[number].position == IS_PRIVATE) {
            machine->items[n_items++] = arec_state_item (step->count, step->to);
        }
    }
    if (n_items > 0 && rest->n > 0) {
        machine->items[n_items++] = arec_state_item (rest->uses, AREC_NO_SYMBOL);
    }
    return n_items;
}

static ArecStatesResult
make_private_list (ArecTransposedMachine *machine, const ArecTransposedSymbols *symbols,
                   uint32_t symbol)
{
    ArecMachineSymbol *owner = &machine->symbols[symbol];
    Rest rest = choose_private (machine, symbols, symbol);
    size_t n_items = collect_private (machine, symbols, symbol, &rest);
    uint32_t n = n_steps_of (machine, symbol), start = (uint32_t)machine->lists.n_states;
    ArecStatesResult result;

    if (n_items == 0) {
        return AREC_STATES_OK;
    }
    owner->has_list = true;
    owner->base = start;
    result = arec_state_lists_append (&machine->lists, machine->items, n_items, machine->placed,
                                      &owner->escape);
    if (result != AREC_STATES_OK) {
        return result;
    }
    for (uint32_t i = 0; i < n; i++) {
        uint32_t number = step_of (machine, symbol, i);

        if (machine->steps[number].position == IS_PRIVATE) {
            machine->steps[number].position = machine->placed[symbols->steps[number].to];
        }
    }
    return AREC_STATES_OK;
}

/* ---- the public list ---- */

static ArecStatesResult
make_public_list (ArecTransposedMachine *machine, const ArecTransposedSymbols *symbols)
{
    size_t n = 0;
    uint32_t nothing;

    for (size_t i = 0; i < symbols->n_symbols; i++) {
        if (machine->symbols[i].incoming > 0) {
            machine->items[n++] = arec_state_item (machine->symbols[i].incoming, (uint32_t)i);
        }
    }
    machine->public_start = (uint32_t)machine->lists.n_states;
    return arec_state_lists_append (&machine->lists, machine->items, n, machine->placed,
                                    &nothing);
}

/* The base from which @symbol, or its escape, reaches what is not in its private list. */
static void
find_base (ArecTransposedMachine *machine, const ArecTransposedSymbols *symbols,
           uint32_t symbol)
{
    ArecMachineSymbol *owner = &machine->symbols[symbol];
    uint32_t n = n_steps_of (machine, symbol);
    ArecSharedBase shared = arec_shared_base (machine->public_start);

    for (uint32_t i = 0; i < n; i++) {
        uint32_t number = step_of (machine, symbol, i);

        if (machine->steps[number].position == IS_PUBLIC) {
            arec_shared_base_add (&shared, &machine->lists,
                                  machine->placed[symbols->steps[number].to]);
        }
    }
    if (owner->escape != AREC_NO_POSITION) {
        machine->lists.states[owner->escape].base = shared.base;
    } else if (!owner->has_list) {
        owner->base = shared.base;
    }
}

/* ---- routes ---- */

static bool
append_route (ArecTransposedMachine *machine, uint32_t base, uint32_t position)
{
    if (!arec_buffer_reserve (&machine->routes, AREC_MAX_ROUTE)) {
        return false;
    }
    machine->routes.size += arec_state_lists_route (
        &machine->lists, base, position, machine->routes.data + machine->routes.size);
    return true;
}

static bool
find_route (ArecTransposedMachine *machine, const ArecMachineSymbol *from, uint32_t to,
            ArecMachineStep *step)
{
    size_t begin = machine->routes.size;
    uint32_t base = from->base;

    if (begin > UINT32_MAX) {
        return false;
    }
    if (step->position != IS_PUBLIC) {
        if (!append_route (machine, base, step->position)) {
            return false;
        }
    } else {
        if (from->escape != AREC_NO_POSITION) {
            if (!append_route (machine, base, from->escape)) {
                return false;
            }
            base = machine->lists.states[from->escape].base;
        }
        if (!append_route (machine, base, machine->placed[to])) {
            return false;
        }
    }
    step->route = (uint32_t)begin;
    step->n_offsets = (uint32_t)(machine->routes.size - begin);
    return true;
}

static bool
find_routes (ArecTransposedMachine *machine, const ArecTransposedSymbols *symbols)
{
    machine->routes.size = 0;
    for (size_t i = 0; i < symbols->n_steps; i++) {
        const ArecTransposedStep *step = &symbols->steps[i];
        const ArecMachineSymbol *from = &machine->symbols[step->from];

        if (!from->is_implicit && !find_route (machine, from, step->to, &machine->steps[i])) {
            return false;
        }
    }
    return true;
}

/* ---- all ---- */

/* A chunk without records: a state that does nothing. */
static ArecStatesResult
build_empty (ArecTransposedMachine *machine)
{
    uint64_t item = arec_state_item (0, AREC_NO_SYMBOL);

    machine->first = 0;
    return arec_state_lists_append (&machine->lists, &item, 1, NULL, &machine->first);
}

static ArecStatesResult
make_lists (ArecTransposedMachine *machine, const ArecTransposedSymbols *symbols)
{
    make_frequent_private (machine, symbols);
    for (size_t i = 0; i < symbols->n_symbols; i++) {
        ArecStatesResult result = make_private_list (machine, symbols, (uint32_t)i);

        if (result != AREC_STATES_OK) {
            return result;
        }
    }
    return make_public_list (machine, symbols);
}

/* The first of the states of the symbol with which the walk starts. */
static uint32_t
find_first (const ArecTransposedMachine *machine, uint32_t symbol)
{
    uint32_t position = 0;

    while (machine->lists.states[position].symbol != symbol) {
        position++;
    }
    return position;
}

ArecStatesResult
arec_transposed_machine_build (ArecTransposedMachine *machine,
                               const ArecTransposedSymbols *symbols,
                               const ArecMachineLimits *limits)
{
    ArecStatesResult result;

    machine->limits = *limits;
    arec_state_lists_reset (&machine->lists, limits->max_offset);
    if (symbols->first == AREC_NO_NUMBER) {
        return build_empty (machine);
    }
    if (!reserve (machine, symbols)) {
        return AREC_STATES_NOMEM;
    }
    count_uses (machine, symbols);
    result = make_lists (machine, symbols);
    if (result != AREC_STATES_OK) {
        return result;
    }
    for (uint32_t i = 0; i < symbols->n_symbols; i++) {
        find_base (machine, symbols, i);
        machine->symbols[i].is_implicit = n_steps_of (machine, i) == 1 && i != symbols->first;
    }
    machine->first = find_first (machine, symbols->last);
    return find_routes (machine, symbols) ? AREC_STATES_OK : AREC_STATES_NOMEM;
}
