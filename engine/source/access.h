/* Who may read: permission bits that give no user more than the file's own rules do.
 *
 * Readers of a mount are told apart by owner, group and others alone, as mode bits do. A rule
 * that knows more of them (an access control list, directories that must be passed on the way)
 * is made one of such bits here: each class gets what all of its members have. Pure, but for
 * arec_access_of ().
 */
#pragma once

#include <stdint.h>
#include <sys/stat.h>

#include <glib.h>

/* What is left of the permission bits @mode by the POSIX list @acl, the value of the attribute
 * `system.posix_acl_access`: of the group what its own entry, the mask and all named users
 * have, of others what everybody has who is named. Of one that cannot be understood the owner's
 * bits. */
mode_t arec_access_by_posix_acl (mode_t mode, const uint8_t *acl, size_t size);

/* The same for NFSv4's list, `system.nfs4_acl`. Who is named and allowed narrows nothing; who
 * is named and denied takes it from group and others. */
mode_t arec_access_by_nfs4_acl (mode_t mode, const uint8_t *acl, size_t size);

/* The permission bits (07777) of the open file @fd, of which @st tells, by whatever list it
 * has. Where the list cannot be read, the owner's bits. @fd may be of O_PATH, then through
 * /proc. Blocks on I/O. */
mode_t arec_access_of (int fd, const struct stat *st);

/* Directories that must be passed on the way to a file and that are not shown themselves. */
typedef struct {
    GArray *passed; /* NULL: none */
} ArecWay;

void arec_way_clear (ArecWay *way); /* takes a zeroed one */

/* Adds the directory @fd, of which @st tells. Blocks on I/O. */
void arec_way_pass (ArecWay *way, int fd, const struct stat *st);

/* What is left of the permission bits @mode of what @st tells of: a class keeps them only if
 * each of its members may pass all directories, whatever other groups they are in. */
mode_t arec_access_by_way (mode_t mode, const struct stat *st, const ArecWay *way);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ArecWay, arec_way_clear)
