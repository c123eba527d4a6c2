/* The source over memory, and the behaviour of all sources: bounds and counters. */
#include "source/memory_source.h"

#include <string.h>

#include "base/error.h"

static void
test_reads (void)
{
    g_autoptr (ArecSource) source = arec_memory_source_new ("mem", "0123456789", 10);
    ArecSourceCounters counters = {0};
    g_autoptr (GError) error = NULL;
    char a[3], b[4];
    struct iovec iov[] = {{a, 3}, {NULL, 0}, {b, 4}};

    source->counters = &counters;
    g_assert_cmpstr (source->name, ==, "mem");
    g_assert_cmpuint (source->size, ==, 10);
    g_assert_true (arec_source_check (source, &error));
    g_assert_true (arec_source_preadv (source, iov, 3, 2, &error));
    g_assert_cmpmem (a, 3, "234", 3);
    g_assert_cmpmem (b, 4, "5678", 4);
    g_assert_true (arec_source_pread (source, a, 1, 9, &error));
    g_assert_true (arec_source_pread (source, a, 0, 10, &error));
    g_assert_no_error (error);
    g_assert_cmpuint (counters.reads, ==, 3);
    g_assert_cmpuint (counters.bytes, ==, 8);
}

static void
test_bounds (void)
{
    static const struct {
        uint64_t offset;
        size_t size;
    } rows[] = {{0, 11}, {10, 1}, {11, 0}, {9, 2}, {UINT64_MAX, 1}, {UINT64_MAX, 0}};
    g_autoptr (ArecSource) source = arec_memory_source_new ("mem", "0123456789", 10);
    ArecSourceCounters counters = {0};

    source->counters = &counters;
    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autoptr (GError) error = NULL;
        char buffer[16];

        g_assert_false (
            arec_source_pread (source, buffer, rows[i].size, rows[i].offset, &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
        g_assert_true (g_str_has_prefix (error->message, "mem: at "));
        g_assert_nonnull (strstr (error->message, "ends at 10"));
    }
    g_assert_cmpuint (counters.reads, ==, 0);
}

static void
test_copies (void)
{
    char data[] = "abc";
    g_autoptr (ArecSource) source = arec_memory_source_new ("mem", data, 3);
    g_autoptr (ArecSource) empty = arec_memory_source_new ("none", NULL, 0);
    char out[3];

    memset (data, 'x', 3);
    g_assert_true (arec_source_pread (source, out, 3, 0, NULL));
    g_assert_cmpmem (out, 3, "abc", 3);
    g_assert_true (arec_source_pread (empty, out, 0, 0, NULL));
    arec_source_free (NULL);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/memory-source/reads", test_reads);
    g_test_add_func ("/memory-source/bounds", test_bounds);
    g_test_add_func ("/memory-source/copies", test_copies);
    return g_test_run();
}
