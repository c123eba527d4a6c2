/* What the records of a transposed chunk are taken apart into, before a machine is made of it
 * (FORMAT.md 7.9):
 *
 *     field     a tag at its place in the message; all of its values lie in one buffer
 *     symbol    a field and the shape of its value: what a state of the machine does
 *     step      two symbols that stand next to each other somewhere, and how often
 *
 *     records   start  f1:string  f2:varint of 1  start  f1:string  f2:varint of 2 ...
 *     sequence       \____/  \_______/   \_________/ \____/ \________/         steps
 *
 * The sequence has the symbols of all records in their order, as the steps between them. The
 * machine goes through it backwards, so `from` is the later symbol of a step. Numbers of fields
 * and symbols are given in the order in which they appear.
 *
 * One thread at a time. Memory is linear in the length of the sequence, and is kept by
 * arec_transposed_symbols_reset ().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "base/number_table.h"
#include "riegeli/transposed_kinds.h"

/* No symbol, step or state. */
#define AREC_NO_NUMBER UINT32_MAX

/* What a field's parent is: one of these, or the number of the field around it, from
 * AREC_PARENT_FIELD_0 on. */
enum {
    AREC_PARENT_OF_RAW_RECORD = 1,
    AREC_PARENT_OF_RECORD_START = 3,
    AREC_PARENT_ROOT = 4,
    AREC_PARENT_FIELD_0 = 5,
};

/* Subtypes of length-delimited fields; those of varints are of the format, all others 0. */
enum {
    AREC_SUBTYPE_STRING = 0,
    AREC_SUBTYPE_SUBMESSAGE_START = 1,
    AREC_SUBTYPE_SUBMESSAGE_END = 2,
};

typedef struct {
    uint32_t parent;
    uint32_t tag;          /* 0 of raw records and of starts of records */
    uint32_t first_symbol; /* the others by their `sibling` */
    uint32_t buffer;       /* number of its buffer; set and used by those that place values */
    uint64_t size;         /* bytes of its values: strings and raw records add theirs */
    uint64_t at;           /* where its next value ends; as `buffer` */
} ArecTransposedField;

/* What stands in a record for a symbol, and what of it goes into the field's buffer. */
typedef enum {
    AREC_SYMBOL_RECORD_START,     /* nothing */
    AREC_SYMBOL_RAW_RECORD,       /* a whole record, to the buffer */
    AREC_SYMBOL_CONSTANT,         /* tag (of a group), or tag and a byte */
    AREC_SYMBOL_VARINT,           /* tag, value_size bytes to the buffer */
    AREC_SYMBOL_FIXED,            /* the same */
    AREC_SYMBOL_STRING,           /* tag, a length and as many bytes, both to the buffer */
    AREC_SYMBOL_SUBMESSAGE_START, /* tag, a length */
    AREC_SYMBOL_SUBMESSAGE_END,   /* nothing */
} ArecSymbolKind;

typedef struct {
    uint32_t parent; /* of its field */
    uint32_t tag;    /* of its field */
    uint32_t field;
    uint32_t sibling;   /* another one of the field */
    uint32_t next;      /* the one that followed it last in the sequence */
    uint32_t next_step; /* the step to that; AREC_NO_NUMBER: none followed yet */
    uint8_t subtype;
    uint8_t kind;       /* ArecSymbolKind */
    uint8_t tag_size;   /* bytes of the tag */
    uint8_t value_size; /* bytes of a value, where they are equally long */
} ArecTransposedSymbol;

typedef struct {
    uint32_t from; /* the later one in the records */
    uint32_t to;
    uint32_t count;
} ArecTransposedStep;

/* How many steps are remembered by where they start. */
#define AREC_RECENT_STEPS 4096

typedef struct {
    ArecTransposedField *fields;
    ArecTransposedSymbol *symbols;
    ArecTransposedStep *steps;
    uint32_t *sequence; /* steps; one less than there are symbols in all records */
    size_t n_fields, n_symbols, n_steps, n_sequence;
    size_t fields_capacity, symbols_capacity, steps_capacity, sequence_capacity;
    ArecNumberTable field_numbers; /* by parent and tag */
    ArecNumberTable step_numbers;  /* by both symbols */
    uint64_t lengths_size;         /* bytes of the lengths of raw records, a varint each */
    uint32_t first, last;          /* symbols of the sequence; AREC_NO_NUMBER: it is empty */
    uint32_t record_start, raw_record;  /* symbols; AREC_NO_NUMBER: there was none yet */
    uint32_t recent[AREC_RECENT_STEPS]; /* steps, or what once were some: to be compared */
} ArecTransposedSymbols;

typedef enum {
    AREC_SYMBOLS_OK,
    AREC_SYMBOLS_NOMEM,
    AREC_SYMBOLS_TOO_MANY, /* the sequence has as many symbols as 32 bits can count */
} ArecSymbolsResult;

void arec_transposed_symbols_init (ArecTransposedSymbols *symbols);
void arec_transposed_symbols_clear (ArecTransposedSymbols *symbols);

/* Forgets everything. */
void arec_transposed_symbols_reset (ArecTransposedSymbols *symbols);

/* ---- appending to the sequence; after a failure nothing but a reset is possible ---- */

ArecSymbolsResult arec_transposed_symbols_add_record_start (ArecTransposedSymbols *symbols);
ArecSymbolsResult arec_transposed_symbols_add_raw_record (ArecTransposedSymbols *symbols,
                                                          uint64_t size);

/* The general ways; called where the guess is wrong. */
ArecSymbolsResult arec_transposed_symbols_add_any_known (ArecTransposedSymbols *symbols,
                                                         uint32_t number);
ArecSymbolsResult arec_transposed_symbols_add_any (ArecTransposedSymbols *symbols,
                                                   uint32_t parent, uint32_t tag,
                                                   uint8_t subtype);

/* Appends what followed @last, the last symbol, when it was there before. */
static inline void
arec_transposed_symbols_follow (ArecTransposedSymbols *symbols,
                                const ArecTransposedSymbol *last)
{
    symbols->steps[last->next_step].count++;
    symbols->sequence[symbols->n_sequence++] = last->next_step;
    symbols->last = last->next;
}

/* A symbol of the field @tag within @parent, after a record start. It becomes `last`. The end
 * of a submessage has the number after its start. */
static inline ArecSymbolsResult
arec_transposed_symbols_add (ArecTransposedSymbols *symbols, uint32_t parent, uint32_t tag,
                             uint8_t subtype)
{
    /* Most messages of a chunk are built alike: what followed once follows again. */
    const ArecTransposedSymbol *last = &symbols->symbols[symbols->last];
    const ArecTransposedSymbol *guess = &symbols->symbols[last->next];

    if (guess->tag != tag || guess->parent != parent || guess->subtype != subtype ||
        symbols->n_sequence == symbols->sequence_capacity) {
        return arec_transposed_symbols_add_any (symbols, parent, tag, subtype);
    }
    arec_transposed_symbols_follow (symbols, last);
    return AREC_SYMBOLS_OK;
}

/* The symbol @number, which there is already. */
static inline ArecSymbolsResult
arec_transposed_symbols_add_known (ArecTransposedSymbols *symbols, uint32_t number)
{
    const ArecTransposedSymbol *last;

    if (symbols->last == AREC_NO_NUMBER || symbols->n_sequence == symbols->sequence_capacity) {
        return arec_transposed_symbols_add_any_known (symbols, number);
    }
    last = &symbols->symbols[symbols->last];
    if (last->next != number || last->next_step == AREC_NO_NUMBER) {
        return arec_transposed_symbols_add_any_known (symbols, number);
    }
    arec_transposed_symbols_follow (symbols, last);
    return AREC_SYMBOLS_OK;
}

/* The parent of the fields within the submessage or group that @symbol starts. */
static inline uint32_t
arec_transposed_symbols_parent (const ArecTransposedSymbols *symbols, uint32_t symbol)
{
    return AREC_PARENT_FIELD_0 + symbols->symbols[symbol].field;
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ArecTransposedSymbols, arec_transposed_symbols_clear)
