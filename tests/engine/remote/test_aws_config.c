/* Where AWS's shared files are looked for; what they may hold is test_aws_profiles. */
#include "remote/aws_config.h"

#include <string.h>

#include <arec/error.h>

#include "files.h"

/* Names and values in turn; the last is NULL. */
static const char *
get (const char *name, void *data)
{
    for (const char **at = data; *at; at += 2) {
        if (strcmp (at[0], name) == 0) {
            return at[1];
        }
    }
    return NULL;
}

static void
test_files (void)
{
    static const char credentials[] = "[default]\naws_access_key_id = a\n";
    static const char config_text[] = "[default]\naws_access_key_id = b\nregion = r\n";
    char *one = test_file_write ("credentials", credentials, strlen (credentials));
    char *other = test_file_write ("config", config_text, strlen (config_text));
    const char *variables[] = {"AWS_SHARED_CREDENTIALS_FILE", one, "AWS_CONFIG_FILE", other,
                               NULL};
    const ArecEnvironment environment = {get, variables, NULL};
    g_autofree char *places = g_strdup_printf ("%s, %s", one, other);
    g_auto (ArecAwsConfig) config = {0};
    GError *error = NULL;

    arec_aws_config_read (&environment, &config, &error);
    g_assert_no_error (error);
    g_assert_cmpstr (arec_aws_profiles_get (config.profiles, "default", "aws_access_key_id"),
                     ==, "a");
    g_assert_cmpstr (arec_aws_profiles_get (config.profiles, "default", "region"), ==, "r");
    g_assert_cmpstr (config.places, ==, places);
    test_file_remove (one);
    test_file_remove (other);
}

static void
test_home (void)
{
    const char *variables[] = {"HOME", "/nonexistent", "AWS_CONFIG_FILE", "~/x", NULL};
    const ArecEnvironment environment = {get, variables, NULL};
    g_auto (ArecAwsConfig) config = {0};

    g_assert_true (arec_aws_config_read (&environment, &config, NULL));
    g_assert_cmpstr (config.places, ==,
                     "/nonexistent/.aws/credentials (no such file),"
                     " /nonexistent/x (no such file)");
    g_assert_false (arec_aws_profiles_has (config.profiles, "default"));
}

static void
test_broken (void)
{
    char *path = test_file_write ("config", "SECRETxyz", 9);
    const char *variables[] = {"HOME", "/nonexistent", "AWS_CONFIG_FILE", path, NULL};
    const ArecEnvironment environment = {get, variables, NULL};
    ArecAwsConfig config;
    g_autoptr (GError) error = NULL;

    g_assert_false (arec_aws_config_read (&environment, &config, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
    g_assert_true (g_str_has_prefix (error->message, path));
    g_assert_null (strstr (error->message, "SECRET"));
    test_file_remove (path);
}

static void
test_profile (void)
{
    const char *with[] = {"AWS_PROFILE", "p", NULL}, *empty[] = {"AWS_PROFILE", "", NULL};
    const struct {
        const char **variables, *option, *name;
        bool is_named;
    } cases[] = {{with, NULL, "p", true},
                 {with, "o", "o", true},
                 {empty, NULL, "default", false},
                 {empty, "default", "default", true}};

    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        const ArecEnvironment environment = {get, cases[i].variables, NULL};
        bool is_named;

        g_assert_cmpstr (arec_aws_config_profile (&environment, cases[i].option, &is_named), ==,
                         cases[i].name);
        g_assert_cmpint (is_named, ==, cases[i].is_named);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/remote/aws_config/files", test_files);
    g_test_add_func ("/remote/aws_config/home", test_home);
    g_test_add_func ("/remote/aws_config/broken", test_broken);
    g_test_add_func ("/remote/aws_config/profile", test_profile);
    return g_test_run();
}
