#include "pack/names_file.h"

#include <string.h>
#include <sys/stat.h>

#include <arec/arec.h>

/* Whether @path and @other are typed for the same file. */
static bool
is_same_path (const char *path, const char *other)
{
    g_autofree char *one = g_canonicalize_filename (path, NULL);
    g_autofree char *two = g_canonicalize_filename (other, NULL);

    return strcmp (one, two) == 0;
}

bool
tool_names_file_check (ToolNamesFile *file, const char *out, const ArecSharding *sharding,
                       GError **error)
{
    const char *path = file->path;
    struct stat st;

    if (!path) {
        return true;
    }
    if (strcmp (path, "-") == 0) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          "--write-names: standard output takes no names; ./- is a file");
    }
    if (is_same_path (path, out) || arec_sharding_has_shard (sharding, out, path)) {
        return arec_fail (error, AREC_ERROR_INVALID, "%s: --write-names: is the output itself",
                          path);
    }
    /* Of a link, its own place: the link is what is replaced. */
    file->exists = lstat (path, &st) == 0;
    if (!file->exists) {
        return true;
    }
    if (!S_ISREG (st.st_mode) && !S_ISLNK (st.st_mode)) {
        return arec_fail (error, AREC_ERROR_IO, "%s: is no file; names are not written to it",
                          path);
    }
    file->device = st.st_dev;
    file->inode = st.st_ino;
    return file->replaces ||
           arec_fail (error, AREC_ERROR_IO, "%s: exists; -f replaces it", path);
}

/* Whether its path is free, or holds what was there when it was checked. */
static bool
is_unchanged (const ToolNamesFile *file)
{
    struct stat st;

    return lstat (file->path, &st) != 0 ||
           (file->exists && st.st_dev == file->device && st.st_ino == file->inode);
}

bool
tool_names_file_write (const ToolNamesFile *file, const ToolNameList *names, bool no_sync,
                       GError **error)
{
    GFileSetContentsFlags flags = G_FILE_SET_CONTENTS_CONSISTENT;
    g_autoptr (GError) cause = NULL;

    if (!file->path) {
        return true;
    }
    if (!is_unchanged (file)) {
        return arec_fail (error, AREC_ERROR_IO,
                          "%s: came to be while records were written; names are not written",
                          file->path);
    }
    if (!no_sync) {
        flags |= G_FILE_SET_CONTENTS_DURABLE;
    }
    return g_file_set_contents_full (file->path, names->size > 0 ? names->data : "",
                                     (gssize)names->size, flags, 0666, &cause) ||
           arec_fail (error, AREC_ERROR_IO, "%s", cause->message);
}
