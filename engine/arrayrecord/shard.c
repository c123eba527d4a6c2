#include "arrayrecord/shard.h"

#include <inttypes.h>

#include "arrayrecord/footer_reader.h"
#include "base/error.h"
#include "riegeli/block.h"

/* A chunk whose place in the file is at most this long is fetched in one read, header and all.
 */
#define ONE_READ_SIZE (UINT64_C (1024) * 1024)

struct ArecShard {
    ArecSource *source;
    ArecIndex *index;
    char *options;
    uint64_t max_chunk_size;
};

/* ---- opening ---- */

static bool
corrupt (const ArecSource *source, uint64_t offset, GError **error, const char *what)
{
    return arec_fail (error, AREC_ERROR_CORRUPT, "%s: at %" PRIu64 ": %s", source->name, offset,
                      what);
}

/* Whether @error tells of the system and not of the file's bytes. */
static bool
says_system_failed (const GError *error)
{
    return !g_error_matches (error, AREC_ERROR, AREC_ERROR_CORRUPT) &&
           !g_error_matches (error, AREC_ERROR, AREC_ERROR_LIMIT) &&
           !g_error_matches (error, AREC_ERROR, AREC_ERROR_UNSUPPORTED);
}

/* Whether the file begins as every Riegeli/records file does. With *error set the system failed
 * to read it. */
static bool
has_signature (ArecSource *source, GError **error)
{
    ArecChunkPlace place = {.source = source, .limit = source->size, .max_size = 0};
    ArecChunkHeader header;

    if (!arec_chunk_read_header (&place, &header, error)) {
        if (!says_system_failed (*error)) {
            g_clear_error (error);
        }
        return false;
    }
    return header.type == AREC_CHUNK_SIGNATURE && header.data_size == 0 &&
           header.num_records == 0 && header.decoded_data_size == 0;
}

/* There is no valid postscript, for the reason @why: says what the file is then. Takes @why
 * over. */
static void
explain_missing_postscript (ArecSource *source, bool name_is_array_record, GError *why,
                            GError **error)
{
    g_autoptr (GError) owned = why;
    GError *failure = NULL;

    if (says_system_failed (why)) {
        g_propagate_error (error,
                           g_steal_pointer (&owned)); /* nothing is known about the file */
    } else if (name_is_array_record) {
        arec_fail (error, AREC_ERROR_CORRUPT,
                   "%s; without a valid postscript the file is damaged, cut off or still being"
                   " written (arecfs --recover mounts what a scan finds)",
                   why->message);
    } else if (has_signature (source, &failure)) {
        arec_fail (
            error, AREC_ERROR_UNSUPPORTED,
            "%s: at 0: a plain Riegeli/records file without an index, which is not in this"
            " build",
            source->name);
    } else if (failure) {
        g_propagate_error (error, failure);
    } else {
        arec_fail (
            error, AREC_ERROR_FORMAT,
            "%s: at 0: neither an ArrayRecord postscript at the end nor a Riegeli/records"
            " signature at the begin",
            source->name);
    }
}

ArecShard *
arec_shard_open (ArecSource *source, uint64_t max_chunk_size, bool name_is_array_record,
                 ArecIndexFile *offloaded, GError **error)
{
    g_autoptr (ArecShard) shard = g_new0 (ArecShard, 1);
    GError *cause = NULL;
    uint64_t footer_offset = 0;
    ArecFooter footer;

    shard->source = source;
    shard->max_chunk_size = max_chunk_size;
    if (!arec_postscript_read (source, &footer_offset, &cause)) {
        explain_missing_postscript (source, name_is_array_record, cause, error);
        return NULL;
    }
    if (!arec_footer_read (source, footer_offset, source->size - AREC_BLOCK_SIZE,
                           max_chunk_size, offloaded, &footer, error)) {
        return NULL;
    }
    shard->index = footer.index;
    shard->options = footer.options;
    if (!arec_source_check (source, error)) {
        return NULL;
    }
    return g_steal_pointer (&shard);
}

void
arec_shard_free (ArecShard *shard)
{
    if (!shard) {
        return;
    }
    arec_source_free (shard->source);
    arec_index_free (shard->index);
    g_free (shard->options);
    g_free (shard);
}

/* ---- asking ---- */

const ArecSource *
arec_shard_source (const ArecShard *shard)
{
    return shard->source;
}

const ArecIndex *
arec_shard_index (const ArecShard *shard)
{
    return shard->index;
}

const char *
arec_shard_options (const ArecShard *shard)
{
    return shard->options;
}

bool
arec_shard_check_known (const ArecShard *shard, GError **error)
{
    return !shard->source->changed || arec_source_fail_changed (shard->source, error);
}

/* ---- loading ---- */

static ArecChunkPlace
place_of (const ArecShard *shard, const ArecIndexEntry *entry)
{
    return (ArecChunkPlace){.source = shard->source,
                            .begin = entry->offset,
                            .limit = entry->limit,
                            .max_size = shard->max_chunk_size};
}

/* What the chunk says of itself against what the footer says of it. */
static bool
check_against_index (const ArecShard *shard, const ArecIndexEntry *entry,
                     const ArecChunkHeader *header, GError **error)
{
    if (header->num_records == entry->n_records &&
        header->decoded_data_size == entry->decoded_size) {
        return true;
    }
    return arec_fail (error, AREC_ERROR_CORRUPT,
                      "%s: at %" PRIu64 ": the chunk has %" PRIu64 " records of %" PRIu64
                      " bytes in all, the footer says %" PRIu64 " of %" PRIu64,
                      shard->source->name, entry->offset, header->num_records,
                      header->decoded_data_size, entry->n_records, entry->decoded_size);
}

/* After a load that gave @ok: a source that changed meanwhile explains, or spoils, everything.
 */
static bool
source_is_unchanged (ArecShard *shard, bool ok, GError **error)
{
    GError *change = NULL;

    if (arec_source_check (shard->source, &change)) {
        return ok;
    }
    g_clear_error (error);
    g_propagate_error (error, change);
    return false;
}

bool
arec_shard_load_chunk_at (ArecShard *shard, const ArecIndexEntry *entry, ArecChunk **out,
                          GError **error)
{
    g_autoptr (ArecChunk) loaded = NULL;
    GError *cause = NULL;
    ArecChunkPlace place = place_of (shard, entry);
    ArecChunkHeader header;
    uint64_t length = entry->limit - entry->offset;
    bool ok;

    ok = arec_chunk_load (&place, length <= ONE_READ_SIZE ? length : 0, shard->max_chunk_size,
                          &header, &loaded, &cause) &&
         check_against_index (shard, entry, &header, &cause);
    if (!source_is_unchanged (shard, ok, &cause)) {
        g_propagate_error (error, cause);
        return false;
    }
    *out = g_steal_pointer (&loaded);
    return true;
}

bool
arec_shard_load_chunk (ArecShard *shard, uint64_t chunk, ArecChunk **out, GError **error)
{
    ArecIndexEntry entry;

    return arec_index_get (shard->index, chunk, &entry, error) &&
           arec_shard_load_chunk_at (shard, &entry, out, error);
}

static bool
has_empty_record (const ArecRecordEnds *ends)
{
    uint64_t before = 0;

    for (uint64_t i = 0; i < ends->n; i++) {
        uint64_t end = arec_record_ends_end (ends, i);

        if (end == before) {
            return true;
        }
        before = end;
    }
    return false;
}

/* A size list that cannot be decoded may be damaged, whatever else it looks like: the data hash
 * decides. And a size of 0 would never be read, so a damaged list must not make one. */
static bool
blames_unverified_data (const ArecChunkHeader *header, const GError *error)
{
    return header->type == AREC_CHUNK_SIMPLE &&
           (g_error_matches (error, AREC_ERROR, AREC_ERROR_CORRUPT) ||
            g_error_matches (error, AREC_ERROR, AREC_ERROR_UNSUPPORTED));
}

bool
arec_shard_load_sizes_at (ArecShard *shard, const ArecIndexEntry *entry, ArecRecordEnds *out,
                          GError **error)
{
    ArecRecordEnds ends = {0};
    GError *cause = NULL;
    ArecChunkPlace place = place_of (shard, entry);
    ArecChunkHeader header = {0};
    bool ok;

    ok = arec_chunk_read_sizes (&place, shard->max_chunk_size, &header, &ends, &cause) &&
         check_against_index (shard, entry, &header, &cause);
    if (ok ? has_empty_record (&ends) : blames_unverified_data (&header, cause)) {
        g_clear_error (&cause);
        arec_record_ends_clear (&ends);
        ok = arec_chunk_read_verified_sizes (&place, shard->max_chunk_size, &header, &ends,
                                             &cause) &&
             check_against_index (shard, entry, &header, &cause);
    }
    if (!source_is_unchanged (shard, ok, &cause)) {
        arec_record_ends_clear (&ends);
        g_propagate_error (error, cause);
        return false;
    }
    *out = ends;
    return true;
}

bool
arec_shard_load_sizes (ArecShard *shard, uint64_t chunk, ArecRecordEnds *ends, GError **error)
{
    ArecIndexEntry entry;

    return arec_index_get (shard->index, chunk, &entry, error) &&
           arec_shard_load_sizes_at (shard, &entry, ends, error);
}

bool
arec_shard_read_coding (ArecShard *shard, uint64_t chunk, uint8_t *compression,
                        bool *transposed, GError **error)
{
    ArecIndexEntry entry;
    ArecChunkPlace place;
    ArecChunkHeader header;
    uint8_t first[2];
    size_t got;

    if (!arec_index_get (shard->index, chunk, &entry, error)) {
        return false;
    }
    place = place_of (shard, &entry);
    if (!arec_chunk_read_front (&place, &header, first, sizeof first, &got, error)) {
        return false;
    }
    *transposed = header.type == AREC_CHUNK_TRANSPOSED;
    if (got == 0) {
        return corrupt (shard->source, entry.offset, error, "the chunk has no data");
    }
    *compression = first[0]; /* of both types: spec/container 5, spec/transpose 2 */
    return true;
}
