/* Ends of records in each form: the ends that were set are returned, in no more memory than
 * announced. */
#include "riegeli/record_ends.h"

/* Sets the ends of records of these @sizes, forwards or backwards, and compares them. Returns
 * the form that is kept. */
static ArecEndsForm
check (const uint32_t *sizes, uint64_t n, bool backwards, uint64_t *memory)
{
    g_autofree uint64_t *expected = g_new (uint64_t, n + 1);
    uint64_t decoded = 0;
    ArecRecordEnds ends;
    ArecEndsForm form;

    for (uint64_t i = 0; i < n; i++) {
        expected[i] = decoded += sizes[i];
    }
    g_assert_true (arec_record_ends_init (&ends, n, decoded));
    for (uint64_t k = 0; k < n; k++) {
        uint64_t i = backwards ? n - 1 - k : k;

        arec_record_ends_set (&ends, i, expected[i]);
    }
    g_assert_true (arec_record_ends_finish (&ends));
    g_assert_cmpuint (ends.n, ==, n);
    for (uint64_t i = 0; i < n; i++) {
        if (arec_record_ends_end (&ends, i) != expected[i] ||
            arec_record_ends_size (&ends, i) != sizes[i]) {
            g_error ("record %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT, i, n);
        }
    }
    *memory = arec_record_ends_memory (&ends);
    g_assert_cmpuint (*memory, <=, arec_record_ends_cost (n, decoded));
    form = ends.form;
    arec_record_ends_clear (&ends);
    g_assert_cmpuint (ends.n, ==, 0);
    return form;
}

/* Sizes of records of @each bytes, where every @odd th record has one byte more. */
static uint32_t *
sizes_of (uint64_t n, uint32_t each, uint64_t odd)
{
    uint32_t *sizes = g_new (uint32_t, n + 1);

    for (uint64_t i = 0; i < n; i++) {
        sizes[i] = each + (odd > 0 && i % odd == odd - 1);
    }
    return sizes;
}

/* Equal records take nothing, however many there are. */
static void
test_even (void)
{
    static const uint64_t lengths[] = {0, 1, 2, 255, 256, 257, 70000, 300000};
    static const uint32_t sizes_to_try[] = {0, 1, 3, 100};

    for (unsigned i = 0; i < G_N_ELEMENTS (lengths); i++) {
        for (unsigned k = 0; k < G_N_ELEMENTS (sizes_to_try); k++) {
            g_autofree uint32_t *sizes = sizes_of (lengths[i], sizes_to_try[k], 0);

            for (int backwards = 0; backwards < 2; backwards++) {
                uint64_t memory;

                g_assert_cmpint (check (sizes, lengths[i], backwards, &memory), ==,
                                 AREC_ENDS_EVEN);
                g_assert_cmpuint (memory, ==, 0);
            }
        }
    }
}

/* If 4 bytes a record are no more than the records take, or few in all, the ends stay an
 * array. */
static void
test_arrays (void)
{
    static const struct {
        uint64_t n;
        uint32_t each;
    } rows[] = {{2, 0}, {64, 0}, {65536, 0}, {65537, 4}, {100000, 700}};

    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autofree uint32_t *sizes = sizes_of (rows[i].n, rows[i].each, 2);
        uint64_t memory;

        g_assert_cmpint (check (sizes, rows[i].n, i % 2, &memory), ==, AREC_ENDS_NARROW);
        g_assert_cmpuint (memory, ==, 4 * rows[i].n);
    }
}

/* Very many short records take some bits each. */
static void
test_packed (void)
{
    static const struct {
        uint64_t n;
        uint32_t each;
        uint64_t odd;
        double bits; /* for each record, at most */
    } rows[] = {{1 << 20, 0, 2, 9},       {1 << 20, 0, 1 << 20, 0.6}, {1 << 20, 0, 1000, 1.5},
                {1 << 20, 1, 2, 10},      {1 << 20, 3, 7, 11},        {65537 + 255, 0, 3, 9},
                {3 * 65536 + 1, 1, 5, 10}};

    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autofree uint32_t *sizes = sizes_of (rows[i].n, rows[i].each, rows[i].odd);

        for (int backwards = 0; backwards < 2; backwards++) {
            uint64_t memory;

            g_assert_cmpint (check (sizes, rows[i].n, backwards, &memory), ==,
                             AREC_ENDS_PACKED);
            g_assert_cmpfloat ((double)memory * 8 / (double)rows[i].n, <=, rows[i].bits);
        }
    }
}

/* Random sizes, mostly short ones, take no more than announced. */
static void
test_random (void)
{
    for (unsigned round = 0; round < 40; round++) {
        uint64_t n = (uint64_t)g_test_rand_int_range (65536, 100000);
        g_autofree uint32_t *sizes = sizes_of (n, 0, 0);
        unsigned skew = (unsigned)g_test_rand_int_range (1, 400);
        uint64_t memory;

        for (uint64_t i = 0; i < n; i++) {
            sizes[i] = g_test_rand_int_range (0, (gint32)skew) == 0
                           ? (uint32_t)g_test_rand_int_range (0, (gint32)skew + 1)
                           : 0;
        }
        check (sizes, n, round % 2, &memory);
    }
}

/* 4 GiB and more: ends of 8 bytes, and bits where there are very many records. */
static void
test_wide (void)
{
    const uint32_t huge[] = {UINT32_MAX, 5, 0, UINT32_MAX};
    g_autofree uint32_t *sizes = sizes_of (1000, 5000000, 3);
    uint64_t memory;

    g_assert_cmpint (check (huge, 4, false, &memory), ==, AREC_ENDS_WIDE);
    g_assert_cmpint (check (sizes, 1000, true, &memory), ==, AREC_ENDS_WIDE);
    g_assert_cmpuint (memory, ==, 8000);
}

/* For numbers that no file can have, more than any limit is announced, not less. */
static void
test_absurd_costs (void)
{
    g_assert_cmpuint (arec_record_ends_cost (UINT64_MAX, 0), ==, 0);
    g_assert_cmpuint (arec_record_ends_cost (UINT64_MAX, 1), >, UINT64_MAX / 64);
    g_assert_cmpuint (arec_record_ends_cost (UINT64_MAX, UINT64_MAX), >=, UINT64_MAX / 8);
    g_assert_cmpuint (arec_record_ends_cost (UINT64_C (1) << 40, UINT64_MAX), ==,
                      UINT64_C (8) << 40);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/record-ends/even", test_even);
    g_test_add_func ("/record-ends/arrays", test_arrays);
    g_test_add_func ("/record-ends/packed", test_packed);
    g_test_add_func ("/record-ends/random", test_random);
    g_test_add_func ("/record-ends/wide", test_wide);
    g_test_add_func ("/record-ends/absurd-costs", test_absurd_costs);
    return g_test_run();
}
