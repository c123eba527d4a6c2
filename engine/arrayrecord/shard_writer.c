#include "arrayrecord/shard_writer.h"

#include "arrayrecord/footer_writer.h"
#include "base/error.h"
#include "riegeli/block.h"
#include "riegeli/chunk_writer.h"
#include "riegeli/simple_encoder.h"

/* Where the first chunk behind the file signature begins. */
#define FIRST_CHUNK (AREC_BLOCK_HEADER_SIZE + AREC_CHUNK_HEADER_SIZE)

struct ArecShardWriter {
    ArecSink *sink;
    ArecShardWriterOptions options;
    char *writer_options;
    ArecSimpleEncoder *group; /* records that are not written yet */
    ArecFooterWriter *footer;
};

ArecShardWriter *
arec_shard_writer_new (ArecSink *sink, const ArecShardWriterOptions *options, GError **error)
{
    g_autoptr (ArecShardWriter) writer = g_new0 (ArecShardWriter, 1);

    g_assert (options->group_size >= 1);
    writer->sink = sink;
    writer->options = *options;
    writer->writer_options = g_strdup (options->writer_options);
    writer->options.writer_options = writer->writer_options;
    writer->group = arec_simple_encoder_new();
    writer->footer = arec_footer_writer_new();
    return arec_chunk_write_signature (sink, error) ? g_steal_pointer (&writer) : NULL;
}

void
arec_shard_writer_free (ArecShardWriter *writer)
{
    if (!writer) {
        return;
    }
    arec_sink_free (writer->sink);
    g_free (writer->writer_options);
    arec_simple_encoder_free (writer->group);
    arec_footer_writer_free (writer->footer);
    g_free (writer);
}

/* Puts name and offset in front of a message that lacks them. What failed here is not in the
 * file, so the file must never be committed. */
static bool
fail (ArecShardWriter *writer, GError **error)
{
    writer->sink->failed = true;
    return arec_fail_at (error, writer->sink->name, writer->sink->position);
}

static bool
write_chunk (ArecShardWriter *writer, const ArecChunkHeader *header, const uint8_t *data,
             GError **error)
{
    return arec_chunk_write (writer->sink, header, data, error) &&
           (!writer->options.pad_to_block_boundary ||
            arec_chunk_write_padding (writer->sink, error));
}

/* A chunk with records, which the footer lists. */
static bool
write_record_chunk (ArecShardWriter *writer, const ArecChunkHeader *header, const uint8_t *data,
                    GError **error)
{
    uint64_t begin = writer->sink->position;

    if (!arec_footer_writer_add (writer->footer, begin, header->decoded_data_size,
                                 header->num_records, error)) {
        return fail (writer, error);
    }
    return write_chunk (writer, header, data, error);
}

/* Writes the records that wait, if there are any, as one chunk. */
static bool
flush_group (ArecShardWriter *writer, GError **error)
{
    uint64_t n_records = arec_simple_encoder_n_records (writer->group);
    ArecChunkHeader header;
    ArecBytes body;

    if (n_records == 0) {
        return true;
    }
    if (!arec_simple_encoder_encode (writer->group, &writer->options.codec, &body, error)) {
        return fail (writer, error);
    }
    header = arec_chunk_header_make (AREC_CHUNK_SIMPLE, n_records,
                                     arec_simple_encoder_decoded_size (writer->group), body);
    if (!write_record_chunk (writer, &header, body.at, error)) {
        return false;
    }
    arec_simple_encoder_reset (writer->group);
    return true;
}

bool
arec_shard_writer_copy_metadata (ArecShardWriter *writer, const ArecChunkHeader *header,
                                 const uint8_t *data, GError **error)
{
    g_assert (header->type == AREC_CHUNK_METADATA && writer->sink->position == FIRST_CHUNK);
    return write_chunk (writer, header, data, error);
}

bool
arec_shard_writer_copy_chunk (ArecShardWriter *writer, const ArecChunkHeader *header,
                              const uint8_t *data, GError **error)
{
    g_assert (header->num_records >= 1);
    return flush_group (writer, error) && write_record_chunk (writer, header, data, error);
}

bool
arec_shard_writer_add (ArecShardWriter *writer, const void *data, size_t size, GError **error)
{
    if (!arec_simple_encoder_add (writer->group, data, size, error)) {
        return fail (writer, error);
    }
    return arec_simple_encoder_n_records (writer->group) < writer->options.group_size ||
           flush_group (writer, error);
}

bool
arec_shard_writer_finish (ArecShardWriter *writer, GError **error)
{
    return flush_group (writer, error) &&
           arec_footer_writer_write (writer->footer, writer->sink, &writer->options.codec,
                                     writer->writer_options, error) &&
           arec_sink_commit (writer->sink, error);
}
