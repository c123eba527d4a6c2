/* One function for each codec, with the contract of arec_decompress (), and of
 * arec_decompressed_size () for those that can tell. Private to this room.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Accepts large windows, up to 2^30. */
const char *arec_brotli_decompress (const uint8_t *in, size_t in_size, uint8_t *out,
                                    size_t capacity, size_t *out_size);

/* Exactly one frame, any window; legacy and skippable frames are refused as the reference does.
 */
const char *arec_zstd_decompress (const uint8_t *in, size_t in_size, uint8_t *out,
                                  size_t capacity, size_t *out_size);

/* One raw block. */
const char *arec_snappy_decompress (const uint8_t *in, size_t in_size, uint8_t *out,
                                    size_t capacity, size_t *out_size);

bool arec_zstd_decompressed_size (const uint8_t *in, size_t in_size, uint64_t *out_size);
bool arec_snappy_decompressed_size (const uint8_t *in, size_t in_size, uint64_t *out_size);
