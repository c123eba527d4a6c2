/* Names that must not become paths, and those that may. */
#include "pack/safe_name.h"

#include <limits.h>
#include <string.h>

#define MAX_PART 8

static void
test_faults (void)
{
    static const struct {
        const char *name;
        const char *fault;
    } cases[] = {
        {"a", NULL},
        {"a/b/c.png", NULL},
        {"..a/b../...", NULL},
        {".a/b", NULL},
        {"./a/./b", NULL},
        {"a b\n\xff", NULL},
        {"12345678/12345678", NULL},
        {"/a", "is absolute"},
        {"/", "is absolute"},
        {"//a", "is absolute"},
        {"", "has an empty part"},
        {"a//b", "has an empty part"},
        {"a/", "has an empty part"},
        {"./", "has an empty part"},
        {"..", "has a part `..`"},
        {"../a", "has a part `..`"},
        {"a/../b", "has a part `..`"},
        {"a/..", "has a part `..`"},
        {"./../a", "has a part `..`"},
        {".", "is that of a folder"},
        {"a/.", "is that of a folder"},
        {"123456789", "is too long"},
        {"a/123456789/b", "is too long"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_assert_cmpstr (tool_safe_name_fault (cases[i].name, MAX_PART), ==, cases[i].fault);
    }
}

static void
test_long_paths (void)
{
    char path[PATH_MAX + 1];

    for (size_t i = 0; i < sizeof path; i++) {
        path[i] = i % 2 ? '/' : 'a';
    }
    path[PATH_MAX - 1] = '\0';
    g_assert_cmpstr (tool_safe_name_fault (path, MAX_PART), ==, NULL);
    path[PATH_MAX - 1] = 'a';
    path[PATH_MAX] = '\0';
    g_assert_cmpstr (tool_safe_name_fault (path, MAX_PART), ==, "is too long");
}

static void
test_without_dots (void)
{
    static const struct {
        const char *name;
        const char *clean;
    } cases[] = {
        {"a/b", NULL}, {"./a", "a"},           {"a/./b", "a/b"},
        {".a", NULL},  {"././a/././b", "a/b"}, {"a/.b/./.c", "a/.b/.c"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autofree char *clean = tool_safe_name_without_dots (cases[i].name);

        g_assert_cmpstr (clean, ==, cases[i].clean);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/safe_name/faults", test_faults);
    g_test_add_func ("/safe_name/long-paths", test_long_paths);
    g_test_add_func ("/safe_name/without-dots", test_without_dots);
    return g_test_run();
}
