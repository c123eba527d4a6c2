#include "codec/codec_stream.h"

#include <string.h>

#include "base/phases.h"
#include "codec/decompressors.h"

const char arec_codec_stream_no_input[] = "no input for the codec";
const char arec_codec_stream_needs_whole[] = "the window is too large for a stream";

struct ArecCodecStream {
    const ArecStreamCodec *codec; /* NULL: bytes are stored plainly */
    ArecPhase phase;
    void *decoder;
    ArecCodecStreamInput input;
    const uint8_t *at; /* stored bytes that are not used yet */
    size_t left;
    bool input_ended;
    bool ended;
    uint64_t room; /* bytes that may still be given */
};

static const ArecStreamCodec *
codec_of (ArecCompression compression)
{
    switch (compression) {
    case AREC_COMPRESSION_BROTLI: return &arec_brotli_stream_codec;
    case AREC_COMPRESSION_ZSTD: return &arec_zstd_stream_codec;
    case AREC_COMPRESSION_NONE:
    case AREC_COMPRESSION_SNAPPY: return NULL;
    }
    return NULL;
}

bool
arec_codec_stream_is_possible (ArecCompression compression)
{
    return compression == AREC_COMPRESSION_NONE || codec_of (compression);
}

ArecCodecStream *
arec_codec_stream_new (ArecCompression compression, uint64_t capacity,
                       const ArecCodecStreamInput *input)
{
    ArecCodecStream *stream = g_new0 (ArecCodecStream, 1);

    stream->codec = codec_of (compression);
    stream->phase = arec_compression_phase (compression);
    stream->input = *input;
    stream->room = capacity;
    if (stream->codec) {
        stream->decoder = stream->codec->new_decoder();
        if (!stream->decoder) {
            g_free (stream);
            return NULL;
        }
    }
    return stream;
}

void
arec_codec_stream_limit_window (ArecCodecStream *stream, unsigned log)
{
    if (stream->codec) {
        stream->codec->limit_window (stream->decoder, log);
    }
}

size_t
arec_codec_stream_memory (const ArecCodecStream *stream)
{
    return stream->codec ? stream->codec->memory (stream->decoder) : 0;
}

void
arec_codec_stream_free (ArecCodecStream *stream)
{
    if (!stream) {
        return;
    }
    if (stream->decoder) {
        stream->codec->free_decoder (stream->decoder);
    }
    g_free (stream);
}

/* Makes stored bytes available, unless there are none any more. */
static bool
refill (ArecCodecStream *stream)
{
    if (stream->left > 0 || stream->input_ended) {
        return true;
    }
    if (!stream->input.next (stream->input.data, &stream->at, &stream->left)) {
        return false;
    }
    stream->input_ended = stream->left == 0;
    return true;
}

static const char *
copy (ArecCodecStream *stream, uint8_t *out, size_t size, size_t *got)
{
    *got = 0;
    while (*got < size) {
        size_t n;

        if (!refill (stream)) {
            return arec_codec_stream_no_input;
        }
        if (stream->left == 0) {
            stream->ended = true;
            break;
        }
        n = MIN (size - *got, stream->left);
        memcpy (out + *got, stream->at, n);
        stream->at += n;
        stream->left -= n;
        *got += n;
    }
    return NULL;
}

static const char *
decode (ArecCodecStream *stream, uint8_t *out, size_t size, size_t *got)
{
    size_t room = size;

    while (room > 0 && !stream->ended) {
        size_t left_before, room_before = room;
        ArecPhaseMark mark;
        const char *reason;

        if (!refill (stream)) {
            return arec_codec_stream_no_input;
        }
        left_before = stream->left;
        mark = arec_phases_enter_short (stream->phase);
        reason = stream->codec->step (stream->decoder, &stream->at, &stream->left, &out, &room,
                                      &stream->ended);
        arec_phases_leave (mark);
        if (reason) {
            return reason;
        }
        if (!stream->ended && stream->input_ended && room == room_before && left_before == 0) {
            return stream->codec->truncated;
        }
    }
    *got = size - room;
    if (!stream->ended) {
        return NULL;
    }
    if (!refill (stream)) {
        return arec_codec_stream_no_input;
    }
    return stream->left > 0 ? stream->codec->left_over : NULL;
}

const char *
arec_codec_stream_read (ArecCodecStream *stream, uint8_t *out, size_t size, size_t *got)
{
    size_t most = (size_t)MIN (size, stream->room);
    uint8_t too_much;
    size_t n = 0, n_too_much = 0;
    const char *reason = NULL;

    if (!stream->ended && most > 0) {
        reason = stream->codec ? decode (stream, out, most, &n) : copy (stream, out, most, &n);
        stream->room -= reason ? 0 : n;
    }
    if (!reason && !stream->ended && n < size) {
        /* All the room is used: only the end may follow. */
        reason = stream->codec ? decode (stream, &too_much, 1, &n_too_much)
                               : copy (stream, &too_much, 1, &n_too_much);
    }
    if (!reason && n_too_much > 0) {
        reason = arec_codec_too_long;
    }
    if (!reason) {
        *got = n;
    }
    return reason;
}
