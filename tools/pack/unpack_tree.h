/* ToolUnpackTree: a folder into which records are written, a file each.
 *
 * One tree at a time, in the program's first thread. A file appears under its name when it is
 * whole: it is written without a name (O_TMPFILE) and linked, or, on a filesystem that has no
 * such files, under a hidden name `.arec-XXXXXXXXXXXXXXXX` that is removed after any failure or
 * signal. Whatever is in the folder is hostile: names are looked up in its descriptor, symbolic
 * links among them are never followed, part by part where a name has several.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

typedef struct ToolUnpackTree ToolUnpackTree;

/* Whether tool_unpack_tree_new () would take what is at @path now, before long work. Same
 * errors. */
bool tool_unpack_tree_check (const char *path, bool force, GError **error);

/* Makes the folder @path if it is absent, with what umask leaves of 0777.
 * @force    it need not be empty, and files that have the names of records are replaced.
 * @n_files  that are to be written, for a signal that comes before.
 * Errors: IO: a folder that cannot be made or opened, or is not empty. */
ToolUnpackTree *tool_unpack_tree_new (const char *path, bool force, uint64_t n_files,
                                      GError **error);
void tool_unpack_tree_free (ToolUnpackTree *tree); /* takes NULL; what was written stays */

/* Writes the file @name with what umask leaves of 0666. Blocks.
 * @name  below the folder: a path without parts that are empty, `.` or `..`. Folders in it are
 *        made if they are absent, with what umask leaves of 0777.
 * Errors: IO, `DIR/NAME: REASON`; then there is no such file, or the one that was there before.
 */
bool tool_unpack_tree_put (ToolUnpackTree *tree, const char *name, const void *data,
                           size_t size, GError **error);

/* Bytes that a part of a path in the folder may have. */
size_t tool_unpack_tree_max_part (const ToolUnpackTree *tree);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolUnpackTree, tool_unpack_tree_free)
