/* ToolNameList: names in the order in which they were added, packed: a million names take
 * little more memory than their letters.
 *
 * One thread at a time while it is filled, then immutable. Zeroed, it is empty.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

typedef struct {
    char *data; /* each name ends with NUL */
    size_t size;
    size_t capacity;
    uint64_t n;
} ToolNameList;

/* @name  @length bytes without NUL. Errors: NOMEM. */
bool tool_name_list_add (ToolNameList *list, const char *name, size_t length, GError **error);

/* The name at *at, which begins as 0 and moves on; NULL: there are no more. */
const char *tool_name_list_next (const ToolNameList *list, size_t *at);

void tool_name_list_clear (ToolNameList *list);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ToolNameList, tool_name_list_clear)
