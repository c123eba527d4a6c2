#include "base/bytes.h"

bool
arec_bytes_take_varint_slow (ArecBytes *bytes, uint64_t *out)
{
    size_t left = arec_bytes_left (bytes);
    size_t most = MIN (left, AREC_MAX_VARINT);
    uint64_t value = 0;

    for (size_t i = 0; i < most; i++) {
        uint8_t byte = bytes->at[i];

        /* The tenth byte carries bit 63 alone. */
        if (i == AREC_MAX_VARINT - 1 && byte > 1) {
            return false;
        }
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            bytes->at += i + 1;
            *out = value;
            return true;
        }
    }
    return false;
}
