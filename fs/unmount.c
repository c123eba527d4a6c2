#include "unmount.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mount.h>

#include "fusermount.h"
#include "mount_table.h"

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

ArecfsMountResult
arecfs_unmount (const char *typed, GError **error)
{
    g_autofree char *path = NULL;
    g_autofree char *reason = NULL;
    ArecfsMountResult result = arecfs_unmount_find (typed, &path, error);

    if (result != ARECFS_MOUNT_OK || umount2 (path, UMOUNT_NOFOLLOW) == 0) {
        return result;
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
