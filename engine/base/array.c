#include "base/array.h"

#include <stdint.h>
#include <string.h>

#include <glib.h>

#include "base/checked.h"

/* The least that is allocated, in items. */
#define MIN_CAPACITY 16

static bool
grow_to (void *items, size_t *capacity, size_t n, size_t size)
{
    void *old, *grown;
    size_t bytes;

    if (!arec_mul_size (n, size, &bytes) || bytes > PTRDIFF_MAX) {
        return false;
    }
    /* The pointer has a type that is not known here: it is copied, not aliased. */
    memcpy (&old, items, sizeof old);
    grown = g_try_realloc (old, bytes);
    if (!grown) {
        return false;
    }
    memcpy (items, &grown, sizeof grown);
    *capacity = n;
    return true;
}

bool
arec_array_grow (void *items, size_t *capacity, size_t n, size_t size)
{
    size_t generous = *capacity + MIN (*capacity / 2, SIZE_MAX - *capacity);

    /* Half as much again, so that appending is linear; where that is too much, what is needed.
     */
    return grow_to (items, capacity, MAX (MAX (n, MIN_CAPACITY), generous), size) ||
           grow_to (items, capacity, n, size);
}
