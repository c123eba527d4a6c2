#include <string.h>

#include <glib.h>

#include "pack/input_kinds.h"

/* @names, which spaces separate, mean @kind. */
static const struct {
    const char *names;
    const char *kind;
} rows[] = {
    {"a.tfrecord", "tfrecord"},
    {"a.tfrecord b.tfrecord.gz dir/c.tfrecord-00003-of-00128", "tfrecord"},
    {"a.tfrecord b.png", "files"},
    {"a.png b.tfrecord", "files"},
    {"a.tfrecord b.tar", "files"},
    {"a.tfrecord-0003-of-00128", "files"},
    {"a.tfrecord-00003-of-00128.bak", "files"},
    {"a.tfrecords", "files"},
    {"a.tfrecord.zst", "files"},
    {"tfrecord", "files"},
    {".tfrecord", "files"},
    {"dir.tfrecord/a", "files"},
    {"dir/.tar", "files"},
    {"a.tar", "tar"},
    {"a.tar.gz b.tgz c.txz d.tzst e.tar.lz4", "tar"},
    {"a.tar.", "files"},
    {"a.jsonl b.ndjson c.jsonl.gz d.jsonl.zst e.ndjson.gz f.ndjson.zst", "jsonl"},
    {"a.json", "files"},
    {"-", "files"},
    {"- a.tfrecord", "files"},
    {"", "files"},
};

static void
test_guess (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_auto (GStrv) parts = g_strsplit (rows[i].names, " ", -1);
        g_auto (ToolNameList) names = {0};

        for (size_t j = 0; parts[j]; j++) {
            g_assert_true (tool_name_list_add (&names, parts[j], strlen (parts[j]), NULL));
        }
        g_assert_cmpstr (tool_input_kinds_guess (&names)->name, ==, rows[i].kind);
    }
}

static void
test_find (void)
{
    g_autofree char *text = tool_input_kinds_text();
    g_auto (GStrv) kinds = g_strsplit (text, ", ", -1);

    g_assert_cmpstr (text, ==,
                     "files, lines, jsonl, tfrecord, tar, webdataset, array_record, riegeli");
    for (size_t i = 0; kinds[i]; i++) {
        g_assert_cmpstr (tool_input_kinds_find (kinds[i])->name, ==, kinds[i]);
    }
    g_assert_null (tool_input_kinds_find ("file"));
    g_assert_null (tool_input_kinds_find (""));
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/input_kinds/guess", test_guess);
    g_test_add_func ("/input_kinds/find", test_find);
    return g_test_run();
}
