#include "riegeli/transposed_chunk.h"

#include <stdbool.h>
#include <string.h>

#include "base/heap.h"
#include "base/scratch.h"
#include "riegeli/transposed_header.h"
#include "riegeli/transposed_values.h"

/* Everything below is compiled twice into one loop each, with and without records to write. */
#define INLINE static inline __attribute__ ((always_inline))

/* Copies of small things take this many bytes at once, ending where they should: what they
 * spoil in front is written later. */
#define STRIDE 16
#define MAX_STRIDES 2

/* All but the last of the eight bytes that end with a varint: bit 7 says that more follow.
 * Those in front of the varint do not matter. */
#define CONTINUATION GUINT64_TO_LE (UINT64_C (0x0080808080808080))

/* A submessage that is open: its end was met, its start is to come. */
typedef struct {
    uint64_t end; /* bytes not yet written then */
    const ArecTransposedState *state;
} Open;

typedef struct {
    Open *open;
    size_t n;
    size_t room;
    size_t most;      /* by the bound for depth */
    uint64_t *memory; /* that may still be allocated */
} Stack;

/* A walk. Records are written from their end: of the decoded bytes, [0, left) are missing. */
typedef struct {
    uint8_t *out; /* NULL if only ends are wanted */
    uint64_t left;
    const uint8_t *values;
    ArecTransposedBuffer *buffers;
    ArecTransposedBuffer *lengths;
    uint64_t records_left;
    uint64_t record_begin; /* of the record that was completed last */
    ArecRecordEnds *ends;
} Walk;

/* What ends a walk beside its own end; told apart by address. */
/* More than any encoder makes of a byte or record of a chunk in memory: each has at most a few
 * states and a buffer of its own. Even an empty one has some. */
#define COST_OF_BYTE 256
#define EXTRA_COST 65536

static const char too_deep[] = "messages nest deeper than the limit allows";
static const char no_memory[] = "no memory for the messages that are open";
static const char too_long[] = "records are longer than the decoded size";
static const char no_value[] = "a buffer ends before the last value taken from it";

/* ---- open submessages ---- */

static const char *
grow (Stack *stack)
{
    size_t room = MIN (MAX (stack->room * 2, 64), stack->most);
    uint64_t more = (room - stack->room) * sizeof *stack->open;
    Open *open;

    if (stack->n == stack->most || more > *stack->memory) {
        return too_deep;
    }
    open = g_try_realloc_n (stack->open, room, sizeof *open);
    if (!open) {
        return no_memory;
    }
    *stack->memory -= more;
    stack->open = open;
    stack->room = room;
    return NULL;
}

/* Each open submessage will have a tag and a length, so more than half as many as bytes are
 * missing cannot end well: this keeps a chunk without output from filling the memory. */
INLINE const char *
push (Stack *stack, uint64_t left, const ArecTransposedState *state)
{
    if (stack->n >= left / 2) {
        return "more messages are open than there is room for";
    }
    if (G_UNLIKELY (stack->n == stack->room)) {
        const char *fault = grow (stack);

        if (fault) {
            return fault;
        }
    }
    stack->open[stack->n++] = (Open){left, state};
    return NULL;
}

/* ---- writing in front ---- */

/* Puts the last @size of the 8 bytes at @word in front. */
INLINE void
put_word (Walk *walk, const void *word, size_t size, bool writes)
{
    if (writes && G_LIKELY (walk->left >= sizeof (uint64_t))) {
        memcpy (walk->out + walk->left - sizeof (uint64_t), word, sizeof (uint64_t));
    } else if (writes) {
        memcpy (walk->out + walk->left - size, (const uint8_t *)word + sizeof (uint64_t) - size,
                size);
    }
    walk->left -= size;
}

INLINE void
put_tag (Walk *walk, const ArecTransposedState *state, bool writes)
{
    put_word (walk, state->tag, state->tag_size, writes);
}

/* Puts the values [at, at + size) in front. */
INLINE void
put_bytes (Walk *walk, size_t at, size_t size, bool writes)
{
    size_t end = at + size;

    if (writes && G_LIKELY (size <= MAX_STRIDES * STRIDE && end >= MAX_STRIDES * STRIDE &&
                            walk->left >= MAX_STRIDES * STRIDE)) {
        uint8_t *to = walk->out + walk->left;

        memcpy (to - STRIDE, walk->values + end - STRIDE, STRIDE);
        if (size > STRIDE) {
            memcpy (to - 2 * STRIDE, walk->values + end - 2 * STRIDE, STRIDE);
        }
    } else if (writes && size > 0) {
        memcpy (walk->out + walk->left - size, walk->values + at, size);
    }
    walk->left -= size;
}

/* ---- what states do ---- */

INLINE const char *
put_constant (Walk *walk, const ArecTransposedState *state, bool writes)
{
    if (state->tag_size > walk->left) {
        return too_long;
    }
    put_tag (walk, state, writes);
    return NULL;
}

/* A varint that is too long, or too near an edge, for a word. */
static void
put_varint_slowly (uint8_t *to, const uint8_t *from, size_t size)
{
    for (size_t i = 0; i + 1 < size; i++) {
        to[i] = from[i] | 0x80;
    }
    to[size - 1] = from[size - 1];
}

/* A number of state->value_size bytes. @marks are set in the eight bytes that end with it. */
INLINE const char *
put_number (Walk *walk, const ArecTransposedState *state, uint64_t marks, bool writes)
{
    ArecTransposedBuffer *buffer = &walk->buffers[state->buffer];
    size_t size = state->value_size;

    if (size > buffer->end - buffer->at) {
        return no_value;
    }
    if (size + state->tag_size > walk->left) {
        return too_long;
    }
    buffer->at += size;
    if (!writes) {
        walk->left -= size;
    } else if (G_LIKELY (size <= sizeof marks && buffer->at >= sizeof marks)) {
        uint64_t word;

        memcpy (&word, walk->values + buffer->at - sizeof word, sizeof word);
        word |= marks;
        put_word (walk, &word, size, writes);
    } else if (marks) {
        walk->left -= size;
        put_varint_slowly (walk->out + walk->left, walk->values + buffer->at - size, size);
    } else {
        put_bytes (walk, buffer->at - size, size, writes);
    }
    put_tag (walk, state, writes);
    return NULL;
}

/* Takes a varint32 from @buffer. */
INLINE bool
take_length (const Walk *walk, ArecTransposedBuffer *buffer, uint32_t *length)
{
    ArecBytes bytes = {walk->values + buffer->at, walk->values + buffer->end};

    if (!arec_bytes_take_varint32 (&bytes, length)) {
        return false;
    }
    buffer->at = (size_t)(bytes.at - walk->values);
    return true;
}

/* A length and the bytes after it are put as they stand in the buffer. */
INLINE const char *
put_string (Walk *walk, const ArecTransposedState *state, bool writes)
{
    ArecTransposedBuffer *buffer = &walk->buffers[state->buffer];
    size_t begin = buffer->at;
    uint32_t length;
    uint64_t size;

    if (buffer->at == buffer->end || !take_length (walk, buffer, &length)) {
        return "a buffer has no length for a string";
    }
    size = buffer->at - begin + (uint64_t)length;
    if (size > UINT32_MAX) {
        return "a string is longer than 2^32";
    }
    if (length > buffer->end - buffer->at) {
        return no_value;
    }
    if (size + state->tag_size > walk->left) {
        return too_long;
    }
    buffer->at += length;
    put_bytes (walk, begin, size, writes);
    put_tag (walk, state, writes);
    return NULL;
}

/* Puts the length of what was written since the end of the innermost submessage, and its tag.
 */
INLINE const char *
put_submessage_start (Walk *walk, Stack *stack, bool writes)
{
    const Open *open;
    uint8_t bytes[sizeof (uint64_t)];
    size_t at = sizeof bytes;
    uint64_t length;
    uint32_t high; /* bits of the length that are still to be put, highest last */
    unsigned size = 1;

    if (stack->n == 0) {
        return "a message starts that has no end";
    }
    open = &stack->open[--stack->n];
    length = open->end - walk->left;
    if (length > UINT32_MAX) {
        return "a message is longer than 2^32";
    }
    for (high = (uint32_t)length >> 7; high > 0; high >>= 7) {
        size++;
    }
    if (size + open->state->tag_size > walk->left) {
        return too_long;
    }
    for (unsigned i = size; i-- > 0;) {
        bytes[--at] = (uint8_t)(length >> (7 * i) | (i + 1 < size ? 0x80 : 0));
    }
    put_word (walk, bytes, size, writes);
    put_tag (walk, open->state, writes);
    return NULL;
}

INLINE const char *
start_record (Walk *walk, const Stack *stack)
{
    if (stack->n > 0) {
        return "a record starts within a message";
    }
    if (walk->records_left == 0) {
        return "more records than the chunk says";
    }
    walk->record_begin = walk->left;
    walk->records_left--;
    if (walk->records_left > 0) {
        arec_record_ends_set (walk->ends, walk->records_left - 1, walk->left);
    }
    return NULL;
}

INLINE const char *
put_raw_record (Walk *walk, const ArecTransposedState *state, const Stack *stack, bool writes)
{
    ArecTransposedBuffer *buffer = &walk->buffers[state->buffer];
    uint32_t length;

    if (walk->lengths->at == walk->lengths->end ||
        !take_length (walk, walk->lengths, &length)) {
        return "a buffer has no length for a record";
    }
    if (length > buffer->end - buffer->at) {
        return no_value;
    }
    if (length > walk->left) {
        return too_long;
    }
    put_bytes (walk, buffer->at, length, writes);
    buffer->at += length;
    return start_record (walk, stack);
}

INLINE const char *
enter (Walk *walk, const ArecTransposedState *state, Stack *stack, bool writes)
{
    switch ((ArecStateKind)state->kind) {
    case AREC_STATE_NOOP: return NULL;
    case AREC_STATE_CONSTANT: return put_constant (walk, state, writes);
    case AREC_STATE_VARINT: return put_number (walk, state, CONTINUATION, writes);
    case AREC_STATE_FIXED: return put_number (walk, state, 0, writes);
    case AREC_STATE_STRING: return put_string (walk, state, writes);
    case AREC_STATE_SUBMESSAGE_END: return push (stack, walk->left, state);
    case AREC_STATE_SUBMESSAGE_START: return put_submessage_start (walk, stack, writes);
    case AREC_STATE_RECORD_START: return start_record (walk, stack);
    case AREC_STATE_RAW_RECORD: return put_raw_record (walk, state, stack, writes);
    }
    return "an invalid state";
}

/* ---- the walk ---- */

/* What must hold when there are no more transitions. */
INLINE const char *
check_end (const Walk *walk, const Stack *stack)
{
    if (stack->n > 0) {
        return "the chunk ends within a message";
    }
    if (walk->records_left > 0) {
        return "fewer records than the chunk says";
    }
    if (walk->record_begin != walk->left) {
        return "the chunk ends within a record";
    }
    return walk->left == 0 ? NULL : "records are shorter than the decoded size";
}

/* A transition byte is an offset and how many explicit moves with offset 0 follow without a
 * byte (FORMAT.md 7.5). */
INLINE const char *
run (const ArecTransposedHeader *header, ArecBytes transitions, const Walk *start, Stack *stack,
     bool writes)
{
    Walk walk = *start; /* in registers */
    const ArecTransposedState *state = &header->states[header->first];
    unsigned repeat = 0;

    for (;;) {
        const char *fault = enter (&walk, state, stack, writes);
        uint64_t next = state->base;

        if (fault) {
            return fault;
        }
        if (state->is_implicit) {
            /* no byte */
        } else if (repeat > 0) {
            repeat--;
        } else {
            uint8_t byte;

            if (!arec_bytes_take_u8 (&transitions, &byte)) {
                return check_end (&walk, stack);
            }
            next += byte >> 2;
            repeat = byte & 3;
            if (next >= header->n_states) {
                return "a transition leads to a state that is none";
            }
        }
        state = &header->states[next];
    }
}

static const char *
run_for_records (const ArecTransposedHeader *header, ArecBytes transitions, const Walk *start,
                 Stack *stack)
{
    return run (header, transitions, start, stack, true);
}

static const char *
run_for_ends (const ArecTransposedHeader *header, ArecBytes transitions, const Walk *start,
              Stack *stack)
{
    return run (header, transitions, start, stack, false);
}

static ArecDecodeResult
result_of (const char *fault)
{
    if (!fault) {
        return AREC_DECODE_OK;
    }
    return fault == too_deep    ? AREC_DECODE_LIMIT
           : fault == no_memory ? AREC_DECODE_NOMEM
                                : AREC_DECODE_CORRUPT;
}

/* Walks from the last byte of the last record to the first of the first, into @out unless that
 * is NULL, and into @ends. */
static ArecDecodeResult
walk_all (const ArecTransposedHeader *header, const uint8_t *values, ArecBytes transitions,
          const ArecTransposedSize *size, ArecTransposedBounds *bounds, uint8_t *out,
          ArecRecordEnds *ends, const char **reason)
{
    Stack stack = {.most = bounds->max_depth, .memory = &bounds->memory};
    Walk start = {.out = out,
                  .left = size->decoded_size,
                  .values = values,
                  .buffers = header->buffers,
                  .lengths = &header->buffers[header->lengths_buffer],
                  .records_left = size->num_records,
                  .record_begin = size->decoded_size,
                  .ends = ends};

    if (size->num_records > 0) {
        arec_record_ends_set (ends, size->num_records - 1, size->decoded_size);
    }
    *reason = out ? run_for_records (header, transitions, &start, &stack)
                  : run_for_ends (header, transitions, &start, &stack);
    g_free (stack.open);
    return result_of (*reason);
}

/* ---- whole chunks ---- */

/* A chunk made ready for the walk. */
typedef struct {
    ArecTransposedBounds bounds;
    ArecTransposedHeader header;
    ArecTransposedValues values;
    ArecTransposedBlock transitions;
} Parts;

static void
parts_clear (Parts *parts)
{
    arec_transposed_header_clear (&parts->header);
    arec_scratch_give (parts->values.memory);
    g_free (parts->transitions.memory);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Parts, parts_clear)

static ArecDecodeResult
load (ArecBytes data, ArecValuesWanted wanted, Parts *parts, const char **reason)
{
    ArecTransposedHeader *header = &parts->header;
    ArecTransposedBounds *bounds = &parts->bounds;
    ArecDecodeResult result = arec_transposed_header_parse (data, bounds, header, reason);

    if (result == AREC_DECODE_OK) {
        result = arec_transposed_values_load (header, wanted, bounds, &parts->values, reason);
    }
    if (result != AREC_DECODE_OK) {
        return result;
    }
    result = arec_transposed_unpack (header->compression, header->rest, bounds->max_transitions,
                                     bounds, &parts->transitions, reason);
    if (result == AREC_DECODE_LIMIT) {
        *reason = "it has more transitions than the limit for so few bytes and records";
    }
    return result;
}

static ArecDecodeResult
decode (ArecBytes data, const ArecTransposedSize *size, const ArecDecodeLimits *limits,
        ArecValuesWanted wanted, uint8_t **values, ArecRecordEnds *ends, const char **reason)
{
    g_auto (Parts) parts = {
        .bounds = arec_transposed_bounds (size->num_records, size->decoded_size, limits)};
    g_autofree uint8_t *out = NULL;
    ArecDecodeResult result = load (data, wanted, &parts, reason);

    if (result != AREC_DECODE_OK) {
        return result;
    }
    if (values) {
        out = arec_heap_try_malloc (MAX (size->decoded_size, 1));
    }
    if ((values && !out) ||
        !arec_record_ends_init (ends, size->num_records, size->decoded_size)) {
        *reason = "no memory for the decoded chunk";
        return AREC_DECODE_NOMEM;
    }
    result = walk_all (&parts.header, parts.values.bytes, parts.transitions.bytes, size,
                       &parts.bounds, out, ends, reason);
    if (result == AREC_DECODE_OK && !arec_record_ends_finish (ends)) {
        *reason = "no memory for the record offsets";
        result = AREC_DECODE_NOMEM;
    }
    if (result != AREC_DECODE_OK) {
        arec_record_ends_clear (ends);
        return result;
    }
    if (values) {
        *values = g_steal_pointer (&out);
    }
    return AREC_DECODE_OK;
}

/* Steps over the buckets. */
static bool
skip_buckets (ArecTransposedHeader *header)
{
    for (uint32_t i = 0; i < header->n_buckets; i++) {
        uint64_t stored_size;
        const uint8_t *stored;

        if (!arec_bytes_take_varint (&header->bucket_sizes, &stored_size) ||
            !arec_bytes_take (&header->rest, stored_size, &stored)) {
            return false;
        }
    }
    return true;
}

/* Takes from the bounds what load () takes, without unpacking the values. */
static bool
charge (ArecBytes data, Parts *parts)
{
    ArecTransposedHeader *header = &parts->header;
    ArecTransposedBounds *bounds = &parts->bounds;
    const char *reason;

    if (arec_transposed_header_parse (data, bounds, header, &reason) != AREC_DECODE_OK ||
        !skip_buckets (header)) {
        return false;
    }
    if (header->compression != AREC_COMPRESSION_NONE &&
        (header->values_size > bounds->max_values ||
         !arec_transposed_charge (bounds, header->values_size, 1))) {
        return false;
    }
    return arec_transposed_unpack (header->compression, header->rest, bounds->max_transitions,
                                   bounds, &parts->transitions, &reason) == AREC_DECODE_OK;
}

bool
arec_transposed_is_within (ArecBytes data, const ArecTransposedSize *size,
                           const ArecDecodeLimits *limits)
{
    g_auto (Parts) parts = {
        .bounds = arec_transposed_bounds (size->num_records, size->decoded_size, limits)};
    uint64_t room = parts.bounds.memory;

    return (room > EXTRA_COST &&
            (room - EXTRA_COST) / COST_OF_BYTE >=
                arec_bytes_left (&data) + size->num_records + size->decoded_size) ||
           charge (data, &parts);
}

ArecDecodeResult
arec_transposed_decode (ArecBytes data, const ArecTransposedSize *size,
                        const ArecDecodeLimits *limits, uint8_t **values, ArecRecordEnds *ends,
                        const char **reason)
{
    return decode (data, size, limits, AREC_VALUES_ALL, values, ends, reason);
}

ArecDecodeResult
arec_transposed_decode_ends (ArecBytes data, const ArecTransposedSize *size,
                             const ArecDecodeLimits *limits, ArecRecordEnds *ends,
                             const char **reason)
{
    return decode (data, size, limits, AREC_VALUES_LENGTHS, NULL, ends, reason);
}
