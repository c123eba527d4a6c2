#include <arec/sources.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <arec/error.h>

#include "naming/source_list.h"

/* Every test runs in an empty directory of its own, which is the working directory. */
typedef struct {
    char *directory;
    ArecSourceList *list;
} Fixture;

static void
set_up (Fixture *fixture, const void *data)
{
    g_autoptr (GError) error = NULL;

    (void)data;
    fixture->directory = g_dir_make_tmp ("arec-sources-XXXXXX", &error);
    g_assert_no_error (error);
    g_assert_cmpint (chmod (fixture->directory, 0755), ==, 0);
    g_assert_cmpint (chdir (fixture->directory), ==, 0);
    fixture->list = arec_source_list_new();
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
tear_down (Fixture *fixture, const void *data)
{
    (void)data;
    arec_source_list_unref (fixture->list);
    g_assert_cmpint (chdir ("/"), ==, 0);
    g_assert_cmpint (nftw (fixture->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS), ==, 0);
    g_free (fixture->directory);
}

/* Makes the file @path and the directories above it; its text is its path. */
static void
make (const char *path)
{
    g_autofree char *parent = g_path_get_dirname (path);

    g_assert_cmpint (g_mkdir_with_parents (parent, 0755), ==, 0);
    g_assert_true (g_file_set_contents (path, path, -1, NULL));
}

static void
make_all (const char *const *paths)
{
    for (; *paths; paths++) {
        make (*paths);
    }
}

static void
add (Fixture *fixture, const char *text, ArecSourceForm expected)
{
    g_autoptr (GError) error = NULL;
    ArecSourceForm form = (ArecSourceForm)-1;

    if (!arec_source_list_add (fixture->list, text, &form, &error)) {
        g_error ("'%s': %s", text, error->message);
    }
    g_assert_no_error (error);
    g_assert_cmpint (form, ==, expected);
}

/* Checks that the addition fails with @message and leaves the list unchanged. */
static void
add_fails (Fixture *fixture, const char *text, ArecError code, const char *message)
{
    g_autoptr (GError) error = NULL;
    size_t before = arec_source_list_length (fixture->list);
    ArecSourceForm form = (ArecSourceForm)42;

    if (arec_source_list_add (fixture->list, text, &form, &error)) {
        g_error ("'%s' was taken", text);
    }
    g_assert_error (error, AREC_ERROR, (int)code);
    g_assert_cmpstr (error->message, ==, message);
    g_assert_cmpint (form, ==, 42);
    g_assert_cmpuint (arec_source_list_length (fixture->list), ==, before);
}

/* Checks that the file opens by its directory and name, and is the one made as @path. */
static void
assert_opens (const ArecSourceFile *file, const char *path)
{
    char text[4096];
    int fd = openat (arec_source_file_directory (file), file->name, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    g_assert_cmpint (fd, >=, 0);
    n = read (fd, text, sizeof text);
    close (fd);
    g_assert_cmpint (n, >, 0);
    g_assert_cmpmem (text, (size_t)n, path, strlen (path));
}

/* Checks that the names in the list, in order, are @names, NULL-terminated. */
static void
assert_names (const Fixture *fixture, const char *const *names)
{
    g_autoptr (GString) found = g_string_new (NULL);
    g_autofree char *expected = g_strjoinv ("\n", (char **)names);

    for (size_t i = 0; i < arec_source_list_length (fixture->list); i++) {
        g_string_append_printf (found, "%s%s", i > 0 ? "\n" : "",
                                arec_source_list_get (fixture->list, i)->name);
    }
    g_assert_cmpstr (found->str, ==, expected);
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

static size_t
n_open_files (void)
{
    g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
    size_t n = 0;

    while (g_dir_read_name (dir)) {
        n++;
    }
    return n;
}

static void
make_link (const char *target, const char *path)
{
    g_assert_cmpint (symlink (target, path), ==, 0);
}

/* ---- names ------------------------------------------------------------------------------- */

static void
test_names (void)
{
    static const struct {
        const char *name;
        bool counts;
    } rows[] = {
        {"train.array_record", true},
        {"train.arrayrecord", true},
        {".array_record", true},
        {"dir/train.array_record", true},
        {"train.array_record-00000-of-00008", true},
        {"train.array_record-000000-of-123456", true},
        {"train.array_record-0000-of-00008", false},
        {"train.array_record-00000-of-0008", false},
        {"train.array_record-00000-of-", false},
        {"train.array_record-00000of-00008", false},
        {"train.array_record00000-of-00008", false},
        {"train.array_record-0000x-of-00008", false},
        {"train.array_record-00000-of-00008x", false},
        {"train.arrayrecord-00000-of-00008", false},
        {"train-00000-of-00008", false},
        {"00000-of-00008", false},
        {"00008", false},
        {"train.array_record@8", false},
        {"train.array_record.tmp", false},
        {"train.Array_Record", false},
        {"array_record", false},
        {"train.riegeli", false},
        {"train", false},
        {"", false},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        if (arec_source_name_is_array_record (rows[i].name) != rows[i].counts) {
            g_error ("'%s'", rows[i].name);
        }
    }
}

/* ---- literal files ----------------------------------------------------------------------- */

static void
test_literal (Fixture *fixture, const void *data)
{
    g_autofree char *absolute = g_build_filename (fixture->directory, "a", "x", NULL);
    const ArecSourceFile *file;

    (void)data;
    make_all (NAMES ("x", "a/x", "b/y"));
    add (fixture, "x", AREC_SOURCE_LITERAL);
    add (fixture, "a/x", AREC_SOURCE_LITERAL);
    add (fixture, "./b//y", AREC_SOURCE_LITERAL);
    add (fixture, absolute, AREC_SOURCE_LITERAL);
    add (fixture, "x", AREC_SOURCE_LITERAL);
    assert_names (fixture, NAMES ("x", "x", "y", "x", "x"));

    file = arec_source_list_get (fixture->list, 2);
    g_assert_cmpstr (file->path, ==, "./b//y");
    g_assert_cmpuint (file->argument, ==, 2);
    g_assert_cmpint (file->form, ==, AREC_SOURCE_LITERAL);
    g_assert_false (file->has_range);
    assert_opens (file, "b/y");
    g_assert_cmpstr (arec_source_list_get (fixture->list, 3)->path, ==, absolute);
    /* One descriptor for each directory, however it is spelled. */
    g_assert_cmpint (arec_source_file_directory (arec_source_list_get (fixture->list, 3)), ==,
                     arec_source_file_directory (arec_source_list_get (fixture->list, 1)));
    g_assert_cmpint (arec_source_file_directory (arec_source_list_get (fixture->list, 0)), !=,
                     arec_source_file_directory (arec_source_list_get (fixture->list, 1)));
}

static void
test_found_again (Fixture *fixture, const void *data)
{
    (void)data;
    make_all (NAMES ("x", "a/x.array_record"));
    add (fixture, "x", AREC_SOURCE_LITERAL);
    add (fixture, "a", AREC_SOURCE_DIRECTORY);
    g_assert_cmpint (chdir ("/"), ==, 0);
    assert_opens (arec_source_list_get (fixture->list, 0), "x");
    assert_opens (arec_source_list_get (fixture->list, 1), "a/x.array_record");
    g_assert_cmpint (chdir (fixture->directory), ==, 0);
    g_assert_cmpint (rename ("a", "moved"), ==, 0);
    assert_opens (arec_source_list_get (fixture->list, 1), "a/x.array_record");
}

static void
test_absent (Fixture *fixture, const void *data)
{
    g_autofree char *long_name = g_strnfill (300, 'x');
    g_autofree char *long_message = g_strdup_printf ("%s: File name too long", long_name);

    (void)data;
    make ("file");
    make_link ("nowhere", "dangling");
    make_link ("loop", "loop");
    g_assert_cmpint (mkfifo ("fifo", 0600), ==, 0);
    add_fails (fixture, "", AREC_ERROR_NOT_FOUND, ": No such file or directory");
    add_fails (fixture, "none", AREC_ERROR_NOT_FOUND, "none: No such file or directory");
    add_fails (fixture, "none/x", AREC_ERROR_NOT_FOUND, "none/x: No such file or directory");
    add_fails (fixture, "file/x", AREC_ERROR_NOT_FOUND, "file/x: Not a directory");
    add_fails (fixture, "file/", AREC_ERROR_NOT_FOUND, "file/: Not a directory");
    add_fails (fixture, "dangling", AREC_ERROR_NOT_FOUND,
               "dangling: No such file or directory");
    add_fails (fixture, "loop", AREC_ERROR_NOT_FOUND,
               "loop: Too many levels of symbolic links");
    add_fails (fixture, "fifo", AREC_ERROR_NOT_FOUND, "fifo: not a regular file");
    add_fails (fixture, "/dev/null", AREC_ERROR_NOT_FOUND, "/dev/null: not a regular file");
    add_fails (fixture, "none[1:2]", AREC_ERROR_NOT_FOUND, "none: No such file or directory");
    add_fails (fixture, "[1:2]", AREC_ERROR_NOT_FOUND, ": No such file or directory");
    add_fails (fixture, long_name, AREC_ERROR_NOT_FOUND, long_message);
}

static void
test_links_to_files (Fixture *fixture, const void *data)
{
    (void)data;
    make ("a/real");
    make_link ("a/real", "link");
    add (fixture, "link", AREC_SOURCE_LITERAL);
    assert_names (fixture, NAMES ("link"));
    assert_opens (arec_source_list_get (fixture->list, 0), "a/real");
}

static void
test_add_literal (Fixture *fixture, const void *data)
{
    static const char *const names[] = {"x[1:2]", "x@2", "*", "\xff\xfe\n", "with, comma"};
    g_autoptr (GError) error = NULL;

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS (names); i++) {
        make (names[i]);
        g_assert_true (arec_source_list_add_literal (fixture->list, names[i], &error));
        g_assert_no_error (error);
        g_assert_cmpstr (arec_source_list_get (fixture->list, i)->name, ==, names[i]);
        g_assert_cmpuint (arec_source_list_get (fixture->list, i)->argument, ==, i);
        g_assert_false (arec_source_list_get (fixture->list, i)->has_range);
        assert_opens (arec_source_list_get (fixture->list, i), names[i]);
    }
    g_assert_cmpint (mkdir ("dir", 0755), ==, 0);
    g_assert_false (arec_source_list_add_literal (fixture->list, "dir", &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_NOT_FOUND);
    g_assert_cmpstr (error->message, ==, "dir: not a regular file but a directory");
    g_clear_error (&error);
    g_assert_false (arec_source_list_add_literal (fixture->list, "dir/", &error));
    g_assert_cmpstr (error->message, ==, "dir/: not a regular file but a directory");
    g_clear_error (&error);
    make ("y");
    g_assert_false (arec_source_list_add_literal (fixture->list, "y[1:2]", &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_NOT_FOUND);
    g_assert_cmpuint (arec_source_list_length (fixture->list), ==, G_N_ELEMENTS (names));
}

/* A text that names an existing file is that file, whatever else it could mean. */
static void
test_existing_name_wins (Fixture *fixture, const void *data)
{
    static const char *const texts[] = {"x[5:9]", "x@2", "x*", "x?", "[ab]"};

    (void)data;
    make_all (NAMES ("x", "xy", "a", "b", "x-00000-of-00002", "x-00001-of-00002"));
    for (size_t i = 0; i < G_N_ELEMENTS (texts); i++) {
        make (texts[i]);
        add (fixture, texts[i], AREC_SOURCE_LITERAL);
        g_assert_cmpuint (arec_source_list_length (fixture->list), ==, i + 1);
        g_assert_cmpstr (arec_source_list_get (fixture->list, i)->name, ==, texts[i]);
        g_assert_false (arec_source_list_get (fixture->list, i)->has_range);
    }
}

/* ---- ranges ------------------------------------------------------------------------------ */

static void
test_range (Fixture *fixture, const void *data)
{
    static const struct {
        const char *text;
        ArecRangeText range;
    } rows[] = {
        {"x[5:9]", {.has_first = true, .first = 5, .has_end = true, .end = 9}},
        {"x[:9]", {.has_end = true, .end = 9}},
        {"x[-10:]", {.has_first = true, .first = -10}},
        {"x[:]", {0}},
        {"x[-3:-1]", {.has_first = true, .first = -3, .has_end = true, .end = -1}},
        {"./x[05:9]", {.has_first = true, .first = 5, .has_end = true, .end = 9}},
    };

    (void)data;
    make ("x");
    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        const ArecSourceFile *file;

        add (fixture, rows[i].text, AREC_SOURCE_LITERAL);
        file = arec_source_list_get (fixture->list, i);
        g_assert_cmpstr (file->name, ==, "x");
        g_assert_null (strchr (file->path, '['));
        g_assert_true (file->has_range);
        g_assert_cmpint (file->range.has_first, ==, rows[i].range.has_first);
        g_assert_cmpint (file->range.has_end, ==, rows[i].range.has_end);
        g_assert_cmpint (file->range.first, ==, rows[i].range.first);
        g_assert_cmpint (file->range.end, ==, rows[i].range.end);
    }
}

/* These are not ranges: as globs they match nothing, though `x` exists. */
static void
test_not_a_range (Fixture *fixture, const void *data)
{
    static const char *const texts[] = {
        "x[5]", "x[a:b]", "x[1:2:3]", "x[1:2]y", "x[--1:]", "x[1:-]", "x[ 1:2]", "x[+1:2]",
    };

    (void)data;
    make ("x");
    for (size_t i = 0; i < G_N_ELEMENTS (texts); i++) {
        bool is_meant = g_str_has_suffix (texts[i], "]");
        g_autofree char *message =
            g_strdup_printf ("%s: no file matches%s", texts[i],
                             is_meant ? "; a range of records is [a:b], such as [5:9]" : "");

        add_fails (fixture, texts[i], is_meant ? AREC_ERROR_INVALID : AREC_ERROR_NOT_FOUND,
                   message);
    }
    add_fails (fixture, "x1:2]", AREC_ERROR_NOT_FOUND, "x1:2]: No such file or directory");
}

static void
test_bad_range (Fixture *fixture, const void *data)
{
    (void)data;
    make_all (NAMES ("x", "d/y.array_record"));
    add_fails (fixture, "x[99999999999999999999:]", AREC_ERROR_INVALID,
               "x[99999999999999999999:]: '99999999999999999999:' is not a range of records: "
               "7, 5:9, :100 or -10: is expected");
    add_fails (fixture, "d[1:2]", AREC_ERROR_INVALID,
               "d[1:2]: a range of records needs a file, but d is a directory");
}

/* ---- shards ------------------------------------------------------------------------------ */

static void
test_shards (Fixture *fixture, const void *data)
{
    (void)data;
    make_all (NAMES ("a/t-00001-of-00003", "a/t-00000-of-00003", "a/t-00002-of-00003",
                     "a/t-00003-of-00003", "u@x-00000-of-00001"));
    add (fixture, "a/t@3", AREC_SOURCE_SHARDED);
    assert_names (fixture, NAMES ("t-00000-of-00003", "t-00001-of-00003", "t-00002-of-00003"));
    g_assert_cmpstr (arec_source_list_get (fixture->list, 1)->path, ==, "a/t-00001-of-00003");
    assert_opens (arec_source_list_get (fixture->list, 1), "a/t-00001-of-00003");
    add (fixture, "u@x@1", AREC_SOURCE_SHARDED);
    add (fixture, "a/t@3[1:2]", AREC_SOURCE_SHARDED);
    g_assert_cmpuint (arec_source_list_length (fixture->list), ==, 7);
    for (size_t i = 0; i < 7; i++) {
        const ArecSourceFile *file = arec_source_list_get (fixture->list, i);

        g_assert_cmpint (file->form, ==, AREC_SOURCE_SHARDED);
        g_assert_cmpuint (file->argument, ==, i < 3 ? 0 : i < 4 ? 1 : 2);
        g_assert_cmpint (file->has_range, ==, i >= 4);
    }
}

static void
test_missing_shards (Fixture *fixture, const void *data)
{
    (void)data;
    make_all (NAMES ("t-00000-of-00004", "t-00002-of-00004"));
    add_fails (fixture, "t@4", AREC_ERROR_NOT_FOUND,
               "t-00001-of-00004: no such file; 2 of the 4 shards of t@4 are missing");
    add_fails (fixture, "t@1", AREC_ERROR_NOT_FOUND,
               "t-00000-of-00001: no such file; 1 of the 1 shards of t@1 are missing");
    add_fails (fixture, "t@99999", AREC_ERROR_NOT_FOUND,
               "t-00000-of-99999: no such file; 99999 of the 99999 shards of t@99999 are "
               "missing");
    g_assert_cmpint (mkdir ("d-00000-of-00001", 0755), ==, 0);
    add_fails (fixture, "d@1", AREC_ERROR_NOT_FOUND,
               "d-00000-of-00001: not a regular file but a directory");
}

static void
test_no_shards (Fixture *fixture, const void *data)
{
    static const char *const texts[] = {
        "t@0", "t@100000", "t@", "t@x", "t@-1", "t@1x", "t@99999999999999999999", "t@1/u",
    };

    (void)data;
    make_all (NAMES ("t-00000-of-00000", "t-00000-of-100000"));
    for (size_t i = 0; i < G_N_ELEMENTS (texts); i++) {
        g_autofree char *message = g_strdup_printf ("%s: No such file or directory", texts[i]);

        add_fails (fixture, texts[i], AREC_ERROR_NOT_FOUND, message);
    }
}

/* ---- globs ------------------------------------------------------------------------------- */

static void
test_glob (Fixture *fixture, const void *data)
{
    (void)data;
    make_all (NAMES ("b.x", "a.x", "B.x", "a-1.x", "c.y", "d/e.x", "d/f.x", ".hidden.x"));
    g_assert_cmpint (mkdir ("dir.x", 0755), ==, 0);
    g_assert_cmpint (mkfifo ("fifo.x", 0600), ==, 0);
    add (fixture, "*.x", AREC_SOURCE_GLOB);
    assert_names (fixture, NAMES ("B.x", "a-1.x", "a.x", "b.x"));
    add (fixture, "?/*.x", AREC_SOURCE_GLOB);
    assert_names (fixture, NAMES ("B.x", "a-1.x", "a.x", "b.x", "e.x", "f.x"));
    add (fixture, "[a-b].x[2:3]", AREC_SOURCE_GLOB);
    assert_names (fixture, NAMES ("B.x", "a-1.x", "a.x", "b.x", "e.x", "f.x", "a.x", "b.x"));
    g_assert_cmpstr (arec_source_list_get (fixture->list, 4)->path, ==, "d/e.x");
    assert_opens (arec_source_list_get (fixture->list, 4), "d/e.x");
    for (size_t i = 0; i < 8; i++) {
        const ArecSourceFile *file = arec_source_list_get (fixture->list, i);

        g_assert_cmpint (file->form, ==, AREC_SOURCE_GLOB);
        g_assert_cmpuint (file->argument, ==, i < 4 ? 0 : i < 6 ? 1 : 2);
        g_assert_cmpint (file->has_range, ==, i >= 6);
    }
}

/* A glob with one match is still a glob, and `@N` after a wildcard is one as well. */
static void
test_glob_with_one_match (Fixture *fixture, const void *data)
{
    (void)data;
    make_all (NAMES ("a.x", "b@8"));
    add (fixture, "a*", AREC_SOURCE_GLOB);
    add (fixture, "*@8", AREC_SOURCE_GLOB);
    assert_names (fixture, NAMES ("a.x", "b@8"));
}

static void
test_glob_without_match (Fixture *fixture, const void *data)
{
    (void)data;
    make ("d/x");
    make_link ("nowhere", "dangling");
    add_fails (fixture, "*.x", AREC_ERROR_NOT_FOUND, "*.x: no file matches");
    add_fails (fixture, "none/*", AREC_ERROR_NOT_FOUND, "none/*: no file matches");
    add_fails (fixture, "d*", AREC_ERROR_NOT_FOUND, "dangling: No such file or directory");
    add_fails (fixture, "?", AREC_ERROR_NOT_FOUND, "?: no file matches");
    add_fails (fixture, "*[1:2]", AREC_ERROR_NOT_FOUND, "dangling: No such file or directory");
}

/* ---- directories ------------------------------------------------------------------------- */

static void
test_directory (Fixture *fixture, const void *data)
{
    const ArecSourceFile *file;

    (void)data;
    make_all (
        NAMES ("d/z.array_record", "d/a/b/t.array_record", "d/a.array_record",
               "d/a/u.arrayrecord", "d/a-b/v.riegeli", "d/B/t.array_record-00000-of-00008",
               "d/notes.txt", "d/a/b/t.array_record.tmp", "d/.hidden/x.array_record",
               "d/.x.array_record", "d/dir.array_record/y.array_record", "e/x.array_record"));
    g_assert_cmpint (mkdir ("d/empty", 0755), ==, 0);
    g_assert_cmpint (mkfifo ("d/fifo.array_record", 0600), ==, 0);
    add (fixture, "d//", AREC_SOURCE_DIRECTORY);
    /* The byte order of whole names: `-` and `.` are less than `/`. */
    assert_names (fixture, NAMES ("B/t.array_record-00000-of-00008", "a-b/v.riegeli",
                                  "a.array_record", "a/b/t.array_record", "a/u.arrayrecord",
                                  "dir.array_record/y.array_record", "z.array_record"));
    for (size_t i = 0; i < 7; i++) {
        g_autofree char *path = NULL;

        file = arec_source_list_get (fixture->list, i);
        path = g_strdup_printf ("d/%s", file->name);
        g_assert_cmpstr (file->path, ==, path);
        g_assert_cmpint (file->form, ==, AREC_SOURCE_DIRECTORY);
        g_assert_cmpint (arec_source_file_directory (file), ==,
                         arec_source_file_directory (arec_source_list_get (fixture->list, 0)));
        g_assert_false (file->has_range);
        assert_opens (file, path);
    }
    g_assert_cmpint (chdir ("e"), ==, 0);
    add (fixture, ".", AREC_SOURCE_DIRECTORY);
    file = arec_source_list_get (fixture->list, 7);
    g_assert_cmpstr (file->path, ==, "./x.array_record");
    g_assert_cmpstr (file->name, ==, "x.array_record");
    g_assert_cmpuint (file->argument, ==, 1);
}

static void
test_patterns (Fixture *fixture, const void *data)
{
    (void)data;
    make_all (NAMES ("d/a.rec", "d/sub/b.rec", "d/c.data", "d/d.array_record", "d/e.txt"));
    arec_source_list_add_pattern (fixture->list, "*.rec");
    arec_source_list_add_pattern (fixture->list, "c.*");
    add (fixture, "d", AREC_SOURCE_DIRECTORY);
    assert_names (fixture, NAMES ("a.rec", "c.data", "d.array_record", "sub/b.rec"));
}

static void
test_empty_directory (Fixture *fixture, const void *data)
{
    (void)data;
    make_all (NAMES ("d/notes.txt", "d/.x.array_record"));
    add_fails (fixture, "d", AREC_ERROR_NOT_FOUND, "no ArrayRecord files below d");
}

static void
test_exclude (Fixture *fixture, const void *data)
{
    (void)data;
    make_all (NAMES ("d/a.array_record", "d/mnt/b.array_record", "d/mnt/c/d.array_record",
                     "d/z/e.array_record"));
    make_link ("../mnt", "d/z/link");
    arec_source_list_exclude (fixture->list, "d/../d/mnt");
    arec_source_list_exclude (fixture->list, "none");
    add (fixture, "d", AREC_SOURCE_DIRECTORY);
    assert_names (fixture, NAMES ("a.array_record", "z/e.array_record"));
    /* The argument itself is scanned: a mount may cover its source. */
    add (fixture, "d/mnt", AREC_SOURCE_DIRECTORY);
    g_assert_cmpuint (arec_source_list_length (fixture->list), ==, 4);
}

static void
test_links_in_directories (Fixture *fixture, const void *data)
{
    (void)data;
    make_all (NAMES ("d/a/x.array_record", "other/y.array_record", "other/file"));
    make_link ("..", "d/a/up");
    make_link (".", "d/self");
    make_link ("a", "d/b");
    make_link ("../other", "d/other");
    make_link ("../other/file", "d/link.array_record");
    make_link ("nowhere", "d/dangling");
    make_link ("nowhere", "d/dangling.array_record");
    make_link ("circle", "d/circle");
    add (fixture, "d", AREC_SOURCE_DIRECTORY);
    /* A dangling link of the right name is listed; opening it gives the error. */
    assert_names (fixture,
                  NAMES ("a/x.array_record", "b/x.array_record", "dangling.array_record",
                         "link.array_record", "other/y.array_record"));
    assert_opens (arec_source_list_get (fixture->list, 3), "other/file");
}

/* Directories that link to each other: the list has every path without a repetition, and
 * ends. */
static void
test_links_that_could_loop (Fixture *fixture, const void *data)
{
    (void)data;
    make_all (NAMES ("d/a/x.array_record", "d/b/y.array_record"));
    make_link ("../b", "d/a/to-b");
    make_link ("../a", "d/b/to-a");
    add (fixture, "d", AREC_SOURCE_DIRECTORY);
    assert_names (fixture, NAMES ("a/to-b/y.array_record", "a/x.array_record",
                                  "b/to-a/x.array_record", "b/y.array_record"));
}

/* A chain of directories, @depth of them below `d`, with a file in the last. */
static void
make_deep (unsigned depth)
{
    g_autoptr (GString) path = g_string_new ("d");

    for (unsigned i = 0; i < depth; i++) {
        g_string_append (path, "/s");
    }
    g_string_append (path, "/x.array_record");
    make (path->str);
}

static void
test_depth (Fixture *fixture, const void *data)
{
    (void)data;
    make_deep (128);
    add (fixture, "d", AREC_SOURCE_DIRECTORY);
    g_assert_cmpuint (arec_source_list_length (fixture->list), ==, 1);
    g_assert_cmpuint (arec_source_list_n_notes (fixture->list), ==, 0);
    make_deep (129);
    add (fixture, "d", AREC_SOURCE_DIRECTORY);
    g_assert_cmpuint (arec_source_list_length (fixture->list), ==, 2);
    g_assert_cmpuint (arec_source_list_n_notes (fixture->list), ==, 1);
    g_assert_cmpstr (arec_source_list_note (fixture->list, 0)->reason, ==,
                     "the directories are too deep");
}

/* Neither depth nor width of a tree needs descriptors. */
static void
test_few_descriptors (Fixture *fixture, const void *data)
{
    struct rlimit limit, few;

    (void)data;
    make_deep (100);
    for (int i = 0; i < 100; i++) {
        g_autofree char *path = g_strdup_printf ("d/%02d/x.array_record", i);

        make (path);
    }
    g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
    few = limit;
    few.rlim_cur = 32;
    g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &few), ==, 0);
    add (fixture, "d", AREC_SOURCE_DIRECTORY);
    g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
    g_assert_cmpuint (arec_source_list_length (fixture->list), ==, 101);
}

/* Checks that the list has one note, and its contents. */
static void
assert_note (const Fixture *fixture, ArecSourceNoteKind kind, const char *path,
             const char *reason)
{
    const ArecSourceNote *note;

    g_assert_cmpuint (arec_source_list_n_notes (fixture->list), ==, 1);
    note = arec_source_list_note (fixture->list, 0);
    g_assert_cmpint (note->kind, ==, kind);
    g_assert_cmpstr (note->path, ==, path);
    g_assert_cmpstr (note->reason, ==, reason);
}

/* Becomes a user other than root, who may read everything. */
static void
become (uid_t uid)
{
    if (getuid() == 0) {
        g_assert_cmpint (seteuid (uid), ==, 0);
    }
}

/* A source that cannot be read is an error; what cannot be read below a directory is left out
 * and noted. */
static void
test_unreadable (Fixture *fixture, const void *data)
{
    (void)data;
    make_all (NAMES ("d/a.array_record", "d/sub/b.array_record", "s/c"));
    g_assert_cmpint (chmod ("d/sub", 0), ==, 0);
    g_assert_cmpint (chmod ("s", 0), ==, 0);
    become (65534);
    add_fails (fixture, "d/sub", AREC_ERROR_NOT_FOUND, "d/sub/: Permission denied");
    add_fails (fixture, "d/sub/*", AREC_ERROR_NOT_FOUND, "d/sub/*: Permission denied");
    add_fails (fixture, "s/c", AREC_ERROR_NOT_FOUND, "s/c: Permission denied");
    add_fails (fixture, "d/*/?", AREC_ERROR_NOT_FOUND, "d/*/?: d/sub: Permission denied");
    add (fixture, "d", AREC_SOURCE_DIRECTORY);
    assert_names (fixture, NAMES ("a.array_record"));
    assert_note (fixture, AREC_NOTE_LEFT_OUT, "d/sub", "Permission denied");
    become (0);
    g_assert_cmpint (chmod ("d/sub", 0755), ==, 0);
    g_assert_cmpint (chmod ("s", 0755), ==, 0);
}

/* If nothing below the directory can be read, the error has the reason. */
static void
test_only_unreadable_files (Fixture *fixture, const void *data)
{
    (void)data;
    make ("d/sub/b.array_record");
    g_assert_cmpint (chmod ("d/sub", 0), ==, 0);
    become (65534);
    add_fails (fixture, "d", AREC_ERROR_NOT_FOUND,
               "no ArrayRecord files below d that can be read; d/sub: Permission denied");
    g_assert_cmpuint (arec_source_list_n_notes (fixture->list), ==, 0);
    become (0);
    g_assert_cmpint (chmod ("d/sub", 0755), ==, 0);
}

/* A link that leads out of the directory is followed only if root, or the user who scans,
 * has made it. */
static void
test_links_of_others (Fixture *fixture, const void *data)
{
    (void)data;
    if (getuid() != 0) {
        g_test_skip ("links of others need root");
        return;
    }
    make_all (NAMES ("d/a.array_record", "out/secret.array_record", "out/c"));
    make_link ("../out/secret.array_record", "d/ours.array_record");
    make_link ("../out/c", "d/theirs.array_record");
    make_link ("a.array_record", "d/within.array_record");
    g_assert_cmpint (lchown ("d/theirs.array_record", 65534, 65534), ==, 0);
    g_assert_cmpint (lchown ("d/within.array_record", 65534, 65534), ==, 0);
    add (fixture, "d", AREC_SOURCE_DIRECTORY);
    assert_names (fixture,
                  NAMES ("a.array_record", "ours.array_record", "within.array_record"));
    assert_note (fixture, AREC_NOTE_LEFT_OUT, "d/theirs.array_record",
                 "a link of another user leads out of the directory");
}

/* Attributes of all that is listed, whether or not it can be examined. */
static void
test_stat (Fixture *fixture, const void *data)
{
    g_autoptr (GError) error = NULL;
    struct stat st;

    (void)data;
    make ("d/s/a.array_record");
    make_link ("nowhere", "d/s/b.array_record");
    make ("d/s/c.array_record");
    g_assert_cmpint (chmod ("d/s/a.array_record", 0640), ==, 0);
    add (fixture, "d", AREC_SOURCE_DIRECTORY);
    g_assert_true (arec_source_list_stat (fixture->list, 0, false, &st, &error));
    g_assert_cmpuint (st.st_mode, ==, S_IFREG | 0640);
    g_assert_true (arec_source_list_stat (fixture->list, 1, false, &st, &error));
    g_assert_true (S_ISLNK (st.st_mode));
    g_assert_true (arec_source_list_stat_directory (fixture->list, 0, "s", &st, &error));
    g_assert_cmpuint (st.st_mode, ==, S_IFDIR | 0755);
    g_assert_no_error (error);
    g_assert_cmpint (unlink ("d/s/c.array_record"), ==, 0);
    g_assert_true (arec_source_list_stat (fixture->list, 2, false, &st, &error));
    g_assert_cmpuint (st.st_mode, ==, S_IFDIR | 0755);
    g_assert_false (arec_source_list_stat (fixture->list, 2, true, &st, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_CHANGED);
    /* Merged, the directory is not shown, so its permissions count for its files. */
    g_assert_cmpint (chmod ("d/s", 0700), ==, 0);
    g_assert_true (arec_source_list_stat (fixture->list, 0, true, &st, NULL));
    g_assert_cmpuint (st.st_mode, ==, S_IFREG | 0600);
}

static void
test_shard_notes (Fixture *fixture, const void *data)
{
    (void)data;
    make_all (NAMES ("d/t.array_record-00000-of-00003", "d/t.array_record-00002-of-00003"));
    add (fixture, "d/t*", AREC_SOURCE_GLOB);
    arec_source_list_check_shards (fixture->list);
    assert_note (fixture, AREC_NOTE_SHARDS,
                 "d/t.array_record-????"
                 "?-of-00003",
                 "1 shard is missing: t.array_record-00001-of-00003");
}

/* ---- the list ---------------------------------------------------------------------------- */

/* Pointers stay valid while the list grows; failed additions do not count as arguments. */
static void
test_growth (Fixture *fixture, const void *data)
{
    enum { N_FILES = 5000 };
    const ArecSourceFile *first;

    (void)data;
    make ("first");
    add (fixture, "first", AREC_SOURCE_LITERAL);
    first = arec_source_list_get (fixture->list, 0);
    add_fails (fixture, "none", AREC_ERROR_NOT_FOUND, "none: No such file or directory");
    for (int i = 0; i < N_FILES; i++) {
        g_autofree char *path = g_strdup_printf ("d/%04d.array_record", i);

        make (path);
    }
    add (fixture, "d", AREC_SOURCE_DIRECTORY);
    g_assert_cmpuint (arec_source_list_length (fixture->list), ==, 1 + N_FILES);
    g_assert_true (first == arec_source_list_get (fixture->list, 0));
    g_assert_cmpstr (first->path, ==, "first");
    for (size_t i = 0; i < N_FILES; i++) {
        const ArecSourceFile *file = arec_source_list_get (fixture->list, i + 1);
        g_autofree char *name = g_strdup_printf ("%04zu.array_record", i);

        g_assert_cmpstr (file->name, ==, name);
        g_assert_cmpuint (file->argument, ==, 1);
    }
    add (fixture, "d/*9.array_record", AREC_SOURCE_GLOB);
    g_assert_cmpuint (arec_source_list_length (fixture->list), ==, 1 + N_FILES + N_FILES / 10);
    g_assert_cmpint (
        arec_source_file_directory (arec_source_list_get (fixture->list, 1 + N_FILES)), ==,
        arec_source_file_directory (arec_source_list_get (fixture->list, 1)));
}

static void
test_descriptors_are_closed (Fixture *fixture, const void *data)
{
    ArecSourceList *list = arec_source_list_new();
    size_t before = n_open_files();

    (void)fixture;
    (void)data;
    make_all (NAMES ("a/x", "b/y.array_record", "b/sub/z.array_record"));
    g_assert_true (arec_source_list_add (list, "a/x", NULL, NULL));
    g_assert_true (arec_source_list_add (list, "b", NULL, NULL));
    g_assert_false (arec_source_list_add (list, "c", NULL, NULL));
    g_assert_cmpuint (n_open_files(), ==, before + 2);
    g_assert_true (
        fcntl (arec_source_file_directory (arec_source_list_get (list, 0)), F_GETFD) &
        FD_CLOEXEC);
    g_assert_true (arec_source_list_ref (list) == list);
    arec_source_list_unref (list);
    g_assert_cmpuint (n_open_files(), ==, before + 2);
    arec_source_list_unref (list);
    g_assert_cmpuint (n_open_files(), ==, before);
    arec_source_list_unref (NULL);
}

static void
test_too_many_directories (Fixture *fixture, const void *data)
{
    struct rlimit limit, none;

    (void)data;
    make ("a/x");
    g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
    none = limit;
    none.rlim_cur = 0;
    g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &none), ==, 0);
    add_fails (fixture, "a/x", AREC_ERROR_IO, "a/x: Too many open files");
    g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
}

static void
test_absolute_names (Fixture *fixture, const void *data)
{
    g_autofree char *here = g_get_current_dir();
    static const struct {
        const char *text;
        const char *reported; /* below the working directory */
    } cases[] = {
        {"x", "/x"},
        {"./a//./b/x", "/a/b/x"},
        {"a/../x", "/a/../x"},
        {"a/b/x[0:1]", "/a/b/x"},
        {"a/b", "/a/b/y.riegeli"},
        {"./", "/a/b/y.riegeli"},
    };

    (void)fixture;
    (void)data;
    make ("x");
    make ("a/b/x");
    make ("a/b/y.riegeli");
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (ArecSourceList) list = arec_source_list_new();
        g_autofree char *reported = g_strconcat (here, cases[i].reported, NULL);
        g_autoptr (GError) error = NULL;
        const ArecSourceFile *file;

        arec_source_list_tell_absolute (list, here);
        arec_source_list_add (list, cases[i].text, NULL, &error);
        g_assert_no_error (error);
        g_assert_cmpuint (arec_source_list_length (list), ==, 1);
        file = arec_source_list_get (list, 0);
        g_assert_cmpstr (file->path, ==, reported);
        g_assert_true (g_str_has_suffix (file->path, file->name));
        g_assert_cmpint (faccessat (arec_source_file_directory (file), file->name, R_OK, 0), ==,
                         0);
    }
}

static void
test_absolute_texts (Fixture *fixture, const void *data)
{
    static const struct {
        const char *text;
        const char *directory;
        const char *reported;
    } cases[] = {
        {"x", "/d", "/d/x"},
        {"x", "/", "/x"},
        {".", "/d", "/d"},
        {".", "/", "/"},
        {"/a/./b//c/", "/d", "/a/b/c"},
        {"../x*", "/d", "/d/../x*"},
        {"gs://b//x", "/d", "gs://b//x"},
        {"1x://b", "/d", "/d/1x:/b"}, /* no scheme begins with a digit */
    };

    (void)fixture;
    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autofree char *reported = arec_source_absolute (cases[i].text, cases[i].directory);

        g_assert_cmpstr (reported, ==, cases[i].reported);
    }
}

static void
test_remote (Fixture *fixture, const void *data)
{
    (void)data;
#ifdef AREC_HAVE_LIBCURL
    add_fails (fixture, "gs://bucket/x*", AREC_ERROR_UNSUPPORTED,
               "gs://bucket/x*: buckets are not listed here");
#else
    add_fails (fixture, "https://h/x?SECRET", AREC_ERROR_UNSUPPORTED,
               "https://h/x: URLs need libcurl, and this build is without");
#endif
    add_fails (fixture, "az://b/x", AREC_ERROR_INVALID,
               "az://b/x: unknown scheme; https://, http://, s3:// and gs:// are read");
    make ("s3:/b"); /* an existing file is meant */
    g_assert_true (arec_source_list_add (fixture->list, "s3://b", NULL, NULL));
}

#ifdef AREC_HAVE_LIBCURL
static void
test_urls (Fixture *fixture, const void *data)
{
    const ArecSourceFile *file;
    ArecSourceForm form;
    struct stat st;
    GError *error = NULL;

    (void)data;
    g_assert_true (
        arec_source_list_add (fixture->list, "https://H/a/x%20y?SECRET[5:9]", &form, &error));
    g_assert_no_error (error);
    g_assert_cmpint (form, ==, AREC_SOURCE_LITERAL);
    file = arec_source_list_get (fixture->list, 0);
    g_assert_cmpstr (file->path, ==, "https://h/a/x%20y");
    g_assert_cmpstr (file->name, ==, "x y");
    g_assert_true (file->has_range);
    g_assert_cmpint (file->range.first, ==, 5);
    g_assert_cmpstr (arec_source_file_url (file), ==, "https://h/a/x%20y?SECRET");
    g_assert_cmpint (arec_source_file_directory (file), ==, -1);
    g_assert_true (arec_source_list_stat (fixture->list, 0, false, &st, NULL));
    g_assert_cmpuint (st.st_mode, ==, S_IFREG | 0444);

    g_assert_true (arec_source_list_add (fixture->list, "http://h/x@3", &form, NULL));
    g_assert_cmpint (form, ==, AREC_SOURCE_SHARDED);
    g_assert_cmpuint (arec_source_list_length (fixture->list), ==, 4);
    file = arec_source_list_get (fixture->list, 3);
    g_assert_cmpstr (file->path, ==, "http://h/x-00002-of-00003");
    g_assert_cmpstr (file->name, ==, "x-00002-of-00003");

    /* Taken literally, that is a name; and a file that is there is no URL. */
    g_assert_true (arec_source_list_add_literal (fixture->list, "http://h/x@3", NULL));
    file = arec_source_list_get (fixture->list, 4);
    g_assert_cmpstr (file->name, ==, "x@3");
    make ("http:/h");
    g_assert_true (arec_source_list_add (fixture->list, "http://h", NULL, NULL));
    g_assert_null (arec_source_file_url (arec_source_list_get (fixture->list, 5)));
    arec_source_list_check_shards (fixture->list);
    g_assert_cmpuint (arec_source_list_n_notes (fixture->list), ==, 0);
}
#endif

static void
test_one_number_in_brackets (Fixture *fixture, const void *data)
{
    (void)data;
    make ("x");
    add_fails (fixture, "x[5]", AREC_ERROR_INVALID,
               "x[5]: no file matches; a range of records is [a:b], such as [5:9]");
    add_fails (fixture, "y[5]", AREC_ERROR_NOT_FOUND, "y[5]: no file matches");
    make ("x5");
    g_assert_true (arec_source_list_add (fixture->list, "x[5]", NULL, NULL));
}

/* All files together, whether or not a file is repeated. */
static void
test_tally (Fixture *fixture, const void *data)
{
    ArecSourceTally tally = {.list = fixture->list};
    static const char *const names[] = {"one", "three", "one", "seventeen"};

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS (names); i++) {
        make (names[i]); /* as long as its name */
        g_assert_true (arec_source_list_add (fixture->list, names[i], NULL, NULL));
    }
    g_assert_cmpuint (arec_source_tally_reach (&tally, "one", 1), ==, 1);
    g_assert_cmpuint (tally.total, ==, 3 + 5 + 3 + 9);
    g_assert_cmpuint (arec_source_tally_reach (&tally, "one", 3), ==, 3);
    g_assert_cmpuint (arec_source_tally_reach (&tally, "three", 2), ==, 5);
    g_assert_cmpuint (arec_source_tally_reach (&tally, "one", 0), ==, 8);
    g_assert_cmpuint (arec_source_tally_reach (&tally, "seventeen", 9), ==, 20);
}

int
main (int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*run) (Fixture *fixture, const void *data);
    } tests[] = {
        {"/source_list/literal", test_literal},
        {"/source_list/absolute-names", test_absolute_names},
        {"/source_list/absolute-texts", test_absolute_texts},
        {"/source_list/remote", test_remote},
#ifdef AREC_HAVE_LIBCURL
        {"/source_list/urls", test_urls},
#endif
        {"/source_list/one-number-in-brackets", test_one_number_in_brackets},
        {"/source_list/tally", test_tally},
        {"/source_list/found-again", test_found_again},
        {"/source_list/absent", test_absent},
        {"/source_list/links-to-files", test_links_to_files},
        {"/source_list/add-literal", test_add_literal},
        {"/source_list/existing-name-wins", test_existing_name_wins},
        {"/source_list/range", test_range},
        {"/source_list/not-a-range", test_not_a_range},
        {"/source_list/bad-range", test_bad_range},
        {"/source_list/shards", test_shards},
        {"/source_list/missing-shards", test_missing_shards},
        {"/source_list/no-shards", test_no_shards},
        {"/source_list/glob", test_glob},
        {"/source_list/glob-with-one-match", test_glob_with_one_match},
        {"/source_list/glob-without-match", test_glob_without_match},
        {"/source_list/directory", test_directory},
        {"/source_list/patterns", test_patterns},
        {"/source_list/empty-directory", test_empty_directory},
        {"/source_list/exclude", test_exclude},
        {"/source_list/links-in-directories", test_links_in_directories},
        {"/source_list/links-that-could-loop", test_links_that_could_loop},
        {"/source_list/depth", test_depth},
        {"/source_list/few-descriptors", test_few_descriptors},
        {"/source_list/unreadable", test_unreadable},
        {"/source_list/only-unreadable-files", test_only_unreadable_files},
        {"/source_list/links-of-others", test_links_of_others},
        {"/source_list/stat", test_stat},
        {"/source_list/shard-notes", test_shard_notes},
        {"/source_list/growth", test_growth},
        {"/source_list/descriptors-are-closed", test_descriptors_are_closed},
        {"/source_list/too-many-directories", test_too_many_directories},
    };

    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/source_list/names", test_names);
    for (size_t i = 0; i < G_N_ELEMENTS (tests); i++) {
        g_test_add (tests[i].path, Fixture, NULL, set_up, tests[i].run, tear_down);
    }
    return g_test_run();
}
