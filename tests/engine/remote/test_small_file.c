/* Small files: whole or not there. */
#include "remote/small_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#include "failing_calls.h"

typedef struct {
    char *folder;
    int fd;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
    (void)data;
    fixture->folder = g_dir_make_tmp ("arec-test-XXXXXX", NULL);
    fixture->fd = open (fixture->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
    (void)data;
    unlinkat (fixture->fd, "a", 0);
    close (fixture->fd);
    g_assert_cmpint (rmdir (fixture->folder), ==, 0); /* nothing else is left */
    g_free (fixture->folder);
}

static void
assert_holds (Fixture *fixture, const char *expected)
{
    char bytes[16];
    int64_t n = arec_small_file_read (fixture->fd, "a", bytes, sizeof bytes);

    g_assert_cmpint (n, ==, (int64_t)strlen (expected));
    g_assert_cmpint (memcmp (bytes, expected, strlen (expected)), ==, 0);
}

static void
test_whole (Fixture *fixture, gconstpointer data)
{
    char bytes[4];

    (void)data;
    g_assert_cmpint (arec_small_file_read (fixture->fd, "a", bytes, 4), ==, -1);
    g_assert_cmpint (errno, ==, ENOENT);
    g_assert_true (arec_small_file_write (fixture->fd, "a", "first", 5, false));
    assert_holds (fixture, "first");
    g_assert_cmpint (arec_small_file_read (fixture->fd, "a", bytes, 4), ==, 4);
    g_assert_false (arec_small_file_write (fixture->fd, "a", "second", 6, false));
    g_assert_cmpint (errno, ==, EEXIST);
    assert_holds (fixture, "first");
    g_assert_true (arec_small_file_write (fixture->fd, "a", "second", 6, true));
    assert_holds (fixture, "second");
    g_assert_true (arec_small_file_write (fixture->fd, "a", "", 0, true));
    assert_holds (fixture, "");
}

/* Whichever call fails, the old file is there or the new one, and no other. */
static void
test_failures (Fixture *fixture, gconstpointer data)
{
    bool has_failed = true;

    (void)data;
    g_assert_true (arec_small_file_write (fixture->fd, "a", "old", 3, false));
    for (int64_t i = 0; has_failed; i++) {
        bool ok;

        test_calls_begin();
        test_calls.fail_at = i;
        ok = arec_small_file_write (fixture->fd, "a", "new", 3, true);
        test_calls_end();
        has_failed = test_calls.failed;
        g_assert_true (ok || has_failed);
        assert_holds (fixture, ok ? "new" : "old");
        g_assert_true (arec_small_file_write (fixture->fd, "a", "old", 3, true));
    }
    test_calls_begin();
    test_calls.short_writes = true;
    g_assert_true (arec_small_file_write (fixture->fd, "a", "0123456789", 10, true));
    test_calls_end();
    test_calls.short_writes = false;
    assert_holds (fixture, "0123456789");
}

static void
test_no_file (Fixture *fixture, gconstpointer data)
{
    char byte;

    (void)data;
    g_assert_cmpint (mkfifoat (fixture->fd, "a", 0600), ==, 0);
    g_assert_cmpint (arec_small_file_read (fixture->fd, "a", &byte, 1), ==, -1);
    g_assert_cmpint (errno, ==, EINVAL);
    unlinkat (fixture->fd, "a", 0);
    g_assert_cmpint (symlinkat ("/dev/zero", fixture->fd, "a"), ==, 0);
    g_assert_cmpint (arec_small_file_read (fixture->fd, "a", &byte, 1), ==, -1);
    g_assert_cmpint (errno, ==, ELOOP);
}

#define ADD(name, function)                                                                    \
    g_test_add ("/small_file/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    ADD ("whole", test_whole);
    ADD ("failures", test_failures);
    ADD ("no-file", test_no_file);
    return g_test_run();
}
