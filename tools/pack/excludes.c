#include "pack/excludes.h"

#include <fnmatch.h>
#include <string.h>

#include <glib.h>

bool
tool_excludes_match (const char *const *globs, const char *path, const char *name)
{
    for (; globs && *globs; globs++) {
        if (fnmatch (*globs, path, 0) == 0 || fnmatch (*globs, name, 0) == 0) {
            return true;
        }
    }
    return false;
}

bool
tool_excludes_match_any (const char *const *globs, const char *path)
{
    g_autofree char *copy = NULL;
    const char *name;

    if (!globs) {
        return false;
    }
    path += g_str_has_prefix (path, "./") ? 2 : 0;
    copy = g_strdup (path);
    name = copy;
    for (char *slash = copy; (slash = strchr (slash, '/')); slash++) {
        bool matches;

        *slash = '\0';
        matches = *name && tool_excludes_match (globs, copy, name);
        *slash = '/';
        if (matches) {
            return true;
        }
        name = slash + 1;
    }
    return tool_excludes_match (globs, path, name);
}
