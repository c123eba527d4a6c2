/* The inside of an ArecReader, for scans and readahead. */
#pragma once

#include <arec/reader.h>

#include "arrayrecord/shard.h"
#include "dataset/engine.h"

ArecEngine *arec_reader_engine (ArecReader *reader);

/* Threads that whoever wants many chunks may use, the engine's unless the reader's options say
 * otherwise; 0 or 1: none but his own. */
unsigned arec_reader_parallelism (const ArecReader *reader);

/* Bytes that may be decoded ahead of who goes over the records in order; 0: nothing is. */
uint64_t arec_reader_ahead_size (const ArecReader *reader);

ArecShard *arec_reader_shard (ArecReader *reader, size_t file);

/* A walk over the chunks of the sequence, and the one where it stands. */
typedef struct {
    size_t file;
    uint64_t chunk;        /* number in the file */
    uint64_t chunk_record; /* number in the chunk of the record that it was found by */
    /* Numbers in the sequence of the records behind the last one of the chunk, and of the file.
     */
    uint64_t end, file_end;
    unsigned i, n_entries;
    ArecIndexEntry entries[AREC_INDEX_BATCH]; /* entries[i] is the chunk's */
} ArecChunkWalk;

/* Begins a walk at the chunk of @record in [0, n_records). Errors: those of the index; then
 * @walk stands nowhere. */
bool arec_reader_find_chunk (const ArecReader *reader, uint64_t record, ArecChunkWalk *walk,
                             GError **error);

/* Goes to the next chunk, by its first record in the sequence; there is one. Same errors. */
bool arec_reader_next_chunk (const ArecReader *reader, ArecChunkWalk *walk, GError **error);

/* Goes @n chunks further, to one of those whose entries are in @walk; the chunk where it stands
 * belongs to the sequence from its first record on, and the one where it goes does to its last.
 */
static inline void
arec_chunk_walk_skip (ArecChunkWalk *walk, unsigned n)
{
    const ArecIndexEntry *from = &walk->entries[walk->i], *to = from + n;

    walk->i += n;
    walk->chunk += n;
    walk->end += to->first_record + to->n_records - (from->first_record + from->n_records);
}

/* Errors: INVALID, when there is no such record. */
bool arec_reader_check_number (const ArecReader *reader, uint64_t record, GError **error);

/* The size of record @i of the chunk where @walk stands. Errors: those of loading sizes. */
bool arec_reader_size_in_chunk (ArecReader *reader, const ArecChunkWalk *walk, uint64_t i,
                                uint64_t *size, GError **error);

/* Whether the cache has the chunk where @walk stands, or somebody is loading it. */
bool arec_reader_has_chunk (const ArecReader *reader, const ArecChunkWalk *walk);

/* What lies around @record in [0, n_records): *chunk_end, behind the last record that comes
 * with its chunk; *group_size, how many the chunks of its file have, at most as many as it has
 * in the sequence. Errors: those of the index. */
bool arec_reader_surroundings (ArecReader *reader, uint64_t record, uint64_t *chunk_end,
                               uint64_t *group_size, GError **error);

/* Loads the chunk of @record unless the cache has it, and decodes all of it; a chunk of which
 * that cannot be done is nobody's failure here. Returns whether it makes sense to go on behind
 * *chunk_end: not where the index cannot be read, or the cache has enough that was loaded
 * ahead. */
bool arec_reader_load_ahead (ArecReader *reader, uint64_t record, uint64_t *chunk_end);
