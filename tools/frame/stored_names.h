/* The names that files keep of their records, as commands ask for them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#include <arec/arec.h>

/* The names of file @file of @reader. Names that cannot be used are reported as a line on
 * stderr, unless @is_quiet, and count as none.
 * @names   (out, transfer full) NULL: there are none.
 * @is_bad  (out) nullable: they cannot be used.
 * Errors: those of the system. */
bool tool_stored_names_load (ArecReader *reader, size_t file, bool is_quiet,
                             ArecStoredNames **names, bool *is_bad, GError **error);
