/* Memory whose pages are present before they are touched. */
#include "base/heap.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <glib.h>

#define N_BLOCKS 2000

/* A sanitizer's malloc does not return the memory that was freed last, and ends the program
 * if there is none. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define OTHER_MALLOC
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OTHER_MALLOC
#endif

/* Whether the system can make pages present before they are touched: Linux 5.14. */
static bool
can_populate (void)
{
#if !defined(OTHER_MALLOC) && defined(MADV_POPULATE_WRITE)
    size_t page = (size_t)getpagesize();
    void *memory =
        mmap (NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool can;

    g_assert_true (memory != MAP_FAILED);
    can = madvise (memory, page, MADV_POPULATE_WRITE) == 0;
    munmap (memory, page);
    return can;
#else
    return false;
#endif
}

/* Whole pages of the block that are in memory. */
static void
count_pages (const void *block, size_t size, guint *n_pages, guint *n_there)
{
    uintptr_t page = (uintptr_t)getpagesize();
    uintptr_t begin = ((uintptr_t)block + page - 1) / page * page;

    for (; begin + page <= (uintptr_t)block + size; begin += page) {
        unsigned char is_there;

        g_assert_cmpint (mincore ((void *)begin, page, &is_there), ==, 0);
        *n_there += is_there & 1;
        ++*n_pages;
    }
}

/* Blocks of [least, most] bytes, taken in turns; all but a few of their pages are present. */
static void
take_blocks (size_t least, size_t most)
{
    g_autoptr (GPtrArray) blocks = g_ptr_array_new_with_free_func (g_free);
    guint n_pages = 0, n_there = 0;

    for (guint i = 0; i < N_BLOCKS; i++) {
        size_t size = least + (most - least) * (i % 16) / 16;
        uint8_t *block = arec_heap_try_malloc (size);

        g_assert_nonnull (block);
        count_pages (block, size, &n_pages, &n_there);
        memset (block, (int)i, size);
        g_ptr_array_add (blocks, block);
    }
    for (guint i = 0; i < N_BLOCKS; i++) {
        size_t size = least + (most - least) * (i % 16) / 16;
        const uint8_t *block = g_ptr_array_index (blocks, i);

        g_assert_cmpint (block[0], ==, (uint8_t)i);
        g_assert_cmpint (block[size - 1], ==, (uint8_t)i);
    }
    g_assert_cmpuint (n_pages, >, N_BLOCKS / 2);
    if (can_populate()) {
        g_assert_cmpuint (n_there, >=, n_pages * 9 / 10);
    } else {
        g_test_message ("no word on %u of %u pages: they cannot come early here", n_there,
                        n_pages);
    }
}

static void *
take_small_blocks (void *data)
{
    size_t page = (size_t)getpagesize();

    take_blocks (page + 1000, 3 * page);
    return data;
}

static void
test_small (void)
{
    take_small_blocks (NULL);
}

static void
test_threads (void)
{
    pthread_t threads[4];

    for (guint i = 0; i < G_N_ELEMENTS (threads); i++) {
        g_assert_cmpint (pthread_create (&threads[i], NULL, take_small_blocks, NULL), ==, 0);
    }
    for (guint i = 0; i < G_N_ELEMENTS (threads); i++) {
        pthread_join (threads[i], NULL);
    }
}

static void
test_middle (void)
{
    take_blocks (40 * 1024, 100 * 1024);
}

/* A block that is taken, used and freed again and again has all its pages each time. */
static void
test_used_again (void)
{
    const size_t size = 110 * 1024;

    for (guint i = 0; i < 100; i++) {
        guint n_pages = 0, n_there = 0;
        uint8_t *block = arec_heap_try_malloc (size);

        g_assert_nonnull (block);
        count_pages (block, size, &n_pages, &n_there);
        memset (block, (int)i, size);
        if (can_populate()) {
            g_assert_cmpuint (n_there, ==, n_pages);
        }
        g_free (block);
    }
}

/* A large block, which may not be read to its end, has no pages before they are used. */
static void
test_large (void)
{
    const size_t size = (size_t)64 << 20;
    guint n_pages = 0, n_there = 0;
    uint8_t *block = arec_heap_try_malloc (size);

    g_assert_nonnull (block);
    count_pages (block, size, &n_pages, &n_there);
    g_assert_cmpuint (n_there, <, n_pages / 10);
    g_free (block);
#ifndef OTHER_MALLOC
    g_assert_null (arec_heap_try_malloc (SIZE_MAX / 2));
#endif
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/heap/small", test_small);
    g_test_add_func ("/heap/middle", test_middle);
    g_test_add_func ("/heap/used-again", test_used_again);
    g_test_add_func ("/heap/large", test_large);
    g_test_add_func ("/heap/threads", test_threads);
    return g_test_run();
}
