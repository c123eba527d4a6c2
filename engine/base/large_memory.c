#include "base/large_memory.h"

#include <stdint.h>
#include <sys/mman.h>

#include <glib.h>

/* Of x86-64, and of arm64 with pages of 4 KiB; where they have another size, the advice covers
 * what it can. */
#define HUGE_PAGE ((size_t)2 << 20)

/* Below, the ends that no huge page fits into are too large a part. */
#define MIN_SIZE (2 * HUGE_PAGE)

void *
arec_large_memory_try_new (size_t size)
{
    uint8_t *memory = g_try_malloc (size);

    if (memory && size >= MIN_SIZE) {
        size_t skipped = (HUGE_PAGE - (uintptr_t)memory % HUGE_PAGE) % HUGE_PAGE;

        /* Where that is not possible, small pages do as well. */
        (void)madvise (memory + skipped, (size - skipped) / HUGE_PAGE * HUGE_PAGE,
                       MADV_HUGEPAGE);
    }
    return memory;
}
