#include "riegeli/chunk.h"

#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/heap.h"
#include "codec/codec_stream.h"
#include "riegeli/block.h"
#include "riegeli/simple_chunk.h"
#include "riegeli/transposed_chunk.h"

/* Bytes of data that are read with the header when only sizes are wanted: the compression byte
 * and a length of one byte, so that nothing past a short size list is read. */
#define FIRST_FRONT 2

/* A stored size list longer than this is not believed without the data hash: twice what varints
 * of the longest form take, and some for the codec. */
#define MAX_SIZES_PER_RECORD (2 * AREC_MAX_VARINT)
#define MAX_SIZES_EXTRA 65536

/* The steps of a simple chunk are compiled once for each destination. In a file of single
 * records, what the compiler can then leave out for a run is 1.5 % of all instructions. */
#define INLINE static inline __attribute__ ((always_inline))

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

bool
arec_chunk_is_within (const ArecChunkHeader *header, uint64_t max_size)
{
    uint64_t offsets;

    if (header->num_records > AREC_MAX_CHUNK_RECORDS) {
        return false;
    }
    offsets = cost_of_offsets (header);
    return offsets <= max_size && header->decoded_data_size <= max_size - offsets;
}

bool
arec_chunk_body_is_within (const ArecChunkHeader *header, ArecBytes body, uint64_t max_size)
{
    const ArecTransposedSize size = {header->num_records, header->decoded_data_size};
    ArecDecodeLimits limits = {.max_size = max_size};

    if (!arec_chunk_is_within (header, max_size) || arec_bytes_left (&body) > max_size) {
        return false;
    }
    /* A reader's memory holds the stored form of a transposed one besides. */
    limits.max_size = MAX (max_size - arec_bytes_left (&body), 1); /* 0 would be the default */
    limits = arec_decode_limits_resolve (&limits);
    return header->type != AREC_CHUNK_TRANSPOSED ||
           (arec_chunk_is_within (header, limits.max_size) &&
            arec_transposed_is_within (body, &size, &limits));
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
    if (!arec_chunk_is_within (header, max_size)) {
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

/* Where a simple chunk is decoded to, and where its values are then. */
typedef struct {
    ArecRecordEnds *ends;
    bool is_callers;       /* @ends and @memory have room; else both are made here */
    uint64_t max_whole;    /* decoded bytes above which decoding may go on later */
    uint8_t *memory;       /* NULL: none is needed, or made yet */
    const uint8_t *values; /* (out) in @memory, or in the stored data */
    ArecProgressiveValues *progressive; /* (out) NULL: all values are decoded */
} Destination;

/* Starts to decode @stream into the memory of @to. Returns false, with nothing changed, if that
 * cannot be started: then decoding the whole gives the reason, or works. */
INLINE bool
start_values (ArecCompression compression, ArecBytes stream, ArecStoredChunk *stored,
              Destination *to)
{
    const char *reason;

    if (stored->header->decoded_data_size <= to->max_whole ||
        !arec_codec_stream_is_possible (compression)) {
        return false;
    }
    to->progressive =
        arec_progressive_values_new (compression, stream, stored->memory, to->memory,
                                     stored->header->decoded_data_size, &reason);
    if (to->progressive) {
        stored->memory = NULL;
    }
    return to->progressive;
}

/* The values of @stored, which are its last @bytes; its ends are known. */
INLINE ArecDecodeResult
decode_values (ArecStoredChunk *stored, ArecCompression compression, ArecBytes bytes,
               Destination *to, const char **reason)
{
    uint64_t decoded_size = stored->header->decoded_data_size;
    ArecDecodeResult result;

    if (compression == AREC_COMPRESSION_NONE) {
        if (arec_bytes_left (&bytes) != decoded_size) {
            *reason = "the values are not as long as the records";
            return AREC_DECODE_CORRUPT;
        }
        to->values = bytes.at;
        return AREC_DECODE_OK;
    }
    result = take_prefix (&bytes, reason);
    if (result != AREC_DECODE_OK) {
        return result;
    }
    if (!to->is_callers) {
        to->memory = arec_heap_try_malloc (MAX (decoded_size, 1));
        if (!to->memory) {
            *reason = "no memory for the decoded chunk";
            return AREC_DECODE_NOMEM;
        }
    }
    to->values = to->memory;
    return start_values (compression, bytes, stored, to)
               ? AREC_DECODE_OK
               : decompress_values (compression, bytes, decoded_size, to->memory, reason);
}

/* Front and size list of @stored, into @ends: with room for them, or new ones. */
INLINE ArecDecodeResult
decode_sizes (const ArecStoredChunk *stored, uint64_t max_size, bool have_room,
              ArecSimpleFront *front, ArecRecordEnds *ends, const char **reason)
{
    const ArecChunkHeader *header = stored->header;
    ArecDecodeResult result = arec_simple_parse_front (stored->data, header->data_size,
                                                       header->data_size, front, reason);
    const uint8_t *sizes;
    uint64_t max_memory;

    if (result != AREC_DECODE_OK) {
        return result;
    }
    sizes = stored->data + front->sizes_begin;
    max_memory = memory_for_list (header, max_size);
    return have_room
               ? arec_simple_fill_sizes (front, sizes, header->decoded_data_size, max_memory,
                                         ends, reason)
               : arec_simple_decode_sizes (front, sizes, header->num_records,
                                           header->decoded_data_size, max_memory, ends, reason);
}

/* Decodes a simple chunk to where @to says. Ends come first: what values are decoded, and how
 * many, follows from them. On failure what @to holds is undefined, but still the caller's to
 * free. */
INLINE ArecDecodeResult
decode_simple (ArecStoredChunk *stored, uint64_t max_size, Destination *to, const char **reason)
{
    ArecSimpleFront front;
    ArecDecodeResult result =
        decode_sizes (stored, max_size, to->is_callers, &front, to->ends, reason);
    size_t begin;

    if (result != AREC_DECODE_OK) {
        return result;
    }
    begin = front.sizes_begin + front.sizes_size;
    return decode_values (stored, front.compression,
                          arec_bytes (stored->data + begin, stored->header->data_size - begin),
                          to, reason);
}

/* A simple chunk with memory of its own. It takes over that of @stored if records lie in it. */
static ArecDecodeResult
decode_whole_simple (ArecStoredChunk *stored, uint64_t max_size, uint64_t max_whole,
                     ArecChunk *chunk, const char **reason)
{
    Destination to = {.ends = &chunk->ends, .max_whole = max_whole};
    ArecDecodeResult result = decode_simple (stored, max_size, &to, reason);

    if (result == AREC_DECODE_OK && !to.memory) {
        to.memory = g_steal_pointer (&stored->memory);
    }
    chunk->values = to.values;
    chunk->memory = to.memory;
    chunk->progressive = to.progressive;
    return result;
}

static ArecDecodeResult
decode_transposed (const ArecStoredChunk *stored, const ArecDecodeLimits *limits,
                   ArecChunk *chunk, const char **reason)
{
    const ArecChunkHeader *header = stored->header;
    ArecTransposedSize size = {header->num_records, header->decoded_data_size};
    ArecDecodeResult result =
        arec_transposed_decode (arec_bytes (stored->data, header->data_size), &size, limits,
                                &chunk->memory, &chunk->ends, reason);

    chunk->values = chunk->memory;
    return result;
}

/* Decodes a chunk whose header was checked; takes its memory over only if records lie in it.
 * @limits     resolved.
 * @max_whole  decoded bytes above which decoding may go on later. */
static bool
decode_checked (ArecStoredChunk *stored, const ArecDecodeLimits *limits, uint64_t max_whole,
                ArecChunk **out, GError **error)
{
    const ArecChunkHeader *header = stored->header;
    g_autoptr (ArecChunk) chunk = g_new0 (ArecChunk, 1);
    const char *reason = NULL;
    ArecDecodeResult result =
        header->type == AREC_CHUNK_SIMPLE
            ? decode_whole_simple (stored, limits->max_size, max_whole, chunk, &reason)
            : decode_transposed (stored, limits, chunk, &reason);

    if (result != AREC_DECODE_OK) {
        return arec_chunk_fail (stored->place, result, reason, error);
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

bool
arec_chunk_decode_progressively (ArecStoredChunk *stored, const ArecDecodeLimits *limits,
                                 uint64_t max_whole, ArecChunk **out, GError **error)
{
    const ArecChunkHeader *header = stored->header;
    ArecDecodeLimits resolved = arec_decode_limits_resolve (limits);
    bool ok;

    if (header->type == AREC_CHUNK_TRANSPOSED && limits->max_memory > 0) {
        resolved.max_size =
            MIN (resolved.max_size,
                 limits->max_memory - MIN (limits->max_memory, header->data_size));
    }
    ok = check_type (stored->place, header, error) &&
         check_size (stored->place, header, resolved.max_size, error) &&
         decode_checked (stored, &resolved, max_whole, out, error);
    g_clear_pointer (&stored->memory, g_free);
    return ok;
}

bool
arec_chunk_decode (ArecStoredChunk *stored, const ArecDecodeLimits *limits, ArecChunk **out,
                   GError **error)
{
    return arec_chunk_decode_progressively (stored, limits, UINT64_MAX, out, error);
}

const uint8_t *
arec_chunk_decode_into (const ArecStoredChunk *stored, const ArecDecodeLimits *limits,
                        uint8_t *values, ArecRecordEnds *ends)
{
    ArecChunkHeader *header = stored->header;
    ArecDecodeLimits resolved = arec_decode_limits_resolve (limits);
    /* With no bound on the whole nothing is decoded later, so no memory is taken over. */
    ArecStoredChunk borrowed = {stored->place, header, stored->data, NULL};
    Destination to = {
        .ends = ends, .is_callers = true, .max_whole = UINT64_MAX, .memory = values};
    const char *reason;

    return header->type == AREC_CHUNK_SIMPLE && header->num_records == ends->n &&
                   arec_chunk_is_within (header, resolved.max_size) &&
                   decode_simple (&borrowed, resolved.max_size, &to, &reason) == AREC_DECODE_OK
               ? to.values
               : NULL;
}

bool
arec_chunk_decode_metadata (ArecStoredChunk *stored, const ArecDecodeLimits *limits,
                            ArecChunk **out, GError **error)
{
    const ArecChunkPlace *place = stored->place;
    ArecDecodeLimits resolved = arec_decode_limits_resolve (limits);
    ArecChunkHeader of_body = *stored->header;
    ArecStoredChunk body = {place, &of_body, stored->data, g_steal_pointer (&stored->memory)};
    bool ok;

    of_body.num_records = 1;
    if (of_body.type != AREC_CHUNK_METADATA || stored->header->num_records != 0) {
        ok = arec_fail_place (error, AREC_ERROR_CORRUPT, place->source->name, place->begin,
                              "chunk type 0x%02x with %" PRIu64
                              " records, expected metadata with none",
                              of_body.type, stored->header->num_records);
    } else {
        ok = check_size (place, &of_body, resolved.max_size, error) &&
             decode_checked (&body, &resolved, UINT64_MAX, out, error);
    }
    g_free (body.memory);
    return ok;
}

/* The ends of a transposed chunk, which only a walk through the whole of it finds. */
static ArecDecodeResult
decode_transposed_ends (const ArecStoredChunk *stored, const ArecDecodeLimits *limits,
                        ArecRecordEnds *ends, const char **reason)
{
    const ArecChunkHeader *header = stored->header;
    ArecTransposedSize size = {header->num_records, header->decoded_data_size};

    return arec_transposed_decode_ends (arec_bytes (stored->data, header->data_size), &size,
                                        limits, ends, reason);
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
    ArecStoredChunk stored = {.place = place, .header = header};
    ArecSimpleFront front;
    ArecDecodeResult result;
    const char *reason;

    if (!arec_chunk_read (&stored, 0, error)) {
        return false;
    }
    memory = stored.memory;
    if (!check_type (place, header, error) ||
        !check_size (place, header, resolved.max_size, error)) {
        return false;
    }
    result = header->type == AREC_CHUNK_TRANSPOSED
                 ? decode_transposed_ends (&stored, &resolved, ends, &reason)
                 : decode_sizes (&stored, resolved.max_size, false, &front, ends, &reason);
    return result == AREC_DECODE_OK || arec_chunk_fail (place, result, reason, error);
}

bool
arec_chunk_load (const ArecChunkPlace *place, uint64_t guess, const ArecDecodeLimits *limits,
                 ArecChunkHeader *header, ArecChunk **chunk, GError **error)
{
    ArecStoredChunk stored = {.place = place, .header = header};

    return arec_chunk_read (&stored, guess, error) &&
           arec_chunk_decode (&stored, limits, chunk, error);
}

bool
arec_chunk_need (ArecChunk *chunk, uint64_t end, ArecDecodeTally *tally,
                 ArecDecodeResult *result, const char **reason)
{
    const char *failure = chunk->progressive
                              ? arec_progressive_values_need (chunk->progressive, end, tally)
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
