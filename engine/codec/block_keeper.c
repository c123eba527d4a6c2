#include "codec/block_keeper.h"

#include <stdalign.h>
#include <stdint.h>

/* In front of the bytes of each block. */
typedef struct {
    alignas (max_align_t) GList link; /* in one of the two queues; its data is the block */
    size_t size;                      /* of the bytes */
    size_t taken;                     /* how many of them are asked for, while in use */
} Block;

struct ArecBlockKeeper {
    size_t max_kept, max_used;
    GQueue kept; /* the one given back last is the head */
    GQueue in_use;
    size_t kept_bytes, used_bytes, peak;
};

ArecBlockKeeper *
arec_block_keeper_new (size_t max_kept, size_t max_used)
{
    ArecBlockKeeper *keeper = g_try_new0 (ArecBlockKeeper, 1);

    if (keeper) {
        keeper->max_kept = max_kept;
        keeper->max_used = max_used;
    }
    return keeper;
}

/* Frees the blocks given back longest ago until at most @bytes are kept. */
static void
shrink (ArecBlockKeeper *keeper, size_t bytes)
{
    while (keeper->kept_bytes > bytes) {
        Block *block = g_queue_pop_tail_link (&keeper->kept)->data;

        keeper->kept_bytes -= block->size;
        g_free (block);
    }
}

void
arec_block_keeper_free (ArecBlockKeeper *keeper)
{
    if (!keeper) {
        return;
    }
    arec_block_keeper_give_all (keeper);
    shrink (keeper, 0);
    g_free (keeper);
}

/* ---- taking ---- */

/* The smallest kept block that holds @size bytes and is no waste for them, out of the queue.
 * NULL if there is none. */
static Block *
take_kept (ArecBlockKeeper *keeper, size_t size)
{
    Block *best = NULL;

    for (GList *link = keeper->kept.head; link; link = link->next) {
        Block *block = link->data;

        if (block->size >= size && block->size / 2 <= size &&
            (!best || block->size < best->size)) {
            best = block;
        }
    }
    if (best) {
        g_queue_unlink (&keeper->kept, &best->link);
        keeper->kept_bytes -= best->size;
    }
    return best;
}

static Block *
new_block (ArecBlockKeeper *keeper, size_t size)
{
    Block *block;

    if (size > SIZE_MAX - sizeof *block) {
        return NULL;
    }
    block = g_try_malloc (sizeof *block + size);
    if (!block && keeper->kept_bytes > 0) {
        shrink (keeper, 0);
        block = g_try_malloc (sizeof *block + size);
    }
    if (block) {
        block->link = (GList){.data = block};
        block->size = size;
    }
    return block;
}

void *
arec_block_keeper_take (ArecBlockKeeper *keeper, size_t size)
{
    Block *block = NULL;

    if (size > keeper->max_used - keeper->used_bytes) {
        return NULL;
    }
    if (size >= AREC_MIN_KEPT_BLOCK) {
        block = take_kept (keeper, size);
    }
    if (!block) {
        block = new_block (keeper, size);
    }
    if (!block) {
        return NULL;
    }
    block->taken = size;
    g_queue_push_head_link (&keeper->in_use, &block->link);
    keeper->used_bytes += size;
    keeper->peak = MAX (keeper->peak, keeper->used_bytes);
    return block + 1;
}

/* ---- giving back ---- */

void
arec_block_keeper_give (ArecBlockKeeper *keeper, void *bytes)
{
    Block *block;

    if (!bytes) {
        return;
    }
    block = (Block *)bytes - 1;
    g_queue_unlink (&keeper->in_use, &block->link);
    keeper->used_bytes -= block->taken;
    if (block->size < AREC_MIN_KEPT_BLOCK || block->size > keeper->max_kept) {
        g_free (block);
        return;
    }
    shrink (keeper, keeper->max_kept - block->size);
    g_queue_push_head_link (&keeper->kept, &block->link);
    keeper->kept_bytes += block->size;
}

void
arec_block_keeper_give_all (ArecBlockKeeper *keeper)
{
    while (keeper->in_use.head) {
        arec_block_keeper_give (keeper, (Block *)keeper->in_use.head->data + 1);
    }
}

/* ---- counts ---- */

size_t
arec_block_keeper_kept (const ArecBlockKeeper *keeper)
{
    return keeper->kept_bytes;
}

size_t
arec_block_keeper_used (const ArecBlockKeeper *keeper)
{
    return keeper->used_bytes;
}

size_t
arec_block_keeper_peak (const ArecBlockKeeper *keeper)
{
    return keeper->peak;
}
