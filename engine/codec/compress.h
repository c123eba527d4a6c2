/* Compression by Riegeli's compression byte, from a whole buffer into a whole buffer: the
 * counterpart of codec/codec.h.
 *
 * Thread-safe; what a codec needs for itself is kept for each thread and reused.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/codec.h"

/* How to compress. None of it but the compression is told to the reader. */
typedef struct {
    ArecCompression compression;
    int level;           /* brotli 0 .. 11, zstd -131072 .. 22, snappy 1 or 2 (the same here) */
    bool has_window_log; /* else the library's own: brotli 22, zstd by level and size */
    int window_log;      /* brotli 10 .. 30, zstd 10 .. 31 */
} ArecCodecOptions;

/* The level and window that the reference takes when an option string names the codec alone
 * (spec/container 9.3). */
ArecCodecOptions arec_codec_options_default (ArecCompression compression);

/* Bytes that a stream of @size bytes, of a buffer that really exists, takes at most. */
size_t arec_compress_bound (const ArecCodecOptions *options, size_t size);

/* Compresses @in, without a size in front, into at most @capacity bytes at @out.
 * @in        may be NULL when @in_size is 0.
 * @capacity  arec_compress_bound () is always enough.
 * @out_size  (out) bytes made.
 * Returns NULL, or a static string that says why not. Two reasons are compared by address:
 * arec_codec_no_memory and arec_codec_too_large. @out is undefined after a failure. */
const char *arec_compress (const ArecCodecOptions *options, const uint8_t *in, size_t in_size,
                           uint8_t *out, size_t capacity, size_t *out_size);

/* @in has more bytes than the codec's format can hold: Snappy above 2^32 - 1. */
extern const char arec_codec_too_large[];
