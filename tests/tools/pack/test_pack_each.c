#include <glib.h>

#include "pack/pack_each.h"

static const struct {
    const char *path;
    const char *out;
} rows[] = {
    {"x.tfrecord", "d/x.array_record"},
    {"a/b/x.tfrecord.gz", "d/x.array_record"},
    {"x.tfrecord-00001-of-00008", "d/x.array_record-00001-of-00008"},
    {"x.jsonl.zst", "d/x.array_record"},
    {"x.txt.xz", "d/x.array_record"},
    {"x.y.tar", "d/x.y.array_record"},
    {"x.tar.bz2", "d/x.array_record"},
    {"x.tar.lz4", "d/x.array_record"},
    {"x.riegeli", "d/x.array_record"},
    {"x.array_record", "d/x.array_record"},
    {"x.arrayrecord-00001-of-00008", "d/x.array_record-00001-of-00008"},
    {"x.png", "d/x.png.array_record"},
    {"x.png.gz", "d/x.png.gz.array_record"},
    {"x.png-00001-of-00008", "d/x.png-00001-of-00008.array_record"},
    {"photos", "d/photos.array_record"},
    {"photos/", "d/photos.array_record"},
    {"a.tfrecord/b", "d/b.array_record"},
    {".tfrecord", "d/.tfrecord.array_record"},
    {".gz", "d/.gz.array_record"},
    {"-00001-of-00008", "d/-00001-of-00008.array_record"},
};

static void
test_names (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autofree char *out = tool_pack_each_name ("d", rows[i].path);

        g_assert_cmpstr (out, ==, rows[i].out);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/pack_each/names", test_names);
    return g_test_run();
}
