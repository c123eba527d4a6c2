/* One function for each codec, with the contract of arec_decompress (), and of
 * arec_decompressed_size () for those that can tell, and the steps of those that can be
 * streamed. Private to this room.
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

/* A codec that decompresses piece by piece. */
typedef struct {
    void *(*new_decoder) (void); /* NULL if out of memory */
    /* Before the first step: a window of more than 2^@log bytes is refused as
     * arec_codec_stream_needs_whole. */
    void (*limit_window) (void *decoder, unsigned log);
    /* Goes from @in to @out as far as they reach and moves both. *ended: the stream is
     * complete. Returns NULL or a reason. */
    const char *(*step) (void *decoder, const uint8_t **in, size_t *in_left, uint8_t **out,
                         size_t *out_left, bool *ended);
    size_t (*memory) (const void *decoder); /* bytes, after a step */
    void (*free_decoder) (void *decoder);
    const char *truncated, *left_over; /* reasons */
} ArecStreamCodec;

extern const ArecStreamCodec arec_brotli_stream_codec;
extern const ArecStreamCodec arec_zstd_stream_codec;
