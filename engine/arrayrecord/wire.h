/* Fields of a protobuf message, by the rules of the reference's parser (spec/container 1.2).
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

/* The next field of @message. false at its end, with *valid telling whether it was sound to the
 * end. Other types than VARINT and BYTES are stepped over and given without a value. */
bool arec_wire_next (ArecBytes *message, ArecWireField *field, bool *valid);

/* The same for a message that lies @depth messages deep in another: groups in it may nest that
 * much less. */
bool arec_wire_next_inner (ArecBytes *message, unsigned depth, ArecWireField *field,
                           bool *valid);
