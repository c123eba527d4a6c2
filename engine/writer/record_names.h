/* ArecRecordNames: the names of some records in a row, a NUL byte after each.
 *
 *     add ->  [ records whose chunk is not put yet ]  -> move ->  [ records of a file ]
 *
 * Records after the last that has a name take no memory. One thread at a time. Zero-initialised
 * is empty. After a failure nothing but clearing makes sense.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "base/buffer.h"
#include "base/bytes.h"

/* Private. */
typedef struct {
    ArecBuffer bytes;
    size_t begin;       /* in @bytes, of the name of the first record */
    uint64_t n_records; /* that were added and not moved away */
    uint64_t n_named;   /* of these, those whose names are in @bytes; the others have none */
} ArecRecordNames;

/* Adds a record. @name  NULL or empty: it has none. Errors: LIMIT, all names are beyond
 * AREC_MAX_NAMES_SIZE; NOMEM. Both lack the file's name. */
bool arec_record_names_add (ArecRecordNames *names, const char *name, GError **error);

/* Moves the first @n records of @names, which has them, to the end of @to. Same errors. */
bool arec_record_names_move (ArecRecordNames *names, uint64_t n, ArecRecordNames *to,
                             GError **error);

/* Whether any record has a name. Only of what nothing was moved away from. */
bool arec_record_names_has_any (const ArecRecordNames *names);

/* The names of all records: those without one get an empty one. @out  good as long as @names is
 * not changed. Same errors. */
bool arec_record_names_complete (ArecRecordNames *names, ArecBytes *out, GError **error);

/* Frees; what is left is empty. */
void arec_record_names_clear (ArecRecordNames *names);
