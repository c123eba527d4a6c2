#include "pack/pack_each.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>

/* Endings that go, one of each list, in this order. */
static const char *const compressions[] = {".gz", ".zst", ".xz", ".bz2", ".lz4", NULL};
static const char *const kinds[] = {
    ".tfrecord", ".txt",  ".lines",   ".jsonl",        ".ndjson",      ".tar", ".tgz",
    ".txz",      ".tzst", ".riegeli", ".array_record", ".arrayrecord", NULL};

/* Of each file that is made beside others: some MiB for what is read and for a codec. */
#define LEAST_MEMORY ((uint64_t)32 << 20)

#define NUMBER "[0-9][0-9][0-9][0-9][0-9]"
#define NUMBER_OF "-" NUMBER "-of-" NUMBER

enum { NUMBER_OF_SIZE = sizeof "-00000-of-00000" - 1 };

/* Cuts the one of @endings off @name; whether there was one, before which something stands. */
static gboolean
cut_ending (char *name, const char *const *endings)
{
    for (; *endings; endings++) {
        if (g_str_has_suffix (name, *endings) && strlen (name) > strlen (*endings)) {
            name[strlen (name) - strlen (*endings)] = '\0';
            return TRUE;
        }
    }
    return FALSE;
}

char *
tool_pack_each_name (const char *folder, const char *path)
{
    g_autofree char *whole = g_path_get_basename (path);
    g_autofree char *name = g_strdup (whole);
    g_autofree char *file = NULL;
    const char *number = "";
    size_t length = strlen (whole);

    if (fnmatch ("?*" NUMBER_OF, whole, 0) == 0) {
        number = whole + length - NUMBER_OF_SIZE;
        name[length - NUMBER_OF_SIZE] = '\0';
    } else {
        cut_ending (name, compressions);
    }
    if (!cut_ending (name, kinds)) {
        number = "";
        file = g_strconcat (whole, ".array_record", NULL);
    } else {
        file = g_strconcat (name, ".array_record", number, NULL);
    }
    return g_build_filename (folder, file, NULL);
}

/* ---- all of them ---- */

void
tool_pack_each_begin (ToolPackEach *each, const char *folder)
{
    *each = (ToolPackEach){.folder = folder,
                           .outs = g_ptr_array_new_with_free_func (g_free),
                           .seen = g_hash_table_new (g_str_hash, g_str_equal)};
}

void
tool_pack_each_clear (ToolPackEach *each)
{
    g_clear_pointer (&each->seen, g_hash_table_unref);
    g_clear_pointer (&each->outs, g_ptr_array_unref);
}

bool
tool_pack_each_add (ToolPackEach *each, const char *path, GError **error)
{
    char *out = tool_pack_each_name (each->folder, path);

    g_ptr_array_add (each->outs, out);
    return g_hash_table_add (each->seen, out) ||
           arec_fail (error, AREC_ERROR_INVALID, "%s: two inputs would become this file", out);
}

bool
tool_pack_each_check (const ToolPackEach *each, bool replace, GError **error)
{
    const ArecOutputOptions options = {.replace = replace};

    /* Else there is nothing in the way. */
    if (!g_file_test (each->folder, G_FILE_TEST_IS_DIR)) {
        return true;
    }
    for (guint i = 0; i < each->outs->len; i++) {
        if (!arec_output_check (g_ptr_array_index (each->outs, i), &options, error)) {
            return false;
        }
    }
    return true;
}

bool
tool_pack_each_make_folder (const ToolPackEach *each, GError **error)
{
    return mkdir (each->folder, 0777) == 0 ||
           (errno == EEXIST && g_file_test (each->folder, G_FILE_TEST_IS_DIR)) ||
           arec_fail (error, AREC_ERROR_IO, "%s: cannot make the folder: %s", each->folder,
                      g_strerror (errno));
}

unsigned
tool_pack_each_share (const ToolPackEach *each, const ArecWriterOptions *options,
                      ArecWriterOptions *share)
{
    unsigned n_threads =
        options->max_parallelism > 0 ? options->max_parallelism : g_get_num_processors();
    uint64_t n = MIN (MIN (n_threads, each->outs->len), options->max_memory / LEAST_MEMORY);

    n = MAX (n, 1);
    *share = *options;
    share->max_parallelism = (uint32_t)MAX (n_threads / n, 1);
    share->max_memory = MAX (options->max_memory / n, 1);
    return (unsigned)n;
}
