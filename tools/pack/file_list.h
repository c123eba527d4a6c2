/* ToolFileList: the files that the names on a command line stand for, in the order in which
 * they are packed: those of a directory depth first, names in byte order at each level.
 *
 * One thread at a time while it is made, then immutable. A file takes two bytes more memory
 * than its own name.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "pack/input.h"

typedef struct {
    /* Private: files, the directories that those after it are in, and those that were typed. */
    ToolNameList entries;
    uint64_t n_files;
} ToolFileList;

/* Where a caller is. Zeroed, it stands before the first file. */
typedef struct {
    size_t at;
    const char *directory; /* of the file; NULL: it was named itself */
    bool is_new_directory; /* it is not that of the file before */
    size_t root;           /* bytes of @directory and a slash that were typed */
    const char *name;      /* below the directory, or as it was typed */
} ToolFileCursor;

/* Lists the files below the names of input->options, and notes what it leaves out. Errors:
 * NOT_FOUND, also for a directory that cannot be read or a name that is neither a file nor a
 * directory; IO, NOMEM. */
bool tool_file_list_fill (ToolFileList *list, ToolInput *input, GError **error);

/* false: there are no more. */
bool tool_file_list_next (const ToolFileList *list, ToolFileCursor *cursor);

/* The path of the file at @cursor. Returns (transfer full). */
char *tool_file_list_path (const ToolFileCursor *cursor);

/* The name by which the record of that file is known: its path below the directory that was
 * typed. Of a file that was typed itself all that was typed, without what leads up or to the
 * root. @out  what it holds goes. */
void tool_file_list_record_name (const ToolFileCursor *cursor, GString *out);

void tool_file_list_clear (ToolFileList *list);
