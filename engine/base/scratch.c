#include "base/scratch.h"

#include <stdalign.h>
#include <stdint.h>

#include <glib.h>

#include "base/thread_slot.h"

/* Sizes are rounded up, so that the next one, of nearly the same size, fits. */
#define STEP ((size_t)64 * 1024)

/* No malloc gives more, and sums with it fit. */
#define MOST (SIZE_MAX / 2)

typedef struct {
    size_t size;
    alignas (max_align_t) uint8_t bytes[];
} Block;

static ArecThreadSlot slot = AREC_THREAD_SLOT (g_free);

void *
arec_scratch_take (size_t size)
{
    Block *block;

    block = arec_thread_slot_take (&slot);
    if (block && block->size >= size) {
        return block->bytes;
    }
    g_free (block);
    if (size > MOST) {
        return NULL;
    }
    size = (size + STEP) / STEP * STEP;
    block = g_try_malloc (sizeof *block + size);
    if (!block) {
        return NULL;
    }
    block->size = size;
    return block->bytes;
}

void
arec_scratch_give (void *memory)
{
    Block *block;

    if (!memory) {
        return;
    }
    block = (Block *)((uint8_t *)memory - offsetof (Block, bytes));
    if (block->size > AREC_MAX_SCRATCH || arec_thread_slot_peek (&slot)) {
        g_free (block);
        return;
    }
    arec_thread_slot_give (&slot, block);
}
