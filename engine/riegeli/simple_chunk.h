/* Chunks of type `r` (spec/container 5):
 *
 *     compression byte | length of sizes | sizes (compressed) | values (compressed)
 *
 * Functions without state; any thread. Reasons are static strings; the caller knows name and
 * offset.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/codec.h"
#include "riegeli/decode_result.h"
#include "riegeli/record_ends.h"

typedef struct {
    ArecCompression compression;
    size_t sizes_begin; /* offset of the size list in the data */
    size_t sizes_size;  /* bytes */
} ArecSimpleFront;

/* Bytes of data that surely hold the front: compression byte and the length of the sizes. */
#define AREC_SIMPLE_FRONT_SIZE 11

/* What the first @size bytes of data, of @data_size in all, say. @reason (out) is set with a
 * failure. CORRUPT with size < AREC_SIMPLE_FRONT_SIZE may only mean that more bytes are needed.
 */
ArecDecodeResult arec_simple_parse_front (const uint8_t *data, size_t size, uint64_t data_size,
                                          ArecSimpleFront *front, const char **reason);

/* Decodes the size list: @sizes holds front->sizes_size bytes. Sizes add up to @decoded_size
 * exactly.
 * @ends  (out) arec_record_ends_clear ().
 * Memory: 10 bytes for each of @num_records at most, besides @ends. */
ArecDecodeResult arec_simple_decode_sizes (const ArecSimpleFront *front, const uint8_t *sizes,
                                           uint64_t num_records, uint64_t decoded_size,
                                           ArecRecordEnds *ends, const char **reason);

/* The same into @ends, which has room for its records already. What it holds after a failure is
 * undefined. */
ArecDecodeResult arec_simple_fill_sizes (const ArecSimpleFront *front, const uint8_t *sizes,
                                         uint64_t decoded_size, ArecRecordEnds *ends,
                                         const char **reason);
