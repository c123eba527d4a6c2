/* Answers of those who give credentials, as they send them and as they should not. */
#include "remote/credential_answer.h"

#include <string.h>

#include <arec/error.h>

#define NOW 1795980600

static ArecCredentialFound
parse_keys (const char *text, ArecCredential **out, GError **error)
{
    return arec_credential_answer_keys ("WHO", text, strlen (text), "Token", "SECRETxyz", out,
                                        error);
}

static ArecCredentialFound
parse_sts (const char *text, ArecCredential **out, GError **error)
{
    return arec_credential_answer_sts ("WHO", text, strlen (text), out, error);
}

static ArecCredentialFound
parse_token (const char *text, ArecCredential **out, GError **error)
{
    return arec_credential_answer_token ("WHO", text, strlen (text), NOW, "project", out,
                                         error);
}

/* ---- what they send ---- */

static void
test_keys (void)
{
    const char *text = "{\"Code\" : \"Success\", \"LastUpdated\" : \"2026-11-29T18:00:00Z\","
                       "\"Type\" : \"AWS-HMAC\", \"AccessKeyId\" : \"ASIAX\","
                       "\"SecretAccessKey\" : \"s/+\", \"Token\" : \"t==\","
                       "\"Expiration\" : \"2026-11-29T19:30:00Z\"}";
    g_autoptr (ArecCredential) credential = NULL;

    g_assert_cmpint (parse_keys (text, &credential, NULL), ==, AREC_CREDENTIAL_PRESENT);
    g_assert_cmpstr (credential->parts.keys.access_key, ==, "ASIAX");
    g_assert_cmpstr (credential->parts.keys.secret_key, ==, "s/+");
    g_assert_cmpstr (credential->parts.keys.session_token, ==, "t==");
    g_assert_cmpint (credential->parts.ends, ==, NOW);
    g_assert_null (credential->parts.token);
}

static void
test_keys_for_ever (void)
{
    const char *text = "{\"Version\":1,\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"s\"}";
    g_autoptr (ArecCredential) credential = NULL;

    g_assert_cmpint (parse_keys (text, &credential, NULL), ==, AREC_CREDENTIAL_PRESENT);
    g_assert_null (credential->parts.keys.session_token);
    g_assert_cmpint (credential->parts.ends, ==, 0);
}

static void
test_sts (void)
{
    const char *text =
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n"
        "  <AssumeRoleResult>\n    <AssumedRoleUser><Arn>arn:x</Arn></AssumedRoleUser>\n"
        "    <Credentials><AccessKeyId>ASIAX</AccessKeyId>"
        "<SecretAccessKey>s&amp;s</SecretAccessKey><SessionToken>\nt==\n</SessionToken>"
        "<Expiration>2026-11-29T19:30:00.500Z</Expiration></Credentials>\n"
        "  </AssumeRoleResult><AccessKeyId>no</AccessKeyId></AssumeRoleResponse>";
    g_autoptr (ArecCredential) credential = NULL;

    g_assert_cmpint (parse_sts (text, &credential, NULL), ==, AREC_CREDENTIAL_PRESENT);
    g_assert_cmpstr (credential->parts.keys.access_key, ==, "ASIAX");
    g_assert_cmpstr (credential->parts.keys.secret_key, ==, "s&s");
    g_assert_cmpstr (credential->parts.keys.session_token, ==, "t==");
    g_assert_cmpint (credential->parts.ends, ==, NOW);
}

static void
test_token (void)
{
    static const struct {
        const char *text;
        int64_t ends;
    } cases[] = {
        {"{\"access_token\":\"ya29.x-_~+/=\",\"expires_in\":3599,\"token_type\":\"Bearer\"}",
         NOW + 3599},
        {"{\"access_token\":\"ya29.x-_~+/=\",\"expires_in\":\"10\"}", NOW + 10},
        {"{\"access_token\":\"ya29.x-_~+/=\",\"expires_in\":-1}", NOW},
        {"{\"access_token\":\"ya29.x-_~+/=\",\"expires_in\":99999999999999999999}",
         NOW + 7 * 86400},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (ArecCredential) credential = NULL;

        g_assert_cmpint (parse_token (cases[i].text, &credential, NULL), ==,
                         AREC_CREDENTIAL_PRESENT);
        g_assert_cmpstr (credential->parts.token, ==, "ya29.x-_~+/=");
        g_assert_cmpstr (credential->parts.quota_project, ==, "project");
        g_assert_null (credential->parts.keys.access_key);
        g_assert_cmpint (credential->parts.ends, ==, cases[i].ends);
    }
}

/* ---- what they should not ---- */

#define STS(credentials)                                                                       \
    "<AssumeRoleResponse><AssumeRoleResult>" credentials "</AssumeRoleResult>"                 \
    "</AssumeRoleResponse>"

static void
test_refused (void)
{
    static const struct {
        ArecCredentialFound (*parse) (const char *text, ArecCredential **out, GError **error);
        const char *text;
        int code;
        const char *message;
    } cases[] = {
        {parse_keys, "SECRETxyz", AREC_ERROR_CORRUPT, "WHO: no JSON from byte 0 on"},
        {parse_keys, "{}", AREC_ERROR_CORRUPT,
         "WHO: the answer has no AccessKeyId or no SecretAccessKey"},
        {parse_keys, "{\"AccessKeyId\":\"SECRETxyz\"}", AREC_ERROR_CORRUPT,
         "WHO: the answer has no AccessKeyId or no SecretAccessKey"},
        {parse_keys,
         "{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"SECRETxyz\",\"Expiration\":\"SECRET\"}",
         AREC_ERROR_CORRUPT, "WHO: its Expiration is no time"},
        {parse_keys, "{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"no\\u0007t\"}",
         AREC_ERROR_NOT_FOUND, "WHO: HTTP 200, AssumeRoleUnauthorizedAccess: no?t"},
        {parse_keys, "{\"Code\":\"Failed\",\"Message\":\"not SECRETxyz\"}",
         AREC_ERROR_NOT_FOUND, "WHO: HTTP 200"},
        {parse_sts, "SECRETxyz", AREC_ERROR_CORRUPT, "WHO: the answer is no XML of STS"},
        {parse_sts, STS (""), AREC_ERROR_CORRUPT,
         "WHO: the answer has no AccessKeyId or no SecretAccessKey"},
        {parse_sts, STS ("<AccessKeyId>a</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"),
         AREC_ERROR_CORRUPT, "WHO: the answer has no AccessKeyId or no SecretAccessKey"},
        {parse_sts, STS ("<Credentials><AccessKeyId>SECRETxyz</Credentials>"),
         AREC_ERROR_CORRUPT, "WHO: the answer is no XML of STS"},
        {parse_sts, "<a><a><a><a><a><a><a><a><a></a></a></a></a></a></a></a></a></a>",
         AREC_ERROR_CORRUPT, "WHO: the answer is no XML of STS"},
        {parse_sts, "<!DOCTYPE x [<!ENTITY e \"SECRETxyz\">]>" STS ("&e;"), AREC_ERROR_CORRUPT,
         "WHO: the answer is no XML of STS"},
        {parse_token, "<html>SECRETxyz", AREC_ERROR_CORRUPT, "WHO: no JSON from byte 0 on"},
        {parse_token, "{\"access_token\":\"SECRETxyz\"}", AREC_ERROR_CORRUPT,
         "WHO: the answer has no access_token or no expires_in"},
        {parse_token, "{\"access_token\":\"SECRET\\r\\nHost: x\",\"expires_in\":1}",
         AREC_ERROR_CORRUPT, "WHO: its access_token holds what no header can hold"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        ArecCredential *credential = NULL;
        g_autoptr (GError) error = NULL;

        g_test_message ("%s", cases[i].text);
        g_assert_cmpint (cases[i].parse (cases[i].text, &credential, &error), ==,
                         AREC_CREDENTIAL_BROKEN);
        g_assert_error (error, AREC_ERROR, cases[i].code);
        g_assert_cmpstr (error->message, ==, cases[i].message);
        g_assert_null (credential);
    }
}

/* ---- why there are none ---- */

static void
test_faults (void)
{
    static const char *const secrets[] = {"SECRETxyz", NULL, "SECRET/1"};
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "WHO: HTTP 400"},
        {"<html>", "WHO: HTTP 400"},
        {"{\"error\":\"invalid_grant\",\"error_description\":\"Bad Request\"}",
         "WHO: HTTP 400, invalid_grant: Bad Request"},
        {"{\"code\":\"AccessDenied\"}", "WHO: HTTP 400, AccessDenied"},
        {"{\"Message\":\"m\"}", "WHO: HTTP 400: m"},
        {"<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: x"
         "</Message></Error></ErrorResponse>",
         "WHO: HTTP 400, AccessDenied: User: x"},
        /* It repeats what was sent. */
        {"{\"error\":\"x\",\"error_description\":\"no SECRETxyz\"}", "WHO: HTTP 400"},
        {"{\"error\":\"x\",\"error_description\":\"no SECRET/1\"}", "WHO: HTTP 400"},
        {"{\"error\":\"x\",\"error_description\":\"no SECRET%2F1\"}", "WHO: HTTP 400"},
        {"{\"error\":\"x\",\"error_description\":\"no SECRET\\/1\"}", "WHO: HTTP 400"},
        {"<Error><Code>SECRETxyz</Code></Error>", "WHO: HTTP 400"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (GError) error = NULL;

        g_test_message ("%s", cases[i].text);
        g_assert_cmpint (arec_credential_answer_fail ("WHO", 400, cases[i].text,
                                                      strlen (cases[i].text), secrets,
                                                      G_N_ELEMENTS (secrets), &error),
                         ==, AREC_CREDENTIAL_BROKEN);
        g_assert_error (error, AREC_ERROR, AREC_ERROR_NOT_FOUND);
        g_assert_cmpstr (error->message, ==, cases[i].message);
    }
}

static void
test_long_faults (void)
{
    g_autofree char *text =
        g_strdup_printf ("{\"error\":\"%0100d\",\"error_description\":\"%0300d\"}", 0, 0);
    g_autofree char *expected = g_strdup_printf ("WHO: HTTP 400, %063d: %0200d", 0, 0);
    g_autoptr (GError) error = NULL;

    arec_credential_answer_fail ("WHO", 400, text, strlen (text), NULL, 0, &error);
    g_assert_cmpstr (error->message, ==, expected);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/remote/credential_answer/keys", test_keys);
    g_test_add_func ("/remote/credential_answer/keys-for-ever", test_keys_for_ever);
    g_test_add_func ("/remote/credential_answer/sts", test_sts);
    g_test_add_func ("/remote/credential_answer/token", test_token);
    g_test_add_func ("/remote/credential_answer/refused", test_refused);
    g_test_add_func ("/remote/credential_answer/faults", test_faults);
    g_test_add_func ("/remote/credential_answer/long-faults", test_long_faults);
    return g_test_run();
}
