/* Pages of listings as servers send them, and as no server should. */
#include "remote/list_page.h"

#include <string.h>

#include <arec/error.h>

#define XML "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define OPEN XML "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
#define CLOSE "</ListBucketResult>"
#define OBJECT(key, size) "<Contents><Key>" key "</Key><Size>" size "</Size></Contents>"

typedef bool Parse (const char *, size_t, ArecObjectList *, ArecListPage *, GError **);

/* ---- good ones ---- */

typedef struct {
    const char *name;
    Parse *parse;
    const char *text;
    const char *next;
    size_t n_left_out;
    ArecListedObject objects[3];
} Good;

static const Good good[] = {
    {"empty",
     arec_list_page_parse_s3,
     OPEN "<Name>b</Name><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated>" CLOSE,
     NULL,
     0,
     {{0}}},
    {"all elements",
     arec_list_page_parse_s3,
     OPEN
     "<Name>b</Name><Prefix>d/</Prefix><NextContinuationToken>1ueG/=</NextContinuationToken>"
     "<KeyCount>2</KeyCount><MaxKeys>2</MaxKeys><IsTruncated>true</IsTruncated>"
     "<Contents><Key>d/a&amp;b.array_record</Key>"
     "<LastModified>2009-10-12T17:50:30.000Z</LastModified>"
     "<ETag>&quot;fba9dede5f27731c9771645a39863328&quot;</ETag><Size>434234</Size>"
     "<StorageClass>STANDARD</StorageClass><Owner><ID>1</ID></Owner></Contents>\n"
     "<Contents><Size>0</Size><Key>d/</Key></Contents>"
     "<CommonPrefixes><Prefix>d/e/</Prefix></CommonPrefixes>" CLOSE,
     "1ueG/=",
     0,
     {{"d/a&b.array_record", "\"fba9dede5f27731c9771645a39863328\"", 434234, 0, 1255369830},
      {"d/", "", 0, 0, 0}}},
    /* A `+` is a space where the encoding says so, before the keys or behind them. */
    {"encoded",
     arec_list_page_parse_s3,
     OPEN "<EncodingType>url</EncodingType>" OBJECT ("a+b%20c%2Bd%2fe%C3%A4", "1") CLOSE,
     NULL,
     0,
     {{"a b c+d/e\xc3\xa4", "", 1, 0, 0}}},
    {"encoded, said late",
     arec_list_page_parse_s3,
     OPEN OBJECT ("a%20b", "1") "<EncodingType>url</EncodingType>" CLOSE,
     NULL,
     0,
     {{"a b", "", 1, 0, 0}}},
    {"not encoded",
     arec_list_page_parse_s3,
     OPEN OBJECT ("a+b%20", "1") CLOSE,
     NULL,
     0,
     {{"a+b%20", "", 1, 0, 0}}},
    {"CDATA",
     arec_list_page_parse_s3,
     OPEN OBJECT ("<![CDATA[a<b]]>", "1") CLOSE,
     NULL,
     0,
     {{"a<b", "", 1, 0, 0}}},
    {"names that are none",
     arec_list_page_parse_s3,
     OPEN "<EncodingType>url</EncodingType>" OBJECT ("", "1") OBJECT ("a%00b", "2")
         OBJECT ("c", "3") CLOSE,
     NULL,
     2,
     {{"c", "", 3, 0, 0}}},
    {"a token, but no more",
     arec_list_page_parse_s3,
     OPEN
     "<NextContinuationToken>x</NextContinuationToken><IsTruncated>false</IsTruncated>" CLOSE,
     NULL,
     0,
     {{0}}},
    {"GCS, empty", arec_list_page_parse_gcs, "{\"kind\": \"storage#objects\"}", NULL, 0, {{0}}},
    {"GCS",
     arec_list_page_parse_gcs,
     "{\"kind\": \"storage#objects\", \"nextPageToken\": \"CgVh\", \"items\": [\n"
     "{\"name\": \"d/\\u00e4.array_record\", \"size\": \"12345678901\", \"etag\": \"CAE=\","
     " \"generation\": \"1700000000000001\", \"metadata\": {\"size\": \"7\"},"
     " \"updated\": \"2024-01-02T03:04:05.678Z\"},"
     "{\"size\": \"0\", \"name\": \"d/\", \"updated\": \"yesterday\"}, {\"name\": \"\", "
     "\"size\": \"1\"}]}",
     "CgVh",
     1,
     {{"d/\xc3\xa4.array_record", "CAE=", UINT64_C (12345678901), UINT64_C (1700000000000001),
       1704164645},
      {"d/", "", 0, 0, 0}}},
};

static void
test_good (void)
{
    for (size_t row = 0; row < G_N_ELEMENTS (good); row++) {
        g_autoptr (ArecObjectList) list = arec_object_list_new();
        g_auto (ArecListPage) page = {0};
        g_autoptr (GError) error = NULL;
        size_t n = 0;

        g_test_message ("%s", good[row].name);
        good[row].parse (good[row].text, strlen (good[row].text), list, &page, &error);
        g_assert_no_error (error);
        g_assert_cmpstr (page.next, ==, good[row].next);
        g_assert_cmpuint (page.n_left_out, ==, good[row].n_left_out);
        for (; n < G_N_ELEMENTS (good[row].objects) && good[row].objects[n].key; n++) {
            ArecListedObject found = arec_object_list_get (list, n);
            const ArecListedObject *expected = &good[row].objects[n];

            g_assert_cmpstr (found.key, ==, expected->key);
            g_assert_cmpstr (found.etag, ==, expected->etag);
            g_assert_cmpuint (found.size, ==, expected->size);
            g_assert_cmpuint (found.generation, ==, expected->generation);
            g_assert_cmpint (found.modified, ==, expected->modified);
        }
        g_assert_cmpuint (arec_object_list_n (list), ==, n);
        g_assert_cmpuint (page.n_objects, ==, n);
    }
}

/* ---- bad ones ---- */

static const struct {
    Parse *parse;
    const char *text;
    const char *message;
} bad[] = {
    {arec_list_page_parse_s3, "", "not well-formed XML"},
    {arec_list_page_parse_s3, "<html><body>hello</body></html>", "no element ListBucketResult"},
    {arec_list_page_parse_s3, XML "<Error><Code>NoSuchBucket</Code></Error>",
     "no element ListBucketResult"},
    {arec_list_page_parse_s3, OPEN OBJECT ("a", "1"), "not well-formed XML"},
    {arec_list_page_parse_s3, OPEN OBJECT ("a", "-1") CLOSE, "size of an object is no number"},
    {arec_list_page_parse_s3, OPEN OBJECT ("a", "18446744073709551616") CLOSE,
     "size of an object is no number"},
    {arec_list_page_parse_s3, OPEN "<Contents><Key>a</Key></Contents>" CLOSE,
     "size of an object is no number"},
    {arec_list_page_parse_s3, OPEN "<EncodingType>url</EncodingType>" OBJECT ("a%2", "1") CLOSE,
     "not encoded"},
    {arec_list_page_parse_s3, OPEN "<IsTruncated>true</IsTruncated>" CLOSE,
     "how to ask for more"},
    {arec_list_page_parse_s3, "<ListBucketResult><a><b><c><d><e><f><g><h>",
     "more than 8 levels"},
    /* entities of a DTD */
    {arec_list_page_parse_s3,
     "<!DOCTYPE x [<!ENTITY e \"eeee\">]>" OPEN OBJECT ("&e;&e;", "1") CLOSE,
     "not well-formed XML"},
    {arec_list_page_parse_gcs, "", "no JSON"},
    {arec_list_page_parse_gcs, "[]", "no JSON object"},
    {arec_list_page_parse_gcs, "{\"items\": {}}", "no array"},
    {arec_list_page_parse_gcs, "{\"items\": [1]}", "no object"},
    {arec_list_page_parse_gcs, "{\"items\": [{\"name\": \"a\"}]}", "no number"},
    {arec_list_page_parse_gcs, "{\"items\": [{\"name\": \"a\", \"size\": 1}]}", "no number"},
    {arec_list_page_parse_gcs, "{\"nextPageToken\": \"\"}", "how to ask for more"},
    {arec_list_page_parse_gcs, "{\"nextPageToken\": 7}", "how to ask for more"},
};

static void
test_bad (void)
{
    for (size_t row = 0; row < G_N_ELEMENTS (bad); row++) {
        g_autoptr (ArecObjectList) list = arec_object_list_new();
        g_auto (ArecListPage) page = {0};
        g_autoptr (GError) error = NULL;

        g_test_message ("%s", bad[row].text);
        g_assert_false (
            bad[row].parse (bad[row].text, strlen (bad[row].text), list, &page, &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
        g_assert_nonnull (strstr (error->message, bad[row].message));
        g_assert_null (page.next);
    }
}

static void
test_too_large (void)
{
    g_autofree char *text = g_malloc (AREC_LIST_PAGE_MAX_SIZE + 1);
    g_autoptr (ArecObjectList) list = arec_object_list_new();
    g_auto (ArecListPage) page = {0};
    g_autoptr (GError) error = NULL;

    memset (text, ' ', AREC_LIST_PAGE_MAX_SIZE + 1);
    g_assert_false (
        arec_list_page_parse_s3 (text, AREC_LIST_PAGE_MAX_SIZE + 1, list, &page, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
}

/* ---- the list ---- */

static void
test_sort (void)
{
    static const char *const keys[] = {"b", "a/", "a", "b", "\xc3\xa4", "B"};
    static const char *const sorted[] = {"B", "a", "a/", "b", "\xc3\xa4"};
    g_autoptr (ArecObjectList) list = arec_object_list_new();

    arec_object_list_sort (list);
    g_assert_cmpuint (arec_object_list_n (list), ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS (keys); i++) {
        g_assert_true (
            arec_object_list_add (list, &(ArecListedObject){keys[i], "e", i, 0, 0}, NULL));
    }
    arec_object_list_sort (list);
    g_assert_cmpuint (arec_object_list_n (list), ==, G_N_ELEMENTS (sorted));
    for (size_t i = 0; i < G_N_ELEMENTS (sorted); i++) {
        g_assert_cmpstr (arec_object_list_get (list, i).key, ==, sorted[i]);
    }
    g_assert_cmpuint (arec_object_list_get (list, 3).size, ==, 3); /* the later one */
}

/* ---- errors of S3 ---- */

static void
test_fault (void)
{
    const char *text =
        XML "<Error><Code>PermanentRedirect</Code><Message>Use the\n\x1b[31m other "
            "&amp; one.</Message><Endpoint>x</Endpoint>"
            "<Region>eu-west-1</Region></Error>";
    g_autofree char *is_long = g_strnfill (5000, 'x');
    g_autofree char *with_long =
        g_strconcat ("<Error><Code>", is_long, "</Code><Message>", is_long, NULL);
    ArecS3Fault fault;

    g_assert_true (arec_s3_fault_parse (text, strlen (text), &fault));
    g_assert_cmpstr (fault.code, ==, "PermanentRedirect");
    g_assert_cmpstr (fault.message, ==, "Use the??[31m other &amp; one.");
    g_assert_cmpstr (fault.region, ==, "eu-west-1");
    g_assert_true (arec_s3_fault_parse (with_long, strlen (with_long), &fault));
    g_assert_cmpuint (strlen (fault.code), ==, 63);
    g_assert_cmpuint (strlen (fault.message), ==, 200);
    g_assert_cmpstr (fault.region, ==, "");
    g_assert_false (arec_s3_fault_parse ("<html>", 6, &fault));
    g_assert_false (arec_s3_fault_parse ("", 0, &fault));
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/list_page/good", test_good);
    g_test_add_func ("/list_page/bad", test_bad);
    g_test_add_func ("/list_page/too-large", test_too_large);
    g_test_add_func ("/list_page/sort", test_sort);
    g_test_add_func ("/list_page/fault", test_fault);
    return g_test_run();
}
