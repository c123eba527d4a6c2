#include "arrayrecord/footer_writer.h"

#include <inttypes.h>
#include <string.h>

#include "arrayrecord/footer_entries.h"
#include "base/buffer.h"
#include "base/error.h"
#include "riegeli/chunk_writer.h"
#include "riegeli/simple_encoder.h"
#include "riegeli/simple_writer.h"

/* Identical ones in one chunk. */
#define POSTSCRIPT_COPIES 3

/* A message of this many varint fields takes at most so many bytes. */
#define FIELDS_SIZE(n) ((n) * (1 + AREC_MAX_VARINT))

/* The varint of an entry's size has one byte. */
G_STATIC_ASSERT (FIELDS_SIZE (3) < 0x80);

struct ArecFooterWriter {
    ArecFooterEntries entries;
    uint64_t entries_size; /* bytes of their messages */
    uint64_t num_records;
};

ArecFooterWriter *
arec_footer_writer_new (void)
{
    return g_new0 (ArecFooterWriter, 1);
}

void
arec_footer_writer_free (ArecFooterWriter *footer)
{
    if (footer) {
        arec_footer_entries_clear (&footer->entries);
        g_free (footer);
    }
}

uint64_t
arec_footer_writer_memory (const ArecFooterWriter *footer)
{
    return arec_footer_entries_memory (&footer->entries);
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

    size += put_field (fields + size, 2, footer->entries.n);
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

static size_t
size_of_entry (const ArecFooterEntry *entry)
{
    return 3 + arec_varint_size (entry->chunk_offset) +
           arec_varint_size (entry->decoded_data_size) + arec_varint_size (entry->num_records);
}

static size_t
put_entry (uint8_t message[FIELDS_SIZE (3)], const ArecFooterEntry *entry)
{
    size_t size = put_field (message, 1, entry->chunk_offset);

    size += put_field (message + size, 2, entry->decoded_data_size);
    return size + put_field (message + size, 3, entry->num_records);
}

bool
arec_footer_writer_add (ArecFooterWriter *footer, uint64_t chunk_offset, uint64_t decoded_size,
                        uint64_t num_records, GError **error)
{
    const ArecFooterEntry entry = {.has_chunk_offset = true,
                                   .chunk_offset = chunk_offset,
                                   .decoded_data_size = decoded_size,
                                   .num_records = num_records};

    if (!arec_footer_entries_add (&footer->entries, &entry)) {
        return arec_fail (error, AREC_ERROR_NOMEM,
                          "no memory to list the chunk in the footer behind %" PRIu64 " others",
                          footer->entries.n);
    }
    footer->entries_size += size_of_entry (&entry);
    footer->num_records += num_records;
    return true;
}

/* ---- records ---- */

/* The records of the footer's chunk: metadata, then entries. */
typedef struct {
    ArecFooterWriter *footer;
    ArecBytes metadata;
    bool is_begun; /* the metadata was given */
    uint8_t message[FIELDS_SIZE (3)];
} Records;

static void
rewind_records (void *data, bool is_last)
{
    Records *records = data;

    records->is_begun = false;
    arec_footer_entries_rewind (&records->footer->entries, is_last);
}

static ArecBytes
next_record (void *data)
{
    Records *records = data;

    if (!records->is_begun) {
        records->is_begun = true;
        return records->metadata;
    }
    return arec_bytes (
        records->message,
        put_entry (records->message, arec_footer_entries_next (&records->footer->entries)));
}

static size_t
next_size (void *data)
{
    Records *records = data;

    if (!records->is_begun) {
        records->is_begun = true;
        return arec_bytes_left (&records->metadata);
    }
    return size_of_entry (arec_footer_entries_next (&records->footer->entries));
}

static bool
write_footer (ArecFooterWriter *footer, ArecSink *sink, const ArecCodecOptions *codec,
              ArecBytes metadata, GError **error)
{
    Records records = {.footer = footer, .metadata = metadata};
    size_t metadata_size = arec_bytes_left (&metadata);
    const ArecSimpleRecords made = {
        .n_records = 1 + footer->entries.n,
        .sizes_size = arec_varint_size (metadata_size) + footer->entries.n,
        .values_size = metadata_size + footer->entries_size,
        .rewind = rewind_records,
        .next = next_record,
        .next_size = next_size,
        .data = &records,
    };

    return arec_simple_writer_write (sink, codec, &made, error) &&
           arec_chunk_write_padding (sink, error);
}

/* ---- postscript ---- */

/* Appends the chunk of all records of @encoder, and padding. */
static bool
write_chunk (ArecSimpleEncoder *encoder, ArecSink *sink, GError **error)
{
    const ArecCodecOptions plain = {.compression = AREC_COMPRESSION_NONE};
    ArecChunkHeader header;
    ArecBytes body;

    if (!arec_simple_encoder_encode (encoder, &plain, &body, error)) {
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
    g_autoptr (ArecSimpleEncoder) encoder = arec_simple_encoder_new();
    uint8_t message[FIELDS_SIZE (2)];
    size_t size = put_field (message, 1, footer_offset);

    size += put_field (message + size, 2, AREC_POSTSCRIPT_MAGIC);
    for (unsigned i = 0; i < POSTSCRIPT_COPIES; i++) {
        if (!arec_simple_encoder_add (encoder, message, size, error)) {
            return arec_fail_at (error, sink->name, sink->position);
        }
    }
    return write_chunk (encoder, sink, error);
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
    return write_footer (footer, sink, codec, arec_bytes (metadata.data, metadata.size),
                         error) &&
           write_postscript (sink, footer_offset, error);
}
