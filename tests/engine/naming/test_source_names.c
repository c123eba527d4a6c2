/* Lists of names in files: what a name is, what is refused, and where it stands. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#include <arec/error.h>
#include <arec/sources.h>

#include "files.h"

static bool
append (void *data, const char *name, size_t size, uint64_t line, GError **error)
{
    (void)error;
    g_assert_cmpuint (strlen (name), ==, size);
    g_string_append_printf (data, "%" G_GUINT64_FORMAT " %s|", line, name);
    return true;
}

static bool
refuse (void *data, const char *name, size_t size, uint64_t line, GError **error)
{
    (void)size;
    append (data, name, size, line, error);
    return line < 2 || arec_fail (error, AREC_ERROR_LIMIT, "enough");
}

/* What the bytes @text are read as. */
static char *
read_text (const char *text, size_t size, char end, ArecSourceNameFunc found, GError **error)
{
    char *path = test_file_write ("list", text, size);
    GString *got = g_string_new (NULL);

    arec_source_names_read (path, end, found, got, error);
    test_file_remove (path);
    return g_string_free (got, FALSE);
}

static const struct {
    const char *text, *names;
    char end;
} good[] = {
    {"", "", '\n'},
    {"\n\n\r\n", "", '\n'},
    {"a", "1 a|", '\n'},
    {"a\n", "1 a|", '\n'},
    {"a\nb c", "1 a|2 b c|", '\n'},
    {"\n a \r\n\r\n\xff\nd\r", "2  a |4 \xff|5 d|", '\n'},
    {"a\r\rb\r\r\n", "1 a\r\rb\r|", '\n'},
    {"# is no comment\n-x\n", "1 # is no comment|2 -x|", '\n'},
    {"a\r\nb", "1 a\r\nb|", '\0'},
};

static void
test_names (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (good); i++) {
        g_autoptr (GError) error = NULL;
        g_autofree char *got =
            read_text (good[i].text, strlen (good[i].text), good[i].end, append, &error);

        g_assert_no_error (error);
        g_assert_cmpstr (got, ==, good[i].names);
    }
}

static void
test_nul_behind_each (void)
{
    g_autoptr (GError) error = NULL;
    g_autofree char *got = read_text ("a\0\0b\n\0c\0", 8, '\0', append, &error);

    g_assert_no_error (error);
    g_assert_cmpstr (got, ==, "1 a|3 b\n|4 c|");
}

/* More than is read at once; names of the greatest length at every place of it. */
static void
test_long_names (void)
{
    GString *text = g_string_new (NULL), *expected = g_string_new (NULL);
    g_autoptr (GError) error = NULL;
    g_autofree char *got = NULL;

    for (unsigned i = 0; i < 40; i++) {
        g_autofree char *name =
            g_strnfill (i % 3 == 0 ? AREC_SOURCE_MAX_NAME : 1 + i * 977, (char)('a' + i % 26));

        g_string_append_printf (text, "%s\n", name);
        g_string_append_printf (expected, "%u %s|", i + 1, name);
    }
    got = read_text (text->str, text->len, '\n', append, &error);
    g_assert_no_error (error);
    g_assert_true (strcmp (got, expected->str) == 0);
    g_string_free (text, TRUE);
    g_string_free (expected, TRUE);
}

static void
check_wrong (const char *text, size_t size, ArecError code, const char *message)
{
    g_autoptr (GError) error = NULL;

    g_free (read_text (text, size, '\n', refuse, &error));
    g_assert_error (error, AREC_ERROR, (gint)code);
    if (!g_str_has_suffix (error->message, message)) {
        g_error ("'%s' is not '%s'", error->message, message);
    }
}

static void
test_wrong (void)
{
    g_autofree char *text = g_strnfill (200000, 'x');
    g_autoptr (GError) error = NULL;

    check_wrong ("SECRET\0\n", 8, AREC_ERROR_INVALID, "/list:1: a name with a NUL byte");
    check_wrong ("\na\0", 3, AREC_ERROR_INVALID, "/list:2: a name with a NUL byte");
    check_wrong ("a\nb\nc\n", 6, AREC_ERROR_LIMIT, "enough");
    check_wrong (text, 200000, AREC_ERROR_INVALID, "/list:1: a name of more than 65536 bytes");
    text[0] = '\n';
    text[AREC_SOURCE_MAX_NAME + 2] = '\n';
    check_wrong (text, 200000, AREC_ERROR_INVALID, "/list:2: a name of more than 65536 bytes");
    check_wrong (text, AREC_SOURCE_MAX_NAME + 2, AREC_ERROR_INVALID,
                 "/list:2: a name of more than 65536 bytes");
    g_assert_false (arec_source_names_read ("absent", '\n', append, NULL, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_NOT_FOUND);
    g_assert_cmpstr (error->message, ==, "absent: No such file or directory");
    g_clear_error (&error);
    g_assert_false (arec_source_names_read ("/", '\n', append, NULL, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_NOT_FOUND);
    g_assert_cmpstr (error->message, ==, "/: Is a directory");
}

static void
test_shown (void)
{
    g_assert_cmpstr (arec_source_names_shown ("-"), ==, "standard input");
    g_assert_cmpstr (arec_source_names_shown ("./-"), ==, "./-");
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/source_names/names", test_names);
    g_test_add_func ("/source_names/nul_behind_each", test_nul_behind_each);
    g_test_add_func ("/source_names/long_names", test_long_names);
    g_test_add_func ("/source_names/wrong", test_wrong);
    g_test_add_func ("/source_names/shown", test_shown);
    return g_test_run();
}
