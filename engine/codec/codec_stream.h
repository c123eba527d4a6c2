/* Decompression piece by piece, in memory bounded by the codec's window.
 *
 * Pull: the caller asks for decompressed bytes, the stream asks for stored ones. The end is as
 * strict as that of arec_decompress (), with the same reasons: the stream ends where the stored
 * bytes end, and gives at most what the caller allows.
 *
 * One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "codec/codec.h"

typedef struct ArecCodecStream ArecCodecStream;

/* Where stored bytes come from. */
typedef struct {
    /* The next bytes, which stay until the next call; *size is 0 at the end, and then again.
     * false: they cannot be had. */
    bool (*next) (void *data, const uint8_t **bytes, size_t *size);
    void *data;
} ArecCodecStreamInput;

/* Whether chunks of this compression can be streamed. A raw Snappy block cannot: it refers back
 * to any byte of itself. */
bool arec_codec_stream_is_possible (ArecCompression compression);

/* @compression  one that can be streamed.
 * @capacity     most bytes that the stream may give.
 * Returns NULL if out of memory. */
ArecCodecStream *arec_codec_stream_new (ArecCompression compression, uint64_t capacity,
                                        const ArecCodecStreamInput *input);
void arec_codec_stream_free (ArecCodecStream *stream); /* takes NULL */

/* Bytes of memory that the codec takes for the stream, at most, once something was read. */
size_t arec_codec_stream_memory (const ArecCodecStream *stream);

/* Before the first read: windows of more than 2^@log bytes, 10 <= @log <= 27, are refused with
 * arec_codec_stream_needs_whole, so no more memory than that is used. */
void arec_codec_stream_limit_window (ArecCodecStream *stream, unsigned log);

/* Decompresses up to @size bytes to @out, @size > 0.
 * @got  (out) fewer than @size only at the end, which is verified then.
 * Returns NULL or the reason why not, a static string: one of arec_decompress (), or one of the
 * two below. Nothing can be read after a failure. */
const char *arec_codec_stream_read (ArecCodecStream *stream, uint8_t *out, size_t size,
                                    size_t *got);

/* Reasons that are not the stream's fault; compared by address. */
extern const char arec_codec_stream_no_input[]; /* the input's `next` failed */
extern const char
    arec_codec_stream_needs_whole[]; /* the window is too large to be allocated for a
                                                stream: above 128 MiB of zstd, or above
                                                what arec_codec_stream_limit_window () allows */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecCodecStream, arec_codec_stream_free)
