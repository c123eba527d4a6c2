/* Records in any order: all of them, once each, whatever the memory; each chunk is decoded once
 * if there is enough. */
#include <string.h>

#include <glib.h>
#include <glib/gstdio.h>

#include <arec/arec.h>

#include "pack/record_order.h"

#define N 1000
#define GROUP 10
#define LARGE 300000

typedef struct {
    char *folder;
    char *path;
    ArecReader *reader;
    ArecEngine *engine;
    uint64_t step; /* record i of the order is i * step modulo n */
    uint64_t n_put, n_skipped;
    uint64_t failed_record;
} Test;

/* Record @i begins with its number; every 100th is large. */
static size_t
size_of (uint32_t i)
{
    return i % 100 == 7 ? LARGE : sizeof i + i % 13;
}

static void
begin (Test *test, uint64_t step)
{
    g_autofree uint8_t *record = g_malloc0 (LARGE);
    ArecWriterOptions options;
    ArecWriter *writer;

    *test = (Test){.step = step, .folder = g_dir_make_tmp ("arec-XXXXXX", NULL)};
    test->path = g_build_filename (test->folder, "in", NULL);
    arec_writer_options_init (&options);
    options.group_size = GROUP;
    writer = arec_writer_new (test->path, &options, NULL);
    g_assert_nonnull (writer);
    for (uint32_t i = 0; i < N; i++) {
        memcpy (record, &i, sizeof i);
        g_assert_true (arec_writer_write (writer, record, size_of (i), NULL));
    }
    g_assert_true (arec_writer_finish (writer, NULL));
    arec_writer_free (writer);
}

static void
open_reader (Test *test)
{
    const ArecEngineOptions options = {.cache_size = 1};

    test->engine = arec_engine_new (&options);
    test->reader = arec_reader_open (test->engine, test->path, NULL, NULL);
    g_assert_nonnull (test->reader);
}

static void
end_test (Test *test)
{
    arec_reader_unref (test->reader);
    arec_engine_unref (test->engine);
    g_unlink (test->path);
    g_rmdir (test->folder);
    g_free (test->path);
    g_free (test->folder);
}

static uint64_t
at (void *data, uint64_t i)
{
    return i * ((Test *)data)->step % N;
}

/* What is skipped takes a place of the order, too. */
static bool
put (void *data, uint64_t record, const void *bytes, size_t size, GError **error)
{
    Test *test = data;
    uint32_t number;

    (void)error;
    memcpy (&number, bytes, sizeof number);
    g_assert_cmpuint (number, ==, record);
    g_assert_cmpuint (size, ==, size_of (number));
    if (test->n_skipped == 0) {
        g_assert_cmpuint (record, ==, at (test, test->n_put));
    }
    test->n_put++;
    return true;
}

static bool
skip (void *data, uint64_t record, GError *failure, GError **error)
{
    Test *test = data;

    test->failed_record = record;
    if (!arec_error_is_of_bytes (failure) || test->n_skipped == UINT64_MAX) {
        g_propagate_error (error, failure);
        return false;
    }
    g_error_free (failure);
    test->n_skipped++;
    return true;
}

static bool
give (Test *test, uint64_t max_memory, GError **error)
{
    const ToolRecordOrder order = {.n = N, .at = at, .put = put, .skip = skip, .data = test};

    return tool_record_order_give (&order, test->reader, max_memory, error);
}

static uint64_t
count_decoded (const Test *test)
{
    ArecEngineStats stats;

    arec_engine_get_stats (test->engine, &stats);
    return stats.chunks_decoded;
}

static void
test_all_fit (void)
{
    g_autoptr (GError) error = NULL;
    Test test;

    begin (&test, 333);
    open_reader (&test);
    g_assert_true (give (&test, UINT64_C (64) << 20, &error));
    g_assert_no_error (error);
    g_assert_cmpuint (test.n_put, ==, N);
    g_assert_cmpuint (count_decoded (&test), ==, N / GROUP);
    end_test (&test);
}

/* Batches that are cut while they are read, as some records are larger than the average. */
static void
test_little_memory (void)
{
    static const uint64_t sizes[] = {0, 1, 1000, 10000, 100000, LARGE, 4 * LARGE};

    for (size_t i = 0; i < G_N_ELEMENTS (sizes); i++) {
        g_autoptr (GError) error = NULL;
        Test test;

        begin (&test, 7);
        open_reader (&test);
        g_assert_true (give (&test, sizes[i], &error));
        g_assert_no_error (error);
        g_assert_cmpuint (test.n_put, ==, N);
        end_test (&test);
    }
}

/* Makes a byte of the chunk of @record another one. */
static void
damage (Test *test, uint64_t record)
{
    g_autofree char *file = NULL;
    ArecSpot spot;
    size_t size;

    open_reader (test);
    g_assert_true (arec_reader_find (test->reader, record, &spot, NULL));
    arec_reader_unref (test->reader);
    arec_engine_unref (test->engine);
    g_assert_true (g_file_get_contents (test->path, &file, &size, NULL));
    file[spot.entry.offset + 50] ^= 1;
    g_assert_true (g_file_set_contents (test->path, file, (gssize)size, NULL));
    open_reader (test);
}

static void
test_damaged_chunk (void)
{
    g_autoptr (GError) error = NULL;
    Test test;

    begin (&test, 333);
    damage (&test, 555);
    g_assert_true (give (&test, UINT64_C (64) << 20, &error));
    g_assert_no_error (error);
    g_assert_cmpuint (test.n_put, ==, N - GROUP);
    g_assert_cmpuint (test.n_skipped, ==, GROUP);
    test.n_put = 0;
    test.n_skipped = UINT64_MAX;
    g_assert_false (give (&test, UINT64_C (64) << 20, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
    g_assert_cmpuint (test.failed_record, ==, 550);
    g_assert_cmpuint (test.n_put, ==, 0);
    end_test (&test);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/record_order/all_fit", test_all_fit);
    g_test_add_func ("/record_order/little_memory", test_little_memory);
    g_test_add_func ("/record_order/damaged_chunk", test_damaged_chunk);
    return g_test_run();
}
