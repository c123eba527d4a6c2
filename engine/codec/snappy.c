#include "codec/decompressors.h"

#include <snappy-c.h>

#include "codec/codec.h"

const char *
arec_snappy_decompress (const uint8_t *in, size_t in_size, uint8_t *out, size_t capacity,
                        size_t *out_size)
{
    size_t length;

    if (snappy_uncompressed_length ((const char *)in, in_size, &length) != SNAPPY_OK) {
        return "invalid Snappy length";
    }
    if (length > capacity) {
        return arec_codec_too_long;
    }
    if (snappy_uncompress ((const char *)in, in_size, (char *)out, &length) != SNAPPY_OK) {
        return "invalid Snappy block";
    }
    *out_size = length;
    return NULL;
}

bool
arec_snappy_decompressed_size (const uint8_t *in, size_t in_size, uint64_t *out_size)
{
    size_t length;

    if (snappy_uncompressed_length ((const char *)in, in_size, &length) != SNAPPY_OK) {
        return false;
    }
    *out_size = length;
    return true;
}
