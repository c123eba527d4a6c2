#include "source/target.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/autofd.h"
#include "base/error.h"

/* Symbolic links in a row, as many as the kernel follows. */
enum { MAX_LINKS = 40 };

static bool
fail (const char *path, int saved_errno, const char *what, GError **error)
{
    return arec_fail (error, AREC_ERROR_IO, "%s: %s: %s", path, what, g_strerror (saved_errno));
}

void
arec_target_clear (ArecTarget *target)
{
    arec_close_fd (&target->dir_fd);
    g_clear_pointer (&target->name, g_free);
}

/* Goes on from the directory of @target along @way, to the directory of its last part.
 * @path  for messages. */
static bool
enter (ArecTarget *target, const char *way, const char *path, GError **error)
{
    const char *slash = strrchr (way, '/');
    g_autofree char *directory = slash == way ? g_strdup ("/")
                                 : slash      ? g_strndup (way, (size_t)(slash - way))
                                              : g_strdup (".");
    int base_fd = target->dir_fd >= 0 ? target->dir_fd : AT_FDCWD;
    int fd;

    g_free (target->name);
    target->name = g_strdup (slash ? slash + 1 : way);
    if (target->name[0] == '\0') {
        return fail (path, *way ? EISDIR : ENOENT, "cannot create", error);
    }
    fd = openat (base_fd, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return fail (path, errno, "cannot open its directory", error);
    }
    arec_close_fd (&target->dir_fd);
    target->dir_fd = fd;
    return true;
}

/* Whether the kernel follows the link, be it to nothing. false with errno set. */
static bool
may_follow (const ArecTarget *target)
{
    struct stat st;
    struct statfs fs;

    if (fstatat (target->dir_fd, target->name, &st, 0) != 0 && errno != ENOENT) {
        return false;
    }
    if (fstatfs (target->dir_fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC) {
        errno = ELOOP;
        return false;
    }
    return true;
}

/* What the link says; NULL with errno set. */
static char *
read_link (const ArecTarget *target)
{
    g_autofree char *way = g_malloc (PATH_MAX);
    ssize_t n = readlinkat (target->dir_fd, target->name, way, PATH_MAX);

    if (n < 0) {
        return NULL;
    }
    if (n == PATH_MAX) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    way[n] = '\0';
    return g_steal_pointer (&way);
}

bool
arec_target_find (ArecTarget *target, const char *path, GError **error)
{
    g_autofree char *way = g_strdup (path);

    *target = (ArecTarget){.dir_fd = -1};
    for (unsigned i = 0; i <= MAX_LINKS; i++) {
        struct stat st;

        if (!enter (target, way, path, error)) {
            return false;
        }
        if (fstatat (target->dir_fd, target->name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
            return errno == ENOENT || fail (path, errno, "cannot create", error);
        }
        if (!S_ISLNK (st.st_mode)) {
            return true;
        }
        g_free (way);
        way = may_follow (target) ? read_link (target) : NULL;
        if (!way) {
            return fail (path, errno, "cannot follow the link", error);
        }
    }
    return fail (path, ELOOP, "cannot follow the link", error);
}
