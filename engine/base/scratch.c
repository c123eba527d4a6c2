#include "base/scratch.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdint.h>

#include <glib.h>

/* Sizes are rounded up, so that the next one, of nearly the same size, fits. */
#define STEP ((size_t)64 * 1024)

/* No malloc gives more, and sums with it fit. */
#define MOST (SIZE_MAX / 2)

typedef struct {
    size_t size;
    alignas (max_align_t) uint8_t bytes[];
} Block;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t kept_key;

static void
make_key (void)
{
    pthread_key_create (&kept_key, g_free);
}

void *
arec_scratch_take (size_t size)
{
    Block *block;

    pthread_once (&once, make_key);
    block = pthread_getspecific (kept_key);
    pthread_setspecific (kept_key, NULL);
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
    pthread_once (&once, make_key);
    if (block->size > AREC_MAX_SCRATCH || pthread_getspecific (kept_key)) {
        g_free (block);
        return;
    }
    pthread_setspecific (kept_key, block);
}
