#include "base/bytes.h"

const uint8_t *
arec_varint_parse (const uint8_t *at, const uint8_t *end, uint64_t *out)
{
    size_t most = MIN ((size_t)(end - at), AREC_MAX_VARINT);
    uint64_t value = 0;

    for (size_t i = 0; i < most; i++) {
        uint8_t byte = at[i];

        /* The tenth byte carries bit 63 alone. */
        if (i == AREC_MAX_VARINT - 1 && byte > 1) {
            return NULL;
        }
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *out = value;
            return at + i + 1;
        }
    }
    return NULL;
}
