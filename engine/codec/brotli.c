#include "codec/decompressors.h"

#include <brotli/decode.h>

#include "codec/codec.h"

static const char left_over[] = "bytes left over after the Brotli stream";
static const char truncated[] = "truncated Brotli stream";
static const char too_long[] = "Brotli stream longer than expected";

static void *
new_decoder (void)
{
    BrotliDecoderState *decoder = BrotliDecoderCreateInstance (NULL, NULL, NULL);

    if (decoder) {
        BrotliDecoderSetParameter (decoder, BROTLI_DECODER_PARAM_LARGE_WINDOW, 1);
    }
    return decoder;
}

static const char *
reason_of_error (BrotliDecoderErrorCode code)
{
    /* The codes from here up to UNREACHABLE are failed allocations. */
    if (code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
        code > BROTLI_DECODER_ERROR_UNREACHABLE) {
        return arec_codec_no_memory;
    }
    return "invalid Brotli stream";
}

/* A decoder cannot be reset, so each stream has its own. It allocates by what the stream really
 * produces, not by the window that it announces. */
const char *
arec_brotli_decompress (const uint8_t *in, size_t in_size, uint8_t *out, size_t capacity,
                        size_t *out_size)
{
    BrotliDecoderState *decoder = new_decoder();
    size_t out_left = capacity;
    BrotliDecoderResult result;
    BrotliDecoderErrorCode code;

    if (!decoder) {
        return arec_codec_no_memory;
    }
    result = BrotliDecoderDecompressStream (decoder, &in_size, &in, &out_left, &out, NULL);
    code = BrotliDecoderGetErrorCode (decoder);
    BrotliDecoderDestroyInstance (decoder);

    switch (result) {
    case BROTLI_DECODER_RESULT_SUCCESS:
        if (in_size > 0) {
            return left_over;
        }
        *out_size = capacity - out_left;
        return NULL;
    case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT: return truncated;
    case BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT: return too_long;
    case BROTLI_DECODER_RESULT_ERROR: break;
    }
    return reason_of_error (code);
}

static const char *
step (void *decoder, const uint8_t **in, size_t *in_left, uint8_t **out, size_t *out_left,
      bool *ended)
{
    BrotliDecoderResult result =
        BrotliDecoderDecompressStream (decoder, in_left, in, out_left, out, NULL);

    if (result == BROTLI_DECODER_RESULT_ERROR) {
        return reason_of_error (BrotliDecoderGetErrorCode (decoder));
    }
    *ended = result == BROTLI_DECODER_RESULT_SUCCESS;
    return NULL;
}

static void
free_decoder (void *decoder)
{
    BrotliDecoderDestroyInstance (decoder);
}

const ArecStreamCodec arec_brotli_stream_codec = {.new_decoder = new_decoder,
                                                  .step = step,
                                                  .free_decoder = free_decoder,
                                                  .truncated = truncated,
                                                  .left_over = left_over,
                                                  .too_long = too_long};
