#include "riegeli/transposed_split.h"

#include "base/array.h"

/* Values of a varint that become part of the symbol. */
#define MAX_INLINE 3

/* How far a message has been taken apart. */
typedef struct {
    const uint8_t *at;
    const uint8_t *end; /* of the innermost message */
    uint32_t parent;    /* of its fields */
    size_t n_open;
    ArecTransposedSplit *split;
    ArecTransposedSymbols *symbols;
} Message;

static inline ArecSplitResult
result_of (ArecSymbolsResult result)
{
    switch (result) {
    case AREC_SYMBOLS_OK: return AREC_SPLIT_OK;
    case AREC_SYMBOLS_NOMEM: return AREC_SPLIT_NOMEM;
    case AREC_SYMBOLS_TOO_MANY: return AREC_SPLIT_TOO_MANY;
    }
    return AREC_SPLIT_NOMEM;
}

static inline ArecSplitResult
add (Message *message, uint32_t tag, uint8_t subtype)
{
    return result_of (
        arec_transposed_symbols_add (message->symbols, message->parent, tag, subtype));
}

/* The next varint of at most 32 bits of what was found to be a canonical message. */
static inline uint32_t
take_known_varint (Message *message)
{
    uint32_t value = *message->at++;
    unsigned shift = 7;

    if (value < 0x80) {
        return value;
    }
    value &= 0x7f;
    for (;; shift += 7) {
        uint32_t byte = *message->at++;

        value |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            return value;
        }
    }
}

/* ---- submessages and groups ---- */

/* Opens what the last symbol starts. */
static ArecSplitResult
open (Message *message, const uint8_t *end)
{
    ArecTransposedSplit *split = message->split;
    uint32_t start = message->symbols->last;

    if (!arec_array_reserve (&split->open, &split->capacity, message->n_open + 1,
                             sizeof *split->open)) {
        return AREC_SPLIT_NOMEM;
    }
    split->open[message->n_open++] =
        (ArecOpenMessage){.end = message->end, .parent = message->parent, .closing = start + 1};
    message->end = end;
    message->parent = arec_transposed_symbols_parent (message->symbols, start);
    return AREC_SPLIT_OK;
}

static const ArecOpenMessage *
close_innermost (Message *message)
{
    const ArecOpenMessage *open = &message->split->open[--message->n_open];

    message->end = open->end;
    message->parent = open->parent;
    return open;
}

static ArecSplitResult
start_group (Message *message, uint32_t tag)
{
    ArecSplitResult result = add (message, tag, 0);

    return result == AREC_SPLIT_OK ? open (message, message->end) : result;
}

/* The end of a group is a field within it. */
static ArecSplitResult
end_group (Message *message, uint32_t tag)
{
    ArecSplitResult result = add (message, tag, 0);

    close_innermost (message);
    return result;
}

static ArecSplitResult
end_submessage (Message *message)
{
    const ArecOpenMessage *open = close_innermost (message);

    return result_of (arec_transposed_symbols_add_known (message->symbols, open->closing));
}

/* ---- values ---- */

static inline ArecSplitResult
split_varint (Message *message, uint32_t tag)
{
    const uint8_t *begin = message->at;
    uint8_t subtype;

    while (*message->at++ >= 0x80) {
    }
    subtype = *begin <= MAX_INLINE ? AREC_SUBTYPE_INLINE_0 + *begin
                                   : (uint8_t)(message->at - begin - 1);
    return add (message, tag, subtype);
}

static ArecSplitResult
split_string (Message *message, uint32_t tag, const uint8_t *begin, uint32_t length)
{
    ArecTransposedSymbols *symbols = message->symbols;
    size_t size = (size_t)(message->at - begin) + length;
    ArecSplitResult result;

    /* The decoder counts a string with its length in 32 bits. */
    if (size > UINT32_MAX) {
        return AREC_SPLIT_TOO_LONG;
    }
    message->at += length;
    result = add (message, tag, AREC_SUBTYPE_STRING);
    if (result == AREC_SPLIT_OK) {
        symbols->fields[symbols->symbols[symbols->last].field].size += size;
    }
    return result;
}

static ArecSplitResult
split_submessage (Message *message, uint32_t tag, uint32_t length)
{
    ArecSplitResult result = add (message, tag, AREC_SUBTYPE_SUBMESSAGE_START);

    return result == AREC_SPLIT_OK ? open (message, message->at + length) : result;
}

/* A length-delimited field is taken apart if it could be a message, and is not empty. */
static ArecSplitResult
split_bytes (Message *message, uint32_t tag)
{
    const uint8_t *begin = message->at;
    uint32_t length = take_known_varint (message);
    ArecCanonical canonical = AREC_CANONICAL_NO;

    if (length > 0 && message->n_open < AREC_MAX_SPLIT_DEPTH) {
        canonical = arec_canonical_message_test (arec_bytes (message->at, length),
                                                 &message->split->groups);
    }
    switch (canonical) {
    case AREC_CANONICAL_NO: return split_string (message, tag, begin, length);
    case AREC_CANONICAL_YES: return split_submessage (message, tag, length);
    case AREC_CANONICAL_NOMEM: break;
    }
    return AREC_SPLIT_NOMEM;
}

static inline ArecSplitResult
split_fixed (Message *message, uint32_t tag, size_t size)
{
    message->at += size;
    return add (message, tag, 0);
}

static inline ArecSplitResult
split_field (Message *message)
{
    uint32_t tag = take_known_varint (message);

    switch (tag & 7) {
    case AREC_TAG_VARINT: return split_varint (message, tag);
    case AREC_TAG_FIXED64: return split_fixed (message, tag, 8);
    case AREC_TAG_BYTES: return split_bytes (message, tag);
    case AREC_TAG_GROUP_START: return start_group (message, tag);
    case AREC_TAG_GROUP_END: return end_group (message, tag);
    default: return split_fixed (message, tag, 4);
    }
}

/* ---- records ---- */

/* Groups are closed before the message that they are in, as its test has shown: what is open
 * at the end of a message is the message itself. */
static ArecSplitResult
split_message (ArecTransposedSplit *split, ArecBytes record, ArecTransposedSymbols *symbols)
{
    Message message = {.at = record.at,
                       .end = record.end,
                       .parent = AREC_PARENT_ROOT,
                       .split = split,
                       .symbols = symbols};
    ArecSplitResult result = result_of (arec_transposed_symbols_add_record_start (symbols));

    while (result == AREC_SPLIT_OK) {
        if (message.at < message.end) {
            result = split_field (&message);
        } else if (message.n_open > 0) {
            result = end_submessage (&message);
        } else {
            break;
        }
    }
    return result;
}

ArecSplitResult
arec_transposed_split_record (ArecTransposedSplit *split, ArecBytes record,
                              ArecTransposedSymbols *symbols)
{
    size_t size = arec_bytes_left (&record);

    switch (arec_canonical_message_test (record, &split->groups)) {
    case AREC_CANONICAL_YES: return split_message (split, record, symbols);
    case AREC_CANONICAL_NOMEM: return AREC_SPLIT_NOMEM;
    case AREC_CANONICAL_NO: break;
    }
    if (size > UINT32_MAX) {
        return AREC_SPLIT_TOO_LONG;
    }
    return result_of (arec_transposed_symbols_add_raw_record (symbols, size));
}

void
arec_transposed_split_clear (ArecTransposedSplit *split)
{
    arec_open_groups_clear (&split->groups);
    g_free (split->open);
    *split = (ArecTransposedSplit){0};
}
