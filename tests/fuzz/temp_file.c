#include "temp_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

static char *folder;
static char *path;
static int fd = -1;

static void
remove_file (void)
{
    close (fd);
    g_unlink (path);
    g_rmdir (folder);
    g_free (path);
    g_free (folder);
}

static void
create_file (void)
{
    folder = g_dir_make_tmp ("arecfs-fuzz-XXXXXX", NULL);
    g_assert_nonnull (folder);
    path = g_build_filename (folder, "x.array_record", NULL);
    fd = open (path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    g_assert_cmpint (fd, >=, 0);
    atexit (remove_file);
}

const char *
fuzz_temp_file (const void *data, size_t size)
{
    if (fd < 0) {
        create_file();
    }
    g_assert_cmpint (ftruncate (fd, 0), ==, 0);
    g_assert_cmpint (pwrite (fd, data, size, 0), ==, (ssize_t)size);
    return path;
}
