#include "riegeli/chunk.h"

#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/heap.h"
#include "codec/stream.h"
#include "riegeli/block.h"
#include "riegeli/simple_chunk.h"
#include "riegeli/transposed_chunk.h"

/* Bytes of data that are read with the header when only sizes are wanted: the compression byte
 * and a length of one byte, so that nothing behind a short size list is read. */
#define FIRST_FRONT 2

/* A stored size list longer than this is not believed without the data hash: twice what varints
 * of the longest form take, and some for the codec. */
#define MAX_SIZES_PER_RECORD (2 * AREC_MAX_VARINT)
#define MAX_SIZES_EXTRA 65536

static ArecError
code_of (ArecDecodeResult result)
{
    switch (result) {
    case AREC_DECODE_UNSUPPORTED: return AREC_ERROR_UNSUPPORTED;
    case AREC_DECODE_LIMIT: return AREC_ERROR_LIMIT;
    case AREC_DECODE_NOMEM: return AREC_ERROR_NOMEM;
    case AREC_DECODE_OK:
    case AREC_DECODE_CORRUPT: return AREC_ERROR_CORRUPT;
    }
    return AREC_ERROR_CORRUPT;
}

bool
arec_chunk_fail (const ArecChunkPlace *place, ArecDecodeResult result, const char *reason,
                 GError **error)
{
    return arec_fail_place (error, code_of (result), place->source->name, place->begin,
                            "cannot decode the chunk: %s", reason);
}

/* Only chunks that hold records go on. */
static bool
check_type (const ArecChunkPlace *place, const ArecChunkHeader *header, GError **error)
{
    if (header->type == AREC_CHUNK_SIMPLE || header->type == AREC_CHUNK_TRANSPOSED) {
        return true;
    }
    return arec_fail_place (
        error, header->num_records > 0 ? AREC_ERROR_UNSUPPORTED : AREC_ERROR_CORRUPT,
        place->source->name, place->begin,
        "chunk type 0x%02x with %" PRIu64 " records, expected one that holds records",
        header->type, header->num_records);
}

/* Bytes that the offsets of records take, and what is made of them meanwhile. */
static uint64_t
cost_of_offsets (const ArecChunkHeader *header)
{
    uint64_t cost = arec_record_ends_cost (header->num_records, header->decoded_data_size);

    /* A short size list is decompressed as a whole, to 10 bytes a record at most. */
    if (header->type == AREC_CHUNK_SIMPLE && cost < UINT64_MAX - AREC_SIMPLE_MAX_WHOLE_LIST) {
        cost += MIN (AREC_MAX_VARINT * header->num_records, AREC_SIMPLE_MAX_WHOLE_LIST);
    }
    return cost;
}

/* Whether what the chunk decodes to, and takes meanwhile, is within the limits. */
static bool
is_within (const ArecChunkHeader *header, uint64_t max_size)
{
    uint64_t offsets;

    if (header->num_records > AREC_MAX_CHUNK_RECORDS) {
        return false;
    }
    offsets = cost_of_offsets (header);
    return offsets <= max_size && header->decoded_data_size <= max_size - offsets;
}

/* What may be used for a size list that cannot be streamed, of a chunk that is within
 * @max_size. */
static uint64_t
memory_for_list (const ArecChunkHeader *header, uint64_t max_size)
{
    return max_size - header->decoded_data_size -
           arec_record_ends_cost (header->num_records, header->decoded_data_size);
}

/* Only chunks whose numbers are within the limits go on. */
static bool
check_size (const ArecChunkPlace *place, const ArecChunkHeader *header, uint64_t max_size,
            GError **error)
{
    if (header->num_records > AREC_MAX_CHUNK_RECORDS) {
        return arec_fail_place (error, AREC_ERROR_LIMIT, place->source->name, place->begin,
                                "the chunk has %" PRIu64 " records, the limit is %" PRIu64,
                                header->num_records, AREC_MAX_CHUNK_RECORDS);
    }
    if (!is_within (header, max_size)) {
        return arec_fail_place (error, AREC_ERROR_LIMIT, place->source->name, place->begin,
                                "the chunk decodes to %" PRIu64 " bytes in %" PRIu64
                                " records, the limit for both is %" PRIu64 " bytes",
                                header->decoded_data_size, header->num_records, max_size);
    }
    return true;
}

static ArecDecodeResult
result_of (const char *reason)
{
    return !reason                          ? AREC_DECODE_OK
           : reason == arec_codec_no_memory ? AREC_DECODE_NOMEM
                                            : AREC_DECODE_CORRUPT;
}

/* Takes the decompressed size off the front of compressed @values; the caller knows it. */
static ArecDecodeResult
take_prefix (ArecBytes *values, const char **reason)
{
    uint64_t prefix;

    if (!arec_bytes_take_varint (values, &prefix)) {
        *reason = "no decompressed size in front of the values";
        return AREC_DECODE_CORRUPT;
    }
    return AREC_DECODE_OK;
}

/* Decompresses @stream into the @decoded_size bytes at @out. */
static ArecDecodeResult
decompress_values (ArecCompression compression, ArecBytes stream, uint64_t decoded_size,
                   uint8_t *out, const char **reason)
{
    size_t size;

    *reason = arec_decompress (compression, stream.at, arec_bytes_left (&stream), out,
                               decoded_size, &size);
    if (!*reason && size != decoded_size) {
        *reason = "the values are shorter than the records";
    }
    return result_of (*reason);
}

/* Begins to decode @stream into the memory of @chunk. Returns false, with nothing changed,
 * where that does not work: then decoding the whole tells why, or works. */
static bool
begin_values (ArecCompression compression, ArecBytes stream, uint64_t decoded_size,
              uint8_t **memory, ArecChunk *chunk)
{
    const char *reason;

    chunk->progressive = arec_progressive_values_new (compression, stream, *memory,
                                                      chunk->memory, decoded_size, &reason);
    if (!chunk->progressive) {
        return false;
    }
    *memory = NULL;
    return true;
}

/* Decompresses the values of @chunk, whose ends are known, and takes @memory over when they lie
 * in it plainly, or are decompressed later because they are more than @max_whole bytes. */
static ArecDecodeResult
decode_values (ArecCompression compression, ArecBytes bytes, uint64_t decoded_size,
               uint64_t max_whole, uint8_t **memory, ArecChunk *chunk, const char **reason)
{
    ArecDecodeResult result;

    if (compression == AREC_COMPRESSION_NONE) {
        if (arec_bytes_left (&bytes) != decoded_size) {
            *reason = "the values are not as long as the records";
            return AREC_DECODE_CORRUPT;
        }
        chunk->values = bytes.at;
        chunk->memory = g_steal_pointer (memory);
        return AREC_DECODE_OK;
    }
    result = take_prefix (&bytes, reason);
    if (result != AREC_DECODE_OK) {
        return result;
    }
    chunk->memory = arec_heap_try_malloc (MAX (decoded_size, 1));
    if (!chunk->memory) {
        *reason = "no memory for the decoded chunk";
        return AREC_DECODE_NOMEM;
    }
    chunk->values = chunk->memory;
    if (decoded_size > max_whole && arec_stream_is_possible (compression) &&
        begin_values (compression, bytes, decoded_size, memory, chunk)) {
        return AREC_DECODE_OK;
    }
    return decompress_values (compression, bytes, decoded_size, chunk->memory, reason);
}

/* Front and size list of @data, all of the chunk's. */
static ArecDecodeResult
decode_sizes (const ArecChunkHeader *header, const uint8_t *data, uint64_t max_size,
              ArecSimpleFront *front, ArecRecordEnds *ends, const char **reason)
{
    ArecDecodeResult result =
        arec_simple_parse_front (data, header->data_size, header->data_size, front, reason);

    if (result != AREC_DECODE_OK) {
        return result;
    }
    return arec_simple_decode_sizes (front, data + front->sizes_begin, header->num_records,
                                     header->decoded_data_size,
                                     memory_for_list (header, max_size), ends, reason);
}

static ArecDecodeResult
decode_simple (const ArecChunkHeader *header, uint8_t **memory, const uint8_t *data,
               uint64_t max_size, uint64_t max_whole, ArecChunk *chunk, const char **reason)
{
    ArecSimpleFront front;
    ArecDecodeResult result =
        decode_sizes (header, data, max_size, &front, &chunk->ends, reason);
    size_t values;

    if (result != AREC_DECODE_OK) {
        return result;
    }
    values = front.sizes_begin + front.sizes_size;
    return decode_values (front.compression,
                          arec_bytes (data + values, header->data_size - values),
                          header->decoded_data_size, max_whole, memory, chunk, reason);
}

static ArecDecodeResult
decode_transposed (const ArecChunkHeader *header, const uint8_t *data,
                   const ArecDecodeLimits *limits, ArecChunk *chunk, const char **reason)
{
    ArecTransposedSize size = {header->num_records, header->decoded_data_size};
    ArecDecodeResult result =
        arec_transposed_decode (arec_bytes (data, header->data_size), &size, limits,
                                &chunk->memory, &chunk->ends, reason);

    chunk->values = chunk->memory;
    return result;
}

/* Decodes a chunk whose header was checked; takes *memory over if records lie in it.
 * @limits     resolved.
 * @max_whole  decoded bytes above which decoding may go on later. */
static bool
decode_checked (const ArecChunkPlace *place, const ArecChunkHeader *header, uint8_t **memory,
                const uint8_t *data, const ArecDecodeLimits *limits, uint64_t max_whole,
                ArecChunk **out, GError **error)
{
    g_autoptr (ArecChunk) chunk = g_new0 (ArecChunk, 1);
    const char *reason = NULL;
    ArecDecodeResult result =
        header->type == AREC_CHUNK_SIMPLE
            ? decode_simple (header, memory, data, limits->max_size, max_whole, chunk, &reason)
            : decode_transposed (header, data, limits, chunk, &reason);

    if (result != AREC_DECODE_OK) {
        return arec_chunk_fail (place, result, reason, error);
    }
    /* An uncompressed chunk keeps its stored form, header and all. */
    chunk->cost = sizeof *chunk + arec_record_ends_memory (&chunk->ends) +
                  (chunk->values == chunk->memory ? header->decoded_data_size
                                                  : AREC_CHUNK_HEADER_SIZE + header->data_size);
    if (chunk->progressive) {
        chunk->cost += arec_progressive_values_held (chunk->progressive);
    }
    *out = g_steal_pointer (&chunk);
    return true;
}

/* arec_chunk_decode (), or the begin of it. */
static bool
decode (const ArecChunkPlace *place, const ArecChunkHeader *header, uint8_t *memory,
        const uint8_t *data, const ArecDecodeLimits *limits, uint64_t max_whole,
        ArecChunk **out, GError **error)
{
    g_autofree uint8_t *owned = memory;
    ArecDecodeLimits resolved = arec_decode_limits_resolve (limits);

    if (header->type == AREC_CHUNK_TRANSPOSED && limits->max_memory > 0) {
        resolved.max_size =
            MIN (resolved.max_size,
                 limits->max_memory - MIN (limits->max_memory, header->data_size));
    }
    return check_type (place, header, error) &&
           check_size (place, header, resolved.max_size, error) &&
           decode_checked (place, header, &owned, data, &resolved, max_whole, out, error);
}

bool
arec_chunk_decode (const ArecChunkPlace *place, const ArecChunkHeader *header, uint8_t *memory,
                   const uint8_t *data, const ArecDecodeLimits *limits, ArecChunk **out,
                   GError **error)
{
    return decode (place, header, memory, data, limits, UINT64_MAX, out, error);
}

const uint8_t *
arec_chunk_decode_into (const ArecChunkHeader *header, const uint8_t *data,
                        const ArecDecodeLimits *limits, uint8_t *memory, ArecRecordEnds *ends)
{
    ArecDecodeLimits resolved = arec_decode_limits_resolve (limits);
    ArecSimpleFront front;
    ArecBytes bytes;
    const char *reason;
    size_t begin;

    if (header->type != AREC_CHUNK_SIMPLE || header->num_records != ends->n ||
        !is_within (header, resolved.max_size) ||
        arec_simple_parse_front (data, header->data_size, header->data_size, &front, &reason) !=
            AREC_DECODE_OK ||
        arec_simple_fill_sizes (&front, data + front.sizes_begin, header->decoded_data_size,
                                memory_for_list (header, resolved.max_size), ends,
                                &reason) != AREC_DECODE_OK) {
        return NULL;
    }
    begin = front.sizes_begin + front.sizes_size;
    bytes = arec_bytes (data + begin, header->data_size - begin);
    if (front.compression == AREC_COMPRESSION_NONE) {
        return arec_bytes_left (&bytes) == header->decoded_data_size ? bytes.at : NULL;
    }
    return take_prefix (&bytes, &reason) == AREC_DECODE_OK &&
                   decompress_values (front.compression, bytes, header->decoded_data_size,
                                      memory, &reason) == AREC_DECODE_OK
               ? memory
               : NULL;
}

bool
arec_chunk_decode_metadata (const ArecChunkPlace *place, const ArecChunkHeader *header,
                            uint8_t *memory, const uint8_t *data,
                            const ArecDecodeLimits *limits, ArecChunk **out, GError **error)
{
    g_autofree uint8_t *owned = memory;
    ArecDecodeLimits resolved = arec_decode_limits_resolve (limits);
    ArecChunkHeader of_body = *header;

    if (header->type != AREC_CHUNK_METADATA || header->num_records != 0) {
        return arec_fail_place (error, AREC_ERROR_CORRUPT, place->source->name, place->begin,
                                "chunk type 0x%02x with %" PRIu64
                                " records, expected metadata with none",
                                header->type, header->num_records);
    }
    of_body.num_records = 1;
    return check_size (place, &of_body, resolved.max_size, error) &&
           decode_checked (place, &of_body, &owned, data, &resolved, UINT64_MAX, out, error);
}

/* The ends of a transposed chunk: only a walk through the whole of it tells them. */
static bool
decode_transposed_ends (const ArecChunkPlace *place, const ArecChunkHeader *header,
                        const uint8_t *data, const ArecDecodeLimits *limits,
                        ArecRecordEnds *ends, GError **error)
{
    ArecTransposedSize size = {header->num_records, header->decoded_data_size};
    const char *reason;
    ArecDecodeResult result = arec_transposed_decode_ends (arec_bytes (data, header->data_size),
                                                           &size, limits, ends, &reason);

    return result == AREC_DECODE_OK || arec_chunk_fail (place, result, reason, error);
}

/* The size list of a simple chunk that begins with the @got bytes at @start; reads what is
 * missing of it. */
static bool
read_size_list (const ArecChunkPlace *place, const ArecChunkHeader *header,
                uint8_t start[AREC_SIMPLE_FRONT_SIZE], size_t got, uint64_t max_size,
                ArecRecordEnds *ends, GError **error)
{
    g_autofree uint8_t *sizes = NULL;
    ArecSimpleFront front;
    const char *reason;
    ArecDecodeResult result =
        arec_simple_parse_front (start, got, header->data_size, &front, &reason);

    if (result == AREC_DECODE_CORRUPT && got == FIRST_FRONT && start[1] >= 0x80) {
        size_t more = MIN (AREC_SIMPLE_FRONT_SIZE, header->data_size) - got;

        if (!arec_chunk_read_part (place, header, got, start + got, more, error)) {
            return false;
        }
        got += more;
        result = arec_simple_parse_front (start, got, header->data_size, &front, &reason);
    }
    if (result != AREC_DECODE_OK) {
        return arec_chunk_fail (place, result, reason, error);
    }
    if (front.sizes_size > MAX_SIZES_PER_RECORD * header->num_records + MAX_SIZES_EXTRA) {
        return arec_chunk_fail (place, AREC_DECODE_CORRUPT,
                                "the size list is too long for its records", error);
    }
    sizes = g_try_malloc (MAX (front.sizes_size, 1));
    if (!sizes) {
        return arec_chunk_fail (place, AREC_DECODE_NOMEM, "no memory for the size list", error);
    }
    /* What came with the front is not read again. */
    got = MIN (got - front.sizes_begin, front.sizes_size);
    memcpy (sizes, start + front.sizes_begin, got);
    if (!arec_chunk_read_part (place, header, front.sizes_begin + got, sizes + got,
                               front.sizes_size - got, error)) {
        return false;
    }
    result =
        arec_simple_decode_sizes (&front, sizes, header->num_records, header->decoded_data_size,
                                  memory_for_list (header, max_size), ends, &reason);
    return result == AREC_DECODE_OK || arec_chunk_fail (place, result, reason, error);
}

bool
arec_chunk_read_sizes (const ArecChunkPlace *place, const ArecDecodeLimits *limits,
                       ArecChunkHeader *header, ArecRecordEnds *ends, GError **error)
{
    uint8_t start[AREC_SIMPLE_FRONT_SIZE];
    ArecDecodeLimits resolved = arec_decode_limits_resolve (limits);
    size_t got;

    if (!arec_chunk_read_front (place, header, start, FIRST_FRONT, &got, error) ||
        !check_type (place, header, error) ||
        !check_size (place, header, resolved.max_size, error)) {
        return false;
    }
    return header->type == AREC_CHUNK_TRANSPOSED
               ? arec_chunk_read_verified_sizes (place, limits, header, ends, error)
               : read_size_list (place, header, start, got, resolved.max_size, ends, error);
}

bool
arec_chunk_read_verified_sizes (const ArecChunkPlace *place, const ArecDecodeLimits *limits,
                                ArecChunkHeader *header, ArecRecordEnds *ends, GError **error)
{
    ArecDecodeLimits resolved = arec_decode_limits_resolve (limits);
    g_autofree uint8_t *memory = NULL;
    const uint8_t *data;
    ArecSimpleFront front;
    ArecDecodeResult result;
    const char *reason;

    if (!arec_chunk_read (place, 0, header, &memory, &data, error) ||
        !check_type (place, header, error) ||
        !check_size (place, header, resolved.max_size, error)) {
        return false;
    }
    if (header->type == AREC_CHUNK_TRANSPOSED) {
        return decode_transposed_ends (place, header, data, &resolved, ends, error);
    }
    result = decode_sizes (header, data, resolved.max_size, &front, ends, &reason);
    return result == AREC_DECODE_OK || arec_chunk_fail (place, result, reason, error);
}

bool
arec_chunk_decode_progressively (const ArecChunkPlace *place, const ArecChunkHeader *header,
                                 uint8_t *memory, const uint8_t *data,
                                 const ArecDecodeLimits *limits, uint64_t max_whole,
                                 ArecChunk **chunk, GError **error)
{
    return decode (place, header, memory, data, limits, max_whole, chunk, error);
}

bool
arec_chunk_load (const ArecChunkPlace *place, uint64_t guess, const ArecDecodeLimits *limits,
                 ArecChunkHeader *header, ArecChunk **chunk, GError **error)
{
    uint8_t *memory;
    const uint8_t *data;

    return arec_chunk_read (place, guess, header, &memory, &data, error) &&
           arec_chunk_decode (place, header, memory, data, limits, chunk, error);
}

bool
arec_chunk_need (ArecChunk *chunk, uint64_t end, ArecProgress *progress,
                 ArecDecodeResult *result, const char **reason)
{
    const char *failure = chunk->progressive
                              ? arec_progressive_values_need (chunk->progressive, end, progress)
                              : NULL;

    if (failure) {
        *result = result_of (failure);
        *reason = failure;
    }
    return !failure;
}

uint64_t
arec_chunk_mark (const ArecChunk *chunk)
{
    return chunk->progressive ? arec_progressive_values_mark (chunk->progressive)
                              : arec_record_ends_begin (&chunk->ends, chunk->ends.n);
}

void
arec_chunk_free (ArecChunk *chunk)
{
    if (!chunk) {
        return;
    }
    arec_progressive_values_free (chunk->progressive);
    arec_record_ends_clear (&chunk->ends);
    g_free (chunk->memory);
    g_free (chunk);
}
