/* A walk over all chunks of a source from a position to its end, by their headers alone, which
 * finds its way again after damage (FORMAT.md 11).
 *
 * One thread at a time. Memory is constant, reads and time are linear in the source's size,
 * whatever the file says. Items ascend, and each begins where the one before ended.
 *
 *     | chunk | chunk |  gap: damage  | chunk | gap: the file ends within a chunk |
 *
 * Data is stepped over, so damaged data is not noticed, and neither are damaged block headers
 * in it: the reader of a chunk meets those. There is one exception: when no chunk begins where
 * the last one ends, or the file ends before it does, its block headers tell whether another
 * chunk begins inside, as it does where a writer died within a chunk and a later one appended.
 *
 * A caller that knows where chunks should begin says so: a gap that passes over one ends there.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "riegeli/chunk_reader.h"
#include "source/source.h"

typedef struct ArecChunkScan ArecChunkScan;

typedef enum { AREC_SCAN_CHUNK, AREC_SCAN_GAP, AREC_SCAN_END } ArecScanStep;

/* Places where a chunk may be expected. */
#define AREC_SCAN_MAX_EXPECTED 3

/* What lies at [begin, end); both are the source's size at the END. */
typedef struct {
    uint64_t begin;
    uint64_t end;
    ArecChunkHeader header; /* of a CHUNK: verified by its hash and the block headers that lie
                               before or within it; header.end == end */
    const char *reason;     /* of a GAP: what was found, for a person; static */
    uint64_t fault;         /* of a GAP: where that was found, in [begin, size of the source] */
    bool truncated; /* of a GAP: the file ends within a chunk that is sound as far as it goes */
} ArecScanItem;

/* @source  not owned; outlives the scan.
 * @begin   at most the source's size; at 0 the file's signature is expected. */
ArecChunkScan *arec_chunk_scan_new (ArecSource *source, uint64_t begin);
void arec_chunk_scan_free (ArecChunkScan *scan); /* takes NULL */

/* The file says that a chunk begins at @position: a gap that holds it ends there, if one does.
 * Before the first step; at most AREC_SCAN_MAX_EXPECTED times. */
void arec_chunk_scan_expect (ArecChunkScan *scan, uint64_t position);

/* The next chunk or gap; END for ever once the source's end is reached. What a file says is
 * never an error here but a gap. Gaps may follow each other.
 * Errors   those of the source's reads; the same call may be tried again.
 * Blocks   on I/O. */
bool arec_chunk_scan_next (ArecChunkScan *scan, ArecScanStep *step, ArecScanItem *item,
                           GError **error);

/* Whether the walk would take what is at @position, any number, for a chunk. Moves nothing.
 * Errors and blocking: as above. */
bool arec_chunk_scan_has_chunk (ArecChunkScan *scan, uint64_t position, bool *has_chunk,
                                GError **error);

/* Goes on at @position, for callers that know better where a chunk begins (a footer told them).
 * @position  past the start of the last item, possibly within it, up to the source's end. */
void arec_chunk_scan_seek (ArecChunkScan *scan, uint64_t position);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecChunkScan, arec_chunk_scan_free)
