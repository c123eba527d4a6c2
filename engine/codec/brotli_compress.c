#include "codec/compressors.h"

#include <brotli/encode.h>

/* Bytes that do not compress are stored in meta-blocks of at least 1 KiB (so small only at
 * levels 0 and 1 with a window log of 10) with headers of at most 4 bytes.
 * BrotliEncoderMaxCompressedSize
 * () reckons with 16 KiB, which those levels exceed. */
#define MIN_BLOCK 1024
#define BLOCK_OVERHEAD 4

/* The header of the stream, and the last, empty meta-block. */
#define STREAM_OVERHEAD 16

/* Above this a window is a large one, which other decoders than Riegeli's need not take. */
#define MAX_USUAL_WINDOW_LOG 24

size_t
arec_brotli_compress_bound (size_t size)
{
    return size + size / MIN_BLOCK * BLOCK_OVERHEAD + STREAM_OVERHEAD;
}

static void
set_options (BrotliEncoderState *encoder, const ArecCodecOptions *options)
{
    BrotliEncoderSetParameter (encoder, BROTLI_PARAM_QUALITY, (uint32_t)options->level);
    if (options->has_window_log) {
        BrotliEncoderSetParameter (encoder, BROTLI_PARAM_LARGE_WINDOW,
                                   options->window_log > MAX_USUAL_WINDOW_LOG);
        BrotliEncoderSetParameter (encoder, BROTLI_PARAM_LGWIN, (uint32_t)options->window_log);
    }
}

/* An encoder cannot be reset, so each stream has its own. */
const char *
arec_brotli_compress (const ArecCodecOptions *options, const uint8_t *in, size_t in_size,
                      uint8_t *out, size_t capacity, size_t *out_size)
{
    BrotliEncoderState *encoder = BrotliEncoderCreateInstance (NULL, NULL, NULL);
    size_t out_left = capacity;
    bool sound, finished;

    if (!encoder) {
        return arec_codec_no_memory;
    }
    set_options (encoder, options);
    sound = BrotliEncoderCompressStream (encoder, BROTLI_OPERATION_FINISH, &in_size, &in,
                                         &out_left, &out, NULL);
    finished = BrotliEncoderIsFinished (encoder);
    BrotliEncoderDestroyInstance (encoder);
    if (!sound) {
        return arec_codec_no_memory;
    }
    if (!finished) {
        return arec_codec_no_room;
    }
    *out_size = capacity - out_left;
    return NULL;
}
