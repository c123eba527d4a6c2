/* Which rows are compared, what the rounds make of them, and how many records of a slow one are
 * measured. */
#include "bench/bench_rows.h"

#include <string.h>

static GPtrArray *
rows_of (const char *options, const char *levels, const char *group_sizes)
{
    const ToolBenchChoice choice = {options, levels, group_sizes};
    g_autoptr (GError) error = NULL;
    GPtrArray *rows = tool_bench_rows_new (&choice, &error);

    g_assert_no_error (error);
    return rows;
}

/* The texts of all rows, one a line. */
static char *
texts_of (const GPtrArray *rows)
{
    GString *text = g_string_new (NULL);

    for (guint i = 0; i < rows->len; i++) {
        const ToolBenchRow *row = g_ptr_array_index (rows, i);

        g_string_append_printf (text, "%s\n", row->text);
    }
    return g_string_free (text, FALSE);
}

static const struct {
    const char *options, *levels, *group_sizes;
    const char *texts;
} choices[] = {
    /* The eight of the guide, in groups of 1 and 100, and a profile. */
    {NULL, NULL, NULL,
     "group_size:1,uncompressed\ngroup_size:1,snappy\ngroup_size:1,brotli:1\n"
     "group_size:1,brotli:6\ngroup_size:1,brotli:11\ngroup_size:1,zstd:1\n"
     "group_size:1,zstd:3\ngroup_size:1,zstd:22\n"
     "group_size:100,uncompressed\ngroup_size:100,snappy\ngroup_size:100,brotli:1\n"
     "group_size:100,brotli:6\ngroup_size:100,brotli:11\ngroup_size:100,zstd:1\n"
     "group_size:100,zstd:3\ngroup_size:100,zstd:22\n"
     "group_size:1000,brotli:9\n"},
    {"zstd", NULL, "7,1", "group_size:7,zstd:3\ngroup_size:1,zstd:3\n"},
    {" snappy;;uncompressed\n", NULL, NULL,
     "group_size:1,snappy\ngroup_size:1,uncompressed\ngroup_size:100,snappy\n"
     "group_size:100,uncompressed\n"},
    /* A group size of its own is kept, and comes last; doubles come once. */
    {"group_size:5,brotli:2 zstd:3 zstd", NULL, "1,1",
     "group_size:1,zstd:3\ngroup_size:5,brotli:2\n"},
    {"zstd:3,transpose,max_parallelism:8", NULL, "2", "group_size:2,zstd:3,transpose\n"},
    {"zstd,window_log:20 zstd,window_log:21 brotli,window_log:20", NULL, "1",
     "group_size:1,zstd:3\ngroup_size:1,zstd:3,window_log:21\n"
     "group_size:1,brotli:6,window_log:20\n"},
    {"snappy,transpose,transpose_bucket_size:9,pad_to_block_boundary:true", NULL, "1",
     "group_size:1,snappy,transpose,pad_to_block_boundary,transpose_bucket_size:9\n"},
};

static void
test_choices (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (choices); i++) {
        g_autoptr (GPtrArray) rows =
            rows_of (choices[i].options, choices[i].levels, choices[i].group_sizes);
        g_autofree char *texts = texts_of (rows);

        g_test_message ("%s", choices[i].options ? choices[i].options : "(default)");
        g_assert_cmpstr (texts, ==, choices[i].texts);
    }
}

/* 2 without a level, 12 of brotli, 22 of zstd. */
static void
test_all_levels (void)
{
    g_autoptr (GPtrArray) one = rows_of (NULL, "all", "1"),
                          default_groups = rows_of (NULL, "all", NULL);

    g_assert_cmpuint (one->len, ==, 36);
    g_assert_cmpuint (default_groups->len, ==, 2 * 36 + 1);
}

/* What a text of a row says is what the row does: it can be parsed and shown again. */
static void
test_texts_are_option_strings (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (choices); i++) {
        g_autoptr (GPtrArray) rows =
            rows_of (choices[i].options, choices[i].levels, choices[i].group_sizes);

        for (guint k = 0; k < rows->len; k++) {
            const ToolBenchRow *row = g_ptr_array_index (rows, k);
            ArecWriterOptions options;
            g_autofree char *again = NULL;

            g_assert_true (arec_writer_options_parse (row->text, &options, NULL) ||
                           strstr (row->text, "pad_to_block_boundary"));
            again = tool_bench_rows_text (&row->options);
            g_assert_cmpstr (again, ==, row->text);
        }
    }
}

static void
test_refused (void)
{
    static const struct {
        const char *options, *levels, *group_sizes;
        const char *message;
    } rows[] = {
        {NULL, NULL, "0", "--group-size: invalid value: 0, *"},
        {NULL, NULL, "1,", "--group-size: invalid value: , *"},
        {NULL, NULL, "", "--group-size: *"},
        {NULL, "some", NULL, "--levels: invalid value: some, expected all"},
        {"zstd", "all", NULL, "--levels and --options exclude each other"},
        {"zstd:23", NULL, NULL, "--options: Option zstd: invalid value: 23, *"},
        {"zstd nosuch", NULL, NULL, "--options: Unknown option nosuch, *"},
        {" ; ", NULL, NULL, "--options: an option string is missing"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        const ToolBenchChoice choice = {rows[i].options, rows[i].levels, rows[i].group_sizes};
        g_autoptr (GError) error = NULL;

        g_assert_null (tool_bench_rows_new (&choice, &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
        if (!g_pattern_match_simple (rows[i].message, error->message)) {
            g_error ("'%s' is not '%s'", error->message, rows[i].message);
        }
    }
}

static void
test_rounds (void)
{
    g_autoptr (GPtrArray) rows = rows_of ("zstd", NULL, "1");
    ToolBenchRow *row = g_ptr_array_index (rows, 0);
    static const double write[] = {3, 1, 8}, median[] = {3, 2, 3};

    for (size_t i = 0; i < G_N_ELEMENTS (write); i++) {
        const ToolBenchFigures figures = {
            .write_s = write[i], .read_s = 2, .file_size = 1000, .random_us = 7 - write[i]};

        tool_bench_rows_add_round (row, &figures);
        g_assert_cmpfloat (row->median.write_s, ==, median[i]);
        g_assert_cmpfloat (row->median.random_us, ==, 7 - median[i]);
    }
    g_assert_cmpfloat_with_epsilon (row->write.spread, 7.0 / 3, 1e-9);
    g_assert_cmpfloat (row->read.spread, ==, 0);
    g_assert_cmpfloat (row->median.file_size, ==, 1000);
}

/* Whole groups, at least one, never more than there are. */
static void
test_plan (void)
{
    static const struct {
        const char *group_size;
        size_t n;
        double seconds;
        size_t total;
        double limit;
        size_t planned;
    } plans[] = {
        {"1", 10, 1, 100, 10, 100},     {"1", 10, 1, 100, 5, 50},
        {"7", 10, 1, 100, 5, 49},       {"1000", 10, 1, 5000, 1, 1000},
        {"1000", 100, 60, 100, 1, 100}, {"1", 1, 100, 1000, 1, 1},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (plans); i++) {
        g_autoptr (GPtrArray) rows = rows_of ("zstd", NULL, plans[i].group_size);

        g_assert_cmpuint (tool_bench_rows_plan (g_ptr_array_index (rows, 0), plans[i].n,
                                                plans[i].seconds, plans[i].total,
                                                plans[i].limit),
                          ==, plans[i].planned);
    }
}

/* A file of no records has 131072 bytes, which do not grow. */
static void
test_scale (void)
{
    const ToolBenchFigures part = {.write_s = 1,
                                   .write_cpu_s = 2,
                                   .read_s = 3,
                                   .random_us = 4,
                                   .rss_mb = 5,
                                   .file_size = 131072 + 10},
                           empty = {.file_size = 131072};
    ToolBenchFigures all = tool_bench_rows_scale (&part, 10, 100);

    g_assert_cmpfloat (all.write_s, ==, 10);
    g_assert_cmpfloat (all.write_cpu_s, ==, 20);
    g_assert_cmpfloat (all.read_s, ==, 30);
    g_assert_cmpfloat (all.random_us, ==, 4);
    g_assert_cmpfloat (all.rss_mb, ==, 5);
    g_assert_cmpfloat (all.file_size, ==, 131072 + 100);
    all = tool_bench_rows_scale (&empty, 10, 100);
    g_assert_cmpfloat (all.file_size, ==, 131072);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/bench_rows/choices", test_choices);
    g_test_add_func ("/bench_rows/all-levels", test_all_levels);
    g_test_add_func ("/bench_rows/option-strings", test_texts_are_option_strings);
    g_test_add_func ("/bench_rows/refused", test_refused);
    g_test_add_func ("/bench_rows/rounds", test_rounds);
    g_test_add_func ("/bench_rows/plan", test_plan);
    g_test_add_func ("/bench_rows/scale", test_scale);
    return g_test_run();
}
