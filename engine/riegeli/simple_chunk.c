#include "riegeli/simple_chunk.h"

#include "base/bytes.h"

ArecDecodeResult
arec_simple_parse_front (const uint8_t *data, size_t size, uint64_t data_size,
                         ArecSimpleFront *front, const char **reason)
{
    ArecBytes bytes = arec_bytes (data, size);
    uint8_t compression;
    uint64_t sizes_size;

    if (!arec_bytes_take_u8 (&bytes, &compression)) {
        *reason = "no compression type";
        return AREC_DECODE_CORRUPT;
    }
    if (!arec_bytes_take_varint (&bytes, &sizes_size)) {
        *reason = "no length of the size list";
        return AREC_DECODE_CORRUPT;
    }
    front->sizes_begin = (size_t)(bytes.at - data);
    if (sizes_size > data_size - front->sizes_begin) {
        *reason = "the size list is longer than the chunk";
        return AREC_DECODE_CORRUPT;
    }
    if (!arec_compression_is_known (compression)) {
        *reason = "unknown compression type";
        return AREC_DECODE_UNSUPPORTED;
    }
    front->compression = (ArecCompression)compression;
    front->sizes_size = (size_t)sizes_size;
    return AREC_DECODE_OK;
}

/* Steps over the decompressed size in front of a stream. It is only a hint, and never trusted.
 */
static bool
skip_size_prefix (ArecCompression compression, ArecBytes *bytes)
{
    uint64_t ignored;

    return compression == AREC_COMPRESSION_NONE || arec_bytes_take_varint (bytes, &ignored);
}

static const char *
parse_sizes (ArecBytes bytes, uint64_t num_records, uint64_t decoded_size, ArecRecordEnds *ends)
{
    uint64_t end = 0;

    for (uint64_t i = 0; i < num_records; i++) {
        uint64_t size;

        if (!arec_bytes_take_varint (&bytes, &size)) {
            return "the size list ends before the last record";
        }
        if (size > decoded_size - end) {
            return "record sizes add up to more than the decoded size";
        }
        end += size;
        arec_record_ends_set (ends, i, end);
    }
    if (arec_bytes_left (&bytes) > 0) {
        return "bytes left over after the size list";
    }
    if (end != decoded_size) {
        return "record sizes add up to less than the decoded size";
    }
    return NULL;
}

ArecDecodeResult
arec_simple_decode_sizes (const ArecSimpleFront *front, const uint8_t *sizes,
                          uint64_t num_records, uint64_t decoded_size, ArecRecordEnds *ends,
                          const char **reason)
{
    ArecBytes bytes = arec_bytes (sizes, front->sizes_size);
    g_autofree uint8_t *plain = NULL;

    if (!skip_size_prefix (front->compression, &bytes)) {
        *reason = "no decompressed size in front of the size list";
        return AREC_DECODE_CORRUPT;
    }
    if (front->compression != AREC_COMPRESSION_NONE) {
        /* Overlong varints are legal, so this is the bound; records are bounded by the file's
         * size. */
        size_t capacity = AREC_MAX_VARINT * (size_t)num_records;
        size_t size;

        plain = g_try_malloc (MAX (capacity, 1));
        if (!plain) {
            *reason = "no memory for the size list";
            return AREC_DECODE_NOMEM;
        }
        *reason = arec_decompress (front->compression, bytes.at, arec_bytes_left (&bytes),
                                   plain, capacity, &size);
        if (*reason) {
            return *reason == arec_codec_no_memory ? AREC_DECODE_NOMEM : AREC_DECODE_CORRUPT;
        }
        bytes = arec_bytes (plain, size);
    }
    if (!arec_record_ends_init (ends, num_records, decoded_size)) {
        *reason = "no memory for the record offsets";
        return AREC_DECODE_NOMEM;
    }
    *reason = parse_sizes (bytes, num_records, decoded_size, ends);
    if (*reason) {
        arec_record_ends_clear (ends);
        return AREC_DECODE_CORRUPT;
    }
    return AREC_DECODE_OK;
}
