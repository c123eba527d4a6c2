/* ArecStoredNames: the names that a file keeps of its records, in a chunk that other readers
 * skip. Immutable, any thread. They are hostile: a name may be any bytes but NUL, an absolute
 * path or that of another record.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include <arec/reader.h>
#include <arec/visibility.h>

G_BEGIN_DECLS

typedef struct ArecStoredNames ArecStoredNames;

/* The names of file @file, which are read when they are first asked for, and cached.
 * @names  (out, transfer full) NULL: the file keeps none.
 * Errors of bytes (arec_error_is_of_bytes ()): CORRUPT (a bad hash, other numbers of names than
 * records), LIMIT (more than 1 GiB, than a chunk may take, or than this process can ever hold),
 * UNSUPPORTED: the names cannot be used, the records can. Also IO, NOMEM (the memory is in use
 * now), CHANGED. Blocks on I/O. */
AREC_PUBLIC bool arec_stored_names_load (ArecReader *reader, size_t file,
                                         ArecStoredNames **names, GError **error);
AREC_PUBLIC void arec_stored_names_free (ArecStoredNames *names); /* takes NULL */

/* The name of record @file_record of the file (ArecPlace), [a:b] not applied; "": it has none.
 * Owned by @names. */
AREC_PUBLIC const char *arec_stored_names_get (const ArecStoredNames *names,
                                               uint64_t file_record);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecStoredNames, arec_stored_names_free)

G_END_DECLS
