/* The file of `pack --write-names`: the names of all records in their order, a NUL byte after
 * each.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include <glib.h>

#include <arec/arec.h>

#include "pack/name_list.h"

typedef struct {
    const char *path; /* borrowed; NULL: there is to be none */
    bool replaces;    /* an existing one */
    bool exists;      /* it did when it was checked, as the file below */
    dev_t device;
    ino_t inode;
} ToolNamesFile;

/* Before any input is read: whether it may be written beside @out, or the shards of it. Fails
 * with AREC_ERROR_INVALID or AREC_ERROR_IO. */
bool tool_names_file_check (ToolNamesFile *file, const char *out, const ArecSharding *sharding,
                            GError **error);

/* Writes it whole or not at all. It does not replace what has come to its path since it was
 * checked: that may be the output. Fails with AREC_ERROR_IO. */
bool tool_names_file_write (const ToolNamesFile *file, const ToolNameList *names, bool no_sync,
                            GError **error);
