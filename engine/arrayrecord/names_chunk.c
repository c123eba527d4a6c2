#include "arrayrecord/names_chunk.h"

#include <inttypes.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/limits.h"
#include "codec/codec.h"
#include "riegeli/chunk_scan.h"
#include "riegeli/chunk_writer.h"
#include "riegeli/packed_buffer.h"

/* The compression and the size in front of the data. */
#define MAX_FRONT (1 + AREC_MAX_VARINT)

/* ---- finding ---- */

static bool
is_names (const ArecScanItem *item, uint64_t end)
{
    return item->header.type == AREC_CHUNK_NAMES && item->header.num_records == 0 &&
           item->end <= end;
}

/* Takes the front of the data off @data. Returns NULL, or what is wrong.
 * @size  (out) bytes of the names. */
static const char *
take_front (ArecBytes *data, uint8_t *compression, uint64_t *size)
{
    if (!arec_bytes_take_u8 (data, compression)) {
        return "the chunk of names has no data";
    }
    *size = arec_bytes_left (data);
    return *compression == AREC_COMPRESSION_NONE || arec_bytes_take_varint (data, size)
               ? NULL
               : "the chunk of names does not say how large they are";
}

/* Finds out how large the names of @found are. Damage is none here. */
static bool
measure (ArecSource *source, ArecNamesChunk *found, GError **error)
{
    const ArecChunkPlace place = {.source = source,
                                  .begin = found->begin,
                                  .limit = found->header.end,
                                  .max_size = UINT64_MAX};
    uint8_t front[MAX_FRONT], compression;
    ArecChunkHeader header;
    GError *cause = NULL;
    ArecBytes data;
    size_t got;

    if (!arec_chunk_read_front (&place, &header, front, sizeof front, &got, &cause)) {
        if (!arec_error_is_of_bytes (cause)) {
            g_propagate_error (error, cause);
            return false;
        }
        g_clear_error (&cause);
        return true;
    }
    data = arec_bytes (front, got);
    if (take_front (&data, &compression, &found->size)) {
        found->size = 0;
    } else if (compression == AREC_COMPRESSION_NONE) {
        found->size = header.data_size - 1;
    }
    return true;
}

bool
arec_names_chunk_find (ArecSource *source, uint64_t begin, uint64_t end, ArecNamesChunk *found,
                       GError **error)
{
    g_autoptr (ArecChunkScan) scan = arec_chunk_scan_new (source, MIN (begin, source->size));
    ArecScanStep step;
    ArecScanItem item;

    *found = (ArecNamesChunk){0};
    arec_chunk_scan_expect (scan, end);
    do {
        if (!arec_chunk_scan_next (scan, &step, &item, error)) {
            return false;
        }
        if (step == AREC_SCAN_CHUNK && is_names (&item, end)) {
            *found =
                (ArecNamesChunk){.is_there = true, .begin = item.begin, .header = item.header};
        }
    } while (step != AREC_SCAN_END && item.end < end);
    return !found->is_there || measure (source, found, error);
}

/* ---- reading ---- */

/* Whether the stream itself says that it is not of @size bytes: asked before there is memory
 * for them. */
static bool
denies_size (uint8_t compression, ArecBytes stream, uint64_t size)
{
    uint64_t said;

    return compression != AREC_COMPRESSION_NONE &&
           arec_decompressed_size ((ArecCompression)compression, stream.at,
                                   arec_bytes_left (&stream), &said) &&
           said != size;
}

/* Unpacks @stream into @size bytes at @out. Returns NULL, or what is wrong. */
static const char *
unpack (uint8_t compression, ArecBytes stream, char *out, size_t size)
{
    const char *reason;
    size_t made = 0;

    if (compression == AREC_COMPRESSION_NONE) {
        memcpy (out, stream.at, size);
        return NULL;
    }
    reason = arec_decompress ((ArecCompression)compression, stream.at,
                              arec_bytes_left (&stream), (uint8_t *)out, size, &made);
    return reason || made == size ? reason : "the names are fewer bytes than they say";
}

static bool
fail (const ArecChunkPlace *place, ArecError code, const char *reason, GError **error)
{
    return arec_fail_place (error, code, place->source->name, place->begin, "%s", reason);
}

static bool
check_front (const ArecChunkPlace *place, uint8_t compression, ArecBytes stream, uint64_t size,
             GError **error)
{
    if (!arec_compression_is_known (compression)) {
        return arec_fail_place (error, AREC_ERROR_UNSUPPORTED, place->source->name,
                                place->begin, "names of unknown compression 0x%02x",
                                compression);
    }
    if (size > place->max_size) {
        return arec_fail_place (error, AREC_ERROR_LIMIT, place->source->name, place->begin,
                                "%" PRIu64 " bytes of names, the limit is %" PRIu64, size,
                                place->max_size);
    }
    return !denies_size (compression, stream, size) ||
           fail (place, AREC_ERROR_CORRUPT, "the names are not as large as they say", error);
}

/* @data  of the chunk at @place, verified. */
static bool
decode (const ArecChunkPlace *place, ArecBytes data, uint64_t n, ArecNameTable **out,
        GError **error)
{
    g_autofree char *names = NULL;
    const char *reason;
    uint8_t compression;
    uint64_t size;

    reason = take_front (&data, &compression, &size);
    if (reason) {
        return fail (place, AREC_ERROR_CORRUPT, reason, error);
    }
    if (!check_front (place, compression, data, size, error)) {
        return false;
    }
    names = g_try_malloc (MAX (size, 1));
    reason = names ? unpack (compression, data, names, size) : arec_codec_no_memory;
    if (reason) {
        return fail (place,
                     reason == arec_codec_no_memory ? AREC_ERROR_NOMEM : AREC_ERROR_CORRUPT,
                     reason, error);
    }
    *out = arec_name_table_new (g_steal_pointer (&names), size, n, error);
    return *out || arec_fail_at (error, place->source->name, place->begin);
}

bool
arec_names_chunk_read (ArecSource *source, const ArecNamesChunk *chunk, uint64_t n,
                       uint64_t max_size, ArecNameTable **out, GError **error)
{
    const ArecChunkPlace place = {.source = source,
                                  .begin = chunk->begin,
                                  .limit = chunk->header.end,
                                  .max_size = MIN (max_size, AREC_MAX_NAMES_SIZE)};
    ArecChunkHeader header;
    ArecStoredChunk stored = {.place = &place, .header = &header};
    ArecNameTable *table = NULL;
    bool ok;

    if (!arec_chunk_read (&stored, chunk->header.end - chunk->begin, error)) {
        return false;
    }
    ok = decode (&place, arec_bytes (stored.data, header.data_size), n, &table, error);
    g_free (stored.memory);
    if (ok) {
        *out = table;
    }
    return ok;
}

/* ---- writing ---- */

bool
arec_names_chunk_write (ArecSink *sink, const ArecCodecOptions *codec, ArecBytes names,
                        GError **error)
{
    const uint8_t compression = codec->compression;
    g_auto (ArecBuffer) data = {0};
    ArecChunkHeader header;

    if (!arec_buffer_append (&data, &compression, sizeof compression)) {
        return arec_fail (error, AREC_ERROR_NOMEM, "%s: no memory for names", sink->name);
    }
    if (!arec_packed_buffer_append (&data, codec, names, error)) {
        return arec_fail_at (error, sink->name, sink->position);
    }
    header = arec_chunk_header_make (AREC_CHUNK_NAMES, 0, 0, arec_bytes (data.data, data.size));
    return arec_chunk_write (sink, &header, data.data, error);
}
