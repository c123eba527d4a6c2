/* Attributes of the files of a list, and of the directories between. No file is opened for
 * reading. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <arec/sources.h>

#include "base/autofd.h"
#include "base/error.h"
#include "naming/source_list.h"
#include "source/beneath.h"

/* Opens @name with O_PATH, by the rule that @file was listed by: below a DIRECTORY, some links
 * are not followed. */
static int
open_listed (const ArecSourceFile *file, const char *name, ArecPassed passed, ArecWay *way)
{
    int fd;

    do {
        fd = file->form == AREC_SOURCE_DIRECTORY
                 ? arec_beneath_open (arec_source_file_directory (file), name, O_PATH, passed,
                                      way)
                 : openat (arec_source_file_directory (file), name, O_PATH | O_CLOEXEC);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

/* Attributes for a file that cannot be examined, or is gone: those of the link @name, else of
 * its parent directory, else of the directory at the top. */
static bool
stat_around (const ArecSourceFile *file, const char *name, struct stat *st)
{
    const char *slash = strrchr (name, '/'), *last = slash ? slash + 1 : name;
    g_autofree char *parent = slash ? g_strndup (name, (size_t)(slash - name)) : g_strdup (".");
    arec_autofd int fd = open_listed (file, parent, AREC_PASSED_BY_LINK, NULL);

    if (fd < 0) {
        return !arec_errno_is_shortage (errno) &&
               fstat (arec_source_file_directory (file), st) == 0;
    }
    return fstatat (fd, last, st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0 ||
           fstat (fd, st) == 0;
}

static bool
stat_listed (const ArecSourceFile *file, const char *name, ArecPassed passed, struct stat *st,
             GError **error)
{
    g_auto (ArecWay) way = {0};
    arec_autofd int fd = open_listed (file, name, passed, &way);

    if (fd >= 0 && fstat (fd, st) == 0) {
        mode_t mode = arec_access_by_way (arec_access_of (fd, st), st, &way);

        st->st_mode = (st->st_mode & S_IFMT) | mode;
        return true;
    }
    if (!arec_errno_is_shortage (errno) && !(errno == ENOENT && passed == AREC_PASSED_ALL) &&
        stat_around (file, name, st)) {
        return true;
    }
    arec_fail_errno (error, errno, "%s: stat", file->path);
    if (error && *error && (*error)->code == AREC_ERROR_NOT_FOUND) {
        (*error)->code = AREC_ERROR_CHANGED; /* it was there when it was listed */
    }
    return false;
}

/* What a listing said of @object, as its opening will say it; else nothing is known before.
 * @object  NULL: a directory. */
static void
stat_object (const ArecSourceList *list, const ArecSourceObject *object, struct stat *st)
{
    struct timespec modified = list->made;
    uint64_t size = object && object->is_listed ? object->size : 0;

    if (object && object->is_listed && object->modified > 0) {
        modified = (struct timespec){.tv_sec = object->modified};
    }
    *st = (struct stat){.st_mode = object ? S_IFREG | 0444 : S_IFDIR | 0555,
                        .st_nlink = 1,
                        .st_uid = getuid(),
                        .st_gid = getgid(),
                        .st_size = (off_t)MIN (size, INT64_MAX),
                        .st_mtim = modified,
                        .st_ctim = modified,
                        .st_atim = modified};
}

bool
arec_source_list_stat (const ArecSourceList *list, size_t i, bool merged, struct stat *st,
                       GError **error)
{
    const ArecSourceFile *file = arec_source_list_get (list, i);

    if (arec_source_file_object (file)) {
        stat_object (list, arec_source_file_object (file), st);
        return true;
    }
    return stat_listed (file, file->name, merged ? AREC_PASSED_ALL : AREC_PASSED_BY_LINK, st,
                        error);
}

bool
arec_source_list_stat_directory (const ArecSourceList *list, size_t i, const char *path,
                                 struct stat *st, GError **error)
{
    if (arec_source_file_object (arec_source_list_get (list, i))) {
        stat_object (list, NULL, st);
        return true;
    }
    return stat_listed (arec_source_list_get (list, i), path, AREC_PASSED_BY_LINK, st, error);
}
