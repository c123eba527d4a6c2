/* The temporary file of offloaded indexes: one for all shards of an engine, so that thousands
 * of them take one descriptor. It has no name, and is made when it is first needed.
 *
 *     | range of a shard | hole: was closed | range of a shard | ...        never moved
 *
 * Thread-safe; shards that open at the same time have ranges of their own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "source/fd_pool.h"

typedef struct ArecIndexFile ArecIndexFile;

/* @dir  the folder; NULL: $TMPDIR, or /tmp. */
ArecIndexFile *arec_index_file_new (const char *dir);
void arec_index_file_free (ArecIndexFile *file); /* takes NULL; no range is in use any more */

/* Where no descriptor is left for the file, one of @pool's is closed. The pool outlives the
 * file's last use. */
void arec_index_file_share (ArecIndexFile *file, ArecFdPool *pool);

/* Makes the file unless it is there. Errors: NOT_FOUND, IO, with the folder's name. */
bool arec_index_file_open (ArecIndexFile *file, GError **error);

/* Whether it could be made, at the first attempt of anybody, on a file system that keeps files
 * elsewhere than in memory. */
bool arec_index_file_spares_memory (ArecIndexFile *file);

/* Reserves a range of @size bytes, which starts at *begin. It takes no space before it is
 * written. Same errors; LIMIT. */
bool arec_index_file_reserve (ArecIndexFile *file, uint64_t size, uint64_t *begin,
                              GError **error);
/* Gives the range back, and its space to the file system. */
void arec_index_file_release (ArecIndexFile *file, uint64_t begin, uint64_t size);

/* Within a reserved range. Errors: IO (a full folder, too). */
bool arec_index_file_write (ArecIndexFile *file, const void *data, size_t size, uint64_t at,
                            GError **error);
/* One pread of bytes that were written. */
bool arec_index_file_read (ArecIndexFile *file, void *data, size_t size, uint64_t at,
                           GError **error);
/* Says that what was read is not what was written; returns false. */
bool arec_index_file_fail_damaged (const ArecIndexFile *file, GError **error);

uint64_t arec_index_file_n_reads (const ArecIndexFile *file);
/* Bytes in reserved ranges. */
uint64_t arec_index_file_size (const ArecIndexFile *file);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecIndexFile, arec_index_file_free)
