#include "riegeli/simple_chunk.h"

#include "base/bytes.h"
#include "base/scratch.h"

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

static const char *
parse_sizes (ArecBytes bytes, uint64_t decoded_size, ArecRecordEnds *ends)
{
    uint64_t end = 0;

    for (uint64_t i = 0; i < ends->n; i++) {
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

/* Decompresses @stream and parses what comes out. */
static const char *
parse_compressed_sizes (ArecCompression compression, ArecBytes stream, uint64_t decoded_size,
                        ArecRecordEnds *ends)
{
    /* Overlong varints are legal, so this is the bound; records are bounded by the file's size.
     */
    size_t capacity = AREC_MAX_VARINT * (size_t)ends->n;
    size_t size = 0;
    uint64_t hint; /* how many come out, never trusted */
    uint8_t *plain;
    const char *reason;

    if (!arec_bytes_take_varint (&stream, &hint)) {
        return "no decompressed size in front of the size list";
    }
    plain = arec_scratch_take (MAX (capacity, 1));
    if (!plain) {
        return arec_codec_no_memory;
    }
    reason = arec_decompress (compression, stream.at, arec_bytes_left (&stream), plain,
                              capacity, &size);
    if (!reason) {
        reason = parse_sizes (arec_bytes (plain, size), decoded_size, ends);
    }
    arec_scratch_give (plain);
    return reason;
}

ArecDecodeResult
arec_simple_fill_sizes (const ArecSimpleFront *front, const uint8_t *sizes,
                        uint64_t decoded_size, ArecRecordEnds *ends, const char **reason)
{
    ArecBytes bytes = arec_bytes (sizes, front->sizes_size);

    *reason = front->compression == AREC_COMPRESSION_NONE
                  ? parse_sizes (bytes, decoded_size, ends)
                  : parse_compressed_sizes (front->compression, bytes, decoded_size, ends);
    return !*reason                          ? AREC_DECODE_OK
           : *reason == arec_codec_no_memory ? AREC_DECODE_NOMEM
                                             : AREC_DECODE_CORRUPT;
}

ArecDecodeResult
arec_simple_decode_sizes (const ArecSimpleFront *front, const uint8_t *sizes,
                          uint64_t num_records, uint64_t decoded_size, ArecRecordEnds *ends,
                          const char **reason)
{
    ArecDecodeResult result;

    if (!arec_record_ends_init (ends, num_records, decoded_size)) {
        *reason = "no memory for the record offsets";
        return AREC_DECODE_NOMEM;
    }
    result = arec_simple_fill_sizes (front, sizes, decoded_size, ends, reason);
    if (result != AREC_DECODE_OK) {
        arec_record_ends_clear (ends);
    }
    return result;
}
