/* A source over a local file, read by pread, never mapped: a truncated file is an error, not a
 * SIGBUS.
 *
 * Its descriptor lives in a pool, so any number of these may exist. Device, inode, size and
 * modification time as at opening are its identity, compared around every read and whenever it
 * is opened again; a file that was replaced or removed has no link left and is CHANGED too,
 * unless it had none at opening (a descriptor of a nameless file, as /proc/self/fd/N).
 */
#pragma once

#include "source/fd_pool.h"
#include "source/source.h"

/* Opens @name below @dir_fd, which stays open as long as the source lives (AT_FDCWD is fine).
 * @path  the name for messages.
 * Errors: NOT_FOUND (absent, permission, not a regular file), IO. */
ArecSource *arec_file_source_new (ArecFdPool *pool, int dir_fd, const char *name,
                                  const char *path, GError **error);

/* The same for a file that was not named but found by looking into @dir_fd: its name may be a
 * link that another user has put there, see beneath.h. One that must not be followed is
 * NOT_FOUND. */
ArecSource *arec_file_source_new_found (ArecFdPool *pool, int dir_fd, const char *name,
                                        const char *path, GError **error);
