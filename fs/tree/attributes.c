#include "tree/attributes.h"

/* The permission bits of what stands for a source with those of @st. */
static mode_t
adopt_mode (const struct stat *st, bool is_directory)
{
    mode_t read_bits = st->st_mode & 0444;

    if (is_directory && S_ISDIR (st->st_mode)) {
        return st->st_mode & 0555;
    }
    return is_directory ? read_bits | read_bits >> 2 : read_bits;
}

void
arecfs_attributes_adopt (struct stat *st, const ArecfsOwnership *ownership, bool is_directory)
{
    st->st_mode = (is_directory ? S_IFDIR : S_IFREG) | adopt_mode (st, is_directory);
    arecfs_ownership_apply (ownership, st);
    st->st_nlink = is_directory ? 2 : 1;
    st->st_size = 0;
    st->st_blocks = 0;
    st->st_blksize = 4096;
    st->st_rdev = 0;
    st->st_ino = 0;
}

static uint64_t
mix (uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C (0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

uint64_t
arecfs_attributes_generation (uint64_t hash, const struct stat *st)
{
    hash = mix (hash, st->st_dev);
    hash = mix (hash, st->st_ino);
    hash = mix (hash, (uint64_t)st->st_size);
    hash = mix (hash, (uint64_t)st->st_mtim.tv_sec);
    return mix (hash, (uint64_t)st->st_mtim.tv_nsec);
}

uint64_t
arecfs_attributes_record_generation (uint64_t hash, const struct stat *st,
                                     const ArecFileInfo *info)
{
    hash = arecfs_attributes_generation (hash, st);
    hash = mix (hash, info->first_record);
    hash = mix (hash, info->end_record);
    return mix (hash, (uint64_t)info->kind << 1 | info->is_recovered);
}

bool
arecfs_attributes_is_newer (const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}
