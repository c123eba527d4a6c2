/* A source over a slow one: what was read once is read from the disk.
 *
 *     reader -> block cache -> segments on the disk
 *                           -> the source below, for whole sectors that the disk lacks
 *
 * Sectors next to each other that are missing are one read below. In a process a sector is read
 * once: a second reader waits for the first one's, and shares its failure. Trouble of the disk
 * is never a reader's: then the bytes come from below. Of what is named ahead of readers, the
 * sectors that the disk lacks are named below. Thread-safe, as sources are.
 */
#pragma once

#include "remote/cache_dir.h"
#include "source/source.h"

/* The cached source over @below, which it takes over. Size, identity, name and state are those
 * of @below; its counters and its `cancel` are its own.
 * @dir       outlives it.
 * @identity  everything that makes the object this very one, in any text: where it lies, size,
 *            ETag or generation. Objects of one identity have the same bytes.
 * Returns @below itself if out of memory, or if the object is too large. */
ArecSource *arec_block_cache_new (ArecSource *below, ArecCacheDir *dir, const char *identity);
