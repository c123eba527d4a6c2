/* Listings page by page: what is asked, what is kept, and that each one ends. */
#include "remote/bucket_list.h"

#include <stdio.h>
#include <string.h>

#include <arec/error.h>

#include "bucket.h"

static bool
takes_all (void *data, const ArecListedObject *object)
{
    (void)data;
    (void)object;
    return true;
}

/* The keys of @text, a URL, each with `|` after it; NULL: @error is set. */
static char *
list_keys (TestBucket *bucket, const char *text, ArecBucketWish wish, size_t *n_left_out,
           GError **error)
{
    const ArecBucketPages pages = test_bucket_pages (bucket);
    g_autoptr (ArecObjectList) list = arec_object_list_new();
    g_auto (ArecUrl) url = {0};
    GString *keys;

    g_assert_true (arec_url_parse (text, AREC_URL_TYPED, &url, NULL));
    wish.url = &url;
    wish.takes = wish.takes ? wish.takes : takes_all;
    test_bucket_reset (bucket);
    if (!arec_bucket_list (&pages, &wish, list, n_left_out, error)) {
        return NULL;
    }
    keys = g_string_new (NULL);
    for (size_t i = 0; i < arec_object_list_n (list); i++) {
        g_string_append_printf (keys, "%s|", arec_object_list_get (list, i).key);
    }
    return g_string_free (keys, FALSE);
}

static const char *const keys[] = {
    "a", "d", "d/", "d/a b", "d/a+b", "d/a/c", "d/\xc3\xa4\"<&\x01", "dd", "e/f"};

/* In pages of every size, in whatever order a server gives them. */
static void
test_pages (void)
{
    static const char *const mixed[] = {"d/b", "d/a", "d/c", "d/a", "x/y"};

    for (size_t size = 1; size < 11; size++) {
        TestBucket bucket = {.keys = keys, .n = G_N_ELEMENTS (keys), .page_size = size};
        TestBucket unsorted = {.keys = mixed, .n = G_N_ELEMENTS (mixed), .page_size = size};

        for (int i = 0; i < 2; i++) {
            const char *scheme = i == 0 ? "s3" : "gs";
            g_autofree char *all = g_strconcat (scheme, "://b", NULL);
            g_autofree char *below = g_strconcat (scheme, "://b/d/", NULL);
            g_autofree char *glob = g_strconcat (scheme, "://b/d/a*", NULL);
            g_autofree char *got = NULL, *part = NULL, *flat = NULL, *sorted = NULL;
            size_t n_left_out;

            got = list_keys (&bucket, all, (ArecBucketWish){0}, &n_left_out, NULL);
            g_assert_cmpstr (got, ==, "a|d|d/|d/a b|d/a+b|d/a/c|d/\xc3\xa4\"<&\x01|dd|e/f|");
            g_assert_cmpuint (bucket.n_pages, ==, (G_N_ELEMENTS (keys) - 1) / size + 1);
            g_assert_cmpuint (n_left_out, ==, 0);
            part = list_keys (&bucket, below, (ArecBucketWish){0}, &n_left_out, NULL);
            g_assert_cmpstr (part, ==, "d/|d/a b|d/a+b|d/a/c|d/\xc3\xa4\"<&\x01|");
            flat =
                list_keys (&bucket, glob, (ArecBucketWish){.is_flat = true}, &n_left_out, NULL);
            g_assert_cmpstr (flat, ==, "d/a b|d/a+b|");
            sorted = list_keys (&unsorted, below, (ArecBucketWish){0}, &n_left_out, NULL);
            g_assert_cmpstr (sorted, ==, "d/a|d/b|d/c|");
        }
        test_bucket_reset (&bucket);
        test_bucket_reset (&unsorted);
    }
}

static void
test_parameters (void)
{
    TestBucket bucket = {.keys = keys, .n = G_N_ELEMENTS (keys), .page_size = 3};
    size_t n_left_out;

    g_free (list_keys (&bucket, "s3://b/d/", (ArecBucketWish){0}, &n_left_out, NULL));
    g_assert_cmpstr (bucket.last, ==,
                     "continuation-token=5&encoding-type=url&list-type=2&prefix=d/&");
    g_free (list_keys (&bucket, "s3://b/none*", (ArecBucketWish){.is_flat = true}, &n_left_out,
                       NULL));
    g_assert_cmpstr (bucket.last, ==, "delimiter=/&encoding-type=url&list-type=2&prefix=none&");
    g_free (list_keys (&bucket, "gs://b/d/", (ArecBucketWish){0}, &n_left_out, NULL));
    g_assert_cmpstr (bucket.last, ==,
                     "fields=items(name,size,etag,generation,updated),nextPageToken&"
                     "pageToken=5&prefix=d/&");
    test_bucket_reset (&bucket);
}

static bool
takes_some (void *data, const ArecListedObject *object)
{
    size_t *n = data;

    (*n)++;
    g_assert_cmpint (object->modified, ==, 1704164645);
    g_assert_cmpuint (object->size, >=, 100);
    return g_str_has_suffix (object->key, "b");
}

static void
test_only_what_is_wanted_is_kept (void)
{
    TestBucket bucket = {.keys = keys, .n = G_N_ELEMENTS (keys), .page_size = 2};
    size_t n = 0, n_left_out;
    g_autofree char *got =
        list_keys (&bucket, "gs://b/d/", (ArecBucketWish){.takes = takes_some, .data = &n},
                   &n_left_out, NULL);

    g_assert_cmpstr (got, ==, "d/a b|d/a+b|");
    g_assert_cmpuint (n, ==, 5);
    test_bucket_reset (&bucket);
}

/* ---- what does not work ---- */

static void
check_failure (TestBucket *bucket, const char *text, ArecError code, const char *message,
               size_t n_pages)
{
    g_autoptr (GError) error = NULL;
    size_t n_left_out = 7;

    g_assert_null (list_keys (bucket, text, (ArecBucketWish){.cancel = bucket->cancel},
                              &n_left_out, &error));
    g_assert_error (error, AREC_ERROR, (gint)code);
    g_assert_cmpstr (error->message, ==, message);
    g_assert_cmpuint (bucket->n_pages, ==, n_pages);
    g_assert_cmpuint (n_left_out, ==, 7);
    test_bucket_reset (bucket);
}

#define CIRCLE "the listing goes in a circle: a page repeats its token"

static void
test_circles (void)
{
    static const char *const same[] = {"t", "t"};
    static const char *const two[] = {"t", "u", "t", "u"};
    static const char *const late[] = {"a", "b", "c", "d", "e", "f", "d", "e", "f",
                                       "d", "e", "f", "d", "e", "f", "d", "e"};
    TestBucket bucket = {.keys = keys, .n = G_N_ELEMENTS (keys), .page_size = 100};

    bucket.tokens = same;
    check_failure (&bucket, "s3://b/d/", AREC_ERROR_CORRUPT, "s3://b/d/: " CIRCLE, 2);
    check_failure (&bucket, "gs://b/d/", AREC_ERROR_CORRUPT, "gs://b/d/: " CIRCLE, 2);
    bucket.tokens = two;
    check_failure (&bucket, "s3://b", AREC_ERROR_CORRUPT, "s3://b/: " CIRCLE, 4);
    bucket.tokens = late;
    check_failure (&bucket, "s3://b", AREC_ERROR_CORRUPT, "s3://b/: " CIRCLE, 7);
}

/* Pages that are empty, each with a token that was never there. */
static void
test_no_end (void)
{
    TestBucket bucket = {.page_size = 1, .never_ends = true};

    check_failure (&bucket, "gs://b", AREC_ERROR_CORRUPT,
                   "gs://b/: the listing does not end: 1001 pages hold 0 objects", 1001);
}

static void
test_pages_that_are_none (void)
{
    TestBucket bucket = {.text = "<html/>"};

    check_failure (&bucket, "s3://b/x/", AREC_ERROR_CORRUPT,
                   "s3://b/x/: the listing has no element ListBucketResult", 1);
    check_failure (
        &bucket, "gs://b/x/", AREC_ERROR_CORRUPT,
        "gs://b/x/: the listing is no JSON: no JSON: found < where a value should be", 1);
    /* Errors that come with a status of success: some pass. */
    bucket.text = "<Error><Code>InternalError</Code><Message>try again</Message></Error>";
    check_failure (&bucket, "s3://b/x/", AREC_ERROR_IO,
                   "s3://b/x/: the server gives no listing: InternalError: try again", 3);
    bucket.text = "<Error><Code>Forbidden</Code><Message>no</Message></Error>";
    check_failure (&bucket, "s3://b/x/", AREC_ERROR_IO,
                   "s3://b/x/: the server gives no listing: Forbidden: no", 1);
}

static void
test_failures (void)
{
    ArecCancel cancel = {0};
    TestBucket bucket = {.keys = keys,
                         .n = G_N_ELEMENTS (keys),
                         .page_size = 1,
                         .failure = AREC_ERROR_NOT_FOUND,
                         .fails_at = 1};

    check_failure (&bucket, "s3://b", AREC_ERROR_NOT_FOUND, "b: no page 1", 1);
    bucket.fails_at = 4;
    check_failure (&bucket, "s3://b", AREC_ERROR_NOT_FOUND, "b: no page 4", 4);
    bucket.fails_at = 0;
    bucket.cancel = &cancel;
    bucket.cancels_at = 3;
    check_failure (&bucket, "gs://b", AREC_ERROR_CANCELLED, "b: no page 3", 3);
    check_failure (&bucket, "gs://b", AREC_ERROR_CANCELLED, "gs://b/: cancelled", 0);
}

/* ---- many ---- */

static void
write_key (size_t i, char *key, size_t room)
{
    g_snprintf (key, room, "d/%02zu/train-%06zu%s", i % 100, i,
                i % 2000 == 0 ? ".array_record" : ".json");
}

static bool
takes_records (void *data, const ArecListedObject *object)
{
    (void)data;
    return g_str_has_suffix (object->key, ".array_record");
}

/* Of 200,000 keys what is not wanted takes no memory: the list grows by what it keeps. */
static void
test_many (void)
{
    TestBucket bucket = {.n = 200000, .write_key = write_key, .page_size = 200000};
    const ArecBucketPages pages = test_bucket_pages (&bucket);
    g_autoptr (ArecObjectList) list = arec_object_list_new();
    g_auto (ArecUrl) url = {0};
    const ArecBucketWish wish = {.url = &url, .takes = takes_records};
    size_t n_left_out;

    g_assert_true (arec_url_parse ("gs://b/d/", AREC_URL_TYPED, &url, NULL));
    bucket.page_size = 20000;
    g_assert_true (arec_bucket_list (&pages, &wish, list, &n_left_out, NULL));
    g_assert_cmpuint (bucket.n_pages, ==, 10);
    g_assert_cmpuint (arec_object_list_n (list), ==, 100);
    for (size_t i = 1; i < 100; i++) {
        g_assert_cmpstr (arec_object_list_get (list, i - 1).key, <,
                         arec_object_list_get (list, i).key);
    }
    test_bucket_reset (&bucket);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/bucket_list/pages", test_pages);
    g_test_add_func ("/bucket_list/parameters", test_parameters);
    g_test_add_func ("/bucket_list/only_what_is_wanted_is_kept",
                     test_only_what_is_wanted_is_kept);
    g_test_add_func ("/bucket_list/circles", test_circles);
    g_test_add_func ("/bucket_list/no_end", test_no_end);
    g_test_add_func ("/bucket_list/pages_that_are_none", test_pages_that_are_none);
    g_test_add_func ("/bucket_list/failures", test_failures);
    g_test_add_func ("/bucket_list/many", test_many);
    return g_test_run();
}
