/* Whether a name from a file may become a path below a folder. Pure functions. */
#pragma once

#include <stddef.h>

#include <glib.h>

/* What is wrong with @name, for people: it is absolute, has PATH_MAX bytes or more, ends with a
 * part `.`, or has a part that is empty, is `..` or has more than @max_part bytes. NULL:
 * nothing. Static string. */
const char *tool_safe_name_fault (const char *name, size_t max_part);

/* @name, in which nothing is wrong, without its parts `.`; NULL: there is none to leave out.
 * Returns (transfer full). */
char *tool_safe_name_without_dots (const char *name);
