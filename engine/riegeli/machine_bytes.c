#include "riegeli/machine_bytes.h"

#include <string.h>

/* Bits of a transition that are not its offset: how many offsets of 0 follow. */
#define REPEAT_BITS 2
#define MAX_REPEAT 3

/* What a state takes in the header at most: three varint32 and a subtype. */
#define MAX_STATE_SIZE (3 * AREC_MAX_VARINT32 + 1)

/* ---- header ---- */

static uint32_t
kind_word (const ArecTransposedSymbol *symbol)
{
    switch ((ArecSymbolKind)symbol->kind) {
    case AREC_SYMBOL_RECORD_START: return AREC_STATE_ID_RECORD_START;
    case AREC_SYMBOL_RAW_RECORD: return AREC_STATE_ID_RAW_RECORD;
    case AREC_SYMBOL_SUBMESSAGE_START: return AREC_STATE_ID_SUBMESSAGE_START;
    case AREC_SYMBOL_SUBMESSAGE_END:
        return symbol->tag + (AREC_TAG_SUBMESSAGE_END - AREC_TAG_BYTES);
    case AREC_SYMBOL_CONSTANT:
    case AREC_SYMBOL_VARINT:
    case AREC_SYMBOL_FIXED:
    case AREC_SYMBOL_STRING: break;
    }
    return symbol->tag;
}

static bool
has_buffer (const ArecTransposedSymbol *symbol)
{
    switch ((ArecSymbolKind)symbol->kind) {
    case AREC_SYMBOL_RAW_RECORD:
    case AREC_SYMBOL_VARINT:
    case AREC_SYMBOL_FIXED:
    case AREC_SYMBOL_STRING: return true;
    case AREC_SYMBOL_RECORD_START:
    case AREC_SYMBOL_CONSTANT:
    case AREC_SYMBOL_SUBMESSAGE_START:
    case AREC_SYMBOL_SUBMESSAGE_END: break;
    }
    return false;
}

static bool
has_subtype (const ArecTransposedSymbol *symbol)
{
    return symbol->tag >= AREC_LEAST_TAG && (symbol->tag & 7) == AREC_TAG_VARINT;
}

/* The symbol of a state; NULL: it does nothing. */
static inline const ArecTransposedSymbol *
symbol_of (const ArecTransposedSymbols *symbols, const ArecListedState *state)
{
    return state->symbol == AREC_NO_SYMBOL ? NULL : &symbols->symbols[state->symbol];
}

static uint32_t
next_word (const ArecTransposedMachine *machine, const ArecListedState *state)
{
    const ArecMachineSymbol *symbol;

    if (state->symbol == AREC_NO_SYMBOL) {
        return state->base;
    }
    symbol = &machine->symbols[state->symbol];
    if (symbol->is_implicit) {
        return symbol->base + (uint32_t)machine->lists.n_states;
    }
    return symbol->base == AREC_NO_POSITION ? 0 : symbol->base;
}

bool
arec_machine_bytes_append_states (const ArecTransposedMachine *machine,
                                  const ArecTransposedSymbols *symbols, ArecBuffer *header)
{
    const ArecListedState *states = machine->lists.states;
    size_t n = machine->lists.n_states;
    uint8_t *at;

    if (!arec_buffer_reserve (header, (n + 2) * MAX_STATE_SIZE)) {
        return false;
    }
    at = header->data + header->size;
    at += arec_put_varint (at, n);
    for (size_t i = 0; i < n; i++) {
        const ArecTransposedSymbol *symbol = symbol_of (symbols, &states[i]);

        at += arec_put_varint (at, symbol ? kind_word (symbol) : AREC_STATE_ID_NOOP);
    }
    for (size_t i = 0; i < n; i++) {
        at += arec_put_varint (at, next_word (machine, &states[i]));
    }
    for (size_t i = 0; i < n; i++) {
        const ArecTransposedSymbol *symbol = symbol_of (symbols, &states[i]);

        if (symbol && has_subtype (symbol)) {
            *at++ = symbol->subtype;
        }
    }
    for (size_t i = 0; i < n; i++) {
        const ArecTransposedSymbol *symbol = symbol_of (symbols, &states[i]);

        if (symbol && has_buffer (symbol)) {
            at += arec_put_varint (at, symbols->fields[symbol->field].buffer);
        }
    }
    at += arec_put_varint (at, machine->first);
    header->size = (size_t)(at - header->data);
    return true;
}

/* ---- transitions ---- */

/* All offsets of the walk, before any are joined. */
static size_t
count_offsets (const ArecTransposedMachine *machine, const ArecTransposedSymbols *symbols)
{
    size_t n = 0;

    for (size_t i = 0; i < symbols->n_steps; i++) {
        n += (size_t)symbols->steps[i].count * machine->steps[i].n_offsets;
    }
    return n;
}

/* Writes the walk behind the byte at @at; returns where its last transition is.
 * An offset of 0 counts up the transition before it, as long as that can count; any other is a
 * new one. Which of the two comes cannot be guessed, so there is no branch for it. */
static uint8_t *
put_walk (const ArecTransposedMachine *machine, const ArecTransposedSymbols *symbols,
          uint8_t *at)
{
    const ArecMachineStep *steps = machine->steps;
    const uint8_t *routes = machine->routes.data;
    uint8_t transition = MAX_REPEAT; /* it is none, and cannot count */

    for (size_t i = symbols->n_sequence; i-- > 0;) {
        const ArecMachineStep *step = &steps[symbols->sequence[i]];

        for (uint32_t k = 0; k < step->n_offsets; k++) {
            uint8_t offset = routes[step->route + k];
            bool counts = (offset == 0) & ((transition & MAX_REPEAT) < MAX_REPEAT);

            transition = counts ? transition + 1 : (uint8_t)(offset << REPEAT_BITS);
            at += !counts;
            *at = transition;
        }
    }
    return at;
}

bool
arec_machine_bytes_append_transitions (const ArecTransposedMachine *machine,
                                       const ArecTransposedSymbols *symbols,
                                       ArecBuffer *transitions)
{
    uint8_t *begin;
    size_t size;

    if (symbols->n_sequence == 0) {
        return true;
    }
    if (!arec_buffer_reserve (transitions, count_offsets (machine, symbols) + 1)) {
        return false;
    }
    /* A byte that is no transition comes first, so that each has one before it. */
    begin = transitions->data + transitions->size;
    size = (size_t)(put_walk (machine, symbols, begin) - begin);
    memmove (begin, begin + 1, size);
    transitions->size += size;
    return true;
}
