#include "base/wire.h"

/* Groups that an unknown field may nest, with the messages around it. */
#define MAX_DEPTH 100

#define TYPE_END_GROUP 4

/* A value of at most @most bytes; bits that do not fit 64 are dropped. */
static bool
take_value (ArecBytes *in, unsigned most, uint64_t *out)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < most; i++) {
        uint8_t byte;

        if (!arec_bytes_take_u8 (in, &byte)) {
            return false;
        }
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *out = value;
            return true;
        }
    }
    return false;
}

static bool
take_tag (ArecBytes *in, uint32_t *number, unsigned *type)
{
    uint64_t tag;

    if (!take_value (in, 5, &tag)) {
        return false;
    }
    *number = (uint32_t)tag >> 3;
    *type = tag & 7;
    return *number != 0;
}

static bool skip_group (ArecBytes *in, uint32_t number, unsigned depth);

static bool
take_field (ArecBytes *in, uint32_t number, unsigned type, unsigned depth, ArecWireField *field)
{
    const uint8_t *begin;
    uint64_t length;

    switch (type) {
    case AREC_WIRE_VARINT: return take_value (in, 10, &field->value);
    case AREC_WIRE_FIXED64: return arec_bytes_take (in, 8, &begin);
    case AREC_WIRE_FIXED32: return arec_bytes_take (in, 4, &begin);
    case AREC_WIRE_BYTES:
        if (!take_value (in, 5, &length) || length > INT32_MAX ||
            !arec_bytes_take (in, length, &begin)) {
            return false;
        }
        field->bytes = arec_bytes (begin, length);
        return true;
    case AREC_WIRE_GROUP: return skip_group (in, number, depth + 1);
    default: return false;
    }
}

static bool
skip_group (ArecBytes *in, uint32_t number, unsigned depth)
{
    ArecWireField ignored;

    if (depth > MAX_DEPTH) {
        return false;
    }
    for (;;) {
        uint32_t inner;
        unsigned type;

        if (!take_tag (in, &inner, &type)) {
            return false;
        }
        if (type == TYPE_END_GROUP) {
            return inner == number;
        }
        if (!take_field (in, inner, type, depth, &ignored)) {
            return false;
        }
    }
}

bool
arec_wire_next (ArecBytes *message, unsigned depth, ArecWireField *field, bool *valid)
{
    unsigned type;

    *valid = true;
    if (arec_bytes_left (message) == 0) {
        return false;
    }
    if (!take_tag (message, &field->number, &type)) {
        *valid = false;
        return false;
    }
    field->type = (ArecWireType)type;
    *valid = take_field (message, field->number, type, depth, field);
    return *valid;
}
