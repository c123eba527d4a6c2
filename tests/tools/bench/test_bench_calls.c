/* Which records the calls take: of something that only remembers them. */
#include "bench/bench_calls.h"

#include <string.h>

#include <arec/arec.h>

#define N_RECORDS 100

/* What was asked for. */
typedef struct {
    unsigned seen[N_RECORDS];
    size_t calls, largest, n;
    bool in_order;
    size_t fails_at; /* the call that fails; 0: none */
} Memory;

static bool
remember (void *data, const uint64_t *numbers, size_t n, uint64_t *bytes, GError **error)
{
    Memory *memory = data;

    if (++memory->calls == memory->fails_at) {
        return arec_fail (error, AREC_ERROR_IO, "call %zu", memory->calls);
    }
    memory->largest = MAX (memory->largest, n);
    for (size_t i = 0; i < n; i++) {
        memory->in_order = memory->in_order && numbers[i] == memory->n;
        memory->seen[numbers[i]]++;
        memory->n++;
        *bytes += 3;
    }
    return true;
}

static void
test_records (void)
{
    static const struct {
        ToolBenchAccess access;
        uint64_t count, batch;
        size_t calls, largest;
    } cases[] = {
        {TOOL_BENCH_SEQUENTIAL, 40, 7, 40, 1},
        {TOOL_BENCH_RANDOM, 40, 7, 40, 1},
        {TOOL_BENCH_RANDOM, N_RECORDS, 7, N_RECORDS, 1},
        {TOOL_BENCH_BATCH, 40, 7, 6, 7},
        {TOOL_BENCH_BATCH, 1, 7, 1, 1},
        {TOOL_BENCH_BATCH, 14, 7, 2, 7},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        const ToolBenchPlan plan = {
            .n_records = N_RECORDS, .count = cases[i].count, .batch = cases[i].batch};
        Memory memory = {.in_order = true};
        g_autoptr (GError) error = NULL;
        ToolBenchCalls calls;

        g_assert_true (
            tool_bench_calls_run (cases[i].access, &plan, remember, &memory, &calls, &error));
        g_assert_no_error (error);
        g_assert_cmpuint (memory.calls, ==, cases[i].calls);
        g_assert_cmpuint (memory.largest, ==, cases[i].largest);
        g_assert_cmpuint (memory.n, ==, cases[i].count);
        for (size_t k = 0; k < N_RECORDS; k++) {
            g_assert_cmpuint (memory.seen[k], <=, 1);
        }
        g_assert_true (memory.in_order || cases[i].access == TOOL_BENCH_RANDOM);
        g_assert_cmpfloat (calls.records, ==, (double)cases[i].count);
        g_assert_cmpfloat (calls.bytes, ==, 3.0 * (double)cases[i].count);
        g_assert_cmpfloat (calls.p50_us, <=, calls.p99_us);
        g_assert_cmpfloat (calls.p99_us, <=, calls.max_us);
        g_assert_cmpfloat (calls.mean_us, <=, calls.max_us * (1 + 1e-9));
    }
}

static void
test_failure (void)
{
    const ToolBenchPlan plan = {.n_records = N_RECORDS, .count = 9, .batch = 2};
    Memory memory = {.fails_at = 3};
    ToolBenchCalls calls;
    g_autoptr (GError) error = NULL;

    g_assert_false (
        tool_bench_calls_run (TOOL_BENCH_BATCH, &plan, remember, &memory, &calls, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
    g_assert_cmpuint (memory.calls, ==, 3);
}

/* Each name is a profile of readers. */
static void
test_names (void)
{
    for (int i = 0; i < TOOL_BENCH_N_ACCESSES; i++) {
        g_assert_nonnull (arec_profile_find (tool_bench_calls_name ((ToolBenchAccess)i),
                                             AREC_PROFILE_READER));
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/bench-calls/records", test_records);
    g_test_add_func ("/bench-calls/failure", test_failure);
    g_test_add_func ("/bench-calls/names", test_names);
    return g_test_run();
}
