/* Numbers by keys, against a model. */
#include "base/number_table.h"

#include "base/mix.h"

static uint32_t
add (ArecNumberTable *table, uint64_t key, uint32_t number)
{
    ArecNumberSlot *slot;

    g_assert_true (arec_number_table_reserve (table));
    slot = arec_number_table_find (table, key);
    if (!arec_number_table_is_filled (table, slot)) {
        arec_number_table_fill (table, slot, key, number);
    }
    return slot->number;
}

static void
test_growth (void)
{
    enum { N = 20000 };
    g_auto (ArecNumberTable) table = {0};

    for (unsigned round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < N; i++) {
            uint64_t key = arec_mix (round, i);

            g_assert_cmpuint (add (&table, key, i), ==, i);
            g_assert_cmpuint (add (&table, key, i + 1), ==, i);
        }
        for (uint32_t i = 0; i < N; i++) {
            ArecNumberSlot *slot = arec_number_table_find (&table, arec_mix (round, i));

            g_assert_true (arec_number_table_is_filled (&table, slot));
            g_assert_cmpuint (slot->number, ==, i);
            slot = arec_number_table_find (&table, ~arec_mix (round, i));
            g_assert_false (arec_number_table_is_filled (&table, slot));
        }
        g_assert_cmpuint (table.n, ==, N);
        g_assert_cmpuint (table.n_slots, <, 4 * N);
        arec_number_table_empty (&table);
        g_assert_cmpuint (table.n, ==, 0);
    }
}

/* Keys that differ in few bits, and 0, which is a key like any other. */
static void
test_close_keys (void)
{
    g_auto (ArecNumberTable) table = {0};

    for (uint32_t i = 0; i < 64; i++) {
        add (&table, i, i);
        add (&table, UINT64_C (1) << i, 100 + i);
    }
    g_assert_cmpuint (table.n, ==, 64 + 64 - 6); /* 1, 2, 4 ... 32 are there twice */
    g_assert_cmpuint (add (&table, 0, 7), ==, 0);
    g_assert_cmpuint (add (&table, UINT64_C (1) << 63, 7), ==, 163);
}

/* The number of times that a table can be emptied without touching its slots wraps. */
static void
test_rounds_wrap (void)
{
    g_auto (ArecNumberTable) table = {0};

    add (&table, 5, 1); /* in round 1 */
    table.round = UINT32_MAX;
    add (&table, 6, 2);
    arec_number_table_empty (&table);
    g_assert_cmpuint (table.round, ==, 1);
    g_assert_cmpuint (add (&table, 5, 3), ==, 3);
    g_assert_cmpuint (add (&table, 6, 4), ==, 4);
}

static void
test_empty (void)
{
    g_auto (ArecNumberTable) table = {0};

    arec_number_table_empty (&table);
    arec_number_table_clear (&table);
    g_assert_cmpuint (add (&table, 1, 2), ==, 2);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/number-table/growth", test_growth);
    g_test_add_func ("/number-table/close-keys", test_close_keys);
    g_test_add_func ("/number-table/rounds-wrap", test_rounds_wrap);
    g_test_add_func ("/number-table/empty", test_empty);
    return g_test_run();
}
