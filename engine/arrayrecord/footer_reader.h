/* Reads ArrayRecord's part at the end of a file: the postscript, which says where the footer
 * is, and the footer, which becomes the index.
 *
 * Functions without state; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "arrayrecord/index.h"
#include "riegeli/chunk_reader.h"
#include "riegeli/decode_limits.h"
#include "source/source.h"

/* What a footer says. */
typedef struct {
    ArecIndex *index;       /* arec_index_free () */
    char *options;          /* the writer's option string; NULL when there is none; g_free () */
    ArecChunkHeader header; /* of the footer's chunk */
} ArecFooter;

/* Where the footer is, by the postscript in the last block of @source.
 * Errors: CORRUPT (none there, or not a valid one), UNSUPPORTED, LIMIT, NOMEM, and those of the
 * source. */
bool arec_postscript_read (ArecSource *source, uint64_t *footer_offset, GError **error);

/* Reads and checks the footer chunk at @footer_offset, which must end at or before @limit.
 * Chunks ascend, lie before the footer, have records, and these add up.
 * The footer is read as a stream: besides the index it takes some MiB of memory, and 16 of what
 * is stored while an index in memory is made. Only transposed and Snappy ones and windows above
 * 128 MiB are held whole, if they decode to a plausible size.
 * @limits  what a footer that is held whole may cost in memory; above: LIMIT.
 * @offloaded  where the index goes, NULL: memory.
 * @footer  (out) its members are the caller's. Errors: as above, and those of
 * the index file. */
bool arec_footer_read (ArecSource *source, uint64_t footer_offset, uint64_t limit,
                       const ArecDecodeLimits *limits, ArecIndexFile *offloaded,
                       ArecFooter *footer, GError **error);

/* What a chunk looks like whose place in the file may be a footer's. */
typedef enum {
    AREC_LOOKS_LIKE_RECORDS, /* or is larger than a footer may be */
    AREC_LOOKS_LIKE_FOOTER,  /* by its first record */
    AREC_LOOKS_DAMAGED,
} ArecFooterLooks;

/* Looks at the chunk at @begin, in the memory that a footer may take.
 * Errors: NOMEM and those of the system. */
bool arec_footer_probe (ArecSource *source, uint64_t begin, uint64_t limit,
                        const ArecDecodeLimits *limits, ArecFooterLooks *looks, GError **error);
