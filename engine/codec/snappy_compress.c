#include "codec/compressors.h"

#include <snappy-c.h>

size_t
arec_snappy_compress_bound (size_t size)
{
    return snappy_max_compressed_length (size);
}

/* A table of 2 bytes for each of at most 2^14 hashes, and copies of a block of 64 KiB and of
 * what is made of it. */
size_t
arec_snappy_compress_memory (size_t size)
{
    return size == 0 ? 0 : (size_t)256 * 1024;
}

/* Levels differ only in effort, and the library of this system knows one. */
const char *
arec_snappy_compress (const uint8_t *in, size_t in_size, uint8_t *out, size_t capacity,
                      size_t *out_size)
{
    size_t made = capacity;

    /* The length in front of a block has 32 bits. */
    if (in_size > UINT32_MAX) {
        return arec_codec_too_large;
    }
    if (snappy_compress ((const char *)in, in_size, (char *)out, &made) != SNAPPY_OK) {
        return arec_codec_no_room;
    }
    *out_size = made;
    return NULL;
}
