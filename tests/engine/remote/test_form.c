#include "remote/form.h"

#include <string.h>

static void
check (const ArecS3Parameter *parameters, size_t n, const char *expected)
{
    g_auto (ArecSecrets) out = {0};

    g_assert_true (arec_form_write (parameters, n, &out));
    g_assert_cmpstr (out.memory, ==, expected);
    g_assert_cmpuint (out.used, ==, strlen (expected) + 1);
}

/* What AWS's documentation has for AssumeRole, in this order. */
static void
test_known_answer (void)
{
    const ArecS3Parameter parameters[] = {
        {"Action", "AssumeRole"},
        {"Version", "2011-06-15"},
        {"RoleArn", "arn:aws:iam::123456789012:role/demo"},
        {"RoleSessionName", "testAR"},
        {"DurationSeconds", "3600"},
        {"ExternalId", NULL},
        {"WebIdentityToken", "a b+c&d=e%f\xc3\xa9~-._"},
    };

    check (parameters, G_N_ELEMENTS (parameters),
           "Action=AssumeRole&Version=2011-06-15"
           "&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fdemo&RoleSessionName=testAR"
           "&DurationSeconds=3600&WebIdentityToken=a%20b%2Bc%26d%3De%25f%C3%A9~-._");
}

static void
test_few (void)
{
    const ArecS3Parameter parameters[] = {{"a", NULL}, {"b", ""}, {"c", "d"}};

    check (parameters, 0, "");
    check (parameters, 1, "");
    check (parameters, 2, "b=");
    check (parameters, 3, "b=&c=d");
}

/* As large as the memory that was reckoned for it. */
static void
test_large (void)
{
    g_autofree char *value = g_strnfill (100000, '/');
    const ArecS3Parameter parameters[] = {{"a", value}};
    g_auto (ArecSecrets) out = {0};

    g_assert_true (arec_form_write (parameters, 1, &out));
    g_assert_cmpuint (strlen (out.memory), ==, 2 + 300000);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/remote/form/known-answer", test_known_answer);
    g_test_add_func ("/remote/form/few", test_few);
    g_test_add_func ("/remote/form/large", test_large);
    return g_test_run();
}
