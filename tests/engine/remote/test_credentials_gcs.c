/* Where credentials of Google are looked for, and which of their files are refused. Nothing
 * here asks a server: tests/remote/test_credentials.py does. */
#include "remote/credentials_gcs.h"

#include <string.h>

#include <arec/error.h>

#include "files.h"

/* No test leaves the machine: nobody listens there. */
typedef struct {
    const char *file;      /* GOOGLE_APPLICATION_CREDENTIALS */
    const char *directory; /* CLOUDSDK_CONFIG */
} Variables;

static const char *
get (const char *name, void *data)
{
    const Variables *variables = data;

    return strcmp (name, "GOOGLE_APPLICATION_CREDENTIALS") == 0 ? variables->file
           : strcmp (name, "CLOUDSDK_CONFIG") == 0              ? variables->directory
           : strcmp (name, "GCE_METADATA_HOST") == 0            ? "127.0.0.1:1"
           : strcmp (name, "HOME") == 0                         ? "/nonexistent"
                                                                : NULL;
}

static bool
look (const Variables *variables, bool is_anonymous, ArecCredential **out, GError **error)
{
    const ArecGcsAccount account = {.environment = {get, (void *)variables, NULL},
                                    .is_anonymous = is_anonymous};
    g_autoptr (ArecCredentials) credentials = arec_credentials_gcs_new (&account);

    return arec_credentials_get (credentials, NULL, out, error);
}

static void
check_failure (const Variables *variables, int code, const char *message)
{
    ArecCredential *credential = NULL;
    g_autoptr (GError) error = NULL;

    g_assert_false (look (variables, false, &credential, &error));
    g_assert_error (error, AREC_ERROR, code);
    g_assert_cmpstr (error->message, ==, message);
}

static void
test_anonymous (void)
{
    const Variables variables = {.file = "/nonexistent/file"};
    ArecCredential *credential = NULL;

    g_assert_true (look (&variables, true, &credential, NULL));
    g_assert_null (credential);
}

static void
test_nothing (void)
{
    const Variables variables = {NULL, NULL}, named = {.file = "/nonexistent/file"};
    ArecCredential *credential = NULL;
    g_autoptr (GError) error = NULL;

    check_failure (&named, AREC_ERROR_NOT_FOUND,
                   "/nonexistent/file: no such file (GOOGLE_APPLICATION_CREDENTIALS)");
    g_assert_false (look (&variables, false, &credential, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_NOT_FOUND);
    g_assert_true (g_str_has_prefix (
        error->message,
        "no credentials of Google Cloud were found; they were looked for in this order:"
        " GOOGLE_APPLICATION_CREDENTIALS: not set; /nonexistent/.config/gcloud/"
        "application_default_credentials.json: no such file; the metadata server "
        "127.0.0.1:1: "));
    g_assert_true (
        g_str_has_suffix (error->message, ". What is public needs none: --anonymous"));
}

/* Whichever file it is, with its path in front. */
static void
check_file (const char *text, int code, const char *message)
{
    char *path = test_file_write ("application_default_credentials.json", text, strlen (text));
    g_autofree char *directory = g_path_get_dirname (path);
    g_autofree char *full = g_strconcat (path, ": ", message, NULL);
    const Variables named = {.file = path}, by_default = {.directory = directory};

    check_failure (&named, code, full);
    check_failure (&by_default, code, full);
    test_file_remove (path);
}

static void
test_broken (void)
{
    static const struct {
        const char *text;
        int code;
        const char *message;
    } cases[] = {
        {"SECRETxyz", AREC_ERROR_CORRUPT, "no JSON from byte 0 on"},
        {"", AREC_ERROR_CORRUPT, "no JSON from byte 0 on"},
        {"{}", AREC_ERROR_CORRUPT, "it has no type"},
        {"{\"type\":\"external_account\",\"credential_source\":{\"x\":\"SECRETxyz\"}}",
         AREC_ERROR_UNSUPPORTED,
         "credentials of the type external_account are not supported; authorized_user and"
         " service_account are"},
        {"{\"type\":\"authorized_user\",\"client_id\":\"SECRETxyz\"}", AREC_ERROR_CORRUPT,
         "it has no client_secret"},
        {"{\"type\":\"service_account\",\"private_key\":\"SECRETxyz\"}", AREC_ERROR_CORRUPT,
         "it has no client_email"},
        {"{\"type\":\"authorized_user\",\"client_id\":\"SECRETxyz\",\"client_secret\":"
         "\"SECRET\","
         "\"refresh_token\":\"SECRET\",\"token_uri\":\"http://example.com/SECRETxyz\"}",
         AREC_ERROR_INVALID, "its token_uri is not https://"},
#ifdef AREC_HAVE_LIBCRYPTO
        {"{\"type\":\"service_account\",\"client_email\":\"a@b\",\"private_key\":"
         "\"SECRETxyz\"}",
         AREC_ERROR_CORRUPT, "the private key is no RSA key in PEM without a password"},
#else
        {"{\"type\":\"service_account\",\"client_email\":\"a@b\",\"private_key\":"
         "\"SECRETxyz\"}",
         AREC_ERROR_UNSUPPORTED,
         "keys of service accounts need libcrypto, and this build is without"},
#endif
    };

    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        check_file (cases[i].text, cases[i].code, cases[i].message);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/remote/credentials_gcs/anonymous", test_anonymous);
    g_test_add_func ("/remote/credentials_gcs/nothing", test_nothing);
    g_test_add_func ("/remote/credentials_gcs/broken", test_broken);
    return g_test_run();
}
