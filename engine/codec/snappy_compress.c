#include "codec/compressors.h"

#include <snappy-c.h>

#include "base/buffer.h"

/* The library compresses so many bytes of its input at a time, which refer to no others. */
#define FRAGMENT ((size_t)64 * 1024)

size_t
arec_snappy_compress_bound (size_t size)
{
    return snappy_max_compressed_length (size);
}

/* A table of 2 bytes for each of at most 2^14 hashes, and copies of a block of 64 KiB and of
 * what is made of it. */
size_t
arec_snappy_compress_memory (size_t size)
{
    return size == 0 ? 0 : (size_t)256 * 1024;
}

/* Levels differ only in effort, and the library of this system knows one. */
const char *
arec_snappy_compress (const uint8_t *in, size_t in_size, uint8_t *out, size_t capacity,
                      size_t *out_size)
{
    size_t made = capacity;

    /* The length in front of a block has 32 bits. */
    if (in_size > UINT32_MAX) {
        return arec_codec_too_large;
    }
    if (snappy_compress ((const char *)in, in_size, (char *)out, &made) != SNAPPY_OK) {
        return arec_codec_no_room;
    }
    *out_size = made;
    return NULL;
}

/* ---- a stream ---- */

/* After the length of the whole come fragments, each compressed as if it were alone:
 *
 *     block of the whole      length | fragment | fragment | fragment
 *     block of one fragment   length | fragment
 */
typedef struct {
    uint64_t size;
    bool is_begun;
    size_t capacity;
    uint8_t out[];
} Stream;

static const char *
open_stream (const ArecCodecOptions *options, uint64_t size, void **encoder)
{
    size_t capacity = snappy_max_compressed_length (FRAGMENT);
    Stream *stream;

    (void)options;
    if (size > UINT32_MAX) {
        return arec_codec_too_large;
    }
    stream = g_try_malloc (sizeof *stream + capacity);
    if (!stream) {
        return arec_codec_no_memory;
    }
    *stream = (Stream){.size = size, .capacity = capacity};
    *encoder = stream;
    return NULL;
}

static const char *
put_length (Stream *stream, const ArecCompressOutput *output)
{
    uint8_t varint[AREC_MAX_VARINT];

    if (!output->put (output->data, varint, arec_put_varint (varint, stream->size))) {
        return arec_compress_stream_no_output;
    }
    stream->is_begun = true;
    return NULL;
}

static const char *
put_fragment (Stream *stream, const uint8_t *in, size_t size, const ArecCompressOutput *output)
{
    uint8_t varint[AREC_MAX_VARINT];
    size_t length = arec_put_varint (varint, size), made;
    const char *reason = arec_snappy_compress (in, size, stream->out, stream->capacity, &made);

    if (reason || output->put (output->data, stream->out + length, made - length)) {
        return reason;
    }
    return arec_compress_stream_no_output;
}

static const char *
step (void *encoder, const ArecCompressPiece *piece, const ArecCompressOutput *output)
{
    Stream *stream = encoder;
    const char *reason = stream->is_begun ? NULL : put_length (stream, output);

    for (size_t at = 0; at < piece->size && !reason; at += FRAGMENT) {
        reason =
            put_fragment (stream, piece->at + at, MIN (piece->size - at, FRAGMENT), output);
    }
    return reason;
}

const ArecStreamCompressor arec_snappy_stream_compressor = {
    .open = open_stream,
    .step = step,
    .close = g_free,
};
