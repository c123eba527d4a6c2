#include "naming/shard_sets.h"

#include <string.h>

#include <arec/sources.h>

typedef struct {
    const char *name;
    const char *paths;    /* separated by spaces; `!` before: named by itself, `:`: a part */
    const char *reported; /* "PATTERN: REASON" a line */
} Case;

/* `?" "?`: without the gap it would be a trigraph. */
static const Case cases[] = {
    {"whole", "t-00000-of-00002 t-00001-of-00002", ""},
    {"no-shards", "t-0000-of-0002 t-00001-of- -of-00001 a.array_record", ""},
    {"one-hole", "t-00000-of-00003 t-00002-of-00003",
     "t-????"
     "?-of-00003: 1 shard is missing: t-00001-of-00003\n"},
    {"many-holes", "d/t-00009-of-00020.x",
     "d/t-????"
     "?-of-00020.x: 19 shards are missing: t-00000-of-00020.x, t-00001-of-00020.x, "
     "t-00002-of-00020.x, t-00003-of-00020.x, t-00004-of-00020.x and 14 more\n"},
    {"two-totals", "t-00000-of-00001 t-00000-of-00002 t-00001-of-00002",
     "t-*-of-*: shards of several sets: 1 of 00001, 2 of 00002\n"},
    {"too-high", "t-00000-of-00001 t-00004-of-00001",
     "t-????"
     "?-of-00001: 1 shard has a number beyond the last: t-00004-of-00001\n"},
    {"twice", "t-00000-of-00001 t-00000-of-00001",
     "t-????"
     "?-of-00001: 1 shard is there twice: t-00000-of-00001\n"},
    {"two-directories", "a/t-00000-of-00001 b/t-00000-of-00001", ""},
    /* A user who names one shard wants that one; a user who names several may have forgotten
     * one. */
    {"one-named", "!t-00001-of-00002", ""},
    {"some-named", "!t-00000-of-00003 !t-00001-of-00003",
     "t-????"
     "?-of-00003: 1 shard is missing: t-00002-of-00003\n"},
    {"parts", ":t-00000-of-00001 :t-00000-of-00001", ""},
};

static void
tell (void *data, const char *pattern, const char *reason)
{
    g_string_append_printf (data, "%s: %s\n", pattern, reason);
}

static void
test_case (const void *data)
{
    const Case *one = data;
    g_autoptr (ArecShardSets) sets = arec_shard_sets_new();
    g_autoptr (GString) reported = g_string_new (NULL);
    g_auto (GStrv) paths = g_strsplit (one->paths, " ", -1);

    for (char **path = paths; *path; path++) {
        bool is_named = **path == '!', is_part = **path == ':';
        const char *text = *path + (is_named || is_part);
        g_autofree char *directory = g_path_get_dirname (text);

        arec_shard_sets_add (sets, directory, text, is_named, is_part);
    }
    arec_shard_sets_check (sets, tell, reported);
    g_assert_cmpstr (reported->str, ==, one->reported);
}

static void
test_set_of_a_path (void)
{
    static const char *const pairs[][2] = {
        {"d/t-00003-of-00020.x", "d/t-????"
                                 "?-of-00020.x"},
        {"t-of-00000-of-123456", "t-of-?????"
                                 "?"
                                 "-of-123456"},
        {"t.array_record", NULL},
        {"t-0000-of-00002", NULL},
        {"d-00000-of-00002/t", NULL},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (pairs); i++) {
        g_autofree char *set = arec_source_shard_set (pairs[i][0]);

        g_assert_cmpstr (set, ==, pairs[i][1]);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autofree char *path = g_strconcat ("/shard_sets/", cases[i].name, NULL);

        g_test_add_data_func (path, &cases[i], test_case);
    }
    g_test_add_func ("/shard_sets/of-a-path", test_set_of_a_path);
    return g_test_run();
}
