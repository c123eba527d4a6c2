/* An offloaded index: a row of fixed width for each chunk, in a range of the engine's index
 * file. What stays in memory does not grow with the number of chunks.
 *
 *     row i = | offset | decoded size | first record |      24 bytes, at begin + 24 * i
 *
 * Filled by one thread; asked by any number of them, with one pread for each answer.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "arrayrecord/index_file.h"
#include "arrayrecord/index_row.h"

typedef struct ArecIndexRows ArecIndexRows;

/* Room for @n_rows rows of @file, which must stay.
 * Errors: NOMEM and those of arec_index_file_reserve (). */
ArecIndexRows *arec_index_rows_new (ArecIndexFile *file, uint64_t n_rows, GError **error);
void arec_index_rows_free (ArecIndexRows *rows); /* takes NULL; gives the range back */

/* Appends a row, at most n_rows. Rows are written when some thousands have come together.
 * Errors: IO. */
bool arec_index_rows_add (ArecIndexRows *rows, const ArecIndexRow *row, GError **error);
/* Writes what is left; then rows can be asked for.
 * @for_search  arec_index_rows_find () will be called. */
bool arec_index_rows_seal (ArecIndexRows *rows, bool for_search, GError **error);

uint64_t arec_index_rows_memory (const ArecIndexRows *rows); /* bytes */
uint64_t arec_index_rows_size (const ArecIndexRows *rows);   /* bytes in the file */

/* Rows [first, first + n), all of which there are, by one read. Errors: IO. */
bool arec_index_rows_get (ArecIndexRows *rows, uint64_t first, uint64_t n, ArecIndexRow *out,
                          GError **error);

/* The row *i whose records include @record, which is not before the first row's: the last one
 * that begins at or before it; with the row after it as above. One pread up to some ten
 * million rows, a few above. Errors: IO, NOMEM. */
bool arec_index_rows_find (ArecIndexRows *rows, uint64_t record, uint64_t *i,
                           ArecIndexRow pair[2], GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecIndexRows, arec_index_rows_free)
