/* Where an engine looks for the place of a bucket, and in which order. */
#include "remote/object_stores.h"

#include <string.h>

#include <arec/error.h>

/* Variables, `NAME=value` each. */
static const char *
get (const char *name, void *data)
{
    for (char **variable = data; *variable; variable++) {
        size_t n = strlen (name);

        if (strncmp (*variable, name, n) == 0 && (*variable)[n] == '=') {
            return *variable + n + 1;
        }
    }
    return NULL;
}

typedef struct {
    const char *url;
    const char *variables; /* separated by spaces */
    ArecObjectStoresOptions options;
    const char *origin; /* NULL: an error */
    const char *message;
} Row;

static const Row rows[] = {
    {"s3://b/k", "", {.region = NULL}, "https://b.s3.us-east-1.amazonaws.com", NULL},
    {"s3://b/k",
     "AWS_DEFAULT_REGION=eu-north-1",
     {.region = NULL},
     "https://b.s3.eu-north-1.amazonaws.com",
     NULL},
    {"s3://b/k",
     "AWS_REGION=eu-west-1 AWS_DEFAULT_REGION=eu-north-1",
     {.region = NULL},
     "https://b.s3.eu-west-1.amazonaws.com",
     NULL},
    {"s3://b/k",
     "AWS_REGION=eu-west-1",
     {.region = "us-west-2"},
     "https://b.s3.us-west-2.amazonaws.com",
     NULL},
    {"s3://b/k",
     "AWS_REGION= AWS_DEFAULT_REGION=eu-north-1",
     {.region = NULL},
     "https://b.s3.eu-north-1.amazonaws.com",
     NULL},
    {"s3://b/k", "AWS_REGION=a.b", {.region = NULL}, NULL, "AWS_REGION: 'a.b' is no region"},
    {"s3://b/k", "AWS_ENDPOINT_URL=http://h:1", {.region = NULL}, "http://h:1", NULL},
    {"s3://b/k",
     "AWS_ENDPOINT_URL=http://h:1 AWS_ENDPOINT_URL_S3=http://h:2",
     {.region = NULL},
     "http://h:2",
     NULL},
    {"s3://b/k",
     "AWS_ENDPOINT_URL_S3=http://h:2",
     {.endpoint_url = "https://e"},
     "https://e",
     NULL},
    {"s3://b/k",
     "AWS_ENDPOINT_URL=http://h:1",
     {.addressing = AREC_ADDRESSING_VIRTUAL},
     "http://b.h:1",
     NULL},
    {"s3://b/k",
     "AWS_ENDPOINT_URL=ftp://h",
     {.region = NULL},
     NULL,
     "AWS_ENDPOINT_URL: ftp://h: "},
    {"s3://b/k",
     "AWS_ENDPOINT_URL=http://u:SECRET@h",
     {.region = NULL},
     NULL,
     "AWS_ENDPOINT_URL: http://"},
    {"gs://b/k",
     "AWS_ENDPOINT_URL=http://h:1",
     {.region = NULL},
     "https://storage.googleapis.com",
     NULL},
    {"gs://b/k", "STORAGE_EMULATOR_HOST=h:1", {.region = NULL}, "http://h:1", NULL},
    {"gs://b/k", "STORAGE_EMULATOR_HOST=https://h:1/", {.region = NULL}, "https://h:1", NULL},
    {"gs://b/k",
     "STORAGE_EMULATOR_HOST=h:1 CLOUD_STORAGE_EMULATOR_ENDPOINT=http://h:2",
     {.region = NULL},
     "http://h:2",
     NULL},
    {"gs://b/k",
     "STORAGE_EMULATOR_HOST=h:1",
     {.endpoint_url = "http://h:3"},
     "http://h:3",
     NULL},
};

static void
test_places (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        const Row *row = &rows[i];
        g_autofree char *text = g_strconcat (
            "HOME=/nowhere AWS_CONFIG_FILE=/nowhere/c AWS_SHARED_CREDENTIALS_FILE=/nowhere/d ",
            row->variables, NULL);
        g_auto (GStrv) variables = g_strsplit (text, " ", -1);
        ArecObjectStoresOptions options = row->options;
        g_auto (ArecUrl) url = {0};
        g_autoptr (ArecHttpTarget) target = NULL;
        g_autoptr (ArecObjectBucket) bucket = NULL, again = NULL;
        g_autoptr (GError) error = NULL;
        ArecObjectStores *stores;

        g_test_message ("row %zu: %s with %s", i, row->url, row->variables);
        options.environment = (ArecEnvironment){.get = get, .data = variables};
        stores = arec_object_stores_new (&options);
        g_assert_true (arec_url_parse (row->url, AREC_URL_LITERAL, &url, NULL));
        bucket = arec_object_stores_bucket (stores, &url, &error);
        if (row->origin) {
            g_assert_no_error (error);
            target = arec_object_bucket_target (bucket, url.key);
            g_assert_cmpstr (target->host, ==, row->origin);
            again = arec_object_stores_bucket (stores, &url, &error);
            g_assert_true (again == bucket);
        } else {
            g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
            g_assert_true (g_str_has_prefix (error->message, row->message));
            g_assert_null (strstr (error->message, "SECRET"));
        }
        g_clear_pointer (&target, arec_http_target_unref);
        arec_object_stores_free (stores);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/object_stores/places", test_places);
    return g_test_run();
}
