/* Listings of directories that are too large to be listed in full: is somebody looking at the
 * attributes of what was listed, as `ls -l` does?
 *
 * Of each batch one entry, the probe, has attributes that do not last, so whoever looks at it
 * makes the kernel ask; then the next batch comes with attributes. A listing is what one open
 * directory is read through. Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

typedef struct ArecfsProbes ArecfsProbes;
typedef struct ArecfsListing ArecfsListing;

ArecfsProbes *arecfs_probes_new (void);
void arecfs_probes_free (ArecfsProbes *probes); /* takes NULL; all listings have ended */

ArecfsListing *arecfs_listing_begin (void);
void arecfs_listing_end (ArecfsProbes *probes, ArecfsListing *listing); /* takes NULL */

/* The next batch of @listing begins with the probe @ino. Returns whether the last probe was
 * looked at; true for the first batch. */
bool arecfs_listing_next (ArecfsProbes *probes, ArecfsListing *listing, uint64_t ino);

/* Somebody looks at the attributes of @ino. */
void arecfs_probes_look (ArecfsProbes *probes, uint64_t ino);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecfsProbes, arecfs_probes_free)
