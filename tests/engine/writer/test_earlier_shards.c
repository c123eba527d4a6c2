/* What is found of sets of shards that are there already. */
#include "writer/earlier_shards.h"

#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

typedef struct {
    char *folder;
    ArecShardPaths paths; /* of `out` in it */
    char *out;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
    (void)data;
    fixture->folder = g_dir_make_tmp ("arec-test-XXXXXX", NULL);
    fixture->out = g_build_filename (fixture->folder, "out", NULL);
    arec_shard_paths_init (&fixture->paths, fixture->out, false);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
    (void)data;
    arec_shard_paths_clear (&fixture->paths);
    g_assert_cmpint (g_rmdir (fixture->folder), ==, 0);
    g_free (fixture->out);
    g_free (fixture->folder);
}

static char *
make (const Fixture *fixture, const char *name, mode_t mode)
{
    char *path = g_build_filename (fixture->folder, name, NULL);

    g_assert_true (g_file_set_contents (path, "", 0, NULL));
    g_assert_cmpint (chmod (path, mode), ==, 0);
    return path;
}

/* Other names are none of the set's; a dangling link is, and has no mode. */
static void
test_found (Fixture *fixture, gconstpointer data)
{
    g_autofree char *third = make (fixture, "out-00002-of-00003", 0640);
    g_autofree char *first = make (fixture, "out-00000-of-00003", 0604);
    g_autofree char *half = make (fixture, "out-00001-of-00002", 0666);
    g_autofree char *outside = make (fixture, "out-00003-of-00003", 0600);
    g_autofree char *other = make (fixture, "other-00000-of-00003", 0600);
    g_autofree char *link = g_build_filename (fixture->folder, "out-00001-of-00003", NULL);
    const char *const all[] = {first, half, link, third, NULL};
    const char *const of_three[] = {first, link, third, NULL};
    const char *const of_two[] = {half, NULL};
    ArecEarlierShards *earlier;
    char **others;

    (void)data;
    g_assert_cmpint (symlink ("nowhere", link), ==, 0);
    earlier = arec_earlier_shards_new (fixture->out, &fixture->paths);
    g_assert_cmpuint (arec_earlier_shards_mode (earlier), ==, 0600);
    others = arec_earlier_shards_others (earlier, 5);
    g_assert_true (g_strv_equal ((const char *const *)others, all));
    g_strfreev (others);
    others = arec_earlier_shards_others (earlier, 2);
    g_assert_true (g_strv_equal ((const char *const *)others, of_three));
    g_strfreev (others);
    others = arec_earlier_shards_others (earlier, 3);
    g_assert_true (g_strv_equal ((const char *const *)others, of_two));
    g_strfreev (others);
    arec_earlier_shards_free (earlier);
    for (size_t i = 0; all[i]; i++) {
        g_unlink (all[i]);
    }
    g_unlink (outside);
    g_unlink (other);
}

/* A folder that is not there counts as empty. */
static void
test_nothing (Fixture *fixture, gconstpointer data)
{
    const char *const outs[] = {fixture->out, "/nowhere/at/all/out"};

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS (outs); i++) {
        ArecEarlierShards *earlier = arec_earlier_shards_new (outs[i], &fixture->paths);
        g_auto (GStrv) others = arec_earlier_shards_others (earlier, 1);

        g_assert_null (others[0]);
        g_assert_cmpuint (arec_earlier_shards_mode (earlier), ==, 0666);
        arec_earlier_shards_free (earlier);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add ("/earlier-shards/found", Fixture, NULL, set_up, test_found, tear_down);
    g_test_add ("/earlier-shards/nothing", Fixture, NULL, set_up, test_nothing, tear_down);
    return g_test_run();
}
