/* What a disk cache knows of objects by name, and what it does not believe. */
#include "remote/cache_names.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

#define URL "https://host/object?X-Signature=SECRETxyz"

typedef struct {
    char *folder, *names;
    ArecCacheDir *dir;
} Fixture;

static ArecCacheDir *
open_dir (const char *path)
{
    const ArecCacheDirOptions options = {.path = path, .max_size = 1 << 20};
    g_autoptr (GError) error = NULL;
    ArecCacheDir *dir = arec_cache_dir_new (&options, &error);

    g_assert_no_error (error);
    return dir;
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
    (void)data;
    fixture->folder = g_dir_make_tmp ("arec-test-XXXXXX", NULL);
    fixture->names = g_build_filename (fixture->folder, "arecfs-1", "names", NULL);
    fixture->dir = open_dir (fixture->folder);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{

    (void)data;
    arec_cache_dir_free (fixture->dir);
    test_tree_remove (fixture->folder);
    g_free (fixture->folder);
    g_free (fixture->names);
}

static bool
knows (Fixture *fixture, const char *url, const char *endpoint)
{
    g_auto (ArecCacheName) name = {0};

    return arec_cache_names_get (fixture->dir, url, endpoint, &name);
}

static void
assert_kept (Fixture *fixture, const ArecCacheName *name)
{
    g_auto (ArecCacheName) found = {0};

    arec_cache_names_put (fixture->dir, URL, "", name);
    g_assert_true (arec_cache_names_get (fixture->dir, URL, "", &found));
    g_assert_cmpuint (found.size, ==, name->size);
    g_assert_cmpuint (found.generation, ==, name->generation);
    g_assert_cmpint (found.last_modified, ==, name->last_modified);
    g_assert_cmpstr (found.etag, ==, name->etag);
}

/* The path of the only file. */
static char *
only_file (Fixture *fixture)
{
    g_autoptr (GDir) dir = g_dir_open (fixture->names, 0, NULL);
    const char *name = g_dir_read_name (dir);

    g_assert_nonnull (name);
    g_assert_cmpuint (strlen (name), ==, 32);
    g_assert_null (g_dir_read_name (dir));
    return g_build_filename (fixture->names, name, NULL);
}

static void
test_kept (Fixture *fixture, gconstpointer data)
{
    g_autofree char *longest = g_strnfill (AREC_CACHE_NAME_MAX_ETAG, 'e');
    const ArecCacheName names[] = {
        {.size = 1, .etag = "\"abc\"", .generation = UINT64_MAX, .last_modified = 1700000000},
        {.size = UINT64_MAX, .etag = "W/\"\xc3\xa9\"", .last_modified = -5},
        {0},
        {.etag = longest},
    };

    (void)data;
    g_assert_false (knows (fixture, URL, ""));
    for (size_t i = 0; i < G_N_ELEMENTS (names); i++) {
        assert_kept (fixture, &names[i]);
    }
    g_assert_false (knows (fixture, URL, "http://other"));
    g_assert_false (knows (fixture, URL "z", ""));
    arec_cache_dir_free (fixture->dir);
    fixture->dir = open_dir (fixture->folder);
    g_assert_true (knows (fixture, URL, ""));
    arec_cache_names_drop (fixture->dir, URL, "");
    g_assert_false (knows (fixture, URL, ""));
    arec_cache_names_drop (fixture->dir, URL, "");
}

/* Where the one ends and the other begins makes a difference. */
static void
test_parts (Fixture *fixture, gconstpointer data)
{
    const ArecCacheName name = {.size = 1};

    (void)data;
    arec_cache_names_put (fixture->dir, "cd", "ab", &name);
    g_assert_true (knows (fixture, "cd", "ab"));
    g_assert_false (knows (fixture, "bcd", "a"));
    g_assert_false (knows (fixture, "abcd", ""));
    g_assert_false (knows (fixture, "ab\ncd", ""));
}

/* What could begin another header is not kept, and what was known is not true any more. */
static void
test_bad_etags (Fixture *fixture, gconstpointer data)
{
    g_autofree char *too_long = g_strnfill (AREC_CACHE_NAME_MAX_ETAG + 1, 'e');
    const char *etags[] = {"\"a\r\nX: y\"", "\"a\nb\"", "\"a b\"", "\x7f", "", too_long};

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS (etags); i++) {
        const ArecCacheName good = {.size = 1, .etag = "\"good\""};
        const ArecCacheName bad = {.size = 1, .etag = (char *)etags[i]};

        assert_kept (fixture, &good);
        arec_cache_names_put (fixture->dir, URL, "", &bad);
        g_assert_false (knows (fixture, URL, ""));
    }
}

static void
test_hostile (Fixture *fixture, gconstpointer data)
{
    const ArecCacheName name = {.size = 5, .etag = "\"abc\"", .last_modified = 7};
    g_autofree char *path = NULL, *bytes = NULL, *large = g_malloc0 (100000);
    size_t size;

    (void)data;
    assert_kept (fixture, &name);
    path = only_file (fixture);
    g_assert_true (g_file_get_contents (path, &bytes, &size, NULL));
    for (size_t i = 0; i < size; i++) { /* any byte, and any length */
        bytes[i] ^= 0x20;
        g_assert_true (g_file_set_contents (path, bytes, (gssize)size, NULL));
        g_assert_false (knows (fixture, URL, ""));
        bytes[i] ^= 0x20;
        g_assert_true (g_file_set_contents (path, bytes, (gssize)i, NULL));
        g_assert_false (knows (fixture, URL, ""));
    }
    memcpy (large, bytes, size);
    g_assert_true (g_file_set_contents (path, large, 100000, NULL));
    g_assert_false (knows (fixture, URL, ""));
    g_assert_true (g_file_set_contents (path, bytes, (gssize)size, NULL));
    g_assert_true (knows (fixture, URL, ""));

    /* That of another name. */
    arec_cache_names_put (fixture->dir, "https://other", "", &name);
    {
        g_autoptr (GDir) dir = g_dir_open (fixture->names, 0, NULL);
        const char *entry;

        while ((entry = g_dir_read_name (dir))) {
            g_autofree char *each = g_build_filename (fixture->names, entry, NULL);

            g_assert_true (g_file_set_contents (each, bytes, (gssize)size, NULL));
        }
    }
    g_assert_false (knows (fixture, "https://other", ""));

    unlink (path);
    g_assert_cmpint (mkfifo (path, 0600), ==, 0);
    g_assert_false (knows (fixture, URL, ""));
    unlink (path);
    g_assert_cmpint (symlink ("/dev/zero", path), ==, 0);
    g_assert_false (knows (fixture, URL, ""));
    assert_kept (fixture, &name); /* it takes the link's place */
}

/* Neither the file nor its name tells what it is about. */
static void
test_secret (Fixture *fixture, gconstpointer data)
{
    const ArecCacheName name = {.size = 5, .etag = "\"abc\""};
    g_autofree char *path = NULL, *bytes = NULL;
    struct stat st;
    size_t size;

    (void)data;
    assert_kept (fixture, &name);
    path = only_file (fixture);
    g_assert_true (g_file_get_contents (path, &bytes, &size, NULL));
    g_assert_null (memmem (bytes, size, "SECRET", 6));
    g_assert_null (memmem (bytes, size, "host", 4));
    g_assert_cmpint (stat (path, &st), ==, 0);
    g_assert_cmpuint (st.st_mode & 07777, ==, 0600);
    {
        g_autofree char *other = g_dir_make_tmp ("arec-test-XXXXXX", NULL);
        g_autofree char *names = g_build_filename (other, "arecfs-1", "names", NULL);
        Fixture another = {.folder = other, .names = names, .dir = open_dir (other)};
        g_autofree char *elsewhere = NULL, *one = g_path_get_basename (path), *two = NULL;

        assert_kept (&another, &name);
        elsewhere = only_file (&another);
        two = g_path_get_basename (elsewhere);
        g_assert_cmpstr (one, !=, two); /* the key is another */
        arec_cache_dir_free (another.dir);
        test_tree_remove (other);
    }
}

/* What is asked for is evicted last. */
static void
test_touch (Fixture *fixture, gconstpointer data)
{
    const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    const ArecCacheName name = {.size = 5};
    g_autofree char *path = NULL;
    struct stat st;

    (void)data;
    assert_kept (fixture, &name);
    path = only_file (fixture);
    g_assert_cmpint (utimensat (AT_FDCWD, path, old, 0), ==, 0);
    g_assert_true (knows (fixture, URL, ""));
    g_assert_cmpint (stat (path, &st), ==, 0);
    g_assert_cmpint (st.st_mtime, !=, 1000);
}

static void
test_off (Fixture *fixture, gconstpointer data)
{
    const ArecCacheName name = {.size = 5};

    (void)data;
    arec_cache_dir_note_failure (fixture->dir, AREC_CACHE_WRITING, "test", 28);
    arec_cache_names_put (fixture->dir, URL, "", &name);
    g_assert_false (knows (fixture, URL, ""));
}

#define ADD(name, function)                                                                    \
    g_test_add ("/cache_names/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    ADD ("kept", test_kept);
    ADD ("parts", test_parts);
    ADD ("bad-etags", test_bad_etags);
    ADD ("hostile", test_hostile);
    ADD ("secret", test_secret);
    ADD ("touch", test_touch);
    ADD ("off", test_off);
    return g_test_run();
}
