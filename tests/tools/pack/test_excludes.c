#include <glib.h>

#include "pack/excludes.h"

static const char *const globs[] = {"*.o", ".git", "sub/*", NULL};

static void
test_path_and_name (void)
{
    g_assert_true (tool_excludes_match (globs, "d/a.o", "a.o"));
    g_assert_true (tool_excludes_match (globs, "sub/x", "x"));
    g_assert_false (tool_excludes_match (globs, "d/sub", "sub"));
    g_assert_false (tool_excludes_match (NULL, "a.o", "a.o"));
}

static void
test_directories_above (void)
{
    static const char *const excluded[] = {"a.o",    "d/a.o",      ".git/x",    "d/.git/e/x",
                                           "sub/x",  "sub/x/y",    "./sub/x",   "./.git/x",
                                           "x.o/in", "/abs/.git/", "d//.git//x"};
    static const char *const taken[] = {"a",  "sub",   "d/sub2/x", "git/x", "",
                                        "./", "a.o.c", "subx/y",   "/"};

    for (size_t i = 0; i < G_N_ELEMENTS (excluded); i++) {
        g_test_message ("%s", excluded[i]);
        g_assert_true (tool_excludes_match_any (globs, excluded[i]));
        g_assert_false (tool_excludes_match_any (NULL, excluded[i]));
    }
    for (size_t i = 0; i < G_N_ELEMENTS (taken); i++) {
        g_test_message ("%s", taken[i]);
        g_assert_false (tool_excludes_match_any (globs, taken[i]));
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/excludes/path_and_name", test_path_and_name);
    g_test_add_func ("/excludes/directories_above", test_directories_above);
    return g_test_run();
}
