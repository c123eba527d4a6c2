#include "arrayrecord/shard.h"

#include <inttypes.h>

#include "arrayrecord/footer_reader.h"
#include "arrayrecord/foreign.h"
#include "arrayrecord/seen_chunks.h"
#include "arrayrecord/shard_inside.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/phases.h"
#include "riegeli/block.h"

/* A chunk whose place in the file is at most this long is fetched in one read, header and all.
 */
#define ONE_READ_SIZE (UINT64_C (1024) * 1024)

/* ---- opening ---- */

static bool
corrupt (const ArecSource *source, uint64_t offset, GError **error, const char *what)
{
    return arec_fail_place (error, AREC_ERROR_CORRUPT, source->name, offset, "%s", what);
}

void
arec_shard_free (ArecShard *shard)
{
    if (!shard) {
        return;
    }
    arec_seen_chunks_free (shard->seen);
    arec_source_free (shard->source);
    arec_index_free (shard->index);
    arec_scan_findings_clear (&shard->findings);
    g_free (shard->options);
    g_free (shard);
}

/* ---- asking ---- */

const ArecSource *
arec_shard_source (const ArecShard *shard)
{
    return shard->source;
}

uint64_t
arec_shard_window (ArecShard *shard)
{
    return arec_source_window (shard->source);
}

void
arec_shard_will_need (ArecShard *shard, const ArecRange *ranges, size_t n, ArecUrgency urgency)
{
    arec_source_will_need (shard->source, ranges, n, urgency);
}

const ArecIndex *
arec_shard_index (const ArecShard *shard)
{
    return shard->index;
}

ArecKind
arec_shard_kind (const ArecShard *shard)
{
    return shard->kind;
}

void
arec_shard_origin (const ArecShard *shard, ArecShardOrigin *origin)
{
    *origin = (ArecShardOrigin){
        .is_recovered = shard->is_recovered,
        .is_listed = shard->is_listed,
        .footer_offset = shard->footer_offset,
        .postscript_offset = shard->postscript_offset,
        .announced_footer = shard->announced_footer,
        .has_damaged_postscript = shard->findings.has_damaged_postscript,
        .gaps = shard->findings.gaps,
    };
}

bool
arec_shard_find_foreign_name (const ArecShard *shard, const char **name, GError **error)
{
    return arec_foreign_find (shard->source, name, error);
}

const char *
arec_shard_options (const ArecShard *shard)
{
    return shard->options;
}

bool
arec_shard_check_known (const ArecShard *shard, GError **error)
{
    return !shard->source->change || arec_source_fail_changed (shard->source, error);
}

bool
arec_shard_check (ArecShard *shard, GError **error)
{
    return arec_seen_chunks_check (shard->seen, arec_seen_chunks_stamp (shard->seen), 0, 0,
                                   error);
}

uint64_t
arec_shard_stamp (const ArecShard *shard)
{
    return arec_seen_chunks_stamp (shard->seen);
}

void
arec_shard_note_read (ArecShard *shard, uint64_t chunk, const ArecChunkHeader *header)
{
    arec_seen_chunks_note (shard->seen, chunk, header);
}

uint64_t
arec_shard_memory (const ArecShard *shard)
{
    return arec_index_memory (shard->index) + arec_seen_chunks_memory (shard->seen);
}

/* ---- loading ---- */

static ArecChunkPlace
place_of (const ArecShard *shard, const ArecIndexEntry *entry)
{
    return (ArecChunkPlace){.source = shard->source,
                            .begin = entry->offset,
                            .limit = entry->limit,
                            .max_size = shard->limits.max_size};
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
    return arec_fail_place (error, AREC_ERROR_CORRUPT, shard->source->name, entry->offset,
                            "the chunk has %" PRIu64 " records of %" PRIu64
                            " bytes in all, the footer says %" PRIu64 " of %" PRIu64,
                            header->num_records, header->decoded_data_size, entry->n_records,
                            entry->decoded_size);
}

/* After a load of the chunk of @entry that gave @ok, and its @header then: a source that
 * changed meanwhile explains, or spoils, everything.
 * @since  the stamp before the load. */
static bool
source_is_unchanged (ArecShard *shard, const ArecIndexEntry *entry,
                     const ArecChunkHeader *header, uint64_t since, bool ok, GError **error)
{
    GError *change = NULL;

    if (ok) {
        arec_seen_chunks_note (shard->seen, entry->chunk, header);
    }
    if (arec_seen_chunks_check (shard->seen, since, entry->chunk, 1, &change)) {
        return ok;
    }
    g_clear_error (error);
    g_propagate_error (error, change);
    return false;
}

bool
arec_shard_measure (ArecShard *shard, const ArecIndexEntry *entry, uint64_t *stored,
                    bool *is_plain, GError **error)
{
    ArecChunkPlace place = place_of (shard, entry);
    ArecChunkHeader header;
    uint8_t compression;
    size_t got;

    place.max_size = UINT64_MAX; /* nothing is made of it */
    if (!arec_chunk_read_front (&place, &header, &compression, sizeof compression, &got,
                                error)) {
        return false;
    }
    *stored = header.data_size;
    *is_plain =
        header.type == AREC_CHUNK_SIMPLE && got > 0 && compression == AREC_COMPRESSION_NONE;
    return true;
}

/* Reads and decodes a chunk. One that is larger than the index says is not decoded: it would
 * take memory that is not counted. */
static bool
read_and_decode (const ArecShard *shard, const ArecIndexEntry *entry, uint64_t max_whole,
                 ArecChunkHeader *header, ArecChunk **out, GError **error)
{
    ArecChunkPlace place = place_of (shard, entry);
    uint64_t length = entry->limit - entry->offset;
    ArecStoredChunk stored = {.place = &place, .header = header};

    if (!arec_chunk_read (&stored, length <= ONE_READ_SIZE ? length : 0, error)) {
        return false;
    }
    if (header->decoded_data_size > entry->decoded_size ||
        header->num_records > entry->n_records) {
        g_free (stored.memory);
        return check_against_index (shard, entry, header, error);
    }
    return arec_chunk_decode_progressively (&stored, &shard->limits, max_whole, out, error) &&
           check_against_index (shard, entry, header, error);
}

bool
arec_shard_load_chunk_progressively (ArecShard *shard, const ArecIndexEntry *entry,
                                     uint64_t max_whole, ArecChunk **out, GError **error)
{
    g_autoptr (ArecChunk) loaded = NULL;
    GError *cause = NULL;
    ArecChunkHeader header;
    uint64_t since = arec_seen_chunks_stamp (shard->seen);
    bool ok = read_and_decode (shard, entry, max_whole, &header, &loaded, &cause);

    if (!source_is_unchanged (shard, entry, &header, since, ok, &cause)) {
        g_propagate_error (error, cause);
        return false;
    }
    *out = g_steal_pointer (&loaded);
    return true;
}

bool
arec_shard_load_chunk_at (ArecShard *shard, const ArecIndexEntry *entry, ArecChunk **out,
                          GError **error)
{
    return arec_shard_load_chunk_progressively (shard, entry, UINT64_MAX, out, error);
}

bool
arec_shard_need (const ArecShard *shard, const ArecIndexEntry *entry, ArecChunk *chunk,
                 uint64_t end, ArecDecodeTally *tally, GError **error)
{
    ArecChunkPlace place = place_of (shard, entry);
    ArecDecodeResult result;
    const char *reason;

    return arec_chunk_need (chunk, end, tally, &result, &reason) ||
           arec_chunk_fail (&place, result, reason, error);
}

/* Decodes a chunk that was read with its neighbours, and takes a note of it; on failure it is
 * left as it was. */
static bool
decode_in_run (ArecShard *shard, const ArecChunkNeighbours *all, ArecRunChunk *in,
               uint8_t *memory, uint32_t *ends_memory, ArecSeenNotes *notes)
{
    const ArecIndexEntry *entry = &in->entry;
    ArecChunkPlace place = place_of (shard, entry);
    ArecChunkHeader header;
    ArecStoredChunk stored = {.place = &place, .header = &header};

    if (!arec_chunk_neighbours_find (all, &stored) ||
        !check_against_index (shard, entry, &header, NULL)) {
        return false;
    }
    if (header.type == AREC_CHUNK_SIMPLE) {
        ArecRecordEnds ends = {
            .n = entry->n_records, .form = AREC_ENDS_NARROW, .narrow_ends = ends_memory};

        in->values = arec_chunk_decode_into (&stored, &shard->limits, memory, &ends);
    } else if (arec_chunk_decode (&stored, &shard->limits, &in->chunk, NULL)) {
        in->values = in->chunk->values;
    }
    if (in->values) {
        arec_seen_chunks_take_note (shard->seen, notes, entry->chunk, &header);
    }
    return in->values;
}

static void
forget_all (ArecChunkRun *run)
{
    for (size_t i = 0; i < run->n_chunks; i++) {
        run->chunks[i].values = NULL;
        g_clear_pointer (&run->chunks[i].chunk, arec_chunk_free);
    }
}

/* Decodes what can be decoded out of one read; all or nothing of it counts. Returns whether
 * nothing is missing. */
static bool
load_together (ArecShard *shard, ArecChunkRun *run)
{
    ArecChunkNeighbours all;
    ArecSeenNotes notes = {0};
    uint8_t *memory = run->values;
    uint32_t *ends = run->ends;
    uint64_t since = arec_seen_chunks_stamp (shard->seen);
    size_t n_decoded = 0;

    if (!arec_chunk_neighbours_read (shard->source, run->begin, run->end, run->stored, &all,
                                     NULL)) {
        return false;
    }
    for (size_t i = 0; i < run->n_chunks; i++) {
        ArecRunChunk *chunk = &run->chunks[i];
        ArecPhaseMark mark = arec_phases_enter_short (AREC_PHASE_DECODING);

        n_decoded += decode_in_run (shard, &all, chunk, memory, ends, &notes);
        arec_phases_leave (mark);
        run->has_own = run->has_own || chunk->chunk;
        memory += chunk->entry.decoded_size;
        ends += chunk->entry.n_records;
    }
    arec_seen_chunks_make_notes (shard->seen, &notes);
    if (!arec_seen_chunks_check (shard->seen, since, run->chunks[0].entry.chunk, run->n_chunks,
                                 NULL)) {
        forget_all (run);
        return false;
    }
    return n_decoded == run->n_chunks;
}

void
arec_shard_load_run (ArecShard *shard, ArecChunkRun *run)
{
    if (arec_shard_check_known (shard, NULL) &&
        arec_chunk_run_reserve (run, shard->limits.max_size) && load_together (shard, run)) {
        return;
    }
    run->has_own = true;
    for (size_t i = 0; i < run->n_chunks; i++) {
        ArecRunChunk *chunk = &run->chunks[i];

        if (chunk->values) {
            continue;
        }
        if (arec_shard_check_known (shard, &chunk->error) &&
            arec_shard_load_chunk_at (shard, &chunk->entry, &chunk->chunk, &chunk->error)) {
            chunk->values = chunk->chunk->values;
        } else {
            run->n_failed++;
            run->failed_size += chunk->entry.decoded_size;
        }
    }
}

static bool
has_empty_record (const ArecRecordEnds *ends)
{
    uint64_t before = 0;

    if (ends->form == AREC_ENDS_EVEN) {
        return ends->n > 0 && ends->each == 0;
    }
    for (uint64_t i = 0; i < ends->n; i++) {
        uint64_t end = arec_record_ends_end (ends, i);

        if (end == before) {
            return true;
        }
        before = end;
    }
    return false;
}

/* The sizes of a transposed chunk are read with the whole of it. */
static bool
is_unverified (const ArecChunkHeader *header)
{
    return header->type == AREC_CHUNK_SIMPLE;
}

/* A size list that cannot be decoded may be damaged, whatever else it looks like: the data hash
 * decides. And a size of 0 would never be read, so a damaged list must not make one. */
static bool
blames_unverified_data (const ArecChunkHeader *header, const GError *error)
{
    return is_unverified (header) &&
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
    uint64_t since = arec_seen_chunks_stamp (shard->seen);
    bool ok;

    ok = arec_chunk_read_sizes (&place, &shard->limits, &header, &ends, &cause) &&
         check_against_index (shard, entry, &header, &cause);
    if (header.type == AREC_CHUNK_TRANSPOSED) {
        shard->walks_for_sizes = true;
    }
    if (ok ? is_unverified (&header) && has_empty_record (&ends)
           : blames_unverified_data (&header, cause)) {
        g_clear_error (&cause);
        arec_record_ends_clear (&ends);
        ok = arec_chunk_read_verified_sizes (&place, &shard->limits, &header, &ends, &cause) &&
             check_against_index (shard, entry, &header, &cause);
    }
    if (!source_is_unchanged (shard, entry, &header, since, ok, &cause)) {
        arec_record_ends_clear (&ends);
        g_propagate_error (error, cause);
        return false;
    }
    *out = ends;
    return true;
}

bool
arec_shard_walks_for_sizes (const ArecShard *shard)
{
    return shard->walks_for_sizes;
}

static ArecChunkPlace
place_of_metadata (const ArecShard *shard)
{
    return (ArecChunkPlace){.source = shard->source,
                            .begin = AREC_SIGNATURE_END,
                            .limit = shard->source->size,
                            .max_size = MIN (shard->limits.max_size, AREC_MAX_METADATA_SIZE)};
}

/* Reads the chunk at place_of_metadata (). stored->data stays NULL if it is none of metadata.
 */
static bool
read_metadata (ArecShard *shard, ArecStoredChunk *stored, GError **error)
{
    const ArecChunkPlace *place = stored->place;
    ArecIndexEntry first = {.offset = shard->source->size};

    if (arec_index_n_chunks (shard->index) > 0 &&
        !arec_index_get (shard->index, 0, &first, error)) {
        return false;
    }
    if (first.offset < AREC_SIGNATURE_END + AREC_CHUNK_HEADER_SIZE) {
        return true; /* no room for it */
    }
    if (!arec_chunk_read_header (place, stored->header, error)) {
        return false;
    }
    arec_seen_chunks_note_other (shard->seen, AREC_SEEN_METADATA, place->begin, stored->header);
    return stored->header->type != AREC_CHUNK_METADATA ||
           arec_chunk_read (stored, stored->header->end - place->begin, error);
}

bool
arec_shard_load_metadata (ArecShard *shard, ArecMetadataMessage *metadata, ArecChunk **out,
                          GError **error)
{
    ArecDecodeLimits limits = shard->limits;
    ArecChunkPlace place = place_of_metadata (shard);
    g_autoptr (ArecChunk) chunk = NULL;
    uint64_t since = arec_seen_chunks_stamp (shard->seen);
    ArecChunkHeader header;
    ArecStoredChunk stored = {.place = &place, .header = &header};

    *out = NULL;
    limits.max_size = place.max_size;
    if (!read_metadata (shard, &stored, error)) {
        return false;
    }
    if (!stored.data) {
        return arec_seen_chunks_check (shard->seen, since, 0, 0, error);
    }
    if (!arec_chunk_decode_metadata (&stored, &limits, &chunk, error)) {
        return false;
    }
    if (!arec_records_metadata_parse (arec_chunk_record (chunk, 0), metadata)) {
        return corrupt (shard->source, AREC_SIGNATURE_END, error,
                        "the chunk of metadata does not hold RecordsMetadata");
    }
    if (!arec_seen_chunks_check (shard->seen, since, 0, 0, error)) {
        return false;
    }
    *out = g_steal_pointer (&chunk);
    return true;
}

/* ---- chunks as they are ---- */

void
arec_stored_copy_clear (ArecStoredCopy *copy)
{
    g_free (copy->memory);
    *copy = (ArecStoredCopy){0};
}

bool
arec_shard_copy_metadata (ArecShard *shard, ArecStoredCopy *out, GError **error)
{
    g_auto (ArecStoredCopy) copy = {0};
    ArecChunkPlace place = place_of_metadata (shard);
    ArecStoredChunk stored = {.place = &place, .header = &copy.header};
    uint64_t since = arec_seen_chunks_stamp (shard->seen);

    if (!read_metadata (shard, &stored, error)) {
        return false;
    }
    copy.data = stored.data;
    copy.memory = stored.memory;
    if (!arec_seen_chunks_check (shard->seen, since, 0, 0, error)) {
        return false;
    }
    *out = copy;
    copy = (ArecStoredCopy){0};
    return true;
}

bool
arec_shard_copy_chunk_at (ArecShard *shard, const ArecIndexEntry *entry, ArecStoredCopy *out,
                          GError **error)
{
    g_auto (ArecStoredCopy) copy = {0};
    GError *cause = NULL;
    uint64_t since = arec_seen_chunks_stamp (shard->seen);
    ArecChunkPlace place = place_of (shard, entry);
    uint64_t length = entry->limit - entry->offset;
    ArecStoredChunk stored = {.place = &place, .header = &copy.header};
    bool ok = arec_chunk_read (&stored, length <= ONE_READ_SIZE ? length : 0, &cause);

    copy.data = stored.data;
    copy.memory = stored.memory;
    ok = ok && check_against_index (shard, entry, &copy.header, &cause);
    if (!source_is_unchanged (shard, entry, &copy.header, since, ok, &cause)) {
        g_propagate_error (error, cause);
        return false;
    }
    *out = copy;
    copy = (ArecStoredCopy){0};
    return true;
}

uint64_t
arec_shard_chunk_end (ArecShard *shard, const ArecIndexEntry *entry)
{
    ArecChunkPlace place = place_of (shard, entry);
    ArecChunkHeader header;

    place.max_size = UINT64_MAX;
    return arec_chunk_read_header (&place, &header, NULL) ? header.end : entry->limit;
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
    uint64_t since = arec_seen_chunks_stamp (shard->seen);
    GError *cause = NULL;
    bool ok;

    if (!arec_index_get (shard->index, chunk, &entry, error)) {
        return false;
    }
    place = place_of (shard, &entry);
    place.max_size = UINT64_MAX; /* no more than the front is read */
    ok = arec_chunk_read_front (&place, &header, first, sizeof first, &got, &cause);
    if (!source_is_unchanged (shard, &entry, &header, since, ok, &cause)) {
        g_propagate_error (error, cause);
        return false;
    }
    *transposed = header.type == AREC_CHUNK_TRANSPOSED;
    if (got == 0) {
        return corrupt (shard->source, entry.offset, error, "the chunk has no data");
    }
    *compression = first[0]; /* of both types: FORMAT.md 6, 7.2 */
    return true;
}
