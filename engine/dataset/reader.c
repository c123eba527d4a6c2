#include <arec/reader.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>

#include "arrayrecord/shard.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/limits.h"
#include "codec/codec.h"
#include "dataset/chunk_range.h"
#include "dataset/engine.h"
#include "dataset/opening.h"
#include "dataset/reading.h"
#include "riegeli/chunk.h"

/* Chunks whose first bytes tell how a file is coded. */
#define CODING_SAMPLES 64

/* Decoded bytes of a batch for which another thread is called. */
#define HELP_SIZE (UINT64_C (128) * 1024)

/* Bytes to read or to decode that keep a thread for long: some tens of milliseconds, or more
 * where the file is not in the page cache. */
#define LONG_SIZE (UINT64_C (16) << 20)

typedef struct {
    ArecShard *shard;
    uint64_t chunk_owner; /* of the file's chunks in the cache */
    uint64_t sizes_owner; /* of its size lists */
    uint64_t first;       /* the file's records [first, end) are in the sequence */
    uint64_t end;
    uint64_t base; /* number in the sequence of record `first` */
    _Atomic bool is_in_size_work;
    _Atomic uint64_t failed_stamp; /* the source's, when what is remembered failed */
} File;

struct ArecReader {
    _Atomic unsigned refs;
    ArecEngine *engine;
    ArecSourceList *list;
    unsigned parallelism;
    bool recovers;       /* damage is expected */
    uint64_t ahead_size; /* bytes */
    uint64_t n_records;
    _Atomic uint64_t size_work; /* bytes */
    size_t n_files;
    File files[];
};

/* ---- opening ---- */

/* Nothing but damage is not worth a mount. */
static bool
check_recovered (const ArecShard *shard, GError **error)
{
    const char *name = arec_shard_source (shard)->name;
    ArecShardOrigin origin;
    const char *foreign;

    arec_shard_origin (shard, &origin);
    if (origin.is_listed || !origin.is_recovered ||
        arec_index_n_records (arec_shard_index (shard)) > 0) {
        return true;
    }
    if (!arec_shard_find_foreign_name (shard, &foreign, error)) {
        return false;
    }
    if (foreign) {
        return arec_fail_place (error, AREC_ERROR_CORRUPT, name, 0,
                                "%s, not an ArrayRecord file", foreign);
    }
    return arec_fail_place (error, AREC_ERROR_CORRUPT, name, origin.first_fault,
                            "%s; a scan of the file finds no records",
                            origin.first_reason ? origin.first_reason : "no footer");
}

static ArecShard *
open_shard (ArecEngine *engine, const ArecSourceFile *from,
            const ArecShardOptions *shard_options, GError **error)
{
    ArecSource *source = arec_open_source (engine, from, error);

    return source ? arec_shard_open (source, shard_options, error) : NULL;
}

/* Where the index is offloaded for want of memory alone and that does not succeed, it goes to
 * memory after all: a full folder is no reason to refuse a file. */
static ArecShard *
open_shard_somehow (ArecEngine *engine, const ArecSourceFile *from,
                    const ArecReaderOptions *options, GError **error)
{
    ArecShardOptions shard_options = arec_shard_options_of (engine, from, options);
    g_autoptr (GError) failure = NULL;
    ArecShard *shard = open_shard (engine, from, &shard_options, &failure);

    if (!shard && shard_options.offloaded && options->index_storage == AREC_INDEX_AUTO &&
        g_error_matches (failure, AREC_ERROR, AREC_ERROR_IO)) {
        shard_options.offloaded = NULL;
        return open_shard (engine, from, &shard_options, error);
    }
    if (!shard) {
        g_propagate_error (error, g_steal_pointer (&failure));
    }
    return shard;
}

static bool
open_file (ArecReader *reader, const ArecSourceFile *from, const ArecReaderOptions *options,
           File *file, GError **error)
{
    ArecEngine *engine = reader->engine;

    file->shard = open_shard_somehow (engine, from, options, error);
    if (!file->shard) {
        return false;
    }
    engine->index_used += arec_index_memory (arec_shard_index (file->shard));
    arec_chunk_cache_charge (engine->cache, (int64_t)arec_shard_memory (file->shard));
    file->chunk_owner = engine->next_owner++;
    file->sizes_owner = engine->next_owner++;
    file->failed_stamp = arec_shard_stamp (file->shard);
    if (options->recover && !check_recovered (file->shard, error)) {
        return false;
    }
    file->end = arec_index_n_records (arec_shard_index (file->shard));
    if (from->has_range &&
        !arec_range_resolve (&from->range, file->end, &file->first, &file->end, error)) {
        g_prefix_error (error, "%s: ", from->path);
        return false;
    }
    file->base = reader->n_records;
    if (!arec_add_u64 (reader->n_records, file->end - file->first, &reader->n_records)) {
        return arec_fail (error, AREC_ERROR_LIMIT, "%s: more than 2^64 records in all",
                          from->path);
    }
    return true;
}

static void
forget_failures (ArecEngine *engine, uint64_t owner)
{
    int64_t grown = arec_failed_chunks_forget (engine->failed, owner);

    if (grown != 0) {
        arec_chunk_cache_charge (engine->cache, grown);
    }
}

static void
close_file (ArecEngine *engine, File *file)
{
    if (!file->shard) {
        return;
    }
    arec_chunk_cache_forget (engine->cache, file->chunk_owner);
    arec_chunk_cache_forget (engine->cache, file->sizes_owner);
    forget_failures (engine, file->chunk_owner);
    forget_failures (engine, file->sizes_owner);
    engine->index_used -= arec_index_memory (arec_shard_index (file->shard));
    arec_chunk_cache_charge (engine->cache, -(int64_t)arec_shard_memory (file->shard));
    arec_shard_free (file->shard);
}

static void
take_options (ArecReader *reader, const ArecReaderOptions *options)
{
    reader->recovers = options->recover;
    reader->parallelism = options->has_max_parallelism
                              ? MIN (options->max_parallelism, AREC_MAX_PARALLELISM)
                              : reader->engine->parallelism;
    reader->ahead_size = options->has_readahead_buffer_size ? options->readahead_buffer_size
                                                            : reader->engine->cache_size;
}

ArecReader *
arec_reader_open_list (ArecEngine *engine, ArecSourceList *list, size_t first, size_t n,
                       const ArecReaderOptions *options, GError **error)
{
    static const ArecReaderOptions defaults = {0};
    g_autoptr (ArecReader) reader = NULL;

    g_return_val_if_fail (n >= 1 && first + n <= arec_source_list_length (list), NULL);
    if (n > AREC_MAX_FILES) {
        arec_fail (error, AREC_ERROR_LIMIT, "%zu files, the limit is %" PRIu64, n,
                   AREC_MAX_FILES);
        return NULL;
    }
    reader = g_malloc0 (sizeof *reader + n * sizeof (File));
    reader->refs = 1;
    reader->engine = arec_engine_ref (engine);
    reader->list = arec_source_list_ref (list);
    reader->n_files = n;
    take_options (reader, options ? options : &defaults);
    for (size_t i = 0; i < n; i++) {
        if (!open_file (reader, arec_source_list_get (list, first + i),
                        options ? options : &defaults, &reader->files[i], error)) {
            return NULL;
        }
    }
    return g_steal_pointer (&reader);
}

ArecReader *
arec_reader_open (ArecEngine *engine, const char *path, const ArecReaderOptions *options,
                  GError **error)
{
    g_autoptr (ArecSourceList) list = arec_source_list_new();

    if (g_file_test (path, G_FILE_TEST_IS_DIR)) {
        arec_fail (error, AREC_ERROR_NOT_FOUND, "%s: is a directory, expected a file", path);
        return NULL;
    }
    if (!arec_source_list_add (list, path, NULL, error)) {
        return NULL;
    }
    /* Nobody could be told of what is left out. */
    if (arec_source_list_n_notes (list) > 0) {
        const ArecSourceNote *note = arec_source_list_note (list, 0);

        arec_fail (error, AREC_ERROR_NOT_FOUND, "%s: %s", note->path, note->reason);
        return NULL;
    }
    return arec_reader_open_list (engine, list, 0, arec_source_list_length (list), options,
                                  error);
}

ArecReader *
arec_reader_ref (ArecReader *reader)
{
    atomic_fetch_add (&reader->refs, 1);
    return reader;
}

void
arec_reader_unref (ArecReader *reader)
{
    if (!reader || atomic_fetch_sub (&reader->refs, 1) > 1) {
        return;
    }
    for (size_t i = 0; i < reader->n_files; i++) {
        close_file (reader->engine, &reader->files[i]);
    }
    arec_source_list_unref (reader->list);
    arec_engine_unref (reader->engine);
    g_free (reader);
}

/* ---- what is there ---- */

ArecEngine *
arec_reader_engine (ArecReader *reader)
{
    return reader->engine;
}

unsigned
arec_reader_parallelism (const ArecReader *reader)
{
    return reader->parallelism;
}

uint64_t
arec_reader_ahead_size (const ArecReader *reader)
{
    return reader->ahead_size;
}

ArecShard *
arec_reader_shard (ArecReader *reader, size_t file)
{
    return reader->files[file].shard;
}

uint64_t
arec_reader_n_records (const ArecReader *reader)
{
    return reader->n_records;
}

size_t
arec_reader_n_files (const ArecReader *reader)
{
    return reader->n_files;
}

void
arec_reader_file_info (const ArecReader *reader, size_t number, ArecFileInfo *info)
{
    const File *file = &reader->files[number];
    const ArecSource *source = arec_shard_source (file->shard);
    const ArecIndex *index = arec_shard_index (file->shard);
    ArecShardOrigin origin;

    arec_shard_origin (file->shard, &origin);
    *info = (ArecFileInfo){
        .path = source->name,
        .kind = arec_shard_kind (file->shard) == AREC_SHARD_RIEGELI ? AREC_KIND_RIEGELI
                                                                    : AREC_KIND_ARRAY_RECORD,
        .file_size = source->size,
        .n_records = arec_index_n_records (index),
        .n_chunks = arec_index_n_chunks (index),
        .group_size = arec_index_group_size (index),
        .decoded_size = arec_index_decoded_size (index),
        .index_size = arec_index_memory (index),
        .index_offloaded_size = arec_index_offloaded_size (index),
        .options = arec_shard_options (file->shard),
        .first_record = file->first,
        .end_record = file->end,
        .is_recovered = origin.is_recovered,
        .n_gaps = origin.n_gaps,
        .gap_bytes = origin.gap_bytes,
        .first_fault = origin.first_fault,
        .first_gap_record = origin.first_gap_record,
        .first_reason = origin.first_reason,
    };
}

char *
arec_file_info_gaps (const ArecFileInfo *info)
{
    g_autofree char *places =
        info->n_gaps > 1 ? g_strdup_printf (" in %" PRIu64 " places", info->n_gaps) : NULL;

    return info->gap_bytes == 1 ? g_strdup ("one byte holds no sound chunk")
                                : g_strdup_printf ("%" PRIu64 " bytes%s hold no sound chunk",
                                                   info->gap_bytes, places ? places : "");
}

void
arec_reader_file_stat (const ArecReader *reader, size_t file, struct stat *st)
{
    const ArecSource *source = arec_shard_source (reader->files[file].shard);

    *st = source->st;
    st->st_mode = (st->st_mode & S_IFMT) | source->mode;
}

/* Of the bytes of @entry those of its records in [first, end), by their average. */
static uint64_t
size_within (const ArecIndexEntry *entry, uint64_t first, uint64_t end)
{
    uint64_t from = MAX (first, entry->first_record);
    uint64_t to = MIN (end, entry->first_record + entry->n_records);

    if (to - from == entry->n_records) {
        return entry->decoded_size;
    }
    return (uint64_t)((double)entry->decoded_size / (double)entry->n_records *
                      (double)(to - from));
}

/* Adds what the chunks from @chunk on have in [first, end). */
static bool
add_sizes (const ArecIndex *index, uint64_t chunk, uint64_t first, uint64_t end, uint64_t *size,
           GError **error)
{
    ArecIndexEntry entries[AREC_INDEX_BATCH];

    while (chunk < arec_index_n_chunks (index)) {
        uint64_t n = MIN (AREC_INDEX_BATCH, arec_index_n_chunks (index) - chunk);

        if (!arec_index_get_many (index, chunk, n, entries, error)) {
            return false;
        }
        for (uint64_t i = 0; i < n; i++) {
            if (entries[i].first_record >= end) {
                return true;
            }
            *size += size_within (&entries[i], first, end);
        }
        chunk += n;
    }
    return true;
}

bool
arec_reader_file_range_size (const ArecReader *reader, size_t number, uint64_t *size,
                             GError **error)
{
    const File *file = &reader->files[number];
    const ArecIndex *index = arec_shard_index (file->shard);
    ArecIndexEntry entry;
    uint64_t chunk, sum = 0;

    if (file->first == file->end || file->end - file->first == arec_index_n_records (index)) {
        *size = file->first == file->end ? 0 : arec_index_decoded_size (index);
        return true;
    }
    if (!arec_index_find (index, file->first, &chunk, &entry, error) ||
        !add_sizes (index, chunk, file->first, file->end, &sum, error)) {
        return false;
    }
    *size = sum;
    return true;
}

static char *
own_text (const ArecMetadataText *text)
{
    return text->at ? g_strndup ((const char *)text->at, text->size) : NULL;
}

bool
arec_reader_file_metadata (ArecReader *reader, size_t file, ArecMetadata *out, GError **error)
{
    g_autoptr (ArecChunk) chunk = NULL;
    ArecRecordsMetadata metadata = {0};

    if (!arec_shard_load_metadata (reader->files[file].shard, &metadata, &chunk, error)) {
        return false;
    }
    *out = (ArecMetadata){
        .is_there = chunk != NULL,
        .file_comment = own_text (&metadata.file_comment),
        .record_type_name = own_text (&metadata.record_type_name),
        .record_writer_options = own_text (&metadata.record_writer_options),
        .n_file_descriptors = metadata.n_file_descriptors,
        .has_num_records = metadata.has_num_records,
        .num_records = metadata.num_records,
    };
    return true;
}

void
arec_metadata_clear (ArecMetadata *metadata)
{
    g_free (metadata->file_comment);
    g_free (metadata->record_type_name);
    g_free (metadata->record_writer_options);
    *metadata = (ArecMetadata){0};
}

uint64_t
arec_reader_size_work (const ArecReader *reader)
{
    return reader->size_work;
}

/* Counts a file whose sizes have turned out to cost reading it. */
static void
note_size_work (ArecReader *reader, File *file)
{
    if (arec_shard_walks_for_sizes (file->shard) && !file->is_in_size_work &&
        !atomic_exchange (&file->is_in_size_work, true)) {
        reader->size_work += arec_shard_source (file->shard)->size;
    }
}

static ArecCodecName
codec_name (uint8_t compression)
{
    switch (compression) {
    case AREC_COMPRESSION_BROTLI: return AREC_CODEC_BROTLI;
    case AREC_COMPRESSION_ZSTD: return AREC_CODEC_ZSTD;
    case AREC_COMPRESSION_SNAPPY: return AREC_CODEC_SNAPPY;
    default: return AREC_CODEC_NONE;
    }
}

bool
arec_reader_file_coding (ArecReader *reader, size_t number, ArecCodecName *out,
                         bool *transposed, GError **error)
{
    ArecShard *shard = reader->files[number].shard;
    uint64_t n_chunks = arec_index_n_chunks (arec_shard_index (shard));
    uint64_t n_samples = MIN (n_chunks, CODING_SAMPLES);
    ArecCodecName codec = AREC_CODEC_NONE;
    bool any_transposed = false, is_known = false;
    g_autoptr (GError) damage = NULL;

    for (uint64_t i = 0; i < n_samples && codec != AREC_CODEC_MIXED; i++) {
        /* From the first chunk to the last in even steps. */
        uint64_t chunk = n_samples > 1 ? i * (n_chunks - 1) / (n_samples - 1) : 0;
        uint8_t compression;
        bool is_transposed;
        ArecCodecName name;

        g_clear_error (&damage);
        if (!arec_shard_read_coding (shard, chunk, &compression, &is_transposed, &damage)) {
            if (!reader->recovers ||
                !g_error_matches (damage, AREC_ERROR, AREC_ERROR_CORRUPT)) {
                g_propagate_error (error, g_steal_pointer (&damage));
                return false;
            }
            continue; /* the others tell */
        }
        name = codec_name (compression);
        codec = !is_known || name == codec ? name : AREC_CODEC_MIXED;
        is_known = true;
        any_transposed = any_transposed || is_transposed;
    }
    if (damage && !is_known) {
        g_propagate_error (error, g_steal_pointer (&damage));
        return false;
    }
    *out = codec;
    *transposed = any_transposed;
    return true;
}

/* ---- one record ---- */

size_t
arec_reader_file_of (const ArecReader *reader, uint64_t record)
{
    size_t low = 0, high = reader->n_files;

    g_return_val_if_fail (record < reader->n_records, 0);
    /* The last file whose base is at or before the record; empty ones share a base with their
     * successor. */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (reader->files[middle].base <= record) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool
find (const ArecReader *reader, uint64_t record, ArecPlace *place, ArecIndexEntry *entry,
      GError **error)
{
    ArecPlace found = {.file = arec_reader_file_of (reader, record)};
    const File *file = &reader->files[found.file];

    found.file_record = file->first + (record - file->base);
    if (!arec_index_find (arec_shard_index (file->shard), found.file_record, &found.chunk,
                          entry, error)) {
        return false;
    }
    found.chunk_offset = entry->offset;
    found.chunk_record = found.file_record - entry->first_record;
    *place = found;
    return true;
}

bool
arec_reader_locate (const ArecReader *reader, uint64_t record, ArecPlace *place, GError **error)
{
    ArecIndexEntry entry;

    g_return_val_if_fail (record < reader->n_records, false);
    return find (reader, record, place, &entry, error);
}

bool
arec_reader_check_number (const ArecReader *reader, uint64_t record, GError **error)
{
    return record < reader->n_records ||
           arec_fail (error, AREC_ERROR_INVALID,
                      "%s: record %" PRIu64 " is out of bounds, there are %" PRIu64 " records",
                      arec_shard_source (reader->files[0].shard)->name, record,
                      reader->n_records);
}

/* Number in the sequence of the record behind the last one that comes with @record's chunk. */
static uint64_t
chunk_end_of (const ArecReader *reader, uint64_t record, const ArecPlace *place,
              const ArecIndexEntry *entry)
{
    return record + MIN (entry->n_records - place->chunk_record,
                         reader->files[place->file].end - place->file_record);
}

/* ---- what has failed ---- */

/* Remembers @error, unless it may be another one the next time. What failed counts in the
 * budget. */
static void
note_failure (ArecEngine *engine, ArecCacheKey key, ArecFailedFrom from, const GError *error)
{
    int64_t grown;

    if (!arec_error_is_of_bytes (error)) {
        return;
    }
    grown = arec_failed_chunks_add (engine->failed, key, from, error);
    if (grown != 0) {
        arec_chunk_cache_charge (engine->cache, grown);
    }
}

/* Whether the first @end bytes of record @record of the chunk, or size list, @key of @file have
 * failed before: then *error says so, or that the file is no longer the one in which they did.
 * Where its stamp has moved since, they may be tried again. */
static bool
has_failed (ArecEngine *engine, File *file, ArecCacheKey key, uint64_t record, uint64_t end,
            GError **error)
{
    GError *cause = NULL, *change = NULL;
    uint64_t stamp;

    if (!arec_failed_chunks_find (engine->failed, key, record, end, &cause)) {
        return false;
    }
    engine->damage_hits++;
    if (!arec_shard_check (file->shard, &change)) {
        g_error_free (cause);
        g_propagate_error (error, change);
        return true;
    }
    /* The file is the same by all that was read soundly; what failed may have been mended. */
    stamp = arec_shard_stamp (file->shard);
    if (atomic_exchange (&file->failed_stamp, stamp) != stamp) {
        forget_failures (engine, file->chunk_owner);
        forget_failures (engine, file->sizes_owner);
        g_error_free (cause);
        return false;
    }
    g_propagate_error (error, cause);
    return true;
}

/* The values of @chunk can be decoded up to its mark, no further. */
static void
note_broken_values (ArecEngine *engine, ArecCacheKey key, const ArecChunk *chunk,
                    const GError *error)
{
    uint64_t mark = arec_chunk_mark (chunk), low = 0, high = chunk->ends.n;

    /* The first record that ends behind the mark. */
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;

        if (arec_record_ends_end (&chunk->ends, middle) > mark) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    if (low < chunk->ends.n) {
        uint64_t begin = arec_record_ends_begin (&chunk->ends, low);

        note_failure (engine, key, (ArecFailedFrom){low, mark - begin}, error);
    }
}

bool
arec_reader_damage (const ArecReader *reader, uint64_t record, const GError *error,
                    ArecChunkDamage *damage)
{
    const File *file;
    ArecPlace place;
    ArecIndexEntry entry;
    uint64_t before;

    if (!arec_error_is_of_bytes (error) || record >= reader->n_records ||
        !find (reader, record, &place, &entry, NULL)) {
        return false;
    }
    file = &reader->files[place.file];
    before = MIN (place.chunk_record, place.file_record - file->first);
    *damage = (ArecChunkDamage){
        .file = place.file,
        .chunk = place.chunk,
        .damage = {.offset = entry.offset,
                   .length = arec_shard_chunk_end (file->shard, &entry) - entry.offset,
                   .knows_first_record = true,
                   .first_record = entry.first_record,
                   .knows_n_records = true,
                   .n_records = entry.n_records},
        .first = record - before,
        .end = chunk_end_of (reader, record, &place, &entry),
        .text = arec_error_reason_at (error, entry.offset),
    };
    damage->damage.reason = damage->text;
    return true;
}

void
arec_chunk_damage_clear (ArecChunkDamage *damage)
{
    g_free (damage->text);
    *damage = (ArecChunkDamage){0};
}

/* ---- loading ---- */

/* What a loader needs. */
typedef struct {
    ArecEngine *engine;
    const File *file;
    const ArecIndexEntry *entry; /* of the chunk */
    uint64_t chunk;              /* its number */
} LoadRequest;

static ArecCacheKey
chunk_key (const File *file, uint64_t chunk)
{
    return (ArecCacheKey){file->chunk_owner, chunk};
}

static ArecCacheKey
sizes_key (const File *file, uint64_t chunk)
{
    return (ArecCacheKey){file->sizes_owner, chunk};
}

/* The chunk of @entry once decoded, and its sizes alone, as far as the index tells. */
static uint64_t
cost_of_chunk (const ArecEngine *engine, const ArecIndexEntry *entry)
{
    uint64_t bytes = MIN (entry->decoded_size, engine->limits.max_size);
    uint64_t ends = arec_record_ends_cost (entry->n_records, entry->decoded_size);

    return sizeof (ArecChunk) + bytes + MIN (ends, engine->limits.max_size) +
           AREC_CACHE_ENTRY_OVERHEAD;
}

static uint64_t
cost_of_sizes (const ArecEngine *engine, const ArecIndexEntry *entry)
{
    uint64_t ends = arec_record_ends_cost (entry->n_records, entry->decoded_size);

    return sizeof (ArecRecordEnds) + MIN (ends, engine->limits.max_size) +
           AREC_CACHE_ENTRY_OVERHEAD;
}

static bool
load_chunk (void *data, void **value, uint64_t *cost, GError **error)
{
    LoadRequest *request = data;
    ArecCacheKey key = chunk_key (request->file, request->chunk);
    GError *cause = NULL;
    ArecChunk *chunk;

    /* Another load may have failed since we looked. */
    if (arec_failed_chunks_find (request->engine->failed, key, 0, 0, error)) {
        return false;
    }
    if (!arec_shard_load_chunk_progressively (request->file->shard, request->entry,
                                              request->engine->max_whole_chunk, &chunk,
                                              &cause)) {
        note_failure (request->engine, key, (ArecFailedFrom){0}, cause);
        g_propagate_error (error, cause);
        return false;
    }
    request->engine->chunks_decoded++;
    request->engine->decoded_bytes += arec_chunk_mark (chunk);
    *value = chunk;
    *cost = chunk->cost + AREC_CACHE_ENTRY_OVERHEAD;
    return true;
}

static void
free_chunk (void *value)
{
    arec_chunk_free (value);
}

/* What decoding needs beside a chunk and its stored form: the codec's window, or all values of
 * a transposed chunk, which are put together from pieces. */
static uint64_t
cost_of_decoding (const ArecEngine *engine, const ArecShard *shard, const ArecIndexEntry *entry)
{
    return MIN (entry->decoded_size, arec_shard_walks_for_sizes (shard)
                                         ? engine->limits.max_size
                                         : AREC_USUAL_WINDOW);
}

/* As far as the index tells: a chunk may end before the next one begins. */
static ArecCacheSize
size_of_chunk (const ArecEngine *engine, const ArecShard *shard, const ArecIndexEntry *entry)
{
    return (ArecCacheSize){.cost = cost_of_chunk (engine, entry),
                           .passing = entry->limit - entry->offset +
                                      cost_of_decoding (engine, shard, entry)};
}

static bool
measure_chunk (void *data, ArecCacheSize *size, GError **error)
{
    const LoadRequest *request = data;
    bool is_plain;
    GError *cause = NULL;
    uint64_t stored;

    if (!arec_shard_measure (request->file->shard, request->entry, &stored, &is_plain,
                             &cause)) {
        note_failure (request->engine, chunk_key (request->file, request->chunk),
                      (ArecFailedFrom){0}, cause);
        g_propagate_error (error, cause);
        return false;
    }
    /* What is beyond the limits is refused by its true size. */
    size->cost = MAX (size->cost, MIN (request->entry->decoded_size, AREC_MAX_SIZE_SUMMED));
    size->passing = is_plain ? 0
                             : stored + cost_of_decoding (request->engine, request->file->shard,
                                                          request->entry);
    return true;
}

static void
refuse_load (void *data, uint64_t needed, uint64_t room, bool ever, GError **error)
{
    const LoadRequest *request = data;

    arec_fail_place (error, ever ? AREC_ERROR_LIMIT : AREC_ERROR_NOMEM,
                     arec_shard_source (request->file->shard)->name, request->entry->offset,
                     "reading the chunk needs %" PRIu64
                     " bytes of memory, this process may use %" PRIu64 " for that%s",
                     needed, room, ever ? "" : ", and they are in use");
}

static const ArecCacheLoader chunk_loader = {.load = load_chunk,
                                             .free_value = free_chunk,
                                             .measure = measure_chunk,
                                             .refuse = refuse_load};

static bool
load_sizes (void *data, void **value, uint64_t *cost, GError **error)
{
    LoadRequest *request = data;
    ArecCacheKey key = sizes_key (request->file, request->chunk);
    GError *cause = NULL;
    ArecRecordEnds ends;

    if (arec_failed_chunks_find (request->engine->failed, key, 0, 0, error)) {
        return false;
    }
    if (!arec_shard_load_sizes_at (request->file->shard, request->entry, &ends, &cause)) {
        note_failure (request->engine, key, (ArecFailedFrom){0}, cause);
        /* A chunk that can be decoded has sizes, too; but that a list is too large may be said
         * of one that is not verified. */
        if (!g_error_matches (cause, AREC_ERROR, AREC_ERROR_LIMIT)) {
            note_failure (request->engine, chunk_key (request->file, request->chunk),
                          (ArecFailedFrom){0}, cause);
        }
        g_propagate_error (error, cause);
        return false;
    }
    request->engine->size_lists_read++;
    *cost = sizeof ends + arec_record_ends_memory (&ends) + AREC_CACHE_ENTRY_OVERHEAD;
    *value = g_memdup2 (&ends, sizeof ends);
    return true;
}

static void
free_sizes (void *value)
{
    arec_record_ends_clear (value);
    g_free (value);
}

/* The sizes of a transposed chunk cost reading and decoding it. */
static ArecCacheSize
size_of_sizes (const ArecEngine *engine, const ArecShard *shard, const ArecIndexEntry *entry)
{
    return (ArecCacheSize){.cost = cost_of_sizes (engine, entry),
                           .passing = arec_shard_walks_for_sizes (shard)
                                          ? entry->limit - entry->offset +
                                                cost_of_decoding (engine, shard, entry)
                                          : 0};
}

static bool
measure_sizes (void *data, ArecCacheSize *size, GError **error)
{
    const uint64_t cost = size->cost;
    bool ok = size->passing == 0 || measure_chunk (data, size, error);

    size->cost = cost;
    return ok;
}

static const ArecCacheLoader sizes_loader = {.load = load_sizes,
                                             .free_value = free_sizes,
                                             .measure = measure_sizes,
                                             .refuse = refuse_load};

/* arec_chunk_cache_get (), which is tried again without the cache's memory where there is no
 * other. */
static ArecCacheEntry *
get_cached (ArecEngine *engine, ArecCacheKey key, const ArecCacheLoader *loader,
            LoadRequest *request, ArecCacheSize expected, GError **error)
{
    GError *cause = NULL;
    ArecCacheEntry *cached =
        arec_chunk_cache_get (engine->cache, key, loader, request, expected, &cause);

    if (g_error_matches (cause, AREC_ERROR, AREC_ERROR_NOMEM)) {
        g_clear_error (&cause);
        arec_chunk_cache_give_back (engine->cache);
        cached = arec_chunk_cache_get (engine->cache, key, loader, request, expected, &cause);
    }
    if (!cached) {
        g_propagate_error (error, cause);
    }
    return cached;
}

/* The chunk at @place, of which the first @end bytes of record @record are wanted. */
static ArecCacheEntry *
get_chunk (ArecReader *reader, const ArecPlace *place, const ArecIndexEntry *entry,
           uint64_t record, uint64_t end, GError **error)
{
    File *file = &reader->files[place->file];
    LoadRequest request = {reader->engine, file, entry, place->chunk};
    ArecCacheKey key = chunk_key (file, place->chunk);
    ArecCacheEntry *cached;

    /* Chunks that were decoded before a change was noticed are not mixed with its error. */
    if (!arec_shard_check_known (file->shard, error) ||
        has_failed (reader->engine, file, key, record, end, error)) {
        return NULL;
    }
    cached = arec_chunk_cache_hit (reader->engine->cache, key);
    return cached ? cached
                  : get_cached (reader->engine, key, &chunk_loader, &request,
                                size_of_chunk (reader->engine, file->shard, entry), error);
}

bool
arec_reader_find_chunk (const ArecReader *reader, uint64_t record, ArecChunkWalk *walk,
                        GError **error)
{
    ArecPlace place;

    walk->n_entries = walk->i = 0;
    if (!find (reader, record, &place, &walk->entries[0], error)) {
        return false;
    }
    walk->n_entries = 1;
    walk->file = place.file;
    walk->chunk = place.chunk;
    walk->chunk_record = place.chunk_record;
    walk->end = chunk_end_of (reader, record, &place, &walk->entries[0]);
    walk->file_end = record + (reader->files[place.file].end - place.file_record);
    return true;
}

bool
arec_reader_next_chunk (const ArecReader *reader, ArecChunkWalk *walk, GError **error)
{
    if (walk->end == walk->file_end) {
        return arec_reader_find_chunk (reader, walk->end, walk, error);
    }
    if (walk->i + 1 == walk->n_entries) {
        const ArecIndex *index = arec_shard_index (reader->files[walk->file].shard);
        uint64_t next = walk->chunk + 1;
        uint64_t n = MIN (arec_index_n_chunks (index) - next, AREC_INDEX_BATCH);

        walk->n_entries = walk->i = 0;
        if (!arec_index_get_many (index, next, n, walk->entries, error)) {
            return false;
        }
        walk->n_entries = (unsigned)n;
    } else {
        walk->i++;
    }
    walk->chunk++;
    walk->chunk_record = 0;
    walk->end += MIN (walk->entries[walk->i].n_records, walk->file_end - walk->end);
    return true;
}

bool
arec_reader_has_chunk (const ArecReader *reader, const ArecChunkWalk *walk)
{
    return arec_chunk_cache_has (reader->engine->cache,
                                 chunk_key (&reader->files[walk->file], walk->chunk));
}

bool
arec_reader_load_ahead (ArecReader *reader, uint64_t record, uint64_t *chunk_end)
{
    ArecEngine *engine = reader->engine;
    g_autoptr (ArecCacheEntry) cached = NULL;
    ArecPlace place;
    ArecIndexEntry entry;
    ArecCacheKey key;
    LoadRequest request;

    if (!find (reader, record, &place, &entry, NULL)) {
        return false;
    }
    *chunk_end = chunk_end_of (reader, record, &place, &entry);
    key = chunk_key (&reader->files[place.file], place.chunk);
    if (arec_failed_chunks_has (engine->failed, key)) {
        return true;
    }
    request = (LoadRequest){engine, &reader->files[place.file], &entry, place.chunk};
    if (!arec_chunk_cache_load_ahead (engine->cache, key, &chunk_loader, &request,
                                      size_of_chunk (engine, request.file->shard, &entry))) {
        return false;
    }
    if (entry.decoded_size > engine->max_whole_chunk) {
        cached = arec_chunk_cache_peek (engine->cache, key);
        if (cached) {
            arec_chunk_range_complete (engine, cached);
        }
    }
    return true;
}

bool
arec_reader_surroundings (ArecReader *reader, uint64_t record, uint64_t *chunk_end,
                          uint64_t *group_size, GError **error)
{
    const File *file = &reader->files[arec_reader_file_of (reader, record)];
    const ArecIndex *index = arec_shard_index (file->shard);
    uint64_t file_record = file->first + (record - file->base), end;

    if (!arec_index_chunk_end (index, file_record, &end, error)) {
        return false;
    }
    *chunk_end = record + (MIN (end, file->end) - file_record);
    /* What an index says of chunks that lie outside of a slice may be anything. */
    *group_size = MIN (arec_index_group_size (index), file->end - file->first);
    return true;
}

bool
arec_reader_check_source (ArecReader *reader, uint64_t record, GError **error)
{
    return arec_reader_check_number (reader, record, error) &&
           arec_shard_check (reader->files[arec_reader_file_of (reader, record)].shard, error);
}

/* The size of record @i of @chunk of @file. */
static bool
size_in_chunk (ArecReader *reader, File *file, uint64_t chunk, const ArecIndexEntry *entry,
               uint64_t i, uint64_t *size, GError **error)
{
    g_autoptr (ArecCacheEntry) cached = NULL;

    if (entry->n_records == 1) {
        *size = entry->decoded_size;
        return true;
    }
    cached = arec_chunk_cache_peek (reader->engine->cache, chunk_key (file, chunk));
    if (cached) {
        const ArecChunk *decoded = arec_cache_entry_value (cached);

        *size = arec_record_ends_size (&decoded->ends, i);
        return true;
    }
    if (has_failed (reader->engine, file, sizes_key (file, chunk), 0, 0, error)) {
        return false;
    }
    cached = get_cached (reader->engine, sizes_key (file, chunk), &sizes_loader,
                         &(LoadRequest){reader->engine, file, entry, chunk},
                         size_of_sizes (reader->engine, file->shard, entry), error);
    if (!cached) {
        return false;
    }
    note_size_work (reader, file);
    *size = arec_record_ends_size (arec_cache_entry_value (cached), i);
    return true;
}

bool
arec_reader_size_in_chunk (ArecReader *reader, const ArecChunkWalk *walk, uint64_t i,
                           uint64_t *size, GError **error)
{
    return size_in_chunk (reader, &reader->files[walk->file], walk->chunk,
                          &walk->entries[walk->i], i, size, error);
}

bool
arec_reader_record_size (ArecReader *reader, uint64_t record, uint64_t *size, GError **error)
{
    ArecPlace place;
    ArecIndexEntry entry;

    return arec_reader_check_number (reader, record, error) &&
           find (reader, record, &place, &entry, error) &&
           size_in_chunk (reader, &reader->files[place.file], place.chunk, &entry,
                          place.chunk_record, size, error);
}

/* The view of bytes [offset, offset + size), as far as there are any, of the record at @place.
 * @cached  its chunk, of which a reference is taken.
 * @entry   of that chunk. */
static bool
make_view (const ArecReader *reader, const ArecPlace *place, const ArecIndexEntry *entry,
           ArecCacheEntry *cached, uint64_t offset, uint64_t size, ArecView *view,
           GError **error)
{
    const File *file = &reader->files[place->file];
    const ArecChunk *chunk = arec_cache_entry_value (cached);
    uint64_t record_size = arec_record_ends_size (&chunk->ends, place->chunk_record), begin;
    GError *cause = NULL;

    offset = MIN (offset, record_size);
    size = MIN (size, record_size - offset);
    begin = arec_record_ends_begin (&chunk->ends, place->chunk_record) + offset;
    if (!arec_chunk_range_need (reader->engine, file->shard, entry, cached, begin + size,
                                &cause)) {
        note_broken_values (reader->engine, chunk_key (file, place->chunk), chunk, cause);
        g_propagate_error (error, cause);
        return false;
    }
    *view = (ArecView){
        .data = chunk->values + begin, .size = size, .owner = arec_cache_entry_ref (cached)};
    return true;
}

void
arec_view_clear (ArecView *view)
{
    arec_cache_entry_unref (view->owner);
    *view = (ArecView){0};
}

bool
arec_reader_read_range (ArecReader *reader, uint64_t record, uint64_t offset, uint64_t size,
                        ArecView *view, GError **error)
{
    g_autoptr (ArecCacheEntry) cached = NULL;
    ArecPlace place;
    ArecIndexEntry entry;

    if (!arec_reader_check_number (reader, record, error) ||
        !find (reader, record, &place, &entry, error)) {
        return false;
    }
    cached = get_chunk (reader, &place, &entry, place.chunk_record,
                        offset + MIN (size, UINT64_MAX - offset), error);
    return cached && make_view (reader, &place, &entry, cached, offset, size, view, error);
}

bool
arec_reader_read (ArecReader *reader, uint64_t record, ArecView *view, GError **error)
{
    return arec_reader_read_range (reader, record, 0, UINT64_MAX, view, error);
}

/* Whether the file of @record has any. */
static bool
has_long_chunks (const ArecReader *reader, uint64_t record)
{
    const File *file = &reader->files[arec_reader_file_of (reader, record)];

    return arec_index_largest_chunk (arec_shard_index (file->shard)) >= LONG_SIZE;
}

bool
arec_reader_read_is_long (ArecReader *reader, uint64_t record, uint64_t offset, uint64_t size)
{
    g_autoptr (ArecCacheEntry) cached = NULL;
    const ArecChunk *chunk;
    ArecPlace place;
    ArecIndexEntry entry;
    ArecCacheKey key;
    uint64_t begin, record_size;

    if (!has_long_chunks (reader, record) || !find (reader, record, &place, &entry, NULL) ||
        MAX (entry.limit - entry.offset, entry.decoded_size) < LONG_SIZE) {
        return false;
    }
    key = chunk_key (&reader->files[place.file], place.chunk);
    if (arec_failed_chunks_find (reader->engine->failed, key, place.chunk_record,
                                 offset + MIN (size, UINT64_MAX - offset), NULL)) {
        return false;
    }
    cached = arec_chunk_cache_peek (reader->engine->cache, key);
    if (!cached) {
        return true;
    }
    chunk = arec_cache_entry_value (cached);
    begin = arec_record_ends_begin (&chunk->ends, place.chunk_record);
    record_size = arec_record_ends_size (&chunk->ends, place.chunk_record);
    offset = MIN (offset, record_size);
    return begin + offset + MIN (size, record_size - offset) >
           arec_chunk_mark (chunk) + LONG_SIZE;
}

/* ---- many records ---- */

typedef struct {
    uint64_t record;
    size_t position; /* in the caller's list */
} Wanted;

static int
compare_wanted (const void *a, const void *b)
{
    const Wanted *x = a, *y = b;

    return (x->record > y->record) - (x->record < y->record);
}

/* Wanted records of one chunk. */
typedef struct {
    size_t first; /* in the sorted list */
    size_t n;
    ArecPlace place; /* of the first one */
    ArecIndexEntry entry;
} Group;

/* A batch, worked on by the caller's thread and by as many of the engine's as have time for it.
 * One that comes when all is done finds nothing to do and touches nothing else. */
typedef struct {
    _Atomic unsigned refs;
    ArecReader *reader;
    const Wanted *wanted;
    ArecView *views;
    const Group *groups;
    size_t n_groups;
    _Atomic size_t next; /* group that nobody has taken */
    pthread_mutex_t lock;
    pthread_cond_t idle; /* no helper is at work */
    bool is_over;        /* guarded by the lock, as all below */
    unsigned n_helpers;  /* at work */
    size_t failed;       /* the first group that failed */
    GError *error;
} Batch;

static void
unref_batch (void *data)
{
    Batch *batch = data;

    if (atomic_fetch_sub (&batch->refs, 1) == 1) {
        pthread_cond_destroy (&batch->idle);
        pthread_mutex_destroy (&batch->lock);
        g_free (batch);
    }
}

static bool
read_group (Batch *batch, const Group *group, GError **error)
{
    const Wanted *wanted = batch->wanted + group->first;
    uint64_t first = wanted[0].record, last = wanted[group->n - 1].record;
    g_autoptr (ArecCacheEntry) cached =
        get_chunk (batch->reader, &group->place, &group->entry,
                   group->place.chunk_record + (last - first), UINT64_MAX, error);

    if (!cached) {
        return false;
    }
    for (size_t i = 0; i < group->n; i++) {
        ArecPlace place = group->place;

        place.chunk_record += wanted[i].record - first;
        if (!make_view (batch->reader, &place, &group->entry, cached, 0, UINT64_MAX,
                        &batch->views[wanted[i].position], error)) {
            return false;
        }
    }
    return true;
}

/* Groups are taken in order, and whoever took one ends it: so of all failures the first one is
 * always known. */
static void
work_on_batch (Batch *batch)
{
    size_t i;

    while ((i = atomic_fetch_add (&batch->next, 1)) < batch->n_groups) {
        GError *error = NULL;

        if (read_group (batch, &batch->groups[i], &error)) {
            continue;
        }
        atomic_store (&batch->next, batch->n_groups);
        pthread_mutex_lock (&batch->lock);
        if (i < batch->failed) {
            GError *later = batch->error;

            batch->failed = i;
            batch->error = error;
            error = later;
        }
        pthread_mutex_unlock (&batch->lock);
        g_clear_error (&error);
    }
}

static void
help_with_batch (void *data)
{
    Batch *batch = data;
    bool is_over;

    pthread_mutex_lock (&batch->lock);
    is_over = batch->is_over;
    batch->n_helpers += !is_over;
    pthread_mutex_unlock (&batch->lock);
    if (!is_over) {
        work_on_batch (batch);
        pthread_mutex_lock (&batch->lock);
        batch->n_helpers--;
        pthread_cond_signal (&batch->idle);
        pthread_mutex_unlock (&batch->lock);
    }
    unref_batch (batch);
}

/* As many helpers as the batch is worth: handing over costs more than a small chunk. */
static void
call_helpers (Batch *batch)
{
    unsigned n = batch->reader->parallelism;
    uint64_t size = 0;

    for (size_t i = 0; i < batch->n_groups && size / HELP_SIZE < n; i++) {
        size += batch->groups[i].entry.decoded_size;
    }
    n = (unsigned)MIN (MIN (n, batch->n_groups), 1 + size / HELP_SIZE);
    for (unsigned i = 1; i < n; i++) {
        atomic_fetch_add (&batch->refs, 1);
        if (!arec_worker_pool_try (batch->reader->engine->workers, help_with_batch, unref_batch,
                                   batch)) {
            unref_batch (batch);
            break;
        }
    }
}

/* Fills the views of @wanted, chunk by chunk. */
static bool
read_groups (ArecReader *reader, const Wanted *wanted, const Group *groups, size_t n_groups,
             ArecView *views, GError **error)
{
    Batch *batch = g_new0 (Batch, 1);
    GError *failure;

    batch->refs = 1;
    batch->reader = reader;
    batch->wanted = wanted;
    batch->views = views;
    batch->groups = groups;
    batch->n_groups = batch->failed = n_groups;
    pthread_mutex_init (&batch->lock, NULL);
    pthread_cond_init (&batch->idle, NULL);

    call_helpers (batch);
    work_on_batch (batch);
    pthread_mutex_lock (&batch->lock);
    batch->is_over = true;
    while (batch->n_helpers > 0) {
        pthread_cond_wait (&batch->idle, &batch->lock);
    }
    failure = g_steal_pointer (&batch->error);
    pthread_mutex_unlock (&batch->lock);
    unref_batch (batch);
    if (failure) {
        g_propagate_error (error, failure);
        return false;
    }
    return true;
}

/* The chunks of @wanted, which ascends; @groups has room for n. */
static bool
make_groups (ArecReader *reader, const Wanted *wanted, size_t n, Group *groups,
             size_t *n_groups, GError **error)
{
    *n_groups = 0;
    for (size_t i = 0; i < n;) {
        Group *group = &groups[(*n_groups)++];
        uint64_t end;

        group->first = i;
        if (!find (reader, wanted[i].record, &group->place, &group->entry, error)) {
            return false;
        }
        end = chunk_end_of (reader, wanted[i].record, &group->place, &group->entry);
        while (i < n && wanted[i].record < end) {
            i++;
        }
        group->n = i - group->first;
    }
    return true;
}

static bool
read_sorted (ArecReader *reader, const Wanted *wanted, size_t n, ArecView *views,
             GError **error)
{
    g_autofree Group *groups = g_try_new (Group, MAX (n, 1));
    size_t n_groups;

    if (!groups) {
        return arec_fail (error, AREC_ERROR_NOMEM, "no memory for %zu record numbers", n);
    }
    return make_groups (reader, wanted, n, groups, &n_groups, error) &&
           read_groups (reader, wanted, groups, n_groups, views, error);
}

bool
arec_reader_read_many (ArecReader *reader, const uint64_t *records, size_t n, ArecView *views,
                       GError **error)
{
    g_autofree Wanted *wanted = NULL;

    for (size_t i = 0; i < n; i++) {
        if (!arec_reader_check_number (reader, records[i], error)) {
            return false;
        }
    }
    wanted = g_try_new (Wanted, MAX (n, 1));
    if (!wanted) {
        return arec_fail (error, AREC_ERROR_NOMEM, "no memory for %zu record numbers", n);
    }
    for (size_t i = 0; i < n; i++) {
        wanted[i] = (Wanted){records[i], i};
    }
    qsort (wanted, n, sizeof *wanted, compare_wanted);
    if (!read_sorted (reader, wanted, n, views, error)) {
        for (size_t i = 0; i < n; i++) {
            arec_view_clear (&views[i]);
        }
        return false;
    }
    return true;
}
