#include "riegeli/chunk_encoder.h"

#include <inttypes.h>

#include "base/error.h"
#include "riegeli/chunk.h"
#include "riegeli/simple_encoder.h"
#include "riegeli/transposed_encoder.h"

/* One of the two is there. */
struct ArecChunkEncoder {
    uint64_t max_size;
    ArecTransposedOptions options;
    ArecSimpleEncoder *simple;
    ArecTransposedEncoder *transposed;
};

ArecChunkEncoder *
arec_chunk_encoder_new (const ArecChunkEncoderOptions *options)
{
    ArecChunkEncoder *encoder = g_new0 (ArecChunkEncoder, 1);

    encoder->max_size = options->max_size;
    encoder->options.codec = options->codec;
    encoder->options.bucket_size = options->bucket_size;
    if (options->is_transposed) {
        encoder->transposed = arec_transposed_encoder_new();
    } else {
        encoder->simple = arec_simple_encoder_new();
    }
    return encoder;
}

void
arec_chunk_encoder_free (ArecChunkEncoder *encoder)
{
    if (!encoder) {
        return;
    }
    arec_simple_encoder_free (encoder->simple);
    arec_transposed_encoder_free (encoder->transposed);
    g_free (encoder);
}

bool
arec_chunk_encoder_add (ArecChunkEncoder *encoder, const void *data, size_t size,
                        GError **error)
{
    return encoder->simple
               ? arec_simple_encoder_add (encoder->simple, data, size, error)
               : arec_transposed_encoder_add (encoder->transposed, data, size, error);
}

uint64_t
arec_chunk_encoder_n_records (const ArecChunkEncoder *encoder)
{
    return encoder->simple ? arec_simple_encoder_n_records (encoder->simple)
                           : arec_transposed_encoder_n_records (encoder->transposed);
}

uint64_t
arec_chunk_encoder_decoded_size (const ArecChunkEncoder *encoder)
{
    return encoder->simple ? arec_simple_encoder_decoded_size (encoder->simple)
                           : arec_transposed_encoder_decoded_size (encoder->transposed);
}

uint64_t
arec_chunk_encoder_memory (const ArecChunkEncoder *encoder)
{
    return encoder->simple ? arec_simple_encoder_memory (encoder->simple)
                           : arec_transposed_encoder_memory (encoder->transposed);
}

/* Only what can be read goes on. */
static bool
check_size (const ArecChunkEncoder *encoder, ArecBytes body, GError **error)
{
    const ArecChunkHeader header = {
        .type = encoder->simple ? AREC_CHUNK_SIMPLE : AREC_CHUNK_TRANSPOSED,
        .num_records = arec_chunk_encoder_n_records (encoder),
        .decoded_data_size = arec_chunk_encoder_decoded_size (encoder)};

    return encoder->max_size == 0 ||
           arec_chunk_body_is_within (&header, body, encoder->max_size) ||
           arec_fail (error, AREC_ERROR_LIMIT,
                      "their chunk takes more than %" PRIu64
                      " bytes when it is read; fewer records in a group take less",
                      encoder->max_size);
}

bool
arec_chunk_encoder_encode (ArecChunkEncoder *encoder, ArecChunkType *type, ArecBytes *body,
                           GError **error)
{
    bool ok;

    if (encoder->simple) {
        ok = arec_simple_encoder_encode (encoder->simple, &encoder->options.codec, body, error);
    } else {
        ok = arec_transposed_encoder_encode (encoder->transposed, &encoder->options, body,
                                             error);
    }
    ok = ok && check_size (encoder, *body, error);
    if (ok) {
        *type = encoder->simple ? AREC_CHUNK_SIMPLE : AREC_CHUNK_TRANSPOSED;
    }
    return ok;
}

void
arec_chunk_encoder_reset (ArecChunkEncoder *encoder)
{
    if (encoder->simple) {
        arec_simple_encoder_reset (encoder->simple);
    } else {
        arec_transposed_encoder_reset (encoder->transposed);
    }
}
