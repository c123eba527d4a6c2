#include "source/beneath.h"

#include <errno.h>
#include <ftw.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

enum { STRANGER = 4711 };

/* Every test has its own directory, which is the working directory: files are opened below
 * `top`, and `out` lies beside it. */
typedef struct {
    char *directory;
    int top;
} Fixture;

static void
make (const char *path)
{
    g_autofree char *parent = g_path_get_dirname (path);

    g_assert_cmpint (g_mkdir_with_parents (parent, 0755), ==, 0);
    g_assert_true (g_file_set_contents (path, path, -1, NULL));
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
    (void)data;
    fixture->directory = g_dir_make_tmp ("arec-beneath-XXXXXX", NULL);
    g_assert_nonnull (fixture->directory);
    g_assert_cmpint (chdir (fixture->directory), ==, 0);
    make ("top/a/b/x");
    make ("top/private/y");
    make ("out/z");
    make ("out/sub/w");
    g_assert_cmpint (chmod ("top/private", 0700), ==, 0);
    fixture->top = open ("top", O_PATH | O_DIRECTORY | O_CLOEXEC);
    g_assert_cmpint (fixture->top, >=, 0);
}

static int
remove_entry (const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove (path);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
    (void)data;
    close (fixture->top);
    g_assert_cmpint (chdir ("/"), ==, 0);
    g_assert_cmpint (nftw (fixture->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS), ==, 0);
    g_free (fixture->directory);
}

/* A link of @uid. */
static void
make_link (const char *target, const char *path, uid_t uid)
{
    g_assert_cmpint (symlink (target, path), ==, 0);
    g_assert_cmpint (lchown (path, uid, (gid_t)-1), ==, 0);
}

/* Opens @name below the top: it is the file made as @path or, without, fails with @failure. */
static void
check (const Fixture *fixture, const char *name, const char *path, int failure)
{
    char text[256];
    int fd = arec_beneath_open (fixture->top, name, O_RDONLY, AREC_PASSED_BY_LINK, NULL);
    int path_fd;

    if (!path) {
        g_assert_cmpint (fd, ==, -1);
        g_assert_cmpint (errno, ==, failure);
        return;
    }
    if (fd < 0) {
        g_error ("%s: %s", name, g_strerror (errno));
    }
    g_assert_cmpmem (text, (size_t)read (fd, text, sizeof text), path, strlen (path));
    close (fd);
    path_fd = arec_beneath_open (fixture->top, name, O_PATH, AREC_PASSED_BY_LINK, NULL);
    g_assert_cmpint (path_fd, >=, 0);
    close (path_fd);
}

static bool
lacks_root (void)
{
    if (geteuid() != 0) {
        g_test_skip ("links of another user need root");
        return true;
    }
    return false;
}

static void
test_names (Fixture *fixture, gconstpointer data)
{
    int fd;

    (void)data;
    check (fixture, "a/b/x", "top/a/b/x", 0);
    check (fixture, "./a//b/./x", "top/a/b/x", 0);
    check (fixture, "a/none", NULL, ENOENT);
    check (fixture, "a/b/x/y", NULL, ENOTDIR);
    fd = arec_beneath_open (fixture->top, ".", O_RDONLY | O_DIRECTORY, AREC_PASSED_BY_LINK,
                            NULL);
    g_assert_cmpint (fd, >=, 0);
    g_assert_cmpint (faccessat (fd, "a/b/x", F_OK, 0), ==, 0);
    close (fd);
    fd = arec_beneath_open (fixture->top, "a/b/x", O_RDONLY | O_DIRECTORY, AREC_PASSED_BY_LINK,
                            NULL);
    g_assert_cmpint (fd, ==, -1);
    g_assert_cmpint (errno, ==, ENOTDIR);
}

static void
test_links_of_other_users (Fixture *fixture, gconstpointer data)
{
    g_autofree char *inside = g_build_filename (fixture->directory, "top/a/b/x", NULL);
    g_autofree char *outside = g_build_filename (fixture->directory, "out/z", NULL);
    g_autofree char *beside = g_build_filename (fixture->directory, "top-secret", NULL);

    (void)data;
    if (lacks_root()) {
        return;
    }
    make ("top-secret");
    make_link ("a/b/x", "top/down", STRANGER);
    make_link ("../b/../../a/b/x", "top/a/b/back", STRANGER);
    make_link (inside, "top/absolute", STRANGER);
    make_link ("b", "top/a/dir", STRANGER);
    make_link ("../out/z", "top/up", STRANGER);
    make_link ("../top/a/b/x", "top/up-and-back", STRANGER);
    make_link (outside, "top/away", STRANGER);
    make_link (beside, "top/prefix", STRANGER);
    make_link ("../out", "top/updir", STRANGER);
    make_link ("up", "top/chain", 0);
    make_link ("loop", "top/loop", STRANGER);
    make_link ("nowhere", "top/dangling", STRANGER);
    check (fixture, "down", "top/a/b/x", 0);
    check (fixture, "a/b/back", "top/a/b/x", 0);
    check (fixture, "absolute", "top/a/b/x", 0);
    check (fixture, "a/dir/x", "top/a/b/x", 0);
    check (fixture, "up", NULL, EXDEV);
    check (fixture, "up-and-back", NULL, EXDEV);
    check (fixture, "away", NULL, EXDEV);
    check (fixture, "prefix", NULL, EXDEV);
    check (fixture, "updir/z", NULL, EXDEV);
    check (fixture, "chain", NULL, EXDEV);
    check (fixture, "loop", NULL, ELOOP);
    check (fixture, "dangling", NULL, ENOENT);
}

/* Root's links lead anywhere, but not through links of other users. Below their targets,
 * other users' links lead further below. */
static void
test_trusted_links (Fixture *fixture, gconstpointer data)
{
    g_autofree char *outside = g_build_filename (fixture->directory, "out", NULL);

    (void)data;
    if (lacks_root()) {
        return;
    }
    make ("top-secret");
    make_link (outside, "top/given", 0);
    make_link ("../out/z", "top/file", 0);
    make_link ("given/z", "top/through", STRANGER);
    make_link ("given", "top/same", STRANGER);
    make_link ("sub/w", "out/down", STRANGER);
    make_link ("../top-secret", "out/up", STRANGER);
    make_link ("sub", "out/moving", STRANGER);
    make_link ("../out/moving/w", "top/led", 0);
    check (fixture, "given/z", "out/z", 0);
    check (fixture, "file", "out/z", 0);
    check (fixture, "same/z", "out/z", 0);
    check (fixture, "given/down", "out/sub/w", 0);
    check (fixture, "given/up", NULL, EXDEV);
    check (fixture, "led", NULL, EXDEV);
    /* A path below a directory that was given may be named. */
    check (fixture, "through", "out/z", 0);
}

static mode_t
mode_by (const Fixture *fixture, const char *name, ArecPassed passed)
{
    g_auto (ArecWay) way = {0};
    int fd = arec_beneath_open (fixture->top, name, O_RDONLY, passed, &way);
    struct stat st;

    g_assert_cmpint (fd, >=, 0);
    g_assert_cmpint (fstat (fd, &st), ==, 0);
    close (fd);
    return arec_access_by_way (0444, &st, &way);
}

/* A directory that only a link leads through is not shown, so its permissions must count. */
static void
test_way (Fixture *fixture, gconstpointer data)
{
    (void)data;
    make_link ("private/y", "top/link", geteuid());
    make_link ("private", "top/dir", geteuid());
    make_link ("a/b/x", "top/open", geteuid());
    g_assert_cmphex (mode_by (fixture, "private/y", AREC_PASSED_BY_LINK), ==, 0444);
    g_assert_cmphex (mode_by (fixture, "dir/y", AREC_PASSED_BY_LINK), ==, 0444);
    g_assert_cmphex (mode_by (fixture, "link", AREC_PASSED_BY_LINK), ==, 0400);
    g_assert_cmphex (mode_by (fixture, "open", AREC_PASSED_BY_LINK), ==, 0444);
    g_assert_cmphex (mode_by (fixture, "private/y", AREC_PASSED_ALL), ==, 0400);
    g_assert_cmphex (mode_by (fixture, "a/b/x", AREC_PASSED_ALL), ==, 0444);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add ("/beneath/names", Fixture, NULL, set_up, test_names, tear_down);
    g_test_add ("/beneath/links-of-other-users", Fixture, NULL, set_up,
                test_links_of_other_users, tear_down);
    g_test_add ("/beneath/trusted-links", Fixture, NULL, set_up, test_trusted_links, tear_down);
    g_test_add ("/beneath/way", Fixture, NULL, set_up, test_way, tear_down);
    return g_test_run();
}
