#include "remote/s3_sign.h"

#include <string.h>

#include <arec/error.h>

#define UNRESERVED "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* SHA-256 of nothing, and of `Action=AssumeRole`. */
#define NO_BODY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define STS_BODY "80f6421ec9448a0b058e65fbcf0dfe6691d336e735056c375108a5444e43ed41"

enum { MAX_PARAMETERS = 5 };

/* What AWS publishes keys for: they open nothing. */
static const ArecS3Keys suite_keys = {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                                      NULL};
static const ArecS3Keys guide_keys = {"AKIAIOSFODNN7EXAMPLE",
                                      "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", NULL};
static const ArecS3Keys token_keys = {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                                      "FwoGZXIvYXdzEBYaDExample//token=="};

static const ArecS3Keys short_token_keys = {"AKIDEXAMPLE",
                                            "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "T"};

/* 20150830T123600Z, 20130524T000000Z, 20261129T193000Z */
#define SUITE_TIME 1440938160
#define GUIDE_TIME 1369353600
#define OUR_TIME 1795980600

typedef struct {
    const char *name;
    ArecS3Request request; /* without its parameters */
    const ArecS3Keys *keys;
    int64_t time;
    const char *target, *signed_headers, *signature;
    ArecS3Parameter parameters[MAX_PARAMETERS]; /* up to the first without a name */
} Answer;

/* ---- AWS's published suite for signature version 4; each is named as there ---- */

#define SUITE(path_)                                                                           \
    {.method = "GET",                                                                          \
     .host = "example.amazonaws.com",                                                          \
     .path = path_,                                                                            \
     .region = "us-east-1",                                                                    \
     .service = "service",                                                                     \
     .payload_hash = NO_BODY},                                                                 \
        &suite_keys, SUITE_TIME
#define SUITE_HEADERS "host;x-amz-date"

static const Answer suite[] = {
    {"get-vanilla",
     SUITE ("/"),
     "/",
     SUITE_HEADERS,
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
     {{0}}},
    {"get-vanilla-query-order-key-case",
     SUITE ("/"),
     "/?Param1=value1&Param2=value2",
     SUITE_HEADERS,
     "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
     {{"Param2", "value2"}, {"Param1", "value1"}}},
    {"get-vanilla-empty-query-key",
     SUITE ("/"),
     "/?Param1=value1",
     SUITE_HEADERS,
     "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
     {{"Param1", "value1"}}},
    {"get-vanilla-query-order-value",
     SUITE ("/"),
     "/?Param1=value1&Param1=value2",
     SUITE_HEADERS,
     "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694",
     {{"Param1", "value2"}, {"Param1", "value1"}}},
    {"get-vanilla-query-order-key",
     SUITE ("/"),
     "/?Param1=Value1&Param1=value2",
     SUITE_HEADERS,
     "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1",
     {{"Param1", "value2"}, {"Param1", "Value1"}}},
    {"get-vanilla-query-unreserved",
     SUITE ("/"),
     "/?" UNRESERVED "=" UNRESERVED,
     SUITE_HEADERS,
     "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
     {{UNRESERVED, UNRESERVED}}},
    {"get-vanilla-utf8-query",
     SUITE ("/"),
     "/?%E1%88%B4=bar",
     SUITE_HEADERS,
     "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
     {{"\xe1\x88\xb4", "bar"}}},
    {"get-unreserved",
     SUITE ("/" UNRESERVED),
     "/" UNRESERVED,
     SUITE_HEADERS,
     "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
     {{0}}},
    {"get-utf8",
     SUITE ("/\xe1\x88\xb4"),
     "/%E1%88%B4",
     SUITE_HEADERS,
     "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
     {{0}}},
    {"get-space",
     SUITE ("/example space/"),
     "/example%20space/",
     SUITE_HEADERS,
     "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
     {{0}}},
};

/* ---- examples of the S3 API Reference, "Authenticating Requests" ---- */

#define GUIDE                                                                                  \
    {.method = "GET",                                                                          \
     .host = "examplebucket.s3.amazonaws.com",                                                 \
     .path = "/",                                                                              \
     .region = "us-east-1",                                                                    \
     .service = "s3",                                                                          \
     .payload_hash = NO_BODY},                                                                 \
        &guide_keys, GUIDE_TIME
#define S3_HEADERS "host;x-amz-content-sha256;x-amz-date"

static const Answer guide[] = {
    {"get-bucket-lifecycle",
     GUIDE,
     "/?lifecycle=",
     S3_HEADERS,
     "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
     {{"lifecycle", ""}}},
    {"list-objects",
     GUIDE,
     "/?max-keys=2&prefix=J",
     S3_HEADERS,
     "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
     {{"max-keys", "2"}, {"prefix", "J"}}},
};

/* ---- our own form ---- */

/* The signatures were made by 25 lines of Python over hmac and hashlib, which give those above,
 * too; botocore 1.44.8 gives the same for all but `assume-role`. */

static const Answer ours[] = {
    {"any-key",
     {.method = "GET",
      .host = "127.0.0.1:9000",
      .path = "/bucket/dir/a b+c~*%41\xc3\xbc.x",
      .region = "eu-central-1",
      .service = "s3"},
     &suite_keys,
     OUR_TIME,
     "/bucket/dir/a%20b%2Bc~%2A%2541%C3%BC.x",
     S3_HEADERS,
     "f40747e4e8cc00c0ce7e92428c9c5f9d6bdb79a3af49567e649878d631605d3b",
     {{0}}},
    {"dots-and-a-token",
     {.method = "GET",
      .host = "bucket.s3.eu-central-1.amazonaws.com",
      .path = "/../a//./x",
      .region = "eu-central-1",
      .service = "s3"},
     &token_keys,
     OUR_TIME,
     "/../a//./x",
     S3_HEADERS ";x-amz-security-token",
     "65d671c120fde2a70f587395af2dfeb78132b5854cb8dc5cf1667d58d27dd6eb",
     {{0}}},
    {"list-requester-pays",
     {.method = "GET",
      .host = "127.0.0.1:9000",
      .path = "/bucket/",
      .region = "eu-central-1",
      .service = "s3",
      .is_requester_paying = true},
     &short_token_keys,
     OUR_TIME,
     "/bucket/?continuation-token=1%2Fx%2By%3D%3D&encoding-type=url&list-type=2&max-keys=1000"
     "&prefix=a%2Fb%20c",
     S3_HEADERS ";x-amz-request-payer;x-amz-security-token",
     "2928392a78dffa6b2ab8c4fb419359bef3d2c85d0aa7d0b64ac803c277b66774",
     {{"prefix", "a/b c"},
      {"list-type", "2"},
      {"encoding-type", "url"},
      {"continuation-token", "1/x+y=="},
      {"max-keys", "1000"}}},
    {"order-of-names-with-a-dash", /* `a-b=1` sorts before `a=2`, `a-b` behind `a` */
     {.method = "GET", .host = "h", .path = "/b/", .region = "eu-central-1", .service = "s3"},
     &suite_keys,
     OUR_TIME,
     "/b/?A=&a=1%26%3D&a=2&a-b=1",
     S3_HEADERS,
     "6d2ed6aaf99c85ba416ca77460315d39adc5f0d865efd20adbfab3b452517a8f",
     {{"a-b", "1"}, {"a", "2"}, {"a", "1&="}, {"A", ""}}},
    {"assume-role",
     {.method = "POST",
      .host = "sts.amazonaws.com",
      .path = "/",
      .region = "us-east-1",
      .service = "sts",
      .payload_hash = STS_BODY},
     &suite_keys,
     OUR_TIME,
     "/",
     SUITE_HEADERS,
     "cfa64119d0088af04dcffc0ef85d0c4279869a8f0d0fb85e5d4b7c486d0e8cb2",
     {{0}}},
};

/* ---- tests ---- */

static const char *
find_header (const ArecS3Signed *out, const char *name)
{
    for (char **header = out->headers; *header; header++) {
        size_t n = strlen (name);

        if (strncmp (*header, name, n) == 0 && strncmp (*header + n, ": ", 2) == 0) {
            return *header + n + 2;
        }
    }
    return NULL;
}

static void
check_answer (const Answer *answer)
{
    ArecS3Request request = answer->request;
    g_auto (ArecS3Signed) out = {0};
    g_autoptr (GError) error = NULL;
    g_autofree char *tail = g_strdup_printf (", SignedHeaders=%s, Signature=%s",
                                             answer->signed_headers, answer->signature);
    g_autofree char *front =
        g_strdup_printf ("AWS4-HMAC-SHA256 Credential=%s/", answer->keys->access_key);
    g_autofree char *scope = NULL;
    const char *authorization, *date;

    request.parameters = answer->parameters;
    while (request.n_parameters < MAX_PARAMETERS &&
           answer->parameters[request.n_parameters].name) {
        request.n_parameters++;
    }
    g_test_message ("%s", answer->name);
    g_assert_true (arec_s3_sign (&request, answer->keys, answer->time, &out, &error));
    g_assert_no_error (error);
    g_assert_cmpstr (out.target, ==, answer->target);
    date = find_header (&out, "x-amz-date");
    scope = g_strdup_printf ("%s%.8s/%s/%s/aws4_request%s", front, date, request.region,
                             request.service, tail);
    authorization = find_header (&out, "authorization");
    g_assert_cmpstr (authorization, ==, scope);
    g_assert_null (find_header (&out, "host"));
    g_assert_cmpstr (find_header (&out, "x-amz-security-token"), ==,
                     answer->keys->session_token);
    g_assert_cmpstr (find_header (&out, "x-amz-request-payer"), ==,
                     request.is_requester_paying ? "requester" : NULL);
    g_assert_cmpstr (find_header (&out, "x-amz-content-sha256"), ==,
                     strcmp (request.service, "s3") != 0 ? NULL
                     : request.payload_hash              ? request.payload_hash
                                                         : "UNSIGNED-PAYLOAD");
}

static void
test_suite (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (suite); i++) {
        check_answer (&suite[i]);
    }
}

static void
test_guide (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (guide); i++) {
        check_answer (&guide[i]);
    }
}

static void
test_ours (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (ours); i++) {
        check_answer (&ours[i]);
    }
}

/* The order in which the caller names parameters does not matter. */
static void
test_any_order (void)
{
    const Answer *answer = &ours[2];
    ArecS3Request request = answer->request;
    ArecS3Parameter parameters[MAX_PARAMETERS];

    request.parameters = parameters;
    request.n_parameters = MAX_PARAMETERS;
    for (size_t shift = 0; shift < MAX_PARAMETERS; shift++) {
        g_auto (ArecS3Signed) out = {0};

        for (size_t i = 0; i < MAX_PARAMETERS; i++) {
            parameters[i] = answer->parameters[(i + shift) % MAX_PARAMETERS];
        }
        g_assert_true (arec_s3_sign (&request, answer->keys, answer->time, &out, NULL));
        g_assert_cmpstr (out.target, ==, answer->target);
        g_assert_true (
            g_str_has_suffix (find_header (&out, "authorization"), answer->signature));
    }
}

/* ---- refusals: no secret gets into a header or into a message ---- */

static void
test_refused (void)
{
    static const struct {
        const char *host, *region, *access_key, *token;
        int64_t time;
        const char *message;
    } refused[] = {
        {"h\r\nX: SECRET", "r", "k", NULL, 0,
         "the host is empty or holds a byte that no header of HTTP can hold"},
        {"", "r", "k", NULL, 0,
         "the host is empty or holds a byte that no header of HTTP can hold"},
        {"h", "r SECRET", "k", NULL, 0,
         "the region is empty or holds a byte that no header of HTTP can hold"},
        {"h", "r", "SECRET\n", NULL, 0,
         "the access key's ID is empty or holds a byte that no header of HTTP can hold"},
        {"h", "r", "k", "SECRET\n", 0,
         "the session token is empty or holds a byte that no header of HTTP can hold"},
        {"h", "r", "k", "", 0,
         "the session token is empty or holds a byte that no header of HTTP can hold"},
        {"h", "r", "k", "SECRET\xff", 0,
         "the session token is empty or holds a byte that no header of HTTP can hold"},
        {"h", "r", "k", NULL, INT64_MAX, "the clock is out of range"},
        {"h", "r", "k", NULL, INT64_C (253402300800), "the clock is out of range"},
        {"h", "r", "k", NULL, INT64_C (-62167219201), "the clock is out of range"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (refused); i++) {
        ArecS3Request request = {.method = "GET",
                                 .host = refused[i].host,
                                 .path = "/",
                                 .region = refused[i].region,
                                 .service = "s3"};
        ArecS3Keys keys = {refused[i].access_key, "secret", refused[i].token};
        ArecS3Signed out = {0};
        g_autoptr (GError) error = NULL;

        g_assert_false (arec_s3_sign (&request, &keys, refused[i].time, &out, &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
        g_assert_cmpstr (error->message, ==, refused[i].message);
        g_assert_null (out.target);
        g_assert_null (out.headers);
    }
}

/* Any byte but NUL goes both ways. */
static void
test_encoding (void)
{
    for (unsigned byte = 1; byte < 256; byte++) {
        const char text[] = {'a', (char)byte, '\0'};
        bool is_free = strchr (UNRESERVED, (int)byte) != NULL;
        g_autofree char *encoded = arec_s3_sign_encode (text, false);
        g_autofree char *path = arec_s3_sign_encode (text, true);
        g_autofree char *decoded = g_uri_unescape_string (encoded, NULL);

        g_assert_cmpuint (strlen (encoded), ==, is_free ? 2 : 4);
        g_assert_cmpstr (path, ==, byte == '/' ? "a/" : encoded);
        if (byte < 0x80) { /* beyond, GLib wants UTF-8 */
            g_assert_cmpstr (decoded, ==, text);
        }
        for (const char *at = encoded; *at; at++) {
            g_assert_true (*at == '%' || strchr (UNRESERVED, *at));
            g_assert_false (is_free && *at == '%');
        }
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/s3_sign/suite", test_suite);
    g_test_add_func ("/s3_sign/guide", test_guide);
    g_test_add_func ("/s3_sign/ours", test_ours);
    g_test_add_func ("/s3_sign/any_order", test_any_order);
    g_test_add_func ("/s3_sign/refused", test_refused);
    g_test_add_func ("/s3_sign/encoding", test_encoding);
    return g_test_run();
}
