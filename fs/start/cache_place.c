#include "start/cache_place.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <arec/arec.h>

/* @path without symbolic links, as far as there is something. (transfer full) */
static char *
real_path_of (const char *path)
{
    g_autofree char *whole = g_canonicalize_filename (path, NULL);
    g_autofree char *there = g_strdup (whole);
    char found[PATH_MAX];

    while (!realpath (there, found)) {
        char *parent = g_path_get_dirname (there);

        g_free (there);
        there = parent;
        if (strcmp (there, "/") == 0) {
            return g_steal_pointer (&whole);
        }
    }
    return g_build_filename (found, whole + strlen (there), NULL);
}

bool
arecfs_cache_place_check (const ArecfsOptions *options, GError **error)
{
    const char *path = options->engine.remote.cache_dir;
    g_autofree char *cache = path ? real_path_of (path) : NULL;
    g_autofree char *mount = path ? real_path_of (options->mount_point) : NULL;
    size_t length = mount ? strlen (mount) : 0;

    if (!path || strncmp (cache, mount, length) != 0 ||
        (cache[length] != '/' && cache[length] != '\0')) {
        return true;
    }
    g_set_error (error, AREC_ERROR, AREC_ERROR_INVALID,
                 "option cache-dir: %s: the mount at %s would cover it", path,
                 options->mount_point);
    return false;
}
