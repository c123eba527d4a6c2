/* From chunk to chunk of a reader's sequence, and what lies around a record. Any thread, one at
 * a time for one walk.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include <arec/reader.h>

#include "arrayrecord/index.h"

/* A walk over the chunks of the sequence, and the one where it stands. */
typedef struct {
    size_t file;
    uint64_t chunk;        /* number in the file */
    uint64_t chunk_record; /* number in the chunk of the record that it was found by */
    /* Numbers in the sequence one past the last record of the chunk, and of the file. */
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

/* Goes @n chunks further, to one whose entry is in @walk. The sequence must neither start
 * inside the current chunk nor end inside the target chunk. */
static inline void
arec_chunk_walk_skip (ArecChunkWalk *walk, unsigned n)
{
    const ArecIndexEntry *from = &walk->entries[walk->i], *to = from + n;

    walk->i += n;
    walk->chunk += n;
    walk->end += to->first_record + to->n_records - (from->first_record + from->n_records);
}

/* Whether the cache has the chunk where @walk stands, or a thread is loading it. */
bool arec_reader_has_chunk (ArecReader *reader, const ArecChunkWalk *walk);

/* The surroundings of @record in [0, n_records): *chunk_end is one past the last record of its
 * chunk; *group_size is the group size of its file, at most the file's records in the sequence.
 * Errors: those of the index. */
bool arec_reader_surroundings (ArecReader *reader, uint64_t record, uint64_t *chunk_end,
                               uint64_t *group_size, GError **error);

/* Loads the chunk of @record unless the cache has it, and decodes all of it; a failure of the
 * chunk is not reported. Returns whether to go on at *chunk_end: false if the index cannot be
 * read, or the cache has no room for more chunks loaded ahead. */
bool arec_reader_load_ahead (ArecReader *reader, uint64_t record, uint64_t *chunk_end);
