#include "remote/environment.h"

#include <string.h>

#include <glib.h>

static const char *
get (const char *name, void *data)
{
    return strcmp (name, "NAME") == 0 ? data : NULL;
}

static void
test_values (void)
{
    const ArecEnvironment set = {get, (void *)"x", NULL}, empty = {get, (void *)"", NULL};
    const ArecEnvironment own = {0};

    g_assert_cmpstr (arec_environment_get (&set, "NAME"), ==, "x");
    g_assert_null (arec_environment_get (&set, "OTHER"));
    g_assert_null (arec_environment_get (&empty, "NAME"));
    g_assert_cmpstr (arec_environment_get (&own, "PATH"), ==, g_getenv ("PATH"));
    g_assert_nonnull (arec_environment_home (&set));
}

static void
test_paths (void)
{
    const ArecEnvironment environment = {get, NULL, "/a/b"};
    static const struct {
        const char *path, *absolute;
    } cases[] = {{"x", "/a/b/x"}, {"../x", "/a/x"}, {"/x", "/x"}, {".", "/a/b"}};

    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autofree char *path = arec_environment_path (&environment, cases[i].path);

        g_assert_cmpstr (path, ==, cases[i].absolute);
    }
}

static void
test_seconds (void)
{
    static const struct {
        const char *text;
        int64_t microseconds;
    } cases[] = {{"1", 1000000}, {"0.5", 500000}, {"60", 60000000}, {"", 7},    {"x", 7},
                 {"0", 7},       {"-1", 7},       {"61", 7},        {"inf", 7}, {"nan", 7}};

    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        const ArecEnvironment environment = {get, (void *)cases[i].text, NULL};

        g_assert_cmpint (arec_environment_seconds (&environment, "NAME", 7), ==,
                         cases[i].microseconds);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/remote/environment/values", test_values);
    g_test_add_func ("/remote/environment/paths", test_paths);
    g_test_add_func ("/remote/environment/seconds", test_seconds);
    return g_test_run();
}
