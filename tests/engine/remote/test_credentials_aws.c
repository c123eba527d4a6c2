/* Where credentials of AWS are looked for, in which order, and what is said where there are
 * none. Nothing here asks a server: tests/remote/test_credentials.py does. */
#include "remote/credentials_aws.h"

#include <string.h>
#include <unistd.h>

#include <arec/error.h>

#include "files.h"

enum { MAX_VARIABLES = 8 };

/* Names and values in turn; up to the first NULL. */
typedef struct {
    const char *at[2 * MAX_VARIABLES + 1];
} Variables;

/* No test leaves the machine, or looks into the files of who runs it. */
static const char *
get (const char *name, void *data)
{
    const Variables *variables = data;

    for (const char *const *at = variables->at; *at; at += 2) {
        if (strcmp (at[0], name) == 0) {
            return at[1];
        }
    }
    return strcmp (name, "AWS_EC2_METADATA_DISABLED") == 0 ? "true"
           : strcmp (name, "HOME") == 0                    ? "/nonexistent"
                                                           : NULL;
}

typedef struct {
    Variables variables;
    ArecAwsAccount account; /* without its environment */
} Given;

static bool
look (const Given *given, ArecCredential **out, GError **error)
{
    ArecAwsAccount account = given->account;
    g_autoptr (ArecCredentials) credentials = NULL;

    account.environment = (ArecEnvironment){get, (void *)&given->variables, NULL};
    credentials = arec_credentials_aws_new (&account);
    return arec_credentials_get (credentials, NULL, out, error);
}

/* Its access key; NULL: it is anonymous. */
static char *
key_of (const Given *given)
{
    g_autoptr (ArecCredential) credential = NULL;
    GError *error = NULL;

    look (given, &credential, &error);
    g_assert_no_error (error);
    return credential ? g_strdup (credential->parts.keys.access_key) : NULL;
}

static void
check_failure (const Given *given, int code, const char *message)
{
    ArecCredential *credential = NULL;
    g_autoptr (GError) error = NULL;

    g_assert_false (look (given, &credential, &error));
    g_assert_error (error, AREC_ERROR, code);
    g_assert_cmpstr (error->message, ==, message);
}

/* ---- files ---- */

static const char config[] =
    "[default]\naws_access_key_id = of-default\naws_secret_access_key = SECRETxyz\n"
    "region = r-default\nendpoint_url = http://x\n"
    "[profile p]\naws_access_key_id = of-p\naws_secret_access_key = SECRETxyz\n"
    "[profile process]\ncredential_process = printf %s '{\"Version\":1,"
    "\"AccessKeyId\":\"of-process\",\"SecretAccessKey\":\"SECRETxyz\"}'\n"
    "[profile half]\naws_secret_access_key = SECRETxyz\n"
    "[profile nothing]\nregion =\n"
    "[profile sso]\nsso_session = s\n"
    "[profile old-sso]\nsso_account_id = s\n"
    "[profile role]\nrole_arn = arn:x\n"
    "[profile both]\nrole_arn = arn:x\nsource_profile = p\ncredential_source = Environment\n"
    "[profile mfa]\nrole_arn = arn:x\nsource_profile = p\nmfa_serial = m\n"
    "[profile lost]\nrole_arn = arn:x\nsource_profile = SECRETname\n"
    "[profile circle]\nrole_arn = arn:x\nsource_profile = circle2\n"
    "[profile circle2]\nrole_arn = arn:x\nsource_profile = circle\n"
    "[profile itself]\nrole_arn = arn:x\nsource_profile = itself\n"
    "[profile place]\nrole_arn = arn:x\ncredential_source = Environment\n"
    "[profile no-place]\nrole_arn = arn:x\ncredential_source = Moon\n"
    "[profile false]\ncredential_process = false\n";

typedef struct {
    char *path;
} Files;

static void
set_up (Files *files, const void *data)
{
    (void)data;
    files->path = test_file_write ("config", config, strlen (config));
}

static void
tear_down (Files *files, const void *data)
{
    (void)data;
    test_file_remove (files->path);
}

#define WITH(name)                                                                             \
    {                                                                                          \
        {                                                                                      \
            "AWS_CONFIG_FILE", files->path, "AWS_PROFILE", name                                \
        }                                                                                      \
    }
#define ENVIRONMENT "AWS_ACCESS_KEY_ID", "of-environment", "AWS_SECRET_ACCESS_KEY", "SECRETxyz"

static void
test_order (Files *files, const void *data)
{
    const struct {
        Given given;
        const char *key;
    } cases[] = {
        {{.variables = {{"AWS_CONFIG_FILE", files->path}}}, "of-default"},
        {{.variables = WITH ("p")}, "of-p"},
        {{.variables = WITH ("process")}, "of-process"},
        {{.variables = {{"AWS_CONFIG_FILE", files->path, ENVIRONMENT}}}, "of-environment"},
        {{.variables = {{"AWS_CONFIG_FILE", files->path, "AWS_PROFILE", "p", ENVIRONMENT}}},
         "of-environment"},
        {{.variables = {{"AWS_CONFIG_FILE", files->path, "AWS_PROFILE", "p", ENVIRONMENT}},
          .account = {.profile = "default"}},
         "of-default"},
        {{.variables = {{"AWS_CONFIG_FILE", files->path, ENVIRONMENT}},
          .account = {.profile = "p"}},
         "of-p"},
        {{.variables = {{"AWS_CONFIG_FILE", files->path, ENVIRONMENT}},
          .account = {.profile = "p", .is_anonymous = true}},
         NULL},
        {{.variables = {{"AWS_SHARED_CREDENTIALS_FILE", "/dev/null", "AWS_CONFIG_FILE",
                         "/dev/null", ENVIRONMENT}}},
         "of-environment"},
    };

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autofree char *key = key_of (&cases[i].given);

        g_assert_cmpstr (key, ==, cases[i].key);
    }
}

static void
test_environment (Files *files, const void *data)
{
    const Given given = {.variables = {{ENVIRONMENT, "AWS_SESSION_TOKEN", "t"}}};
    const Given half = {.variables = {{"AWS_SECRET_ACCESS_KEY", "SECRETxyz"}}};
    g_autoptr (ArecCredential) credential = NULL;

    (void)files;
    (void)data;
    g_assert_true (look (&given, &credential, NULL));
    g_assert_cmpstr (credential->parts.keys.secret_key, ==, "SECRETxyz");
    g_assert_cmpstr (credential->parts.keys.session_token, ==, "t");
    g_assert_cmpint (credential->parts.ends, ==, 0);
    check_failure (&half, AREC_ERROR_NOT_FOUND,
                   "of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY only one is set");
}

/* ---- what is broken is used no less ---- */

static void
test_broken (Files *files, const void *data)
{
    g_autofree char *places =
        g_strdup_printf ("/nonexistent/.aws/credentials (no such file), %s", files->path);
    g_autofree char *none = g_strdup_printf ("profile none: not in %s", places);
    const struct {
        Given given;
        int code;
        const char *message;
    } cases[] = {
        {{.variables = WITH ("none")}, AREC_ERROR_NOT_FOUND, none},
        {{.variables = WITH ("p"), .account = {.profile = "none"}}, AREC_ERROR_NOT_FOUND, none},
        {{.variables = WITH ("half")},
         AREC_ERROR_NOT_FOUND,
         "profile half: of aws_access_key_id and aws_secret_access_key it has only one"},
        {{.variables = WITH ("sso")},
         AREC_ERROR_UNSUPPORTED,
         "profile sso: sso_session is not supported; another profile with `credential_process ="
         " aws configure export-credentials --profile sso` is"},
        {{.variables = WITH ("old-sso")},
         AREC_ERROR_UNSUPPORTED,
         "profile old-sso: sso_account_id is not supported; another profile with"
         " `credential_process = aws configure export-credentials --profile old-sso` is"},
        {{.variables = WITH ("role")},
         AREC_ERROR_NOT_FOUND,
         "profile role: with role_arn, it needs either source_profile or credential_source"},
        {{.variables = WITH ("both")},
         AREC_ERROR_NOT_FOUND,
         "profile both: with role_arn, it needs either source_profile or credential_source"},
        {{.variables = WITH ("mfa")},
         AREC_ERROR_UNSUPPORTED,
         "profile mfa: mfa_serial is not supported"},
        {{.variables = WITH ("lost")},
         AREC_ERROR_NOT_FOUND,
         "profile lost: there is no profile as its source_profile"},
        {{.variables = WITH ("circle")},
         AREC_ERROR_LIMIT,
         "profile circle2: its source_profile leads through more than 5 roles"},
        {{.variables = WITH ("itself")},
         AREC_ERROR_NOT_FOUND,
         "profile itself: where its role is to be taken from there are no credentials"},
        {{.variables = WITH ("place")},
         AREC_ERROR_NOT_FOUND,
         "profile place: where its role is to be taken from there are no credentials"},
        {{.variables = WITH ("no-place")},
         AREC_ERROR_UNSUPPORTED,
         "profile no-place: its credential_source is none of Environment, EcsContainer,"
         " Ec2InstanceMetadata"},
        {{.variables = {{"AWS_CONFIG_FILE", files->path, ENVIRONMENT}},
          .account = {.profile = "place", .region = "evil.example/"}},
         AREC_ERROR_INVALID,
         "profile place: AWS STS: the region is the name of none"},
        {{.variables = WITH ("false")},
         AREC_ERROR_NOT_FOUND,
         "profile false: credential_process: it ended with code 1"},
        {{.variables = {{"AWS_WEB_IDENTITY_TOKEN_FILE", "/nonexistent/token", "AWS_ROLE_ARN",
                         "arn:x"}}},
         AREC_ERROR_NOT_FOUND,
         "/nonexistent/token: no such file of a web identity"},
        {{.variables = {{"AWS_CONTAINER_CREDENTIALS_FULL_URI",
                         "http://example.com/SECRETxyz"}}},
         AREC_ERROR_INVALID,
         "AWS_CONTAINER_CREDENTIALS_FULL_URI: expected https://, or a host on this machine or "
         "of"
         " AWS's container services"},
        {{.variables = {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1.evil/"}}},
         AREC_ERROR_INVALID,
         "AWS_CONTAINER_CREDENTIALS_FULL_URI: expected https://, or a host on this machine or "
         "of"
         " AWS's container services"},
        {{.variables = {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/",
                         "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/nonexistent/token"}}},
         AREC_ERROR_NOT_FOUND,
         "/nonexistent/token: no such file (AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE)"},
        {{.variables = {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/",
                         "AWS_CONTAINER_AUTHORIZATION_TOKEN", "SECRET\r\nHost: x"}}},
         AREC_ERROR_INVALID,
         "the credentials of the container: the token holds what no header can hold"},
    };

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        check_failure (&cases[i].given, cases[i].code, cases[i].message);
    }
}

static void
test_malformed_file (Files *files, const void *data)
{
    char *path = test_file_write ("credentials", "[default]\nSECRETxyz\n", 20);
    const Given given = {.variables = {{"AWS_SHARED_CREDENTIALS_FILE", path}}};
    g_autofree char *message =
        g_strdup_printf ("%s: line 2: expected `[NAME]` or `KEY = VALUE`", path);

    (void)files;
    (void)data;
    check_failure (&given, AREC_ERROR_INVALID, message);
    test_file_remove (path);
}

/* ---- a daemon leaves its working directory ---- */

static void
test_relative_paths (Files *files, const void *data)
{
    const Variables variables = {{"AWS_CONFIG_FILE", "config"}};
    const ArecAwsAccount account = {.environment = {get, (void *)&variables, NULL}};
    g_autofree char *directory = g_path_get_dirname (files->path);
    g_autoptr (ArecCredentials) credentials = NULL;
    g_autoptr (ArecCredential) credential = NULL;
    GError *error = NULL;

    (void)data;
    g_assert_cmpint (chdir (directory), ==, 0);
    credentials = arec_credentials_aws_new (&account);
    g_assert_cmpint (chdir ("/"), ==, 0);
    arec_credentials_get (credentials, NULL, &credential, &error);
    g_assert_no_error (error);
    g_assert_cmpstr (credential->parts.keys.access_key, ==, "of-default");
}

/* ---- where there are none ---- */

static void
test_nothing (Files *files, const void *data)
{
    const Given given = {.variables = {{"AWS_ROLE_ARN", "arn:x"}}};
    const Given empty = {.variables = {{"AWS_CONFIG_FILE", files->path}},
                         .account = {.profile = "nothing"}};
    g_autofree char *message = g_strdup_printf (
        "no credentials of AWS were found; they were looked for in this order: profile nothing"
        " in /nonexistent/.aws/credentials (no such file), %s: no credentials;"
        " AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and AWS_CONTAINER_CREDENTIALS_FULL_URI: not"
        " set; the metadata of the instance: switched off by AWS_EC2_METADATA_DISABLED. What is"
        " public needs none: --anonymous",
        files->path);

    (void)data;
    check_failure (
        &given, AREC_ERROR_NOT_FOUND,
        "no credentials of AWS were found; they were looked for in this order:"
        " AWS_ACCESS_KEY_ID: not set; AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN: only one is"
        " set; profile default: not in /nonexistent/.aws/credentials (no such file),"
        " /nonexistent/.aws/config (no such file); AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and"
        " AWS_CONTAINER_CREDENTIALS_FULL_URI: not set; the metadata of the instance: switched"
        " off by AWS_EC2_METADATA_DISABLED. What is public needs none: --anonymous");
    check_failure (&empty, AREC_ERROR_NOT_FOUND, message);
}

/* ---- settings ---- */

static void
test_settings (Files *files, const void *data)
{
    const struct {
        Given given;
        const char *key, *value;
    } cases[] = {
        {{.variables = WITH ("default")}, "region", "r-default"},
        {{.variables = WITH ("default")}, "endpoint_url", "http://x"},
        {{.variables = WITH ("default"), .account = {.profile = "p"}}, "region", NULL},
        {{.variables = WITH ("nothing")}, "region", NULL},
        {{.variables = WITH ("none")}, "region", NULL},
        {{.variables = {{NULL}}}, "region", NULL},
    };

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        ArecAwsAccount account = cases[i].given.account;
        g_autofree char *value = NULL;

        account.environment = (ArecEnvironment){get, (void *)&cases[i].given.variables, NULL};
        g_assert_true (arec_credentials_aws_setting (&account, cases[i].key, &value, NULL));
        g_assert_cmpstr (value, ==, cases[i].value);
    }
}

int
main (int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*test) (Files *, const void *);
    } tests[] = {
        {"order", test_order},
        {"environment", test_environment},
        {"broken", test_broken},
        {"malformed-file", test_malformed_file},
        {"relative-paths", test_relative_paths},
        {"nothing", test_nothing},
        {"settings", test_settings},
    };

    g_test_init (&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS (tests); i++) {
        g_autofree char *path = g_strconcat ("/remote/credentials_aws/", tests[i].path, NULL);

        g_test_add_vtable (path, sizeof (Files), NULL, (GTestFixtureFunc)set_up,
                           (GTestFixtureFunc)tests[i].test, (GTestFixtureFunc)tear_down);
    }
    return g_test_run();
}
