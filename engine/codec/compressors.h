/* One function for each codec, with the contract of arec_compress (); @in is not NULL. Private
 * to this room.
 */
#pragma once

#include "codec/compress.h"

/* Large windows only where the window log asks for one. */
const char *arec_brotli_compress (const ArecCodecOptions *options, const uint8_t *in,
                                  size_t in_size, uint8_t *out, size_t capacity,
                                  size_t *out_size);
size_t arec_brotli_compress_bound (size_t size);

/* One frame that tells its content size and has no checksum. */
const char *arec_zstd_compress (const ArecCodecOptions *options, const uint8_t *in,
                                size_t in_size, uint8_t *out, size_t capacity,
                                size_t *out_size);
size_t arec_zstd_compress_bound (size_t size);

/* One raw block. */
const char *arec_snappy_compress (const uint8_t *in, size_t in_size, uint8_t *out,
                                  size_t capacity, size_t *out_size);
size_t arec_snappy_compress_bound (size_t size);

/* The reason when @capacity is too little. */
extern const char arec_codec_no_room[];
