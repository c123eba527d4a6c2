#include "base/ownership.h"

void
arecfs_ownership_apply (const ArecfsOwnership *ownership, struct stat *st)
{
    const bool is_directory = S_ISDIR (st->st_mode);
    const mode_t all = is_directory ? 0555 : 0444;

    if (is_directory ? ownership->has_dmask : ownership->has_fmask) {
        st->st_mode = (st->st_mode & S_IFMT) |
                      (all & ~(is_directory ? ownership->dmask : ownership->fmask));
    } else if (ownership->has_umask) {
        st->st_mode = (st->st_mode & S_IFMT) | (all & ~ownership->umask);
    }
    if (ownership->has_uid) {
        st->st_uid = ownership->uid;
    }
    if (ownership->has_gid) {
        st->st_gid = ownership->gid;
    }
}
