#include "riegeli/transposed_block.h"

#include "base/checked.h"
#include "riegeli/record_ends.h"

/* Each byte that is taken from a buffer becomes output, but for the lengths of records that are
 * no messages: a varint32 each. */
#define MAX_VALUES_PER_RECORD AREC_MAX_VARINT32

/* What even a tiny chunk may have. */
#define EXTRA_HEADER 65536
#define EXTRA_VALUES 65536
#define EXTRA_TRANSITIONS 64

/* The first try at a stream that does not tell its size, and the growth of the next. */
#define LEAST_GUESS 1024
#define GROWTH 8

/* a * b + c, or the largest number where that is too large. */
static uint64_t
linear (uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t product, sum;

    return arec_mul_u64 (a, b, &product) && arec_add_u64 (product, c, &sum) ? sum : UINT64_MAX;
}

ArecTransposedBounds
arec_transposed_bounds (uint64_t num_records, uint64_t decoded_size,
                        const ArecDecodeLimits *limits)
{
    uint64_t content = linear (1, num_records, decoded_size);
    uint64_t result =
        linear (1, arec_record_ends_cost (num_records, decoded_size), decoded_size);

    return (ArecTransposedBounds){
        .max_header = linear (limits->max_transposed_ratio, content, EXTRA_HEADER),
        .max_values =
            linear (MAX_VALUES_PER_RECORD, num_records, linear (1, decoded_size, EXTRA_VALUES)),
        .max_transitions = linear (1, linear (limits->max_transposed_ratio, content, 0) / 4,
                                   EXTRA_TRANSITIONS),
        .max_depth = limits->max_transposed_depth,
        .memory = limits->max_size - MIN (result, limits->max_size)};
}

bool
arec_transposed_charge (ArecTransposedBounds *bounds, uint64_t n, size_t size)
{
    uint64_t bytes = linear (n, size, 0);

    if (bytes > bounds->memory) {
        return false;
    }
    bounds->memory -= bytes;
    return true;
}

bool
arec_transposed_take_hint (ArecCompression compression, ArecBytes *block, uint64_t *hint)
{
    if (compression == AREC_COMPRESSION_NONE) {
        *hint = arec_bytes_left (block);
        return true;
    }
    return arec_bytes_take_varint (block, hint);
}

ArecDecodeResult
arec_transposed_unpack (ArecCompression compression, ArecBytes stored, uint64_t max,
                        ArecTransposedBounds *bounds, ArecTransposedBlock *block,
                        const char **reason)
{
    uint64_t hint, capacity;
    bool is_exact;

    if (!arec_transposed_take_hint (compression, &stored, &hint)) {
        *reason = "no decompressed size in front of a stream";
        return AREC_DECODE_CORRUPT;
    }
    if (compression == AREC_COMPRESSION_NONE) {
        *block = (ArecTransposedBlock){.bytes = stored};
        return AREC_DECODE_OK;
    }
    max = MIN (max, bounds->memory);
    is_exact =
        arec_decompressed_size (compression, stored.at, arec_bytes_left (&stored), &capacity);
    if (is_exact && capacity > max) {
        *reason = arec_codec_too_long;
        return AREC_DECODE_LIMIT;
    }
    if (!is_exact) {
        capacity = MIN (MAX (hint, LEAST_GUESS), max);
    }
    for (;;) {
        g_autofree uint8_t *memory = g_try_malloc (MAX (capacity, 1));
        size_t size;

        if (!memory) {
            *reason = "no memory to decompress a stream";
            return AREC_DECODE_NOMEM;
        }
        *reason = arec_decompress (compression, stored.at, arec_bytes_left (&stored), memory,
                                   capacity, &size);
        if (!*reason) {
            bounds->memory -= capacity;
            block->bytes = arec_bytes (memory, size);
            block->memory = g_steal_pointer (&memory);
            return AREC_DECODE_OK;
        }
        if (*reason != arec_codec_too_long || is_exact) {
            return *reason == arec_codec_no_memory ? AREC_DECODE_NOMEM : AREC_DECODE_CORRUPT;
        }
        if (capacity == max) {
            return AREC_DECODE_LIMIT;
        }
        capacity = MIN (linear (capacity, GROWTH, 0), max);
    }
}
