/* ToolUnpackPlan: which of the names that a file keeps of its records can be the names of files
 * below one folder. All records count, whichever are asked for, so a record has the same name
 * every time.
 *
 * Immutable once made; any thread. Memory: 17 bytes a record, beside the names.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

typedef struct ToolUnpackPlan ToolUnpackPlan;

/* What a record's name is good for. */
typedef enum {
    TOOL_NAME_NONE, /* it has none */
    TOOL_NAME_USED,
    TOOL_NAME_AGAIN,     /* a record before has the same */
    TOOL_NAME_UNSAFE,    /* tool_safe_name_fault () says why */
    TOOL_NAME_DIRECTORY, /* another record's file is below it */
} ToolNameUse;

/* @name_of   the name of a record < @n_records, which outlives the plan; NULL or "": none.
 * @max_part  bytes of a part of a path.
 * Errors: NOMEM. */
ToolUnpackPlan *tool_unpack_plan_new (uint64_t n_records,
                                      const char *(*name_of) (void *data, uint64_t record),
                                      void *data, size_t max_part, GError **error);
void tool_unpack_plan_free (ToolUnpackPlan *plan); /* takes NULL */

/* @name  (out) of USED and AGAIN, without parts `.`. */
ToolNameUse tool_unpack_plan_get (const ToolUnpackPlan *plan, uint64_t record,
                                  const char **name);

/* Whether any record is named @path, or lies below it. */
bool tool_unpack_plan_is_taken (const ToolUnpackPlan *plan, const char *path);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolUnpackPlan, tool_unpack_plan_free)
