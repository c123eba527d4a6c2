/* Advice on reading at and around each threshold, from made-up figures. */
#include "bench/bench_access_advice.h"

#include <string.h>

/* 10 MB in order in @time_s, of which the kernel takes @again_s once it keeps them; @random_us
 * a record at random. */
static void
check (bool is_mount, double time_s, double again_s, double random_us,
       const ToolBenchSample *sample, const char *sequential, const char *random)
{
    ToolBenchAccessRounds rows[TOOL_BENCH_N_ACCESSES] = {0};
    const char *expected[] = {sequential, random};
    ToolBenchAccessAdvice advice[2];

    rows[TOOL_BENCH_SEQUENTIAL].median = (ToolBenchAccessFigures){
        .time_s = time_s, .again_s = again_s, .calls = {.records = 1000, .bytes = 1e7}};
    rows[TOOL_BENCH_RANDOM].median.calls.mean_us = random_us;
    tool_bench_access_advice_make (rows, is_mount, sample, advice);
    g_assert_cmpstr (advice[0].rule, ==, "sequential");
    g_assert_cmpstr (advice[1].rule, ==, "random");
    for (size_t i = 0; i < G_N_ELEMENTS (advice); i++) {
        g_assert_cmpstr (advice[i].text, ==, expected[i]);
        g_free (advice[i].text);
    }
}

#define SLOW(speed, more)                                                                      \
    "sequential: " speed " MB/s" more ", where one thread decodes 100: a larger buffer or "    \
    "more threads, as --profile linux has them"
#define BESIDES " besides what the kernel takes"
#define GROUPS(found, one)                                                                     \
    "random: " found " us a record, where one in groups of 1 takes " one " us: smaller "       \
    "groups, as --profile random writes them"

static const ToolBenchSample grouped = {
    .decode_mb_s = 100, .own_us = 200, .one_us = 10, .is_grouped = true};
static const ToolBenchSample single = {.decode_mb_s = 100, .own_us = 200, .one_us = 10};

static void
test_files (void)
{
    check (false, 0.19, 0, 99, &grouped, NULL, NULL);
    check (false, 0.25, 0, 101, &grouped, SLOW ("40", ""), GROUPS ("101", "10.0"));
    check (false, 0.19, 0, 101, &single, NULL, NULL);
    check (false, 0, 0, 0, &grouped, NULL, NULL); /* no time passed */
}

/* What the kernel takes for files is no fault of the reading, and smaller groups do not spare
 * it. */
static void
test_mounts (void)
{
    check (true, 0.25, 0.1, 300, &grouped, NULL, NULL);
    check (true, 0.5, 0.1, 205, &grouped, SLOW ("25", BESIDES), GROUPS ("205", "15.0"));
    check (true, 0.1, 0.2, 100, &grouped, NULL, NULL);
}

/* With few bytes, opening takes the time. */
static void
test_few_bytes (void)
{
    ToolBenchAccessRounds rows[TOOL_BENCH_N_ACCESSES] = {0};
    ToolBenchAccessAdvice advice[2];

    rows[TOOL_BENCH_SEQUENTIAL].median =
        (ToolBenchAccessFigures){.time_s = 1, .calls = {.records = 10, .bytes = 9e5}};
    tool_bench_access_advice_make (rows, false, &grouped, advice);
    g_assert_null (advice[0].text);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/bench-access-advice/files", test_files);
    g_test_add_func ("/bench-access-advice/mounts", test_mounts);
    g_test_add_func ("/bench-access-advice/few-bytes", test_few_bytes);
    return g_test_run();
}
