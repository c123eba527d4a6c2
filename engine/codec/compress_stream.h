/* Compression piece by piece, in memory that does not grow with the content but for the codec's
 * window: the counterpart of codec/codec_stream.h.
 *
 * Push: the caller gives bytes, whose number it says before, and the stream gives compressed
 * ones to its output. They are those that arec_compress () makes of the same bytes at once;
 * those of brotli's levels 0 and 1 with a window above 4 MiB differ a little, and zstd's with
 * a library before 1.5.4.
 *
 * One thread at a time. What the codec needs for itself is that of its thread
 * (codec/compress.h) meanwhile.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "codec/compress.h"

typedef struct ArecCompressStream ArecCompressStream;

/* Where compressed bytes go. */
typedef struct {
    /* Takes the next bytes, @size > 0. false: they cannot be taken. */
    bool (*put) (void *data, const uint8_t *bytes, size_t size);
    void *data;
} ArecCompressOutput;

/* @size    bytes that will be added.
 * @stream  (out, transfer full) untouched on failure.
 * Returns NULL, or why not: a reason of arec_compress (). */
const char *arec_compress_stream_new (const ArecCodecOptions *options, uint64_t size,
                                      const ArecCompressOutput *output,
                                      ArecCompressStream **stream);
void arec_compress_stream_free (ArecCompressStream *stream); /* takes NULL */

/* Adds the next bytes, in pieces of any size; @data may be NULL when @size is 0.
 * Returns NULL or why not: a reason of arec_compress (), or the one below. After a failure
 * nothing but freeing makes sense. */
const char *arec_compress_stream_add (ArecCompressStream *stream, const void *data,
                                      size_t size);

/* Ends the stream, to which all bytes were added. Called once. Returns as the former. */
const char *arec_compress_stream_finish (ArecCompressStream *stream);

/* The output's `put` failed; compared by address. */
extern const char arec_compress_stream_no_output[];

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecCompressStream, arec_compress_stream_free)
