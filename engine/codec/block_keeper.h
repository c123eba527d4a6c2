/* Memory for one who takes blocks, gives all of them back, and soon takes much the same again:
 * large blocks are kept in between, so that they do not come from the kernel, page by page,
 * each time.
 *
 * One thread at a time. What is kept is bounded, and does not survive the keeper. A keeper also
 * bounds and counts what is in use, and takes back everything at once from a user that was cut
 * short.
 */
#pragma once

#include <stddef.h>

#include <glib.h>

typedef struct ArecBlockKeeper ArecBlockKeeper;

/* Smaller blocks are left to the heap, which does not give them back to the kernel. */
#define AREC_MIN_KEPT_BLOCK ((size_t)16 * 1024)

/* @max_kept  bytes of blocks that are not in use, at most; those given back longest ago go.
 * @max_used  bytes in use at once, at most; more is a failure to take. SIZE_MAX: any.
 * NULL if out of memory. */
ArecBlockKeeper *arec_block_keeper_new (size_t max_kept, size_t max_used);

/* Frees all blocks, also those in use. Takes NULL. */
void arec_block_keeper_free (ArecBlockKeeper *keeper);

/* @size bytes, undefined, aligned for anything; NULL if out of memory, which is tried only
 * after nothing is kept any more. */
void *arec_block_keeper_take (ArecBlockKeeper *keeper, size_t size);

/* Ends the use of a block of this keeper. Takes NULL. */
void arec_block_keeper_give (ArecBlockKeeper *keeper, void *block);
/* The same for all blocks in use. */
void arec_block_keeper_give_all (ArecBlockKeeper *keeper);

/* Bytes: of blocks not in use, of blocks in use, and the most of the latter there has been. */
size_t arec_block_keeper_kept (const ArecBlockKeeper *keeper);
size_t arec_block_keeper_used (const ArecBlockKeeper *keeper);
size_t arec_block_keeper_peak (const ArecBlockKeeper *keeper);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecBlockKeeper, arec_block_keeper_free)
