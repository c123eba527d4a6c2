#include "remote/object_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/buffer.h"
#include "base/error.h"

typedef struct {
    uint64_t text; /* where its key begins; its ETag follows */
    uint64_t size;
    uint64_t generation;
    int64_t modified;
    uint64_t number; /* in the order of the pages */
} Item;

struct ArecObjectList {
    ArecBuffer text; /* keys and ETags, each with its NUL */
    Item *items;
    size_t n, capacity;
};

ArecObjectList *
arec_object_list_new (void)
{
    return g_new0 (ArecObjectList, 1);
}

void
arec_object_list_free (ArecObjectList *list)
{
    if (!list) {
        return;
    }
    arec_buffer_clear (&list->text);
    g_free (list->items);
    g_free (list);
}

bool
arec_object_list_add (ArecObjectList *list, const ArecListedObject *object, GError **error)
{
    size_t key_size = strlen (object->key) + 1, etag_size = strlen (object->etag) + 1;

    if (list->n >= AREC_OBJECT_LIST_MAX) {
        return arec_fail (error, AREC_ERROR_LIMIT, "the listing has more than %zu objects",
                          AREC_OBJECT_LIST_MAX);
    }
    if (!arec_array_reserve (&list->items, &list->capacity, list->n + 1, sizeof *list->items) ||
        !arec_buffer_reserve (&list->text, key_size + etag_size)) {
        return arec_fail (error, AREC_ERROR_NOMEM, "no memory for a listing of %zu objects",
                          list->n + 1);
    }
    list->items[list->n] = (Item){.text = list->text.size,
                                  .size = object->size,
                                  .generation = object->generation,
                                  .modified = object->modified,
                                  .number = (uint64_t)list->n};
    list->n++;
    arec_buffer_append (&list->text, object->key, key_size);
    arec_buffer_append (&list->text, object->etag, etag_size);
    return true;
}

void
arec_object_list_clear (ArecObjectList *list)
{
    list->text.size = 0;
    list->n = 0;
}

size_t
arec_object_list_n (const ArecObjectList *list)
{
    return list->n;
}

static const char *
key_of (const ArecObjectList *list, const Item *item)
{
    return (const char *)list->text.data + item->text;
}

ArecListedObject
arec_object_list_get (const ArecObjectList *list, size_t i)
{
    const Item *item = &list->items[i];
    const char *key = key_of (list, item);

    return (ArecListedObject){.key = key,
                              .etag = key + strlen (key) + 1,
                              .size = item->size,
                              .generation = item->generation,
                              .modified = item->modified};
}

static int
compare (const void *a, const void *b, void *data)
{
    const Item *x = a, *y = b;
    int order = strcmp (key_of (data, x), key_of (data, y));

    return order != 0 ? order : (x->number > y->number) - (x->number < y->number);
}

void
arec_object_list_sort (ArecObjectList *list)
{
    size_t n = 0;

    if (list->n == 0) {
        return;
    }
    g_qsort_with_data (list->items, (int)list->n, sizeof *list->items, compare, list);
    for (size_t i = 0; i < list->n; i++) {
        if (i + 1 == list->n ||
            strcmp (key_of (list, &list->items[i]), key_of (list, &list->items[i + 1])) != 0) {
            list->items[n++] = list->items[i];
        }
    }
    list->n = n;
}
