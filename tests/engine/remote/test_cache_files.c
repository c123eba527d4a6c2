/* Which files of a disk cache count, and which go first. */
#include "remote/cache_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#include "files.h"

#define ONE "0123456789abcdef0123456789abcdef"
#define OTHER "fedcba9876543210fedcba9876543210"

typedef struct {
    char *root;
    int fd;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
    (void)data;
    fixture->root = g_dir_make_tmp ("arec-test-XXXXXX", NULL);
    fixture->fd = open (fixture->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    mkdirat (fixture->fd, ONE, 0700);
    mkdirat (fixture->fd, OTHER, 0700);
    mkdirat (fixture->fd, "names", 0700);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{

    (void)data;
    close (fixture->fd);
    test_tree_remove (fixture->root);
    g_free (fixture->root);
}

/* A file of @n blocks of 4 KiB, and its mtime; returns what it takes of the disk. */
static uint64_t
put (Fixture *fixture, const char *name, size_t n, time_t mtime)
{
    const struct timespec times[2] = {{.tv_sec = mtime}, {.tv_sec = mtime}};
    g_autofree char *bytes = g_malloc (n * 4096);
    int fd = openat (fixture->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct stat st;

    memset (bytes, 'x', n * 4096);
    g_assert_cmpint (write (fd, bytes, n * 4096), ==, (ssize_t)(n * 4096));
    fsync (fd); /* now it has its blocks */
    g_assert_cmpint (futimens (fd, times), ==, 0);
    g_assert_cmpint (fstat (fd, &st), ==, 0);
    close (fd);
    return (uint64_t)st.st_blocks * 512;
}

static bool
exists (Fixture *fixture, const char *name)
{
    return faccessat (fixture->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void
test_measure (Fixture *fixture, gconstpointer data)
{
    ArecCacheTally tally;
    uint64_t size = 0;

    (void)data;
    g_assert_true (arec_cache_files_trim (fixture->fd, UINT64_MAX, &tally));
    g_assert_cmpuint (tally.size, ==, 0);
    size += put (fixture, ONE "/00000000", 3, 1);
    size += put (fixture, ONE "/ffffffff", 1, 1);
    size += put (fixture, OTHER "/00000000", 2, 1);
    size += put (fixture, "names/" ONE, 1, 1);
    size += put (fixture, "names/new-0123456789abcdef", 1, 1); /* a crash has left it */
    g_assert_true (arec_cache_files_trim (fixture->fd, UINT64_MAX, &tally));
    g_assert_cmpuint (tally.size, ==, size);
    g_assert_cmpuint (tally.evicted, ==, 0);
}

static void
test_order (Fixture *fixture, gconstpointer data)
{
    ArecCacheTally tally;
    uint64_t total = 0, oldest;

    (void)data;
    total += put (fixture, ONE "/00000000", 25, 300);
    oldest = put (fixture, ONE "/00000001", 25, 100);
    total += put (fixture, OTHER "/00000000", 25, 200);
    total += put (fixture, "names/" ONE, 25, 400);

    /* At most 95 % are left. */
    g_assert_true (
        arec_cache_files_trim (fixture->fd, (total + oldest) * 100 / 95 + 200, &tally));
    g_assert_cmpuint (tally.evicted, ==, 0);
    g_assert_true (arec_cache_files_trim (fixture->fd, total + oldest, &tally));
    g_assert_cmpuint (tally.evicted, ==, oldest);
    g_assert_cmpuint (tally.size, ==, total);
    g_assert_false (exists (fixture, ONE "/00000001"));
    g_assert_true (exists (fixture, ONE "/00000000"));

    g_assert_true (arec_cache_files_trim (fixture->fd, total - 1, &tally));
    g_assert_false (exists (fixture, OTHER)); /* it was empty then */
    g_assert_true (exists (fixture, ONE "/00000000"));
    g_assert_true (exists (fixture, "names/" ONE));

    g_assert_true (arec_cache_files_trim (fixture->fd, 0, &tally));
    g_assert_cmpuint (tally.size, ==, 0);
    g_assert_false (exists (fixture, ONE));
    g_assert_false (exists (fixture, "names/" ONE));
    g_assert_true (exists (fixture, "names"));
}

/* What the cache has not made stays, and is not counted. */
static void
test_strangers (Fixture *fixture, gconstpointer data)
{
    static const char *const names[] = {
        "key",
        "0123",
        ONE "/000000000",
        ONE "/0000000G",
        ONE "/.hidden",
        "names/0123456789abcdef0123456789abcdef0",
        "stranger/00000000",
    };
    ArecCacheTally tally;

    (void)data;
    mkdirat (fixture->fd, "stranger", 0700);
    mkdirat (fixture->fd, ONE "/00000002", 0700);
    for (size_t i = 0; i < G_N_ELEMENTS (names); i++) {
        put (fixture, names[i], 1, 1);
    }
    put (fixture, "00000000", 1, 1);
    g_assert_cmpint (symlinkat ("../00000000", fixture->fd, ONE "/00000001"), ==, 0);
    g_assert_cmpint (symlinkat ("stranger", fixture->fd, "00000000000000000000000000000000"),
                     ==, 0);
    g_assert_true (arec_cache_files_trim (fixture->fd, 0, &tally));
    g_assert_cmpuint (tally.size, ==, 0);
    g_assert_cmpuint (tally.evicted, ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS (names); i++) {
        g_assert_true (exists (fixture, names[i]));
    }
    g_assert_true (exists (fixture, "00000000"));
    g_assert_true (exists (fixture, ONE "/00000002"));
}

static void
test_no_folder (Fixture *fixture, gconstpointer data)
{
    ArecCacheTally tally = {.size = 7};

    (void)data;
    g_assert_false (arec_cache_files_trim (-1, 0, &tally));
    g_assert_cmpint (errno, ==, EBADF);
    g_assert_cmpuint (tally.size, ==, 7);
    (void)fixture;
}

#define ADD(name, function)                                                                    \
    g_test_add ("/cache_files/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    ADD ("measure", test_measure);
    ADD ("order", test_order);
    ADD ("strangers", test_strangers);
    ADD ("no-folder", test_no_folder);
    return g_test_run();
}
