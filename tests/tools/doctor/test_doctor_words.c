/* A shell reads what was quoted, and a terminal shows nothing else. */
#include "doctor/doctor_words.h"

#include <string.h>

static const struct {
    const char *text, *quoted;
} rows[] = {
    {"train.array_record", "train.array_record"},
    {"group_size:10,zstd:3", "group_size:10,zstd:3"},
    {"", "''"},
    {"two words", "'two words'"},
    {"it's", "'it'\\''s'"},
    {"$(reboot)", "'$(reboot)'"},
    {"x[1:2]", "'x[1:2]'"},
    {"*?~", "'*?~'"},
    {"grün", "'grün'"},
    {"a\nb", "$'a\\012b'"},
    {"\x1b[2J'\\", "$'\\033[2J\\'\\\\'"},
    {"\xff"
     "1",
     "$'\\3771'"},
    {"\xc2\x9b", "$'\\302\\233'"},
};

static void
test_rows (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autofree char *quoted = tool_doctor_words_quote (rows[i].text);

        g_assert_cmpstr (quoted, ==, rows[i].quoted);
    }
}

/* bash gives each word back. */
static void
test_shell (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autofree char *quoted = tool_doctor_words_quote (rows[i].text);
        g_autofree char *script = g_strconcat ("printf %s ", quoted, NULL);
        const char *argv[] = {"bash", "--norc", "-c", script, NULL};
        g_autofree char *out = NULL;

        if (!g_spawn_sync (NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out,
                           NULL, NULL, NULL)) {
            g_test_skip ("there is no bash");
            return;
        }
        g_assert_cmpstr (out, ==, rows[i].text);
    }
}

static void
test_join (void)
{
    char *argv[] = {(char *)"arec", (char *)"a b", (char *)"c", NULL};
    g_autofree char *line = tool_doctor_words_join (argv);
    g_autofree char *plain = tool_doctor_words_operand ("x");
    g_autofree char *dash = tool_doctor_words_operand ("-x");

    g_assert_cmpstr (line, ==, "arec 'a b' c");
    g_assert_cmpstr (plain, ==, "x");
    g_assert_cmpstr (dash, ==, "./-x");
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/doctor_words/rows", test_rows);
    g_test_add_func ("/doctor_words/shell", test_shell);
    g_test_add_func ("/doctor_words/join", test_join);
    return g_test_run();
}
