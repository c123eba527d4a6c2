/* Fields of a protobuf message, by the rules of the reference's parser (FORMAT.md 8).
 *
 * One thread at a time over one cursor; no allocation.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

typedef enum {
    AREC_WIRE_VARINT = 0,
    AREC_WIRE_FIXED64 = 1,
    AREC_WIRE_BYTES = 2,
    AREC_WIRE_GROUP = 3,
    AREC_WIRE_FIXED32 = 5,
} ArecWireType;

typedef struct {
    uint32_t number;
    ArecWireType type;
    uint64_t value;  /* of a VARINT */
    ArecBytes bytes; /* of BYTES */
} ArecWireField;

/* The next field of @message. false at its end; then *valid says whether it was sound to the
 * end. Types other than VARINT and BYTES are skipped and given without a value.
 * @depth  messages around this one, which count with the groups that an unknown field nests: at
 * most 100 in all. */
bool arec_wire_next (ArecBytes *message, unsigned depth, ArecWireField *field, bool *valid);
