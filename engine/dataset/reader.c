#include "dataset/reader.h"

#include <inttypes.h>
#include <stdatomic.h>

#include <arec/names.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/limits.h"
#include "cache/failed_chunks.h"
#include "dataset/chunk_loads.h"
#include "dataset/chunk_range.h"
#include "dataset/opening.h"
#include "dataset/reader_inside.h"
#include "dataset/record_view.h"

/* Bytes that take long to read or to decode: tens of milliseconds, or more if the file is not
 * in the page cache. */
#define LONG_SIZE (UINT64_C (16) << 20)

/* ---- opening ---- */

/* A recovered file without a single record is refused rather than opened as empty. */
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
    return arec_fail_place (error, AREC_ERROR_CORRUPT, name, origin.gaps.first_fault,
                            "%s; a scan of the file finds no records",
                            origin.gaps.first_reason ? origin.gaps.first_reason : "no footer");
}

static ArecShard *
open_shard (ArecEngine *engine, const ArecSourceFile *from,
            const ArecShardOptions *shard_options, GError **error)
{
    ArecSource *source = arec_open_source (engine, from, shard_options->cancel, error);

    return source ? arec_shard_open (source, shard_options, error) : NULL;
}

/* If an AUTO index was to be offloaded and that fails, it goes to memory after all: a full
 * folder is no reason to refuse a file. */
static ArecShard *
open_shard_anyhow (ArecEngine *engine, const ArecSourceFile *from,
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
           ArecReaderFile *file, GError **error)
{
    ArecEngine *engine = reader->engine;

    file->shard = open_shard_anyhow (engine, from, options, error);
    if (!file->shard) {
        return false;
    }
    engine->index_used += arec_index_memory (arec_shard_index (file->shard));
    arec_chunk_cache_charge (engine->cache, (int64_t)arec_shard_memory (file->shard));
    file->chunk_owner = engine->next_owner++;
    file->sizes_owner = engine->next_owner++;
    file->names_owner = engine->next_owner++;
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
close_file (ArecEngine *engine, ArecReaderFile *file)
{
    if (!file->shard) {
        return;
    }
    arec_chunk_loads_forget (engine, file);
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
    reader = g_malloc0 (sizeof *reader + n * sizeof (ArecReaderFile));
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

    if (arec_source_is_directory (path)) {
        arec_fail (error, AREC_ERROR_NOT_FOUND, "%s: is a directory, expected a file", path);
        return NULL;
    }
    arec_engine_list_buckets (engine, list, options ? options->cancel : NULL);
    if (!arec_source_list_add (list, path, NULL, error)) {
        return NULL;
    }
    /* The caller would not see notes about files that were left out. */
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

/* ---- facts ---- */

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

bool
arec_reader_is_remote (const ArecReader *reader)
{
    for (size_t i = 0; i < reader->n_files; i++) {
        if (arec_shard_source (reader->files[i].shard)->is_slow) {
            return true;
        }
    }
    return false;
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

bool
arec_reader_find (const ArecReader *reader, uint64_t record, ArecSpot *spot, GError **error)
{
    const size_t number = arec_reader_file_of (reader, record);
    const ArecReaderFile *file = &reader->files[number];
    const uint64_t file_record = file->first + (record - file->base);
    uint64_t chunk;

    if (!arec_index_find (arec_shard_index (file->shard), file_record, &chunk, &spot->entry,
                          error)) {
        return false;
    }
    spot->place = (ArecPlace){.file = number,
                              .file_record = file_record,
                              .chunk = chunk,
                              .chunk_record = file_record - spot->entry.first_record,
                              .chunk_offset = spot->entry.offset};
    return true;
}

bool
arec_reader_locate (const ArecReader *reader, uint64_t record, ArecPlace *place, GError **error)
{
    ArecSpot spot;

    g_return_val_if_fail (record < reader->n_records, false);
    if (!arec_reader_find (reader, record, &spot, error)) {
        return false;
    }
    *place = spot.place;
    return true;
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

uint64_t
arec_reader_chunk_end (const ArecReader *reader, uint64_t record, const ArecSpot *spot)
{
    return record + MIN (spot->entry.n_records - spot->place.chunk_record,
                         reader->files[spot->place.file].end - spot->place.file_record);
}

bool
arec_reader_check_source (ArecReader *reader, uint64_t record, GError **error)
{
    return arec_reader_check_number (reader, record, error) &&
           arec_shard_check (reader->files[arec_reader_file_of (reader, record)].shard, error);
}

ArecChunkLoad
arec_reader_load_at (ArecReader *reader, const ArecSpot *spot)
{
    return (ArecChunkLoad){reader->engine, &reader->files[spot->place.file], &spot->entry,
                           spot->place.chunk};
}

bool
arec_reader_read_spot (ArecReader *reader, const ArecSpot *spot, uint64_t offset, uint64_t size,
                       ArecView *view, GError **error)
{
    const ArecChunkLoad load = arec_reader_load_at (reader, spot);
    const uint64_t i = spot->place.chunk_record;
    g_autoptr (ArecCacheEntry) cached =
        arec_chunk_load_get (&load, i, offset + MIN (size, UINT64_MAX - offset), error);

    return cached && arec_record_view_make (&load, i, cached, offset, size, view, error);
}

bool
arec_reader_read_range (ArecReader *reader, uint64_t record, uint64_t offset, uint64_t size,
                        ArecView *view, GError **error)
{
    ArecSpot spot;

    return arec_reader_check_number (reader, record, error) &&
           arec_reader_find (reader, record, &spot, error) &&
           arec_reader_read_spot (reader, &spot, offset, size, view, error);
}

bool
arec_reader_read_spot_ready (ArecReader *reader, const ArecSpot *spot, uint64_t offset,
                             uint64_t size, ArecView *view)
{
    const ArecChunkLoad load = arec_reader_load_at (reader, spot);
    const uint64_t i = spot->place.chunk_record;
    g_autoptr (ArecCacheEntry) cached =
        arec_chunk_load_get_loaded (&load, i, offset + MIN (size, UINT64_MAX - offset));

    return cached && arec_record_view_make (&load, i, cached, offset, size, view, NULL);
}

bool
arec_reader_read_ready (ArecReader *reader, uint64_t record, uint64_t offset, uint64_t size,
                        ArecView *view)
{
    ArecSpot spot;

    return arec_reader_check_number (reader, record, NULL) &&
           arec_reader_find (reader, record, &spot, NULL) &&
           arec_reader_read_spot_ready (reader, &spot, offset, size, view);
}

bool
arec_reader_read (ArecReader *reader, uint64_t record, ArecView *view, GError **error)
{
    return arec_reader_read_range (reader, record, 0, UINT64_MAX, view, error);
}

const char *
arec_reader_suffix (ArecReader *reader)
{
    g_auto (ArecView) view = {0};

    if (arec_reader_n_records (reader) == 0 ||
        !arec_reader_read_range (reader, 0, 0, AREC_MAGIC_SIZE, &view, NULL)) {
        return "";
    }
    return arec_suffix_of (view.data, view.size);
}

/* Whether the file of @record has any chunk that is long to read or to decode. */
static bool
has_long_chunks (const ArecReader *reader, uint64_t record)
{
    const ArecReaderFile *file = &reader->files[arec_reader_file_of (reader, record)];

    return arec_index_largest_chunk (arec_shard_index (file->shard)) >= LONG_SIZE;
}

bool
arec_reader_read_is_long (ArecReader *reader, uint64_t record, uint64_t offset, uint64_t size)
{
    g_autoptr (ArecCacheEntry) cached = NULL;
    const ArecChunk *chunk;
    ArecChunkLoad load;
    ArecSpot spot;
    uint64_t begin, record_size, i;

    if (!has_long_chunks (reader, record) || !arec_reader_find (reader, record, &spot, NULL) ||
        MAX (spot.entry.limit - spot.entry.offset, spot.entry.decoded_size) < LONG_SIZE) {
        return false;
    }
    i = spot.place.chunk_record;
    load = arec_reader_load_at (reader, &spot);
    if (arec_chunk_load_is_known_to_fail (&load, i, offset + MIN (size, UINT64_MAX - offset))) {
        return false;
    }
    cached = arec_chunk_load_peek (&load);
    if (!cached) {
        return true;
    }
    chunk = arec_cache_entry_value (cached);
    begin = arec_record_ends_begin (&chunk->ends, i);
    record_size = arec_record_ends_size (&chunk->ends, i);
    offset = MIN (offset, record_size);
    return begin + offset + MIN (size, record_size - offset) >
           arec_chunk_mark (chunk) + LONG_SIZE;
}
