/* Where buckets lie. */
#include "remote/endpoint.h"

#include <string.h>

#include <arec/error.h>

typedef struct {
    const char *bucket; /* `s3://b`, `gs://b` */
    const char *server; /* NULL: the default */
    const char *region;
    ArecAddressing addressing;
    const char *origin, *path; /* NULL: an error, whose message holds @path */
} Row;

#define EAST "us-east-1"
#define AUTO AREC_ADDRESSING_AUTO
#define VIRTUAL AREC_ADDRESSING_VIRTUAL
#define PATH AREC_ADDRESSING_PATH

static const Row rows[] = {
    {"s3://b-1", NULL, EAST, AUTO, "https://b-1.s3.us-east-1.amazonaws.com", ""},
    {"s3://b", NULL, "cn-north-1", AUTO, "https://b.s3.cn-north-1.amazonaws.com.cn", ""},
    {"s3://b", NULL, "eu-north-1", PATH, "https://s3.eu-north-1.amazonaws.com", "/b"},
    /* no certificate is for two labels, no host has these letters */
    {"s3://a.b", NULL, EAST, AUTO, "https://s3.us-east-1.amazonaws.com", "/a.b"},
    {"s3://A_b", NULL, EAST, AUTO, "https://s3.us-east-1.amazonaws.com", "/A_b"},
    {"s3://-b", NULL, EAST, AUTO, "https://s3.us-east-1.amazonaws.com", "/-b"},
    {"s3://a.b", NULL, EAST, VIRTUAL, "https://a.b.s3.us-east-1.amazonaws.com", ""},
    {"s3://A_b", NULL, EAST, VIRTUAL, NULL, "cannot be a part of a host's name"},
    {"s3://a..b", NULL, EAST, VIRTUAL, NULL, "cannot be a part of a host's name"},
    {"s3://b", "http://127.0.0.1:9000", EAST, AUTO, "http://127.0.0.1:9000", "/b"},
    {"s3://b", "https://H", EAST, AUTO, "https://h", "/b"},
    {"s3://b", "https://h:443/", EAST, AUTO, "https://h", "/b"},
    {"s3://b", "http://h:443", EAST, VIRTUAL, "http://b.h:443", ""},
    {"s3://b", "http://h/x/y%20z/", EAST, AUTO, "http://h", "/x/y z/b"},
    {"s3://b", "http://h/x", EAST, VIRTUAL, "http://b.h", "/x"},
    {"s3://b", "http://h/%zz", EAST, AUTO, NULL, "path of the server"},
    {"s3://b", "http://127.0.0.1", EAST, VIRTUAL, NULL, "127.0.0.1 is an address"},
    {"s3://b", "http://[::1]:9", EAST, VIRTUAL, NULL, "::1 is an address"},
    {"s3://b", "http://[::1]:9", EAST, AUTO, "http://[::1]:9", "/b"},
    {"gs://b", NULL, NULL, AUTO, "https://storage.googleapis.com", "/b"},
    {"gs://b_c.d", NULL, NULL, AUTO, "https://storage.googleapis.com", "/b_c.d"},
    {"gs://b", NULL, NULL, VIRTUAL, "https://b.storage.googleapis.com", ""},
    {"gs://b", "http://localhost:1", NULL, AUTO, "http://localhost:1", "/b"},
};

static void
check (const Row *row)
{
    g_auto (ArecUrl) bucket = {0}, server = {0};
    g_auto (ArecEndpoint) endpoint = {0};
    g_autofree char *url = g_strconcat (row->bucket, "/k", NULL);
    g_autoptr (GError) error = NULL;
    ArecEndpointChoice choice = {.region = row->region, .addressing = row->addressing};
    bool ok;

    g_assert_true (arec_url_parse (url, AREC_URL_LITERAL, &bucket, NULL));
    choice.scheme = bucket.scheme;
    choice.bucket = bucket.bucket;
    if (row->server) {
        g_assert_true (arec_url_parse (row->server, AREC_URL_ENDPOINT, &server, NULL));
        choice.server = &server;
    }
    ok = arec_endpoint_find (&choice, &endpoint, &error);
    if (!row->origin) {
        g_assert_false (ok);
        g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
        g_assert_nonnull (strstr (error->message, row->path));
        return;
    }
    g_assert_no_error (error);
    g_assert_cmpstr (endpoint.origin, ==, row->origin);
    g_assert_cmpstr (endpoint.authority, ==, strstr (row->origin, "://") + 3);
    g_assert_cmpstr (endpoint.path, ==, row->path);
    g_assert_true (g_str_has_prefix (endpoint.path, endpoint.server));
}

static void
test_table (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_test_message ("row %zu: %s at %s", i, rows[i].bucket, rows[i].server);
        check (&rows[i]);
    }
}

/* A label of a host's name has at most 63 bytes. */
static const char too_long[] =
    "0123456789012345678901234567890123456789012345678901234567890123";

static void
test_regions (void)
{
    static const char *const good[] = {"us-east-1", "auto", "a", "1"};
    static const char *const bad[] = {"",  "-a",  "a-",  "a.b",   "a/b",
                                      "A", "a b", "a\n", too_long};

    for (size_t i = 0; i < G_N_ELEMENTS (good); i++) {
        g_assert_true (arec_endpoint_is_region (good[i]));
    }
    for (size_t i = 0; i < G_N_ELEMENTS (bad); i++) {
        g_test_message ("%s", bad[i]);
        g_assert_false (arec_endpoint_is_region (bad[i]));
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/endpoint/table", test_table);
    g_test_add_func ("/endpoint/regions", test_regions);
    return g_test_run();
}
