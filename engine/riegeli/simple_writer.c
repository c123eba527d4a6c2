#include "riegeli/simple_writer.h"

#include "base/buffer.h"
#include "base/byte_queue.h"
#include "base/error.h"
#include "base/phases.h"
#include "codec/compress_stream.h"
#include "riegeli/chunk_writer.h"
#include "riegeli/hash.h"
#include "riegeli/packed_buffer.h"

/* What is packed on its own: the sizes of all records, or their values. */
typedef struct {
    uint64_t size; /* bytes */
    const char *(*add_next) (ArecCompressStream *stream, const ArecSimpleRecords *records);
} Part;

/* ---- parts ---- */

static const char *
add_size (ArecCompressStream *stream, const ArecSimpleRecords *records)
{
    uint8_t varint[AREC_MAX_VARINT];

    return arec_compress_stream_add (
        stream, varint, arec_put_varint (varint, records->next_size (records->data)));
}

static const char *
add_value (ArecCompressStream *stream, const ArecSimpleRecords *records)
{
    ArecBytes record = records->next (records->data);

    return arec_compress_stream_add (stream, record.at, arec_bytes_left (&record));
}

static Part
sizes_of (const ArecSimpleRecords *records)
{
    return (Part){records->sizes_size, add_size};
}

static Part
values_of (const ArecSimpleRecords *records)
{
    return (Part){records->values_size, add_value};
}

static bool
put_varint (const ArecCompressOutput *output, uint64_t value)
{
    uint8_t varint[AREC_MAX_VARINT];

    return output->put (output->data, varint, arec_put_varint (varint, value));
}

/* The part of all records as a packed buffer (FORMAT.md 5).
 * @is_last  no other is made after it.
 * Returns NULL or the reason why not. */
static const char *
pack (const ArecCodecOptions *codec, const ArecSimpleRecords *records, Part part, bool is_last,
      const ArecCompressOutput *output)
{
    g_autoptr (ArecCompressStream) stream = NULL;
    const char *reason = arec_compress_stream_new (codec, part.size, output, &stream);

    if (reason) {
        return reason;
    }
    if (codec->compression != AREC_COMPRESSION_NONE && !put_varint (output, part.size)) {
        return arec_compress_stream_no_output;
    }
    records->rewind (records->data, is_last);
    for (uint64_t i = 0; i < records->n_records && !reason; i++) {
        reason = part.add_next (stream, records);
    }
    return reason ? reason : arec_compress_stream_finish (stream);
}

/* What stands in front of the packed sizes. */
static bool
put_front (const ArecCodecOptions *codec, uint64_t packed_size,
           const ArecCompressOutput *output)
{
    const uint8_t compression = (uint8_t)codec->compression;

    return output->put (output->data, &compression, 1) && put_varint (output, packed_size);
}

static ArecChunkHeader
header_of (const ArecSimpleRecords *records, uint64_t data_size, uint64_t data_hash)
{
    return (ArecChunkHeader){
        .data_size = data_size,
        .data_hash = data_hash,
        .type = AREC_CHUNK_SIMPLE,
        .num_records = records->n_records,
        .decoded_data_size = records->values_size,
    };
}

static bool
fail (const ArecSink *sink, const char *reason, uint64_t size, GError **error)
{
    arec_packed_buffer_fail (
        reason == arec_compress_stream_no_output ? arec_codec_no_memory : reason, size, error);
    return arec_fail_at (error, sink->name, sink->position);
}

/* ---- uncompressed ---- */

/* A body that is made once to know what its header says. */
typedef struct {
    ArecHashStream hash;
    uint64_t size;
} Measure;

static bool
measure (void *data, const uint8_t *bytes, size_t size)
{
    Measure *measured = data;
    ArecPhaseMark mark = arec_phases_enter_short (AREC_PHASE_HASHING);

    arec_hash_stream_add (&measured->hash, bytes, size);
    arec_phases_leave (mark);
    measured->size += size;
    return true;
}

/* And once more to write it. */
typedef struct {
    ArecChunkWriting chunk;
    GError *failure; /* of the sink */
} Writing;

static bool
write_bytes (void *data, const uint8_t *bytes, size_t size)
{
    Writing *writing = data;

    return arec_chunk_write_data (&writing->chunk, bytes, size, &writing->failure);
}

static const char *
put_plain_body (const ArecCodecOptions *codec, const ArecSimpleRecords *records, bool is_last,
                const ArecCompressOutput *output)
{
    const char *reason;

    if (!put_front (codec, records->sizes_size, output)) {
        return arec_compress_stream_no_output;
    }
    reason = pack (codec, records, sizes_of (records), false, output);
    return reason ? reason : pack (codec, records, values_of (records), is_last, output);
}

static bool
write_plain (ArecSink *sink, const ArecCodecOptions *codec, const ArecSimpleRecords *records,
             GError **error)
{
    Measure measured = {.size = 0};
    Writing writing = {.failure = NULL};
    ArecChunkHeader header;
    const char *reason;

    arec_hash_stream_init (&measured.hash);
    reason = put_plain_body (codec, records, false, &(ArecCompressOutput){measure, &measured});
    if (reason) {
        return fail (sink, reason, records->values_size, error);
    }
    header = header_of (records, measured.size, arec_hash_stream_finish (&measured.hash));
    if (!arec_chunk_write_begin (&writing.chunk, sink, &header, error)) {
        return false;
    }
    reason =
        put_plain_body (codec, records, true, &(ArecCompressOutput){write_bytes, &writing});
    if (writing.failure) {
        g_propagate_error (error, writing.failure);
        return false;
    }
    return reason ? fail (sink, reason, records->values_size, error)
                  : arec_chunk_write_end (&writing.chunk, error);
}

/* ---- compressed ---- */

static bool
append (void *data, const uint8_t *bytes, size_t size)
{
    return arec_byte_queue_append (data, bytes, size);
}

static uint64_t
hash_of (const ArecByteQueue *body)
{
    ArecPhaseMark mark = arec_phases_enter_short (AREC_PHASE_HASHING);
    ArecHashStream hash;

    arec_hash_stream_init (&hash);
    for (const ArecByteSegment *segment = body->first; segment; segment = segment->next) {
        arec_hash_stream_add (&hash, segment->bytes, segment->size);
    }
    arec_phases_leave (mark);
    return arec_hash_stream_finish (&hash);
}

/* Uses @body up. */
static bool
write_body (ArecSink *sink, const ArecChunkHeader *header, ArecByteQueue *body, GError **error)
{
    ArecChunkWriting chunk;

    if (!arec_chunk_write_begin (&chunk, sink, header, error)) {
        return false;
    }
    while (body->first) {
        if (!arec_chunk_write_data (&chunk, body->first->bytes, body->first->size, error)) {
            return false;
        }
        arec_byte_queue_drop_first (body);
    }
    return arec_chunk_write_end (&chunk, error);
}

static bool
write_packed (ArecSink *sink, const ArecCodecOptions *codec, const ArecSimpleRecords *records,
              GError **error)
{
    g_auto (ArecByteQueue) sizes = {0}, body = {0};
    const ArecCompressOutput to_body = {append, &body};
    ArecChunkHeader header;
    const char *reason =
        pack (codec, records, sizes_of (records), false, &(ArecCompressOutput){append, &sizes});

    if (!reason && !put_front (codec, sizes.size, &to_body)) {
        reason = arec_codec_no_memory;
    }
    if (reason) {
        return fail (sink, reason, records->sizes_size, error);
    }
    arec_byte_queue_move (&sizes, &body);
    reason = pack (codec, records, values_of (records), true, &to_body);
    if (reason) {
        return fail (sink, reason, records->values_size, error);
    }
    header = header_of (records, body.size, hash_of (&body));
    return write_body (sink, &header, &body, error);
}

bool
arec_simple_writer_write (ArecSink *sink, const ArecCodecOptions *codec,
                          const ArecSimpleRecords *records, GError **error)
{
    return codec->compression == AREC_COMPRESSION_NONE
               ? write_plain (sink, codec, records, error)
               : write_packed (sink, codec, records, error);
}
