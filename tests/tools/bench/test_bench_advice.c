/* What is advised of rows whose figures are made up. */
#include "bench/bench_advice.h"

typedef struct {
    const char *options;
    double write_s, random_us, file_size; /* the last in kB */
} Made;

static GPtrArray *
make_rows (const Made *made, size_t n)
{
    GPtrArray *all = NULL;
    g_autoptr (GString) list = g_string_new (NULL);
    g_autoptr (GError) error = NULL;

    for (size_t i = 0; i < n; i++) {
        g_string_append_printf (list, "%s ", made[i].options);
    }
    all = tool_bench_rows_new (&(ToolBenchChoice){.options = list->str}, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (all->len, ==, n);
    for (size_t i = 0; i < n; i++) {
        tool_bench_rows_add_round (g_ptr_array_index (all, i),
                                   &(ToolBenchFigures){.write_s = made[i].write_s,
                                                       .random_us = made[i].random_us,
                                                       .file_size = made[i].file_size * 1000});
    }
    return all;
}

/* All advice, one a line. */
static char *
advice_of (const Made *made, size_t n)
{
    g_autoptr (GPtrArray) rows = make_rows (made, n);
    g_autoptr (GArray) advice = tool_bench_advice_new (rows);
    GString *text = g_string_new (NULL);

    for (guint i = 0; i < advice->len; i++) {
        const ToolBenchAdvice *one = &g_array_index (advice, ToolBenchAdvice, i);

        g_string_append_printf (text, "%s|%s|%s|%s\n", one->rule, one->title, one->options,
                                one->text);
    }
    return g_string_free (text, FALSE);
}

#define CHECK(expected, ...)                                                                   \
    G_STMT_START                                                                               \
    {                                                                                          \
        static const Made made[] = {__VA_ARGS__};                                              \
        g_autofree char *found = advice_of (made, G_N_ELEMENTS (made));                        \
        g_assert_cmpstr (found, ==, expected);                                                 \
    }                                                                                          \
    G_STMT_END

#define RANDOM(options)                                                                        \
    "random|" options "|" options                                                              \
    "|smallest file whose random read stays below 4 x that of group 1\n"

/* Below four times, not at four times; of those the smallest. */
static void
test_random (void)
{
    CHECK (RANDOM ("group_size:10,zstd:3"), {"group_size:1,zstd:3", 1, 10, 1000},
           {"group_size:10,zstd:3", 1, 39.9, 500}, {"group_size:20,zstd:3", 1, 40, 400});
    CHECK (RANDOM ("group_size:1,zstd:3"), {"group_size:1,zstd:3", 1, 10, 1000},
           {"group_size:10,zstd:3", 1, 41, 500});
    /* Without the default the fastest in groups of 1 counts. */
    CHECK (RANDOM ("group_size:5,brotli:6"), {"group_size:1,brotli:6", 1, 30, 900},
           {"group_size:1,snappy", 1, 10, 1000}, {"group_size:5,brotli:6", 1, 39, 500},
           {"group_size:9,brotli:6", 1, 41, 400});
    /* Nothing to compare with. */
    CHECK ("", {"group_size:10,zstd:3", 1, 10, 1000});
}

static void
test_speed (void)
{
    CHECK (RANDOM ("group_size:1,zstd:3") "speed|group_size:1,snappy|group_size:1,snappy|"
                                          "fastest to write of those that compress\n",
           {"group_size:1,uncompressed", 1, 10, 1000}, {"group_size:1,zstd:3", 3, 10, 500},
           {"group_size:1,snappy", 2, 10, 600}, {"group_size:1,snappy,transpose", 1, 10, 990});
}

static void
test_incompressible (void)
{
    CHECK (RANDOM ("group_size:1,zstd:3") "incompressible|group_size:1,uncompressed|group_size:"
                                          "1,uncompressed|"
                                          "no row saves 5 %: compression is pointless\n",
           {"group_size:1,uncompressed", 1, 10, 1000}, {"group_size:1,zstd:3", 3, 10, 980});
}

/* Files of some blocks have the same size whatever is in them. */
static void
test_small_files (void)
{
    CHECK ("", {"group_size:1,uncompressed", 1, 10, 999}, {"group_size:1,zstd:3", 1, 10, 100});
}

/* To the default; those that save nothing are left out, and so is the default itself. */
static void
test_profiles (void)
{
    CHECK (RANDOM ("group_size:1,zstd:3") "profile|--profile balanced|group_size:100,brotli:6|"
                                          "saves 21 % for 38 x the write time\n"
                                          "profile|--profile low-latency|group_size:100,snappy|"
                                          "saves 10 % for 0.25 x the write time\n",
           {"group_size:1,zstd:3", 2, 10, 1000}, {"group_size:100,brotli:6", 76, 100, 790},
           {"group_size:1000,brotli:9", 90, 100, 995},
           {"group_size:100,snappy", 0.5, 100, 900});
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/bench_advice/random", test_random);
    g_test_add_func ("/bench_advice/speed", test_speed);
    g_test_add_func ("/bench_advice/incompressible", test_incompressible);
    g_test_add_func ("/bench_advice/small-files", test_small_files);
    g_test_add_func ("/bench_advice/profiles", test_profiles);
    return g_test_run();
}
