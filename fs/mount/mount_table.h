/* What is mounted where, as /proc/self/mountinfo shows it to this process. Looking into the
 * table touches no mount: no server is asked, dead mounts are in it too, and the kernel's mark
 * for mounts that expire stays. Immutable once made.
 */
#pragma once

#include <glib.h>

#include "mount/mount_id.h"

typedef struct {
    ArecfsMountId id;
    uint64_t parent; /* id of the mount that it is mounted on */
    char *path;      /* the mount point, from the root of this process */
    char *type;      /* fuse.arecfs */
    char *options;   /* of its filesystem: ro,allow_other */
} ArecfsMountEntry;

typedef struct ArecfsMountTable ArecfsMountTable;

/* Of now. NULL with errno set: it cannot be read, as where there is no /proc. Free with
 * arecfs_mount_table_free (). */
ArecfsMountTable *arecfs_mount_table_read (void);
/* Of the lines of @text; lines of another form are left out. @root: id of the mount that `/` is
 * on. */
ArecfsMountTable *arecfs_mount_table_parse (const char *text, uint64_t root);
void arecfs_mount_table_free (ArecfsMountTable *table); /* takes NULL */

/* NULL: it is not mounted (any more) in this mount namespace. */
const ArecfsMountEntry *arecfs_mount_table_get (const ArecfsMountTable *table,
                                                const ArecfsMountId *id);

/* One of the filesystem on device 0:@minor. NULL: there is none here. */
const ArecfsMountEntry *arecfs_mount_table_of_minor (const ArecfsMountTable *table,
                                                     unsigned minor);

/* The mount that @path, absolute and without symbolic links, leads to: where several lie on
 * each other, or something lies on a directory above, that which is on top. NULL: unknown. */
const ArecfsMountEntry *arecfs_mount_table_top (const ArecfsMountTable *table,
                                                const char *path);

/* What is mounted on @path itself, on top there. NULL: nothing is. */
const ArecfsMountEntry *arecfs_mount_table_at (const ArecfsMountTable *table, const char *path);

/* Whether it is a mount of this program. */
bool arecfs_mount_entry_is_ours (const ArecfsMountEntry *entry);

/* Whether @option is one of its filesystem's. */
bool arecfs_mount_entry_has (const ArecfsMountEntry *entry, const char *option);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecfsMountTable, arecfs_mount_table_free)
