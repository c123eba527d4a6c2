#include "mount/unmount.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mount.h>

#include "mount/fusermount.h"
#include "mount/mount_table.h"

ArecfsMountResult
arecfs_unmount_find (const char *typed, char **path, GError **error)
{
    g_autoptr (ArecfsMountTable) table = arecfs_mount_table_read();
    const ArecfsMountEntry *entry;
    char resolved[PATH_MAX];

    if (!table || !realpath (typed, resolved)) {
        return arecfs_mount_point_fail (ARECFS_MOUNT_POINT_BAD, error,
                                        "%s: is no mount of arecfs: %s", typed,
                                        g_strerror (errno));
    }
    entry = arecfs_mount_table_at (table, resolved);
    if (!entry) {
        return arecfs_mount_point_fail (ARECFS_MOUNT_POINT_BAD, error,
                                        "%s: is no mount of arecfs: nothing is mounted on it",
                                        typed);
    }
    if (!arecfs_mount_entry_is_ours (entry)) {
        return arecfs_mount_point_fail (ARECFS_MOUNT_POINT_BAD, error,
                                        "%s: is no mount of arecfs, but of type %s", typed,
                                        entry->type);
    }
    if (path) {
        *path = g_strdup (resolved);
    }
    return ARECFS_MOUNT_OK;
}

/* @path  of @typed. */
static ArecfsMountResult
unmount (const char *typed, const char *path, GError **error)
{
    g_autofree char *reason = NULL;

    if (umount2 (path, UMOUNT_NOFOLLOW) == 0) {
        return ARECFS_MOUNT_OK;
    }
    if (errno != EPERM) {
        return arecfs_mount_point_fail (ARECFS_MOUNT_FAILED, error,
                                        "%s: cannot be unmounted: %s", typed,
                                        g_strerror (errno));
    }
    if (arecfs_fusermount_unmount (path, ARECFS_UNMOUNT_UNUSED, &reason)) {
        return ARECFS_MOUNT_OK;
    }
    return arecfs_mount_point_fail (ARECFS_MOUNT_FAILED, error, "%s: cannot be unmounted: %s",
                                    typed, reason);
}

ArecfsMountResult
arecfs_unmount (const char *typed, GError **error)
{
    g_autofree char *path = NULL;
    ArecfsMountResult result = arecfs_unmount_find (typed, &path, error);

    if (result == ARECFS_MOUNT_OK) {
        result = unmount (typed, path, error);
    }
    if (result == ARECFS_MOUNT_OK) {
        arecfs_mount_point_remove_marked (path);
    }
    return result;
}
