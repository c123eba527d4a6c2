/* Functions for each codec, with the contracts of arec_compress (), whose @in is not NULL, of
 * arec_compress_bound () and arec_compress_memory (). Options are within the limits. Private to
 * this room.
 */
#pragma once

#include "codec/block_keeper.h"
#include "codec/compress.h"

/* Large windows only where the window log asks for one. */
const char *arec_brotli_compress (const ArecCodecOptions *options, const uint8_t *in,
                                  size_t in_size, uint8_t *out, size_t capacity,
                                  size_t *out_size);
size_t arec_brotli_compress_bound (size_t size);
size_t arec_brotli_compress_memory (const ArecCodecOptions *options, size_t size);
/* Bytes that this thread keeps for its encoders. */
size_t arec_brotli_compress_kept (void);
void arec_brotli_compress_release (void);

/* The same with memory of @keeper, none of which is in use before and after. */
const char *arec_brotli_compress_in (ArecBlockKeeper *keeper, const ArecCodecOptions *options,
                                     const uint8_t *in, size_t in_size, uint8_t *out,
                                     size_t capacity, size_t *out_size);

/* One frame that tells its content size and has no checksum. */
const char *arec_zstd_compress (const ArecCodecOptions *options, const uint8_t *in,
                                size_t in_size, uint8_t *out, size_t capacity,
                                size_t *out_size);
size_t arec_zstd_compress_bound (size_t size);
size_t arec_zstd_compress_memory (const ArecCodecOptions *options, size_t size);
/* Bytes that this thread keeps for its encoder. */
size_t arec_zstd_compress_kept (void);
void arec_zstd_compress_release (void);

/* One raw block. */
const char *arec_snappy_compress (const uint8_t *in, size_t in_size, uint8_t *out,
                                  size_t capacity, size_t *out_size);
size_t arec_snappy_compress_bound (size_t size);
size_t arec_snappy_compress_memory (size_t size);

/* The reason when @capacity is too little. */
extern const char arec_codec_no_room[];
