#include "mount/mount_point.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <arec/arec.h>

#include "mount/mount_table.h"

#define FUSE_DEVICE makedev (10, 229)

int
arecfs_mount_exit_code (ArecfsMountResult result)
{
    switch (result) {
    case ARECFS_MOUNT_OK: return 0;
    case ARECFS_MOUNT_REFUSED: return 2;
    case ARECFS_MOUNT_POINT_BAD: return 7;
    case ARECFS_MOUNT_UNAVAILABLE: return 8;
    case ARECFS_MOUNT_FAILED: return 1;
    }
    g_return_val_if_reached (1);
}

ArecfsMountResult
arecfs_mount_point_fail (ArecfsMountResult result, GError **error, const char *format, ...)
{
    va_list args;

    va_start (args, format);
    *error = g_error_new_valist (AREC_ERROR, AREC_ERROR_IO, format, args);
    va_end (args);
    return result;
}

static ArecfsMountResult
fail_at (const char *path, int number, GError **error)
{
    return arecfs_mount_point_fail (ARECFS_MOUNT_POINT_BAD, error,
                                    "%s: cannot be mounted on: %s", path, g_strerror (number));
}

/* ---- FUSE ---- */

static ArecfsMountResult
check_fuse (GError **error)
{
    g_autofree char *helper = NULL;
    struct stat st;
    int fd = open ("/dev/fuse", O_RDWR | O_CLOEXEC);

    if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) {
        return arecfs_mount_point_fail (ARECFS_MOUNT_FAILED, error, "/dev/fuse: %s",
                                        g_strerror (errno));
    }
    if (fd < 0) {
        return arecfs_mount_point_fail (
            ARECFS_MOUNT_UNAVAILABLE, error, "/dev/fuse: FUSE is unavailable: %s%s",
            g_strerror (errno),
            errno == ENOENT  ? " ('modprobe fuse'; a container needs the device)"
            : errno == EPERM ? " (the container may not use the device)"
                             : "");
    }
    if (fstat (fd, &st) != 0 || !S_ISCHR (st.st_mode)) {
        close (fd);
        return arecfs_mount_point_fail (ARECFS_MOUNT_UNAVAILABLE, error,
                                        "/dev/fuse: FUSE is unavailable: not a device");
    }
    close (fd);
    helper = geteuid() == 0 ? g_strdup ("") : g_find_program_in_path ("fusermount3");
    if (!helper) {
        return arecfs_mount_point_fail (
            ARECFS_MOUNT_UNAVAILABLE, error,
            "fusermount3: FUSE is unavailable: not found, and only root mounts without it");
    }
    return ARECFS_MOUNT_OK;
}

/* ---- the forms ---- */

/* `/dev/fd/N`: N, else -1. */
static int
number_of_descriptor (const char *typed)
{
    char *end;
    long number;

    if (!g_str_has_prefix (typed, "/dev/fd/") || !g_ascii_isdigit (typed[8])) {
        return -1;
    }
    number = strtol (typed + 8, &end, 10);
    return *end == '\0' && number <= INT_MAX ? (int)number : -1;
}

/* Takes @number over, to one that no standard stream will be put in the place of. */
static ArecfsMountResult
take_descriptor (int number, ArecfsMountPoint *point, GError **error)
{
    struct stat st;

    if (fstat (number, &st) != 0) {
        return fail_at (point->path, errno, error);
    }
    if (!S_ISCHR (st.st_mode) || st.st_rdev != FUSE_DEVICE) {
        return arecfs_mount_point_fail (ARECFS_MOUNT_POINT_BAD, error,
                                        "%s: cannot be mounted on: it is not /dev/fuse, opened",
                                        point->path);
    }
    point->fd = fcntl (number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (point->fd < 0) {
        return fail_at (point->path, errno, error);
    }
    if (number > STDERR_FILENO) {
        close (number);
    }
    return ARECFS_MOUNT_OK;
}

/* What is mounted on @typed is not served any more. */
static ArecfsMountResult
fail_on_dead_mount (const char *typed, int number, GError **error)
{
    g_autoptr (ArecfsMountTable) table = arecfs_mount_table_read();
    const ArecfsMountEntry *entry = NULL;
    char resolved[PATH_MAX];

    if (table && realpath (typed, resolved)) {
        entry = arecfs_mount_table_at (table, resolved);
    }
    if (!entry) {
        return fail_at (typed, number, error);
    }
    return arecfs_mount_point_fail (
        ARECFS_MOUNT_POINT_BAD, error,
        "%s: a dead mount (%s) lies here: %s; '%s %s' takes it away", typed, entry->type,
        g_strerror (number), arecfs_mount_entry_is_ours (entry) ? "arecfs -u" : "umount",
        typed);
}

/* A path of which only the last part does not exist. */
static ArecfsMountResult
plan_to_make (const char *typed, ArecfsMountPoint *point, GError **error)
{
    g_autofree char *trimmed = g_strdup (typed);
    g_autofree char *parent = NULL;
    g_autofree char *name = NULL;
    char above[PATH_MAX];
    size_t length = strlen (trimmed);

    while (length > 1 && trimmed[length - 1] == '/') {
        trimmed[--length] = '\0';
    }
    parent = g_path_get_dirname (trimmed);
    name = g_path_get_basename (trimmed);
    if (!realpath (parent, above)) {
        return fail_at (typed, errno, error);
    }
    if (access (above, W_OK | X_OK) != 0) {
        return arecfs_mount_point_fail (ARECFS_MOUNT_POINT_BAD, error,
                                        "%s: does not exist and cannot be made: %s", typed,
                                        g_strerror (errno));
    }
    point->path = g_build_filename (above, name, NULL);
    point->make = true;
    return ARECFS_MOUNT_OK;
}

/* A mount whose server is gone, which the kernel's cached attributes do not show. */
static bool
is_dead (const char *path)
{
    struct statfs st;

    return statfs (path, &st) != 0 && errno == ENOTCONN;
}

static ArecfsMountResult
check_path (const char *typed, ArecfsMountPoint *point, GError **error)
{
    char resolved[PATH_MAX];
    struct stat st;

    if (stat (typed, &st) != 0) {
        int number = errno;

        if (number == ENOENT && lstat (typed, &st) != 0) {
            return plan_to_make (typed, point, error);
        }
        return number == ENOENT ? fail_at (typed, number, error)
                                : fail_on_dead_mount (typed, number, error);
    }
    if (!S_ISDIR (st.st_mode)) {
        return fail_at (typed, ENOTDIR, error);
    }
    if (is_dead (typed)) {
        return fail_on_dead_mount (typed, ENOTCONN, error);
    }
    if (!realpath (typed, resolved)) {
        return fail_at (typed, errno, error);
    }
    point->path = g_strdup (resolved);
    return ARECFS_MOUNT_OK;
}

ArecfsMountResult
arecfs_mount_point_check (const char *typed, ArecfsMountPoint *point, GError **error)
{
    int number = number_of_descriptor (typed);
    ArecfsMountResult result;

    *point = (ArecfsMountPoint){.fd = -1};
    if (number >= 0) {
        point->path = g_strdup (typed);
        return take_descriptor (number, point, error);
    }
    result = check_path (typed, point, error);
    return result == ARECFS_MOUNT_OK ? check_fuse (error) : result;
}

/* ---- made and removed ---- */

/* On a directory that we have made: its own number, so that a copy of it does not count. */
#define MARK "user.arecfs.made"
#define MARK_SIZE 32

/* A server that is killed cannot remove it; where the filesystem has no such attributes, it
 * stays then. */
static void
mark (const ArecfsMountPoint *point)
{
    char text[MARK_SIZE];
    int n = snprintf (text, sizeof text, "%ju", (uintmax_t)point->ino);

    if (lsetxattr (point->path, MARK, text, (size_t)n, XATTR_CREATE) != 0) {
        g_debug ("%s: cannot be marked: %s", point->path, g_strerror (errno));
    }
}

static bool
has_mark (const char *path)
{
    char found[MARK_SIZE], expected[MARK_SIZE];
    ssize_t n = lgetxattr (path, MARK, found, sizeof found);
    struct stat st;
    int length;

    if (n < 0 || lstat (path, &st) != 0) {
        return false;
    }
    length = snprintf (expected, sizeof expected, "%ju", (uintmax_t)st.st_ino);
    return n == length && memcmp (found, expected, (size_t)n) == 0;
}

void
arecfs_mount_point_remove_marked (const char *path)
{
    g_autoptr (ArecfsMountTable) table = arecfs_mount_table_read();

    if (table && !arecfs_mount_table_at (table, path) && has_mark (path)) {
        (void)rmdir (path); /* or it is in use */
    }
}

ArecfsMountResult
arecfs_mount_point_make (ArecfsMountPoint *point, GError **error)
{
    struct stat st;

    if (!point->make) {
        return ARECFS_MOUNT_OK;
    }
    if (mkdir (point->path, 0777) != 0) {
        return arecfs_mount_point_fail (ARECFS_MOUNT_POINT_BAD, error,
                                        "%s: does not exist and cannot be made: %s",
                                        point->path, g_strerror (errno));
    }
    if (lstat (point->path, &st) == 0) {
        point->is_made = true;
        point->dev = st.st_dev;
        point->ino = st.st_ino;
        mark (point);
    }
    return ARECFS_MOUNT_OK;
}

void
arecfs_mount_point_remove (const ArecfsMountPoint *point)
{
    struct statx st;

    /* Never asks the server of what may be mounted there meanwhile. */
    if (point->is_made &&
        statx (AT_FDCWD, point->path, AT_STATX_DONT_SYNC | AT_SYMLINK_NOFOLLOW, STATX_INO,
               &st) == 0 &&
        makedev (st.stx_dev_major, st.stx_dev_minor) == point->dev &&
        st.stx_ino == point->ino && rmdir (point->path) != 0) {
        g_info ("%s: is left: %s", point->path, g_strerror (errno));
    }
}

void
arecfs_mount_point_clear (ArecfsMountPoint *point)
{
    g_clear_pointer (&point->path, g_free);
}
