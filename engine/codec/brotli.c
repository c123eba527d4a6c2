#include "codec/decompressors.h"

#include <brotli/decode.h>

#include "codec/codec.h"

/* A decoder cannot be reset, so each stream has its own. It allocates by what the stream really
 * produces, not by the window that it announces. */
const char *
arec_brotli_decompress (const uint8_t *in, size_t in_size, uint8_t *out, size_t capacity,
                        size_t *out_size)
{
    BrotliDecoderState *decoder = BrotliDecoderCreateInstance (NULL, NULL, NULL);
    size_t out_left = capacity;
    BrotliDecoderResult result;
    BrotliDecoderErrorCode code;

    if (!decoder) {
        return arec_codec_no_memory;
    }
    BrotliDecoderSetParameter (decoder, BROTLI_DECODER_PARAM_LARGE_WINDOW, 1);
    result = BrotliDecoderDecompressStream (decoder, &in_size, &in, &out_left, &out, NULL);
    code = BrotliDecoderGetErrorCode (decoder);
    BrotliDecoderDestroyInstance (decoder);

    switch (result) {
    case BROTLI_DECODER_RESULT_SUCCESS:
        if (in_size > 0) {
            return "bytes left over after the Brotli stream";
        }
        *out_size = capacity - out_left;
        return NULL;
    case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT: return "truncated Brotli stream";
    case BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT: return arec_codec_too_long;
    case BROTLI_DECODER_RESULT_ERROR: break;
    }
    /* The codes from here up to UNREACHABLE are failed allocations. */
    if (code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
        code > BROTLI_DECODER_ERROR_UNREACHABLE) {
        return arec_codec_no_memory;
    }
    return "invalid Brotli stream";
}
