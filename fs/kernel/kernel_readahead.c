#include "kernel/kernel_readahead.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
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
arecfs_kernel_readahead_raise (unsigned minor)
{
    g_autofree char *file = g_strdup_printf ("/sys/class/bdi/0:%u/read_ahead_kb", minor);
    int number = write_text (file, READAHEAD_KIB);

    if (number != 0) {
        g_info ("large files are read in small requests: %s: %s", file, g_strerror (number));
    }
}
