/* The index of a shard: where each chunk lies, how large it is decoded, and which records it
 * holds. Kept in memory, packed (index_frames.h), or offloaded to a file (index_rows.h).
 *
 * Built by one thread, then immutable; any number of threads may ask. In memory an answer costs
 * no I/O and cannot fail; offloaded it costs one pread and a constant amount of memory.
 *
 * When all chunks but the last hold the same number of records, a division finds a record's
 * chunk.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <arec/place.h>

#include "arrayrecord/index_file.h"

typedef struct ArecIndex ArecIndex;

/* ---- building ---- */

typedef struct ArecIndexBuilder ArecIndexBuilder;

/* Of an index in memory: adding and finishing fail with NOMEM only. */
ArecIndexBuilder *arec_index_builder_new (void);
/* Of at most @n_chunks chunks, in a range of @file, which must outlive the index.
 * Errors: NOT_FOUND, IO, LIMIT, with the folder's name. */
ArecIndexBuilder *arec_index_builder_new_offloaded (ArecIndexFile *file, uint64_t n_chunks,
                                                    GError **error);
void arec_index_builder_free (ArecIndexBuilder *builder); /* takes NULL */

/* Appends a chunk; offsets ascend strictly and are not 0, n_records >= 1. Errors: IO, NOMEM.
 */
bool arec_index_builder_add (ArecIndexBuilder *builder, uint64_t offset, uint64_t decoded_size,
                             uint64_t n_records, GError **error);

/* @limit  where the last chunk must have ended. Frees the builder, also on failure.
 * NULL: IO, NOMEM. */
ArecIndex *arec_index_builder_finish (ArecIndexBuilder *builder, uint64_t limit,
                                      GError **error);

/* ---- asking ---- */

void arec_index_free (ArecIndex *index); /* takes NULL */

uint64_t arec_index_n_chunks (const ArecIndex *index);
uint64_t arec_index_n_records (const ArecIndex *index);
uint64_t arec_index_decoded_size (const ArecIndex *index); /* of all chunks */
uint64_t arec_index_group_size (const ArecIndex *index);   /* records of chunk 0; 0: no chunk */
/* Bytes of the largest chunk, decoded or stored, whichever is more. */
uint64_t arec_index_largest_chunk (const ArecIndex *index);
uint64_t arec_index_memory (const ArecIndex *index);         /* bytes that the index takes */
uint64_t arec_index_offloaded_size (const ArecIndex *index); /* bytes in the file */

/* @chunk in [0, n_chunks). Errors: IO. */
bool arec_index_get (const ArecIndex *index, uint64_t chunk, ArecIndexEntry *entry,
                     GError **error);

/* Chunks [first, first + n), all of which there are; n is at most AREC_INDEX_BATCH. Offloaded,
 * they cost one pread together. Errors: IO. */
#define AREC_INDEX_BATCH 64
bool arec_index_get_many (const ArecIndex *index, uint64_t first, uint64_t n,
                          ArecIndexEntry *entries, GError **error);

/* The chunk that holds @record in [0, n_records), and its entry. Errors: IO, NOMEM. */
bool arec_index_find (const ArecIndex *index, uint64_t record, uint64_t *chunk,
                      ArecIndexEntry *entry, GError **error);

/* The number one past the last record of the chunk that holds @record in
 * [0, n_records). No I/O where a division finds the chunk. Errors: IO, NOMEM. */
bool arec_index_chunk_end (const ArecIndex *index, uint64_t record, uint64_t *end,
                           GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecIndex, arec_index_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecIndexBuilder, arec_index_builder_free)
