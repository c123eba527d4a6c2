/* The globs of --exclude. Pure functions, any thread. */
#pragma once

#include <stdbool.h>

/* Whether one of @globs, NULL-terminated or NULL, matches the whole of @path or its last part,
 * @name. */
bool tool_excludes_match (const char *const *globs, const char *path, const char *name);

/* The same of a path that stands alone: it is excluded, too, if a directory above it is. `./`
 * at its front does not count. */
bool tool_excludes_match_any (const char *const *globs, const char *path);
