/* Prefixes and patterns of buckets: which files they mean, their names, and what is noted. */
#include "naming/source_bucket.h"

#include <string.h>
#include <sys/stat.h>

#include <arec/error.h>

#include "bucket.h"
#include "naming/source_list.h"

#define LONG                                                                                   \
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567" \
    "8901234567890123456789012345678901234567890123456789012345678901234567890123456789012345" \
    "6"

/* Sorted, as a server gives them. */
static const char *const keys[] = {
    "/d/x.array_record",
    "d",
    "d/",
    "d//x.array_record",
    "d/..array_record",
    "d/../x.array_record",
    "d/./x.array_record",
    "d/.git/x.array_record",
    "d/.x.array_record",
    "d/" LONG LONG ".array_record",
    "d/a.array_record",
    "d/a.array_record-00000-of-00002",
    "d/a.array_record/b/c.arrayrecord",
    "d/a.array_record/b/c.array_record",
    "d/a.json",
    "d/e/",
    "d/e/train-0.array_record",
    "d/e/train-1.array_record",
    "d/e/train-1.array_record.md5",
    "d/f/train-2.array_record",
    "d/x.rec",
    "d/x.riegeli/",
    "d2/\xff?[1].array_record",
    "d2/y.array_record",
};

typedef struct {
    TestBucket bucket;
    ArecSourceList *list;
} Fixture;

static void
set_up (Fixture *fixture, const void *data)
{
    (void)data;
    fixture->bucket = (TestBucket){.keys = keys, .n = G_N_ELEMENTS (keys), .page_size = 5};
    fixture->list = arec_source_list_new();
    fixture->list->pages = test_bucket_pages (&fixture->bucket);
}

static void
tear_down (Fixture *fixture, const void *data)
{
    (void)data;
    arec_source_list_unref (fixture->list);
    test_bucket_reset (&fixture->bucket);
}

/* Adds @text. Returns the names, each with `|` after it. */
static char *
add (Fixture *fixture, const char *text, ArecSourceForm expected)
{
    size_t i = arec_source_list_length (fixture->list);
    GString *names = g_string_new (NULL);
    GError *error = NULL;
    ArecSourceForm form;

    arec_source_list_add (fixture->list, text, &form, &error);
    g_assert_no_error (error);
    g_assert_cmpint (form, ==, expected);
    for (; i < arec_source_list_length (fixture->list); i++) {
        const ArecSourceFile *file = arec_source_list_get (fixture->list, i);

        g_assert_cmpint (file->form, ==, expected);
        g_assert_cmpstr (arec_source_file_url (file), ==, file->path);
        g_assert_cmpint (arec_source_file_directory (file), ==, -1);
        g_string_append_printf (names, "%s|", file->name);
    }
    return g_string_free (names, FALSE);
}

static void
check (Fixture *fixture, const char *text, ArecSourceForm form, const char *expected)
{
    g_autofree char *names = add (fixture, text, form);

    g_assert_cmpstr (names, ==, expected);
}

static void
check_note (Fixture *fixture, size_t i, const char *path, const char *reason)
{
    const ArecSourceNote *note = arec_source_list_note (fixture->list, i);

    g_assert_cmpint (note->kind, ==, AREC_NOTE_LEFT_OUT);
    g_assert_cmpstr (note->path, ==, path);
    g_assert_cmpstr (note->reason, ==, reason);
}

static void
check_failure (Fixture *fixture, const char *text, ArecError code, const char *message)
{
    g_autoptr (GError) error = NULL;
    size_t n = arec_source_list_length (fixture->list);

    g_assert_false (arec_source_list_add (fixture->list, text, NULL, &error));
    g_assert_error (error, AREC_ERROR, (gint)code);
    g_assert_cmpstr (error->message, ==, message);
    g_assert_cmpuint (arec_source_list_length (fixture->list), ==, n);
}

static void
test_prefix (Fixture *fixture, const void *data)
{
    const ArecSourceObject *object;
    const ArecSourceFile *file;
    struct stat st;

    (void)data;
    check (fixture, "s3://b/d/", AREC_SOURCE_DIRECTORY,
           "a.array_record-00000-of-00002|a.array_record/b/c.array_record|"
           "a.array_record/b/c.arrayrecord|e/train-0.array_record|e/train-1.array_record|"
           "f/train-2.array_record|");
    g_assert_cmpuint (arec_source_list_n_notes (fixture->list), ==, 2);
    check_note (fixture, 0, "s3://b/d/",
                "1 objects whose keys are also those of directories, such as d/a.array_record");
    check_note (fixture, 1, "s3://b/d/",
                "4 keys that no directory can have, such as d//x.array_record");
    file = arec_source_list_get (fixture->list, 3);
    g_assert_cmpstr (file->path, ==, "s3://b/d/e/train-0.array_record");
    object = arec_source_file_object (file);
    g_assert_true (object->is_listed);
    g_assert_cmpuint (object->size, ==, 116);
    g_assert_cmpint (object->modified, ==, 1704164645);
    g_assert_true (arec_source_list_stat (fixture->list, 3, false, &st, NULL));
    g_assert_cmpuint (st.st_mode, ==, S_IFREG | 0444);
    g_assert_cmpint (st.st_size, ==, 116);
    g_assert_cmpint (st.st_mtim.tv_sec, ==, 1704164645);
    g_assert_true (arec_source_list_stat_directory (fixture->list, 3, "e", &st, NULL));
    g_assert_cmpuint (st.st_mode, ==, S_IFDIR | 0555);
    g_assert_cmpuint (fixture->bucket.n_pages, ==, 4); /* once, whatever is asked later */

    /* A set of shards with a hole. */
    arec_source_list_check_shards (fixture->list);
    g_assert_cmpuint (arec_source_list_n_notes (fixture->list), ==, 3);
    g_assert_cmpint (arec_source_list_note (fixture->list, 2)->kind, ==, AREC_NOTE_SHARDS);
}

static void
test_what_a_directory_is (Fixture *fixture, const void *data)
{
    (void)data;
    g_assert_true (arec_source_is_directory ("s3://b/d/"));
    g_assert_true (arec_source_is_directory ("gs://b"));
    g_assert_true (arec_source_is_directory ("/"));
    g_assert_false (arec_source_is_directory ("s3://b/d"));
    g_assert_false (arec_source_is_directory ("s3://b/d/*"));
    g_assert_false (arec_source_is_directory ("s3://b/d@3"));
    g_assert_false (arec_source_is_directory ("https://h/d/"));
    g_assert_false (arec_source_is_directory ("absent"));
    g_assert_cmpuint (fixture->bucket.n_pages, ==, 0);
}

static void
test_whole_bucket (Fixture *fixture, const void *data)
{
    static const char *const plain[] = {"c.array_record", "d/a.array_record"};

    (void)data;
    fixture->bucket.keys = plain;
    fixture->bucket.n = G_N_ELEMENTS (plain);
    check (fixture, "gs://b", AREC_SOURCE_DIRECTORY, "c.array_record|d/a.array_record|");
    check (fixture, "s3://b/", AREC_SOURCE_DIRECTORY, "c.array_record|d/a.array_record|");
    g_assert_cmpstr (arec_source_list_get (fixture->list, 1)->path, ==,
                     "gs://b/d/a.array_record");
    g_assert_cmpuint (
        arec_source_file_object (arec_source_list_get (fixture->list, 1))->generation, ==,
        1001);
    g_assert_cmpuint (arec_source_list_n_notes (fixture->list), ==, 0);
    /* An empty first part. */
    fixture->bucket.keys = keys;
    fixture->bucket.n = 1;
    check (fixture, "s3://b//d/", AREC_SOURCE_DIRECTORY, "x.array_record|");
}

static void
test_patterns_of_names (Fixture *fixture, const void *data)
{
    (void)data;
    arec_source_list_add_pattern (fixture->list, "*.rec");
    check (fixture, "gs://b/d/", AREC_SOURCE_DIRECTORY,
           "a.array_record-00000-of-00002|a.array_record/b/c.array_record|"
           "a.array_record/b/c.arrayrecord|e/train-0.array_record|e/train-1.array_record|"
           "f/train-2.array_record|x.rec|");
}

/* Shards of one name in two buckets are two sets. */
static void
test_sets_of_two_buckets (Fixture *fixture, const void *data)
{
    static const char *const first[] = {"x.array_record-00000-of-00002"};
    static const char *const second[] = {"x.array_record-00001-of-00002"};

    (void)data;
    fixture->bucket.n = 1;
    fixture->bucket.keys = first;
    check (fixture, "s3://b", AREC_SOURCE_DIRECTORY, "x.array_record-00000-of-00002|");
    fixture->bucket.keys = second;
    check (fixture, "s3://c/*", AREC_SOURCE_GLOB, "x.array_record-00001-of-00002|");
    arec_source_list_check_shards (fixture->list);
    g_assert_cmpuint (arec_source_list_n_notes (fixture->list), ==, 2);
    g_assert_cmpstr (arec_source_list_note (fixture->list, 0)->path, ==,
                     "s3://b/x.array_record-\?\?\?\?\?-of-00002");
}

static void
test_globs (Fixture *fixture, const void *data)
{
    (void)data;
    check (fixture, "s3://b/d/e/train-*.array_record", AREC_SOURCE_GLOB,
           "train-0.array_record|train-1.array_record|");
    g_assert_nonnull (strstr (fixture->bucket.last, "delimiter=/&"));
    g_assert_nonnull (strstr (fixture->bucket.last, "prefix=d/e/train-&"));
    check (fixture, "s3://b/d/?/train-[12].array_record", AREC_SOURCE_GLOB,
           "train-1.array_record|train-2.array_record|");
    g_assert_null (strstr (fixture->bucket.last, "delimiter"));
    check (fixture, "s3://b/d*/y.array_record", AREC_SOURCE_GLOB, "y.array_record|");
    /* Whatever matches is meant, as with glob (); but no slash, no dot, and no directory. */
    check (fixture, "gs://b/d/[!a0]*", AREC_SOURCE_GLOB, "x.rec|");
    check (fixture, "gs://b/d/.x*", AREC_SOURCE_GLOB, ".x.array_record|");
    check (fixture, "s3://b/d2/\xff\\?[[]1*", AREC_SOURCE_GLOB, "\xff?[1].array_record|");
    g_assert_cmpuint (arec_source_list_n_notes (fixture->list), ==, 0);
    check_failure (fixture, "s3://b/d/e*", AREC_ERROR_NOT_FOUND,
                   "s3://b/d/e*: no object matches");
}

static void
test_range_of_a_glob (Fixture *fixture, const void *data)
{
    (void)data;
    check (fixture, "s3://b/d/e/*.array_record[5:9]", AREC_SOURCE_GLOB,
           "train-0.array_record|train-1.array_record|");
    g_assert_true (arec_source_list_get (fixture->list, 1)->has_range);
    g_assert_cmpint (arec_source_list_get (fixture->list, 1)->range.first, ==, 5);
    check_failure (fixture, "s3://b/d/[5:9]", AREC_ERROR_INVALID,
                   "s3://b/d/: a range of records needs a file, but this is a directory");
}

/* A match whose name no directory can have. */
static void
test_long_name (Fixture *fixture, const void *data)
{
    (void)data;
    check_failure (fixture, "s3://b/d/0*", AREC_ERROR_NOT_FOUND,
                   "s3://b/d/0*: no object matches");
    check (fixture, "s3://b/d/[0x]*", AREC_SOURCE_GLOB, "x.rec|");
    check_note (fixture, 0, "s3://b/d/[0x]*",
                "1 keys that no directory can have, such as d/" LONG LONG ".array_record");
}

static void
test_failures (Fixture *fixture, const void *data)
{
    (void)data;
    check_failure (fixture, "s3://b/none/", AREC_ERROR_NOT_FOUND,
                   "no ArrayRecord files below s3://b/none/");
    fixture->bucket.failure = AREC_ERROR_NOT_FOUND;
    fixture->bucket.fails_at = 3;
    test_bucket_reset (&fixture->bucket);
    check_failure (fixture, "s3://b/d/", AREC_ERROR_NOT_FOUND, "b: no page 3");
    g_assert_cmpuint (arec_source_list_n_notes (fixture->list), ==, 0);
    fixture->list->pages = (ArecBucketPages){0};
    check_failure (fixture, "s3://b/d/", AREC_ERROR_UNSUPPORTED,
                   "s3://b/d/: buckets are not listed here");
}

/* A failed addition leaves no objects behind; those after it are right. */
static void
test_after_a_failure (Fixture *fixture, const void *data)
{
    (void)data;
    check (fixture, "gs://b/d/e/*.array_record", AREC_SOURCE_GLOB,
           "train-0.array_record|train-1.array_record|");
    check_failure (fixture, "s3://b/d/e*", AREC_ERROR_NOT_FOUND,
                   "s3://b/d/e*: no object matches");
    check (fixture, "gs://b/d/f/*.array_record", AREC_SOURCE_GLOB, "train-2.array_record|");
    g_assert_cmpuint (arec_source_file_object (arec_source_list_get (fixture->list, 2))->size,
                      ==, 119);
    g_assert_cmpuint (arec_source_file_object (arec_source_list_get (fixture->list, 0))->size,
                      ==, 116);
}

/* ---- many ---- */

static void
write_key (size_t i, char *key, size_t room)
{
    g_snprintf (key, room, "d/%03zu/train-%06zu.array_record", i / 1000, i);
}

/* 200,000 files in order; each takes its text, and 128 bytes at most. */
static void
test_many (Fixture *fixture, const void *data)
{
    (void)data;
    fixture->bucket = (TestBucket){.n = 200000, .write_key = write_key, .page_size = 50000};
    g_assert_true (arec_source_list_add (fixture->list, "s3://b/d/", NULL, NULL));
    g_assert_cmpuint (arec_source_list_length (fixture->list), ==, 200000);
    g_assert_cmpuint (fixture->bucket.n_pages, ==, 4);
    for (size_t i = 0; i < 200000; i += 777) {
        const ArecSourceFile *file = arec_source_list_get (fixture->list, i);
        g_autofree char *name = g_strdup_printf ("%03zu/train-%06zu.array_record", i / 1000, i);

        g_assert_cmpstr (file->name, ==, name);
        g_assert_cmpuint (arec_source_file_object (file)->size, ==, 100 + i);
    }
    g_assert_cmpuint (sizeof (ArecSourceFile) + sizeof (ArecSourceObject), <=, 128);
}

static int
compare (const void *a, const void *b)
{
    return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/* Keys, each of which begins with the one before, and a set that shadows: a model decides. */
static void
test_shadowed_at_random (Fixture *fixture, const void *data)
{
    (void)data;
    for (int round = 0; round < 300; round++) {
        g_autoptr (GPtrArray) made = g_ptr_array_new_with_free_func (g_free);
        GString *expected = g_string_new (NULL);
        g_autofree char *got = NULL;
        int n = g_test_rand_int_range (1, 12);

        for (int i = 0; i < n; i++) {
            GString *key = g_string_new ("p/");

            for (int depth = g_test_rand_int_range (0, 3); depth > 0; depth--) {
                g_string_append (key, g_test_rand_bit() ? "a.arrayrecord/" : "a/");
            }
            g_string_append_printf (key, "a.array%srecord", g_test_rand_bit() ? "_" : "");
            if (!g_ptr_array_find_with_equal_func (made, key->str, g_str_equal, NULL)) {
                g_ptr_array_add (made, g_string_free (key, FALSE));
            } else {
                g_string_free (key, TRUE);
            }
        }
        g_ptr_array_sort (made, compare);
        for (guint i = 0; i < made->len; i++) {
            g_autofree char *below = g_strconcat (made->pdata[i], "/", NULL);
            bool is_shadowed = false;

            for (guint k = 0; k < made->len; k++) {
                is_shadowed = is_shadowed || g_str_has_prefix (made->pdata[k], below);
            }
            if (!is_shadowed) {
                g_string_append_printf (expected, "%s|", (char *)made->pdata[i] + 2);
            }
        }
        fixture->bucket.keys = (const char *const *)made->pdata;
        fixture->bucket.n = made->len;
        got = add (fixture, "s3://b/p/", AREC_SOURCE_DIRECTORY);
        g_assert_cmpstr (got, ==, expected->str);
        g_string_free (expected, TRUE);
    }
}

#define TEST(name, function)                                                                   \
    g_test_add ("/source_bucket/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    TEST ("prefix", test_prefix);
    TEST ("what_a_directory_is", test_what_a_directory_is);
    TEST ("whole_bucket", test_whole_bucket);
    TEST ("patterns_of_names", test_patterns_of_names);
    TEST ("sets_of_two_buckets", test_sets_of_two_buckets);
    TEST ("globs", test_globs);
    TEST ("range_of_a_glob", test_range_of_a_glob);
    TEST ("long_name", test_long_name);
    TEST ("failures", test_failures);
    TEST ("after_a_failure", test_after_a_failure);
    TEST ("many", test_many);
    TEST ("shadowed_at_random", test_shadowed_at_random);
    return g_test_run();
}
