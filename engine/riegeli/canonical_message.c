#include "riegeli/canonical_message.h"

#include <stdbool.h>

#include "base/array.h"
#include "riegeli/transposed_kinds.h"

/* The last byte of the longest varint has few bits left: 4 of 32, 1 of 64. */
#define MAX_LAST_OF_32 0x0f
#define MAX_LAST_OF_64 0x01

/* Steps over a varint of at most @most bytes in its shortest form. */
static inline bool
skip_varint (ArecBytes *bytes, size_t most, uint8_t max_last)
{
    const uint8_t *at = bytes->at;
    size_t left = arec_bytes_left (bytes);

    for (size_t i = 0; i < MIN (most, left); i++) {
        if (at[i] < 0x80) {
            bytes->at = at + i + 1;
            return i == 0 || (at[i] != 0 && (i < most - 1 || at[i] <= max_last));
        }
    }
    return false;
}

static inline bool
take_varint32 (ArecBytes *bytes, uint32_t *value)
{
    const uint8_t *begin = bytes->at;

    if (begin < bytes->end && *begin < 0x80) {
        *value = *bytes->at++;
        return true;
    }
    if (!skip_varint (bytes, AREC_MAX_VARINT32, MAX_LAST_OF_32)) {
        return false;
    }
    *value = 0;
    for (unsigned i = 0; begin + i < bytes->at; i++) {
        *value |= (uint32_t)(begin[i] & 0x7f) << (7 * i);
    }
    return true;
}

static inline bool
skip_bytes (ArecBytes *bytes, uint32_t n)
{
    const uint8_t *begin;

    return arec_bytes_take (bytes, n, &begin);
}

static inline bool
skip_string (ArecBytes *bytes)
{
    uint32_t length;

    return take_varint32 (bytes, &length) && skip_bytes (bytes, length);
}

/* The value of a field that is neither end of a group. */
static inline bool
skip_value (ArecBytes *bytes, uint32_t tag)
{
    switch (tag & 7) {
    case AREC_TAG_VARINT: return skip_varint (bytes, AREC_MAX_VARINT, MAX_LAST_OF_64);
    case AREC_TAG_FIXED64: return skip_bytes (bytes, 8);
    case AREC_TAG_BYTES: return skip_string (bytes);
    case AREC_TAG_FIXED32: return skip_bytes (bytes, 4);
    default: return false;
    }
}

ArecCanonical
arec_canonical_message_test (ArecBytes bytes, ArecOpenGroups *groups)
{
    size_t n_open = 0;
    uint32_t tag;

    while (bytes.at < bytes.end) {
        if (!take_varint32 (&bytes, &tag) || tag < AREC_LEAST_TAG) {
            return AREC_CANONICAL_NO;
        }
        if ((tag & 7) == AREC_TAG_GROUP_START) {
            if (!arec_array_reserve (&groups->numbers, &groups->capacity, n_open + 1,
                                     sizeof *groups->numbers)) {
                return AREC_CANONICAL_NOMEM;
            }
            groups->numbers[n_open++] = tag >> 3;
        } else if ((tag & 7) == AREC_TAG_GROUP_END) {
            if (n_open == 0 || groups->numbers[--n_open] != tag >> 3) {
                return AREC_CANONICAL_NO;
            }
        } else if (!skip_value (&bytes, tag)) {
            return AREC_CANONICAL_NO;
        }
    }
    return n_open == 0 ? AREC_CANONICAL_YES : AREC_CANONICAL_NO;
}

void
arec_open_groups_clear (ArecOpenGroups *groups)
{
    g_free (groups->numbers);
    *groups = (ArecOpenGroups){0};
}
