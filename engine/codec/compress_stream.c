#include "codec/compress_stream.h"

#include <string.h>

#include "base/phases.h"
#include "codec/compressors.h"

const char arec_compress_stream_no_output[] = "no output for the codec";

struct ArecCompressStream {
    ArecCodecOptions options;
    ArecCompressOutput output;
    const ArecStreamCompressor *codec; /* NULL: bytes are stored plainly */
    void *encoder;                     /* NULL: all comes in one piece */
    uint64_t left;                     /* bytes that are still to be added */
    uint8_t *piece;                    /* gathered bytes */
    size_t piece_size, filled;
    bool is_finished;
};

static const ArecStreamCompressor *
codec_of (ArecCompression compression)
{
    switch (compression) {
    case AREC_COMPRESSION_NONE: break;
    case AREC_COMPRESSION_BROTLI: return &arec_brotli_stream_compressor;
    case AREC_COMPRESSION_ZSTD: return &arec_zstd_stream_compressor;
    case AREC_COMPRESSION_SNAPPY: return &arec_snappy_stream_compressor;
    }
    return NULL;
}

/* What the codec takes at once. */
static size_t
max_piece_of (const ArecCompressStream *stream, uint64_t size)
{
    return stream->codec && stream->codec->piece_size
               ? stream->codec->piece_size (&stream->options, size)
               : AREC_COMPRESS_PIECE;
}

/* Content of one piece needs no encoder for pieces. */
static const char *
start (ArecCompressStream *stream, uint64_t size)
{
    size_t max_piece = max_piece_of (stream, size);

    stream->piece_size = (size_t)MIN (size, max_piece);
    stream->piece = g_try_malloc (MAX (stream->piece_size, 1));
    if (!stream->piece) {
        return arec_codec_no_memory;
    }
    return stream->codec && size > max_piece
               ? stream->codec->open (&stream->options, size, &stream->encoder)
               : NULL;
}

const char *
arec_compress_stream_new (const ArecCodecOptions *options, uint64_t size,
                          const ArecCompressOutput *output, ArecCompressStream **out)
{
    g_autoptr (ArecCompressStream) stream = NULL;
    const char *reason;

    if (!arec_compress_has_options (options)) {
        return arec_codec_no_such_options;
    }
    stream = g_new0 (ArecCompressStream, 1);
    stream->options = *options;
    stream->output = *output;
    stream->codec = codec_of (options->compression);
    stream->left = size;
    reason = start (stream, size);
    if (!reason) {
        *out = g_steal_pointer (&stream);
    }
    return reason;
}

void
arec_compress_stream_free (ArecCompressStream *stream)
{
    if (!stream) {
        return;
    }
    if (stream->encoder) {
        stream->codec->close (stream->encoder);
    }
    g_free (stream->piece);
    g_free (stream);
}

/* ---- pieces ---- */

static const char *
store (const ArecCompressStream *stream)
{
    return stream->filled == 0 ||
                   stream->output.put (stream->output.data, stream->piece, stream->filled)
               ? NULL
               : arec_compress_stream_no_output;
}

/* The piece is all there is. */
static const char *
compress_at_once (const ArecCompressStream *stream)
{
    size_t bound = arec_compress_bound (&stream->options, stream->filled), made;
    g_autofree uint8_t *out = g_try_malloc (MAX (bound, 1));
    const char *reason =
        out ? arec_compress (&stream->options, stream->piece, stream->filled, out, bound, &made)
            : arec_codec_no_memory;

    if (reason || stream->output.put (stream->output.data, out, made)) {
        return reason;
    }
    return arec_compress_stream_no_output;
}

static const char *
compress_next (const ArecCompressStream *stream)
{
    const ArecCompressPiece piece = {stream->piece, stream->filled, stream->left == 0};
    ArecPhaseMark mark = arec_phases_enter_short (arec_compress_phase (&stream->options));
    const char *reason = stream->codec->step (stream->encoder, &piece, &stream->output);

    arec_phases_leave (mark);
    return reason;
}

/* The piece is full, or the last one. */
static const char *
end_piece (ArecCompressStream *stream)
{
    const char *reason = !stream->codec     ? store (stream)
                         : !stream->encoder ? compress_at_once (stream)
                                            : compress_next (stream);

    stream->filled = 0;
    return reason;
}

/* What does not fill the piece any more. */
static inline bool
gather (ArecCompressStream *stream, const void *data, size_t size)
{
    if (size >= stream->piece_size - stream->filled) {
        return false;
    }
    memcpy (stream->piece + stream->filled, data, size);
    stream->filled += size;
    stream->left -= size;
    return true;
}

const char *
arec_compress_stream_add (ArecCompressStream *stream, const void *data, size_t size)
{
    const uint8_t *at = data;

    g_assert (size <= stream->left);
    if (size > 0 && gather (stream, data, size)) {
        return NULL;
    }
    while (size > 0) {
        size_t n = MIN (size, stream->piece_size - stream->filled);
        const char *reason;

        memcpy (stream->piece + stream->filled, at, n);
        stream->filled += n;
        stream->left -= n;
        at += n;
        size -= n;
        /* The last piece waits for the end, also when it is full. */
        if (stream->filled == stream->piece_size && stream->left > 0) {
            reason = end_piece (stream);
            if (reason) {
                return reason;
            }
        }
    }
    return NULL;
}

const char *
arec_compress_stream_finish (ArecCompressStream *stream)
{
    g_assert (stream->left == 0 && !stream->is_finished);
    stream->is_finished = true;
    return end_piece (stream);
}
