/* Owner and permission bits that the mount's options give to everything that it shows: uid=,
 * gid=, umask=, fmask=, dmask=. Pure. */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Zero-initialised: nothing is replaced. */
typedef struct {
    bool has_uid, has_gid, has_umask;
    bool has_fmask, has_dmask; /* these two win over umask, for files and for directories */
    uid_t uid;
    gid_t gid;
    mode_t umask, fmask, dmask;
} ArecfsOwnership;

/* Replaces what the options name in the attributes @st of a directory or a file. A mask makes
 * its permission bits those of a directory that all may search, or of a file that all may read,
 * less the mask. */
void arecfs_ownership_apply (const ArecfsOwnership *ownership, struct stat *st);
