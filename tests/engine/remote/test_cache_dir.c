/* The directory of a disk cache: which are taken, what it makes there, when it is off. */
#include "remote/cache_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "files.h"

typedef struct {
    char *folder;
    char *path; /* of the cache, below it */
    unsigned n_warnings;
    char *warning;
} Fixture;

static _Atomic int64_t now;

static int64_t
clock_of_test (void)
{
    return now;
}

static void
note_warning (const char *message, void *data)
{
    Fixture *fixture = data;

    fixture->n_warnings++;
    g_free (fixture->warning);
    fixture->warning = g_strdup (message);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
    (void)data;
    now = 1;
    fixture->folder = g_dir_make_tmp ("arec-test-XXXXXX", NULL);
    fixture->path = g_build_filename (fixture->folder, "cache", NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{

    (void)data;
    test_tree_remove (fixture->folder);
    g_free (fixture->folder);
    g_free (fixture->path);
    g_free (fixture->warning);
}

static ArecCacheDir *
open_dir (Fixture *fixture, const char *path, GError **error)
{
    const ArecCacheDirOptions options = {.path = path,
                                         .max_size = 8 << 20,
                                         .warn = note_warning,
                                         .warn_data = fixture,
                                         .now = clock_of_test};

    return arec_cache_dir_new (&options, error);
}

static void
assert_opens (Fixture *fixture, const char *path)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecCacheDir) dir = open_dir (fixture, path, &error);

    g_assert_no_error (error);
    g_assert_nonnull (dir);
}

/* Returns the message. */
static char *
assert_refused (Fixture *fixture, const char *path)
{
    g_autoptr (GError) error = NULL;

    g_assert_null (open_dir (fixture, path, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
    g_assert_cmpint (arec_error_exit_code (error), ==, 2);
    return g_strdup (error->message);
}

static mode_t
mode_of (const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename (folder, name, NULL);
    struct stat st;

    g_assert_cmpint (lstat (path, &st), ==, 0);
    return st.st_mode;
}

static void
test_modes (Fixture *fixture, gconstpointer data)
{
    const mode_t mask = umask (0);

    (void)data;
    assert_opens (fixture, fixture->path);
    umask (mask);
    g_assert_cmpuint (mode_of (fixture->path, "."), ==, S_IFDIR | 0700);
    g_assert_cmpuint (mode_of (fixture->path, "arecfs-1"), ==, S_IFDIR | 0700);
    g_assert_cmpuint (mode_of (fixture->path, "arecfs-1/names"), ==, S_IFDIR | 0700);
    g_assert_cmpuint (mode_of (fixture->path, "arecfs-1/key"), ==, S_IFREG | 0600);
    g_assert_cmpuint (mode_of (fixture->path, "arecfs-1/lock"), ==, S_IFREG | 0600);
    assert_opens (fixture, fixture->path);
    g_assert_cmpint (chmod (fixture->path, 0755), ==, 0); /* nobody else may write */
    assert_opens (fixture, fixture->path);
}

static void
test_parents (Fixture *fixture, gconstpointer data)
{
    g_autofree char *deep = g_build_filename (fixture->path, "a", "b", NULL);
    g_autofree char *slashes = g_strconcat (deep, "///", NULL);

    (void)data;
    assert_opens (fixture, slashes);
    assert_opens (fixture, deep);
}

static void
test_writable_by_others (Fixture *fixture, gconstpointer data)
{
    const mode_t modes[] = {0770, 0720, 0702, 01777};
    g_autofree char *root = g_build_filename (fixture->path, "arecfs-1", NULL);

    (void)data;
    g_assert_cmpint (mkdir (fixture->path, 0700), ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS (modes); i++) {
        g_autofree char *message = NULL;

        g_assert_cmpint (chmod (fixture->path, modes[i]), ==, 0);
        message = assert_refused (fixture, fixture->path);
        g_assert_nonnull (strstr (message, "others may write there"));
        g_assert_true (g_str_has_prefix (message, fixture->path));
    }
    g_assert_cmpint (chmod (fixture->path, 0700), ==, 0);
    assert_opens (fixture, fixture->path);
    g_assert_cmpint (chmod (root, 0777), ==, 0);
    g_free (assert_refused (fixture, fixture->path));
}

static void
test_links (Fixture *fixture, gconstpointer data)
{
    g_autofree char *link = g_build_filename (fixture->folder, "link", NULL);
    g_autofree char *slash = g_strconcat (link, "/", NULL);
    g_autofree char *root = g_build_filename (fixture->path, "arecfs-1", NULL);
    g_autofree char *message = NULL;

    (void)data;
    assert_opens (fixture, fixture->path);
    g_assert_cmpint (symlink (fixture->path, link), ==, 0);
    message = assert_refused (fixture, link);
    g_assert_nonnull (strstr (message, "a symbolic link"));
    g_free (assert_refused (fixture, slash));

    unlink (link);
    g_assert_cmpint (rename (root, link), ==, 0);
    g_assert_cmpint (symlink (link, root), ==, 0);
    g_free (assert_refused (fixture, fixture->path));
}

static void
test_no_directory (Fixture *fixture, gconstpointer data)
{
    g_autofree char *message = NULL;

    (void)data;
    g_assert_true (g_file_set_contents (fixture->path, "x", 1, NULL));
    message = assert_refused (fixture, fixture->path);
    g_assert_nonnull (strstr (message, "no directory"));
    unlink (fixture->path);
    g_assert_cmpint (mkfifo (fixture->path, 0600), ==, 0);
    g_free (assert_refused (fixture, fixture->path));
}

static void
test_owner (Fixture *fixture, gconstpointer data)
{
    g_autofree char *message = NULL;

    (void)data;
    if (geteuid() != 0) {
        g_test_skip ("only root can give a directory away");
        return;
    }
    g_assert_cmpint (mkdir (fixture->path, 0700), ==, 0);
    g_assert_cmpint (chown (fixture->path, 1234, 0), ==, 0);
    message = assert_refused (fixture, fixture->path);
    g_assert_nonnull (strstr (message, "belongs to user 1234, expected 0"));
}

/* A key that is no file of ours is an error, not a hang. */
static void
test_strange_key (Fixture *fixture, gconstpointer data)
{
    g_autofree char *key = g_build_filename (fixture->path, "arecfs-1", "key", NULL);
    g_autoptr (GError) error = NULL;

    (void)data;
    assert_opens (fixture, fixture->path);
    unlink (key);
    g_assert_cmpint (mkfifo (key, 0600), ==, 0);
    g_assert_null (open_dir (fixture, fixture->path, &error));
    g_assert_nonnull (error);
    unlink (key);
    g_assert_cmpint (symlink ("/dev/zero", key), ==, 0);
    g_clear_error (&error);
    g_assert_null (open_dir (fixture, fixture->path, &error));
    g_assert_nonnull (error);
}

/* Processes that open a new directory at once all get the one key. */
static void
test_one_key (Fixture *fixture, gconstpointer data)
{
    pid_t pids[4];
    int pipe_fds[2], status;
    ArecHashKey keys[G_N_ELEMENTS (pids)];

    (void)data;
    g_assert_cmpint (pipe (pipe_fds), ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS (pids); i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            ArecCacheDir *dir = open_dir (fixture, fixture->path, NULL);

            _exit (!dir || write (pipe_fds[1], arec_cache_dir_key (dir), sizeof keys[0]) !=
                               sizeof keys[0]);
        }
    }
    for (size_t i = 0; i < G_N_ELEMENTS (pids); i++) {
        g_assert_cmpint (waitpid (pids[i], &status, 0), ==, pids[i]);
        g_assert_cmpint (status, ==, 0);
        g_assert_cmpint (read (pipe_fds[0], &keys[i], sizeof keys[i]), ==, sizeof keys[i]);
        g_assert_cmpint (memcmp (&keys[i], &keys[0], sizeof keys[0]), ==, 0);
    }
    close (pipe_fds[0]);
    close (pipe_fds[1]);
}

static void
test_off (Fixture *fixture, gconstpointer data)
{
    g_autoptr (ArecCacheDir) dir = open_dir (fixture, fixture->path, NULL);

    (void)data;
    arec_cache_dir_note_failure (dir, AREC_CACHE_WRITING, "writing", ENOSPC);
    arec_cache_dir_note_failure (dir, AREC_CACHE_WRITING, "writing", EIO);
    g_assert_cmpuint (fixture->n_warnings, ==, 1);
    g_assert_true (g_str_has_prefix (fixture->warning, fixture->path));
    g_assert_nonnull (strstr (fixture->warning, g_strerror (ENOSPC)));
    g_assert_true (arec_cache_dir_is_off (dir, AREC_CACHE_WRITING));
    g_assert_false (arec_cache_dir_is_off (dir, AREC_CACHE_READING));
    now += 60 * G_USEC_PER_SEC - 1;
    g_assert_true (arec_cache_dir_is_off (dir, AREC_CACHE_WRITING));
    now += 1;
    g_assert_false (arec_cache_dir_is_off (dir, AREC_CACHE_WRITING));

    arec_cache_dir_note_failure (dir, AREC_CACHE_READING, "reading", EIO);
    g_assert_cmpuint (fixture->n_warnings, ==, 2);
    g_assert_true (arec_cache_dir_is_off (dir, AREC_CACHE_WRITING));
    g_assert_true (arec_cache_dir_is_off (dir, AREC_CACHE_READING));
    now += 60 * G_USEC_PER_SEC;
    g_assert_false (arec_cache_dir_is_off (dir, AREC_CACHE_READING));
}

/* While another process measures, one step more is written, and then nothing. */
static void
test_busy (Fixture *fixture, gconstpointer data)
{
    g_autoptr (ArecCacheDir) dir = open_dir (fixture, fixture->path, NULL);
    g_autofree char *lock = g_build_filename (fixture->path, "arecfs-1", "lock", NULL);
    const uint64_t step = arec_cache_dir_step (dir);
    int fd = open (lock, O_RDWR | O_CLOEXEC);

    (void)data;
    g_assert_cmpint (flock (fd, LOCK_EX | LOCK_NB), ==, 0);
    g_assert_true (arec_cache_dir_make_room (dir, step));
    g_assert_true (arec_cache_dir_make_room (dir, step));
    g_assert_false (arec_cache_dir_make_room (dir, 1));
    assert_opens (fixture, fixture->path); /* nobody waits */
    g_assert_cmpint (flock (fd, LOCK_UN), ==, 0);
    g_assert_true (arec_cache_dir_make_room (dir, 1));
    g_assert_cmpuint (arec_cache_dir_counters (dir)->size, ==, 1);
    close (fd);
}

static void
test_sizes (Fixture *fixture, gconstpointer data)
{
    ArecCacheDirOptions options = {.path = fixture->path};
    g_autoptr (ArecCacheDir) dir = arec_cache_dir_new (&options, NULL);
    g_autoptr (ArecCacheDir) large = NULL;

    (void)data;
    g_assert_nonnull (dir);
    g_assert_cmpuint (arec_cache_dir_step (dir), <=, 64 << 20);
    options.max_size = UINT64_MAX;
    large = arec_cache_dir_new (&options, NULL);
    g_assert_cmpuint (arec_cache_dir_step (large), ==, 64 << 20);
    g_assert_cmpint (arec_cache_dir_now (large), <=, g_get_monotonic_time());
}

static void
test_default_path (void)
{
    const struct {
        uid_t uid;
        const char *xdg, *home, *path;
    } cases[] = {
        {0, "/x", "/root", "/var/cache/arecfs"},
        {7, "/x", "/home/a", "/x/arecfs"},
        {7, NULL, "/home/a", "/home/a/.cache/arecfs"},
        {7, "", "/home/a", "/home/a/.cache/arecfs"},
        {7, "relative", "/home/a", "/home/a/.cache/arecfs"},
        {7, NULL, NULL, NULL},
        {7, NULL, "", NULL},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autofree char *path =
            arec_cache_dir_default_path (cases[i].uid, cases[i].xdg, cases[i].home);

        g_assert_cmpstr (path, ==, cases[i].path);
    }
}

#define ADD(name, function)                                                                    \
    g_test_add ("/cache_dir/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    ADD ("modes", test_modes);
    ADD ("parents", test_parents);
    ADD ("writable-by-others", test_writable_by_others);
    ADD ("links", test_links);
    ADD ("no-directory", test_no_directory);
    ADD ("owner", test_owner);
    ADD ("strange-key", test_strange_key);
    ADD ("one-key", test_one_key);
    ADD ("off", test_off);
    ADD ("busy", test_busy);
    ADD ("sizes", test_sizes);
    g_test_add_func ("/cache_dir/default-path", test_default_path);
    return g_test_run();
}
