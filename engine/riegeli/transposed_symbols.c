#include "riegeli/transposed_symbols.h"

#include "base/array.h"
#include "base/buffer.h"

/* Counts of steps, and numbers of symbols and of what contains fields, have 32 bits. There may
 * be more symbols than the sequence has, and a few numbers mean something else. */
#define MAX_SEQUENCE (UINT32_MAX - 1024)

void
arec_transposed_symbols_init (ArecTransposedSymbols *symbols)
{
    *symbols = (ArecTransposedSymbols){0};
    arec_transposed_symbols_reset (symbols);
}

void
arec_transposed_symbols_clear (ArecTransposedSymbols *symbols)
{
    g_free (symbols->fields);
    g_free (symbols->symbols);
    g_free (symbols->steps);
    g_free (symbols->sequence);
    arec_number_table_clear (&symbols->field_numbers);
    arec_number_table_clear (&symbols->step_numbers);
    *symbols = (ArecTransposedSymbols){0};
}

void
arec_transposed_symbols_reset (ArecTransposedSymbols *symbols)
{
    symbols->n_fields = symbols->n_symbols = symbols->n_steps = symbols->n_sequence = 0;
    symbols->lengths_size = 0;
    symbols->first = symbols->last = AREC_NO_NUMBER;
    symbols->record_start = symbols->raw_record = AREC_NO_NUMBER;
    arec_number_table_empty (&symbols->field_numbers);
    arec_number_table_empty (&symbols->step_numbers);
}

/* ---- fields and symbols ---- */

/* The kind of @symbol, and the size of its values, by parent, tag and subtype. */
static void
set_kind (ArecTransposedSymbol *symbol)
{
    switch (symbol->parent) {
    case AREC_PARENT_OF_RECORD_START: symbol->kind = AREC_SYMBOL_RECORD_START; return;
    case AREC_PARENT_OF_RAW_RECORD: symbol->kind = AREC_SYMBOL_RAW_RECORD; return;
    default: break;
    }
    switch (symbol->tag & 7) {
    case AREC_TAG_VARINT:
        if (symbol->subtype >= AREC_SUBTYPE_INLINE_0) {
            symbol->kind = AREC_SYMBOL_CONSTANT;
        } else {
            symbol->kind = AREC_SYMBOL_VARINT;
            symbol->value_size = symbol->subtype + 1;
        }
        return;
    case AREC_TAG_FIXED32:
    case AREC_TAG_FIXED64:
        symbol->kind = AREC_SYMBOL_FIXED;
        symbol->value_size = (symbol->tag & 7) == AREC_TAG_FIXED32 ? 4 : 8;
        return;
    case AREC_TAG_BYTES:
        symbol->kind = symbol->subtype == AREC_SUBTYPE_STRING ? AREC_SYMBOL_STRING
                       : symbol->subtype == AREC_SUBTYPE_SUBMESSAGE_START
                           ? AREC_SYMBOL_SUBMESSAGE_START
                           : AREC_SYMBOL_SUBMESSAGE_END;
        return;
    default: symbol->kind = AREC_SYMBOL_CONSTANT;
    }
}

/* Makes a symbol of a field, for which there is memory. */
static uint32_t
make_symbol (ArecTransposedSymbols *symbols, uint32_t field_number, uint8_t subtype)
{
    uint32_t number = (uint32_t)symbols->n_symbols++;
    ArecTransposedField *field = &symbols->fields[field_number];
    ArecTransposedSymbol *symbol = &symbols->symbols[number];
    uint8_t varint[AREC_MAX_VARINT];

    *symbol = (ArecTransposedSymbol){.parent = field->parent,
                                     .tag = field->tag,
                                     .field = field_number,
                                     .sibling = field->first_symbol,
                                     .next_step = AREC_NO_NUMBER,
                                     .subtype = subtype,
                                     .tag_size = (uint8_t)arec_put_varint (varint, field->tag)};
    set_kind (symbol);
    field->first_symbol = number;
    return number;
}

static bool
look_up_field (ArecTransposedSymbols *symbols, uint32_t parent, uint32_t tag, uint32_t *number)
{
    ArecNumberTable *table = &symbols->field_numbers;
    uint64_t key = (uint64_t)parent << 32 | tag;
    ArecNumberSlot *slot;

    if (!arec_number_table_reserve (table) ||
        !arec_array_reserve (&symbols->fields, &symbols->fields_capacity, symbols->n_fields + 1,
                             sizeof *symbols->fields)) {
        return false;
    }
    slot = arec_number_table_find (table, key);
    if (!arec_number_table_is_filled (table, slot)) {
        symbols->fields[symbols->n_fields] =
            (ArecTransposedField){.parent = parent, .tag = tag, .first_symbol = AREC_NO_NUMBER};
        arec_number_table_fill (table, slot, key, (uint32_t)symbols->n_fields++);
    }
    *number = slot->number;
    return true;
}

/* The field, made if there is none. false: no memory. */
static bool
find_field (ArecTransposedSymbols *symbols, uint32_t parent, uint32_t tag, uint32_t *number)
{
    if (symbols->last != AREC_NO_NUMBER) {
        const ArecTransposedSymbol *last = &symbols->symbols[symbols->last];
        const ArecTransposedSymbol *guess = &symbols->symbols[last->next];

        /* Often the field is the same, and its value another one. */
        if (guess->tag == tag && guess->parent == parent) {
            *number = guess->field;
            return true;
        }
    }
    return look_up_field (symbols, parent, tag, number);
}

/* The symbol, made if there is none. false: no memory. */
static bool
find_symbol (ArecTransposedSymbols *symbols, uint32_t parent, uint32_t tag, uint8_t subtype,
             uint32_t *number)
{
    uint32_t field;

    /* Room for two: a submessage has a start and an end. */
    if (!find_field (symbols, parent, tag, &field) ||
        !arec_array_reserve (&symbols->symbols, &symbols->symbols_capacity,
                             symbols->n_symbols + 2, sizeof *symbols->symbols)) {
        return false;
    }
    *number = symbols->fields[field].first_symbol;
    while (*number != AREC_NO_NUMBER && symbols->symbols[*number].subtype != subtype) {
        *number = symbols->symbols[*number].sibling;
    }
    if (*number == AREC_NO_NUMBER) {
        *number = make_symbol (symbols, field, subtype);
        if (symbols->symbols[*number].kind == AREC_SYMBOL_SUBMESSAGE_START) {
            make_symbol (symbols, field, AREC_SUBTYPE_SUBMESSAGE_END);
        }
    }
    return true;
}

/* ---- the sequence ---- */

/* The step from the symbol @number to the last one, made if there is none. */
static bool
find_step (ArecTransposedSymbols *symbols, uint32_t number, uint32_t *step)
{
    ArecNumberTable *table = &symbols->step_numbers;
    uint64_t key = (uint64_t)number << 32 | symbols->last;
    ArecNumberSlot *slot;

    if (!arec_number_table_reserve (table) ||
        !arec_array_reserve (&symbols->steps, &symbols->steps_capacity, symbols->n_steps + 1,
                             sizeof *symbols->steps)) {
        return false;
    }
    slot = arec_number_table_find (table, key);
    if (!arec_number_table_is_filled (table, slot)) {
        symbols->steps[symbols->n_steps] =
            (ArecTransposedStep){.from = number, .to = symbols->last};
        arec_number_table_fill (table, slot, key, (uint32_t)symbols->n_steps++);
    }
    *step = slot->number;
    return true;
}

ArecSymbolsResult
arec_transposed_symbols_add_any_known (ArecTransposedSymbols *symbols, uint32_t number)
{
    ArecTransposedSymbol *last;

    if (symbols->last == AREC_NO_NUMBER) {
        symbols->first = symbols->last = number;
        return AREC_SYMBOLS_OK;
    }
    if (symbols->n_sequence == MAX_SEQUENCE) {
        return AREC_SYMBOLS_TOO_MANY;
    }
    if (!arec_array_reserve (&symbols->sequence, &symbols->sequence_capacity,
                             symbols->n_sequence + 1, sizeof *symbols->sequence)) {
        return AREC_SYMBOLS_NOMEM;
    }
    /* Who finds room there adds without coming here, so there is none beyond the bound. */
    symbols->sequence_capacity = MIN (symbols->sequence_capacity, MAX_SEQUENCE);
    last = &symbols->symbols[symbols->last];
    if (last->next != number || last->next_step == AREC_NO_NUMBER) {
        if (!find_step (symbols, number, &last->next_step)) {
            return AREC_SYMBOLS_NOMEM;
        }
        last->next = number;
    }
    symbols->steps[last->next_step].count++;
    symbols->sequence[symbols->n_sequence++] = last->next_step;
    symbols->last = number;
    return AREC_SYMBOLS_OK;
}

/* Where a step from the last symbol to one of @tag and @subtype is remembered. */
static inline uint32_t *
recent_step (ArecTransposedSymbols *symbols, uint32_t tag, uint8_t subtype)
{
    uint32_t hash = symbols->last * 0x9e3779b1U ^ (tag * 16 + subtype) * 0x85ebca77U;

    return &symbols->recent[(hash ^ hash >> 15) % AREC_RECENT_STEPS];
}

/* Whether @step goes on from the last symbol to that of the field @tag within @parent. */
static bool
is_step_to (const ArecTransposedSymbols *symbols, uint32_t step, uint32_t parent, uint32_t tag,
            uint8_t subtype)
{
    const ArecTransposedSymbol *symbol;

    if (step >= symbols->n_steps || symbols->steps[step].to != symbols->last) {
        return false;
    }
    symbol = &symbols->symbols[symbols->steps[step].from];
    return symbol->tag == tag && symbol->parent == parent && symbol->subtype == subtype;
}

ArecSymbolsResult
arec_transposed_symbols_add_any (ArecTransposedSymbols *symbols, uint32_t parent, uint32_t tag,
                                 uint8_t subtype)
{
    uint32_t *recent = recent_step (symbols, tag, subtype), number;
    ArecTransposedSymbol *last = &symbols->symbols[symbols->last];
    ArecSymbolsResult result;

    if (is_step_to (symbols, *recent, parent, tag, subtype)) {
        last->next_step = *recent;
        last->next = symbols->steps[*recent].from;
        return arec_transposed_symbols_add_known (symbols, last->next);
    }
    if (!find_symbol (symbols, parent, tag, subtype, &number)) {
        return AREC_SYMBOLS_NOMEM;
    }
    result = arec_transposed_symbols_add_any_known (symbols, number);
    if (result == AREC_SYMBOLS_OK) {
        *recent = symbols->sequence[symbols->n_sequence - 1];
    }
    return result;
}

ArecSymbolsResult
arec_transposed_symbols_add_record_start (ArecTransposedSymbols *symbols)
{
    if (symbols->record_start == AREC_NO_NUMBER &&
        !find_symbol (symbols, AREC_PARENT_OF_RECORD_START, 0, 0, &symbols->record_start)) {
        return AREC_SYMBOLS_NOMEM;
    }
    return arec_transposed_symbols_add_known (symbols, symbols->record_start);
}

ArecSymbolsResult
arec_transposed_symbols_add_raw_record (ArecTransposedSymbols *symbols, uint64_t size)
{
    uint8_t varint[AREC_MAX_VARINT];

    if (symbols->raw_record == AREC_NO_NUMBER &&
        !find_symbol (symbols, AREC_PARENT_OF_RAW_RECORD, 0, 0, &symbols->raw_record)) {
        return AREC_SYMBOLS_NOMEM;
    }
    symbols->fields[symbols->symbols[symbols->raw_record].field].size += size;
    symbols->lengths_size += arec_put_varint (varint, size);
    return arec_transposed_symbols_add_known (symbols, symbols->raw_record);
}
