/* A run: neighbouring chunks of a shard that are read by one call and decoded into memory which
 * the next run uses again. For a caller that goes over a file in order.
 *
 *     index:   | chunk | chunk | chunk |     added, as long as they fit
 *     stored:  one read, block headers apart
 *     values:  what each decodes to; uncompressed records stay in `stored`
 *
 * One thread at a time. Chunks that cannot be decoded this way (damaged, too large, transposed)
 * are loaded one by one, so their records and errors are those of arec_shard_load_chunk_at ().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "arrayrecord/index.h"
#include "riegeli/chunk.h"

/* A run ends with the chunk that makes it this long, decoded or stored: what processors keep
 * near, and so much that handing over, one read and one look at the file cost little. */
#define AREC_RUN_SIZE (UINT64_C (256) * 1024)
#define AREC_RUN_CHUNKS 256

typedef struct {
    ArecIndexEntry entry;
    /* Once loaded: the records, or why there are none. */
    const uint8_t *values; /* NULL after a failure */
    ArecChunk *chunk;      /* where it was loaded alone */
    GError *error;
} ArecRunChunk;

typedef struct {
    size_t n_chunks;
    ArecRunChunk *chunks;             /* room for AREC_RUN_CHUNKS */
    uint64_t begin, end;              /* where they lie: a file range */
    uint64_t decoded_size, n_records; /* of all, by the index */
    size_t n_failed;                  /* once loaded: chunks without values */
    uint64_t failed_size;             /* what they would have decoded to */
    bool has_own;                     /* some have memory or an error of their own */
    uint8_t *memory;                  /* for what is stored, and up to a page in front of it */
    uint8_t *stored, *values;
    uint32_t *ends;
    size_t memory_room, values_room, ends_room; /* bytes */
} ArecChunkRun;

ArecChunkRun *arec_chunk_run_new (void);
void arec_chunk_run_free (ArecChunkRun *run); /* takes NULL */

/* Adds chunks of the @n @entries, which follow each other in the index, as long as they fit in:
 * an empty run takes any first one, others are taken that lie past their predecessor, within
 * the bounds above. Returns how many. */
size_t arec_chunk_run_add (ArecChunkRun *run, const ArecIndexEntry *entries, size_t n);

/* Where the records of chunk @i end, in bytes from the start of its values; lives as long as
 * they do. Only of a chunk that was loaded and has values. */
static inline void
arec_chunk_run_ends (const ArecChunkRun *run, size_t i, ArecRecordEnds *ends)
{
    const ArecRunChunk *chunk = &run->chunks[i];

    if (chunk->chunk) {
        *ends = chunk->chunk->ends;
        return;
    }
    ends->n = chunk->entry.n_records;
    ends->form = AREC_ENDS_NARROW;
    ends->narrow_ends =
        run->ends + (chunk->entry.first_record - run->chunks[0].entry.first_record);
}

/* Bytes of memory that the chunks will take in the run, at most. */
uint64_t arec_chunk_run_cost (const ArecChunkRun *run);

/* Bytes of memory that the run holds, chunks loaded alone excepted. */
uint64_t arec_chunk_run_memory (const ArecChunkRun *run);

/* Takes all chunks out; the memory stays for the next ones. */
void arec_chunk_run_clear (ArecChunkRun *run);

/* Gives the memory back; only of a run without chunks. */
void arec_chunk_run_shrink (ArecChunkRun *run);

/* ---- for the shard ---- */

/* Makes room for what the chunks take. false: one by one is the way, because the index says
 * what is hardly true, because there is no memory, because a chunk is not for an array of
 * 32-bit ends, or because they decode to more than @max_size bytes, offsets of records
 * included. */
bool arec_chunk_run_reserve (ArecChunkRun *run, uint64_t max_size);
