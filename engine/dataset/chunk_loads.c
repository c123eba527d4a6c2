#include "dataset/chunk_loads.h"

#include <inttypes.h>
#include <stdatomic.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/phases.h"
#include "cache/failed_chunks.h"
#include "dataset/chunk_range.h"

static void
forget_failures (ArecEngine *engine, uint64_t owner)
{
    int64_t grown = arec_failed_chunks_forget (engine->failed, owner);

    if (grown != 0) {
        arec_chunk_cache_charge (engine->cache, grown);
    }
}

/* Remembers @error if the chunk will fail again for the same reason. Failures count in the
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

static ArecCacheKey
chunk_key (const ArecChunkLoad *load)
{
    return (ArecCacheKey){load->file->chunk_owner, load->chunk};
}

static ArecCacheKey
sizes_key (const ArecChunkLoad *load)
{
    return (ArecCacheKey){load->file->sizes_owner, load->chunk};
}

/* Whether any of the first @end bytes of record @record of the chunk, or size list, @key have
 * failed before: then *error is that failure, or CHANGED if the file is no longer the same. If
 * the file's stamp has moved since, all its failures are forgotten and may be tried again. */
static bool
has_failed (const ArecChunkLoad *load, ArecCacheKey key, uint64_t record, uint64_t end,
            GError **error)
{
    GError *cause = NULL, *change = NULL;
    uint64_t stamp;

    if (!arec_failed_chunks_find (load->engine->failed, key, record, end, &cause)) {
        return false;
    }
    load->engine->damage_hits++;
    if (!arec_shard_check (load->file->shard, &change)) {
        g_error_free (cause);
        g_propagate_error (error, change);
        return true;
    }
    /* All sound chunks that were read are the same, but damaged ones may have been mended. */
    stamp = arec_shard_stamp (load->file->shard);
    if (atomic_exchange (&load->file->failed_stamp, stamp) != stamp) {
        load->file->was_retried = true;
        forget_failures (load->engine, load->file->chunk_owner);
        forget_failures (load->engine, load->file->sizes_owner);
        g_error_free (cause);
        return false;
    }
    g_propagate_error (error, cause);
    return true;
}

/* Memory of the decoded chunk of @entry, and of its sizes alone, as far as the index says. */
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
    const ArecChunkLoad *load = data;
    ArecCacheKey key = chunk_key (load);
    GError *cause = NULL;
    ArecPhaseMark mark;
    ArecChunk *chunk;
    bool done;

    /* Another thread's load may have failed since has_failed () was asked. */
    if (arec_failed_chunks_find (load->engine->failed, key, 0, 0, error)) {
        return false;
    }
    mark = arec_phases_enter (AREC_PHASE_DECODING);
    done = arec_shard_load_chunk_progressively (load->file->shard, load->entry,
                                                load->engine->max_whole_chunk, &chunk, &cause);
    arec_phases_leave (mark);
    if (!done) {
        note_failure (load->engine, key, (ArecFailedFrom){0}, cause);
        g_propagate_error (error, cause);
        return false;
    }
    load->engine->chunks_decoded++;
    load->engine->decoded_bytes += arec_chunk_mark (chunk);
    *value = chunk;
    *cost = chunk->cost + AREC_CACHE_ENTRY_OVERHEAD;
    return true;
}

static void
free_chunk (void *value)
{
    arec_chunk_free (value);
}

/* Memory that decoding needs beside a chunk and its stored form: the codec's window, or all
 * values of a transposed chunk once more, which are assembled from pieces. */
static uint64_t
cost_of_decoding (const ArecEngine *engine, const ArecShard *shard, const ArecIndexEntry *entry)
{
    return MIN (entry->decoded_size, arec_shard_walks_for_sizes (shard)
                                         ? engine->limits.max_size
                                         : AREC_USUAL_WINDOW);
}

/* As far as the index says. It may be too much: a chunk may end before the next one begins. */
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
    const ArecChunkLoad *load = data;
    bool is_plain;
    GError *cause = NULL;
    uint64_t stored;

    if (!arec_shard_measure (load->file->shard, load->entry, &stored, &is_plain, &cause)) {
        note_failure (load->engine, chunk_key (load), (ArecFailedFrom){0}, cause);
        g_propagate_error (error, cause);
        return false;
    }
    /* A chunk beyond the limits is refused with its true size. */
    size->cost = MAX (size->cost, MIN (load->entry->decoded_size, AREC_MAX_SIZE_SUMMED));
    size->passing =
        is_plain ? 0 : stored + cost_of_decoding (load->engine, load->file->shard, load->entry);
    return true;
}

static void
refuse_load (void *data, uint64_t needed, uint64_t room, bool ever, GError **error)
{
    const ArecChunkLoad *load = data;

    arec_fail_place (error, ever ? AREC_ERROR_LIMIT : AREC_ERROR_NOMEM,
                     arec_shard_source (load->file->shard)->name, load->entry->offset,
                     "reading the chunk needs %" PRIu64
                     " bytes of memory, this process may use %" PRIu64 " for that%s",
                     needed, room, ever ? "" : ", and they are in use");
    if (error) {
        arec_error_blame_process (*error);
    }
}

static bool
is_slow (void *data)
{
    const ArecChunkLoad *load = data;

    return arec_shard_source (load->file->shard)->is_slow;
}

static const ArecCacheLoader chunk_loader = {.load = load_chunk,
                                             .free_value = free_chunk,
                                             .measure = measure_chunk,
                                             .refuse = refuse_load,
                                             .is_slow = is_slow};

static bool
load_sizes (void *data, void **value, uint64_t *cost, GError **error)
{
    const ArecChunkLoad *load = data;
    ArecCacheKey key = sizes_key (load);
    GError *cause = NULL;
    ArecRecordEnds ends;

    if (arec_failed_chunks_find (load->engine->failed, key, 0, 0, error)) {
        return false;
    }
    if (!arec_shard_load_sizes_at (load->file->shard, load->entry, &ends, &cause)) {
        note_failure (load->engine, key, (ArecFailedFrom){0}, cause);
        /* Without sizes the chunk cannot be decoded either. But a list that is too large was
         * not verified yet, so LIMIT says nothing about the chunk. */
        if (!g_error_matches (cause, AREC_ERROR, AREC_ERROR_LIMIT)) {
            note_failure (load->engine, chunk_key (load), (ArecFailedFrom){0}, cause);
        }
        g_propagate_error (error, cause);
        return false;
    }
    load->engine->size_lists_read++;
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

/* A transposed chunk must be read and decoded for its sizes. */
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
                                             .refuse = refuse_load,
                                             .is_slow = is_slow};

/* arec_chunk_cache_get (); if that is out of memory, it is tried once more after the cache gave
 * its idle entries back. */
static ArecCacheEntry *
get_cached (const ArecChunkLoad *load, ArecCacheKey key, const ArecCacheLoader *loader,
            ArecCacheSize expected, GError **error)
{
    ArecChunkCache *cache = load->engine->cache;
    GError *cause = NULL;
    ArecCacheEntry *cached =
        arec_chunk_cache_get (cache, key, loader, (void *)load, expected, &cause);

    if (g_error_matches (cause, AREC_ERROR, AREC_ERROR_NOMEM)) {
        g_clear_error (&cause);
        arec_chunk_cache_give_back (cache);
        cached = arec_chunk_cache_get (cache, key, loader, (void *)load, expected, &cause);
    }
    if (!cached) {
        g_propagate_error (error, cause);
    }
    return cached;
}

void
arec_chunk_load_note_broken_values (const ArecChunkLoad *load, const ArecChunk *chunk,
                                    const GError *error)
{
    uint64_t mark = arec_chunk_mark (chunk), low = 0, high = chunk->ends.n;

    /* The first record that ends past the mark. */
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

        note_failure (load->engine, chunk_key (load), (ArecFailedFrom){low, mark - begin},
                      error);
    }
}

ArecCacheEntry *
arec_chunk_load_get (const ArecChunkLoad *load, uint64_t record, uint64_t end, GError **error)
{
    const ArecCacheKey key = chunk_key (load);
    ArecCacheEntry *cached;

    /* Once a change was noticed, chunks decoded before it are not read any more: a reader must
     * not see records of the old file between errors. */
    if (!arec_shard_check_known (load->file->shard, error) ||
        has_failed (load, key, record, end, error)) {
        return NULL;
    }
    cached = arec_chunk_cache_hit (load->engine->cache, key);
    return cached ? cached
                  : get_cached (load, key, &chunk_loader,
                                size_of_chunk (load->engine, load->file->shard, load->entry),
                                error);
}

ArecCacheEntry *
arec_chunk_load_get_loaded (const ArecChunkLoad *load, uint64_t record, uint64_t end)
{
    return arec_shard_check_known (load->file->shard, NULL) &&
                   !arec_chunk_load_is_known_to_fail (load, record, end)
               ? arec_chunk_cache_hit (load->engine->cache, chunk_key (load))
               : NULL;
}

ArecCacheEntry *
arec_chunk_load_peek (const ArecChunkLoad *load)
{
    return arec_chunk_cache_peek (load->engine->cache, chunk_key (load));
}

ArecCacheEntry *
arec_chunk_load_get_loaded_sizes (const ArecChunkLoad *load)
{
    return arec_chunk_cache_hit (load->engine->cache, sizes_key (load));
}

ArecCacheEntry *
arec_chunk_load_get_sizes (const ArecChunkLoad *load, GError **error)
{
    const ArecCacheKey key = sizes_key (load);

    if (has_failed (load, key, 0, 0, error)) {
        return NULL;
    }
    return get_cached (load, key, &sizes_loader,
                       size_of_sizes (load->engine, load->file->shard, load->entry), error);
}

bool
arec_chunk_load_is_there (const ArecChunkLoad *load)
{
    return arec_chunk_cache_has (load->engine->cache, chunk_key (load));
}

bool
arec_chunk_load_ahead (const ArecChunkLoad *load)
{
    ArecEngine *engine = load->engine;
    const ArecCacheKey key = chunk_key (load);
    g_autoptr (ArecCacheEntry) cached = NULL;

    if (arec_failed_chunks_has (engine->failed, key)) {
        return true;
    }
    if (!arec_chunk_cache_load_ahead (engine->cache, key, &chunk_loader, (void *)load,
                                      size_of_chunk (engine, load->file->shard, load->entry))) {
        return false;
    }
    if (load->entry->decoded_size > engine->max_whole_chunk) {
        cached = arec_chunk_cache_peek (engine->cache, key);
        if (cached) {
            arec_chunk_range_complete (engine, cached);
        }
    }
    return true;
}

bool
arec_chunk_load_is_sound (const ArecChunkLoad *load)
{
    const ArecCacheKey key = chunk_key (load);
    g_autoptr (ArecCacheEntry) cached = arec_chunk_cache_find (load->engine->cache, key);

    return cached && !arec_failed_chunks_has (load->engine->failed, key) &&
           arec_chunk_mark (arec_cache_entry_value (cached)) >= load->entry->decoded_size;
}

bool
arec_chunk_load_is_known_to_fail (const ArecChunkLoad *load, uint64_t record, uint64_t end)
{
    return arec_failed_chunks_find (load->engine->failed, chunk_key (load), record, end, NULL);
}

void
arec_chunk_loads_forget (ArecEngine *engine, const ArecReaderFile *file)
{
    arec_chunk_cache_forget (engine->cache, file->chunk_owner);
    arec_chunk_cache_forget (engine->cache, file->sizes_owner);
    arec_chunk_cache_forget (engine->cache, file->names_owner);
    forget_failures (engine, file->chunk_owner);
    forget_failures (engine, file->sizes_owner);
}
