/* ToolTarArchive: the regular members of a tar archive, one after the other, as libarchive
 * reads them. It is there only in a build with libarchive.
 *
 * One thread at a time. Old tar, ustar, pax and GNU tar; a sparse file has its holes as zeros.
 * Members that are no regular files are left out, with one note for each kind, and those that
 * options.excludes matches, without. Memory does not follow what headers claim.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "pack/byte_input.h"
#include "pack/input.h"
#include "pack/record_buffer.h"

typedef struct ToolTarArchive ToolTarArchive;

/* How an archive may be stored. */
extern const ToolByteForms tool_tar_archive_forms;

/* The archive that @bytes are; both stay with the caller, and outlive it. No bytes at all are
 * an archive of no members. Errors: FORMAT, it is no archive; those of @bytes, NOMEM. */
ToolTarArchive *tool_tar_archive_new (ToolInput *input, ToolByteInput *bytes, GError **error);
void tool_tar_archive_free (ToolTarArchive *archive); /* takes NULL */

typedef struct {
    const char *name; /* bytes as they stand in the archive */
    uint64_t size;
} ToolTarEntry;

/* Goes to the next member, which *entry describes until the next call. At the end all of @bytes
 * have been read, and the notes given. Errors: CORRUPT, those of `bytes`. */
ToolInputStep tool_tar_archive_next (ToolTarArchive *archive, ToolTarEntry *entry,
                                     GError **error);

/* Adds the bytes of the member to @buffer: once, if at all. Errors: CORRUPT, NOMEM, those of
 * `bytes`. */
bool tool_tar_archive_read (ToolTarArchive *archive, ToolRecordBuffer *buffer, GError **error);

/* Where the member stands: `FILE: at OFFSET: member NAME`. Returns (transfer full). */
char *tool_tar_archive_place (const ToolTarArchive *archive);

/* Fails with LIMIT if a record of @size bytes, of which the member is a part, may not be. */
bool tool_tar_archive_check_size (const ToolTarArchive *archive, uint64_t size, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolTarArchive, tool_tar_archive_free)
