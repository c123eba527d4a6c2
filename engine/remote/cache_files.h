/* All files of a disk cache: how much disk they take, and which of them go.
 *
 *     ROOT/IDENTITY/SEGMENT    32 and 8 hex digits
 *     ROOT/names/NAME
 *
 * Nothing else below ROOT is counted or removed, and no symbolic link is followed. One thread
 * of one process at a time; other processes may make, write and remove files meanwhile.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define AREC_CACHE_NAMES "names"
#define AREC_CACHE_SEGMENT_DIGITS 8

typedef struct {
    uint64_t size;    /* bytes of disk (st_blocks) that the files take that are left */
    uint64_t evicted; /* bytes of those that were removed */
} ArecCacheTally;

/* Removes the files with the oldest mtime until the others take at most 95 % of @max_size
 * bytes, so that there is room for what is written before the next call. Directories that are
 * empty then go as well.
 * @root_fd  of ROOT, opened for reading.
 * Returns false with errno, ENOMEM too; what was removed stays so. Blocks on I/O. */
bool arec_cache_files_trim (int root_fd, uint64_t max_size, ArecCacheTally *tally);
