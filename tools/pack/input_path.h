/* The path of an input: `-` is standard input. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include <glib.h>

bool tool_input_path_is_stdin (const char *path);

/* How messages call @path: itself, or `standard input`. */
const char *tool_input_path_name (const char *path);

/* A descriptor for reading; that of standard input is the process's own. A FIFO is waited for
 * until it has a writer. -1: NOT_FOUND (absent, no permission, a directory), IO, NOMEM. */
int tool_input_path_open (const char *path, GError **error);

/* Whether @path can be opened, as far as that can be known without waiting. *size is that of a
 * regular file, UINT64_MAX of what has none. Same errors. */
bool tool_input_path_check (const char *path, uint64_t *size, GError **error);

/* An output that is written into the file of @path while that is read would never end.
 * @out  as the command was told; NULL: none. Errors: INVALID. */
bool tool_input_path_check_out (const char *path, const char *out, GError **error);

/* The failure @saved_errno of opening @name; returns false. */
bool tool_input_path_fail (const char *name, int saved_errno, GError **error);

/* What @mode says that is no regular file: `a FIFO`, `a directory`. */
const char *tool_input_path_kind (mode_t mode);
