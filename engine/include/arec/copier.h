/* ArecCopier: chunks of a reader into the file of a writer as they are, where decoding and
 * encoding their records again would make the like of them.
 *
 *     while (at < end) {
 *         if (!arec_copier_next (copier, at, end, true, &until, &copied, &error))
 *             return false;
 *         if (!copied)
 *             ... arec_writer_write () each record of [at, until) ...
 *         at = until;
 *     }
 *
 * A chunk is copied if all its records are wanted, if it becomes a group of the writer (as
 * many records, after whole groups), and if it was written with the codec, level, window and
 * transposition of the writer, as far as its file says: one without an option string counts as
 * written with the default level. Its data hash is compared; it is not decoded.
 *
 * One thread at a time, together with its writer.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include <arec/reader.h>
#include <arec/visibility.h>
#include <arec/writer.h>

G_BEGIN_DECLS

typedef struct ArecCopier ArecCopier;

/* Takes a reference of @reader. @writer outlives it, and gets records by other calls, too. */
AREC_PUBLIC ArecCopier *arec_copier_new (ArecReader *reader, ArecWriter *writer);
AREC_PUBLIC void arec_copier_free (ArecCopier *copier); /* takes NULL */

/* Copies the writer's metadata about the records of the first file, if it has any. Before the
 * first record, at most once. Errors: those of arec_reader_file_metadata (), and of the
 * writer. */
AREC_PUBLIC bool arec_copier_put_metadata (ArecCopier *copier, GError **error);

/* The records of chunks that are copied get these names. @name  (nullable) of a record of the
 * reader; its result is NULL if there is none, and lives until the next call. */
AREC_PUBLIC void arec_copier_set_names (ArecCopier *copier,
                                        const char *(*name) (void *data, uint64_t record),
                                        void *data);

/* Whether file @file says that its chunks are coded as those of the writer. */
AREC_PUBLIC bool arec_copier_fits (ArecCopier *copier, size_t file);

/* Copies the chunk of record @first, or says how far records have to be written by the caller.
 * @first, @end  first < end <= n_records: the records [first, end) come next.
 * @is_last      nothing comes after them.
 * @until        (out) first < until <= end.
 * @copied       (out) whether [first, until) are in the file; else they are to be written. A
 *               chunk that cannot be read is not copied: reading its records says why.
 * Errors: those of the writer; IO, if the index is offloaded. Blocks on I/O. */
AREC_PUBLIC bool arec_copier_next (ArecCopier *copier, uint64_t first, uint64_t end,
                                   bool is_last, uint64_t *until, bool *copied, GError **error);

/* Chunks that were copied. */
AREC_PUBLIC uint64_t arec_copier_n_copied (const ArecCopier *copier);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecCopier, arec_copier_free)

G_END_DECLS
