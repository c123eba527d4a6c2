#include "riegeli/transposed_buckets.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/buffer.h"

/* Kinds of buffers, in their order in the chunk. */
enum { KIND_VARINT, KIND_FIXED32, KIND_FIXED64, KIND_STRING, KIND_RAW_RECORD };

/* So few are sorted by insertion: most chunks have no more, and qsort () calls for each
 * comparison. */
#define FEW 24

static uint8_t
kind_of (const ArecTransposedField *field)
{
    if (field->parent == AREC_PARENT_OF_RAW_RECORD) {
        return KIND_RAW_RECORD;
    }
    switch (field->tag & 7) {
    case AREC_TAG_VARINT: return KIND_VARINT;
    case AREC_TAG_FIXED32: return KIND_FIXED32;
    case AREC_TAG_FIXED64: return KIND_FIXED64;
    default: return KIND_STRING;
    }
}

/* ---- order ---- */

/* Values that are equally long have not been counted one by one. */
static void
count_values (ArecTransposedSymbols *symbols)
{
    for (size_t i = 0; i < symbols->n_steps; i++) {
        const ArecTransposedStep *step = &symbols->steps[i];
        const ArecTransposedSymbol *symbol = &symbols->symbols[step->from];

        /* Each symbol but the first, which has no value, is once `from` for each time that it
         * occurs. */
        symbols->fields[symbol->field].size += (uint64_t)step->count * symbol->value_size;
    }
}

static size_t
count_buffers (const ArecTransposedSymbols *symbols)
{
    size_t n = 0;

    for (size_t i = 0; i < symbols->n_fields; i++) {
        n += symbols->fields[i].size > 0;
    }
    return n;
}

static void
collect_buffers (ArecTransposedBuckets *buckets, const ArecTransposedSymbols *symbols)
{
    buckets->n_buffers = 0;
    for (size_t i = 0; i < symbols->n_fields; i++) {
        const ArecTransposedField *field = &symbols->fields[i];

        if (field->size > 0) {
            buckets->buffers[buckets->n_buffers++] = (ArecBufferPlace){.size = field->size,
                                                                       .parent = field->parent,
                                                                       .tag = field->tag,
                                                                       .field = (uint32_t)i,
                                                                       .kind = kind_of (field)};
        }
    }
}

static inline int
compare (uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int
compare_buffers (const void *first, const void *second)
{
    const ArecBufferPlace *a = first, *b = second;

    return a->kind != b->kind       ? compare (a->kind, b->kind)
           : a->size != b->size     ? compare (a->size, b->size)
           : a->parent != b->parent ? compare (a->parent, b->parent)
                                    : compare (a->tag, b->tag);
}

static void
sort_buffers (ArecBufferPlace *buffers, size_t n)
{
    if (n > FEW) {
        qsort (buffers, n, sizeof *buffers, compare_buffers);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        ArecBufferPlace buffer = buffers[i];
        size_t k = i;

        for (; k > 0 && compare_buffers (&buffer, &buffers[k - 1]) < 0; k--) {
            buffers[k] = buffers[k - 1];
        }
        buffers[k] = buffer;
    }
}

/* ---- buckets ---- */

/* Buckets of the buffers [begin, end), all of a kind and of @size bytes: from the largest
 * buffer down, until what is left is so little that it joins the last one. */
static void
add_buckets_of_kind (ArecTransposedBuckets *buckets, size_t begin, size_t end, uint64_t size,
                     uint64_t bucket_size)
{
    size_t first = buckets->n_buckets, last;
    uint64_t left = size, current = 0;

    for (size_t i = end; i-- > begin;) {
        uint64_t buffer = buckets->buffers[i].size;

        if (current > 0 && current + buffer / 2 >= bucket_size) {
            buckets->bucket_sizes[buckets->n_buckets++] = current;
            current = 0;
        }
        current += buffer;
        left -= buffer;
        if (left <= bucket_size / 2) {
            current += left;
            break;
        }
    }
    buckets->bucket_sizes[buckets->n_buckets++] = current;
    /* The smallest buffer is stored first. */
    for (last = buckets->n_buckets - 1; first < last; first++, last--) {
        uint64_t swapped = buckets->bucket_sizes[first];

        buckets->bucket_sizes[first] = buckets->bucket_sizes[last];
        buckets->bucket_sizes[last] = swapped;
    }
}

static void
make_buckets (ArecTransposedBuckets *buckets, uint64_t bucket_size)
{
    size_t end = 0;

    buckets->n_buckets = 0;
    for (size_t begin = 0; begin < buckets->n_buffers; begin = end) {
        uint64_t size = 0;

        for (; end < buckets->n_buffers &&
               buckets->buffers[end].kind == buckets->buffers[begin].kind;
             end++) {
            size += buckets->buffers[end].size;
        }
        add_buckets_of_kind (buckets, begin, end, size, bucket_size);
    }
    if (buckets->lengths_size > 0) {
        buckets->bucket_sizes[buckets->n_buckets++] = buckets->lengths_size;
    }
}

static void
place_buffers (ArecTransposedBuckets *buckets, ArecTransposedSymbols *symbols)
{
    uint64_t at = 0;

    for (size_t i = 0; i < buckets->n_buffers; i++) {
        ArecTransposedField *field = &symbols->fields[buckets->buffers[i].field];

        at += field->size;
        field->at = at;
        field->buffer = (uint32_t)i;
    }
    buckets->size = at + buckets->lengths_size;
}

bool
arec_transposed_buckets_plan (ArecTransposedBuckets *buckets, ArecTransposedSymbols *symbols,
                              uint64_t bucket_size)
{
    size_t n;

    count_values (symbols);
    n = count_buffers (symbols);
    /* The lengths of raw records have one more buffer, and bucket. */
    if (!arec_array_reserve (&buckets->buffers, &buckets->buffers_capacity, n,
                             sizeof *buckets->buffers) ||
        !arec_array_reserve (&buckets->bucket_sizes, &buckets->buckets_capacity, n + 1,
                             sizeof *buckets->bucket_sizes)) {
        return false;
    }
    buckets->lengths_size = symbols->lengths_size;
    collect_buffers (buckets, symbols);
    sort_buffers (buckets->buffers, buckets->n_buffers);
    make_buckets (buckets, bucket_size);
    place_buffers (buckets, symbols);
    return true;
}

/* ---- values ---- */

/* How far the records have been gone through: a second time, with all symbols known. */
typedef struct {
    const uint8_t *at;
    uint8_t *values;
    uint8_t *lengths; /* past the next one */
    ArecBytes sizes;  /* of the records to come */
} Fill;

/* The place of the next value of @symbol, of @size bytes. */
static inline uint8_t *
take_place (Fill *fill, ArecTransposedSymbols *symbols, const ArecTransposedSymbol *symbol,
            uint64_t size)
{
    return fill->values + (symbols->fields[symbol->field].at -= size);
}

static inline void
fill_varint (Fill *fill, ArecTransposedSymbols *symbols, const ArecTransposedSymbol *symbol)
{
    uint8_t *place = take_place (fill, symbols, symbol, symbol->value_size);
    const uint8_t *at = fill->at + symbol->tag_size;

    place[0] = at[0] & 0x7f;
    for (unsigned i = 1; i < symbol->value_size; i++) {
        place[i] = at[i] & 0x7f;
    }
    fill->at = at + symbol->value_size;
}

static inline void
fill_fixed (Fill *fill, ArecTransposedSymbols *symbols, const ArecTransposedSymbol *symbol)
{
    uint8_t *place = take_place (fill, symbols, symbol, symbol->value_size);

    memcpy (place, fill->at + symbol->tag_size, symbol->value_size);
    fill->at += symbol->tag_size + symbol->value_size;
}

/* Steps over a varint that is known to be right. */
static inline uint64_t
take_length (const uint8_t **at)
{
    uint64_t value = 0;
    unsigned shift = 0;

    for (;; shift += 7) {
        uint8_t byte = *(*at)++;

        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return value;
        }
    }
}

static inline void
fill_string (Fill *fill, ArecTransposedSymbols *symbols, const ArecTransposedSymbol *symbol)
{
    const uint8_t *begin = fill->at + symbol->tag_size, *past = begin;
    uint64_t length = take_length (&past), size = (uint64_t)(past - begin) + length;

    memcpy (take_place (fill, symbols, symbol, size), begin, size);
    fill->at = begin + size;
}

static void
fill_raw_record (Fill *fill, ArecTransposedSymbols *symbols, const ArecTransposedSymbol *symbol)
{
    uint64_t size = take_length (&fill->sizes.at);
    uint8_t varint[AREC_MAX_VARINT];
    size_t n = arec_put_varint (varint, size);

    memcpy (take_place (fill, symbols, symbol, size), fill->at, size);
    fill->at += size;
    fill->lengths -= n;
    memcpy (fill->lengths, varint, n);
}

static inline void
fill_symbol (Fill *fill, ArecTransposedSymbols *symbols, const ArecTransposedSymbol *symbol)
{
    switch ((ArecSymbolKind)symbol->kind) {
    case AREC_SYMBOL_RECORD_START: take_length (&fill->sizes.at); break;
    case AREC_SYMBOL_RAW_RECORD: fill_raw_record (fill, symbols, symbol); break;
    case AREC_SYMBOL_CONSTANT:
        /* A value that is part of the symbol has a byte. */
        fill->at += symbol->tag_size + (symbol->subtype >= AREC_SUBTYPE_INLINE_0);
        break;
    case AREC_SYMBOL_VARINT: fill_varint (fill, symbols, symbol); break;
    case AREC_SYMBOL_FIXED: fill_fixed (fill, symbols, symbol); break;
    case AREC_SYMBOL_STRING: fill_string (fill, symbols, symbol); break;
    case AREC_SYMBOL_SUBMESSAGE_START:
        fill->at += symbol->tag_size;
        take_length (&fill->at);
        break;
    case AREC_SYMBOL_SUBMESSAGE_END: break;
    }
}

void
arec_transposed_buckets_fill (const ArecTransposedBuckets *buckets,
                              ArecTransposedSymbols *symbols, ArecBytes records,
                              ArecBytes sizes, uint8_t *values)
{
    Fill fill = {
        .at = records.at, .values = values, .lengths = values + buckets->size, .sizes = sizes};

    if (symbols->first == AREC_NO_NUMBER) {
        return;
    }
    fill_symbol (&fill, symbols, &symbols->symbols[symbols->first]);
    for (size_t i = 0; i < symbols->n_sequence; i++) {
        uint32_t number = symbols->steps[symbols->sequence[i]].from;

        fill_symbol (&fill, symbols, &symbols->symbols[number]);
    }
}

void
arec_transposed_buckets_clear (ArecTransposedBuckets *buckets)
{
    g_free (buckets->buffers);
    g_free (buckets->bucket_sizes);
    *buckets = (ArecTransposedBuckets){0};
}
