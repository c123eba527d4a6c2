#include "dataset/record_size.h"

#include <stdatomic.h>

#include "dataset/chunk_loads.h"
#include "dataset/reader.h"
#include "dataset/reader_inside.h"

/* Stored bytes of a chunk that is asked for whole for the size of one of its records. */
#define MAX_CHUNK_FOR_SIZE (UINT64_C (1) << 20)

/* Counts a file whose sizes have turned out to cost reading it. */
static void
note_size_work (ArecReader *reader, ArecReaderFile *file)
{
    if (arec_shard_walks_for_sizes (file->shard) && !file->is_in_size_work &&
        !atomic_exchange (&file->is_in_size_work, true)) {
        reader->size_work += arec_shard_source (file->shard)->size;
    }
}

/* The size of record @i of the chunk of @load, if the index or the cache has it. */
static bool
find_size (const ArecChunkLoad *load, uint64_t i, uint64_t *size)
{
    g_autoptr (ArecCacheEntry) chunk = NULL, sizes = NULL;

    if (load->entry->n_records == 1) {
        *size = load->entry->decoded_size;
        return true;
    }
    chunk = arec_chunk_load_peek (load);
    if (chunk) {
        const ArecChunk *decoded = arec_cache_entry_value (chunk);

        *size = arec_record_ends_size (&decoded->ends, i);
        return true;
    }
    sizes = arec_chunk_load_get_loaded_sizes (load);
    if (sizes) {
        *size = arec_record_ends_size (arec_cache_entry_value (sizes), i);
    }
    return sizes != NULL;
}

/* The size of record @i of the chunk of @load. */
static bool
size_in_chunk (ArecReader *reader, const ArecChunkLoad *load, uint64_t i, uint64_t *size,
               GError **error)
{
    g_autoptr (ArecCacheEntry) cached = NULL;

    if (find_size (load, i, size)) {
        return true;
    }
    cached = arec_chunk_load_get_sizes (load, error);
    if (!cached) {
        return false;
    }
    note_size_work (reader, load->file);
    *size = arec_record_ends_size (arec_cache_entry_value (cached), i);
    return true;
}

bool
arec_reader_size_in_chunk (ArecReader *reader, const ArecChunkWalk *walk, uint64_t i,
                           uint64_t *size, GError **error)
{
    const ArecChunkLoad load = {reader->engine, &reader->files[walk->file],
                                &walk->entries[walk->i], walk->chunk};

    return size_in_chunk (reader, &load, i, size, error);
}

/* A network delivers a chunk hardly later than its size list, which takes two requests. Those
 * who ask for the size of one record mostly read it next. */
static void
name_chunk (const ArecChunkLoad *load)
{
    ArecShard *shard = load->file->shard;
    ArecRange range = {load->entry->offset, load->entry->limit};

    if (arec_shard_source (shard)->is_slow && range.end - range.begin <= MAX_CHUNK_FOR_SIZE) {
        arec_shard_will_need (shard, &range, 1, AREC_URGENCY_DEMAND);
    }
}

bool
arec_reader_record_size (ArecReader *reader, uint64_t record, uint64_t *size, GError **error)
{
    ArecSpot spot;
    ArecChunkLoad load;

    if (!arec_reader_check_number (reader, record, error) ||
        !arec_reader_find (reader, record, &spot, error)) {
        return false;
    }
    load = arec_reader_load_at (reader, &spot);
    if (find_size (&load, spot.place.chunk_record, size)) {
        return true;
    }
    name_chunk (&load);
    return size_in_chunk (reader, &load, spot.place.chunk_record, size, error);
}

bool
arec_reader_record_size_ready (ArecReader *reader, uint64_t record, uint64_t *size)
{
    ArecSpot spot;
    ArecChunkLoad load;

    if (!arec_reader_check_number (reader, record, NULL) ||
        !arec_reader_find (reader, record, &spot, NULL)) {
        return false;
    }
    load = arec_reader_load_at (reader, &spot);
    return find_size (&load, spot.place.chunk_record, size);
}

uint64_t
arec_reader_size_work (const ArecReader *reader)
{
    return reader->size_work;
}
