#include <signal.h>
#include <string.h>

#include <glib.h>

#include "inputs.h"
#include "pack/input_lines.h"

static char *
lines_of (TestInputs *inputs, const char *names, GError **error)
{
    return test_take_named (inputs, names, tool_input_lines_new, error);
}

static void
check_lines (TestInputs *inputs, const char *names, const char *expected)
{
    g_autoptr (GError) error = NULL;
    g_autofree char *got = lines_of (inputs, names, &error);

    g_assert_no_error (error);
    g_assert_cmpstr (got, ==, expected);
}

static void
test_what_a_line_is (void)
{
    static const struct {
        const char *file;
        const char *lines;
        const char *kept; /* with keep_newline */
    } rows[] = {
        {"", "", ""},
        {"\n", "|", "\n|"},
        {"a", "a|", "a|"},
        {"a\n", "a|", "a\n|"},
        {"a\nb", "a|b|", "a\n|b|"},
        {"\n\na\r\n", "||a\r|", "\n|\n|a\r\n|"},
        {"\xff\xfe\n", "\xff\xfe|", "\xff\xfe\n|"},
    };
    TestInputs inputs;

    test_inputs_begin (&inputs);
    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        TestDrip drip;

        test_write ("x", rows[i].file, strlen (rows[i].file));
        inputs.options.keep_newline = false;
        check_lines (&inputs, "x", rows[i].lines);
        test_drip_begin (&drip, "fifo", rows[i].file, strlen (rows[i].file));
        check_lines (&inputs, "fifo", rows[i].lines);
        test_drip_end (&drip);
        inputs.options.keep_newline = true;
        check_lines (&inputs, "x", rows[i].kept);
    }
    test_inputs_end (&inputs);
}

/* A line is given when it is there, whatever comes after it: a writer may wait for us. */
static void
test_does_not_wait (void)
{
    g_autoptr (GError) error = NULL;
    ToolInputRecord record;
    ToolInput *input;
    TestInputs inputs;
    int fd;

    test_inputs_begin (&inputs);
    g_assert_cmpint (mkfifo ("fifo", 0600), ==, 0);
    fd = open ("fifo", O_RDWR | O_CLOEXEC);
    test_inputs_add (&inputs, "fifo");
    input = tool_input_lines_new (&inputs.options, &error);
    g_assert_no_error (error);
    for (int i = 0; i < 3; i++) {
        g_assert_cmpint (write (fd, "ab\n", 3), ==, 3);
        g_assert_cmpint (tool_input_next (input, &record, NULL), ==, TOOL_INPUT_RECORD);
        g_assert_cmpmem (record.data, record.size, "ab", 2);
    }
    close (fd);
    g_assert_cmpint (tool_input_next (input, &record, NULL), ==, TOOL_INPUT_END);
    tool_input_free (input);
    test_inputs_end (&inputs);
}

static void
test_nul (void)
{
    TestInputs inputs;

    test_inputs_begin (&inputs);
    inputs.options.split_at_nul = true;
    test_write ("x", "a\nb\0\0c", 6);
    check_lines (&inputs, "x", "a\nb||c|");
    test_inputs_end (&inputs);
}

/* The end of an input is the end of its last line. */
static void
test_several_inputs (void)
{
    TestInputs inputs;

    test_inputs_begin (&inputs);
    test_write ("x", "a\nb", 3);
    test_write ("empty", "", 0);
    check_lines (&inputs, "x empty x", "a|b|a|b|");
    test_inputs_end (&inputs);
}

static void
test_limit (void)
{
    g_autoptr (GError) error = NULL;
    g_autofree char *text = g_strnfill (5000, 'x');
    g_autofree char *got = NULL;
    TestInputs inputs;
    TestDrip drip;

    test_inputs_begin (&inputs);
    inputs.options.max_record = 4;
    test_write ("x", "ab\nabcd\nabcde\n", 14);
    got = lines_of (&inputs, "x", &error);
    g_assert_cmpstr (got, ==, "ab|abcd|");
    g_assert_error (error, AREC_ERROR, AREC_ERROR_LIMIT);
    g_assert_cmpstr (error->message, ==,
                     "x: at 8: a line of more than 4 bytes, the most that a record may have");
    g_clear_error (&error);
    g_clear_pointer (&got, g_free);

    /* It fails when that many bytes have come, not when the line ends. */
    inputs.options.max_record = 2000;
    test_drip_begin (&drip, "fifo", text, 5000);
    got = lines_of (&inputs, "fifo", &error);
    test_drip_end (&drip);
    g_assert_error (error, AREC_ERROR, AREC_ERROR_LIMIT);
    test_inputs_end (&inputs);
}

/* All inputs are tried before one is read. */
static void
test_absent (void)
{
    g_autoptr (GError) error = NULL;
    TestInputs inputs;

    test_inputs_begin (&inputs);
    test_write ("x", "a\n", 2);
    g_assert_null (lines_of (&inputs, "x absent .", &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_NOT_FOUND);
    g_assert_cmpstr (error->message, ==, "absent: No such file or directory");
    test_inputs_end (&inputs);
}

static void
test_progress_and_place (void)
{
    ToolInputRecord record;
    ToolInput *input;
    TestInputs inputs;
    char *place;

    test_inputs_begin (&inputs);
    test_write ("x", "ab\ncd\n", 6);
    test_inputs_add (&inputs, "x");
    test_inputs_add (&inputs, "x");
    input = tool_input_lines_new (&inputs.options, NULL);
    g_assert_cmpuint (input->progress.total, ==, 12);
    g_assert_false (input->progress.counts_files);
    for (int i = 0; i < 4; i++) {
        g_assert_cmpint (tool_input_next (input, &record, NULL), ==, TOOL_INPUT_RECORD);
    }
    place = tool_input_place (input);
    g_assert_cmpstr (place, ==, "x: at 3");
    g_free (place);
    g_assert_cmpint (tool_input_next (input, &record, NULL), ==, TOOL_INPUT_END);
    g_assert_cmpint (tool_input_next (input, &record, NULL), ==, TOOL_INPUT_END);
    g_assert_cmpuint (input->progress.done, ==, 12);
    tool_input_free (input);

    test_inputs_add (&inputs, "/dev/null");
    input = tool_input_lines_new (&inputs.options, NULL);
    g_assert_cmpuint (input->progress.total, ==, 0);
    tool_input_free (input);
    test_inputs_end (&inputs);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    signal (SIGPIPE, SIG_IGN);
    g_test_add_func ("/input_lines/what_a_line_is", test_what_a_line_is);
    g_test_add_func ("/input_lines/does_not_wait", test_does_not_wait);
    g_test_add_func ("/input_lines/nul", test_nul);
    g_test_add_func ("/input_lines/several_inputs", test_several_inputs);
    g_test_add_func ("/input_lines/limit", test_limit);
    g_test_add_func ("/input_lines/absent", test_absent);
    g_test_add_func ("/input_lines/progress_and_place", test_progress_and_place);
    return g_test_run();
}
