/* ArecNameTable: the names of the records of a file, by record number, packed: a name takes
 * four bytes more than its letters and a NUL byte.
 *
 * Immutable; any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <glib.h>

typedef struct ArecNameTable ArecNameTable;

/* @names  @size bytes: @n names, each ended by a NUL byte. Taken over (g_free ()), also on
 *         failure.
 * Errors: CORRUPT, without source and offset: there are more names or fewer; NOMEM. */
ArecNameTable *arec_name_table_new (char *names, size_t size, uint64_t n, GError **error);
void arec_name_table_free (ArecNameTable *table); /* takes NULL */

uint64_t arec_name_table_n (const ArecNameTable *table);

/* The name of @record < n. Any bytes but NUL; "": it has none. Owned by @table. */
const char *arec_name_table_get (const ArecNameTable *table, uint64_t record);

/* The names of records [first, first + n), as they are packed, NUL bytes included.
 * @size  (out) bytes. */
const char *arec_name_table_get_many (const ArecNameTable *table, uint64_t first, uint64_t n,
                                      size_t *size);

/* Bytes of memory that it takes, and that one of @n names in @size bytes would. */
uint64_t arec_name_table_memory (const ArecNameTable *table);
uint64_t arec_name_table_cost (uint64_t n, uint64_t size);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecNameTable, arec_name_table_free)
