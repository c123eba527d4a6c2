#include "naming/shard_paths.h"

#include <glib.h>

static const struct {
    const char *out;
    bool before_extension;
    uint64_t shard, n_shards;
    const char *path;
} rows[] = {
    {"t.array_record", false, 0, 8, "t.array_record-00000-of-00008"},
    {"t.array_record", true, 3, 8, "t-00003-of-00008.array_record"},
    {"a.b/t", true, 7, 8, "a.b/t-00007-of-00008"},
    {"a.b/.t", true, 0, 1, "a.b/.t-00000-of-00001"},
    {"t.", true, 0, 1, "t-00000-of-00001."},
    {"t", false, 99998, 99999, "t-99998-of-99999"},
    {"t", false, 1, 100000, "t-000001-of-100000"},
    {"t", false, 999999998, 999999999, "t-999999998-of-999999999"},
};

static void
test_both_ways (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        ArecShardPaths paths;
        g_autofree char *path = NULL;
        uint64_t shard, n_shards;

        arec_shard_paths_init (&paths, rows[i].out, rows[i].before_extension);
        path = arec_shard_paths_format (&paths, rows[i].shard, rows[i].n_shards);
        g_assert_cmpstr (path, ==, rows[i].path);
        g_assert_true (arec_shard_paths_parse (&paths, path, &shard, &n_shards));
        g_assert_cmpuint (shard, ==, rows[i].shard);
        g_assert_cmpuint (n_shards, ==, rows[i].n_shards);
        arec_shard_paths_clear (&paths);
    }
}

static void
test_unknown_number (void)
{
    ArecShardPaths paths;
    g_autofree char *path = NULL;

    arec_shard_paths_init (&paths, "t.x", true);
    path = arec_shard_paths_format (&paths, 3, 0);
    g_assert_cmpstr (path, ==, "t-00003-of-?????.x");
    arec_shard_paths_clear (&paths);
}

static void
test_other_names (void)
{
    static const char *const others[] = {
        "",
        "t.x",
        "t-00000-of-00002",
        "u-00000-of-00002.x",
        "t-0-of-2.x",
        "t-00002-of-00002.x",
        "t-00000-of-00000.x",
        "t-000000-of-00002.x",
        "t-00000-of-000002.x",
        "t-00000-of-00002.xy",
        "t-00000-of- 0002.x",
        "t- 0000-of-00002.x",
        "t-+0000-of-00002.x",
        "t-00000-of-99999999999999999999999.x",
    };
    ArecShardPaths paths;

    arec_shard_paths_init (&paths, "t.x", true);
    for (size_t i = 0; i < G_N_ELEMENTS (others); i++) {
        uint64_t shard, n_shards;

        g_assert_false (arec_shard_paths_parse (&paths, others[i], &shard, &n_shards));
    }
    arec_shard_paths_clear (&paths);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/shard-paths/both-ways", test_both_ways);
    g_test_add_func ("/shard-paths/unknown-number", test_unknown_number);
    g_test_add_func ("/shard-paths/other-names", test_other_names);
    return g_test_run();
}
