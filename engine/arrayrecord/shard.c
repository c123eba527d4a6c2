#include "arrayrecord/shard.h"

#include <inttypes.h>

#include "arrayrecord/footer_reader.h"
#include "arrayrecord/seen_chunks.h"
#include "arrayrecord/foreign.h"
#include "base/error.h"
#include "base/limits.h"
#include "riegeli/block.h"

/* A chunk whose place in the file is at most this long is fetched in one read, header and all.
 */
#define ONE_READ_SIZE (UINT64_C (1024) * 1024)

struct ArecShard {
    ArecSource *source;
    ArecSeenChunks *seen;
    ArecIndex *index;
    char *options;
    ArecDecodeLimits limits;
    ArecIndexFile *offloaded; /* not owned; NULL: the index is in memory */
    ArecShardKind kind;
    bool is_array_record; /* by postscript, name or the caller's word */
    bool is_recovered;
    bool is_listed;             /* the index comes from a footer */
    uint64_t footer_offset;     /* 0: none, or none known */
    uint64_t postscript_offset; /* 0: none */
    uint64_t announced_footer;  /* by a valid postscript; 0: none */
    ArecScanned scanned;        /* its index has moved out */
    _Atomic bool walks_for_sizes;
};

/* ---- opening ---- */

static bool
corrupt (const ArecSource *source, uint64_t offset, GError **error, const char *what)
{
    return arec_fail_place (error, AREC_ERROR_CORRUPT, source->name, offset, "%s", what);
}

/* Whether the file begins as every Riegeli/records file does. false with *error set: the system
 * failed to read it. */
static bool
has_signature (ArecSource *source, GError **error)
{
    ArecChunkPlace place = {.source = source, .limit = source->size, .max_size = 0};
    ArecChunkHeader header;
    GError *cause = NULL;

    if (!arec_chunk_read_header (&place, &header, &cause)) {
        if (arec_error_is_of_bytes (cause)) {
            g_clear_error (&cause);
        } else {
            g_propagate_error (error, cause);
        }
        return false;
    }
    return header.type == AREC_CHUNK_SIGNATURE && header.data_size == 0 &&
           header.num_records == 0 && header.decoded_data_size == 0;
}

/* What the file is if it is none of ours; *name is NULL where nobody knows. false with *error
 * set: the system failed to read it. */
static bool
find_foreign_name (ArecSource *source, const char **name, GError **error)
{
    g_autofree uint8_t *bytes = g_malloc (2 * AREC_FOREIGN_SAMPLE);
    size_t n = MIN (source->size, AREC_FOREIGN_SAMPLE);

    if (!arec_source_pread (source, bytes, n, 0, error) ||
        !arec_source_pread (source, bytes + n, n, source->size - n, error)) {
        return false;
    }
    *name = arec_foreign_name (bytes, bytes + n, n, source->size);
    return true;
}

static bool
fail_foreign (const ArecSource *source, ArecError code, const char *name, GError **error)
{
    return arec_fail_place (error, code, source->name, 0, "%s, not an ArrayRecord file", name);
}

static bool
fail_unknown (ArecSource *source, GError **error)
{
    const char *foreign;

    if (!find_foreign_name (source, &foreign, error)) {
        return false;
    }
    if (arec_source_is_being_written (source)) {
        return arec_fail_place (error, AREC_ERROR_FORMAT, source->name, 0, "%s; " AREC_GROWING,
                                foreign ? foreign : "no Riegeli/records signature");
    }
    if (foreign) {
        return fail_foreign (source, AREC_ERROR_FORMAT, foreign, error);
    }
    return arec_fail_place (error, AREC_ERROR_FORMAT, source->name, 0,
                            "neither an ArrayRecord postscript at the end nor a"
                            " Riegeli/records signature at the begin");
}

static bool
open_indexed (ArecShard *shard, uint64_t footer_offset, uint64_t footer_limit, GError **error)
{
    ArecFooter footer;

    if (!arec_footer_read (shard->source, footer_offset, footer_limit, &shard->limits,
                           shard->offloaded, &footer, error)) {
        return false;
    }
    shard->kind = AREC_SHARD_ARRAY_RECORD;
    shard->is_listed = true;
    shard->footer_offset = footer_offset;
    shard->index = footer.index;
    shard->options = footer.options;
    arec_seen_chunks_note_other (shard->seen, AREC_SEEN_FOOTER, footer_offset, &footer.header);
    return true;
}

/* Says of a damaged file what can be done about it: @why tells what is damaged. */
static bool
fail_damaged (ArecSource *source, const GError *why, GError **error)
{
    const char *foreign;

    if (arec_source_is_being_written (source)) {
        return arec_fail (error, AREC_ERROR_CORRUPT, "%s; " AREC_GROWING, why->message);
    }
    if (!find_foreign_name (source, &foreign, error)) {
        return false;
    }
    if (foreign) {
        return fail_foreign (source, AREC_ERROR_CORRUPT, foreign, error);
    }
    return arec_fail (error, AREC_ERROR_CORRUPT,
                      "%s; 'arecfs --recover' mounts what a scan of the damaged file finds,"
                      " 'arec repair' makes a sound copy",
                      why->message);
}

/* The options of a plain Riegeli/records file are in its metadata, if anywhere. */
static bool
take_options_of_metadata (ArecShard *shard, GError **error)
{
    g_autoptr (ArecChunk) chunk = NULL;
    ArecRecordsMetadata metadata = {0};
    GError *cause = NULL;

    if (!arec_shard_load_metadata (shard, &metadata, &chunk, &cause)) {
        if (!arec_error_is_of_bytes (cause)) {
            g_propagate_error (error, cause);
            return false;
        }
        g_clear_error (&cause); /* damaged metadata costs no record */
    }
    if (chunk && metadata.record_writer_options.at) {
        shard->options =
            g_strndup ((const char *)metadata.record_writer_options.at,
                       MIN (metadata.record_writer_options.size, AREC_MAX_WRITER_OPTIONS));
    }
    return true;
}

/* Makes a file without a usable index one by a scan. @why (nullable) tells why the index of an
 * ArrayRecord file cannot be used. */
static bool
open_scanned (ArecShard *shard, const ArecShardOptions *options, const GError *why,
              GError **error)
{
    const ArecScanIndexOptions scan = {
        .limits = &shard->limits,
        .keep_bookkeeping = options->kind == AREC_SHARD_RIEGELI,
        .footer_offset = shard->announced_footer,
        .postscript_offset = shard->postscript_offset,
        .offloaded = shard->offloaded,
        .progress = options->progress,
        .progress_data = options->progress_data,
    };
    ArecScanned *found = &shard->scanned;

    if (!arec_scan_index (shard->source, &scan, found, error)) {
        return false;
    }
    shard->postscript_offset = found->postscript_offset;
    if (why && (found->has_footer || found->has_damaged_footer) && !options->recover) {
        return fail_damaged (shard->source, why, error);
    }
    if (found->has_footer) {
        shard->is_recovered = true;
        return open_indexed (shard, found->footer_begin, found->footer_end, error);
    }
    shard->is_recovered = options->recover && (found->n_gaps > 0 || shard->is_array_record ||
                                               found->has_damaged_footer);
    if (found->has_damaged_footer) {
        shard->footer_offset = found->footer_begin;
    } else if (shard->announced_footer >= found->end) {
        shard->footer_offset = shard->announced_footer; /* its very header is damaged */
    }
    shard->kind = shard->is_array_record || found->has_damaged_footer ? AREC_SHARD_ARRAY_RECORD
                                                                      : AREC_SHARD_RIEGELI;
    shard->index = g_steal_pointer (&found->index);
    return shard->kind == AREC_SHARD_ARRAY_RECORD || take_options_of_metadata (shard, error);
}

/* There is no valid postscript, for the reason @why: finds out what the file is. */
static bool
open_without_postscript (ArecShard *shard, const ArecShardOptions *options, const GError *why,
                         GError **error)
{
    GError *failure = NULL;
    bool looks_like_riegeli;

    if (shard->is_array_record && !options->recover) {
        return fail_damaged (shard->source, why, error);
    }
    looks_like_riegeli = has_signature (shard->source, &failure);
    if (failure) {
        g_propagate_error (error, failure);
        return false;
    }
    if (!looks_like_riegeli && !options->recover) {
        return fail_unknown (shard->source, error);
    }
    if (!open_scanned (shard, options, why, error)) {
        return false;
    }
    return looks_like_riegeli || shard->is_array_record ||
           arec_index_n_chunks (shard->index) > 0 || fail_unknown (shard->source, error);
}

/* Every chunk with records counts, whatever the file says of itself at its end. */
static bool
open_riegeli (ArecShard *shard, const ArecShardOptions *options, GError **error)
{
    GError *failure = NULL;

    if (!has_signature (shard->source, &failure) && !options->recover) {
        if (failure) {
            g_propagate_error (error, failure);
            return false;
        }
        return arec_fail (
            error, AREC_ERROR_FORMAT,
            "%s: at 0: no Riegeli/records signature (arecfs --recover mounts what a"
            " scan finds)",
            shard->source->name);
    }
    g_clear_error (&failure);
    return open_scanned (shard, options, NULL, error);
}

/* The file's own way: postscript, footer; and what is left when one of them fails. */
static bool
open_by_postscript (ArecShard *shard, const ArecShardOptions *options, GError **error)
{
    ArecSource *source = shard->source;
    g_autoptr (GError) cause = NULL;
    uint64_t footer_offset;

    if (!arec_postscript_read (source, &footer_offset, &cause)) {
        if (arec_error_is_of_bytes (cause)) {
            return open_without_postscript (shard, options, cause, error);
        }
        g_propagate_error (error, g_steal_pointer (&cause)); /* nothing is known of the file */
        return false;
    }
    shard->is_array_record = true;
    shard->announced_footer = footer_offset;
    shard->postscript_offset = source->size - AREC_BLOCK_SIZE;
    if (open_indexed (shard, footer_offset, source->size - AREC_BLOCK_SIZE, &cause)) {
        return true;
    }
    if (!g_error_matches (cause, AREC_ERROR, AREC_ERROR_CORRUPT)) {
        g_propagate_error (error, g_steal_pointer (&cause));
        return false;
    }
    return options->recover ? open_scanned (shard, options, cause, error)
                            : fail_damaged (source, cause, error);
}

ArecShard *
arec_shard_open (ArecSource *source, const ArecShardOptions *options, GError **error)
{
    g_autoptr (ArecShard) shard = g_new0 (ArecShard, 1);
    bool ok;

    shard->source = source;
    shard->seen = arec_seen_chunks_new (source);
    /* Whatever an opening does for long, it reads: footers, scans. */
    source->cancel = options->cancel;
    shard->limits = arec_decode_limits_resolve (&options->limits);
    shard->offloaded = options->offloaded;
    shard->is_array_record =
        options->kind == AREC_SHARD_ARRAY_RECORD ||
        (options->kind == AREC_SHARD_AUTO && options->name_is_array_record);
    ok = options->kind == AREC_SHARD_RIEGELI ? open_riegeli (shard, options, error)
                                             : open_by_postscript (shard, options, error);
    if (!ok ||
        !arec_seen_chunks_set_index (shard->seen, shard->index, shard->offloaded != NULL,
                                     error) ||
        !arec_shard_check (shard, error)) {
        return NULL;
    }
    source->cancel = NULL; /* from now on it is shared */
    return g_steal_pointer (&shard);
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
    arec_scanned_clear (&shard->scanned);
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

ArecShardKind
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
        .has_damaged_postscript = shard->scanned.has_damaged_postscript,
        .n_gaps = shard->scanned.n_gaps,
        .gap_bytes = shard->scanned.gap_bytes,
        .first_fault = shard->scanned.first_fault,
        .first_gap_record = shard->scanned.first_gap_record,
        .first_reason = shard->scanned.first_reason,
    };
}

bool
arec_shard_find_foreign_name (const ArecShard *shard, const char **name, GError **error)
{
    return find_foreign_name (shard->source, name, error);
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
 * take memory that nobody has counted. */
static bool
read_and_decode (const ArecShard *shard, const ArecIndexEntry *entry, uint64_t max_whole,
                 ArecChunkHeader *header, ArecChunk **out, GError **error)
{
    ArecChunkPlace place = place_of (shard, entry);
    uint64_t length = entry->limit - entry->offset;
    uint8_t *memory;
    const uint8_t *data;

    if (!arec_chunk_read (&place, length <= ONE_READ_SIZE ? length : 0, header, &memory, &data,
                          error)) {
        return false;
    }
    if (header->decoded_data_size > entry->decoded_size ||
        header->num_records > entry->n_records) {
        g_free (memory);
        return check_against_index (shard, entry, header, error);
    }
    return arec_chunk_decode_progressively (&place, header, memory, data, &shard->limits,
                                            max_whole, out, error) &&
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
                 uint64_t end, ArecProgress *progress, GError **error)
{
    ArecChunkPlace place = place_of (shard, entry);
    ArecDecodeResult result;
    const char *reason;

    return arec_chunk_need (chunk, end, progress, &result, &reason) ||
           arec_chunk_fail (&place, result, reason, error);
}

bool
arec_shard_load_chunk (ArecShard *shard, uint64_t chunk, ArecChunk **out, GError **error)
{
    ArecIndexEntry entry;

    return arec_index_get (shard->index, chunk, &entry, error) &&
           arec_shard_load_chunk_at (shard, &entry, out, error);
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
    const uint8_t *data;

    if (!arec_chunk_neighbours_find (all, &place, &header, &data) ||
        !check_against_index (shard, entry, &header, NULL)) {
        return false;
    }
    if (header.type == AREC_CHUNK_SIMPLE) {
        ArecRecordEnds ends = {
            .n = entry->n_records, .form = AREC_ENDS_NARROW, .narrow_ends = ends_memory};

        in->values = arec_chunk_decode_into (&header, data, &shard->limits, memory, &ends);
    } else if (arec_chunk_decode (&place, &header, NULL, data, &shard->limits, &in->chunk,
                                  NULL)) {
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

        n_decoded += decode_in_run (shard, &all, chunk, memory, ends, &notes);
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

bool
arec_shard_load_sizes (ArecShard *shard, uint64_t chunk, ArecRecordEnds *ends, GError **error)
{
    ArecIndexEntry entry;

    return arec_index_get (shard->index, chunk, &entry, error) &&
           arec_shard_load_sizes_at (shard, &entry, ends, error);
}

bool
arec_shard_load_metadata (ArecShard *shard, ArecRecordsMetadata *metadata, ArecChunk **out,
                          GError **error)
{
    ArecDecodeLimits limits = shard->limits;
    ArecChunkPlace place = {.source = shard->source,
                            .begin = AREC_SIGNATURE_END,
                            .limit = shard->source->size,
                            .max_size = MIN (limits.max_size, AREC_MAX_METADATA_SIZE)};
    g_autoptr (ArecChunk) chunk = NULL;
    ArecIndexEntry first = {.offset = shard->source->size};
    uint64_t since = arec_seen_chunks_stamp (shard->seen);
    ArecChunkHeader header;
    uint8_t *memory;
    const uint8_t *data;

    if (arec_index_n_chunks (shard->index) > 0 &&
        !arec_index_get (shard->index, 0, &first, error)) {
        return false;
    }
    *out = NULL;
    limits.max_size = place.max_size;
    if (first.offset < AREC_SIGNATURE_END + AREC_CHUNK_HEADER_SIZE) {
        return true; /* no room for it */
    }
    if (!arec_chunk_read_header (&place, &header, error)) {
        return false;
    }
    arec_seen_chunks_note_other (shard->seen, AREC_SEEN_METADATA, place.begin, &header);
    if (header.type != AREC_CHUNK_METADATA) {
        return arec_seen_chunks_check (shard->seen, since, 0, 0, error);
    }
    if (!arec_chunk_read (&place, header.end - place.begin, &header, &memory, &data, error) ||
        !arec_chunk_decode_metadata (&place, &header, memory, data, &limits, &chunk, error)) {
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
