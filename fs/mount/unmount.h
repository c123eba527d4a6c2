/* `arecfs -u`: mounts of this program, found by what the kernel says of them, also dead ones.
 */
#pragma once

#include "mount/mount_point.h"

/* Whether what is on top at @typed is a mount of arecfs, and it is its mount point. @path (out,
 * transfer full, may be NULL): its absolute path. */
ArecfsMountResult arecfs_unmount_find (const char *typed, char **path, GError **error);

/* Unmounts it, as root or by fusermount3, unless it is in use. Does not wait for its server. */
ArecfsMountResult arecfs_unmount (const char *typed, GError **error);
