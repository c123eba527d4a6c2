/* Names of records through the reader: read when they are asked for, once; those that cannot be
 * used fail each time and cost no record. */
#include <arec/arec.h>

#include <string.h>

#include "files.h"
#include "forge.h"

#include "dataset/engine.h"
#include "riegeli/chunk_reader.h"

static const TestForgeRecord records[] = {{"one", 3}, {"two", 3}};

/* The path of a file of two records, and a chunk of names unless @body is NULL. */
static char *
write_file (const char *body, size_t size)
{
    g_autoptr (TestForge) forge = test_forge_new();

    test_forge_records (forge, AREC_COMPRESSION_NONE, records, G_N_ELEMENTS (records));
    if (body) {
        test_forge_chunk (
            forge,
            &(TestForgeChunk){.type = AREC_CHUNK_NAMES, .data = body, .data_size = size});
    }
    test_forge_finish (forge);
    return test_file_write ("x.array_record", forge->file->data, forge->file->len);
}

static uint64_t
n_reads (ArecEngine *engine)
{
    ArecEngineStats stats;

    arec_engine_get_stats (engine, &stats);
    return stats.source_reads;
}

static ArecReader *
open_file (ArecEngine *engine, const char *path)
{
    g_autoptr (GError) error = NULL;
    ArecReader *reader = arec_reader_open (engine, path, NULL, &error);

    g_assert_no_error (error);
    return reader;
}

static void
check_names (ArecReader *reader, size_t file, const char *first, const char *second)
{
    g_autoptr (ArecStoredNames) names = NULL;
    g_autoptr (GError) error = NULL;

    g_assert_true (arec_stored_names_load (reader, file, &names, &error));
    g_assert_no_error (error);
    g_assert_nonnull (names);
    g_assert_cmpstr (arec_stored_names_get (names, 0), ==, first);
    g_assert_cmpstr (arec_stored_names_get (names, 1), ==, second);
}

static void
test_once (void)
{
    static const char body[] = "\0a\0b/c";
    char *path = write_file (body, sizeof body);
    g_autoptr (ArecEngine) engine = arec_engine_new (NULL);
    g_autoptr (ArecReader) reader = open_file (engine, path);
    uint64_t opened = n_reads (engine), loaded;

    check_names (reader, 0, "a", "b/c");
    loaded = n_reads (engine);
    g_assert_cmpuint (loaded, >, opened);
    check_names (reader, 0, "a", "b/c");
    g_assert_cmpuint (n_reads (engine), ==, loaded);
    test_file_remove (path);
}

static void
test_none (void)
{
    char *path = write_file (NULL, 0);
    g_autoptr (ArecEngine) engine = arec_engine_new (NULL);
    g_autoptr (ArecReader) reader = open_file (engine, path);
    uint64_t loaded = 0;

    for (unsigned i = 0; i < 2; i++) {
        ArecStoredNames *names;

        g_assert_true (arec_stored_names_load (reader, 0, &names, NULL));
        g_assert_null (names);
        g_assert_true (i == 0 || n_reads (engine) == loaded);
        loaded = n_reads (engine);
    }
    test_file_remove (path);
}

static void
test_unusable (void)
{
    char *path = write_file ("\0a", 3);
    g_autoptr (ArecEngine) engine = arec_engine_new (NULL);
    g_autoptr (ArecReader) reader = open_file (engine, path);
    g_auto (ArecView) view = {0};
    uint64_t loaded = 0;

    for (unsigned i = 0; i < 2; i++) {
        g_autoptr (GError) error = NULL;
        ArecStoredNames *names = NULL;

        g_assert_false (arec_stored_names_load (reader, 0, &names, &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
        g_assert_true (arec_error_is_of_bytes (error));
        g_assert_nonnull (strstr (error->message, "1 names for 2 records"));
        g_assert_null (names);
        g_assert_true (i == 0 || n_reads (engine) == loaded);
        loaded = n_reads (engine);
    }
    g_assert_true (arec_reader_read (reader, 1, &view, NULL));
    g_assert_cmpmem (view.data, view.size, "two", 3);
    test_file_remove (path);
}

/* Names for which this process can never have the memory are ones that cannot be used, as those
 * beyond a limit; they can as soon as there is room. */
static void
test_no_room (void)
{
    static const char body[] = "\0a\0b";
    const int64_t most = INT64_MAX / 4;
    char *path = write_file (body, sizeof body);
    g_autoptr (ArecEngine) engine = arec_engine_new (NULL);
    g_autoptr (ArecReader) reader = open_file (engine, path);
    g_autoptr (GError) error = NULL;
    ArecStoredNames *names = NULL;

    arec_chunk_cache_charge (engine->cache, most);
    g_assert_false (arec_stored_names_load (reader, 0, &names, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_LIMIT);
    g_assert_true (arec_error_is_of_bytes (error));
    g_assert_nonnull (strstr (error->message, "this process may use 0 for that"));
    g_assert_null (names);
    arec_chunk_cache_charge (engine->cache, -most);
    check_names (reader, 0, "a", "b");
    test_file_remove (path);
}

/* They outlive the reader and the engine. */
static void
test_life (void)
{
    static const char body[] = "\0a\0b";
    char *path = write_file (body, sizeof body);
    ArecEngine *engine = arec_engine_new (NULL);
    ArecReader *reader = open_file (engine, path);
    g_autoptr (ArecStoredNames) names = NULL;

    g_assert_true (arec_stored_names_load (reader, 0, &names, NULL));
    arec_reader_unref (reader);
    arec_engine_unref (engine);
    g_assert_cmpstr (arec_stored_names_get (names, 1), ==, "b");
    test_file_remove (path);
}

/* Each file of a sequence has its own, by the numbers in the file. */
static void
test_several (void)
{
    static const char body[] = "\0a\0b", other[] = "\0c\0d";
    char *path = write_file (body, sizeof body), *second = write_file (other, sizeof other);
    g_autofree char *part = g_strconcat (second, "[1:]", NULL);
    g_autoptr (ArecEngine) engine = arec_engine_new (NULL);
    g_autoptr (ArecSourceList) list = arec_source_list_new();
    g_autoptr (ArecReader) reader = NULL;

    g_assert_true (arec_source_list_add (list, path, NULL, NULL));
    g_assert_true (arec_source_list_add (list, part, NULL, NULL));
    reader = arec_reader_open_list (engine, list, 0, 2, NULL, NULL);
    g_assert_nonnull (reader);
    check_names (reader, 0, "a", "b");
    check_names (reader, 1, "c", "d");
    test_file_remove (path);
    test_file_remove (second);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/stored_names/once", test_once);
    g_test_add_func ("/stored_names/none", test_none);
    g_test_add_func ("/stored_names/unusable", test_unusable);
    g_test_add_func ("/stored_names/no_room", test_no_room);
    g_test_add_func ("/stored_names/life", test_life);
    g_test_add_func ("/stored_names/several", test_several);
    return g_test_run();
}
