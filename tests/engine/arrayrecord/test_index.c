/* The index against a plain array, and what it costs. */
#include "arrayrecord/index.h"

#include <string.h>

typedef struct {
    uint64_t offset, decoded_size, n_records;
} Row;

static uint64_t
rand_below (uint64_t bound)
{
    uint64_t value = (uint64_t)g_test_rand_int() << 32 ^ (uint32_t)g_test_rand_int();

    return value % bound;
}

static ArecIndex *
build (const Row *rows, uint64_t n, uint64_t limit)
{
    ArecIndexBuilder *builder = arec_index_builder_new();

    for (uint64_t i = 0; i < n; i++) {
        arec_index_builder_add (builder, rows[i].offset, rows[i].decoded_size,
                                rows[i].n_records);
    }
    return arec_index_builder_finish (builder, limit);
}

/* Every chunk, and the first, last and some middle record of each. */
static void
check (const Row *rows, uint64_t n, uint64_t limit)
{
    g_autoptr (ArecIndex) index = build (rows, n, limit);
    uint64_t first = 0, decoded = 0;

    g_assert_cmpuint (arec_index_n_chunks (index), ==, n);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t last = first + rows[i].n_records - 1;
        ArecIndexEntry entry;

        arec_index_get (index, i, &entry);
        g_assert_cmpuint (entry.offset, ==, rows[i].offset);
        g_assert_cmpuint (entry.limit, ==, i + 1 < n ? rows[i + 1].offset : limit);
        g_assert_cmpuint (entry.decoded_size, ==, rows[i].decoded_size);
        g_assert_cmpuint (entry.first_record, ==, first);
        g_assert_cmpuint (entry.n_records, ==, rows[i].n_records);
        g_assert_cmpuint (arec_index_find (index, first), ==, i);
        g_assert_cmpuint (arec_index_find (index, last), ==, i);
        g_assert_cmpuint (arec_index_find (index, first + (last - first) / 2), ==, i);
        first = last + 1;
        decoded += rows[i].decoded_size;
    }
    g_assert_cmpuint (arec_index_n_records (index), ==, first);
    g_assert_cmpuint (arec_index_decoded_size (index), ==, decoded);
}

static void
test_empty (void)
{
    g_autoptr (ArecIndex) index = build (NULL, 0, 64);

    g_assert_cmpuint (arec_index_n_chunks (index), ==, 0);
    g_assert_cmpuint (arec_index_n_records (index), ==, 0);
    g_assert_cmpuint (arec_index_decoded_size (index), ==, 0);
    arec_index_free (NULL);
    arec_index_builder_free (NULL);
    arec_index_builder_free (arec_index_builder_new());
}

typedef enum { UNIFORM, SHORT_LAST, LONG_LAST, SHORT_MIDDLE, ANY, N_SHAPES } Shape;

static uint64_t
records_of (Shape shape, uint64_t i, uint64_t n, uint64_t group)
{
    switch (shape) {
    case UNIFORM: return group;
    case SHORT_LAST: return i + 1 == n ? 1 + rand_below (group) : group;
    case LONG_LAST: return i + 1 == n ? group + 1 : group;
    case SHORT_MIDDLE: return i == n / 2 ? 1 + rand_below (group) : group;
    default: return 1 + rand_below (2 * group);
    }
}

/* Random indexes of all shapes, with chunk lengths from regular to wild. */
static void
test_against_array (void)
{
    static const uint64_t lengths[] = {1, 2, 3, 63, 64, 65, 127, 128, 129, 1000};
    static const uint64_t groups[] = {1, 2, 64, 65536};
    static const unsigned spreads[] = {0, 1, 8, 20, 40};
    Row *rows = g_new (Row, 1000);

    for (unsigned i = 0; i < G_N_ELEMENTS (lengths); i++) {
        for (unsigned g = 0; g < G_N_ELEMENTS (groups); g++) {
            for (unsigned s = 0; s < G_N_ELEMENTS (spreads); s++) {
                for (Shape shape = 0; shape < N_SHAPES; shape++) {
                    uint64_t at = 64, spread = UINT64_C (1) << spreads[s];

                    for (uint64_t k = 0; k < lengths[i]; k++) {
                        rows[k] = (Row){at, rand_below (spread),
                                        records_of (shape, k, lengths[i], groups[g])};
                        at += 1 + rand_below (spread);
                    }
                    check (rows, lengths[i], at);
                }
            }
        }
    }
    g_free (rows);
}

/* One chunk far off the line of its frame, at either end or between. */
static void
test_outlier (void)
{
    for (unsigned outlier = 1; outlier <= 64; outlier++) {
        Row rows[65];
        uint64_t at = 64;

        for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
            at += i == outlier ? UINT64_C (1) << 50 : 44;
            rows[i] = (Row){at, i == outlier ? UINT64_C (1) << 60 : 4, 1};
        }
        check (rows, G_N_ELEMENTS (rows), at + 44);
    }
}

/* Offsets up to the greatest size of a file, and counts up to the end of numbers. */
static void
test_huge (void)
{
    const uint64_t most = INT64_MAX;
    const Row far[] = {{64, 1, 1}, {most - 1000, UINT64_MAX / 4, 1}, {most - 900, 0, 1}};
    const Row last[] = {{most - 1, 0, UINT64_MAX}};
    const Row many[] = {{64, 0, UINT64_C (1) << 63}, {65, 0, (UINT64_C (1) << 63) - 1}};
    const Row uneven[] = {{64, 0, 1}, {65, 0, UINT64_MAX - 3}, {66, 0, 2}};

    check (far, G_N_ELEMENTS (far), most);
    check (last, G_N_ELEMENTS (last), most);
    check (many, G_N_ELEMENTS (many), most);
    check (uneven, G_N_ELEMENTS (uneven), most);
}

/* Bytes of index for each of 1M chunks of @group records of about 4 KiB. */
static double
cost (uint64_t group, double ratio, bool fixed_size)
{
    enum { CHUNKS = 1000000 };
    ArecIndexBuilder *builder = arec_index_builder_new();
    g_autoptr (ArecIndex) index = NULL;
    uint64_t at = 64;

    for (unsigned i = 0; i < CHUNKS; i++) {
        uint64_t decoded = 0;

        /* Sizes of single records spread by a quarter; those of groups less so. */
        for (uint64_t k = 0; k < MIN (group, 8); k++) {
            decoded += fixed_size ? 4096 : 3584 + (uint64_t)g_test_rand_int_range (0, 1024);
        }
        decoded = decoded * group / MIN (group, 8);
        arec_index_builder_add (builder, at, decoded, group);
        at += 44 + (uint64_t)((double)decoded * ratio) +
              (ratio < 1 ? (uint64_t)g_test_rand_int_range (0, 200) : 0);
    }
    index = arec_index_builder_finish (builder, at);
    g_test_message ("group %u, ratio %.1f: %.2f bytes a chunk", (unsigned)group, ratio,
                    (double)arec_index_memory (index) / CHUNKS);
    return (double)arec_index_memory (index) / CHUNKS;
}

static void
test_memory (void)
{
    g_assert_cmpfloat (cost (1, 1.0, false), <=, 8);
    g_assert_cmpfloat (cost (1, 0.5, false), <=, 8);
    g_assert_cmpfloat (cost (1, 1.0, true), <=, 4);
    g_assert_cmpfloat (cost (64, 1.0, false), <=, 8);
    g_assert_cmpfloat (cost (64, 0.3, false), <=, 8);
}

/* What the index says it takes is not less than its bits need. */
static void
test_memory_is_honest (void)
{
    Row rows[64];
    uint64_t at = 64;

    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        rows[i] = (Row){at, rand_below (UINT64_C (1) << 60), 1};
        at += 44 + rand_below (1000);
    }
    rows[0].decoded_size = UINT64_C (1) << 60;
    {
        g_autoptr (ArecIndex) index = build (rows, G_N_ELEMENTS (rows), at);

        g_assert_cmpuint (arec_index_memory (index), >=, 64 * 59 / 8);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/index/empty", test_empty);
    g_test_add_func ("/index/array", test_against_array);
    g_test_add_func ("/index/outlier", test_outlier);
    g_test_add_func ("/index/huge", test_huge);
    g_test_add_func ("/index/memory", test_memory);
    g_test_add_func ("/index/honest", test_memory_is_honest);
    return g_test_run();
}
