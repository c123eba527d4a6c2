#include "riegeli/transposed_values.h"

#include "base/scratch.h"

/* Where the loading of buckets stands. */
typedef struct {
    ArecTransposedHeader *header;
    ArecValuesWanted wanted;
    uint8_t *memory; /* for all plain bytes; NULL if buckets are used where they are stored */
    size_t at;       /* plain bytes so far */
    uint32_t buffer; /* the next one to place */
    const char **reason;
} Loading;

static ArecDecodeResult
corrupt (Loading *loading, const char *what)
{
    *loading->reason = what;
    return AREC_DECODE_CORRUPT;
}

/* Places the next buffer at *at, in a bucket that ends at @end; moves *at past it. */
static bool
place_buffer (Loading *loading, size_t *at, size_t end)
{
    ArecTransposedBuffer *buffer;
    size_t size;

    if (loading->buffer == loading->header->n_buffers) {
        return false;
    }
    buffer = &loading->header->buffers[loading->buffer];
    size = buffer->end;
    if (size > end - *at) {
        return false;
    }
    buffer->at = *at;
    buffer->end = *at + size;
    *at = buffer->end;
    loading->buffer++;
    return true;
}

/* Places the buffers of the bucket number @bucket, which ends at @end. It must be filled
 * exactly. A bucket is left when it is full, but not before a first buffer was placed in the
 * first one; empty buffers at the border belong to the next bucket. */
static bool
place_buffers (Loading *loading, uint32_t bucket, size_t end)
{
    bool is_last = bucket == loading->header->n_buckets - 1;
    size_t at = loading->at;

    if (bucket == 0 && at == end && !is_last && !place_buffer (loading, &at, end)) {
        return false;
    }
    while (at < end || (is_last && loading->buffer < loading->header->n_buffers)) {
        if (!place_buffer (loading, &at, end)) {
            return false;
        }
    }
    return true;
}

static bool
any_has_lengths (const ArecTransposedHeader *header, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i++) {
        if (header->buffers[i].has_lengths) {
            return true;
        }
    }
    return false;
}

/* Unpacks a bucket's stream to where it belongs. */
static ArecDecodeResult
unpack (Loading *loading, ArecBytes stream, size_t *size)
{
    const char *fault = arec_decompress (
        loading->header->compression, stream.at, arec_bytes_left (&stream),
        loading->memory + loading->at, loading->header->values_size - loading->at, size);

    if (!fault) {
        return AREC_DECODE_OK;
    }
    *loading->reason =
        fault == arec_codec_too_long ? "a bucket is longer than its buffers" : fault;
    return fault == arec_codec_no_memory ? AREC_DECODE_NOMEM : AREC_DECODE_CORRUPT;
}

/* Finds the plain size of the bucket in @stream: by unpacking it, unless there is another way
 * and nobody may want it. */
static ArecDecodeResult
measure (Loading *loading, ArecBytes stream, size_t *size, bool *is_unpacked)
{
    bool may_stay = !loading->memory || loading->wanted == AREC_VALUES_LENGTHS;
    uint64_t told;

    *is_unpacked =
        !may_stay || !arec_decompressed_size (loading->header->compression, stream.at,
                                              arec_bytes_left (&stream), &told);
    if (*is_unpacked) {
        return unpack (loading, stream, size);
    }
    if (told > loading->header->values_size - loading->at) {
        return corrupt (loading, "a bucket is longer than its buffers");
    }
    *size = (size_t)told;
    return AREC_DECODE_OK;
}

/* Unpacks a bucket that was only measured. */
static ArecDecodeResult
unpack_measured (Loading *loading, ArecBytes stream, size_t size)
{
    size_t unpacked_size;
    ArecDecodeResult result = unpack (loading, stream, &unpacked_size);

    if (result == AREC_DECODE_OK && unpacked_size != size) {
        return corrupt (loading, "a bucket is not as long as it says");
    }
    return result;
}

static ArecDecodeResult
load_bucket (Loading *loading, uint32_t bucket, ArecBytes stream)
{
    uint32_t first = loading->buffer;
    ArecDecodeResult result;
    uint64_t hint;
    size_t size;
    bool is_unpacked;

    if (!arec_transposed_take_hint (loading->header->compression, &stream, &hint)) {
        return corrupt (loading, "no decompressed size in front of a bucket");
    }
    result = measure (loading, stream, &size, &is_unpacked);
    if (result != AREC_DECODE_OK) {
        return result;
    }
    if (!place_buffers (loading, bucket, loading->at + size)) {
        return corrupt (loading, "buffers do not fill the buckets exactly");
    }
    if (!is_unpacked && loading->memory &&
        any_has_lengths (loading->header, first, loading->buffer)) {
        result = unpack_measured (loading, stream, size);
    }
    loading->at += size;
    return result;
}

static ArecDecodeResult
load_buckets (Loading *loading)
{
    ArecTransposedHeader *header = loading->header;

    for (uint32_t i = 0; i < header->n_buckets; i++) {
        ArecDecodeResult result;
        uint64_t stored_size;
        const uint8_t *stored;

        if (!arec_bytes_take_varint (&header->bucket_sizes, &stored_size) ||
            !arec_bytes_take (&header->rest, stored_size, &stored)) {
            return corrupt (loading, "buckets are longer than the chunk");
        }
        result = load_bucket (loading, i, arec_bytes (stored, stored_size));
        if (result != AREC_DECODE_OK) {
            return result;
        }
    }
    /* With a bucket all buffers are placed now. */
    return loading->buffer == header->n_buffers
               ? AREC_DECODE_OK
               : corrupt (loading, "there are buffers and no buckets");
}

/* Room for the plain bytes of all buckets, if they are not plain as they are stored. */
static ArecDecodeResult
make_room (const ArecTransposedHeader *header, ArecTransposedBounds *bounds, uint8_t **memory,
           const char **reason)
{
    if (header->compression == AREC_COMPRESSION_NONE) {
        return AREC_DECODE_OK;
    }
    if (header->values_size > bounds->max_values) {
        *reason = "its values are longer than the limit for so few bytes and records";
        return AREC_DECODE_LIMIT;
    }
    if (!arec_transposed_charge (bounds, header->values_size, 1)) {
        *reason = "its values take more memory than the limit allows";
        return AREC_DECODE_LIMIT;
    }
    *memory = arec_scratch_take ((size_t)header->values_size);
    if (!*memory) {
        *reason = "no memory for its values";
        return AREC_DECODE_NOMEM;
    }
    return AREC_DECODE_OK;
}

ArecDecodeResult
arec_transposed_values_load (ArecTransposedHeader *header, ArecValuesWanted wanted,
                             ArecTransposedBounds *bounds, ArecTransposedValues *values,
                             const char **reason)
{
    const uint8_t *stored = header->rest.at;
    uint8_t *memory = NULL;
    ArecDecodeResult result = make_room (header, bounds, &memory, reason);
    Loading loading = {.header = header, .wanted = wanted, .memory = memory, .reason = reason};

    if (result == AREC_DECODE_OK) {
        result = load_buckets (&loading);
    }
    if (result != AREC_DECODE_OK) {
        arec_scratch_give (memory);
        return result;
    }
    g_clear_pointer (&header->plain.memory, g_free);
    values->bytes = memory ? memory : stored;
    values->memory = memory;
    return AREC_DECODE_OK;
}
