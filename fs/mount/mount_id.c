#include "mount/mount_id.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

/* What no server is asked for. @path is relative to @dir. */
static bool
get (int dir, const char *path, int flags, ArecfsMountId *id)
{
    struct statx st;

    if (statx (dir, path, flags | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_MNT_ID, &st) !=
        0) {
        return false;
    }
    *id = (ArecfsMountId){
        .major = st.stx_dev_major,
        .minor = st.stx_dev_minor,
        .id = (st.stx_mask & STATX_MNT_ID) != 0 ? st.stx_mnt_id : 0,
    };
    return true;
}

uint64_t
arecfs_mount_id_of_fdinfo (const char *text)
{
    static const char name[] = "mnt_id:\t";
    uint64_t id = 0;

    for (; text; text = strchr (text, '\n')) {
        text += *text == '\n';
        if (g_str_has_prefix (text, name)) {
            id = g_ascii_strtoull (text + strlen (name), NULL, 10);
        }
    }
    return id;
}

bool
arecfs_mount_id_get_by_descriptor (const char *path, ArecfsMountId *id)
{
    int fd = open (path, O_PATH | O_CLOEXEC);
    bool ok = fd >= 0 && get (fd, "", AT_EMPTY_PATH, id);
    int number = errno;
    g_autofree char *name = g_strdup_printf ("/proc/self/fdinfo/%d", fd);
    g_autofree char *text = NULL;

    if (ok && g_file_get_contents (name, &text, NULL, NULL)) {
        id->id = arecfs_mount_id_of_fdinfo (text);
    }
    if (fd >= 0) {
        close (fd);
    }
    errno = number;
    return ok;
}

bool
arecfs_mount_id_get (const char *path, ArecfsMountId *id)
{
    return get (AT_FDCWD, path, 0, id) &&
           (id->id != 0 || arecfs_mount_id_get_by_descriptor (path, id));
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
