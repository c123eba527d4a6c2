#include <string.h>

#include <glib.h>

#include "inputs.h"
#include "pack/input_names.h"

/* What @names means, each with `|` after it. */
static char *
names_of (const ToolInputNames *names, GError **error)
{
    g_auto (ToolNameList) list = {0};
    GString *text = g_string_new (NULL);
    const char *name;

    if (tool_input_names_collect (names, &list, error)) {
        for (size_t at = 0; (name = tool_name_list_next (&list, &at));) {
            g_string_append_printf (text, "%s|", name);
        }
    }
    return g_string_free (text, FALSE);
}

static void
check_names (const ToolInputNames *names, const char *expected, const char *message)
{
    g_autoptr (GError) error = NULL;
    g_autofree char *got = names_of (names, &error);

    g_assert_cmpstr (error ? error->message : NULL, ==, message);
    g_assert_cmpstr (got, ==, expected);
}

static void
test_all_sources (void)
{
    char *operands[] = {(char *)"a", (char *)"b"};
    ToolInputNames names = {.operands = operands, .n_operands = 2};
    TestInputs inputs;

    test_inputs_begin (&inputs);
    check_names (&names, "a|b|", NULL);
    test_write ("lines", "c\n\nd e\r\n-x", 10);
    test_write ("nuls", "f\ng\0\0h", 6);
    names.lines_file = "lines";
    names.nul_file = "nuls";
    check_names (&names, "a|b|c|d e|-x|f\ng|h|", NULL);
    names.n_operands = 0;
    names.lines_file = NULL;
    check_names (&names, "f\ng|h|", NULL);
    test_inputs_end (&inputs);
}

static void
test_wrong (void)
{
    char *operands[] = {(char *)"-", (char *)"-"};
    ToolInputNames names = {.operands = operands, .n_operands = 1};
    g_autofree char *text = g_strnfill (70000, 'x');
    TestInputs inputs;

    test_inputs_begin (&inputs);
    check_names (&names, "-|", NULL);
    names.n_operands = 2;
    check_names (&names, "", "-: standard input is read once");
    names.n_operands = 1;
    names.lines_file = "-";
    check_names (&names, "", "-: standard input is read once");
    test_write ("x", "-\n", 2);
    names.lines_file = "x";
    check_names (&names, "", "-: standard input is read once");
    test_write ("x", "a\nb\0c\n", 6);
    check_names (&names, "", "x:2: a name with a NUL byte");
    test_write ("x", text, 70000);
    check_names (&names, "", "x:1: a name of more than 65536 bytes");
    names.lines_file = "absent";
    check_names (&names, "", "absent: No such file or directory");
    test_inputs_end (&inputs);
}

/* More than the memory of the list at first. */
static void
test_many (void)
{
    g_auto (ToolNameList) list = {0};
    size_t at = 0;

    for (unsigned i = 0; i < 100000; i++) {
        g_autofree char *name = g_strdup_printf ("name %u", i);

        g_assert_true (tool_name_list_add (&list, name, strlen (name), NULL));
    }
    g_assert_cmpuint (list.n, ==, 100000);
    g_assert_cmpuint (list.capacity, <=, 2 * list.size);
    for (unsigned i = 0; i < 100000; i++) {
        g_autofree char *name = g_strdup_printf ("name %u", i);

        g_assert_cmpstr (tool_name_list_next (&list, &at), ==, name);
    }
    g_assert_null (tool_name_list_next (&list, &at));
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/input_names/all_sources", test_all_sources);
    g_test_add_func ("/input_names/wrong", test_wrong);
    g_test_add_func ("/input_names/many", test_many);
    return g_test_run();
}
