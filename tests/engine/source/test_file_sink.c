/* The file sink: all or nothing under the target's name, and nothing else in its directory.
 * Each test runs with an unnamed file and with a hidden one. */
#include "source/file_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "failing_calls.h"

#include "base/error.h"

typedef struct {
    char *folder;
    char *path; /* of the target in it */
    bool is_named;
} Fixture;

static const ArecOutputOptions new_file = {0};
static const ArecOutputOptions replacing = {.replace = true};

static void
set_up (Fixture *fixture, gconstpointer is_named)
{
    g_autoptr (GError) error = NULL;

    fixture->folder = g_dir_make_tmp ("arec-test-XXXXXX", &error);
    g_assert_no_error (error);
    fixture->path = g_build_filename (fixture->folder, "out.array_record", NULL);
    fixture->is_named = GPOINTER_TO_INT (is_named);
    test_calls = (TestCalls){.without_tmpfile = fixture->is_named};
}

static void
tear_down (Fixture *fixture, gconstpointer is_named)
{
    (void)is_named;
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

static void
remove_hidden (const Fixture *fixture)
{
    g_autoptr (GDir) dir = g_dir_open (fixture->folder, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name (dir))) {
        g_autofree char *path = g_build_filename (fixture->folder, name, NULL);

        if (g_str_has_prefix (name, ".arec-")) {
            g_unlink (path);
        }
    }
}

static ArecSink *
open_sink (const Fixture *fixture, const ArecOutputOptions *options)
{
    g_autoptr (GError) error = NULL;
    ArecSink *sink = arec_file_sink_new (fixture->path, options, &error);

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

/* Checks that @error is IO, names the target and gives the reason. */
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
test_commit (Fixture *fixture, gconstpointer is_named)
{
    mode_t old_mask = umask (027);
    g_autoptr (ArecSink) sink = open_sink (fixture, &new_file);
    struct stat st;

    (void)is_named;
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
test_empty (Fixture *fixture, gconstpointer is_named)
{
    g_autoptr (ArecSink) sink = open_sink (fixture, &new_file);

    (void)is_named;
    commit (sink);
    check_file (fixture->path, "", 0);
}

/* Pieces smaller and larger than the buffer, in every order. */
static void
test_pieces (Fixture *fixture, gconstpointer is_named)
{
    enum { MOST = 600 * 1024 };
    g_autoptr (ArecSink) sink = open_sink (fixture, &new_file);
    g_autoptr (GByteArray) expected = g_byte_array_new();
    g_autofree uint8_t *data = g_malloc (MOST);
    g_autoptr (GError) error = NULL;

    (void)is_named;
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
test_abort_leaves_nothing (Fixture *fixture, gconstpointer is_named)
{
    g_autoptr (ArecSink) sink = open_sink (fixture, &new_file);

    (void)is_named;
    write_text (sink, "abc");
    g_assert_cmpuint (count_entries (fixture), <=, 1);
    if (fixture->is_named) {
        g_assert_cmpuint (count_entries (fixture), ==, 1);
    }
    arec_sink_free (g_steal_pointer (&sink));
    g_assert_cmpuint (count_entries (fixture), ==, 0);
}

/* The function that a signal handler calls before the process ends; two calls do the same as
 * one. */
static void
test_signal_leaves_nothing (Fixture *fixture, gconstpointer is_named)
{
    g_autoptr (ArecSink) sink = open_sink (fixture, &new_file);

    (void)is_named;
    write_text (sink, "abc");
    g_assert_true (arec_outputs_abort());
    g_assert_cmpuint (count_entries (fixture), ==, 0);
    g_assert_true (arec_outputs_abort());
}

/* ---- targets that are there ---- */

static void
test_existing_is_kept (Fixture *fixture, gconstpointer is_named)
{
    g_autoptr (GError) error = NULL;

    (void)is_named;
    put_file (fixture->path, "old");
    g_assert_null (arec_file_sink_new (fixture->path, &new_file, &error));
    check_error (&error, fixture->path, ": exists; -f replaces it");
    check_file (fixture->path, "old", 3);
    g_assert_cmpuint (count_entries (fixture), ==, 1);
}

static void
test_target_that_appears_is_kept (Fixture *fixture, gconstpointer is_named)
{
    g_autoptr (ArecSink) sink = open_sink (fixture, &new_file);
    g_autoptr (GError) error = NULL;

    (void)is_named;
    write_text (sink, "new");
    put_file (fixture->path, "old");
    g_assert_false (arec_sink_commit (sink, &error));
    check_error (&error, fixture->path, g_strerror (EEXIST));
    arec_sink_free (g_steal_pointer (&sink));
    check_file (fixture->path, "old", 3);
    g_assert_cmpuint (count_entries (fixture), ==, 1);
}

static void
test_replace (Fixture *fixture, gconstpointer is_named)
{
    g_autoptr (ArecSink) sink = NULL;

    (void)is_named;
    put_file (fixture->path, "old and longer");
    sink = open_sink (fixture, &replacing);
    write_text (sink, "new");
    check_file (fixture->path, "old and longer", 14);
    commit (sink);
    check_file (fixture->path, "new", 3);
    g_assert_cmpuint (count_entries (fixture), ==, 1);
}

static void
test_aborted_replace_keeps_the_old (Fixture *fixture, gconstpointer is_named)
{
    g_autoptr (ArecSink) sink = NULL;

    (void)is_named;
    put_file (fixture->path, "old");
    sink = open_sink (fixture, &replacing);
    write_text (sink, "new");
    arec_sink_free (g_steal_pointer (&sink));
    check_file (fixture->path, "old", 3);
}

static void
test_replace_without_a_target (Fixture *fixture, gconstpointer is_named)
{
    g_autoptr (ArecSink) sink = open_sink (fixture, &replacing);

    (void)is_named;
    write_text (sink, "new");
    commit (sink);
    check_file (fixture->path, "new", 3);
}

/* "Replace" must not remove a pipe, a device or a directory, also where it appears late. */
static void
test_only_files_are_replaced (Fixture *fixture, gconstpointer is_named)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecSink) sink = NULL;

    (void)is_named;
    g_assert_cmpint (mkfifo (fixture->path, 0600), ==, 0);
    g_assert_null (arec_file_sink_new (fixture->path, &replacing, &error));
    check_error (&error, fixture->path, "not a regular file");
    g_unlink (fixture->path);

    g_assert_cmpint (g_mkdir (fixture->path, 0700), ==, 0);
    g_assert_null (arec_file_sink_new (fixture->path, &replacing, &error));
    check_error (&error, fixture->path, g_strerror (EISDIR));
    g_rmdir (fixture->path);

    sink = open_sink (fixture, &replacing);
    g_assert_cmpint (g_mkdir (fixture->path, 0700), ==, 0);
    g_assert_false (arec_sink_commit (sink, &error));
    check_error (&error, fixture->path, g_strerror (EISDIR));
    arec_sink_free (g_steal_pointer (&sink));
    g_assert_cmpuint (count_entries (fixture), ==, 1);
    g_assert_cmpint (g_rmdir (fixture->path), ==, 0);
}

/* ---- links ---- */

/* The link stays, what it leads to is made or replaced, through any number of them. */
static void
test_links (Fixture *fixture, gconstpointer is_named)
{
    g_autofree char *folder = g_build_filename (fixture->folder, "folder", NULL);
    g_autofree char *target = g_build_filename (folder, "target", NULL);
    g_autofree char *link = g_build_filename (fixture->folder, "link", NULL);
    g_autoptr (GError) error = NULL;

    (void)is_named;
    g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
    g_assert_cmpint (symlink ("link", fixture->path), ==, 0);
    g_assert_cmpint (symlink ("folder/../folder/target", link), ==, 0);
    for (unsigned i = 0; i < 2; i++) {
        const char *text = i == 0 ? "made" : "new";
        g_autoptr (ArecSink) sink = open_sink (fixture, i == 0 ? &new_file : &replacing);

        write_text (sink, text);
        commit (sink);
        check_file (target, text, strlen (text));
        g_assert_true (g_file_test (fixture->path, G_FILE_TEST_IS_SYMLINK));
        g_assert_true (g_file_test (link, G_FILE_TEST_IS_SYMLINK));
        g_assert_cmpuint (count_entries (fixture), ==, 3);
    }
    g_assert_null (arec_file_sink_new (fixture->path, &new_file, &error));
    check_error (&error, fixture->path, ": exists; -f replaces it");
    g_unlink (target);
    g_rmdir (folder);
    g_unlink (link);
}

static void
test_links_to_nowhere (Fixture *fixture, gconstpointer is_named)
{
    g_autofree char *other = g_build_filename (fixture->folder, "other", NULL);
    const struct {
        const char *target;
        int reason;
    } rows[] = {{"absent/file", ENOENT},     /* */
                {"out.array_record", ELOOP}, /* itself */
                {"other", ELOOP},            /* which leads back */
                {".", EISDIR},               /* */
                {"/proc/self/fd/0", ELOOP}}; /* no path */

    (void)is_named;
    g_assert_cmpint (symlink (fixture->path, other), ==, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autoptr (GError) error = NULL;

        g_assert_cmpint (symlink (rows[i].target, fixture->path), ==, 0);
        g_assert_null (arec_file_sink_new (fixture->path, &replacing, &error));
        check_error (&error, fixture->path, g_strerror (rows[i].reason));
        g_unlink (fixture->path);
    }
    g_unlink (other);
}

/* ---- mode and owner ---- */

static void
check_attributes (const char *path, mode_t mode, uid_t uid, gid_t gid)
{
    struct stat st;

    g_assert_cmpint (g_stat (path, &st), ==, 0);
    g_assert_cmphex (st.st_mode, ==, S_IFREG | mode);
    g_assert_cmpuint (st.st_uid, ==, uid);
    g_assert_cmpuint (st.st_gid, ==, gid);
}

/* A copy is never more readable than its source, the umask and what it replaces allow. */
static void
test_mode (Fixture *fixture, gconstpointer is_named)
{
    enum { NONE = 07777 };
    const struct {
        mode_t source, mask, old, expected;
    } rows[] = {
        {0777, 022, NONE, 0644}, {0640, 022, NONE, 0640}, {0640, 077, NONE, 0600},
        {0444, 022, NONE, 0444}, {0604, 0, NONE, 0604},   {0777, 022, 0600, 0600},
        {0777, 077, 0666, 0666}, {0777, 022, 0755, 0755}, {0640, 022, 0644, 0640},
        {0600, 0, 0666, 0600},   {0777, 022, 0400, 0400}, {0777, 022, 04755, 0755},
    };

    (void)is_named;
    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        ArecOutputOptions options = {.replace = true, .denied_mode = 0777 & ~rows[i].source};
        mode_t mask;
        g_autoptr (ArecSink) sink = NULL;

        if (rows[i].old != NONE) {
            put_file (fixture->path, "old");
            g_assert_cmpint (g_chmod (fixture->path, (int)rows[i].old), ==, 0);
        }
        mask = umask (rows[i].mask);
        sink = open_sink (fixture, &options);
        commit (sink);
        umask (mask);
        check_attributes (fixture->path, rows[i].expected, geteuid(), getegid());
        g_unlink (fixture->path);
    }
}

/* Who may not give a file away keeps its mode all the same. */
static void
test_owner (Fixture *fixture, gconstpointer is_named)
{
    (void)is_named;
    if (geteuid() != 0) {
        g_test_skip ("only root gives files away");
        return;
    }
    for (unsigned i = 0; i < 2; i++) {
        g_autoptr (ArecSink) sink = NULL;

        put_file (fixture->path, "old");
        g_assert_cmpint (chown (fixture->path, 1, 2), ==, 0);
        g_assert_cmpint (g_chmod (fixture->path, 0640), ==, 0);
        test_calls.without_owners = i == 1;
        sink = open_sink (fixture, &replacing);
        commit (sink);
        check_attributes (fixture->path, 0640, i == 0 ? 1 : 0, i == 0 ? 2 : getegid());
        g_unlink (fixture->path);
    }
}

/* While it is not complete, nobody reads a hidden file who may not read it then. */
static void
test_hidden_file_is_private (Fixture *fixture, gconstpointer is_named)
{
    g_autoptr (ArecSink) sink = NULL;
    g_autoptr (GDir) dir = NULL;
    const char *name;
    unsigned n = 0;

    (void)is_named;
    put_file (fixture->path, "old");
    sink = open_sink (fixture, &replacing);
    g_assert_cmpint (g_chmod (fixture->path, 0600), ==, 0);
    dir = g_dir_open (fixture->folder, 0, NULL);
    while ((name = g_dir_read_name (dir))) {
        g_autofree char *path = g_build_filename (fixture->folder, name, NULL);

        check_attributes (path, 0600, geteuid(), getegid());
        n++;
    }
    g_assert_cmpuint (n, ==, fixture->is_named ? 2 : 1);
}

/* ---- paths ---- */

static void
test_impossible_paths (Fixture *fixture, gconstpointer is_named)
{
    g_autofree char *slash = g_strconcat (fixture->folder, "/", NULL);
    g_autofree char *absent = g_build_filename (fixture->folder, "absent", "out", NULL);
    g_autofree char *name = g_strnfill (300, 'x');
    g_autofree char *long_path = g_build_filename (fixture->folder, name, NULL);
    const struct {
        const char *path;
        int reason;
    } rows[] = {{"", ENOENT}, {slash, EISDIR}, {absent, ENOENT}, {long_path, ENAMETOOLONG}};

    (void)is_named;
    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autoptr (GError) error = NULL;

        g_assert_null (arec_file_sink_new (rows[i].path, &new_file, &error));
        check_error (&error, rows[i].path, g_strerror (rows[i].reason));
    }
}

/* The directory is that of the time of creation, wherever the process goes later. */
static void
test_relative_path (Fixture *fixture, gconstpointer is_named)
{
    g_autofree char *before = g_get_current_dir();
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecSink) sink = NULL;

    (void)is_named;
    g_assert_cmpint (g_chdir (fixture->folder), ==, 0);
    sink = arec_file_sink_new ("out.array_record", &new_file, &error);
    g_assert_no_error (error);
    g_assert_cmpint (g_chdir (before), ==, 0);
    write_text (sink, "abc");
    commit (sink);
    check_file (fixture->path, "abc", 3);
}

/* A name that leaves no room for a prefix works like any other. */
static void
test_longest_name (Fixture *fixture, gconstpointer is_named)
{
    g_autofree char *name = g_strnfill (255, 'x');
    g_autofree char *path = g_build_filename (fixture->folder, name, NULL);
    g_autoptr (GError) error = NULL;

    (void)is_named;
    for (unsigned i = 0; i < 2; i++) {
        g_autoptr (ArecSink) sink = arec_file_sink_new (path, &replacing, &error);

        g_assert_no_error (error);
        commit (sink);
    }
    g_unlink (path);
}

/* ---- failures of the system ---- */

/* The limit stands in for a full disk: the write that crosses it fails. */
static void
test_failing_write (Fixture *fixture, gconstpointer is_named)
{
    enum { LIMIT = 300000, PIECE = 1000 };
    g_autoptr (ArecSink) sink = open_sink (fixture, &new_file);
    g_autoptr (GError) error = NULL;
    g_autofree char *where = g_strdup_printf ("%s: at %d: ", fixture->path, LIMIT);
    uint8_t piece[PIECE] = {0};
    struct rlimit before, limit;
    bool ok = true;

    (void)is_named;
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

/* Bytes that are still in memory at the commit count, too. */
static void
test_failing_last_write (Fixture *fixture, gconstpointer is_named)
{
    g_autoptr (ArecSink) sink = open_sink (fixture, &new_file);
    g_autoptr (GError) error = NULL;
    struct rlimit before, limit;
    bool ok;

    (void)is_named;
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
test_directory_that_vanishes (Fixture *fixture, gconstpointer is_named)
{
    g_autoptr (ArecSink) sink = open_sink (fixture, &new_file);
    g_autoptr (GError) error = NULL;

    (void)is_named;
    write_text (sink, "abc");
    arec_outputs_abort();
    g_assert_cmpint (g_rmdir (fixture->folder), ==, 0);
    g_assert_false (arec_sink_commit (sink, &error));
    check_error (&error, fixture->path, g_strerror (ENOENT));
    g_assert_cmpint (g_mkdir (fixture->folder, 0700), ==, 0);
}

/* ---- each call ---- */

/* Whole outputs, in each way there is. */
typedef struct {
    const char *old; /* NULL: nothing is there */
    bool no_sync;
    bool without_exchange;
    const char
        *failing; /* calls whose failure is one of the output, where there is O_TMPFILE */
    const char *failing_named;
} Way;

static const Way ways[] = {
    {NULL, false, false, "openat write fsync close linkat fsync",
     "openat openat write fsync close renameat2 fsync"},
    {NULL, true, false, "openat write close linkat", "openat openat write close renameat2"},
    {"old", false, false,
     "openat write openat fchown fchmod fsync close linkat renameat2 fsync unlinkat",
     "openat openat write openat fchown fchmod fsync close renameat2 fsync unlinkat"},
    {"old", false, true,
     "openat write openat fchown fchmod fsync close linkat renameat2 fsync renameat fsync",
     "openat openat write openat fchown fchmod fsync close renameat2 fsync renameat fsync"},
    {"old", true, false, "openat write openat fchown fchmod close linkat renameat",
     "openat openat write openat fchown fchmod close renameat"},
};

static bool
write_output (const Fixture *fixture, const Way *way, GError **error)
{
    const ArecOutputOptions options = {.replace = way->old, .no_sync = way->no_sync};
    g_autoptr (ArecSink) sink = arec_file_sink_new (fixture->path, &options, error);

    return sink && arec_sink_write (sink, "new", 3, error) && arec_sink_commit (sink, error);
}

static void
begin_way (const Fixture *fixture, const Way *way)
{
    g_unlink (fixture->path);
    if (way->old) {
        put_file (fixture->path, way->old);
    }
    test_calls.without_exchange = way->without_exchange;
    test_calls_begin();
}

static bool
is_as_before (const Fixture *fixture, const Way *way)
{
    g_autofree char *contents = NULL;

    return g_file_get_contents (fixture->path, &contents, NULL, NULL)
               ? way->old && strcmp (contents, way->old) == 0
               : !way->old;
}

/* Whatever call fails, there is an error, and the directory is as it was. A failure that does
 * not matter has another way to go. */
static void
test_each_failing_call (Fixture *fixture, gconstpointer is_named)
{
    (void)is_named;
    for (unsigned i = 0; i < G_N_ELEMENTS (ways); i++) {
        const Way *way = &ways[i];
        g_autoptr (GString) failing = g_string_new (NULL);
        unsigned n_replaced = 0;
        bool is_over = false;

        for (int64_t at = 0; !is_over; at++) {
            g_autoptr (GError) error = NULL;
            bool ok;

            begin_way (fixture, way);
            test_calls.fail_at = at;
            ok = write_output (fixture, way, &error);
            test_calls_end();
            is_over = !test_calls.failed;
            g_assert_cmpuint (count_entries (fixture), ==, ok || way->old ? 1 : 0);
            if (ok) {
                check_file (fixture->path, "new", 3);
                continue;
            }
            check_error (&error, fixture->path, g_strerror (EIO));
            g_string_append_printf (failing, "%s%s", failing->len > 0 ? " " : "",
                                    test_calls.failed);
            /* The last sync, where the old file cannot come back. */
            if (!is_as_before (fixture, way)) {
                g_assert_true (way->without_exchange);
                g_assert_cmpstr (test_calls.failed, ==, "fsync");
                n_replaced++;
            }
        }
        g_assert_cmpuint (n_replaced, ==, way->without_exchange ? 1 : 0);
        g_assert_cmpstr (failing->str, ==,
                         fixture->is_named ? way->failing_named : way->failing);
    }
    g_unlink (fixture->path);
}

static void
abort_and_end (void)
{
    if (arec_outputs_abort()) {
        _exit (0);
    }
}

static void
end_at_once (void)
{
    _exit (0);
}

/* Runs it in a process that ends after call @at. false: it has fewer, or went on. */
static bool
stops_after (const Fixture *fixture, const Way *way, int64_t at, void (*stop) (void))
{
    pid_t child;
    int status;

    begin_way (fixture, way);
    child = fork();
    g_assert_cmpint (child, >=, 0);
    if (child == 0) {
        test_calls.stop_at = at;
        test_calls.stop = stop;
        _exit (write_output (fixture, way, NULL) ? 1 : 2);
    }
    test_calls_end();
    g_assert_cmpint (waitpid (child, &status, 0), ==, child);
    g_assert_true (WIFEXITED (status) && WEXITSTATUS (status) < 2);
    return WEXITSTATUS (status) == 0;
}

/* A signal after any call leaves what was there before, until it comes too late: then the
 * process goes on, or, where only file and directory are still to be closed, ends with the new
 * file. */
static void
test_signal_after_each_call (Fixture *fixture, gconstpointer is_named)
{
    (void)is_named;
    for (unsigned i = 0; i < G_N_ELEMENTS (ways); i++) {
        const Way *way = &ways[i];
        unsigned n_late = 0;

        for (int64_t at = 0; stops_after (fixture, way, at, abort_and_end); at++) {
            if (n_late > 0 || !is_as_before (fixture, way)) {
                check_file (fixture->path, "new", 3);
                n_late++;
            }
            g_assert_cmpuint (count_entries (fixture), ==, n_late > 0 || way->old ? 1 : 0);
        }
        g_assert_cmpuint (n_late, ==, way->old ? 0 : 2);
        check_file (fixture->path, "new", 3);
        g_assert_cmpuint (count_entries (fixture), ==, 1);
    }
    g_unlink (fixture->path);
}

/* What ends without a word leaves the old file or the new one, each of them whole, and of a
 * new one that was to have no name nothing else. */
static void
test_kill_after_each_call (Fixture *fixture, gconstpointer is_named)
{
    (void)is_named;
    for (unsigned i = 0; i < G_N_ELEMENTS (ways); i++) {
        const Way *way = &ways[i];

        for (int64_t at = 0; stops_after (fixture, way, at, end_at_once); at++) {
            bool is_there = g_file_test (fixture->path, G_FILE_TEST_EXISTS);
            bool may_leave = fixture->is_named || way->old;

            g_assert_cmpuint (count_entries (fixture), <=, is_there + may_leave);
            if (!is_as_before (fixture, way)) {
                check_file (fixture->path, "new", 3);
            }
            remove_hidden (fixture);
        }
    }
    g_unlink (fixture->path);
}

static void
add (const char *name, void (*test) (Fixture *, gconstpointer))
{
    static const char *const kinds[] = {"nameless", "named"};

    for (unsigned i = 0; i < G_N_ELEMENTS (kinds); i++) {
        g_autofree char *path = g_strdup_printf ("/file-sink/%s/%s", kinds[i], name);

        g_test_add (path, Fixture, GINT_TO_POINTER (i), set_up, test, tear_down);
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
    add ("replace-nothing", test_replace_without_a_target);
    add ("replace-files-only", test_only_files_are_replaced);
    add ("links", test_links);
    add ("links-to-nowhere", test_links_to_nowhere);
    add ("mode", test_mode);
    add ("owner", test_owner);
    add ("hidden-file-is-private", test_hidden_file_is_private);
    add ("impossible-paths", test_impossible_paths);
    add ("relative-path", test_relative_path);
    add ("longest-name", test_longest_name);
    add ("failing-write", test_failing_write);
    add ("failing-last-write", test_failing_last_write);
    add ("vanished-directory", test_directory_that_vanishes);
    add ("each-failing-call", test_each_failing_call);
    add ("signal-after-each-call", test_signal_after_each_call);
    add ("kill-after-each-call", test_kill_after_each_call);
    return g_test_run();
}
