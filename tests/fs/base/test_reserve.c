/* The reserve: blocks do not overlap, and memory that is given back can be taken again. */
#include "base/reserve.h"

#include <string.h>

#include <glib.h>

#define SIZE ((size_t)64 * 1024)

typedef struct {
    void *memory;
    ArecfsReserve reserve;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
    (void)data;
    fixture->memory = g_aligned_alloc (1, SIZE, ARECFS_RESERVE_ALIGNMENT);
    arecfs_reserve_init (&fixture->reserve, fixture->memory, SIZE);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
    (void)data;
    g_aligned_free (fixture->memory);
}

/* Checks that all of it is one free block again. */
static void
check_whole (Fixture *fixture)
{
    void *all = arecfs_reserve_take (&fixture->reserve, SIZE - 32);

    g_assert_nonnull (all);
    g_assert_null (arecfs_reserve_take (&fixture->reserve, 0));
    arecfs_reserve_give (&fixture->reserve, all);
}

static void
test_bounds (Fixture *fixture, gconstpointer data)
{
    void *block;

    (void)data;
    g_assert_null (arecfs_reserve_take (&fixture->reserve, SIZE));
    g_assert_null (arecfs_reserve_take (&fixture->reserve, SIZE + 1));
    g_assert_null (arecfs_reserve_take (&fixture->reserve, SIZE_MAX));
    g_assert_null (arecfs_reserve_take (&fixture->reserve, SIZE_MAX - 15));
    block = arecfs_reserve_take (&fixture->reserve, 0);
    g_assert_nonnull (block);
    g_assert_true (arecfs_reserve_holds (&fixture->reserve, block));
    g_assert_false (arecfs_reserve_holds (&fixture->reserve, &block));
    g_assert_false (arecfs_reserve_holds (&fixture->reserve, NULL));
    g_assert_false (
        arecfs_reserve_holds (&fixture->reserve, (uint8_t *)fixture->memory + SIZE));
    arecfs_reserve_give (&fixture->reserve, block);
    check_whole (fixture);
}

/* Without any memory, as before it is set up. */
static void
test_nothing (void)
{
    ArecfsReserve none = {0};

    g_assert_null (arecfs_reserve_take (&none, 0));
    g_assert_null (arecfs_reserve_take (&none, 1));
    g_assert_false (arecfs_reserve_holds (&none, NULL));
}

typedef struct {
    uint8_t *bytes;
    size_t size;
    uint8_t value;
} Block;

static void
check_block (const Block *block)
{
    for (size_t i = 0; i < block->size; i++) {
        g_assert_cmpuint (block->bytes[i], ==, block->value);
    }
}

static void
test_random (Fixture *fixture, gconstpointer data)
{
    enum { BLOCKS = 100, STEPS = 20000 };
    Block blocks[BLOCKS] = {0};
    unsigned n_refused = 0;

    (void)data;
    for (unsigned step = 0; step < STEPS; step++) {
        Block *block = &blocks[g_test_rand_int_range (0, BLOCKS)];

        if (block->bytes) {
            check_block (block);
            arecfs_reserve_give (&fixture->reserve, block->bytes);
            *block = (Block){0};
            continue;
        }
        block->size = (size_t)g_test_rand_int_range (0, step % 3 ? 100 : 4000);
        block->value = (uint8_t)step;
        block->bytes = arecfs_reserve_take (&fixture->reserve, block->size);
        n_refused += block->bytes == NULL;
        if (block->bytes) {
            g_assert_cmpuint ((uintptr_t)block->bytes % ARECFS_RESERVE_ALIGNMENT, ==, 0);
            g_assert_cmpuint (arecfs_reserve_size (&fixture->reserve, block->bytes), >=,
                              block->size);
            memset (block->bytes, block->value, block->size);
        }
    }
    g_assert_cmpuint (n_refused, >, 0);
    g_assert_cmpuint (n_refused, <, STEPS / 4);
    for (unsigned i = 0; i < BLOCKS; i++) {
        if (blocks[i].bytes) {
            check_block (&blocks[i]);
            arecfs_reserve_give (&fixture->reserve, blocks[i].bytes);
        }
    }
    check_whole (fixture);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add ("/reserve/bounds", Fixture, NULL, set_up, test_bounds, tear_down);
    g_test_add_func ("/reserve/nothing", test_nothing);
    g_test_add ("/reserve/random", Fixture, NULL, set_up, test_random, tear_down);
    return g_test_run();
}
