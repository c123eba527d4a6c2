/* Records in order, and sizes in order. A cursor is one thread's at a time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include <arec/reader.h>

G_BEGIN_DECLS

/* Goes over [first, end) in order, decoding ahead on max_parallelism threads (the reader's
 * option, else the engine's). With 0 or 1 the caller's thread does all of it. One thread at a
 * time.
 *
 * A chunk of which all records are wanted is decoded for the cursor alone, past the cache,
 * unless it is large and in the cache already: reading a whole file does not evict what other
 * readers use. A chunk that is wanted in part is read through the cache.
 *
 * Memory beside the cache: stored and decoded bytes of the chunks that are decoded ahead, at
 * most the reader's readahead_buffer_size (0: nothing is decoded ahead), else the engine's
 * cache_size; one chunk, and its neighbours up to 256 KiB, in any case. */
typedef struct ArecCursor ArecCursor;

/* @first <= @end <= n_records, a programmer's error otherwise. Takes a reference of @reader. */
AREC_PUBLIC ArecCursor *arec_cursor_new (ArecReader *reader, uint64_t first, uint64_t end);
AREC_PUBLIC void arec_cursor_free (ArecCursor *cursor); /* takes NULL */

/* The next record. *data is NULL at the end, else valid until the next call; @record (nullable)
 * is its number. After a failure the cursor stands one past the failed chunk (one past the
 * record, if the index failed), and the next call goes on there: @record is then the first
 * record of the failed stretch, and arec_cursor_position () where the cursor goes on. */
AREC_PUBLIC bool arec_cursor_next (ArecCursor *cursor, uint64_t *record, const uint8_t **data,
                                   size_t *size, GError **error);
AREC_PUBLIC uint64_t arec_cursor_position (const ArecCursor *cursor);

/* Bytes of memory that the cursor takes for chunks now, beside the cache. */
AREC_PUBLIC uint64_t arec_cursor_memory (const ArecCursor *cursor);

/* The sizes of records that are asked for in order, as by a listing: the answers of
 * arec_reader_record_size (),
 * with an offloaded index read for 64 chunks at once. One thread at a time. */
typedef struct ArecSizeCursor ArecSizeCursor;

/* Takes a reference of @reader. */
AREC_PUBLIC ArecSizeCursor *arec_size_cursor_new (ArecReader *reader);
AREC_PUBLIC void arec_size_cursor_free (ArecSizeCursor *cursor); /* takes NULL */

/* @record  any; the last one again, and the next one, are cheapest. Errors and blocking: as
 * arec_reader_record_size (). */
AREC_PUBLIC bool arec_size_cursor_get (ArecSizeCursor *cursor, uint64_t record, uint64_t *size,
                                       GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecCursor, arec_cursor_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecSizeCursor, arec_size_cursor_free)

G_END_DECLS
