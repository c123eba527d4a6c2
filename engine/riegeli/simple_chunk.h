/* Chunks of type `r` (FORMAT.md 6):
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

/* A size list that may decompress to more than this is decoded as a stream, in constant memory,
 * where its codec and window allow it. */
#define AREC_SIMPLE_MAX_WHOLE_LIST (UINT64_C (1024) * 1024)

/* Decodes the size list: @sizes holds front->sizes_size bytes. Sizes add up to @decoded_size
 * exactly.
 * @max_memory  bytes that a list which is not streamed may decompress to, at least
 *              AREC_SIMPLE_MAX_WHOLE_LIST or 10 for each record; above: LIMIT.
 * @ends        (out) arec_record_ends_clear ().
 * A list of only empty records is not looked at where that takes a window of more than 8 MiB.
 */
ArecDecodeResult arec_simple_decode_sizes (const ArecSimpleFront *front, const uint8_t *sizes,
                                           uint64_t num_records, uint64_t decoded_size,
                                           uint64_t max_memory, ArecRecordEnds *ends,
                                           const char **reason);

/* The same into @ends, which has room for its records already, and is not finished. What it
 * holds after a failure is undefined. */
ArecDecodeResult arec_simple_fill_sizes (const ArecSimpleFront *front, const uint8_t *sizes,
                                         uint64_t decoded_size, uint64_t max_memory,
                                         ArecRecordEnds *ends, const char **reason);
