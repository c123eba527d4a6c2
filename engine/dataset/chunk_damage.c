/* From a failure of a record to the chunk that is damaged. */
#include <arec/reader.h>

#include "base/error.h"
#include "dataset/chunk_loads.h"
#include "dataset/reader.h"
#include "dataset/reader_inside.h"

bool
arec_reader_damage (const ArecReader *reader, uint64_t record, const GError *error,
                    ArecChunkDamage *damage)
{
    const ArecReaderFile *file;
    ArecSpot spot;
    uint64_t before;

    if (!arec_error_is_of_bytes (error) || record >= reader->n_records ||
        !arec_reader_find (reader, record, &spot, NULL)) {
        return false;
    }
    file = &reader->files[spot.place.file];
    before = MIN (spot.place.chunk_record, spot.place.file_record - file->first);
    *damage = (ArecChunkDamage){
        .file = spot.place.file,
        .chunk = spot.place.chunk,
        .damage = {.offset = spot.entry.offset,
                   .length =
                       arec_shard_chunk_end (file->shard, &spot.entry) - spot.entry.offset,
                   .knows_first_record = true,
                   .first_record = spot.entry.first_record,
                   .knows_n_records = true,
                   .n_records = spot.entry.n_records},
        .first = record - before,
        .end = arec_reader_chunk_end (reader, record, &spot),
        .text = arec_error_reason_at (error, spot.entry.offset),
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

bool
arec_reader_is_mended (ArecReader *reader, uint64_t record)
{
    const ArecReaderFile *file = &reader->files[arec_reader_file_of (reader, record)];
    ArecChunkLoad load;
    ArecSpot spot;

    if (!atomic_load_explicit (&file->was_retried, memory_order_relaxed) ||
        !arec_reader_find (reader, record, &spot, NULL)) {
        return false;
    }
    load = arec_reader_load_at (reader, &spot);
    return arec_chunk_load_is_sound (&load);
}
