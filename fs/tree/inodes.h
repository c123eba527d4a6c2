/* Inode numbers are arithmetic: no table, the same after a remount of the same sources.
 *
 *     slot << 40 | record + 1     a record
 *     slot << 40                  the directory of a file
 *     n < 2^39, slot 0            the root (1) and the directories above files, by rank
 *     2^39 + n, slot 0            .arecfs and what is in it
 *
 * A slot is the rank, from 1, of a file's path among the sources of the mount. Pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define ARECFS_INO_ROOT UINT64_C (1)
#define ARECFS_SLOT_BITS 24
#define ARECFS_RECORD_BITS 40
#define ARECFS_MAX_SLOTS ((UINT64_C (1) << ARECFS_SLOT_BITS) - 1)
#define ARECFS_MAX_RECORDS ((UINT64_C (1) << ARECFS_RECORD_BITS) - 1)
#define ARECFS_INO_CONTROL (UINT64_C (1) << (ARECFS_RECORD_BITS - 1))

static inline uint64_t
arecfs_ino_of_record (uint64_t slot, uint64_t record)
{
    return slot << ARECFS_RECORD_BITS | (record + 1);
}

static inline uint64_t
arecfs_ino_of_slot (uint64_t slot)
{
    return slot << ARECFS_RECORD_BITS;
}

/* Directory @rank of those above files; 0 is the root. */
static inline uint64_t
arecfs_ino_of_directory (uint64_t rank)
{
    return ARECFS_INO_ROOT + rank;
}

static inline uint64_t
arecfs_ino_slot (uint64_t ino)
{
    return ino >> ARECFS_RECORD_BITS;
}

/* The low part: record + 1, or 0 for the directory of a file. */
static inline uint64_t
arecfs_ino_low (uint64_t ino)
{
    return ino & ARECFS_MAX_RECORDS;
}

static inline bool
arecfs_ino_is_control (uint64_t ino)
{
    return arecfs_ino_slot (ino) == 0 && ino >= ARECFS_INO_CONTROL;
}
