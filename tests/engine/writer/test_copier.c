/* Copied chunks: which are copied, what lies between them, and that a reader finds the same
 * records as if all had been encoded. */
#include <arec/copier.h>

#include <string.h>

#include <glib/gstdio.h>

#include <arec/arec.h>

#include "writer/writer.h"

#define N 100

typedef struct {
    char *folder;
    ArecEngine *engine;
    ArecReader *reader;
    ArecWriter *writer;
    ArecCopier *copier;
} Test;

static char *
path_in (const Test *test, const char *name)
{
    return g_build_filename (test->folder, name, NULL);
}

static ArecWriter *
open_writer (const Test *test, const char *name, const char *text)
{
    g_autofree char *path = path_in (test, name);
    g_autoptr (GError) error = NULL;
    ArecWriterOptions options;
    ArecWriter *writer;

    arec_writer_options_parse (text, &options, &error);
    g_assert_no_error (error);
    options.output.replace = true;
    writer = arec_writer_new (path, &options, &error);
    g_assert_no_error (error);
    return writer;
}

static void
finish_writer (ArecWriter *writer)
{
    g_autoptr (GError) error = NULL;

    arec_writer_finish (writer, &error);
    g_assert_no_error (error);
    arec_writer_free (writer);
}

/* A file of the records 0 .. n-1, each with its number. */
static void
make_file (const Test *test, const char *name, const char *options, uint32_t n)
{
    ArecWriter *writer = open_writer (test, name, options);

    for (uint32_t i = 0; i < n; i++) {
        g_assert_true (arec_writer_write (writer, &i, sizeof i, NULL));
    }
    finish_writer (writer);
}

static ArecReader *
open_reader (const Test *test, const char *name)
{
    g_autofree char *path = path_in (test, name);
    g_autoptr (GError) error = NULL;
    ArecReader *reader = arec_reader_open (test->engine, path, NULL, &error);

    g_assert_no_error (error);
    return reader;
}

static void
begin (Test *test, const char *options)
{
    *test = (Test){.folder = g_dir_make_tmp ("arec-XXXXXX", NULL)};
    g_assert_nonnull (test->folder);
    test->engine = arec_engine_new (NULL);
    make_file (test, "in", options, N);
}

/* @file  what is read, in the form of a SOURCE. */
static void
open_copier (Test *test, const char *file, const char *options)
{
    test->reader = open_reader (test, file);
    test->writer = open_writer (test, "out", options);
    test->copier = arec_copier_new (test->reader, test->writer);
}

static uint32_t
number_at (ArecReader *reader, uint64_t record)
{
    g_auto (ArecView) view = {0};
    g_autoptr (GError) error = NULL;
    uint32_t number;

    arec_reader_read (reader, record, &view, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (view.size, ==, sizeof number);
    memcpy (&number, view.data, sizeof number);
    return number;
}

static void
write_records (const Test *test, uint64_t first, uint64_t end)
{
    for (uint64_t i = first; i < end; i++) {
        uint32_t number = number_at (test->reader, i);

        g_assert_true (arec_writer_write (test->writer, &number, sizeof number, NULL));
    }
}

/* Converts [first, end). Returns what was done, `c` for a chunk that was copied, and the number
 * of records of each stretch between. g_free (). */
static char *
convert (const Test *test, uint64_t first, uint64_t end, bool is_last)
{
    GString *done = g_string_new (NULL);

    while (first < end) {
        g_autoptr (GError) error = NULL;
        uint64_t until;
        bool copied;

        arec_copier_next (test->copier, first, end, is_last, &until, &copied, &error);
        g_assert_no_error (error);
        g_assert_cmpuint (until, >, first);
        g_assert_cmpuint (until, <=, end);
        if (copied) {
            g_string_append_c (done, 'c');
        } else {
            g_string_append_printf (done, "[%u]", (unsigned)(until - first));
            write_records (test, first, until);
        }
        first = until;
    }
    return g_string_free (done, FALSE);
}

static void
check_convert (const Test *test, uint64_t first, uint64_t end, bool is_last,
               const char *expected)
{
    g_autofree char *done = convert (test, first, end, is_last);

    g_assert_cmpstr (done, ==, expected);
}

/* Finishes the output, which holds the records [first, end) of the input. */
static void
check_output (Test *test, uint32_t first, uint32_t end)
{
    g_autoptr (ArecReader) out = NULL;

    finish_writer (g_steal_pointer (&test->writer));
    out = open_reader (test, "out");
    g_assert_cmpuint (arec_reader_n_records (out), ==, end - first);
    for (uint32_t i = 0; i < end - first; i++) {
        g_assert_cmpuint (number_at (out, i), ==, first + i);
    }
}

static void
close_copier (Test *test)
{
    g_clear_pointer (&test->copier, arec_copier_free);
    g_clear_pointer (&test->writer, arec_writer_free);
    g_clear_pointer (&test->reader, arec_reader_unref);
}

static void
end_test (Test *test)
{
    static const char *const names[] = {"in", "in2", "out"};

    close_copier (test);
    arec_engine_unref (test->engine);
    for (size_t i = 0; i < G_N_ELEMENTS (names); i++) {
        g_autofree char *path = path_in (test, names[i]);

        g_unlink (path);
    }
    g_assert_cmpint (g_rmdir (test->folder), ==, 0);
    g_free (test->folder);
}

/* 100 records in groups of 30: three whole chunks and one of 10. */
static const struct {
    const char *options;
    uint32_t first, end;
    bool is_last;
    const char *done;
} rows[] = {
    {"group_size:30", 0, 100, true, "cccc"},
    {"group_size:30", 0, 100, false, "ccc[10]"},
    {"group_size:30", 0, 60, true, "cc"},
    {"group_size:30", 0, 70, true, "cc[10]"},
    {"group_size:30", 30, 100, true, "ccc"},
    {"group_size:30", 10, 100, true, "[90]"},
    {"group_size:30,pad_to_block_boundary:true", 0, 100, true, "cccc"},
    {"group_size:30,max_parallelism:8", 0, 100, true, "cccc"},
    {"group_size:10", 0, 100, true, "[90]c"}, /* the last chunk has 10 */
    {"group_size:60", 0, 100, true, "[100]"},
    {"group_size:90", 0, 100, true, "[90]c"},
    {"group_size:30,zstd:4", 0, 100, true, "[100]"},
    {"group_size:30,window_log:21", 0, 100, true, "[100]"},
    {"group_size:30,snappy", 0, 100, true, "[100]"},
    {"group_size:30,uncompressed", 0, 100, true, "[100]"},
    {"group_size:30,transpose", 0, 100, true, "[100]"},
};

static uint64_t
count_c (const char *done)
{
    uint64_t n = 0;

    for (; *done; done++) {
        n += *done == 'c';
    }
    return n;
}

static void
test_which_are_copied (void)
{
    Test test;

    begin (&test, "group_size:30");
    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        open_copier (&test, "in", rows[i].options);
        check_convert (&test, rows[i].first, rows[i].end, rows[i].is_last, rows[i].done);
        g_assert_cmpuint (arec_copier_n_copied (test.copier), ==, count_c (rows[i].done));
        check_output (&test, rows[i].first, rows[i].end);
        close_copier (&test);
    }
    end_test (&test);
}

static void
test_transposed (void)
{
    Test test;

    begin (&test, "group_size:50,transpose,uncompressed");
    open_copier (&test, "in", "group_size:50,transpose,uncompressed");
    check_convert (&test, 0, N, true, "cc");
    check_output (&test, 0, N);
    close_copier (&test);
    open_copier (&test, "in", "group_size:50,transpose,uncompressed,transpose_bucket_size:1K");
    check_convert (&test, 0, N, true, "[100]");
    check_output (&test, 0, N);
    close_copier (&test);
    open_copier (&test, "in", "group_size:50,uncompressed");
    check_convert (&test, 0, N, true, "[100]");
    check_output (&test, 0, N);
    end_test (&test);
}

/* Records that come by other calls decide whether the next chunk begins a group. */
static void
test_between_written_records (void)
{
    Test test;

    begin (&test, "group_size:10");
    open_copier (&test, "in", "group_size:10,max_parallelism:4");
    check_convert (&test, 0, 20, false, "cc");
    write_records (&test, 20, 25);
    check_convert (&test, 25, 60, false, "[5]ccc");
    write_records (&test, 60, 61);
    check_convert (&test, 61, N, true, "[9]ccc");
    g_assert_cmpuint (arec_copier_n_copied (test.copier), ==, 8);
    check_output (&test, 0, N);
    end_test (&test);
}

/* Files of several codecs in one sequence: each is judged by itself. */
static void
test_several_files (void)
{
    g_autoptr (ArecSourceList) list = arec_source_list_new();
    g_autoptr (GError) error = NULL;
    Test test;

    begin (&test, "group_size:20,snappy");
    make_file (&test, "in2", "group_size:20,brotli:1", N);
    for (unsigned i = 0; i < 3; i++) {
        g_autofree char *path = path_in (&test, i == 1 ? "in2" : "in");

        arec_source_list_add_literal (list, path, &error);
        g_assert_no_error (error);
    }
    test.reader = arec_reader_open_list (test.engine, list, 0, 3, NULL, &error);
    g_assert_no_error (error);
    test.writer = open_writer (&test, "out", "group_size:20,snappy");
    test.copier = arec_copier_new (test.reader, test.writer);
    g_assert_true (arec_copier_fits (test.copier, 0));
    g_assert_false (arec_copier_fits (test.copier, 1));
    check_convert (&test, 0, 3 * N, true, "ccccc[100]ccccc");
    finish_writer (g_steal_pointer (&test.writer));
    end_test (&test);
}

/* Shards of the 100 records of a file with groups of 10. */
static const struct {
    ArecSharding sharding;
    const char *done;
} shard_rows[] = {
    {{.rule = AREC_SHARDING_EVEN, .n = 5, .n_records = N}, "cccccccccc"},
    /* The second shard begins within a chunk, the third with one. */
    {{.rule = AREC_SHARDING_EVEN, .n = 4, .n_records = N}, "cc[30]cc[30]"},
    {{.rule = AREC_SHARDING_EVEN, .n = 3, .n_records = N}, "ccc[70]"},
    {{.rule = AREC_SHARDING_BY_RECORDS, .n = 20}, "cccccccccc"},
    {{.rule = AREC_SHARDING_BY_RECORDS, .n = 15}, "c[20]c[20]c[20]c"},
    {{.rule = AREC_SHARDING_BY_RECORDS, .n = 1}, "[100]"},
    {{.rule = AREC_SHARDING_BY_SIZE, .n = 1}, "cccccccccc"},
    {{.rule = AREC_SHARDING_ROUND_ROBIN, .n = 2}, "[100]"},
};

/* Checks that the shards together have all records in order, but for ROUND_ROBIN. */
static void
check_shards (const Test *test)
{
    g_autoptr (ArecSourceList) list = arec_source_list_new();
    uint64_t n_files = arec_writer_n_files (test->writer);
    g_autoptr (ArecReader) reader = NULL;
    g_autoptr (GError) error = NULL;

    for (uint64_t i = 0; i < n_files; i++) {
        ArecWriterTotals totals;

        arec_source_list_add_literal (list, arec_writer_get_file (test->writer, i, &totals),
                                      &error);
        g_assert_no_error (error);
    }
    reader = arec_reader_open_list (test->engine, list, 0, n_files, NULL, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (arec_reader_n_records (reader), ==, N);
    for (uint32_t i = 0; i < N; i++) {
        g_assert_cmpuint (number_at (reader, i), ==, i);
    }
}

static void
remove_shards (const Test *test)
{
    for (uint64_t i = 0; i < arec_writer_n_files (test->writer); i++) {
        ArecWriterTotals totals;

        g_unlink (arec_writer_get_file (test->writer, i, &totals));
    }
}

static void
test_shards (void)
{
    Test test;

    begin (&test, "group_size:10");
    for (size_t i = 0; i < G_N_ELEMENTS (shard_rows); i++) {
        g_autofree char *path = path_in (&test, "out");
        g_autoptr (GError) error = NULL;
        ArecWriterOptions options;

        arec_writer_options_parse ("group_size:10", &options, &error);
        test.reader = open_reader (&test, "in");
        test.writer = arec_writer_new_sharded (path, &options, &shard_rows[i].sharding, &error);
        g_assert_no_error (error);
        test.copier = arec_copier_new (test.reader, test.writer);
        check_convert (&test, 0, N, true, shard_rows[i].done);
        g_assert_true (arec_writer_finish (test.writer, &error));
        if (shard_rows[i].sharding.rule != AREC_SHARDING_ROUND_ROBIN) {
            check_shards (&test);
        }
        remove_shards (&test);
        close_copier (&test);
    }
    end_test (&test);
}

/* A chunk with a damaged byte is left to who reads its records. */
static void
test_damaged_chunk (void)
{
    g_autofree char *path = NULL;
    g_autofree char *file = NULL;
    g_autoptr (GError) error = NULL;
    ArecSpot spot;
    uint64_t until;
    size_t size;
    bool copied;
    Test test;

    begin (&test, "group_size:50,uncompressed");
    test.reader = open_reader (&test, "in");
    g_assert_true (arec_reader_find (test.reader, 0, &spot, NULL));
    g_clear_pointer (&test.reader, arec_reader_unref);
    path = path_in (&test, "in");
    g_assert_true (g_file_get_contents (path, &file, &size, NULL));
    file[spot.entry.offset + 100] ^= 1;
    g_assert_true (g_file_set_contents (path, file, (gssize)size, NULL));
    open_copier (&test, "in", "group_size:50,uncompressed");
    g_assert_true (arec_copier_next (test.copier, 0, N, true, &until, &copied, &error));
    g_assert_no_error (error);
    g_assert_false (copied);
    g_assert_cmpuint (until, ==, 50);
    check_convert (&test, 50, N, true, "c");
    check_output (&test, 50, N);
    end_test (&test);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/copier/which_are_copied", test_which_are_copied);
    g_test_add_func ("/copier/transposed", test_transposed);
    g_test_add_func ("/copier/between_written_records", test_between_written_records);
    g_test_add_func ("/copier/several_files", test_several_files);
    g_test_add_func ("/copier/shards", test_shards);
    g_test_add_func ("/copier/damaged_chunk", test_damaged_chunk);
    return g_test_run();
}
