/* Inode numbers: every part can be taken out again, and no two nodes share a number. */
#include "tree/inodes.h"

#include <glib.h>

static const uint64_t slots[] = {1, 2, 255, 65536, ARECFS_MAX_SLOTS - 1, ARECFS_MAX_SLOTS};
static const uint64_t records[] = {0,
                                   1,
                                   2,
                                   UINT64_C (0xffffffff),
                                   UINT64_C (0x100000000),
                                   ARECFS_MAX_RECORDS - 2,
                                   ARECFS_MAX_RECORDS - 1};

/* Numbers on which file handles and copies of `stat` rely across versions. */
static void
test_fixed (void)
{
    g_assert_cmpuint (ARECFS_INO_ROOT, ==, 1);
    g_assert_cmpuint (ARECFS_MAX_SLOTS, ==, 16777215);
    g_assert_cmpuint (ARECFS_MAX_RECORDS, ==, UINT64_C (1099511627775));
    g_assert_cmphex (ARECFS_INO_CONTROL, ==, 0x8000000000);
    g_assert_cmphex (arecfs_ino_of_slot (1), ==, 0x10000000000);
    g_assert_cmphex (arecfs_ino_of_record (1, 0), ==, 0x10000000001);
    g_assert_cmphex (arecfs_ino_of_record (3, 41), ==, 0x3000000002a);
    g_assert_cmphex (arecfs_ino_of_record (ARECFS_MAX_SLOTS, ARECFS_MAX_RECORDS - 1), ==,
                     UINT64_MAX);
}

static void
test_parts (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (slots); i++) {
        uint64_t directory = arecfs_ino_of_slot (slots[i]);

        g_assert_cmpuint (arecfs_ino_slot (directory), ==, slots[i]);
        g_assert_cmpuint (arecfs_ino_low (directory), ==, 0);
        g_assert_false (arecfs_ino_is_control (directory));
        for (size_t k = 0; k < G_N_ELEMENTS (records); k++) {
            uint64_t ino = arecfs_ino_of_record (slots[i], records[k]);

            g_assert_cmpuint (arecfs_ino_slot (ino), ==, slots[i]);
            g_assert_cmpuint (arecfs_ino_low (ino), ==, records[k] + 1);
            g_assert_false (arecfs_ino_is_control (ino));
        }
    }
}

static void
test_directories (void)
{
    /* A tree has at most some directories for each of its files. */
    static const uint64_t ranks[] = {0, 1, 1000, ARECFS_MAX_SLOTS * 128};

    g_assert_cmpuint (arecfs_ino_of_directory (0), ==, ARECFS_INO_ROOT);
    for (size_t i = 0; i < G_N_ELEMENTS (ranks); i++) {
        uint64_t ino = arecfs_ino_of_directory (ranks[i]);

        g_assert_cmpuint (arecfs_ino_slot (ino), ==, 0);
        g_assert_cmpuint (ino - ARECFS_INO_ROOT, ==, ranks[i]);
        g_assert_false (arecfs_ino_is_control (ino));
    }
}

static void
test_control (void)
{
    g_assert_false (arecfs_ino_is_control (0));
    g_assert_false (arecfs_ino_is_control (ARECFS_INO_ROOT));
    g_assert_false (arecfs_ino_is_control (ARECFS_INO_CONTROL - 1));
    g_assert_true (arecfs_ino_is_control (ARECFS_INO_CONTROL));
    g_assert_true (arecfs_ino_is_control (ARECFS_INO_CONTROL + 1));
    g_assert_true (arecfs_ino_is_control (ARECFS_MAX_RECORDS));
    g_assert_false (arecfs_ino_is_control (ARECFS_MAX_RECORDS + 1));
    /* A record with the same low part. */
    g_assert_false (arecfs_ino_is_control (arecfs_ino_of_record (1, ARECFS_INO_CONTROL)));
}

static void
test_all_numbers_differ (void)
{
    g_autoptr (GHashTable) seen =
        g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);

    for (size_t i = 0; i < G_N_ELEMENTS (slots); i++) {
        uint64_t numbers[G_N_ELEMENTS (records) + 1] = {arecfs_ino_of_slot (slots[i])};

        for (size_t k = 0; k < G_N_ELEMENTS (records); k++) {
            numbers[k + 1] = arecfs_ino_of_record (slots[i], records[k]);
        }
        for (size_t k = 0; k < G_N_ELEMENTS (numbers); k++) {
            g_assert_true (g_hash_table_add (seen, g_memdup2 (&numbers[k], sizeof numbers[k])));
        }
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/inodes/fixed", test_fixed);
    g_test_add_func ("/inodes/parts", test_parts);
    g_test_add_func ("/inodes/directories", test_directories);
    g_test_add_func ("/inodes/control", test_control);
    g_test_add_func ("/inodes/all-numbers-differ", test_all_numbers_differ);
    return g_test_run();
}
