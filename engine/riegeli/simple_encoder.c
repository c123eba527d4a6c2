#include "riegeli/simple_encoder.h"

#include <inttypes.h>

#include "base/buffer.h"
#include "base/error.h"

struct ArecSimpleEncoder {
    uint64_t n_records;
    ArecBuffer sizes;  /* a varint each */
    ArecBuffer values; /* the records, one behind the other */
    ArecBuffer packed; /* the sizes as they are stored */
    ArecBuffer body;
};

ArecSimpleEncoder *
arec_simple_encoder_new (void)
{
    return g_new0 (ArecSimpleEncoder, 1);
}

void
arec_simple_encoder_free (ArecSimpleEncoder *encoder)
{
    if (!encoder) {
        return;
    }
    arec_buffer_clear (&encoder->sizes);
    arec_buffer_clear (&encoder->values);
    arec_buffer_clear (&encoder->packed);
    arec_buffer_clear (&encoder->body);
    g_free (encoder);
}

void
arec_simple_encoder_reset (ArecSimpleEncoder *encoder)
{
    encoder->n_records = 0;
    encoder->sizes.size = 0;
    encoder->values.size = 0;
}

uint64_t
arec_simple_encoder_n_records (const ArecSimpleEncoder *encoder)
{
    return encoder->n_records;
}

uint64_t
arec_simple_encoder_decoded_size (const ArecSimpleEncoder *encoder)
{
    return encoder->values.size;
}

/* ---- records ---- */

/* Room for a record of @size bytes, so that nothing behind this fails half way. */
static bool
reserve_record (ArecSimpleEncoder *encoder, size_t size, GError **error)
{
    return (arec_buffer_reserve (&encoder->sizes, AREC_MAX_VARINT) &&
            arec_buffer_reserve (&encoder->values, size)) ||
           arec_fail (error, AREC_ERROR_NOMEM,
                      "no memory for a record of %zu bytes behind %" PRIu64
                      " others of %zu bytes in its chunk",
                      size, encoder->n_records, encoder->values.size);
}

bool
arec_simple_encoder_add (ArecSimpleEncoder *encoder, const void *data, size_t size,
                         GError **error)
{
    if (!reserve_record (encoder, size, error)) {
        return false;
    }
    arec_buffer_append_varint (&encoder->sizes, size);
    arec_buffer_append (&encoder->values, data, size);
    encoder->n_records++;
    return true;
}

bool
arec_simple_encoder_add_first (ArecSimpleEncoder *encoder, const void *data, size_t size,
                               GError **error)
{
    uint8_t varint[AREC_MAX_VARINT];

    if (!reserve_record (encoder, size, error)) {
        return false;
    }
    arec_buffer_prepend (&encoder->sizes, varint, arec_put_varint (varint, size));
    arec_buffer_prepend (&encoder->values, data, size);
    encoder->n_records++;
    return true;
}

/* ---- body ---- */

static bool
fail_compress (const char *reason, size_t size, GError **error)
{
    ArecError code = reason == arec_codec_no_memory   ? AREC_ERROR_NOMEM
                     : reason == arec_codec_too_large ? AREC_ERROR_LIMIT
                                                      : AREC_ERROR_INVALID;

    return arec_fail (error, code, "cannot compress %zu bytes: %s", size, reason);
}

/* Appends @plain as a compressed buffer (spec/container 4): its size, unless it is stored
 * plainly, then the codec's stream. */
static bool
append_compressed (ArecBuffer *out, const ArecCodecOptions *options, const ArecBuffer *plain,
                   GError **error)
{
    size_t bound = arec_compress_bound (options, plain->size), made;
    const char *reason;

    if (!arec_buffer_reserve (out, AREC_MAX_VARINT) ||
        (options->compression != AREC_COMPRESSION_NONE &&
         !arec_buffer_append_varint (out, plain->size)) ||
        !arec_buffer_reserve (out, bound)) {
        return fail_compress (arec_codec_no_memory, plain->size, error);
    }
    reason =
        arec_compress (options, plain->data, plain->size, out->data + out->size, bound, &made);
    if (reason) {
        return fail_compress (reason, plain->size, error);
    }
    out->size += made;
    return true;
}

bool
arec_simple_encoder_encode (ArecSimpleEncoder *encoder, const ArecCodecOptions *options,
                            ArecBytes *body, GError **error)
{
    ArecBuffer *out = &encoder->body;
    uint8_t compression = (uint8_t)options->compression;

    out->size = 0;
    encoder->packed.size = 0;
    if (!append_compressed (&encoder->packed, options, &encoder->sizes, error)) {
        return false;
    }
    if (!arec_buffer_append (out, &compression, 1) ||
        !arec_buffer_append_varint (out, encoder->packed.size) ||
        !arec_buffer_append (out, encoder->packed.data, encoder->packed.size)) {
        return fail_compress (arec_codec_no_memory, encoder->sizes.size, error);
    }
    if (!append_compressed (out, options, &encoder->values, error)) {
        return false;
    }
    *body = arec_bytes (out->data, out->size);
    return true;
}
