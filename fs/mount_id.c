#include "mount_id.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <glib.h>

bool
arecfs_mount_id_get (const char *path, ArecfsMountId *id)
{
    struct statx st;

    if (statx (AT_FDCWD, path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_MNT_ID, &st) != 0) {
        return false;
    }
    *id = (ArecfsMountId){
        .major = st.stx_dev_major,
        .minor = st.stx_dev_minor,
        .id = (st.stx_mask & STATX_MNT_ID) != 0 ? st.stx_mnt_id : 0,
    };
    return true;
}

bool
arecfs_mount_id_equal (const ArecfsMountId *a, const ArecfsMountId *b)
{
    return a->major == b->major && a->minor == b->minor && a->id == b->id;
}

bool
arecfs_mount_id_minor_of (int fd, unsigned *minor)
{
    char path[64], line[128];
    bool found = false;
    FILE *file;

    g_snprintf (path, sizeof path, "/proc/self/fdinfo/%d", fd);
    file = fopen (path, "re");
    while (file && !found && fgets (line, sizeof line, file)) {
        found = sscanf (line, "fuse_connection: %u", minor) == 1;
    }
    if (file) {
        fclose (file);
    }
    return found;
}
