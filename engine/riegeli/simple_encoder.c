#include "riegeli/simple_encoder.h"

#include <inttypes.h>

#include "base/buffer.h"
#include "base/error.h"
#include "riegeli/packed_buffer.h"

struct ArecSimpleEncoder {
    uint64_t n_records;
    ArecBuffer sizes;  /* a varint each */
    ArecBuffer values; /* the records, one after the other */
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

uint64_t
arec_simple_encoder_memory (const ArecSimpleEncoder *encoder)
{
    return encoder->sizes.capacity + encoder->values.capacity + encoder->packed.capacity +
           encoder->body.capacity;
}

/* ---- records ---- */

/* Room for a record of @size bytes, so that nothing after this fails half way. */
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

/* ---- body ---- */

static inline ArecBytes
bytes_of (const ArecBuffer *buffer)
{
    return arec_bytes (buffer->data, buffer->size);
}

bool
arec_simple_encoder_encode (ArecSimpleEncoder *encoder, const ArecCodecOptions *options,
                            ArecBytes *body, GError **error)
{
    ArecBuffer *out = &encoder->body;
    uint8_t compression = (uint8_t)options->compression;

    out->size = 0;
    encoder->packed.size = 0;
    if (!arec_packed_buffer_append (&encoder->packed, options, bytes_of (&encoder->sizes),
                                    error)) {
        return false;
    }
    if (!arec_buffer_append (out, &compression, 1) ||
        !arec_buffer_append_varint (out, encoder->packed.size) ||
        !arec_buffer_append (out, encoder->packed.data, encoder->packed.size)) {
        return arec_packed_buffer_fail_memory (encoder->sizes.size, error);
    }
    if (!arec_packed_buffer_append (out, options, bytes_of (&encoder->values), error)) {
        return false;
    }
    *body = arec_bytes (out->data, out->size);
    return true;
}
