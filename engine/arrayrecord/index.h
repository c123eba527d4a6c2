/* The index of a shard: where each chunk lies, how large it is decoded, and which records it
 * holds, in 4 to 8 bytes a chunk.
 *
 * Built by one thread, then immutable. Chunks are in frames of 64. A frame keeps a straight
 * line through the offsets of its chunks, and for each chunk the bits by which it lies above
 * that line, its decoded size above the least of the frame, and, only where chunks hold
 * different numbers of records, its first record:
 *
 *     offset (i) = base + i * slope + bits (i)        i = 0 .. 63 within the frame
 *
 * When all chunks but the last hold the same number of records, a division finds a record's
 * chunk.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

typedef struct ArecIndex ArecIndex;

typedef struct {
    uint64_t offset; /* of the chunk, from the start of the file */
    uint64_t
        limit; /* where the chunk must have ended: the next one's offset, or the footer's */
    uint64_t decoded_size; /* bytes of its records */
    uint64_t first_record;
    uint64_t n_records; /* at least 1 */
} ArecIndexEntry;

/* ---- building ---- */

typedef struct ArecIndexBuilder ArecIndexBuilder;

ArecIndexBuilder *arec_index_builder_new (void);
void arec_index_builder_free (ArecIndexBuilder *builder); /* takes NULL */

/* Appends a chunk; offsets ascend strictly, n_records >= 1. */
void arec_index_builder_add (ArecIndexBuilder *builder, uint64_t offset, uint64_t decoded_size,
                             uint64_t n_records);

/* @limit  where the last chunk must have ended. Frees the builder. */
ArecIndex *arec_index_builder_finish (ArecIndexBuilder *builder, uint64_t limit);

/* ---- asking ---- */

void arec_index_free (ArecIndex *index); /* takes NULL */

uint64_t arec_index_n_chunks (const ArecIndex *index);
uint64_t arec_index_n_records (const ArecIndex *index);
uint64_t arec_index_decoded_size (const ArecIndex *index); /* of all chunks */
uint64_t arec_index_memory (const ArecIndex *index);       /* bytes that the index takes */

/* @chunk in [0, n_chunks). */
void arec_index_get (const ArecIndex *index, uint64_t chunk, ArecIndexEntry *entry);

/* The chunk that holds @record in [0, n_records). */
uint64_t arec_index_find (const ArecIndex *index, uint64_t record);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecIndex, arec_index_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecIndexBuilder, arec_index_builder_free)
