#include "operations.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

/* ---- extended attributes ---- */

/* libc has no getxattrat (), but /proc has a path for each file below a descriptor. */
static char *
absolute (const Worker *worker, const ModelEntry *entry, const char *name)
{
    g_autofree char *path = model_path (entry, name);

    return g_build_filename (worker->setup->mount_point, path, NULL);
}

/* @expected  the value, or with @only_last the last part of a path. */
static void
expect_value (Worker *worker, const ModelEntry *entry, const char *path, const char *attribute,
              const char *expected, bool only_last)
{
    char value[8192];
    size_t room = sizeof value - 1;
    ssize_t size = getxattr (path, attribute, NULL, 0);
    ssize_t got = getxattr (path, attribute, value, room);
    const char *found = value, *slash;

    if (got < 0) {
        worker_complain (worker, entry, "%s: found %s, expected '%s'", attribute,
                         strerrorname_np (errno), expected);
    }
    value[got] = '\0';
    slash = strrchr (value, '/');
    if (only_last && slash) {
        found = slash + 1;
    }
    if (size != got || strcmp (found, expected) != 0) {
        worker_complain (worker, entry,
                         "%s: found '%s' (%zd bytes, reported %zd), expected '%s'", attribute,
                         value, got, size, expected);
    }
    if (got > 1) {
        worker_expect_errno (worker, entry, "a value for which there is no room",
                             getxattr (path, attribute, value, (size_t)got - 1), ERANGE);
    }
}

static void
check_record_value (Worker *worker, const ModelEntry *entry, const char *path)
{
    switch (worker_random (worker, 3)) {
    case 0: expect_value (worker, entry, path, "user.arec.record", entry->number, false); break;
    case 1: expect_value (worker, entry, path, "user.arec.chunk", entry->chunk, false); break;
    default:
        expect_value (worker, entry, path, "user.arec.source", entry->source->name, true);
        break;
    }
}

static void
check_directory_value (Worker *worker, const ModelEntry *entry, const char *path)
{
    char **attributes = entry->directory->attributes;
    guint n = g_strv_length (attributes);

    if (n > 0) {
        const char *pair = attributes[worker_random (worker, n)];
        const char *equals = strchr (pair, '=');
        g_autofree char *name = g_strndup (pair, (gsize)(equals - pair));

        expect_value (worker, entry, path, name, equals + 1, false);
    }
}

static void
check_unknown_value (Worker *worker, const ModelEntry *entry, const char *path)
{
    static const struct {
        const char *name;
        int expected;
    } unknown[] = {{"user.nope", ENODATA},
                   {"user.arec.nope", ENODATA},
                   {"user.arec.", ENODATA},
                   {"user.arec", ENODATA},
                   {"user.arec.RECORD", ENODATA},
                   {"user.arec.recordx", ENODATA},
                   {"security.capability", EOPNOTSUPP},
                   {"security.selinux", EOPNOTSUPP},
                   {"trusted.arec", EOPNOTSUPP},
                   {"system.posix_acl_access", EOPNOTSUPP}};
    size_t i = worker_random (worker, G_N_ELEMENTS (unknown));
    char value[100];

    worker_expect_errno (worker, entry, unknown[i].name,
                         getxattr (path, unknown[i].name, value, sizeof value),
                         unknown[i].expected);
}

static void
check_attribute_list (const Worker *worker, const ModelEntry *entry, const char *path)
{
    char list[100];
    ssize_t got = listxattr (path, list, sizeof list);

    if (got != 0) {
        worker_complain (worker, entry, "listxattr: found %zd, expected 0", got);
    }
}

void
op_attribute (Worker *worker)
{
    const char *name = NULL;
    const ModelEntry *entry = worker_random (worker, 4) ? worker_pick_record (worker, &name)
                                                        : worker_pick_directory (worker)->self;
    g_autofree char *path = absolute (worker, entry, name);

    switch (worker_random (worker, 4)) {
    case 0: check_attribute_list (worker, entry, path); break;
    case 1: check_unknown_value (worker, entry, path); break;
    default:
        if (entry->directory) {
            check_directory_value (worker, entry, path);
        } else {
            check_record_value (worker, entry, path);
        }
    }
}

/* ---- changes ---- */

/* Calls that would change the file or directory @path. */
static long
try_change (Worker *worker, int root, const char *path, const char *other)
{
    static const struct timespec times[2] = {{1, 2}, {3, 4}};
    g_autofree char *full = g_build_filename (worker->setup->mount_point, path, NULL);

    switch (worker_random (worker, 10)) {
    case 0: return openat (root, path, O_WRONLY | O_CLOEXEC);
    case 1: return openat (root, path, O_RDWR | O_CLOEXEC);
    case 2: return openat (root, path, O_RDONLY | O_TRUNC | O_CLOEXEC);
    case 3: return unlinkat (root, path, 0);
    case 4: return fchmodat (root, path, 0777, 0);
    case 5: return fchownat (root, path, 1, 1, 0);
    case 6: return utimensat (root, path, times, 0);
    case 7: return renameat (root, path, root, other);
    case 8: return truncate (full, 0);
    default: return setxattr (full, "user.new", "x", 1, 0);
    }
}

/* Calls that would make @path, which does not exist. */
static long
try_creation (Worker *worker, int root, const char *path, const char *other)
{
    switch (worker_random (worker, 5)) {
    case 0: return openat (root, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    case 1: return mkdirat (root, path, 0755);
    case 2: return mknodat (root, path, S_IFIFO | 0644, 0);
    case 3: return symlinkat ("target", root, path);
    default: return linkat (root, other, root, path, 0);
    }
}

void
op_refused (Worker *worker)
{
    const char *name;
    const ModelEntry *entry = worker_pick_record (worker, &name);
    g_autofree char *path = model_path (entry, name);
    g_autofree char *absent = g_build_filename (entry->parent->path, "absent.new", NULL);
    int root = worker->setup->root;
    long result = worker_random (worker, 2) ? try_change (worker, root, path, absent)
                                            : try_creation (worker, root, absent, path);

    worker_expect_errno (worker, entry, "a change", result, EROFS);
}

/* ---- the mount itself ---- */

static void
check_control (Worker *worker, const char *name, char first, char last)
{
    const ModelDirectory *top = worker->setup->model->directories->pdata[0];
    int fd = openat (worker->setup->root, name, O_RDONLY | O_CLOEXEC);
    g_autofree char *text = NULL;
    struct stat st;
    ssize_t got;

    if (fd < 0 || fstat (fd, &st) != 0) {
        worker_complain (worker, top->self, "%s: found %s, expected it", name,
                         strerrorname_np (errno));
    }
    text = g_malloc ((size_t)st.st_size + 1);
    got = pread (fd, text, (size_t)st.st_size + 1, 0);
    if (got <= 0 || got != st.st_size || text[0] != first || text[got - 1] != '\n' ||
        (last && !memchr (text, last, (size_t)got))) {
        worker_complain (worker, top->self,
                         "%s: found %zd bytes, expected %" G_GINT64_FORMAT
                         " from '%c' to a line's end",
                         name, got, (gint64)st.st_size, first);
    }
    close (fd);
}

void
op_control (Worker *worker)
{
    const ModelDirectory *top = worker->setup->model->directories->pdata[0];
    struct statvfs st;

    switch (worker_random (worker, 3)) {
    case 0: check_control (worker, ".arecfs/stats.json", '{', '}'); break;
    case 1: check_control (worker, ".arecfs/metrics", '#', '\0'); break;
    default:
        if (fstatvfs (worker->setup->root, &st) != 0 || !(st.f_flag & ST_RDONLY)) {
            worker_complain (worker, top->self, "statvfs: found no read-only file system");
        }
    }
}

/* 2 drops names and inodes; 3, less often, also the page cache of the whole machine. */
void
op_drop_caches (Worker *worker)
{
    const char *what = worker_random (worker, 16) ? "2\n" : "3\n";

    if (worker->setup->drop_caches >= 0 && write (worker->setup->drop_caches, what, 2) != 2) {
        const ModelDirectory *top = worker->setup->model->directories->pdata[0];

        worker_complain (worker, top->self, "drop_caches: found %s, expected it to be written",
                         strerrorname_np (errno));
    }
}
