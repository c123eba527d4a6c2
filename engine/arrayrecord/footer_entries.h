/* What a footer will say of each chunk, kept until it is written: the differences from chunk to
 * chunk. That is 1 to 4 bytes for the distance of two chunks (2 where they take up to 4 KiB, 3
 * up to 512 KiB), and the decoded size and the number of records only where they are not those
 * of the chunk before.
 *
 * One thread at a time. Zero-initialised is empty.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "arrayrecord/footer.h"
#include "base/byte_queue.h"

typedef struct {
    ArecByteQueue differences;
    uint64_t n;
    ArecFooterEntry last; /* of those added */
    /* Reading. */
    const ArecByteSegment *segment; /* NULL: none yet */
    ArecBytes left;                 /* of it */
    ArecFooterEntry current;
    bool is_used_up;
} ArecFooterEntries;

/* Any numbers. false if out of memory. */
bool arec_footer_entries_add (ArecFooterEntries *entries, const ArecFooterEntry *entry);

/* The next entry is the first one again. Nothing can be added any more.
 * @is_last  entries are freed as they are read, for the last time. */
void arec_footer_entries_rewind (ArecFooterEntries *entries, bool is_last);

/* The next entry, of which there is one; it stays until the next call. */
const ArecFooterEntry *arec_footer_entries_next (ArecFooterEntries *entries);

/* Bytes of memory. */
uint64_t arec_footer_entries_memory (const ArecFooterEntries *entries);

/* Frees; what is left is empty. */
void arec_footer_entries_clear (ArecFooterEntries *entries);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ArecFooterEntries, arec_footer_entries_clear)
