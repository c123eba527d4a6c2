/* The records of a simple chunk one after the other, in memory that does not grow with the
 * chunk: for chunks of millions of records that are wanted once.
 *
 *     stored bytes of the sizes  -> codec/stream -> window -> varints
 *     stored bytes of the values -> codec/stream -> window -> records
 *
 * One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/bytes.h"
#include "riegeli/chunk_reader.h"

typedef struct ArecSimpleStream ArecSimpleStream;

typedef struct {
    uint64_t max_record_size; /* bytes of one record that are accepted, above it: LIMIT */
    uint64_t keep_size;       /* a chunk that is stored in at most this is not read twice */
    /* Looks at what the chunk says of itself before more of it is read; NULL: no need. */
    bool (*check) (void *data, const ArecChunkHeader *header, GError **error);
    void *data;
} ArecSimpleStreamOptions;

/* Opens the chunk at @place: reads it once to verify its data hash and checks that its sizes
 * add up, so nothing unverified is ever given.
 * @header  (out) what the chunk says of itself.
 * @out     (out, transfer full) NULL where the chunk must be loaded whole: its type, codec or
 * window do not allow a stream, or its front is not sound.
 * Errors: CORRUPT, LIMIT, NOMEM, those of the source and of the check. */
bool arec_simple_stream_open (const ArecChunkPlace *place,
                              const ArecSimpleStreamOptions *options, ArecChunkHeader *header,
                              ArecSimpleStream **out, GError **error);
void arec_simple_stream_free (ArecSimpleStream *stream); /* takes NULL */

/* The next record; there are header->num_records. It stays until the next call. */
bool arec_simple_stream_next (ArecSimpleStream *stream, ArecBytes *record, GError **error);

/* Behind the last record: whether the values end there, too. */
bool arec_simple_stream_end (ArecSimpleStream *stream, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecSimpleStream, arec_simple_stream_free)
