/* Growing arrays. */
#include "base/array.h"

#include <stdint.h>

#include <glib.h>

static void
test_growth (void)
{
    g_autofree uint32_t *items = NULL;
    size_t capacity = 0;
    unsigned n_moves = 0;

    for (uint32_t i = 0; i < 100000; i++) {
        size_t before = capacity;

        g_assert_true (arec_array_reserve (&items, &capacity, i + 1, sizeof *items));
        n_moves += capacity != before;
        items[i] = i;
    }
    for (uint32_t i = 0; i < 100000; i++) {
        g_assert_cmpuint (items[i], ==, i);
    }
    g_assert_cmpuint (n_moves, <, 40);
}

static void
test_too_much (void)
{
    g_autofree uint64_t *items = NULL;
    size_t capacity = 0;

    g_assert_true (arec_array_reserve (&items, &capacity, 3, sizeof *items));
    items[2] = 7;
    g_assert_false (arec_array_reserve (&items, &capacity, SIZE_MAX, sizeof *items));
    g_assert_false (arec_array_reserve (&items, &capacity, SIZE_MAX / 8 + 2, sizeof *items));
    g_assert_false (arec_array_reserve (&items, &capacity, PTRDIFF_MAX / 8 + 1, sizeof *items));
    g_assert_cmpuint (capacity, <, 100);
    g_assert_cmpuint (items[2], ==, 7);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/array/growth", test_growth);
    g_test_add_func ("/array/too-much", test_too_much);
    return g_test_run();
}
