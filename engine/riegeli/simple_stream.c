#include "riegeli/simple_stream.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "codec/codec_stream.h"
#include "riegeli/hash.h"
#include "riegeli/simple_chunk.h"

/* Stored bytes of one read: of the pass over all, unless they are kept, and of one of the two
 * parts. */
#define PASS_READ_SIZE (UINT64_C (1) << 20)
#define PART_READ_SIZE (UINT64_C (256) << 10)

/* Decompressed bytes that a window holds at first. */
#define WINDOW_SIZE ((size_t)64 << 10)

/* Stored bytes [at, end) of the chunk's data. */
typedef struct {
    ArecSimpleStream *chunk;
    uint64_t at, end;
    const uint8_t *bytes; /* read, not yet given */
    size_t n_bytes;
    uint8_t *buffer; /* of PART_READ_SIZE, unless the chunk is kept */
} Part;

/* Decompressed bytes of a part, as many as are needed at a time. */
typedef struct {
    Part part;
    ArecCodecStream *stream;
    uint8_t *memory;
    size_t room, begin, end; /* bytes [begin, end) of `room` are not taken yet */
    bool ended;
} Window;

struct ArecSimpleStream {
    ArecChunkPlace place;
    ArecChunkHeader header;
    ArecSimpleFront front;
    uint64_t max_record_size;
    uint64_t keep_size;
    uint8_t *kept;        /* all data, or NULL */
    Window sizes, values; /* without a stream until they are opened */
    GError *failure;      /* of a part's read */
};

/* ---- failing ---- */

static const char no_sizes_prefix[] = "no decompressed size in front of the size list";
static const char no_values_prefix[] = "no decompressed size in front of the values";

/* Makes the error of @reason, which a window gave. */
static bool
fail (ArecSimpleStream *chunk, const char *reason, GError **error)
{
    if (reason == arec_codec_stream_no_input) {
        g_propagate_error (error, g_steal_pointer (&chunk->failure));
        return false;
    }
    return arec_fail_place (
        error, reason == arec_codec_no_memory ? AREC_ERROR_NOMEM : AREC_ERROR_CORRUPT,
        chunk->place.source->name, chunk->place.begin, "cannot decode the chunk: %s", reason);
}

static bool
check_limit (const ArecSimpleStream *chunk, GError **error)
{
    const ArecChunkHeader *header = &chunk->header;
    uint64_t sizes =
        AREC_MAX_VARINT * header->num_records; /* records are bounded by the file */

    return (sizes <= AREC_MAX_STREAMED_SIZE &&
            header->decoded_data_size <= AREC_MAX_STREAMED_SIZE - sizes) ||
           arec_fail_place (
               error, AREC_ERROR_LIMIT, chunk->place.source->name, chunk->place.begin,
               "the chunk decodes to %" PRIu64 " bytes in %" PRIu64
               " records, the limit for both is %" PRIu64 " bytes",
               header->decoded_data_size, header->num_records, AREC_MAX_STREAMED_SIZE);
}

/* ---- stored bytes ---- */

static bool
read_part (const ArecSimpleStream *chunk, uint64_t at, uint8_t *out, size_t n, GError **error)
{
    return arec_chunk_read_part (&chunk->place, &chunk->header, at, out, n, error);
}

/* Reads all data, of which @front are the first @got bytes, into memory that stays. */
static bool
keep_all (ArecSimpleStream *chunk, const uint8_t *front, size_t got, uint64_t *hash,
          GError **error)
{
    size_t size = (size_t)chunk->header.data_size;

    chunk->kept = g_try_malloc (MAX (size, 1));
    if (!chunk->kept) {
        return fail (chunk, arec_codec_no_memory, error);
    }
    memcpy (chunk->kept, front, got);
    if (!read_part (chunk, got, chunk->kept + got, size - got, error)) {
        return false;
    }
    *hash = arec_hash_data (chunk->kept, size);
    return true;
}

/* Reads all data piece by piece, and keeps none of it. */
static bool
pass_over_all (ArecSimpleStream *chunk, const uint8_t *front, size_t got, uint64_t *hash,
               GError **error)
{
    g_autofree uint8_t *memory = g_try_malloc (PASS_READ_SIZE);
    uint64_t size = chunk->header.data_size;
    ArecHashStream stream;

    if (!memory) {
        return fail (chunk, arec_codec_no_memory, error);
    }
    arec_hash_stream_init (&stream);
    arec_hash_stream_add (&stream, front, got);
    for (uint64_t at = got; at < size;) {
        size_t n = (size_t)MIN (size - at, PASS_READ_SIZE);

        if (!read_part (chunk, at, memory, n, error)) {
            return false;
        }
        arec_hash_stream_add (&stream, memory, n);
        at += n;
    }
    *hash = arec_hash_stream_finish (&stream);
    return true;
}

/* Reads all data once for its hash. @front  its first @got bytes. */
static bool
verify (ArecSimpleStream *chunk, const uint8_t *front, size_t got, GError **error)
{
    bool keep = chunk->header.data_size <= chunk->keep_size;
    uint64_t hash;

    if (!(keep ? keep_all : pass_over_all) (chunk, front, got, &hash, error)) {
        return false;
    }
    return hash == chunk->header.data_hash ||
           arec_fail_place (error, AREC_ERROR_CORRUPT, chunk->place.source->name,
                            chunk->place.begin,
                            "data hash mismatch in a chunk of %" PRIu64 " bytes",
                            chunk->header.end - chunk->place.begin);
}

/* Makes stored bytes available unless the part is at its end. */
static bool
part_fill (Part *part)
{
    ArecSimpleStream *chunk = part->chunk;
    uint64_t left = part->end - part->at;

    if (part->n_bytes > 0 || left == 0) {
        return true;
    }
    if (chunk->kept) {
        part->bytes = chunk->kept + part->at;
        part->n_bytes = (size_t)left;
    } else {
        part->bytes = part->buffer;
        part->n_bytes = (size_t)MIN (left, PART_READ_SIZE);
        if (!arec_chunk_read_part (&chunk->place, &chunk->header, part->at, part->buffer,
                                   part->n_bytes, &chunk->failure)) {
            return false;
        }
    }
    part->at += part->n_bytes;
    return true;
}

static bool
part_next (void *data, const uint8_t **bytes, size_t *size)
{
    Part *part = data;

    if (!part_fill (part)) {
        return false;
    }
    *bytes = part->bytes;
    *size = part->n_bytes;
    part->n_bytes = 0;
    return true;
}

/* Steps over the decompressed size in front of a stream. It is only a hint, and never trusted.
 */
static const char *
part_skip_prefix (Part *part, const char *missing)
{
    ArecBytes bytes;
    uint64_t ignored;

    if (!part_fill (part)) {
        return arec_codec_stream_no_input;
    }
    bytes = arec_bytes (part->bytes, part->n_bytes);
    if (!arec_bytes_take_varint (&bytes, &ignored)) {
        return missing;
    }
    part->bytes = bytes.at;
    part->n_bytes = arec_bytes_left (&bytes);
    return NULL;
}

/* ---- decompressed bytes ---- */

static void
window_close (Window *window)
{
    arec_codec_stream_free (window->stream);
    g_free (window->memory);
    g_free (window->part.buffer);
    *window = (Window){0};
}

/* Opens the stream over stored bytes [begin, end), which gives at most @capacity bytes.
 * @missing  the reason when the size in front of it is. */
static const char *
window_open (Window *window, ArecSimpleStream *chunk, uint64_t begin, uint64_t end,
             uint64_t capacity, const char *missing)
{
    ArecCompression compression = chunk->front.compression;
    ArecCodecStreamInput input = {part_next, &window->part};
    const char *reason;

    *window = (Window){.part = {.chunk = chunk, .at = begin, .end = end}, .room = WINDOW_SIZE};
    window->memory = g_try_malloc (window->room);
    window->part.buffer = chunk->kept ? NULL : g_try_malloc (PART_READ_SIZE);
    window->stream = arec_codec_stream_new (compression, capacity, &input);
    if (!window->memory || !window->stream || (!chunk->kept && !window->part.buffer)) {
        return arec_codec_no_memory;
    }
    if (compression != AREC_COMPRESSION_NONE) {
        reason = part_skip_prefix (&window->part, missing);
        if (reason) {
            return reason;
        }
    }
    return NULL;
}

static bool
window_grow (Window *window, size_t room)
{
    uint8_t *memory = g_try_realloc (window->memory, room);

    if (memory) {
        window->memory = memory;
        window->room = room;
    }
    return memory != NULL;
}

/* window_need () where there are not enough bytes. */
static const char *
window_fill (Window *window, size_t n)
{
    memmove (window->memory, window->memory + window->begin, window->end - window->begin);
    window->end -= window->begin;
    window->begin = 0;
    if (n > window->room && !window_grow (window, n)) {
        return arec_codec_no_memory;
    }
    while (window->end < n && !window->ended) {
        size_t wanted = window->room - window->end, got;
        const char *reason =
            arec_codec_stream_read (window->stream, window->memory + window->end, wanted, &got);

        if (reason) {
            return reason;
        }
        window->ended = got < wanted;
        window->end += got;
    }
    return NULL;
}

/* Makes @n bytes available; fewer only when there are no more. */
static inline const char *
window_need (Window *window, size_t n)
{
    return window->end - window->begin >= n || window->ended ? NULL : window_fill (window, n);
}

static ArecBytes
window_bytes (const Window *window)
{
    return arec_bytes (window->memory + window->begin, window->end - window->begin);
}

/* ---- sizes and values ---- */

static const char *
open_sizes (ArecSimpleStream *chunk)
{
    const ArecSimpleFront *front = &chunk->front;
    uint64_t capacity = front->compression == AREC_COMPRESSION_NONE
                            ? UINT64_MAX
                            : AREC_MAX_VARINT * chunk->header.num_records;

    return window_open (&chunk->sizes, chunk, front->sizes_begin,
                        front->sizes_begin + front->sizes_size, capacity, no_sizes_prefix);
}

static const char *
next_size (ArecSimpleStream *chunk, uint64_t *size)
{
    Window *sizes = &chunk->sizes;
    const char *reason = window_need (sizes, AREC_MAX_VARINT);
    ArecBytes bytes;

    if (reason) {
        return reason;
    }
    bytes = window_bytes (sizes);
    if (!arec_bytes_take_varint (&bytes, size)) {
        return "the size list ends before the last record";
    }
    sizes->begin = sizes->end - arec_bytes_left (&bytes);
    return NULL;
}

/* Goes over the sizes in the window, from that of record *i on, as far as each is surely whole.
 * @left  decoded bytes for these and all later records. */
static const char *
check_window (ArecSimpleStream *chunk, uint64_t *i, uint64_t *left, uint64_t *largest)
{
    Window *sizes = &chunk->sizes;
    ArecBytes bytes = window_bytes (sizes);
    size_t keep = sizes->ended ? 0 : AREC_MAX_VARINT - 1;
    uint64_t n = chunk->header.num_records, k = *i, most = *largest;

    do {
        uint64_t size;

        if (!arec_bytes_take_varint (&bytes, &size)) {
            return "the size list ends before the last record";
        }
        if (size > *left) {
            return "record sizes add up to more than the decoded size";
        }
        *left -= size;
        most = MAX (most, size);
        k++;
    } while (k < n && arec_bytes_left (&bytes) > keep);
    sizes->begin = sizes->end - arec_bytes_left (&bytes);
    *i = k;
    *largest = most;
    return NULL;
}

/* Goes over the whole size list. @largest (out) of all records. */
static const char *
check_sizes (ArecSimpleStream *chunk, uint64_t *largest)
{
    uint64_t left = chunk->header.decoded_data_size, i = 0;
    const char *reason = open_sizes (chunk);
    ArecBytes rest;

    *largest = 0;
    while (!reason && i < chunk->header.num_records) {
        reason = window_need (&chunk->sizes, AREC_MAX_VARINT);
        reason = reason ? reason : check_window (chunk, &i, &left, largest);
    }
    reason = reason ? reason : window_need (&chunk->sizes, 1);
    if (reason) {
        return reason;
    }
    rest = window_bytes (&chunk->sizes);
    if (arec_bytes_left (&rest) > 0) {
        return "bytes left over after the size list";
    }
    return left > 0 ? "record sizes add up to less than the decoded size" : NULL;
}

/* Opens the values as far as to know that their stream begins well. */
static const char *
open_values (ArecSimpleStream *chunk)
{
    const ArecSimpleFront *front = &chunk->front;
    uint64_t begin = front->sizes_begin + front->sizes_size, end = chunk->header.data_size;
    uint64_t decoded = chunk->header.decoded_data_size;
    const char *reason;

    if (front->compression == AREC_COMPRESSION_NONE && end - begin != decoded) {
        return "the values are not as long as the records";
    }
    reason = window_open (&chunk->values, chunk, begin, end, decoded, no_values_prefix);
    return reason ? reason : window_need (&chunk->values, 1);
}

/* ---- the stream ---- */

/* Opens both streams. Returns NULL or a reason. */
static const char *
open_streams (ArecSimpleStream *chunk, uint64_t *largest)
{
    const char *reason = check_sizes (chunk, largest);

    if (!reason) {
        window_close (&chunk->sizes);
        reason = open_sizes (chunk);
    }
    return reason ? reason : open_values (chunk);
}

bool
arec_simple_stream_open (const ArecChunkPlace *place, const ArecSimpleStreamOptions *options,
                         ArecChunkHeader *header, ArecSimpleStream **out, GError **error)
{
    g_autoptr (ArecSimpleStream) chunk = g_new0 (ArecSimpleStream, 1);
    uint8_t front[AREC_SIMPLE_FRONT_SIZE];
    uint64_t largest;
    const char *reason;
    size_t got;

    chunk->place = *place;
    chunk->max_record_size = options->max_record_size;
    chunk->keep_size = options->keep_size;
    if (!arec_chunk_read_front (place, &chunk->header, front, sizeof front, &got, error)) {
        return false;
    }
    *header = chunk->header;
    if (options->check && !options->check (options->data, header, error)) {
        return false;
    }
    if (header->type != AREC_CHUNK_SIMPLE ||
        arec_simple_parse_front (front, got, header->data_size, &chunk->front, &reason) !=
            AREC_DECODE_OK ||
        !arec_codec_stream_is_possible (chunk->front.compression)) {
        *out = NULL;
        return true;
    }
    if (!check_limit (chunk, error) || !verify (chunk, front, got, error)) {
        return false;
    }
    reason = open_streams (chunk, &largest);
    if (reason == arec_codec_stream_needs_whole) {
        *out = NULL;
        return true;
    }
    if (reason) {
        return fail (chunk, reason, error);
    }
    if (largest > options->max_record_size) {
        return arec_fail_place (error, AREC_ERROR_LIMIT, place->source->name, place->begin,
                                "the chunk has a record of %" PRIu64
                                " bytes, the limit is %" PRIu64,
                                largest, options->max_record_size);
    }
    *out = g_steal_pointer (&chunk);
    return true;
}

void
arec_simple_stream_free (ArecSimpleStream *stream)
{
    if (!stream) {
        return;
    }
    window_close (&stream->sizes);
    window_close (&stream->values);
    g_clear_error (&stream->failure);
    g_free (stream->kept);
    g_free (stream);
}

bool
arec_simple_stream_next (ArecSimpleStream *stream, ArecBytes *record, GError **error)
{
    Window *values = &stream->values;
    uint64_t size = 0;
    const char *reason = next_size (stream, &size);
    ArecBytes bytes;
    const uint8_t *begin;

    if (!reason && size > stream->max_record_size) {
        reason = "the size list changed while it was read"; /* it was checked before */
    }
    reason = reason ? reason : window_need (values, size);
    if (reason) {
        return fail (stream, reason, error);
    }
    bytes = window_bytes (values);
    if (!arec_bytes_take (&bytes, size, &begin)) {
        return fail (stream, "the values are shorter than the records", error);
    }
    values->begin += size;
    *record = arec_bytes (begin, size);
    return true;
}

bool
arec_simple_stream_end (ArecSimpleStream *stream, GError **error)
{
    const char *reason = window_need (&stream->values, 1);

    return !reason || fail (stream, reason, error);
}
