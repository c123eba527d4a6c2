/* The files below a directory. */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include <arec/sources.h>

/* Appends the files below the directory @path, in byte order of their relative paths, and notes
 * what cannot be read. Errors: NOT_FOUND (no file, or @path itself cannot be read), IO, LIMIT,
 * NOMEM. */
bool arec_source_tree_add (ArecSourceList *list, const char *path, GError **error);
