/* The mount of this server: made, found again, unmounted.
 *
 * It may have been unmounted, moved or covered by others meanwhile. A mount is unmounted here
 * only after its identity was checked, never by its path alone.
 */
#pragma once

#include <stdbool.h>

#include "mount/mount_point.h"

typedef struct ArecfsMount ArecfsMount;

/* Checks the mount point @typed, which is not touched yet. NULL with @result and @error set. */
ArecfsMount *arecfs_mount_new (const char *typed, ArecfsMountResult *result, GError **error);

/* The mount point, as lines of the log have it. */
const char *arecfs_mount_path (const ArecfsMount *mount);
/* Somebody else mounts and unmounts. */
bool arecfs_mount_is_descriptor (const ArecfsMount *mount);

/* Mounts with libfuse's @options, and makes the mount point if need be. @fd (out): what
 * requests come through; the caller's. One thread writes to stderr meanwhile. */
ArecfsMountResult arecfs_mount_open (ArecfsMount *mount, const char *options, int *fd,
                                     GError **error);

/* The device is 0:@minor. false: unknown. */
bool arecfs_mount_minor (const ArecfsMount *mount, unsigned *minor);

typedef enum {
    ARECFS_MOUNT_IS_ON_TOP,
    ARECFS_MOUNT_IS_COVERED, /* something else is mounted over it */
    ARECFS_MOUNT_IS_GONE,    /* nothing of it is left in our mount namespace */
} ArecfsMountState;

/* @path (out, transfer full): where it is on top; else NULL. Any thread. */
ArecfsMountState arecfs_mount_find (const ArecfsMount *mount, char **path);

/* When no request is served any more: unmounts what is still ours, also while it is in use, and
 * removes the mount point if we have made it. false, with a line of the log: a dead mount is
 * left. */
bool arecfs_mount_close (ArecfsMount *mount);

void arecfs_mount_free (ArecfsMount *mount); /* takes NULL */
