/* Compression by Riegeli's compression byte, from a whole buffer into a whole buffer: the
 * counterpart of codec/codec.h.
 *
 * Thread-safe. What a codec needs for itself is kept for each thread, within bounds, and used
 * again; it goes with the thread. The bytes made depend on options and input alone.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/codec.h"

/* How to compress. None of it but the compression is told to the reader. */
typedef struct {
    ArecCompression compression;
    int level; /* within arec_codec_limits () */
    /* Without one: brotli 22, 18 at levels 0 and 1; zstd by level. */
    bool has_window_log;
    /* Within arec_codec_limits (). A stream has no larger window than it needs. */
    int window_log;
    /* zstd: the parameters that a level has for content of the size that comes, as the
     * reference takes them for transposed chunks; else those for content of unknown size. */
    bool tunes_to_size;
} ArecCodecOptions;

/* Levels and window logs that there are, both ends included. Levels of Snappy make no
 * difference here and are not looked at. 0 to 0: has none. */
typedef struct {
    int min_level, max_level;
    int min_window_log, max_window_log;
} ArecCodecLimits;

ArecCodecLimits arec_codec_limits (ArecCompression compression);

/* The level and window that the reference takes when an option string names the codec alone
 * (FORMAT.md 13). */
ArecCodecOptions arec_codec_options_default (ArecCompression compression);

/* Bytes that a stream of @size bytes, of a buffer that really exists, takes at most. */
size_t arec_compress_bound (const ArecCodecOptions *options, size_t size);

/* Bytes of memory that compressing @size bytes takes at most, beside input and output:
 * calculated for zstd, measured for brotli (README.md).
 * @options  within the limits. */
size_t arec_compress_memory (const ArecCodecOptions *options, size_t size);

/* Bytes that this thread keeps for its next stream, and giving them back. */
size_t arec_compress_kept (void);
void arec_compress_release (void);

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
