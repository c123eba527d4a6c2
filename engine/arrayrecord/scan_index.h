/* The index of a file that has none, or has lost it: made by a walk over all chunk headers.
 *
 * Reads headers, never the data of records, but for the last two chunks, which may be
 * ArrayRecord's own footer and postscript. While it walks, the index is in memory, 2 to 8 bytes
 * a chunk. Functions without state; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <arec/progress.h>

#include "arrayrecord/index.h"
#include "riegeli/chunk_scan.h"
#include "riegeli/decode_limits.h"
#include "source/source.h"

/* Where the chunk after the file signature begins. */
#define AREC_SIGNATURE_END UINT64_C (64)

typedef struct {
    const ArecDecodeLimits *limits; /* resolved */
    bool keep_bookkeeping;          /* ArrayRecord's footer and postscript count as records */
    ArecIndexFile *offloaded;       /* where the index goes at the end; NULL: memory */
    uint64_t footer_offset; /* a chunk here is a footer, whatever it looks like; 0: not known */
    uint64_t postscript_offset; /* a valid postscript is here; 0: not known */
    ArecProgressFunc progress;  /* nullable */
    void *progress_data;
} ArecScanIndexOptions;

/* The stretches of a file in which a walk found no chunk. */
typedef struct {
    uint64_t n;
    uint64_t bytes;        /* of all of them */
    uint64_t first_fault;  /* offset of what was wrong in the first one */
    uint64_t first_record; /* number of the first record after that one */
    char *first_reason;    /* what was wrong; NULL without gaps; owned by what embeds this */
} ArecGaps;

/* What the walk found. */
typedef struct {
    ArecIndex *index; /* of the chunks with records; arec_index_free () */
    uint64_t end;     /* where the last of them has ended at the latest */
    ArecGaps gaps;
    bool is_truncated;       /* the file ends within a chunk */
    bool has_footer;         /* a sound footer lists every chunk that was found before it */
    bool has_damaged_footer; /* something that can only be a footer is damaged */
    uint64_t footer_begin;
    uint64_t footer_end;
    uint64_t postscript_offset;  /* of the one after all records, sound or not; 0: none */
    bool has_damaged_postscript; /* its data is damaged: its header alone says what it is */
} ArecScanFindings;

/* @out  (out) arec_scan_findings_clear ().
 * Errors: IO, CHANGED, NOMEM, LIMIT; damage is none. */
bool arec_scan_index (ArecSource *source, const ArecScanIndexOptions *options,
                      ArecScanFindings *out, GError **error);

void arec_scan_findings_clear (ArecScanFindings *findings); /* takes a zeroed one */

/* Starts the walk that makes such an index: over all of @source. It expects a chunk after the
 * signature, whose size is known, so that a damaged signature costs no chunk, and at the
 * offsets given (0: not known). Two walks over the same file with the same offsets meet the
 * same chunks. Returns (transfer full) arec_chunk_scan_free (). */
ArecChunkScan *arec_scan_index_walk (ArecSource *source, uint64_t footer_offset,
                                     uint64_t postscript_offset);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ArecScanFindings, arec_scan_findings_clear)
