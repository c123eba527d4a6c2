#include "riegeli/simple_chunk.h"

#include <string.h>

#include "base/bytes.h"
#include "base/scratch.h"
#include "codec/codec_stream.h"

/* Decompressed bytes of a streamed size list that are in memory at a time. */
#define WINDOW_SIZE ((size_t)64 * 1024)

/* The window of a codec up to which its streams are worth it: 8 MiB. Writers choose no larger
 * ones for lists of less than some million records. */
#define MAX_WINDOW_LOG 23

ArecDecodeResult
arec_simple_parse_front (const uint8_t *data, size_t size, uint64_t data_size,
                         ArecSimpleFront *front, const char **reason)
{
    ArecBytes bytes = arec_bytes (data, size);
    uint8_t compression;
    uint64_t sizes_size;

    if (!arec_bytes_take_u8 (&bytes, &compression)) {
        *reason = "no compression type";
        return AREC_DECODE_CORRUPT;
    }
    if (!arec_bytes_take_varint (&bytes, &sizes_size)) {
        *reason = "no length of the size list";
        return AREC_DECODE_CORRUPT;
    }
    front->sizes_begin = (size_t)(bytes.at - data);
    if (sizes_size > data_size - front->sizes_begin) {
        *reason = "the size list is longer than the chunk";
        return AREC_DECODE_CORRUPT;
    }
    if (!arec_compression_is_known (compression)) {
        *reason = "unknown compression type";
        return AREC_DECODE_UNSUPPORTED;
    }
    front->compression = (ArecCompression)compression;
    front->sizes_size = (size_t)sizes_size;
    return AREC_DECODE_OK;
}

/* How far a size list has been taken. */
typedef struct {
    ArecRecordEnds *ends;
    uint64_t decoded_size;
    uint64_t i;   /* the next record */
    uint64_t end; /* of the one before it */
} Sizes;

/* Steps over records of 0 bytes, eight at a time, where all that follow must be such ones and
 * nothing is kept for each of them. The last @keep bytes are left alone. */
static void
skip_empty (Sizes *sizes, ArecBytes *bytes, size_t keep)
{
    if (sizes->ends->form != AREC_ENDS_EVEN || sizes->end != sizes->decoded_size) {
        return;
    }
    while (arec_bytes_left (bytes) >= keep + sizeof (uint64_t) &&
           sizes->ends->n - sizes->i >= sizeof (uint64_t) && arec_le64 (bytes->at) == 0) {
        bytes->at += sizeof (uint64_t);
        sizes->i += sizeof (uint64_t);
    }
}

/* Takes sizes out of @bytes until at most @keep of them are left, which may be the front of a
 * size, or all records have one. Returns NULL or what is wrong. */
static const char *
take_sizes (Sizes *sizes, ArecBytes *bytes, size_t keep)
{
    ArecRecordEnds *ends = sizes->ends;
    ArecBytes list = *bytes; /* local copies stay in registers */
    uint64_t decoded_size = sizes->decoded_size, end, i;

    skip_empty (sizes, &list, keep);
    end = sizes->end;
    for (i = sizes->i; i < ends->n && arec_bytes_left (&list) > keep; i++) {
        uint64_t size;

        if (!arec_bytes_take_varint (&list, &size)) {
            return "the size list ends before the last record";
        }
        if (size > decoded_size - end) {
            return "record sizes add up to more than the decoded size";
        }
        end += size;
        arec_record_ends_set (ends, i, end);
    }
    sizes->i = i;
    sizes->end = end;
    *bytes = list;
    return NULL;
}

/* What must hold when nothing is left but @bytes. */
static const char *
check_end (const Sizes *sizes, const ArecBytes *bytes)
{
    if (sizes->i < sizes->ends->n) {
        return "the size list ends before the last record";
    }
    if (arec_bytes_left (bytes) > 0) {
        return "bytes left over after the size list";
    }
    return sizes->end == sizes->decoded_size
               ? NULL
               : "record sizes add up to less than the decoded size";
}

static const char *
parse_sizes (ArecBytes bytes, Sizes *sizes)
{
    const char *reason = take_sizes (sizes, &bytes, 0);

    return reason ? reason : check_end (sizes, &bytes);
}

/* ---- compressed lists ---- */

/* Overlong varints are legal, so this is the bound; records are bounded by the limits. */
static uint64_t
most_of_list (const Sizes *sizes)
{
    return AREC_MAX_VARINT * sizes->ends->n;
}

/* Decompresses @stream as a whole, and parses what comes out. */
static const char *
parse_whole (ArecCompression compression, ArecBytes stream, size_t capacity, Sizes *sizes)
{
    uint8_t *plain = arec_scratch_take (MAX (capacity, 1));
    const char *reason;
    size_t size = 0;

    if (!plain) {
        return arec_codec_no_memory;
    }
    reason = arec_decompress (compression, stream.at, arec_bytes_left (&stream), plain,
                              capacity, &size);
    if (!reason) {
        reason = parse_sizes (arec_bytes (plain, size), sizes);
    }
    arec_scratch_give (plain);
    return reason;
}

/* Gives all of @data, an ArecBytes, once. */
static bool
next_input (void *data, const uint8_t **bytes, size_t *size)
{
    ArecBytes *stored = data;

    *bytes = stored->at;
    *size = arec_bytes_left (stored);
    stored->at = stored->end;
    return true;
}

/* Takes the sizes that @stream gives, through a window at @plain. */
static const char *
take_stream (ArecCodecStream *stream, uint8_t *plain, Sizes *sizes)
{
    size_t filled = 0, got = 0;
    ArecBytes list;
    bool ended;

    do {
        size_t wanted = WINDOW_SIZE - filled;
        const char *reason = arec_codec_stream_read (stream, plain + filled, wanted, &got);

        if (reason) {
            return reason;
        }
        ended = got < wanted;
        list = arec_bytes (plain, filled + got);
        reason = take_sizes (sizes, &list, ended ? 0 : AREC_MAX_VARINT - 1);
        if (reason) {
            return reason;
        }
        if (!ended && sizes->i == sizes->ends->n && arec_bytes_left (&list) > 0) {
            break;
        }
        filled = arec_bytes_left (&list);
        memmove (plain, list.at, filled);
    } while (!ended);
    return check_end (sizes, &list);
}

/* The same in memory that does not grow with the list, but for windows of the codec. */
static const char *
parse_stream (ArecCompression compression, ArecBytes stored, Sizes *sizes)
{
    ArecCodecStreamInput input = {next_input, &stored};
    g_autoptr (ArecCodecStream) stream =
        arec_codec_stream_new (compression, most_of_list (sizes), &input);
    uint8_t *plain = stream ? arec_scratch_take (WINDOW_SIZE) : NULL;
    const char *reason;

    if (stream) {
        arec_codec_stream_limit_window (stream, MAX_WINDOW_LOG);
    }
    reason = plain ? take_stream (stream, plain, sizes) : arec_codec_no_memory;
    arec_scratch_give (plain);
    return reason;
}

/* A list that can be no stream, or is too short to be worth one. */
static ArecDecodeResult
parse_in_memory (ArecCompression compression, ArecBytes stored, uint64_t max_memory,
                 Sizes *sizes, const char **reason)
{
    uint64_t capacity = most_of_list (sizes), exact;

    if (arec_decompressed_size (compression, stored.at, arec_bytes_left (&stored), &exact)) {
        capacity = MIN (capacity, exact);
    }
    if (capacity > max_memory) {
        *reason = "its size list takes more memory than the limit";
        return AREC_DECODE_LIMIT;
    }
    *reason = parse_whole (compression, stored, capacity, sizes);
    return AREC_DECODE_OK;
}

static ArecDecodeResult
parse_compressed (ArecCompression compression, ArecBytes stored, uint64_t max_memory,
                  Sizes *sizes, const char **reason)
{
    uint64_t hint; /* how many bytes come out, never trusted */

    if (!arec_bytes_take_varint (&stored, &hint)) {
        *reason = "no decompressed size in front of the size list";
        return AREC_DECODE_CORRUPT;
    }
    if (most_of_list (sizes) > AREC_SIMPLE_MAX_WHOLE_LIST &&
        arec_codec_stream_is_possible (compression)) {
        *reason = parse_stream (compression, stored, sizes);
        if (*reason != arec_codec_stream_needs_whole) {
            return AREC_DECODE_OK;
        }
        if (sizes->decoded_size == 0) {
            *reason = NULL; /* the chunk's header says it all: every record is empty */
            return AREC_DECODE_OK;
        }
    }
    return parse_in_memory (compression, stored, max_memory, sizes, reason);
}

ArecDecodeResult
arec_simple_fill_sizes (const ArecSimpleFront *front, const uint8_t *list,
                        uint64_t decoded_size, uint64_t max_memory, ArecRecordEnds *ends,
                        const char **reason)
{
    Sizes sizes = {.ends = ends, .decoded_size = decoded_size};
    ArecBytes bytes = arec_bytes (list, front->sizes_size);
    ArecDecodeResult result = AREC_DECODE_OK;

    if (front->compression == AREC_COMPRESSION_NONE) {
        *reason = parse_sizes (bytes, &sizes);
    } else {
        result = parse_compressed (front->compression, bytes, max_memory, &sizes, reason);
    }
    return !*reason                          ? AREC_DECODE_OK
           : result != AREC_DECODE_OK        ? result
           : *reason == arec_codec_no_memory ? AREC_DECODE_NOMEM
                                             : AREC_DECODE_CORRUPT;
}

ArecDecodeResult
arec_simple_decode_sizes (const ArecSimpleFront *front, const uint8_t *sizes,
                          uint64_t num_records, uint64_t decoded_size, uint64_t max_memory,
                          ArecRecordEnds *ends, const char **reason)
{
    static const char no_memory[] = "no memory for the record offsets";
    ArecDecodeResult result;

    if (!arec_record_ends_init (ends, num_records, decoded_size)) {
        *reason = no_memory;
        return AREC_DECODE_NOMEM;
    }
    result = arec_simple_fill_sizes (front, sizes, decoded_size, max_memory, ends, reason);
    if (result == AREC_DECODE_OK && !arec_record_ends_finish (ends)) {
        *reason = no_memory;
        result = AREC_DECODE_NOMEM;
    }
    if (result != AREC_DECODE_OK) {
        arec_record_ends_clear (ends);
    }
    return result;
}
