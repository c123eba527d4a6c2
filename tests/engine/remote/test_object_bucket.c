/* How requests for a bucket are written and signed, what is learned of its region, and when its
 * credentials are renewed. */
#include "remote/object_bucket.h"

#include <string.h>

#include <arec/error.h>

#define SECRET "SECRETxyz"

/* Gives another token each time, until it has none any more. */
typedef struct {
    unsigned n_fetches, n_most;
} Purse;

static bool
fetch (void *data, const ArecPatience *patience, ArecCredential **out, GError **error)
{
    Purse *purse = data;
    g_autofree char *token = g_strdup_printf ("token-%u", ++purse->n_fetches);
    const ArecCredentialParts parts = {
        .keys = {.access_key = "ID", .secret_key = SECRET, .session_token = token},
        .token = token,
        .quota_project = "quota"};

    (void)patience;
    if (purse->n_fetches > purse->n_most) {
        return arec_fail (error, AREC_ERROR_NOT_FOUND, "the purse is empty");
    }
    *out = arec_credential_new (&parts);
    return true;
}

typedef struct {
    Purse purse;
    int64_t now;
    ArecCredentials *credentials;
} Fixture;

static int64_t
now_of (void *data)
{
    return ((Fixture *)data)->now;
}

static void
set_up (Fixture *fixture, const void *data)
{
    static const ArecCredentialsOrigin origin = {.fetch = fetch, .now = now_of};

    (void)data;
    fixture->purse.n_most = 2;
    fixture->now = 1000;
    fixture->credentials = arec_credentials_new (&origin, fixture);
}

static void
tear_down (Fixture *fixture, const void *data)
{
    (void)data;
    arec_credentials_free (fixture->credentials);
}

static ArecObjectBucket *
new_bucket (const ArecObjectBucketOptions *options)
{
    GError *error = NULL;
    ArecObjectBucket *bucket = arec_object_bucket_new (options, &error);

    g_assert_no_error (error);
    return bucket;
}

/* The bucket `b` of S3 in us-east-1, which signs with the credentials of @fixture. */
static ArecObjectBucket *
new_s3_bucket (const Fixture *fixture)
{
    const ArecObjectBucketOptions options = {.scheme = AREC_URL_S3,
                                             .name = "b",
                                             .region = "us-east-1",
                                             .credentials = fixture->credentials};

    return new_bucket (&options);
}

/* The request for @target as it would go out now. */
static void
sign (ArecHttpTarget *target, ArecHttpSigned *out)
{
    GError *error = NULL;

    g_assert_true (target->signer->ops->prepare (target->signer, NULL, &error));
    g_assert_no_error (error);
    g_assert_true (target->signer->ops->sign (target->signer, &target->subject, out, &error));
    g_assert_no_error (error);
}

static const char *
header_of (const ArecHttpSigned *request, const char *name)
{
    for (char **header = request->headers; header && *header; header++) {
        if (g_str_has_prefix (*header, name)) {
            return *header + strlen (name) + strlen (": ");
        }
    }
    return NULL;
}

static void
test_s3 (Fixture *fixture, const void *data)
{
    const ArecObjectBucketOptions options = {.scheme = AREC_URL_S3,
                                             .name = "b",
                                             .region = "us-east-1",
                                             .is_requester_paying = true,
                                             .credentials = fixture->credentials};
    const ArecS3Parameter parameters[] = {{"prefix", "a b/"}, {"list-type", "2"}};
    g_autoptr (ArecObjectBucket) bucket = new_bucket (&options);
    g_autoptr (ArecHttpTarget) object = arec_object_bucket_target (bucket, "d/x y+z%20~");
    g_autoptr (ArecHttpTarget) page = arec_object_bucket_listing (bucket, parameters, 2);
    ArecHttpSigned first = {0}, second = {0};

    (void)data;
    sign (object, &first);
    g_assert_cmpstr (first.url, ==, "https://b.s3.us-east-1.amazonaws.com/d/x%20y%2Bz%2520~");
    g_assert_nonnull (strstr (header_of (&first, "authorization"), "Credential=ID/"));
    g_assert_nonnull (strstr (header_of (&first, "authorization"), "/us-east-1/s3/"));
    g_assert_cmpstr (header_of (&first, "x-amz-request-payer"), ==, "requester");
    g_assert_cmpstr (header_of (&first, "x-amz-security-token"), ==, "token-1");
    g_assert_cmpstr (object->host, ==, "https://b.s3.us-east-1.amazonaws.com");
    g_assert_cmpstr (object->url, ==, "s3://b/d/x y+z%20~");

    sign (page, &second);
    g_assert_cmpstr (second.url, ==,
                     "https://b.s3.us-east-1.amazonaws.com/?list-type=2&prefix=a%20b%2F");
    g_assert_cmpuint (fixture->purse.n_fetches, ==, 1);
    for (char **header = first.headers; *header; header++) {
        g_assert_null (strstr (*header, SECRET));
    }
    arec_http_signed_clear (&first);
    arec_http_signed_clear (&second);
}

static void
test_gcs (Fixture *fixture, const void *data)
{
    ArecObjectBucketOptions options = {
        .scheme = AREC_URL_GS, .name = "b_c", .credentials = fixture->credentials};
    const ArecS3Parameter parameters[] = {{"prefix", "a/"}};
    g_auto (ArecUrl) server = {0};
    g_autoptr (ArecObjectBucket) bucket = new_bucket (&options), emulated = NULL;
    g_autoptr (ArecHttpTarget) object = arec_object_bucket_target (bucket, "x y"), page = NULL;
    ArecHttpSigned request = {0};

    (void)data;
    sign (object, &request);
    g_assert_cmpstr (request.url, ==, "https://storage.googleapis.com/b_c/x%20y");
    g_assert_cmpstr (header_of (&request, "authorization"), ==, "Bearer token-1");
    g_assert_cmpstr (header_of (&request, "x-goog-user-project"), ==, "quota");
    arec_http_signed_clear (&request);

    g_assert_true (arec_url_parse ("http://h:1", AREC_URL_ENDPOINT, &server, NULL));
    options.server = &server;
    options.credentials = NULL;
    options.billing_project = "mine";
    emulated = new_bucket (&options);
    page = arec_object_bucket_listing (emulated, parameters, 1);
    sign (page, &request);
    g_assert_cmpstr (request.url, ==, "http://h:1/storage/v1/b/b_c/o?prefix=a%2F");
    g_assert_null (header_of (&request, "authorization"));
    g_assert_cmpstr (header_of (&request, "x-goog-user-project"), ==, "mine");
    arec_http_signed_clear (&request);
}

/* Objects of one name at two servers are two. */
static void
test_identity (Fixture *fixture, const void *data)
{
    ArecObjectBucketOptions options = {
        .scheme = AREC_URL_S3, .name = "b", .region = "us-east-1"};
    g_autoptr (ArecObjectBucket) bucket = new_bucket (&options), other = NULL;
    g_autoptr (ArecHttpTarget) object = arec_object_bucket_target (bucket, "k"), same = NULL;
    g_auto (ArecUrl) server = {0};
    ArecHttpSigned request = {0};

    (void)fixture;
    (void)data;
    g_assert_true (arec_url_parse ("http://h:1", AREC_URL_ENDPOINT, &server, NULL));
    options.server = &server;
    other = new_bucket (&options);
    same = arec_object_bucket_target (other, "k");
    g_assert_cmpstr (object->url, !=, same->url);
    sign (same, &request);
    g_assert_cmpstr (request.url, ==, "http://h:1/b/k"); /* and unsigned */
    g_assert_null (request.headers);
    arec_http_signed_clear (&request);
}

/* The first answer that names another region moves the bucket; no second one does. */
static void
test_region (Fixture *fixture, const void *data)
{
    g_autoptr (ArecObjectBucket) bucket = new_s3_bucket (fixture);
    g_autoptr (ArecHttpTarget) object = arec_object_bucket_target (bucket, "k");
    const ArecHttpSignerOps *ops = object->signer->ops;
    const ArecHttpAnswer none = {.status = 301}, same = {.status = 400, .region = "us-east-1"},
                         moved = {.status = 301, .region = "eu-north-1"},
                         odd = {.status = 400, .region = "H_x"},
                         again = {.status = 301, .region = "us-west-2"};
    const ArecS3Fault fault = {.code = "x", .region = "eu-north-1"};
    ArecHttpSigned first = {0}, second = {0};

    (void)data;
    sign (object, &first);
    g_assert_false (ops->learn (object->signer, first.version, &none, NULL));
    g_assert_false (ops->learn (object->signer, first.version, &same, NULL));
    g_assert_false (ops->learn (object->signer, first.version, &odd, NULL));
    g_assert_true (ops->learn (object->signer, first.version, &none, &fault));
    sign (object, &second);
    g_assert_cmpstr (second.url, ==, "https://b.s3.eu-north-1.amazonaws.com/k");
    g_assert_nonnull (strstr (header_of (&second, "authorization"), "/eu-north-1/s3/"));
    /* a request that was under way meanwhile */
    g_assert_true (ops->learn (object->signer, first.version, &moved, NULL));
    g_assert_true (ops->learn (object->signer, first.version, &none, NULL));
    g_assert_false (ops->learn (object->signer, second.version, &again, NULL));
    arec_http_signed_clear (&first);
    arec_http_signed_clear (&second);
}

static void
test_renewal (Fixture *fixture, const void *data)
{
    g_autoptr (ArecObjectBucket) bucket = new_s3_bucket (fixture);
    g_autoptr (ArecHttpTarget) object = arec_object_bucket_target (bucket, "k");
    const ArecHttpSignerOps *ops = object->signer->ops;
    const ArecHttpAnswer refused = {.status = 400};
    ArecHttpSigned first = {0}, second = {0};
    g_autoptr (GError) error = NULL;

    (void)data;
    sign (object, &first);
    fixture->now += 2 * AREC_CREDENTIALS_PAUSE;
    g_assert_true (ops->renew (object->signer, first.version, NULL, &error));
    g_assert_no_error (error);
    g_assert_cmpuint (fixture->purse.n_fetches, ==, 2);
    /* a second reader of the same refusal */
    g_assert_true (ops->renew (object->signer, first.version, NULL, &error));
    g_assert_cmpuint (fixture->purse.n_fetches, ==, 2);
    g_assert_true (ops->learn (object->signer, first.version, &refused, NULL));
    sign (object, &second);
    g_assert_cmpstr (header_of (&second, "x-amz-security-token"), ==, "token-2");
    fixture->now += 2 * AREC_CREDENTIALS_PAUSE;
    g_assert_false (ops->renew (object->signer, second.version, NULL, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_NOT_FOUND);
    arec_http_signed_clear (&first);
    arec_http_signed_clear (&second);
}

static void
test_nowhere (Fixture *fixture, const void *data)
{
    const ArecObjectBucketOptions options = {.scheme = AREC_URL_S3,
                                             .name = "B",
                                             .region = "us-east-1",
                                             .addressing = AREC_ADDRESSING_VIRTUAL};
    g_autoptr (GError) error = NULL;

    (void)fixture;
    (void)data;
    g_assert_null (arec_object_bucket_new (&options, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
}

int
main (int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run) (Fixture *fixture, const void *data);
    } tests[] = {
        {"/object_bucket/s3", test_s3},
        {"/object_bucket/gcs", test_gcs},
        {"/object_bucket/identity", test_identity},
        {"/object_bucket/region", test_region},
        {"/object_bucket/renewal", test_renewal},
        {"/object_bucket/nowhere", test_nowhere},
    };

    g_test_init (&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS (tests); i++) {
        g_test_add (tests[i].name, Fixture, NULL, set_up, tests[i].run, tear_down);
    }
    return g_test_run();
}
