/* What the kernel knows of each file's records: how many of their names it was given, and which
 * directories may be listed in full.
 *
 * A listing with attributes makes a node of each record, about 1 KiB of the kernel's memory, so
 * that `ls -l` needs no look-ups and records can be pushed. That is bounded: a directory is
 * listed in full as long as all those that are have no more records together than allowed. It
 * counts until the kernel has forgotten all of its records.
 *
 * Thread-safe, without locks.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/* Records of a directory that is listed in full, at most; and what one takes of the kernel's
 * memory, in bytes: node, name and attributes, measured. */
#define ARECFS_MAX_FULL_DIRECTORY 131072
#define ARECFS_NODE_COST 1050

typedef struct ArecfsKnown ArecfsKnown;

/* @n_slots  slots are in [1, n_slots].
 * @max_directory, @max_total  records of a directory, and of all, that are listed in full. */
ArecfsKnown *arecfs_known_new (uint64_t n_slots, uint64_t max_directory, uint64_t max_total);
void arecfs_known_free (ArecfsKnown *known); /* takes NULL */

/* Whether the directory @slot of @n records is to be listed in full. */
bool arecfs_known_allows_full_listing (ArecfsKnown *known, uint64_t slot, uint64_t n);

/* The kernel is being given @n records of @slot; it has forgotten as many. */
void arecfs_known_add (ArecfsKnown *known, uint64_t slot, uint64_t n);
void arecfs_known_forget (ArecfsKnown *known, uint64_t slot, uint64_t n);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecfsKnown, arecfs_known_free)
