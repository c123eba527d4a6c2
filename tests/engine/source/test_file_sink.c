/* The file sink: all or nothing under the target's name, and nothing else in its directory.
 * Each test runs with a file without a name and with a hidden one. */
#include "source/file_sink.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include <arec/outputs.h>

#include "base/error.h"

typedef struct {
    char *folder;
    char *path; /* of the target in it */
    ArecFileSinkFlags flags;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer flags)
{
    g_autoptr (GError) error = NULL;

    fixture->folder = g_dir_make_tmp ("arec-test-XXXXXX", &error);
    g_assert_no_error (error);
    fixture->path = g_build_filename (fixture->folder, "out.array_record", NULL);
    fixture->flags = (ArecFileSinkFlags)GPOINTER_TO_INT (flags);
}

static void
tear_down (Fixture *fixture, gconstpointer flags)
{
    (void)flags;
    g_unlink (fixture->path);
    g_assert_cmpint (g_rmdir (fixture->folder), ==, 0); /* so nothing else was left in it */
    g_free (fixture->path);
    g_free (fixture->folder);
}

static unsigned
count_entries (const Fixture *fixture)
{
    g_autoptr (GDir) dir = g_dir_open (fixture->folder, 0, NULL);
    unsigned n = 0;

    while (g_dir_read_name (dir)) {
        n++;
    }
    return n;
}

static ArecSink *
open_sink (const Fixture *fixture, ArecFileSinkFlags more)
{
    g_autoptr (GError) error = NULL;
    ArecSink *sink = arec_file_sink_new (fixture->path, fixture->flags | more, &error);

    g_assert_no_error (error);
    return sink;
}

static void
write_text (ArecSink *sink, const char *text)
{
    g_autoptr (GError) error = NULL;

    arec_sink_write (sink, text, strlen (text), &error);
    g_assert_no_error (error);
}

static void
commit (ArecSink *sink)
{
    g_autoptr (GError) error = NULL;

    arec_sink_commit (sink, &error);
    g_assert_no_error (error);
}

/* @error is IO, names the target and says why. */
static void
check_error (GError **error, const char *path, const char *reason)
{
    g_assert_error (*error, AREC_ERROR, AREC_ERROR_IO);
    g_assert_true (g_str_has_prefix ((*error)->message, path));
    g_assert_nonnull (strstr ((*error)->message, reason));
    g_clear_error (error);
}

static void
check_file (const char *path, const void *data, size_t size)
{
    g_autofree char *contents = NULL;
    g_autoptr (GError) error = NULL;
    size_t length;

    g_file_get_contents (path, &contents, &length, &error);
    g_assert_no_error (error);
    g_assert_cmpmem (contents, length, data, size);
}

static void
put_file (const char *path, const char *text)
{
    g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

/* ---- commit and abort ---- */

static void
test_commit (Fixture *fixture, gconstpointer flags)
{
    mode_t old_mask = umask (027);
    g_autoptr (ArecSink) sink = open_sink (fixture, 0);
    struct stat st;

    (void)flags;
    write_text (sink, "abc");
    write_text (sink, "de");
    g_assert_false (g_file_test (fixture->path, G_FILE_TEST_EXISTS));
    commit (sink);
    umask (old_mask);
    check_file (fixture->path, "abcde", 5);
    g_assert_cmpint (g_stat (fixture->path, &st), ==, 0);
    g_assert_cmphex (st.st_mode, ==, S_IFREG | 0640);
    g_assert_cmpuint (st.st_nlink, ==, 1);
    g_assert_cmpuint (count_entries (fixture), ==, 1);
}

static void
test_empty (Fixture *fixture, gconstpointer flags)
{
    g_autoptr (ArecSink) sink = open_sink (fixture, 0);

    (void)flags;
    commit (sink);
    check_file (fixture->path, "", 0);
}

/* Pieces smaller and larger than what is gathered, in every order. */
static void
test_pieces (Fixture *fixture, gconstpointer flags)
{
    enum { MOST = 600 * 1024 };
    g_autoptr (ArecSink) sink = open_sink (fixture, 0);
    g_autoptr (GByteArray) expected = g_byte_array_new();
    g_autofree uint8_t *data = g_malloc (MOST);
    g_autoptr (GError) error = NULL;

    (void)flags;
    for (unsigned i = 0; i < MOST; i++) {
        data[i] = (uint8_t)g_test_rand_int();
    }
    for (unsigned i = 0; i < 60; i++) {
        static const int most[] = {100, 70000, 256 * 1024 + 1, MOST};
        size_t size = (size_t)g_test_rand_int_range (0, most[g_test_rand_int_range (0, 4)]);

        g_byte_array_append (expected, data, (guint)size);
        arec_sink_write (sink, data, size, &error);
        g_assert_no_error (error);
        g_assert_cmpuint (sink->position, ==, expected->len);
    }
    commit (sink);
    check_file (fixture->path, expected->data, expected->len);
}

static void
test_abort_leaves_nothing (Fixture *fixture, gconstpointer flags)
{
    g_autoptr (ArecSink) sink = open_sink (fixture, 0);
    bool is_named = fixture->flags & AREC_FILE_SINK_NAMED;

    (void)flags;
    write_text (sink, "abc");
    g_assert_cmpuint (count_entries (fixture), <=, 1);
    if (is_named) {
        g_assert_cmpuint (count_entries (fixture), ==, 1);
    }
    arec_sink_free (g_steal_pointer (&sink));
    g_assert_cmpuint (count_entries (fixture), ==, 0);
}

/* What a signal's handler calls before the process ends; twice is as good as once. */
static void
test_signal_leaves_nothing (Fixture *fixture, gconstpointer flags)
{
    g_autoptr (ArecSink) sink = open_sink (fixture, 0);

    (void)flags;
    write_text (sink, "abc");
    arec_outputs_abort();
    g_assert_cmpuint (count_entries (fixture), ==, 0);
    arec_outputs_abort();
}

/* ---- targets that are there ---- */

static void
test_existing_is_kept (Fixture *fixture, gconstpointer flags)
{
    g_autoptr (GError) error = NULL;

    (void)flags;
    put_file (fixture->path, "old");
    g_assert_null (arec_file_sink_new (fixture->path, fixture->flags, &error));
    check_error (&error, fixture->path, g_strerror (EEXIST));
    check_file (fixture->path, "old", 3);
    g_assert_cmpuint (count_entries (fixture), ==, 1);
}

static void
test_target_that_appears_is_kept (Fixture *fixture, gconstpointer flags)
{
    g_autoptr (ArecSink) sink = open_sink (fixture, 0);
    g_autoptr (GError) error = NULL;

    (void)flags;
    write_text (sink, "new");
    put_file (fixture->path, "old");
    g_assert_false (arec_sink_commit (sink, &error));
    check_error (&error, fixture->path, g_strerror (EEXIST));
    arec_sink_free (g_steal_pointer (&sink));
    check_file (fixture->path, "old", 3);
    g_assert_cmpuint (count_entries (fixture), ==, 1);
}

static void
test_replace (Fixture *fixture, gconstpointer flags)
{
    g_autoptr (ArecSink) sink = NULL;

    (void)flags;
    put_file (fixture->path, "old and longer");
    sink = open_sink (fixture, AREC_FILE_SINK_REPLACE);
    write_text (sink, "new");
    check_file (fixture->path, "old and longer", 14);
    commit (sink);
    check_file (fixture->path, "new", 3);
    g_assert_cmpuint (count_entries (fixture), ==, 1);
}

static void
test_aborted_replace_keeps_the_old (Fixture *fixture, gconstpointer flags)
{
    g_autoptr (ArecSink) sink = NULL;

    (void)flags;
    put_file (fixture->path, "old");
    sink = open_sink (fixture, AREC_FILE_SINK_REPLACE);
    write_text (sink, "new");
    arec_sink_free (g_steal_pointer (&sink));
    check_file (fixture->path, "old", 3);
}

static void
test_replace_of_nothing (Fixture *fixture, gconstpointer flags)
{
    g_autoptr (ArecSink) sink = open_sink (fixture, AREC_FILE_SINK_REPLACE);

    (void)flags;
    write_text (sink, "new");
    commit (sink);
    check_file (fixture->path, "new", 3);
}

/* A pipe, a device or a directory must not vanish because somebody said "replace". */
static void
test_only_files_are_replaced (Fixture *fixture, gconstpointer flags)
{
    ArecFileSinkFlags replace = fixture->flags | AREC_FILE_SINK_REPLACE;
    g_autoptr (GError) error = NULL;

    (void)flags;
    g_assert_cmpint (mkfifo (fixture->path, 0600), ==, 0);
    g_assert_null (arec_file_sink_new (fixture->path, replace, &error));
    check_error (&error, fixture->path, "not a regular file");
    g_unlink (fixture->path);

    g_assert_cmpint (symlink ("elsewhere", fixture->path), ==, 0);
    g_assert_null (arec_file_sink_new (fixture->path, replace, &error));
    check_error (&error, fixture->path, "not a regular file");
    g_unlink (fixture->path);

    g_assert_cmpint (g_mkdir (fixture->path, 0700), ==, 0);
    g_assert_null (arec_file_sink_new (fixture->path, replace, &error));
    check_error (&error, fixture->path, "not a regular file");
    g_rmdir (fixture->path);
}

/* ---- paths ---- */

static void
test_impossible_paths (Fixture *fixture, gconstpointer flags)
{
    g_autofree char *slash = g_strconcat (fixture->folder, "/", NULL);
    g_autofree char *absent = g_build_filename (fixture->folder, "absent", "out", NULL);
    g_autofree char *name = g_strnfill (300, 'x');
    g_autofree char *long_path = g_build_filename (fixture->folder, name, NULL);
    const struct {
        const char *path;
        int reason;
    } rows[] = {{"", ENOENT}, {slash, EISDIR}, {absent, ENOENT}, {long_path, ENAMETOOLONG}};

    (void)flags;
    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autoptr (GError) error = NULL;

        g_assert_null (arec_file_sink_new (rows[i].path, fixture->flags, &error));
        check_error (&error, rows[i].path, g_strerror (rows[i].reason));
    }
}

/* The directory is the one of the time of creation, wherever the process goes then. */
static void
test_relative_path (Fixture *fixture, gconstpointer flags)
{
    g_autofree char *before = g_get_current_dir();
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecSink) sink = NULL;

    (void)flags;
    g_assert_cmpint (g_chdir (fixture->folder), ==, 0);
    sink = arec_file_sink_new ("out.array_record", fixture->flags, &error);
    g_assert_no_error (error);
    g_assert_cmpint (g_chdir (before), ==, 0);
    write_text (sink, "abc");
    commit (sink);
    check_file (fixture->path, "abc", 3);
}

/* A name that leaves no room for a prefix is as good as any other. */
static void
test_longest_name (Fixture *fixture, gconstpointer flags)
{
    g_autofree char *name = g_strnfill (255, 'x');
    g_autofree char *path = g_build_filename (fixture->folder, name, NULL);
    g_autoptr (GError) error = NULL;

    (void)flags;
    for (unsigned i = 0; i < 2; i++) {
        g_autoptr (ArecSink) sink =
            arec_file_sink_new (path, fixture->flags | AREC_FILE_SINK_REPLACE, &error);

        g_assert_no_error (error);
        commit (sink);
    }
    g_unlink (path);
}

/* ---- failures of the system ---- */

/* The limit stands in for a full disk: the write that crosses it fails. */
static void
test_failing_write (Fixture *fixture, gconstpointer flags)
{
    enum { LIMIT = 300000, PIECE = 1000 };
    g_autoptr (ArecSink) sink = open_sink (fixture, 0);
    g_autoptr (GError) error = NULL;
    g_autofree char *where = g_strdup_printf ("%s: at %d: ", fixture->path, LIMIT);
    uint8_t piece[PIECE] = {0};
    struct rlimit before, limit;
    bool ok = true;

    (void)flags;
    signal (SIGXFSZ, SIG_IGN);
    g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &before), ==, 0);
    limit = before;
    limit.rlim_cur = LIMIT;
    g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
    for (unsigned i = 0; ok && i < 2 * LIMIT / PIECE; i++) {
        ok = arec_sink_write (sink, piece, sizeof piece, &error);
    }
    setrlimit (RLIMIT_FSIZE, &before);
    g_assert_false (ok);
    check_error (&error, where, g_strerror (EFBIG));
    g_assert_false (arec_sink_commit (sink, &error));
    check_error (&error, fixture->path, "after a write has failed");
    arec_sink_free (g_steal_pointer (&sink));
    g_assert_cmpuint (count_entries (fixture), ==, 0);
}

/* The bytes that are still in memory at the commit count as well. */
static void
test_failing_last_write (Fixture *fixture, gconstpointer flags)
{
    g_autoptr (ArecSink) sink = open_sink (fixture, 0);
    g_autoptr (GError) error = NULL;
    struct rlimit before, limit;
    bool ok;

    (void)flags;
    signal (SIGXFSZ, SIG_IGN);
    write_text (sink, "abc");
    g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &before), ==, 0);
    limit = before;
    limit.rlim_cur = 0;
    g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
    ok = arec_sink_commit (sink, &error);
    setrlimit (RLIMIT_FSIZE, &before);
    g_assert_false (ok);
    check_error (&error, fixture->path, g_strerror (EFBIG));
    arec_sink_free (g_steal_pointer (&sink));
    g_assert_cmpuint (count_entries (fixture), ==, 0);
}

static void
test_directory_that_vanishes (Fixture *fixture, gconstpointer flags)
{
    g_autoptr (ArecSink) sink = open_sink (fixture, 0);
    g_autoptr (GError) error = NULL;

    (void)flags;
    write_text (sink, "abc");
    arec_outputs_abort();
    g_assert_cmpint (g_rmdir (fixture->folder), ==, 0);
    g_assert_false (arec_sink_commit (sink, &error));
    check_error (&error, fixture->path, g_strerror (ENOENT));
    g_assert_cmpint (g_mkdir (fixture->folder, 0700), ==, 0);
}

static void
add (const char *name, void (*test) (Fixture *, gconstpointer))
{
    static const struct {
        const char *name;
        ArecFileSinkFlags flags;
    } kinds[] = {{"nameless", 0}, {"named", AREC_FILE_SINK_NAMED}};

    for (unsigned i = 0; i < G_N_ELEMENTS (kinds); i++) {
        g_autofree char *path = g_strdup_printf ("/file-sink/%s/%s", kinds[i].name, name);

        g_test_add (path, Fixture, GINT_TO_POINTER (kinds[i].flags), set_up, test, tear_down);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    add ("commit", test_commit);
    add ("empty", test_empty);
    add ("pieces", test_pieces);
    add ("abort", test_abort_leaves_nothing);
    add ("signal", test_signal_leaves_nothing);
    add ("existing-is-kept", test_existing_is_kept);
    add ("appearing-is-kept", test_target_that_appears_is_kept);
    add ("replace", test_replace);
    add ("replace-aborted", test_aborted_replace_keeps_the_old);
    add ("replace-nothing", test_replace_of_nothing);
    add ("replace-files-only", test_only_files_are_replaced);
    add ("impossible-paths", test_impossible_paths);
    add ("relative-path", test_relative_path);
    add ("longest-name", test_longest_name);
    add ("failing-write", test_failing_write);
    add ("failing-last-write", test_failing_last_write);
    add ("vanished-directory", test_directory_that_vanishes);
    return g_test_run();
}
