/* Names by record number: what was packed comes out, and other numbers of names are refused. */
#include "naming/name_table.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"

/* The table of @n names in the @size bytes at @names. */
static ArecNameTable *
table_of (const char *names, size_t size, uint64_t n, GError **error)
{
    return arec_name_table_new (g_memdup2 (names, size), size, n, error);
}

static void
test_names (void)
{
    static const char names[] = "a\0\0b/c.png\0\xff\n";
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecNameTable) table = table_of (names, sizeof names, 4, &error);
    const char *const expected[] = {"a", "", "b/c.png", "\xff\n"};

    g_assert_no_error (error);
    g_assert_cmpuint (arec_name_table_n (table), ==, G_N_ELEMENTS (expected));
    for (size_t i = 0; i < G_N_ELEMENTS (expected); i++) {
        g_assert_cmpstr (arec_name_table_get (table, i), ==, expected[i]);
    }
    g_assert_cmpuint (arec_name_table_memory (table), ==,
                      arec_name_table_cost (4, sizeof names));
}

static void
test_many (void)
{
    static const char names[] = "a\0\0bcd";
    g_autoptr (ArecNameTable) table = table_of (names, sizeof names, 3, NULL);
    static const size_t ends[] = {0, 2, 3, sizeof names}; /* of the first names */

    for (uint64_t first = 0; first <= 3; first++) {
        for (uint64_t n = 0; first + n <= 3; n++) {
            size_t size;
            const char *at = arec_name_table_get_many (table, first, n, &size);

            g_assert_cmpmem (at, size, names + ends[first], ends[first + n] - ends[first]);
        }
    }
}

static void
test_wrong_counts (void)
{
    static const struct {
        const char *names;
        size_t size;
        uint64_t n;
        const char *message;
    } cases[] = {
        {"a\0b", 4, 1, "2 names for 1 records"},
        {"a\0b", 4, 3, "2 names for 3 records"},
        {"a\0b", 4, UINT64_MAX, "2 names for 18446744073709551615 records"},
        {"a\0b", 4, 0, "2 names for 0 records"},
        {"", 0, 1, "0 names for 1 records"},
        {"a\0b", 3, 2, "the last name has no end"},
        {"a\0b", 3, 1, "the last name has no end"},
        {"a", 1, 0, "the last name has no end"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (GError) error = NULL;

        g_assert_null (table_of (cases[i].names, cases[i].size, cases[i].n, &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
        g_assert_cmpstr (error->message, ==, cases[i].message);
    }
}

static void
test_no_records (void)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecNameTable) table = arec_name_table_new (NULL, 0, 0, &error);
    size_t size;

    g_assert_no_error (error);
    g_assert_cmpuint (arec_name_table_n (table), ==, 0);
    g_assert_nonnull (arec_name_table_get_many (table, 0, 0, &size));
    g_assert_cmpuint (size, ==, 0);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/name_table/names", test_names);
    g_test_add_func ("/name_table/many", test_many);
    g_test_add_func ("/name_table/wrong-counts", test_wrong_counts);
    g_test_add_func ("/name_table/no-records", test_no_records);
    return g_test_run();
}
