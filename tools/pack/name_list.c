#include "pack/name_list.h"

#include <string.h>

#include <arec/arec.h>

enum { FIRST_CAPACITY = 4096 };

static bool
reserve (ToolNameList *list, size_t more, GError **error)
{
    size_t capacity = MAX (list->capacity, FIRST_CAPACITY);
    char *data;

    if (more <= list->capacity - list->size) {
        return true;
    }
    while (more > capacity - list->size) {
        capacity *= 2;
    }
    data = g_try_realloc (list->data, capacity);
    if (!data) {
        return arec_fail (error, AREC_ERROR_NOMEM, "no memory for %zu bytes of names",
                          capacity);
    }
    list->data = data;
    list->capacity = capacity;
    return true;
}

bool
tool_name_list_add (ToolNameList *list, const char *name, size_t length, GError **error)
{
    if (!reserve (list, length + 1, error)) {
        return false;
    }
    memcpy (list->data + list->size, name, length);
    list->data[list->size + length] = '\0';
    list->size += length + 1;
    list->n++;
    return true;
}

const char *
tool_name_list_next (const ToolNameList *list, size_t *at)
{
    const char *name;

    /* Without names there is no memory, and nothing may be added to NULL. */
    if (*at == list->size) {
        return NULL;
    }
    name = list->data + *at;
    *at += strlen (name) + 1;
    return name;
}

void
tool_name_list_clear (ToolNameList *list)
{
    g_free (list->data);
    *list = (ToolNameList){0};
}
