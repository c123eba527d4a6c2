#include "arrayrecord/footer_writer.h"

#include <string.h>

#include "arrayrecord/footer.h"
#include "base/buffer.h"
#include "base/error.h"
#include "riegeli/chunk_writer.h"
#include "riegeli/simple_encoder.h"

/* Identical ones in one chunk. */
#define POSTSCRIPT_COPIES 3

/* A message of this many varint fields takes at most so many bytes. */
#define FIELDS_SIZE(n) ((n) * (1 + AREC_MAX_VARINT))

struct ArecFooterWriter {
    ArecSimpleEncoder *entries; /* as they will stand in the chunk, after the metadata */
    uint64_t num_records;
};

ArecFooterWriter *
arec_footer_writer_new (void)
{
    ArecFooterWriter *footer = g_new0 (ArecFooterWriter, 1);

    footer->entries = arec_simple_encoder_new();
    return footer;
}

void
arec_footer_writer_free (ArecFooterWriter *footer)
{
    if (!footer) {
        return;
    }
    arec_simple_encoder_free (footer->entries);
    g_free (footer);
}

/* ---- messages ---- */

/* A varint field of the wire format; @number < 16. Returns its length. */
static size_t
put_field (uint8_t *at, unsigned number, uint64_t value)
{
    at[0] = (uint8_t)(number << 3);
    return 1 + arec_put_varint (at + 1, value);
}

/* A length-delimited field's tag and length, which its bytes follow. */
static bool
append_field_start (ArecBuffer *out, unsigned number, size_t size)
{
    uint8_t tag = (uint8_t)(number << 3 | 2);

    return arec_buffer_append (out, &tag, 1) && arec_buffer_append_varint (out, size);
}

/* ArrayRecordMetadata. */
static bool
append_metadata (const ArecFooterWriter *footer, const char *writer_options, ArecBuffer *out)
{
    uint8_t fields[FIELDS_SIZE (3)];
    size_t size = put_field (fields, 1, AREC_FOOTER_VERSION);

    size += put_field (fields + size, 2, arec_simple_encoder_n_records (footer->entries));
    size += put_field (fields + size, 3, footer->num_records);
    return arec_buffer_append (out, fields, size) &&
           (!writer_options ||
            (append_field_start (out, 4, strlen (writer_options)) &&
             arec_buffer_append (out, writer_options, strlen (writer_options))));
}

/* RiegeliFooterMetadata, which holds the former. */
static bool
append_footer_metadata (const ArecFooterWriter *footer, const char *writer_options,
                        ArecBuffer *out)
{
    g_auto (ArecBuffer) metadata = {0};

    return append_metadata (footer, writer_options, &metadata) &&
           append_field_start (out, 1, metadata.size) &&
           arec_buffer_append (out, metadata.data, metadata.size);
}

bool
arec_footer_writer_add (ArecFooterWriter *footer, uint64_t chunk_offset, uint64_t decoded_size,
                        uint64_t num_records, GError **error)
{
    uint8_t entry[FIELDS_SIZE (3)];
    size_t size = put_field (entry, 1, chunk_offset);

    size += put_field (entry + size, 2, decoded_size);
    size += put_field (entry + size, 3, num_records);
    if (!arec_simple_encoder_add (footer->entries, entry, size, error)) {
        return false;
    }
    footer->num_records += num_records;
    return true;
}

/* ---- chunks ---- */

/* Appends the chunk of all records of @encoder, and padding. */
static bool
write_chunk (ArecSimpleEncoder *encoder, ArecSink *sink, const ArecCodecOptions *codec,
             GError **error)
{
    ArecChunkHeader header;
    ArecBytes body;

    if (!arec_simple_encoder_encode (encoder, codec, &body, error)) {
        return arec_fail_at (error, sink->name, sink->position);
    }
    header = arec_chunk_header_make (AREC_CHUNK_SIMPLE, arec_simple_encoder_n_records (encoder),
                                     arec_simple_encoder_decoded_size (encoder), body);
    return arec_chunk_write (sink, &header, body.at, error) &&
           arec_chunk_write_padding (sink, error);
}

static bool
write_postscript (ArecSink *sink, uint64_t footer_offset, GError **error)
{
    const ArecCodecOptions plain = {.compression = AREC_COMPRESSION_NONE};
    g_autoptr (ArecSimpleEncoder) encoder = arec_simple_encoder_new();
    uint8_t message[FIELDS_SIZE (2)];
    size_t size = put_field (message, 1, footer_offset);

    size += put_field (message + size, 2, AREC_POSTSCRIPT_MAGIC);
    for (unsigned i = 0; i < POSTSCRIPT_COPIES; i++) {
        if (!arec_simple_encoder_add (encoder, message, size, error)) {
            return arec_fail_at (error, sink->name, sink->position);
        }
    }
    return write_chunk (encoder, sink, &plain, error);
}

bool
arec_footer_writer_write (ArecFooterWriter *footer, ArecSink *sink,
                          const ArecCodecOptions *codec, const char *writer_options,
                          GError **error)
{
    uint64_t footer_offset = sink->position;
    g_auto (ArecBuffer) metadata = {0};

    if (!append_footer_metadata (footer, writer_options, &metadata)) {
        return arec_fail (error, AREC_ERROR_NOMEM, "%s: no memory for the footer", sink->name);
    }
    if (!arec_simple_encoder_add_first (footer->entries, metadata.data, metadata.size, error)) {
        return arec_fail_at (error, sink->name, footer_offset);
    }
    return write_chunk (footer->entries, sink, codec, error) &&
           write_postscript (sink, footer_offset, error);
}
