/* Which mount is which. No call here asks the server of a mount. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What tells one mount from all others there are at the same time. */
typedef struct {
    unsigned major,
        minor;          /* of its filesystem: a mount of the same one elsewhere has them, too */
    uint64_t id;        /* of the mount; 0: the kernel does not tell */
    uint64_t unique_id; /* the same, never used again; 0: the kernel does not tell */
} ArecfsMountId;

/* Of the mount that @path leads to: what lies on top there. That is a use of it, to the kernel.
 * false with errno set. */
bool arecfs_mount_id_get (const char *path, ArecfsMountId *id);
bool arecfs_mount_id_equal (const ArecfsMountId *a, const ArecfsMountId *b);

/* The device number of the mount whose requests come through the FUSE descriptor @fd. false:
 * the kernel does not tell (before 6.16). */
bool arecfs_mount_id_minor_of (int fd, unsigned *minor);
