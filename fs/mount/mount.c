#include "mount/mount.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include <fuse.h>

#include "mount/fuse_messages.h"
#include "mount/fusermount.h"
#include "mount/mount_table.h"

struct ArecfsMount {
    ArecfsMountPoint point;
    ArecfsMountId id;
    bool has_id;
    bool has_minor;
    unsigned minor;
};

ArecfsMount *
arecfs_mount_new (const char *typed, ArecfsMountResult *result, GError **error)
{
    ArecfsMount *mount = g_new0 (ArecfsMount, 1);

    *result = arecfs_mount_point_check (typed, &mount->point, error);
    if (*result != ARECFS_MOUNT_OK) {
        g_clear_pointer (&mount, arecfs_mount_free);
    }
    return mount;
}

void
arecfs_mount_free (ArecfsMount *mount)
{
    if (!mount) {
        return;
    }
    arecfs_mount_point_clear (&mount->point);
    g_free (mount);
}

const char *
arecfs_mount_path (const ArecfsMount *mount)
{
    return mount->point.path;
}

bool
arecfs_mount_is_descriptor (const ArecfsMount *mount)
{
    return mount->point.fd >= 0;
}

bool
arecfs_mount_minor (const ArecfsMount *mount, unsigned *minor)
{
    *minor = mount->minor;
    return mount->has_minor;
}

/* ---- mounting ---- */

/* Whether the kernel has refused an option, such as a security context where it has none: the
 * directory has been looked at, and nothing else is EINVAL. */
static bool
is_of_options (const char *reason)
{
    return strstr (reason, "mount failed: Invalid argument") != NULL;
}

/* What must be changed, the mount point or the rights, by @reason, a message of fusermount3
 * or libfuse. */
static ArecfsMountResult
judge (const char *reason)
{
    static const char *const unavailable[] = {
        "Operation not permitted", "mount failed: Permission",
        "open /dev/fuse",          "device not found",
        "too many FUSE",           NULL};

    if (*reason == '\0') {
        return ARECFS_MOUNT_UNAVAILABLE;
    }
    if (strstr (reason, g_strerror (EMFILE)) || strstr (reason, g_strerror (ENFILE))) {
        return ARECFS_MOUNT_FAILED;
    }
    for (const char *const *words = unavailable; *words; words++) {
        if (strstr (reason, *words)) {
            return ARECFS_MOUNT_UNAVAILABLE;
        }
    }
    return g_str_has_prefix (reason, "fusermount3: option ") || is_of_options (reason)
               ? ARECFS_MOUNT_REFUSED
               : ARECFS_MOUNT_POINT_BAD;
}

static ArecfsMountResult
fail_to_mount (const char *path, const char *reason, GError **error)
{
    ArecfsMountResult result = judge (reason);

    if (*reason == '\0') {
        reason = "mounting takes CAP_SYS_ADMIN, or fusermount3";
    }
    if (strstr (reason, "Operation not permitted") ||
        strstr (reason, "mount failed: Permission")) {
        return arecfs_mount_point_fail (
            result, error,
            "%s: FUSE is unavailable: %s (mounting takes CAP_SYS_ADMIN: a container needs "
            "--cap-add SYS_ADMIN, or a user namespace of its own)",
            path, reason);
    }
    if (is_of_options (reason)) {
        return arecfs_mount_point_fail (
            result, error,
            "%s: a mount option is refused by the kernel (contexts need SELinux): %s", path,
            reason);
    }
    return arecfs_mount_point_fail (result, error, "%s: %s: %s", path,
                                    result == ARECFS_MOUNT_UNAVAILABLE ? "FUSE is unavailable"
                                                                       : "cannot be mounted on",
                                    reason);
}

/* By a descriptor that is mounted already, or by libfuse, which takes fusermount3 where it
 * must.
 * @reason (transfer full)  why not. */
static int
open_channel (ArecfsMount *mount, const char *options, char **reason)
{
    g_autofree char *said = NULL;
    ArecfsSaid saying;
    int fd;

    *reason = NULL;
    if (mount->point.fd >= 0) {
        return mount->point.fd;
    }
    arecfs_fusermount_listen (&saying);
    fd = fuse_open_channel (mount->point.path, options);
    said = arecfs_fusermount_heard (&saying);
    if (fd < 0) {
        /* fusermount3 is what is tried last. */
        *reason = g_strdup (*said ? said : arecfs_fuse_messages_kept());
    }
    return fd;
}

/* Our own mounts have both or none. */
static void
warn_of_others (const ArecfsMount *mount)
{
    g_autoptr (ArecfsMountTable) table = arecfs_mount_table_read();
    const ArecfsMountEntry *entry =
        table && mount->has_minor ? arecfs_mount_table_of_minor (table, mount->minor) : NULL;

    if (entry && arecfs_mount_entry_has (entry, "allow_other") &&
        !arecfs_mount_entry_has (entry, "default_permissions")) {
        g_warning ("%s: is mounted with allow_other and without default_permissions: other "
                   "users read what the modes forbid",
                   mount->point.path);
    }
}

/* Identifies the mount before another one can cover it, except in a race, which the device
 * would show. */
static void
identify (ArecfsMount *mount, int fd)
{
    mount->has_minor = arecfs_mount_id_minor_of (fd, &mount->minor);
    if (mount->point.fd >= 0) {
        warn_of_others (mount);
        return;
    }
    mount->has_id = arecfs_mount_id_get (mount->point.path, &mount->id) && mount->id.id != 0 &&
                    mount->id.major == 0 &&
                    (!mount->has_minor || mount->id.minor == mount->minor);
    if (mount->has_id) {
        mount->has_minor = true;
        mount->minor = mount->id.minor;
    } else {
        g_warning ("%s: another mount lies on ours already: it will not be unmounted",
                   mount->point.path);
    }
}

ArecfsMountResult
arecfs_mount_open (ArecfsMount *mount, const char *options, int *fd, GError **error)
{
    g_autofree char *reason = NULL;
    ArecfsMountResult result = arecfs_mount_point_make (&mount->point, error);

    if (result != ARECFS_MOUNT_OK) {
        return result;
    }
    *fd = open_channel (mount, options, &reason);
    if (*fd < 0) {
        arecfs_mount_point_remove (&mount->point);
        return fail_to_mount (mount->point.path, reason, error);
    }
    identify (mount, *fd);
    return ARECFS_MOUNT_OK;
}

/* ---- where it is ---- */

/* Where there is no /proc. */
static ArecfsMountState
find_by_path (const ArecfsMount *mount, char **path)
{
    ArecfsMountId id;

    if (!arecfs_mount_id_get (mount->point.path, &id) ||
        !arecfs_mount_id_equal (&id, &mount->id)) {
        return ARECFS_MOUNT_IS_COVERED;
    }
    *path = g_strdup (mount->point.path);
    return ARECFS_MOUNT_IS_ON_TOP;
}

/* By the table alone: a look at the path would be a use of the mount, and it would never
 * expire. Its path there is that of now, if it was moved, or a directory above it renamed. */
ArecfsMountState
arecfs_mount_find (const ArecfsMount *mount, char **path)
{
    g_autoptr (ArecfsMountTable) table = NULL;
    const ArecfsMountEntry *entry;

    *path = NULL;
    if (!mount->has_id) {
        return ARECFS_MOUNT_IS_COVERED;
    }
    table = arecfs_mount_table_read();
    if (!table) {
        return find_by_path (mount, path);
    }
    entry = arecfs_mount_table_get (table, &mount->id);
    if (!entry) {
        return ARECFS_MOUNT_IS_GONE;
    }
    if (arecfs_mount_table_at (table, entry->path) != entry) {
        return ARECFS_MOUNT_IS_COVERED;
    }
    *path = g_strdup (entry->path);
    return ARECFS_MOUNT_IS_ON_TOP;
}

/* ---- unmounting ---- */

/* The kernel has no call that unmounts a mount and not what is on top at its path, so there is
 * a moment between the look and the call; nothing is done in it. */
static bool
detach (const char *path)
{
    g_autofree char *reason = NULL;

    if (umount2 (path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0) {
        return true;
    }
    if (errno != EPERM) {
        reason = g_strdup (g_strerror (errno));
    } else if (arecfs_fusermount_unmount (path, ARECFS_UNMOUNT_LAZY, &reason)) {
        return true;
    }
    g_warning ("%s: cannot be unmounted: %s", path, reason);
    return false;
}

bool
arecfs_mount_close (ArecfsMount *mount)
{
    g_autofree char *path = NULL;
    bool is_gone = true;

    if (mount->point.fd >= 0) {
        return true;
    }
    switch (arecfs_mount_find (mount, &path)) {
    case ARECFS_MOUNT_IS_ON_TOP: is_gone = detach (path); break;
    case ARECFS_MOUNT_IS_COVERED:
        g_warning ("%s: what is mounted over it stays, and our mount beneath is dead: once the "
                   "other is unmounted, 'arecfs -u %s' takes it away",
                   mount->point.path, mount->point.path);
        is_gone = false;
        break;
    case ARECFS_MOUNT_IS_GONE: break;
    }
    arecfs_mount_point_remove (&mount->point);
    return is_gone;
}
