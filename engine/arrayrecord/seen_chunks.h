/* The chunks of a source that have been read, and whether the source is still the same.
 *
 * A file that was written in place can be given its size and its time of modification back.
 * The source's stamp has moved then; but so it has after a chmod or a new link. So when it has
 * moved, the headers of all chunks that were read are read again and compared: a header holds
 * the hash of its chunk's data, so equal headers mean equal records. If all are equal, the new
 * stamp is believed. If the source's state explains why the stamp has moved, 4096 of them are
 * enough, spread over all: a new link must not cost hours of reading. Chunks that were not read
 * are not compared: they have no old bytes that could be mixed with new ones.
 *
 * Half a byte is kept of each chunk in the index:
 *
 *     a word for 16 chunks:  | sum of the hashes of those that were read: 48 bits | which: 16 |
 *
 * or, bounded, a table of 4096 such words for the groups of 16 that were read first.
 *
 * Thread-safe. A check holds no lock while it reads: one thread compares, those that also want
 * to know wait for it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "arrayrecord/index.h"
#include "riegeli/chunk_reader.h"
#include "source/source.h"

typedef struct ArecSeenChunks ArecSeenChunks;

#define AREC_SEEN_GROUP 16

/* Notes of chunks that come in order, made together. Starts zeroed; one thread's. */
typedef struct {
    uint64_t group, which;
    uint64_t digests[AREC_SEEN_GROUP];
} ArecSeenNotes;

/* Chunks of an index that are neither in it nor padding. */
typedef enum {
    AREC_SEEN_FOOTER,
    AREC_SEEN_METADATA,
    AREC_SEEN_NAMES,
    AREC_N_SEEN_OTHERS,
} ArecSeenOther;

/* @source  outlives it; nothing has been read of it yet. */
ArecSeenChunks *arec_seen_chunks_new (ArecSource *source);
void arec_seen_chunks_free (ArecSeenChunks *seen); /* takes NULL */

/* Makes room for the chunks of @index, which outlives it; before any of them is noted, and
 * before other threads know of it.
 * @is_bounded  whatever the number of chunks, no more than 64 KiB.
 * Errors: NOMEM. */
bool arec_seen_chunks_set_index (ArecSeenChunks *seen, const ArecIndex *index, bool is_bounded,
                                 GError **error);

/* Bytes of memory that the words of all chunks take. */
uint64_t arec_seen_chunks_memory (const ArecSeenChunks *seen);

/* The stamp that is believed: to be asked for before something is read, and handed to the check
 * afterwards. */
uint64_t arec_seen_chunks_stamp (const ArecSeenChunks *seen);

/* Bytes of @chunk of the index, or of the chunk at @begin, have been read under this @header.
 * Before the check that follows the read. */
void arec_seen_chunks_note (ArecSeenChunks *seen, uint64_t chunk,
                            const ArecChunkHeader *header);
/* The same of one chunk after the other: made when the next group begins, and at the end. */
void arec_seen_chunks_take_note (ArecSeenChunks *seen, ArecSeenNotes *notes, uint64_t chunk,
                                 const ArecChunkHeader *header);
void arec_seen_chunks_make_notes (ArecSeenChunks *seen, ArecSeenNotes *notes);
void arec_seen_chunks_note_other (ArecSeenChunks *seen, ArecSeenOther which, uint64_t begin,
                                  const ArecChunkHeader *header);

/* After chunks [first, first + n) were read and noted: CHANGED if the source is not the same
 * any more as when anything was read of it.
 * @since  the stamp that was believed before they were read.
 * Errors: CHANGED, and those of source and index. Blocks: one call of the system; where the
 * stamp has moved or a process has the source open for writing, reads of headers. */
bool arec_seen_chunks_check (ArecSeenChunks *seen, uint64_t since, uint64_t first, uint64_t n,
                             GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecSeenChunks, arec_seen_chunks_free)
