#include <arec/cursor.h>

#include "dataset/chunk_walk.h"
#include "dataset/record_size.h"
#include "dataset/reader.h"

struct ArecSizeCursor {
    ArecReader *reader;
    bool stands;    /* the walk is at a chunk */
    uint64_t first; /* number in the sequence of record `walk.chunk_record` of the chunk */
    ArecChunkWalk walk;
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
