#include "dataset/chunk_walk.h"

#include "dataset/chunk_loads.h"
#include "dataset/reader.h"
#include "dataset/reader_inside.h"

bool
arec_reader_find_chunk (const ArecReader *reader, uint64_t record, ArecChunkWalk *walk,
                        GError **error)
{
    ArecSpot spot;

    walk->n_entries = walk->i = 0;
    if (!arec_reader_find (reader, record, &spot, error)) {
        return false;
    }
    walk->n_entries = 1;
    walk->entries[0] = spot.entry;
    walk->file = spot.place.file;
    walk->chunk = spot.place.chunk;
    walk->chunk_record = spot.place.chunk_record;
    walk->end = arec_reader_chunk_end (reader, record, &spot);
    walk->file_end = record + (reader->files[walk->file].end - spot.place.file_record);
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
arec_reader_has_chunk (ArecReader *reader, const ArecChunkWalk *walk)
{
    return arec_chunk_load_is_there (&(ArecChunkLoad){
        reader->engine, &reader->files[walk->file], &walk->entries[walk->i], walk->chunk});
}

bool
arec_reader_load_ahead (ArecReader *reader, uint64_t record, uint64_t *chunk_end)
{
    ArecSpot spot;
    ArecChunkLoad load;

    if (!arec_reader_find (reader, record, &spot, NULL)) {
        return false;
    }
    load = arec_reader_load_at (reader, &spot);
    *chunk_end = arec_reader_chunk_end (reader, record, &spot);
    return arec_chunk_load_ahead (&load);
}

bool
arec_reader_surroundings (ArecReader *reader, uint64_t record, uint64_t *chunk_end,
                          uint64_t *group_size, GError **error)
{
    const ArecReaderFile *file = &reader->files[arec_reader_file_of (reader, record)];
    const ArecIndex *index = arec_shard_index (file->shard);
    uint64_t file_record = file->first + (record - file->base), end;

    if (!arec_index_chunk_end (index, file_record, &end, error)) {
        return false;
    }
    *chunk_end = record + (MIN (end, file->end) - file_record);
    /* An index may claim any group size; a slice bounds it. */
    *group_size = MIN (arec_index_group_size (index), file->end - file->first);
    return true;
}
