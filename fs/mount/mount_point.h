/* Where a server is to mount: a directory, one that is made for it, or the FUSE descriptor of a
 * mount that another process has made.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include <glib.h>

typedef enum {
    ARECFS_MOUNT_OK,
    ARECFS_MOUNT_REFUSED,     /* an option is not for this user or this mount: exit code 2 */
    ARECFS_MOUNT_POINT_BAD,   /* exit code 7 */
    ARECFS_MOUNT_UNAVAILABLE, /* exit code 8 */
    ARECFS_MOUNT_FAILED,      /* exit code 1 */
} ArecfsMountResult;

int arecfs_mount_exit_code (ArecfsMountResult result);

typedef struct {
    char *path; /* absolute; `/dev/fd/N` for a descriptor */
    int fd;     /* of our own, for a descriptor; else -1 */
    bool make;  /* it does not exist */
    bool is_made;
    dev_t dev; /* of the directory that we made */
    ino_t ino;
} ArecfsMountPoint;

/* Looks at @typed, and whether FUSE is there, before anything is opened. Fills @point, to be
 * cleared, also on failure. */
ArecfsMountResult arecfs_mount_point_check (const char *typed, ArecfsMountPoint *point,
                                            GError **error);

/* Makes the directory where there is none. */
ArecfsMountResult arecfs_mount_point_make (ArecfsMountPoint *point, GError **error);

/* Removes the directory that was made, if it is still that one, empty, and nothing is mounted
 * on it. */
void arecfs_mount_point_remove (const ArecfsMountPoint *point);

/* Removes @path, of a mount that was unmounted, if a server has made it and could not remove it
 * itself, as it is marked as made, empty, and nothing is mounted on it. */
void arecfs_mount_point_remove_marked (const char *path);

void arecfs_mount_point_clear (ArecfsMountPoint *point); /* takes a zeroed one */

/* Sets @error, and returns @result. */
ArecfsMountResult arecfs_mount_point_fail (ArecfsMountResult result, GError **error,
                                           const char *format, ...) G_GNUC_PRINTF (3, 4);
