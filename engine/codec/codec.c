#include "codec/codec.h"

#include <string.h>

#include "codec/decompressors.h"

const char arec_codec_no_memory[] = "no memory for the codec";
const char arec_codec_too_long[] = "more decompressed bytes than expected";

bool
arec_compression_is_known (uint8_t byte)
{
    return byte == AREC_COMPRESSION_NONE || byte == AREC_COMPRESSION_BROTLI ||
           byte == AREC_COMPRESSION_ZSTD || byte == AREC_COMPRESSION_SNAPPY;
}

static const char *
copy (const uint8_t *in, size_t in_size, uint8_t *out, size_t capacity, size_t *out_size)
{
    if (in_size > capacity) {
        return arec_codec_too_long;
    }
    if (in_size > 0) {
        memcpy (out, in, in_size);
    }
    *out_size = in_size;
    return NULL;
}

/* Copying is no phase of its own. */
ArecPhase
arec_compression_phase (ArecCompression compression)
{
    switch (compression) {
    case AREC_COMPRESSION_NONE: break;
    case AREC_COMPRESSION_BROTLI: return AREC_PHASE_DECODING_BROTLI;
    case AREC_COMPRESSION_ZSTD: return AREC_PHASE_DECODING_ZSTD;
    case AREC_COMPRESSION_SNAPPY: return AREC_PHASE_DECODING_SNAPPY;
    }
    return AREC_PHASE_DECODING;
}

static const char *
decompress (ArecCompression compression, const uint8_t *in, size_t in_size, uint8_t *out,
            size_t capacity, size_t *out_size)
{
    switch (compression) {
    case AREC_COMPRESSION_NONE: return copy (in, in_size, out, capacity, out_size);
    case AREC_COMPRESSION_BROTLI:
        return arec_brotli_decompress (in, in_size, out, capacity, out_size);
    case AREC_COMPRESSION_ZSTD:
        return arec_zstd_decompress (in, in_size, out, capacity, out_size);
    case AREC_COMPRESSION_SNAPPY:
        return arec_snappy_decompress (in, in_size, out, capacity, out_size);
    }
    return "unknown compression type";
}

const char *
arec_decompress (ArecCompression compression, const uint8_t *in, size_t in_size, uint8_t *out,
                 size_t capacity, size_t *out_size)
{
    ArecPhaseMark mark = arec_phases_enter_short (arec_compression_phase (compression));
    const char *reason = decompress (compression, in, in_size, out, capacity, out_size);

    arec_phases_leave (mark);
    return reason;
}

bool
arec_decompressed_size (ArecCompression compression, const uint8_t *in, size_t in_size,
                        uint64_t *out_size)
{
    switch (compression) {
    case AREC_COMPRESSION_NONE: *out_size = in_size; return true;
    case AREC_COMPRESSION_BROTLI: return false;
    case AREC_COMPRESSION_ZSTD: return arec_zstd_decompressed_size (in, in_size, out_size);
    case AREC_COMPRESSION_SNAPPY: return arec_snappy_decompressed_size (in, in_size, out_size);
    }
    return false;
}
