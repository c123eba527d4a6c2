/* ToolCarriedNames: the names that the files of a reader keep of their records, by the numbers
 * of the reader.
 *
 * Immutable after loading.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include <arec/arec.h>

typedef struct ToolCarriedNames ToolCarriedNames;

/* Names of a file that cannot be used are reported, unless @is_quiet, and count as none.
 * @names   (out, transfer full) NULL: no file has any. @reader outlives it.
 * @is_bad  (out) those of a file cannot be used.
 * Errors: those of arec_stored_names_load () that are not of bytes. Blocks on I/O. */
bool tool_carried_names_load (ArecReader *reader, bool is_quiet, ToolCarriedNames **names,
                              bool *is_bad, GError **error);
void tool_carried_names_free (ToolCarriedNames *names); /* takes NULL */

/* The name of @record; NULL: it has none. Owned by @names. */
const char *tool_carried_names_get (const ToolCarriedNames *names, uint64_t record);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolCarriedNames, tool_carried_names_free)
