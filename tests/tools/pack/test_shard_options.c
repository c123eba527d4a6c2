/* What options of shards mean together, and what is said of those that mean nothing. */
#include "pack/shard_options.h"

#include <glib.h>

static const struct {
    ToolShardText text;
    ArecSharding sharding;
    const char *error; /* NULL: none */
} rows[] = {
    {{0}, {AREC_SHARDING_NONE, 0, 0, false}, NULL},
    {{.shards = (char *)"8"}, {AREC_SHARDING_EVEN, 8, 0, false}, NULL},
    {{.shards = (char *)"999999999", .before_extension = TRUE},
     {AREC_SHARDING_EVEN, 999999999, 0, true},
     NULL},
    {{.shards = (char *)"8", .round_robin = TRUE},
     {AREC_SHARDING_ROUND_ROBIN, 8, 0, false},
     NULL},
    {{.size = (char *)"1M"}, {AREC_SHARDING_BY_SIZE, 1 << 20, 0, false}, NULL},
    {{.size = (char *)"0"}, {AREC_SHARDING_BY_SIZE, 1, 0, false}, NULL},
    {{.records = (char *)"18446744073709551615"},
     {AREC_SHARDING_BY_RECORDS, UINT64_MAX, 0, false},
     NULL},
    {{.shards = (char *)"0"},
     {0},
     "--shards: invalid value: 0, expected a number in [1..999999999]"},
    {{.shards = (char *)"1000000000"},
     {0},
     "--shards: invalid value: 1000000000, expected a number in [1..999999999]"},
    {{.shards = (char *)"-1"},
     {0},
     "--shards: invalid value: -1, expected a number in [1..999999999]"},
    {{.shards = (char *)""},
     {0},
     "--shards: invalid value: , expected a number in [1..999999999]"},
    {{.records = (char *)"1x"},
     {0},
     "--shard-records: invalid value: 1x, expected a number in [1..18446744073709551615]"},
    {{.shards = (char *)"1", .size = (char *)"1"}, {0}, "--shard-size: excludes --shards"},
    {{.shards = (char *)"1", .records = (char *)"1"},
     {0},
     "--shard-records: excludes --shards"},
    {{.size = (char *)"1", .records = (char *)"1"},
     {0},
     "--shard-records: excludes --shard-size"},
    {{.size = (char *)"1", .round_robin = TRUE},
     {0},
     "--round-robin: has no meaning without --shards"},
    {{.before_extension = TRUE},
     {0},
     "--shard-suffix: has no meaning without --shards, --shard-size or --shard-records"},
};

static void
test_parse (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autoptr (GError) error = NULL;
        ArecSharding sharding;
        bool ok = tool_shard_options_parse (&rows[i].text, &sharding, &error);

        g_assert_cmpstr (error ? error->message : NULL, ==, rows[i].error);
        g_assert_cmpint (ok, ==, !error);
        if (!ok) {
            g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
            continue;
        }
        g_assert_cmpint (sharding.rule, ==, rows[i].sharding.rule);
        g_assert_cmpuint (sharding.n, ==, rows[i].sharding.n);
        g_assert_cmpuint (sharding.n_records, ==, 0);
        g_assert_cmpint (sharding.before_extension, ==, rows[i].sharding.before_extension);
    }
}

static void
test_bad_size (void)
{
    const ToolShardText text = {.size = (char *)"x"};
    g_autoptr (GError) error = NULL;
    ArecSharding sharding;

    g_assert_false (tool_shard_options_parse (&text, &sharding, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
    g_assert_true (g_str_has_prefix (error->message, "--shard-size: "));
}

/* Only shards of even numbers of records have to know how many come. */
static void
test_count (void)
{
    ArecSharding even = {AREC_SHARDING_EVEN, 3, 0, false};
    ArecSharding in_turn = {AREC_SHARDING_ROUND_ROBIN, 3, 0, false};
    g_autoptr (GError) error = NULL;

    g_assert_true (tool_shard_options_set_count (&in_turn, UINT64_MAX, &error));
    g_assert_true (tool_shard_options_set_count (&even, 0, &error));
    g_assert_true (tool_shard_options_set_count (&even, 10, &error));
    g_assert_no_error (error);
    g_assert_cmpuint (even.n_records, ==, 10);
    g_assert_false (tool_shard_options_set_count (&even, UINT64_MAX, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
}

static void
test_typed (void)
{
    const ToolShardText none = {0}, in_turn = {.round_robin = TRUE};

    g_assert_null (tool_shard_options_typed (&none));
    g_assert_cmpstr (tool_shard_options_typed (&in_turn), ==, "--round-robin");
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/shard-options/parse", test_parse);
    g_test_add_func ("/shard-options/bad-size", test_bad_size);
    g_test_add_func ("/shard-options/count", test_count);
    g_test_add_func ("/shard-options/typed", test_typed);
    return g_test_run();
}
