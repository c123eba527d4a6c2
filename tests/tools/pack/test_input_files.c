#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <glib.h>

#include "inputs.h"
#include "pack/input_files.h"

/* Makes the file @path, and the directories it lies in, with its own path as its bytes. */
static void
make (const char *path)
{
    g_autofree char *folder = g_path_get_dirname (path);

    g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
    test_write (path, path, strlen (path));
}

static void
make_link (const char *target, const char *path)
{
    g_assert_cmpint (symlink (target, path), ==, 0);
}

/* The files below @names, which spaces separate: test_take_all () of their paths. */
static char *
files_of (TestInputs *inputs, const char *names, GError **error)
{
    g_auto (GStrv) parts = g_strsplit (names, " ", -1);
    ToolInput *input;

    tool_name_list_clear (&inputs->names);
    g_string_truncate (inputs->reported, 0);
    for (size_t i = 0; parts[i]; i++) {
        test_inputs_add (inputs, parts[i]);
    }
    input = tool_input_files_new (&inputs->options, error);
    return input ? test_take_all (input, error) : NULL;
}

static void
check_files (TestInputs *inputs, const char *names, const char *expected, const char *reported)
{
    g_autoptr (GError) error = NULL;
    g_autofree char *got = files_of (inputs, names, &error);

    g_assert_no_error (error);
    g_assert_cmpstr (got, ==, expected);
    g_assert_cmpstr (inputs->reported->str, ==, reported);
}

static void
check_fails (TestInputs *inputs, const char *names, ArecError code, const char *message)
{
    g_autoptr (GError) error = NULL;

    g_free (files_of (inputs, names, &error));
    g_assert_cmpstr (error ? error->message : NULL, ==, message);
    g_assert_true (g_error_matches (error, AREC_ERROR, (int)code));
}

/* Byte order at each level, with what is in a directory where its name stands; as `LC_ALL=C
 * sort` of the paths with `/` as the lowest byte. Hidden files count. */
static void
test_order (void)
{
    static const char *const paths[] = {"d/b",   "d/a.txt",    "d/a/z", "d/a/b/c",
                                        "d/a-b", "d/B",        "d/.h",  "d/10",
                                        "d/9",   "d/\xc3\xa4", "d/a/~", "d/.g/x"};
    TestInputs inputs;

    test_inputs_begin (&inputs);
    for (size_t i = 0; i < G_N_ELEMENTS (paths); i++) {
        make (paths[i]);
    }
    check_files (&inputs, "d",
                 "d/.g/x|d/.h|d/10|d/9|d/B|d/a/b/c|d/a/z|d/a/~|d/a-b|d/a.txt|d/b|d/\xc3\xa4|",
                 "");
    /* In the order of the command line, each time anew. */
    check_files (&inputs, "d/b d/a/ d/10 d/b", "d/b|d/a/b/c|d/a/z|d/a/~|d/10|d/b|", "");
    test_inputs_end (&inputs);
}

static void
test_empty (void)
{
    TestInputs inputs;

    test_inputs_begin (&inputs);
    g_assert_cmpint (g_mkdir_with_parents ("d/e/f", 0700), ==, 0);
    check_files (&inputs, "d", "", "");
    test_write ("d/e/0", "", 0);
    check_files (&inputs, "d", "|", "");
    test_inputs_end (&inputs);
}

static void
test_links (void)
{
    TestInputs inputs;

    test_inputs_begin (&inputs);
    make ("d/a");
    make ("o/x");
    make_link ("a", "d/b");
    make_link ("../o", "d/c");
    make_link ("nowhere", "d/e");
    make_link (".", "o/y");
    make_link ("d", "top");
    check_files (&inputs, "d", "d/a|",
                 "d/b and 2 more: symbolic links, skipped; -L follows them\n");
    check_files (&inputs, "o", "o/x|", "o/y: a symbolic link, skipped; -L follows it\n");
    check_files (&inputs, "top", "d/a|",
                 "top/b and 2 more: symbolic links, skipped; -L follows them\n");
    check_files (&inputs, "d/b", "d/a|", "");
    inputs.options.dereference = true;
    check_files (&inputs, "d", "d/a|d/a|o/x|",
                 "d/e: a symbolic link to nothing, skipped\n"
                 "d/c/y: leads to a directory around it, skipped\n");
    check_fails (&inputs, "d/a d/e", AREC_ERROR_NOT_FOUND, "d/e: No such file or directory");
    test_inputs_end (&inputs);
}

static void
make_socket (const char *path)
{
    int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    g_assert_cmpuint (g_strlcpy (address.sun_path, path, sizeof address.sun_path), <,
                      sizeof address.sun_path);
    g_assert_cmpint (bind (fd, (struct sockaddr *)&address, sizeof address), ==, 0);
    close (fd);
}

static void
test_special_files (void)
{
    TestInputs inputs;

    test_inputs_begin (&inputs);
    make ("d/a");
    g_assert_cmpint (mkfifo ("d/b", 0600), ==, 0);
    check_files (&inputs, "d", "d/a|", "d/b: neither a file nor a directory, skipped\n");
    make_socket ("d/c");
    check_files (&inputs, "d", "d/a|",
                 "d/b and 1 more: neither files nor directories, skipped\n");
    check_fails (&inputs, "d d/b", AREC_ERROR_NOT_FOUND,
                 "d/b: is a FIFO, neither a file nor a directory");
    check_fails (&inputs, "d/c", AREC_ERROR_NOT_FOUND,
                 "d/c: is a socket, neither a file nor a directory");
    check_fails (&inputs, "/dev/null", AREC_ERROR_NOT_FOUND,
                 "/dev/null: is a device, neither a file nor a directory");
    check_fails (&inputs, "d -", AREC_ERROR_INVALID,
                 "-: standard input is no file; --from says what a record of it is");
    test_inputs_end (&inputs);
}

static void
test_excludes (void)
{
    static const char *const by_name[] = {"*.o", ".git", NULL};
    static const char *const by_path[] = {"sub/*", NULL};
    TestInputs inputs;

    test_inputs_begin (&inputs);
    make ("d/a.o");
    make ("d/b");
    make ("d/.git/x");
    make ("d/sub/.git/x");
    make ("d/sub/c");
    inputs.options.excludes = by_name;
    check_files (&inputs, "d", "d/b|d/sub/c|", "");
    check_files (&inputs, "d/a.o d/b", "d/b|", "");
    inputs.options.excludes = by_path;
    check_files (&inputs, "d", "d/.git/x|d/a.o|d/b|", "");
    check_files (&inputs, "d/sub", "d/sub/.git/x|d/sub/c|", "");
    test_inputs_end (&inputs);
}

/* The output is known by what it is, not by its name. */
static void
test_output_is_no_input (void)
{
    TestInputs inputs;

    test_inputs_begin (&inputs);
    make ("d/a");
    make ("d/out");
    g_assert_cmpint (link ("d/out", "d/same"), ==, 0);
    inputs.options.out = "./d/../d/out";
    check_files (&inputs, "d", "d/a|", "d/out and 1 more: are the output, skipped\n");
    check_files (&inputs, "d/out d/a", "d/a|", "d/out: is the output, skipped\n");
    inputs.options.out = "d/absent";
    check_files (&inputs, "d", "d/a|d/out|d/out|", "");
    test_inputs_end (&inputs);
}

static ToolInput *
begin_files (TestInputs *inputs, const char *name)
{
    ToolInput *input;

    tool_name_list_clear (&inputs->names);
    test_inputs_add (inputs, name);
    input = tool_input_files_new (&inputs->options, NULL);
    g_assert_nonnull (input);
    return input;
}

/* Takes one record, and then a failure. */
static void
check_second_fails (ToolInput *input, ArecError code, const char *message)
{
    g_autoptr (GError) error = NULL;
    ToolInputRecord record;

    g_assert_cmpint (tool_input_next (input, &record, NULL), ==, TOOL_INPUT_RECORD);
    g_assert_cmpint (tool_input_next (input, &record, &error), ==, TOOL_INPUT_FAILED);
    g_assert_true (g_error_matches (error, AREC_ERROR, (int)code));
    g_assert_cmpstr (error->message, ==, message);
    tool_input_free (input);
}

static void
test_changes_after_the_listing (void)
{
    ToolInput *input;
    TestInputs inputs;

    test_inputs_begin (&inputs);
    make ("d/a");
    make ("d/b");
    input = begin_files (&inputs, "d");
    g_assert_cmpint (unlink ("d/b"), ==, 0);
    check_second_fails (input, AREC_ERROR_CHANGED, "d/b: is no longer there");

    make ("d/b");
    input = begin_files (&inputs, "d");
    g_assert_cmpint (unlink ("d/b"), ==, 0);
    make_link ("a", "d/b");
    check_second_fails (input, AREC_ERROR_CHANGED, "d/b: is no longer there");

    g_assert_cmpint (unlink ("d/b"), ==, 0);
    make ("d/b");
    input = begin_files (&inputs, "d");
    g_assert_cmpint (unlink ("d/b"), ==, 0);
    g_assert_cmpint (mkfifo ("d/b", 0600), ==, 0);
    check_second_fails (input, AREC_ERROR_CHANGED, "d/b: is no longer a file");

    g_assert_cmpint (unlink ("d/b"), ==, 0);
    make ("d/b");
    input = begin_files (&inputs, "d");
    inputs.options.max_record = 3;
    tool_input_free (input);
    test_write ("d/b", "1234", 4);
    test_write ("d/a", "123", 3);
    check_second_fails (begin_files (&inputs, "d"), AREC_ERROR_LIMIT,
                        "d/b: 4 bytes, a record may have 3");
    test_inputs_end (&inputs);
}

/* A file of /proc has bytes and the size 0: as one that grew after its size was taken. */
static void
test_grows_while_it_is_read (void)
{
    TestInputs inputs;

    test_inputs_begin (&inputs);
    check_fails (&inputs, "/proc/self/status", AREC_ERROR_CHANGED,
                 "/proc/self/status: changed while it was read: at least 1 bytes instead of 0");
    test_inputs_end (&inputs);
}

/* Sizes around that of the memory at first, and names of any bytes. */
static void
test_random_files (void)
{
    g_autoptr (GString) expected = g_string_new (NULL);
    g_autoptr (GError) error = NULL;
    g_autofree char *got = NULL;
    TestInputs inputs;
    ToolInput *input;

    test_inputs_begin (&inputs);
    g_assert_cmpint (g_mkdir_with_parents ("d", 0700), ==, 0);
    for (int i = 0; i < 60; i++) {
        g_autofree char *name = g_strdup_printf ("d/%02d \n\x01\xff'\"\\", i);
        g_autofree char *text =
            g_strnfill ((gsize)g_test_rand_int_range (0, i % 3 == 0 ? 300000 : 70000),
                        (char)('a' + i % 26));

        test_write (name, text, strlen (text));
        g_string_append_printf (expected, "%s|", text);
    }
    input = begin_files (&inputs, "d");
    g_assert_cmpuint (input->progress.total, ==, 60);
    g_assert_true (input->progress.counts_files);
    got = test_take_all (input, &error);
    g_assert_no_error (error);
    g_assert_cmpstr (got, ==, expected->str);
    test_inputs_end (&inputs);
}

/* As deep as a path may be long, with one descriptor open at a time. */
static void
test_deep (void)
{
    GString *path = g_string_new ("d");
    g_autofree char *expected = NULL;
    struct rlimit before, few;
    TestInputs inputs;

    test_inputs_begin (&inputs);
    for (int i = 0; i < 1500; i++) {
        g_string_append (path, "/e");
    }
    g_string_append (path, "/f");
    make (path->str);
    expected = g_strconcat (path->str, "|", NULL);
    g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &before), ==, 0);
    few = before;
    few.rlim_cur = MIN (before.rlim_cur, 64);
    g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &few), ==, 0);
    check_files (&inputs, "d", expected, "");
    g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &before), ==, 0);
    g_string_free (path, TRUE);
    test_inputs_end (&inputs);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/input_files/order", test_order);
    g_test_add_func ("/input_files/empty", test_empty);
    g_test_add_func ("/input_files/links", test_links);
    g_test_add_func ("/input_files/special_files", test_special_files);
    g_test_add_func ("/input_files/excludes", test_excludes);
    g_test_add_func ("/input_files/output_is_no_input", test_output_is_no_input);
    g_test_add_func ("/input_files/changes_after_the_listing", test_changes_after_the_listing);
    g_test_add_func ("/input_files/grows_while_it_is_read", test_grows_while_it_is_read);
    g_test_add_func ("/input_files/random_files", test_random_files);
    g_test_add_func ("/input_files/deep", test_deep);
    return g_test_run();
}
