#include "arrayrecord/shard_writer.h"

#include "arrayrecord/footer_writer.h"
#include "arrayrecord/names_chunk.h"
#include "base/error.h"
#include "riegeli/block.h"
#include "riegeli/chunk_writer.h"

/* Where the first chunk after the file signature begins. */
#define FIRST_CHUNK (AREC_BLOCK_HEADER_SIZE + AREC_CHUNK_HEADER_SIZE)

struct ArecShardWriter {
    ArecSink *sink;
    ArecShardWriterOptions options;
    char *writer_options;
    ArecFooterWriter *footer;
};

ArecShardWriter *
arec_shard_writer_new (ArecSink *sink, const ArecShardWriterOptions *options, GError **error)
{
    g_autoptr (ArecShardWriter) writer = g_new0 (ArecShardWriter, 1);

    writer->sink = sink;
    writer->options = *options;
    writer->writer_options = g_strdup (options->writer_options);
    writer->options.writer_options = writer->writer_options;
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
    arec_footer_writer_free (writer->footer);
    g_free (writer);
}

static bool
write_chunk (ArecShardWriter *writer, const ArecChunkHeader *header, const uint8_t *data,
             GError **error)
{
    return arec_chunk_write (writer->sink, header, data, error) &&
           (!writer->options.pad_to_block_boundary ||
            arec_chunk_write_padding (writer->sink, error));
}

bool
arec_shard_writer_put_metadata (ArecShardWriter *writer, const ArecChunkHeader *header,
                                const uint8_t *data, GError **error)
{
    g_assert (header->type == AREC_CHUNK_METADATA && writer->sink->position == FIRST_CHUNK);
    return write_chunk (writer, header, data, error);
}

/* A chunk that the footer could not list must not be missing from a file that looks complete:
 * the sink is never committed then. */
bool
arec_shard_writer_put_chunk (ArecShardWriter *writer, const ArecChunkHeader *header,
                             const uint8_t *data, GError **error)
{
    uint64_t begin = writer->sink->position;

    g_assert (header->num_records >= 1);
    if (!arec_footer_writer_add (writer->footer, begin, header->decoded_data_size,
                                 header->num_records, error)) {
        writer->sink->failed = true;
        return arec_fail_at (error, writer->sink->name, begin);
    }
    return write_chunk (writer, header, data, error);
}

/* Without padding after it: the footer follows. */
bool
arec_shard_writer_put_names (ArecShardWriter *writer, ArecBytes names, GError **error)
{
    if (!arec_names_chunk_write (writer->sink, &writer->options.codec, names, error)) {
        writer->sink->failed = true;
        return false;
    }
    return true;
}

uint64_t
arec_shard_writer_position (const ArecShardWriter *writer)
{
    return writer->sink->position;
}

static bool
write_footer (ArecShardWriter *writer, GError **error)
{
    return arec_footer_writer_write (writer->footer, writer->sink, &writer->options.codec,
                                     writer->writer_options, error);
}

bool
arec_shard_writer_finish (ArecShardWriter *writer, GError **error)
{
    return write_footer (writer, error) && arec_sink_commit (writer->sink, error);
}

ArecSink *
arec_shard_writer_complete (ArecShardWriter *writer, GError **error)
{
    return write_footer (writer, error) && arec_sink_complete (writer->sink, error)
               ? g_steal_pointer (&writer->sink)
               : NULL;
}
