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

#include "arrayrecord/index.h"
#include "riegeli/chunk_scan.h"
#include "riegeli/decode_limits.h"
#include "source/source.h"

/* Where the chunk behind the file signature begins. */
#define AREC_SIGNATURE_END UINT64_C (64)

/* Tells how far a walk is: @done of @total bytes of the file @name; at its end, all. Called in
 * the thread that opens, every few thousand chunks. */
typedef void (*ArecScanProgress) (void *data, const char *name, uint64_t done, uint64_t total);

typedef struct {
    const ArecDecodeLimits *limits; /* resolved */
    bool keep_bookkeeping;          /* ArrayRecord's footer and postscript count as records */
    ArecIndexFile *offloaded;       /* where the index goes at the end; NULL: memory */
    uint64_t footer_offset; /* a chunk here is a footer, whatever it looks like; 0: not known */
    uint64_t postscript_offset; /* a valid postscript is here; 0: not known */
    ArecScanProgress progress;  /* nullable */
    void *progress_data;
} ArecScanIndexOptions;

/* What the walk found. */
typedef struct {
    ArecIndex *index;          /* of the chunks with records; arec_index_free () */
    uint64_t end;              /* where the last of them has ended at the latest */
    uint64_t n_gaps;           /* stretches in which no chunk was found */
    uint64_t gap_bytes;        /* of all of them */
    uint64_t first_fault;      /* offset of what was wrong in the first one */
    char *first_reason;        /* what it was; NULL without gaps; g_free () */
    uint64_t first_gap_record; /* records that lie before it */
    bool is_truncated;         /* the file ends within a chunk */
    bool has_footer;           /* a sound footer lists every chunk that was found before it */
    bool has_damaged_footer;   /* something that can only be a footer is damaged */
    uint64_t footer_begin;
    uint64_t footer_end;
    uint64_t postscript_offset;  /* of the one behind all records, sound or not; 0: none */
    bool has_damaged_postscript; /* its data is damaged: its header alone says what it is */
} ArecScanned;

/* @out  (out) arec_scanned_clear (). Errors: IO, CHANGED, NOMEM, LIMIT; damage is none. */
bool arec_scan_index (ArecSource *source, const ArecScanIndexOptions *options, ArecScanned *out,
                      GError **error);

void arec_scanned_clear (ArecScanned *scanned); /* takes a zeroed one */

/* The walk that such an index is made by: over all of @source, on which chunks are expected
 * behind the signature, whose damage costs none as its size is known, and at the places given
 * (0: not known). Whoever walks over the same file with the same places meets the same chunks.
 * arec_chunk_scan_free (). */
ArecChunkScan *arec_scan_begin (ArecSource *source, uint64_t footer_offset,
                                uint64_t postscript_offset);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ArecScanned, arec_scanned_clear)
