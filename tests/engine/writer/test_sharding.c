/* Which record goes into which shard. */
#include "writer/sharding.h"

/* The ends of even shards are where i * n / n_records changes, for all small numbers. */
static void
test_even (void)
{
    for (uint64_t n = 1; n < 20; n++) {
        for (uint64_t n_records = 0; n_records < 45; n_records++) {
            const ArecSharding sharding = {AREC_SHARDING_EVEN, n, n_records, false};

            for (uint64_t i = 0; i < n_records; i++) {
                uint64_t shard = i * n / n_records;
                uint64_t end = arec_sharding_end_after (&sharding, i);

                g_assert_cmpuint (end, ==, arec_sharding_end_of_shard (&sharding, shard));
                g_assert_cmpuint (arec_sharding_begin_before (&sharding, i), ==,
                                  shard > 0 ? arec_sharding_end_of_shard (&sharding, shard - 1)
                                            : 0);
                g_assert_cmpuint (end, >, i);
                g_assert_cmpuint ((end - 1) * n / n_records, ==, shard);
                g_assert_true (end == n_records || end * n / n_records > shard);
            }
            g_assert_cmpuint (arec_sharding_end_of_shard (&sharding, n - 1), ==, n_records);
            g_assert_cmpuint (arec_sharding_end_after (&sharding, n_records), ==, UINT64_MAX);
        }
    }
}

/* No product overflows. */
static void
test_large (void)
{
    const ArecSharding even = {AREC_SHARDING_EVEN, AREC_MAX_SHARDS, UINT64_MAX / 2, false};
    const ArecSharding by_records = {AREC_SHARDING_BY_RECORDS, UINT64_MAX, 0, false};

    g_assert_cmpuint (arec_sharding_end_of_shard (&even, AREC_MAX_SHARDS - 1), ==,
                      UINT64_MAX / 2);
    g_assert_cmpuint (arec_sharding_end_after (&even, UINT64_MAX / 2 - 1), ==, UINT64_MAX / 2);
    g_assert_cmpuint (arec_sharding_end_after (&by_records, 5), ==, UINT64_MAX);
}

static void
test_other_rules (void)
{
    const ArecSharding by_records = {AREC_SHARDING_BY_RECORDS, 10, 0, false};
    const ArecSharding round_robin = {AREC_SHARDING_ROUND_ROBIN, 3, 0, false};
    const ArecSharding by_size = {AREC_SHARDING_BY_SIZE, 3, 0, false};

    g_assert_cmpuint (arec_sharding_end_after (&by_records, 0), ==, 10);
    g_assert_cmpuint (arec_sharding_end_after (&by_records, 9), ==, 10);
    g_assert_cmpuint (arec_sharding_end_after (&by_records, 10), ==, 20);
    g_assert_cmpuint (arec_sharding_begin_before (&by_records, 9), ==, 0);
    g_assert_cmpuint (arec_sharding_begin_before (&by_records, 10), ==, 10);
    g_assert_cmpuint (arec_sharding_begin_before (&by_size, 5), ==, 0);
    g_assert_cmpuint (arec_sharding_end_after (&round_robin, 5), ==, UINT64_MAX);
    g_assert_cmpuint (arec_sharding_lane (&round_robin, 5), ==, 2);
    g_assert_cmpuint (arec_sharding_n_lanes (&round_robin), ==, 3);
    g_assert_cmpuint (arec_sharding_n_lanes (&by_size), ==, 1);
    g_assert_cmpuint (arec_sharding_n_known (&by_size), ==, 0);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/sharding/even", test_even);
    g_test_add_func ("/sharding/large", test_large);
    g_test_add_func ("/sharding/other-rules", test_other_rules);
    return g_test_run();
}
