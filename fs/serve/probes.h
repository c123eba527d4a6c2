/* Listings of directories that are too large to be listed in full: does the reader
 * look at the attributes of what was listed, as `ls -l` does?
 *
 * Of each batch one entry, the probe, has attributes that do not last, so a look at it makes
 * the kernel ask; then the next batch comes with attributes. A listing is what one open
 * directory is read through. Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <arec/cursor.h>

typedef struct ArecfsProbes ArecfsProbes;
typedef struct ArecfsListing ArecfsListing;

ArecfsProbes *arecfs_probes_new (void);
void arecfs_probes_free (ArecfsProbes *probes); /* takes NULL; all listings have ended */

ArecfsListing *arecfs_listing_begin (void);
void arecfs_listing_end (ArecfsProbes *probes, ArecfsListing *listing); /* takes NULL */

/* The next batch of @listing begins with the probe @ino. Returns whether the last probe was
 * looked at; true for the first batch. */
bool arecfs_listing_next (ArecfsProbes *probes, ArecfsListing *listing, uint64_t ino);

/* The sizes of the records of @reader that are listed, for one batch; another batch that is
 * made at the same time has its own. (transfer full) arecfs_listing_give_sizes (). */
ArecSizeCursor *arecfs_listing_take_sizes (ArecfsListing *listing, ArecReader *reader);
void arecfs_listing_give_sizes (ArecfsListing *listing, ArecSizeCursor *sizes);

/* Somebody looks at the attributes of @ino. */
void arecfs_probes_look (ArecfsProbes *probes, uint64_t ino);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecfsProbes, arecfs_probes_free)
