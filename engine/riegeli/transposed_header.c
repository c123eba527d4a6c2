#include "riegeli/transposed_header.h"

#include <string.h>

#include "base/checked.h"
#include "riegeli/transposed_kinds.h"

static ArecDecodeResult
corrupt (const char **reason, const char *what)
{
    *reason = what;
    return AREC_DECODE_CORRUPT;
}

/* ---- counts and lengths ---- */

/* A table of @n entries of @size bytes, within the memory allowed. */
static ArecDecodeResult
make_table (uint64_t n, size_t size, ArecTransposedBounds *bounds, void **table,
            const char **reason)
{
    if (!arec_transposed_charge (bounds, n, size)) {
        *reason = "its states and buffers take more memory than the limit allows";
        return AREC_DECODE_LIMIT;
    }
    *table = g_try_malloc0_n (MAX (n, 1), size);
    if (!*table) {
        *reason = "no memory for its states and buffers";
        return AREC_DECODE_NOMEM;
    }
    return AREC_DECODE_OK;
}

/* The stored lengths of the buckets stay where they are, to be taken one by one with the
 * buckets. */
static bool
skip_bucket_sizes (ArecBytes *bytes, ArecTransposedHeader *header)
{
    const uint8_t *begin = bytes->at;
    uint64_t ignored;

    for (uint32_t i = 0; i < header->n_buckets; i++) {
        if (!arec_bytes_take_varint (bytes, &ignored)) {
            return false;
        }
    }
    header->bucket_sizes = arec_bytes (begin, (size_t)(bytes->at - begin));
    return true;
}

static const char *
parse_buffer_sizes (ArecBytes *bytes, ArecTransposedHeader *header)
{
    for (uint32_t i = 0; i < header->n_buffers; i++) {
        uint64_t size;

        if (!arec_bytes_take_varint (bytes, &size)) {
            return "the header ends before the last length of a buffer";
        }
        if (!arec_add_u64 (header->values_size, size, &header->values_size)) {
            return "lengths of buffers add up to more than 2^64";
        }
        header->buffers[i].end = (size_t)size;
    }
    return NULL;
}

static ArecDecodeResult
parse_buffers (ArecBytes *bytes, ArecTransposedBounds *bounds, ArecTransposedHeader *header,
               const char **reason)
{
    ArecDecodeResult result;
    const char *fault;

    if (!arec_bytes_take_varint32 (bytes, &header->n_buckets) ||
        !arec_bytes_take_varint32 (bytes, &header->n_buffers)) {
        return corrupt (reason, "no numbers of buckets and buffers");
    }
    /* Each has a length of at least one byte. */
    if ((uint64_t)header->n_buckets + header->n_buffers > arec_bytes_left (bytes)) {
        return corrupt (reason, "more buckets and buffers than the header has bytes");
    }
    if (!skip_bucket_sizes (bytes, header)) {
        return corrupt (reason, "the header ends before the last length of a bucket");
    }
    result = make_table (header->n_buffers, sizeof *header->buffers, bounds,
                         (void **)&header->buffers, reason);
    if (result != AREC_DECODE_OK) {
        return result;
    }
    fault = parse_buffer_sizes (bytes, header);
    return fault ? corrupt (reason, fault) : AREC_DECODE_OK;
}

/* ---- states ---- */

static bool
has_subtype (uint32_t tag)
{
    return tag >= AREC_LEAST_TAG && (tag & 7) == AREC_TAG_VARINT;
}

static bool
take_tags (ArecBytes *bytes, ArecTransposedHeader *header, uint64_t *n_subtypes)
{
    *n_subtypes = 0;
    for (uint32_t i = 0; i < header->n_states; i++) {
        if (!arec_bytes_take_varint32 (bytes, &header->states[i].parsing)) {
            return false;
        }
        *n_subtypes += has_subtype (header->states[i].parsing);
    }
    return true;
}

static bool
take_bases (ArecBytes *bytes, ArecTransposedHeader *header)
{
    for (uint32_t i = 0; i < header->n_states; i++) {
        ArecTransposedState *state = &header->states[i];

        if (!arec_bytes_take_varint32 (bytes, &state->base)) {
            return false;
        }
        state->is_implicit = state->base >= header->n_states;
        if (state->is_implicit) {
            state->base -= header->n_states;
        }
        if (state->base >= header->n_states) {
            return false;
        }
    }
    return true;
}

/* Puts @tag, and @value after it unless that is negative, at the end of state->tag. */
static void
set_tag (ArecTransposedState *state, uint32_t tag, int value)
{
    uint8_t bytes[AREC_MAX_VARINT32 + 1];
    uint8_t size = 0;

    for (; tag >= 0x80; tag >>= 7) {
        bytes[size++] = (uint8_t)(tag | 0x80);
    }
    bytes[size++] = (uint8_t)tag;
    if (value >= 0) {
        bytes[size++] = (uint8_t)value;
    }
    memcpy (state->tag + sizeof state->tag - size, bytes, size);
    state->tag_size = size;
}

static const char *
take_buffer (ArecBytes *bytes, ArecTransposedHeader *header, ArecTransposedState *state)
{
    if (!arec_bytes_take_varint32 (bytes, &state->buffer)) {
        return "the header ends before the last index of a buffer";
    }
    return state->buffer < header->n_buffers ? NULL
                                             : "a state takes from a buffer that is none";
}

static const char *
make_value (ArecBytes *bytes, ArecTransposedHeader *header, ArecTransposedState *state,
            ArecStateKind kind, uint8_t value_size)
{
    const char *fault = take_buffer (bytes, header, state);

    state->kind = (uint8_t)kind;
    state->value_size = value_size;
    if (!fault && kind == AREC_STATE_STRING) {
        header->buffers[state->buffer].has_lengths = true;
    }
    return fault;
}

static const char *
make_varint (ArecBytes *bytes, ArecTransposedHeader *header, ArecTransposedState *state,
             uint32_t tag, uint8_t subtype)
{
    if (subtype > AREC_SUBTYPE_INLINE_MAX) {
        return "a varint of no valid kind";
    }
    if (subtype >= AREC_SUBTYPE_INLINE_0) {
        set_tag (state, tag, subtype - AREC_SUBTYPE_INLINE_0);
        state->kind = AREC_STATE_CONSTANT;
        return NULL;
    }
    set_tag (state, tag, -1);
    return make_value (bytes, header, state, AREC_STATE_VARINT, (uint8_t)(subtype + 1));
}

/* A state of a field. @subtypes has one left for each varint. */
static const char *
make_field (ArecBytes *bytes, ArecBytes *subtypes, ArecTransposedHeader *header,
            ArecTransposedState *state)
{
    uint32_t tag = state->parsing, wire_type = tag & 7;
    uint8_t subtype = 0;

    if (wire_type == AREC_TAG_SUBMESSAGE_END) {
        tag -= AREC_TAG_SUBMESSAGE_END - AREC_TAG_BYTES;
    }
    if (tag < AREC_LEAST_TAG) {
        return "an invalid tag";
    }
    if (wire_type == AREC_TAG_VARINT) {
        arec_bytes_take_u8 (subtypes, &subtype);
        return make_varint (bytes, header, state, tag, subtype);
    }
    set_tag (state, tag, -1);
    switch (wire_type) {
    case AREC_TAG_FIXED64: return make_value (bytes, header, state, AREC_STATE_FIXED, 8);
    case AREC_TAG_FIXED32: return make_value (bytes, header, state, AREC_STATE_FIXED, 4);
    case AREC_TAG_BYTES: return make_value (bytes, header, state, AREC_STATE_STRING, 0);
    case AREC_TAG_SUBMESSAGE_END: state->kind = AREC_STATE_SUBMESSAGE_END; return NULL;
    case AREC_TAG_GROUP_START:
    case AREC_TAG_GROUP_END: state->kind = AREC_STATE_CONSTANT; return NULL;
    default: return "an invalid tag";
    }
}

static const char *
make_raw_record (ArecBytes *bytes, ArecTransposedHeader *header, ArecTransposedState *state)
{
    const char *fault = make_value (bytes, header, state, AREC_STATE_RAW_RECORD, 0);

    if (!fault) {
        header->buffers[header->lengths_buffer].has_lengths = true;
    }
    return fault;
}

static const char *
make_state (ArecBytes *bytes, ArecBytes *subtypes, ArecTransposedHeader *header,
            ArecTransposedState *state)
{
    switch (state->parsing) {
    case AREC_STATE_ID_NOOP: state->kind = AREC_STATE_NOOP; return NULL;
    case AREC_STATE_ID_RAW_RECORD: return make_raw_record (bytes, header, state);
    case AREC_STATE_ID_SUBMESSAGE_START: state->kind = AREC_STATE_SUBMESSAGE_START; return NULL;
    case AREC_STATE_ID_RECORD_START: state->kind = AREC_STATE_RECORD_START; return NULL;
    default: return make_field (bytes, subtypes, header, state);
    }
}

static const char *
make_states (ArecBytes *bytes, ArecBytes subtypes, ArecTransposedHeader *header)
{
    /* By convention the last one; a state with a raw record needs a buffer, so there is one. */
    header->lengths_buffer = MAX (header->n_buffers, 1) - 1;
    for (uint32_t i = 0; i < header->n_states; i++) {
        const char *fault = make_state (bytes, &subtypes, header, &header->states[i]);

        if (fault) {
            return fault;
        }
    }
    return NULL;
}

static ArecDecodeResult
parse_states (ArecBytes *bytes, ArecTransposedBounds *bounds, ArecTransposedHeader *header,
              const char **reason)
{
    uint64_t n_subtypes;
    const uint8_t *subtypes;
    ArecDecodeResult result;
    const char *fault;

    if (!arec_bytes_take_varint32 (bytes, &header->n_states)) {
        return corrupt (reason, "no number of states");
    }
    /* Each has a tag and a base of at least one byte. */
    if (UINT64_C (2) * header->n_states > arec_bytes_left (bytes)) {
        return corrupt (reason, "more states than the header has bytes");
    }
    result = make_table (header->n_states, sizeof *header->states, bounds,
                         (void **)&header->states, reason);
    if (result != AREC_DECODE_OK) {
        return result;
    }
    if (!take_tags (bytes, header, &n_subtypes)) {
        return corrupt (reason, "the header ends before the last tag");
    }
    if (!take_bases (bytes, header)) {
        return corrupt (reason, "a state leads to one that is none");
    }
    if (!arec_bytes_take (bytes, n_subtypes, &subtypes)) {
        return corrupt (reason, "the header ends before the last kind of a varint");
    }
    fault = make_states (bytes, arec_bytes (subtypes, n_subtypes), header);
    if (fault) {
        return corrupt (reason, fault);
    }
    if (!arec_bytes_take_varint32 (bytes, &header->first) ||
        header->first >= header->n_states) {
        return corrupt (reason, "the first state is none");
    }
    return AREC_DECODE_OK;
}

/* ---- implicit states ---- */

/* Whether some implicit states follow each other in a circle, reachable or not. Each start
 * marks its path with a colour of its own: meeting that is a circle, meeting another one is
 * not. */
static bool
has_implicit_cycle (ArecTransposedHeader *header)
{
    for (uint32_t i = 0; i < header->n_states; i++) {
        header->states[i].parsing = 0;
    }
    for (uint32_t i = 0; i < header->n_states; i++) {
        ArecTransposedState *state = &header->states[i];

        for (; state->is_implicit && state->parsing == 0;
             state = &header->states[state->base]) {
            state->parsing = i + 1;
        }
        if (state->is_implicit && state->parsing == i + 1) {
            return true;
        }
    }
    return false;
}

static bool
is_implicit_noop (const ArecTransposedState *state)
{
    return state->is_implicit && state->kind == AREC_STATE_NOOP;
}

/* Lets every implicit NOOP lead where its chain of such ends, so that no walk follows the chain
 * for each transition (FORMAT.md 10). All of a chain are changed when its first one is
 * met, so the time is linear. There is no cycle. */
static void
shorten_noops (ArecTransposedHeader *header)
{
    for (uint32_t i = 0; i < header->n_states; i++) {
        ArecTransposedState *state = &header->states[i];
        uint32_t end = i;

        while (is_implicit_noop (&header->states[end])) {
            end = header->states[end].base;
        }
        while (is_implicit_noop (state) && state->base != end) {
            ArecTransposedState *next = &header->states[state->base];

            state->base = end;
            state = next;
        }
    }
}

/* ---- all ---- */

static ArecDecodeResult
parse_plain (ArecBytes bytes, ArecTransposedBounds *bounds, ArecTransposedHeader *header,
             const char **reason)
{
    ArecDecodeResult result = parse_buffers (&bytes, bounds, header, reason);

    if (result == AREC_DECODE_OK) {
        result = parse_states (&bytes, bounds, header, reason);
    }
    if (result != AREC_DECODE_OK) {
        return result;
    }
    if (arec_bytes_left (&bytes) > 0) {
        return corrupt (reason, "bytes left over after the header");
    }
    if (has_implicit_cycle (header)) {
        return corrupt (reason, "states follow each other in a circle");
    }
    shorten_noops (header);
    return AREC_DECODE_OK;
}

static ArecDecodeResult
unpack (ArecBytes data, ArecTransposedBounds *bounds, ArecTransposedHeader *header,
        const char **reason)
{
    ArecDecodeResult result;
    uint8_t compression;
    uint64_t size;
    const uint8_t *stored;

    if (!arec_bytes_take_u8 (&data, &compression)) {
        return corrupt (reason, "no compression type");
    }
    if (!arec_bytes_take_varint (&data, &size) || !arec_bytes_take (&data, size, &stored)) {
        return corrupt (reason, "the header is longer than the chunk");
    }
    if (!arec_compression_is_known (compression)) {
        *reason = "unknown compression type";
        return AREC_DECODE_UNSUPPORTED;
    }
    header->compression = (ArecCompression)compression;
    header->rest = data;
    result = arec_transposed_unpack (header->compression, arec_bytes (stored, size),
                                     bounds->max_header, bounds, &header->plain, reason);
    if (result == AREC_DECODE_LIMIT) {
        *reason = "its header is longer than the limit for so few bytes and records";
    }
    return result;
}

ArecDecodeResult
arec_transposed_header_parse (ArecBytes data, ArecTransposedBounds *bounds,
                              ArecTransposedHeader *header, const char **reason)
{
    ArecDecodeResult result;

    *header = (ArecTransposedHeader){0};
    result = unpack (data, bounds, header, reason);
    if (result == AREC_DECODE_OK) {
        result = parse_plain (header->plain.bytes, bounds, header, reason);
    }
    if (result != AREC_DECODE_OK) {
        arec_transposed_header_clear (header);
    }
    return result;
}

void
arec_transposed_header_clear (ArecTransposedHeader *header)
{
    g_free (header->buffers);
    g_free (header->states);
    g_free (header->plain.memory);
    *header = (ArecTransposedHeader){0};
}
