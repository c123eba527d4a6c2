/* Which mount is which. No call here asks the server of a mount. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The identity of a mount among all that exist at the same time. */
typedef struct {
    unsigned major, minor; /* of its filesystem, which may be mounted elsewhere, too */
    uint64_t id;           /* of the mount; 0: the kernel does not report it */
} ArecfsMountId;

/* Of the mount that @path leads to: what lies on top there. That is a use of it, to the kernel.
 * false with errno set. */
bool arecfs_mount_id_get (const char *path, ArecfsMountId *id);
/* The same by /proc/self/fdinfo, for kernels whose statx () does not report the number of a
 * mount (before Linux 5.8). */
bool arecfs_mount_id_get_by_descriptor (const char *path, ArecfsMountId *id);
/* The number of the mount, of what fdinfo says; 0: it does not. */
uint64_t arecfs_mount_id_of_fdinfo (const char *text);
bool arecfs_mount_id_equal (const ArecfsMountId *a, const ArecfsMountId *b);

/* The device number of the mount whose requests come through the FUSE descriptor @fd. false:
 * the kernel does not report it (before 6.16). */
bool arecfs_mount_id_minor_of (int fd, unsigned *minor);
