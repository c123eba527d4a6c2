/* Entries kept as differences: all numbers come back, as often as wanted, and take little. */
#include "arrayrecord/footer_entries.h"

#include <glib.h>

#include "failing_memory.h"

static const uint64_t numbers[] = {0,
                                   1,
                                   127,
                                   128,
                                   UINT64_C (1) << 40,
                                   (UINT64_C (1) << 62) - 1,
                                   UINT64_C (1) << 62,
                                   UINT64_C (1) << 63,
                                   UINT64_MAX};

static ArecFooterEntry
entry_of (uint64_t offset, uint64_t size, uint64_t records)
{
    return (ArecFooterEntry){.has_chunk_offset = true,
                             .chunk_offset = offset,
                             .decoded_data_size = size,
                             .num_records = records};
}

static void
check_next (ArecFooterEntries *entries, const ArecFooterEntry *expected)
{
    const ArecFooterEntry *entry = arec_footer_entries_next (entries);

    g_assert_true (entry->has_chunk_offset);
    g_assert_cmpuint (entry->chunk_offset, ==, expected->chunk_offset);
    g_assert_cmpuint (entry->decoded_data_size, ==, expected->decoded_data_size);
    g_assert_cmpuint (entry->num_records, ==, expected->num_records);
}

static void
check (ArecFooterEntries *entries, const ArecFooterEntry *expected, size_t n)
{
    g_assert_cmpuint (entries->n, ==, n);
    for (int pass = 0; pass < 4; pass++) {
        arec_footer_entries_rewind (entries, pass == 3);
        /* The second pass ends half way. */
        for (size_t i = 0; i < (pass == 1 ? n / 2 : n); i++) {
            check_next (entries, &expected[i]);
        }
    }
}

/* Offsets need not even ascend. */
static void
test_any_numbers (void)
{
    enum { N = G_N_ELEMENTS (numbers) };
    g_auto (ArecFooterEntries) entries = {0};
    ArecFooterEntry expected[N * N * N];

    for (size_t i = 0; i < N * N * N; i++) {
        expected[i] = entry_of (numbers[i / N / N], numbers[i / N % N], numbers[i % N]);
        g_assert_true (arec_footer_entries_add (&entries, &expected[i]));
    }
    check (&entries, expected, N * N * N);
}

static void
test_random_numbers (void)
{
    enum { N = 100000 };
    g_auto (ArecFooterEntries) entries = {0};
    g_autofree ArecFooterEntry *expected = g_new (ArecFooterEntry, N);
    uint64_t offset = 64, size = 0, records = 1;

    for (size_t i = 0; i < N; i++) {
        offset += (uint64_t)1 << g_test_rand_int_range (6, 40);
        size = g_test_rand_bit() ? size : (uint64_t)1 << g_test_rand_int_range (0, 64);
        records = i % 1000 ? records : (uint64_t)g_test_rand_int_range (1, 1000);
        expected[i] = entry_of (offset, size, records);
        g_assert_true (arec_footer_entries_add (&entries, &expected[i]));
    }
    check (&entries, expected, N);
}

static void
test_none (void)
{
    g_auto (ArecFooterEntries) entries = {0};

    check (&entries, NULL, 0);
    g_assert_cmpuint (arec_footer_entries_memory (&entries), ==, 0);
}

/* Bytes of memory for @n chunks of @records records at steps of @distance bytes, whose decoded
 * sizes are all the same, or two in turn. */
static uint64_t
memory_of (size_t n, uint64_t distance, uint64_t records, bool are_unequal)
{
    g_auto (ArecFooterEntries) entries = {0};

    for (size_t i = 0; i < n; i++) {
        const ArecFooterEntry entry =
            entry_of (64 + i * distance, 1000 + (are_unequal ? i % 2 : 0), records);

        g_assert_true (arec_footer_entries_add (&entries, &entry));
    }
    return arec_footer_entries_memory (&entries);
}

static void
test_memory_of (void)
{
    enum { N = 1000000, SLACK = 300000 };

    g_assert_cmpuint (memory_of (1, 1000, 1, false), <=, 256);
    g_assert_cmpuint (memory_of (100, 1000, 1, false), <=, 512);
    g_assert_cmpuint (memory_of (N, 31, 1, false), <=, N + SLACK);
    g_assert_cmpuint (memory_of (N, 4095, 1, false), <=, 2 * N + SLACK);
    g_assert_cmpuint (memory_of (N, 4095, 1, true), <=, 4 * N + SLACK);
    g_assert_cmpuint (memory_of (N, 524287, 64, false), <=, 3 * N + SLACK);
}

/* Reading for the last time frees what was read. */
static void
test_freed_as_it_is_read (void)
{
    enum { N = 1000000, SLACK = 600000 }; /* of both ends */
    g_auto (ArecFooterEntries) entries = {0};

    for (uint64_t i = 0; i < N; i++) {
        const ArecFooterEntry entry = entry_of (64 + i * 1000, 5, 1);

        g_assert_true (arec_footer_entries_add (&entries, &entry));
    }
    arec_footer_entries_rewind (&entries, true);
    for (uint64_t i = 0; i < N; i++) {
        arec_footer_entries_next (&entries);
        if (i % 1000 == 0) {
            g_assert_cmpuint (arec_footer_entries_memory (&entries), <=, 2 * (N - i) + SLACK);
        }
    }
    g_assert_cmpuint (arec_footer_entries_memory (&entries), <=, SLACK);
}

/* An entry that found no memory is not there, and can be added again. */
static void
test_without_memory (void)
{
    enum { N = 100000 };
    g_auto (ArecFooterEntries) entries = {0};
    g_autofree ArecFooterEntry *expected = g_new (ArecFooterEntry, N);
    unsigned n_failures = 0;

    for (size_t i = 0; i < N; i++) {
        expected[i] = entry_of (64 + i * 1000, i % 7, 1 + i % 3);
        test_memory_begin (0);
        if (!arec_footer_entries_add (&entries, &expected[i])) {
            n_failures++;
            g_assert_true (test_memory_end());
            g_assert_true (arec_footer_entries_add (&entries, &expected[i]));
        }
        test_memory_end();
    }
    g_assert_cmpuint (n_failures, >, 10);
    check (&entries, expected, N);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/footer-entries/any-numbers", test_any_numbers);
    g_test_add_func ("/footer-entries/random", test_random_numbers);
    g_test_add_func ("/footer-entries/none", test_none);
    g_test_add_func ("/footer-entries/memory", test_memory_of);
    g_test_add_func ("/footer-entries/freed", test_freed_as_it_is_read);
    g_test_add_func ("/footer-entries/no-memory", test_without_memory);
    return g_test_run();
}
