/* AWS's shared files: what their own tools take, and what is refused. */
#include "remote/aws_profiles.h"

#include <string.h>

#include "base/error.h"

static ArecAwsProfiles *
parse (ArecAwsFile file, const char *text)
{
    ArecAwsProfiles *profiles = arec_aws_profiles_new();
    g_autoptr (GError) error = NULL;

    if (!arec_aws_profiles_add (profiles, file, "FILE", text, strlen (text), &error)) {
        g_assert_no_error (error);
    }
    return profiles;
}

/* Of one file: what it says of a key of a profile. */
static void
test_values (void)
{
    const struct {
        ArecAwsFile file;
        const char *text, *profile, *key, *value;
    } cases[] = {
        {AREC_AWS_CREDENTIALS, "[a]\nk = v\n", "a", "k", "v"},
        {AREC_AWS_CREDENTIALS, "[a]\nk=v", "a", "k", "v"},
        {AREC_AWS_CREDENTIALS, "[a]\nk:v\n", "a", "k", "v"},
        {AREC_AWS_CREDENTIALS, "[a]\r\nk = v\r\n", "a", "k", "v"},
        {AREC_AWS_CREDENTIALS, "\xef\xbb\xbf[a]\nk = v\n", "a", "k", "v"},
        {AREC_AWS_CREDENTIALS, "[ a\t]\n \tk\t= \t v \t\n", "a", "k", "v"},
        {AREC_AWS_CREDENTIALS, "[a] # which\nk = v\n", "a", "k", "v"},
        {AREC_AWS_CREDENTIALS, "[a]\nAWS_Key_ID = v\n", "a", "aws_key_id", "v"},
        {AREC_AWS_CREDENTIALS, "[a]\nk = a=b:c\n", "a", "k", "a=b:c"},
        {AREC_AWS_CREDENTIALS, "[a]\nk =\n", "a", "k", ""},
        {AREC_AWS_CREDENTIALS, "[a]\nk = v\nK = w\n", "a", "k", "w"},
        {AREC_AWS_CREDENTIALS, "[a]\nk = v\n[b]\nk = x\n[a]\nl = w\n", "a", "k", "v"},
        {AREC_AWS_CREDENTIALS, "[a]\nk = v\n[b]\nk = x\n[a]\nl = w\n", "a", "l", "w"},
        {AREC_AWS_CREDENTIALS, "[a]\nk = v\n[b]\nk = x\n", "b", "k", "x"},
        {AREC_AWS_CREDENTIALS, "[A]\nk = v\n", "a", "k", NULL},
        {AREC_AWS_CREDENTIALS, "[a]\nk = v\n", "a", "l", NULL},
        {AREC_AWS_CREDENTIALS, "[]\nk = v\n[a]\n", "", "k", NULL},
        {AREC_AWS_CREDENTIALS, "[profile a]\nk = v\n", "a", "k", NULL},
        /* Comments. */
        {AREC_AWS_CREDENTIALS, "# x\n; y\n  # z\n[a]\n#k = w\nk = v\n", "a", "k", "v"},
        {AREC_AWS_CREDENTIALS, "[a]\nk = v # x\n", "a", "k", "v"},
        {AREC_AWS_CREDENTIALS, "[a]\nk = v\t; x # y\n", "a", "k", "v"},
        {AREC_AWS_CREDENTIALS, "[a]\nk = v#x;y\n", "a", "k", "v#x;y"},
        {AREC_AWS_CREDENTIALS, "[a]\nk = #x\n", "a", "k", "#x"},
        {AREC_AWS_CONFIG, "[profile a]\ncredential_process = sh -c \"x ; y # z\"\n", "a",
         "credential_process", "sh -c \"x ; y # z\""},
        /* Lines that go on, and nested ones. */
        {AREC_AWS_CREDENTIALS, "[a]\nk = v\n  w\n\n # c\n\tx\nl = y\n", "a", "k", "v\nw\nx"},
        {AREC_AWS_CREDENTIALS, "[a]\nk = v\n  w\n\n # c\n\tx\nl = y\n", "a", "l", "y"},
        {AREC_AWS_CREDENTIALS, "[a]\nk = v\n  w = x\n", "a", "w", NULL},
        {AREC_AWS_CREDENTIALS, "[a]\nk = v\n [b]\nl = x\n", "a", "l", "x"},
        {AREC_AWS_CREDENTIALS, "  [a]\n  k = v\n  l = w\n", "a", "l", "w"},
        {AREC_AWS_CONFIG, "[default]\ns3 =\n  region = nested\nregion = r\n", "default",
         "region", "r"},
        {AREC_AWS_CONFIG, "[default]\ns3 =\n  region = nested\n", "default", "region", NULL},
        {AREC_AWS_CONFIG, "[default]\ns3 =\n  region = nested\n", "default", "s3", ""},
        /* Heads of the config file. */
        {AREC_AWS_CONFIG, "[profile a]\nk = v\n", "a", "k", "v"},
        {AREC_AWS_CONFIG, "[ profile\t a ]\nk = v\n", "a", "k", "v"},
        {AREC_AWS_CONFIG, "[profile \"a b\"]\nk = v\n", "a b", "k", "v"},
        {AREC_AWS_CONFIG, "[profile 'a b']\nk = v\n", "a b", "k", "v"},
        {AREC_AWS_CONFIG, "[a]\nk = v\n", "a", "k", NULL},
        {AREC_AWS_CONFIG, "[profilea]\nk = v\n", "a", "k", NULL},
        {AREC_AWS_CONFIG, "[sso-session a]\nk = v\n  w\n", "a", "k", NULL},
        {AREC_AWS_CONFIG, "[profile ]\nk = v\n", "", "k", NULL},
        {AREC_AWS_CONFIG, "[default]\nk = v\n", "default", "k", "v"},
        {AREC_AWS_CONFIG, "[profile default]\nk = v\n", "default", "k", "v"},
        {AREC_AWS_CONFIG, "[profile default]\nk = v\n[default]\nk = w\nl = x\n", "default", "k",
         "v"},
        {AREC_AWS_CONFIG, "[profile default]\nk = v\n[default]\nk = w\nl = x\n", "default", "l",
         NULL},
        {AREC_AWS_CONFIG, "", "default", "k", NULL},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (ArecAwsProfiles) profiles = parse (cases[i].file, cases[i].text);

        g_test_message ("%s", cases[i].text);
        g_assert_cmpstr (arec_aws_profiles_get (profiles, cases[i].profile, cases[i].key), ==,
                         cases[i].value);
    }
}

/* The credentials file goes first, key by key, in whichever order the two are added. */
static void
test_both_files (void)
{
    const char *config = "[profile a]\nk = config\nregion = r\n";
    const char *credentials = "[a]\nk = credentials\n[b]\nl = x\n";

    for (int order = 0; order < 2; order++) {
        g_autoptr (ArecAwsProfiles) profiles = arec_aws_profiles_new();

        for (int i = 0; i < 2; i++) {
            bool is_config = i == order;
            const char *text = is_config ? config : credentials;

            g_assert_true (arec_aws_profiles_add (
                profiles, is_config ? AREC_AWS_CONFIG : AREC_AWS_CREDENTIALS, "FILE", text,
                strlen (text), NULL));
        }
        g_assert_cmpstr (arec_aws_profiles_get (profiles, "a", "k"), ==, "credentials");
        g_assert_cmpstr (arec_aws_profiles_get (profiles, "a", "region"), ==, "r");
        g_assert_true (arec_aws_profiles_has (profiles, "a"));
        g_assert_true (arec_aws_profiles_has (profiles, "b"));
        g_assert_false (arec_aws_profiles_has (profiles, "c"));
    }
}

/* The message names the line and holds nothing of it. */
static void
test_refused (void)
{
    const struct {
        const char *text, *message;
    } cases[] = {
        {"[a]\nk = v\nSECRET\n", "FILE: line 3: expected `[NAME]` or `KEY = VALUE`"},
        {"[a]\n= SECRET\n", "FILE: line 2: expected `[NAME]` or `KEY = VALUE`"},
        {"SECRET = SECRET\n", "FILE: line 1: expected `[NAME]` before it"},
        {"\n\n[SECRET\nk = v\n", "FILE: line 3: a `[` without a `]`"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (ArecAwsProfiles) profiles = arec_aws_profiles_new();
        g_autoptr (GError) error = NULL;

        g_assert_false (arec_aws_profiles_add (profiles, AREC_AWS_CREDENTIALS, "FILE",
                                               cases[i].text, strlen (cases[i].text), &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
        g_assert_cmpstr (error->message, ==, cases[i].message);
    }
}

static void
test_hostile (void)
{
    g_autoptr (ArecAwsProfiles) profiles = arec_aws_profiles_new();
    g_autofree char *large = g_strnfill (AREC_AWS_MAX_FILE + 1, '\n');
    g_autoptr (GError) error = NULL;

    g_assert_false (arec_aws_profiles_add (profiles, AREC_AWS_CONFIG, "FILE", large,
                                           AREC_AWS_MAX_FILE + 1, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_LIMIT);
    g_clear_error (&error);
    g_assert_true (arec_aws_profiles_add (profiles, AREC_AWS_CONFIG, "FILE", large,
                                          AREC_AWS_MAX_FILE, &error));
    g_assert_false (
        arec_aws_profiles_add (profiles, AREC_AWS_CONFIG, "FILE", "[a]\0x", 5, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
    arec_aws_profiles_free (NULL);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/aws_profiles/values", test_values);
    g_test_add_func ("/aws_profiles/both-files", test_both_files);
    g_test_add_func ("/aws_profiles/refused", test_refused);
    g_test_add_func ("/aws_profiles/hostile", test_hostile);
    return g_test_run();
}
