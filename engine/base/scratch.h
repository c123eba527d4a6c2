/* Memory for a while: a block that its thread keeps for the next use, so that a large one which
 * is needed again and again does not come from the kernel, page by page, each time.
 *
 * Thread-safe; each thread has at most one block, of AREC_MAX_SCRATCH bytes, between uses.
 */
#pragma once

#include <stddef.h>

/* A larger block is not kept. */
#define AREC_MAX_SCRATCH ((size_t)4 * 1024 * 1024)

/* @size bytes, undefined, aligned for anything; NULL when memory is lacking. */
void *arec_scratch_take (size_t size);

/* Ends the use of what arec_scratch_take () gave, on any thread. Takes NULL. */
void arec_scratch_give (void *memory);
