#include "riegeli/chunk_writer.h"

#include "base/buffer.h"
#include "riegeli/block.h"
#include "riegeli/hash.h"

/* What padding and slack are made of. A padding chunk has less than a block of them. */
static const uint8_t zeros[AREC_BLOCK_SIZE];

ArecChunkHeader
arec_chunk_header_make (ArecChunkType type, uint64_t num_records, uint64_t decoded_data_size,
                        ArecBytes data)
{
    size_t size = arec_bytes_left (&data);

    return (ArecChunkHeader){
        .data_size = size,
        .data_hash = arec_hash_data (data.at, size),
        .type = (uint8_t)type,
        .num_records = num_records,
        .decoded_data_size = decoded_data_size,
    };
}

static bool
put_block_header (const ArecChunkWriting *chunk, GError **error)
{
    uint8_t header[AREC_BLOCK_HEADER_SIZE];

    arec_put_le64 (header + 8, chunk->sink->position - chunk->begin);
    arec_put_le64 (header + 16, chunk->end - chunk->sink->position);
    arec_put_le64 (header, arec_hash (header + 8, sizeof header - 8));
    return arec_sink_write (chunk->sink, header, sizeof header, error);
}

/* Appends the next bytes of the chunk, stepping over the begins of blocks. */
static bool
put (const ArecChunkWriting *chunk, const uint8_t *data, uint64_t size, GError **error)
{
    ArecSink *sink = chunk->sink;

    while (size > 0) {
        uint64_t piece;

        if (sink->position % AREC_BLOCK_SIZE == 0 && !put_block_header (chunk, error)) {
            return false;
        }
        piece = MIN (size, arec_block_remaining (sink->position));
        if (!arec_sink_write (sink, data, piece, error)) {
            return false;
        }
        data += piece;
        size -= piece;
    }
    return true;
}

static bool
put_header (const ArecChunkWriting *chunk, const ArecChunkHeader *header, GError **error)
{
    uint8_t raw[AREC_CHUNK_HEADER_SIZE];

    arec_put_le64 (raw + 8, header->data_size);
    arec_put_le64 (raw + 16, header->data_hash);
    arec_put_le64 (raw + 24, header->num_records << 8 | header->type);
    arec_put_le64 (raw + 32, header->decoded_data_size);
    arec_put_le64 (raw, arec_hash (raw + 8, sizeof raw - 8));
    return put (chunk, raw, sizeof raw, error);
}

/* Zeros up to the end, which lies further away than the data when there are more records than
 * bytes. */
static bool
put_slack (const ArecChunkWriting *chunk, GError **error)
{
    uint64_t left = arec_block_distance (chunk->sink->position, chunk->end);

    while (left > 0) {
        uint64_t piece = MIN (left, sizeof zeros);

        if (!put (chunk, zeros, piece, error)) {
            return false;
        }
        left -= piece;
    }
    return true;
}

bool
arec_chunk_write_begin (ArecChunkWriting *chunk, ArecSink *sink, const ArecChunkHeader *header,
                        GError **error)
{
    uint64_t begin = sink->position;

    g_assert (arec_block_is_chunk_boundary (begin));
    *chunk = (ArecChunkWriting){
        sink, begin, arec_block_chunk_end (begin, header->data_size, header->num_records)};
    return put_header (chunk, header, error);
}

bool
arec_chunk_write_data (const ArecChunkWriting *chunk, const uint8_t *data, uint64_t size,
                       GError **error)
{
    return put (chunk, data, size, error);
}

bool
arec_chunk_write_end (const ArecChunkWriting *chunk, GError **error)
{
    return put_slack (chunk, error);
}

bool
arec_chunk_write (ArecSink *sink, const ArecChunkHeader *header, const uint8_t *data,
                  GError **error)
{
    ArecChunkWriting chunk;

    return arec_chunk_write_begin (&chunk, sink, header, error) &&
           arec_chunk_write_data (&chunk, data, header->data_size, error) &&
           arec_chunk_write_end (&chunk, error);
}

bool
arec_chunk_write_signature (ArecSink *sink, GError **error)
{
    ArecChunkHeader header =
        arec_chunk_header_make (AREC_CHUNK_SIGNATURE, 0, 0, arec_bytes (zeros, 0));

    return arec_chunk_write (sink, &header, zeros, error);
}

bool
arec_chunk_write_padding (ArecSink *sink, GError **error)
{
    uint64_t length = arec_block_remaining (sink->position);
    uint64_t data_size;
    ArecChunkHeader header;

    if (length == 0) {
        return true;
    }
    /* Where no header has room, the whole next block is padding too. */
    if (length < AREC_CHUNK_HEADER_SIZE) {
        length += AREC_BLOCK_SIZE;
    }
    data_size =
        arec_block_distance (sink->position, sink->position + length) - AREC_CHUNK_HEADER_SIZE;
    header = arec_chunk_header_make (AREC_CHUNK_PADDING, 0, 0, arec_bytes (zeros, data_size));
    return arec_chunk_write (sink, &header, zeros, error);
}
