#include <arec/cursor.h>

#include "dataset/chunk_walk.h"
#include "dataset/fetch.h"
#include "dataset/record_size.h"
#include "dataset/reader.h"

struct ArecSizeCursor {
    ArecReader *reader;
    bool stands;    /* the walk is at a chunk */
    uint64_t first; /* number in the sequence of record `walk.chunk_record` of the chunk */
    ArecChunkWalk walk;
    size_t fetched_file; /* the fronts of its chunks below `fetched` are on their way */
    uint64_t fetched;
};

ArecSizeCursor *
arec_size_cursor_new (ArecReader *reader)
{
    ArecSizeCursor *cursor = g_new0 (ArecSizeCursor, 1);

    cursor->reader = arec_reader_ref (reader);
    return cursor;
}

void
arec_size_cursor_free (ArecSizeCursor *cursor)
{
    if (!cursor) {
        return;
    }
    arec_reader_unref (cursor->reader);
    g_free (cursor);
}

/* Asks for the size lists of the coming chunks, each time that half of those that were asked
 * for are used. */
static void
fetch_ahead (ArecSizeCursor *cursor)
{
    const ArecChunkWalk *walk = &cursor->walk;
    ArecShard *shard = arec_reader_shard (cursor->reader, walk->file);
    const ArecIndex *index = arec_shard_index (shard);
    ArecIndexEntry entries[AREC_INDEX_BATCH];
    uint64_t from, end;

    if (!arec_shard_source (shard)->is_slow || arec_index_group_size (index) == 1) {
        return;
    }
    from =
        cursor->fetched_file == walk->file ? MAX (cursor->fetched, walk->chunk) : walk->chunk;
    end = MIN (walk->chunk + AREC_INDEX_BATCH, arec_index_n_chunks (index));
    if (from >= end || from - walk->chunk > AREC_INDEX_BATCH / 2 ||
        !arec_index_get_many (index, from, end - from, entries, NULL)) {
        return;
    }
    arec_fetch_fronts (shard, entries, end - from);
    cursor->fetched_file = walk->file;
    cursor->fetched = end;
}

/* Makes the cursor stand at the chunk of @record. */
static bool
move (ArecSizeCursor *cursor, uint64_t record, GError **error)
{
    bool stood = cursor->stands;

    if (stood && record >= cursor->first && record < cursor->walk.end) {
        return true;
    }
    if (stood && record == cursor->walk.end) {
        cursor->stands = arec_reader_next_chunk (cursor->reader, &cursor->walk, error);
    } else {
        cursor->stands = arec_reader_find_chunk (cursor->reader, record, &cursor->walk, error);
    }
    cursor->first = record;
    if (cursor->stands) {
        fetch_ahead (cursor);
    }
    return cursor->stands;
}

bool
arec_size_cursor_get (ArecSizeCursor *cursor, uint64_t record, uint64_t *size, GError **error)
{
    return arec_reader_check_number (cursor->reader, record, error) &&
           move (cursor, record, error) &&
           arec_reader_size_in_chunk (cursor->reader, &cursor->walk,
                                      cursor->walk.chunk_record + (record - cursor->first),
                                      size, error);
}
