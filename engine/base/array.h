/* Growing arrays of items of one size, held as a plain pointer and a capacity.
 *
 * One thread at a time. Zero-initialised is empty; g_free () the pointer.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Room for @n items in all.
 * @items     address of the pointer to the items, which are moved if they must be.
 * @capacity  in items.
 * @size      bytes of an item.
 * Returns false if out of memory; then all is as it was. */
bool arec_array_grow (void *items, size_t *capacity, size_t n, size_t size);

static inline bool
arec_array_reserve (void *items, size_t *capacity, size_t n, size_t size)
{
    return n <= *capacity || arec_array_grow (items, capacity, n, size);
}
