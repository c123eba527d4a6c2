#include "kernel_readahead.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

/* libfuse's buffer, and so the largest READ, holds 1 MiB. */
#define READAHEAD_KIB "1024"

/* Writes @text to the file @path. Returns 0 or an errno. */
static int
write_text (const char *path, const char *text)
{
    size_t size = strlen (text);
    int fd = open (path, O_WRONLY | O_CLOEXEC), number;

    if (fd < 0) {
        return errno;
    }
    number = write (fd, text, size) == (ssize_t)size ? 0 : errno;
    close (fd);
    return number;
}

void
arecfs_kernel_readahead_raise (const char *path)
{
    g_autofree char *file = NULL;
    struct statx st;
    int number;

    /* Without asking the server, that is us: the device is known without that. */
    if (statx (AT_FDCWD, path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, 0, &st) != 0) {
        g_info ("%s: cannot tell the device of the mount: %s", path, g_strerror (errno));
        return;
    }
    file = g_strdup_printf ("/sys/class/bdi/%u:%u/read_ahead_kb", st.stx_dev_major,
                            st.stx_dev_minor);
    number = write_text (file, READAHEAD_KIB);
    if (number != 0) {
        g_info ("%s: large files are read in small requests: %s: %s", path, file,
                g_strerror (number));
    }
}
