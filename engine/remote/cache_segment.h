/* A segment: 4 MiB of an object in a file of the disk cache.
 *
 *     0         4096      12288                                 12288 + 4 MiB
 *     | header  | hashes  | sector 0 | sector 1 |   hole   | ...
 *
 * A hash is 8 bytes, little-endian, 0: the sector is absent. It covers the sector's bytes by a
 * key of the directory, the object, the segment and the sector's place. A sector is written,
 * then its hash; whoever reads takes what matches and calls all else absent. So crashes, torn
 * writes and two writers at once need neither journal nor sync nor lock.
 *
 * Thread-safe, over all processes. No failure is the caller's: what cannot be read is absent,
 * what cannot be written will be.
 */
#pragma once

#include "remote/cache_dir.h"
#include "remote/sector_window.h"

#define AREC_SEGMENT_SECTORS UINT64_C (1024)
#define AREC_SEGMENT_SIZE (AREC_SEGMENT_SECTORS * AREC_SECTOR_SIZE)

typedef struct {
    ArecFdSlot slot; /* first, for its callback */
    ArecCacheDir *dir;
    const char *identity; /* 32 hex digits */
    uint64_t number;      /* below 2^32 */
    ArecHashKey key;
    _Atomic int64_t touched; /* when its mtime was set last; INT64_MIN: not yet */
} ArecCacheSegment;

/* @identity  outlives it, and so does @dir. */
ArecCacheSegment *arec_cache_segment_new (ArecCacheDir *dir, const char *identity,
                                          uint64_t number);
void arec_cache_segment_free (ArecCacheSegment *segment);

/* Reads those of @run that are MISSING or CLAIMED, all within the segment, into @window, where
 * they are HERE if the disk has them. Blocks on I/O. */
void arec_cache_segment_read (ArecCacheSegment *segment, ArecSectorWindow *window,
                              ArecSectorRun run);

/* Sets each of @here, one for a sector of @run, of which the disk has a hash; its bytes may be
 * bad all the same. Blocks on I/O. */
void arec_cache_segment_find (ArecCacheSegment *segment, ArecSectorRun run, bool *here);

/* Writes @run of @window, all within the segment. Blocks on I/O. */
void arec_cache_segment_write (ArecCacheSegment *segment, ArecSectorWindow *window,
                               ArecSectorRun run);
