#include "base/heap.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include <glib.h>

/* A step: less than what malloc keeps at the heap's end when it gives memory back (128 KiB). */
#define STEP ((size_t)120 * 1024)

/* Blocks of which several fit in a step are taken from one. Larger ones come with their own
 * pages, but the pages of the largest come as they are used: not all of them may be. */
#define MAX_SMALL (STEP / 4)
#define MAX_POPULATED ((size_t)1024 * 1024)

#ifdef MADV_POPULATE_WRITE
/* Whether the page at @page has memory: then the block that ends there was in use before and
 * has kept its pages, as the heap gives memory back from its end. To ask for one page takes a
 * third of the time that populating a block of 110 KB takes that has its pages. */
static bool
is_resident (uintptr_t page, size_t size)
{
    unsigned char state = 0;

    return mincore ((void *)page, size, &state) == 0 && (state & 1) != 0;
}
#endif

/* If the system cannot do it, pages come as they are used. Huge pages (MADV_HUGEPAGE) would
 * not help large chunks: the kernel first compacts memory for them (2 to 3 s for 1 GiB, not
 * 1.3). */
static void
populate (void *memory, size_t size)
{
    uintptr_t page = (uintptr_t)getpagesize();
    uintptr_t begin = ((uintptr_t)memory + page - 1) / page * page;
    uintptr_t end = ((uintptr_t)memory + size) / page * page;

#ifdef MADV_POPULATE_WRITE
    if (begin < end && !is_resident (end - page, page)) {
        madvise ((void *)begin, end - begin, MADV_POPULATE_WRITE);
    }
#else
    (void)begin, (void)end;
#endif
}

/* A block that is freed at once leaves its pages to the next small ones. */
static void
make_step (void)
{
    void *step = g_try_malloc (STEP);

    if (step) {
        populate (step, STEP);
        g_free (step);
    }
}

void *
arec_heap_try_malloc (size_t size)
{
    /* Bytes of this thread's last step, at most: others may have taken of them. */
    static _Thread_local size_t left;
    void *memory;

    if (size <= MAX_SMALL) {
        if (left < size) {
            make_step();
            left = STEP;
        }
        left -= size;
    }
    memory = g_try_malloc (size);
    if (memory && size > MAX_SMALL && size <= MAX_POPULATED) {
        populate (memory, size);
    }
    return memory;
}
