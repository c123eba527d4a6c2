/* What is said of answers that are no success. */
#include "remote/http_fault.h"

#define NOW INT64_C (1700000000)

static const struct {
    ArecHttpAnswer answer;
    ArecS3Fault fault; /* without a code: there is none */
    const char *text;
} rows[] = {
    {{.status = 404}, {.code = ""}, "HTTP 404, there is no such object"},
    {{.status = 418}, {.code = ""}, "HTTP 418"},
    {{.status = 302}, {.code = ""}, "HTTP 302, it redirects"},
    {{.status = 404},
     {.code = "NoSuchKey", .message = "The key."},
     "HTTP 404, there is no such object"},
    {{.status = 404},
     {.code = "NoSuchBucket", .message = "The bucket."},
     "HTTP 404, there is no such bucket"},
    {{.status = 400}, {.code = "Odd", .message = ""}, "HTTP 400, Odd"},
    {{.status = 400},
     {.code = "Odd", .message = "What is this?"},
     "HTTP 400, Odd: What is this?"},
    {{.status = 403},
     {.code = "AccessDenied", .message = "Access Denied."},
     "HTTP 403, AccessDenied: Access Denied; S3 says so of absent objects, too, where the"
     " credentials do not allow listing"},
    {{.status = 403},
     {.code = "SignatureDoesNotMatch", .message = "It differs."},
     "HTTP 403, SignatureDoesNotMatch: It differs; the secret key is probably another one's"},
    {{.status = 403, .storage_class = "GLACIER"},
     {.code = "InvalidObjectState", .message = "No."},
     "HTTP 403, the object is archived, and has to be restored first; its storage class is"
     " GLACIER"},
    {{.status = 403},
     {.code = "InvalidObjectState", .storage_class = "DEEP_ARCHIVE"},
     "HTTP 403, the object is archived, and has to be restored first; its storage class is"
     " DEEP_ARCHIVE"},
    {{.status = 301, .region = "eu-north-1"},
     {.code = "PermanentRedirect", .message = "Go away."},
     "HTTP 301, PermanentRedirect: Go away; the bucket is at another endpoint: --region,"
     " --endpoint-url; the bucket is in eu-north-1"},
    {{.status = 400},
     {.code = "AuthorizationHeaderMalformed", .message = "m", .region = "cn-north-1"},
     "HTTP 400, AuthorizationHeaderMalformed: m; the region may be wrong: --region; the bucket"
     " is in cn-north-1"},
    {{.status = 403, .date = NOW - 301},
     {.code = "RequestTimeTooSkewed", .message = "t"},
     "HTTP 403, RequestTimeTooSkewed: t; the clock of this machine is 5 minutes ahead of that"
     " of the server"},
    {{.status = 400, .date = NOW + 3600},
     {.code = ""},
     "HTTP 400; the clock of this machine is 60 minutes behind that of the server"},
    {{.status = 403, .date = NOW - 300}, {.code = ""}, "HTTP 403, access is denied"},
    {{.status = 404, .date = NOW - 9999}, {.code = ""}, "HTTP 404, there is no such object"},
};

static void
test_table (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autofree char *text = arec_http_fault_text (
            &rows[i].answer, rows[i].fault.code[0] ? &rows[i].fault : NULL, NOW);

        g_assert_cmpstr (text, ==, rows[i].text);
    }
}

/* What a server repeats of a request is not shown. */
static void
test_secrets (void)
{
    static const struct {
        const char *header, *message, *shown;
    } cases[] = {
        {"authorization: Bearer SECRETxyz", "You sent SECRETxyz.", ""},
        {"authorization: Bearer 0123456789abcdefSECRET", "You sent 0123456789abcdefSECR", ""},
        {"authorization: Bearer 0123456789abcdef", "You sent 0123456789abcde", NULL},
        {"x-amz-security-token: SECRETtoken", "SECRETtoken is over", ""},
        {"x-amz-date: 20240101T000000Z", "20240101T000000Z is over", NULL},
        {"x-amz-security-token: ", "What?", NULL},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        char *headers[] = {(char *)"range: x", (char *)cases[i].header, NULL};
        ArecS3Fault fault = {.code = "Odd"};

        g_strlcpy (fault.message, cases[i].message, sizeof fault.message);
        arec_http_fault_hide (&fault, headers);
        g_assert_cmpstr (fault.message, ==, cases[i].shown ? cases[i].shown : cases[i].message);
        g_assert_cmpstr (fault.code, ==, "Odd");
        arec_http_fault_hide (&fault, NULL);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/http_fault/table", test_table);
    g_test_add_func ("/http_fault/secrets", test_secrets);
    return g_test_run();
}
