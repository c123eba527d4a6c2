#include "remote/url.h"

#include <string.h>

#include <arec/error.h>

#define MARKS "-????\?-of-" /* without the backslash a trigraph */

static void
say (const char *text)
{
    g_autofree char *escaped = g_strescape (text, NULL);

    g_test_message ("%s", escaped);
}

/* ---- what is understood ---- */

typedef struct {
    const char *text;
    ArecUrlUse use;
    ArecUrl url; /* the literals are not freed */
    const char *shown;
} Row;

static const Row rows[] = {
    /* http and https */
    {"https://h.example/a/x.array_record",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_HTTPS, .host = "h.example", .key = "/a/x.array_record"},
     NULL},
    {"http://127.0.0.1:8000/x",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_HTTP, .host = "127.0.0.1", .port = 8000, .key = "/x"},
     NULL},
    {"https://h:443/x",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_HTTPS, .host = "h", .port = 443, .key = "/x"},
     NULL},
    {"HTTPS://H.Example/A%2fb",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_HTTPS, .host = "h.example", .key = "/A%2fb"},
     "https://h.example/A%2fb"},
    {"https://[2001:DB8::1]:81/x",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_HTTPS, .host = "2001:db8::1", .port = 81, .key = "/x"},
     "https://[2001:db8::1]:81/x"},
    {"https://[::1]/x",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_HTTPS, .host = "::1", .key = "/x"},
     NULL},
    {"https://my_box./x",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_HTTPS, .host = "my_box.", .key = "/x"},
     NULL},
    {"https://h/x?X-Sig=a/b@8?*[c]",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_HTTPS, .host = "h", .key = "/x", .query = "X-Sig=a/b@8?*[c]"},
     "https://h/x"},
    {"https://h/x?",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_HTTPS, .host = "h", .key = "/x", .query = ""},
     "https://h/x"},
    {"https://h/a b/gr\xc3\xb6\xc3\x9f"
     "e?q=\xc3\xb6 1",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_HTTPS,
      .host = "h",
      .key = "/a%20b/gr%C3%B6%C3%9Fe",
      .query = "q=%C3%B6%201"},
     "https://h/a%20b/gr%C3%B6%C3%9Fe"},
    {"https://h/../a//./x",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_HTTPS, .host = "h", .key = "/../a//./x"},
     NULL},
    {"https://h/t.array_record@8",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_HTTPS,
      .form = AREC_URL_SHARDS,
      .host = "h",
      .key = "/t.array_record",
      .shards = 8,
      .number_at = 15},
     NULL},
    {"https://h/t@8?sig=1",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_HTTPS,
      .form = AREC_URL_SHARDS,
      .host = "h",
      .key = "/t",
      .query = "sig=1",
      .shards = 8,
      .number_at = 2},
     "https://h/t@8"},
    {"https://h/t" MARKS "00008",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_HTTPS,
      .form = AREC_URL_SHARDS,
      .host = "h",
      .key = "/t",
      .shards = 8,
      .number_at = 2},
     "https://h/t@8"},
    {"https://h/t" MARKS "00008.x?sig=1",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_HTTPS,
      .form = AREC_URL_SHARDS,
      .host = "h",
      .key = "/t.x",
      .query = "sig=1",
      .shards = 8,
      .number_at = 2},
     "https://h/t" MARKS "00008.x"},
    {"https://h/t-??\?\?-of-00008",
     AREC_URL_TYPED, /* four marks begin a query */
     {.scheme = AREC_URL_HTTPS, .host = "h", .key = "/t-", .query = "??\?-of-00008"},
     "https://h/t-"},
    {"https://h/t" MARKS "00008/x",
     AREC_URL_TYPED, /* so do those of a directory */
     {.scheme = AREC_URL_HTTPS, .host = "h", .key = "/t-", .query = "???\?-of-00008/x"},
     "https://h/t-"},
    {"https://h/x@0",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_HTTPS, .host = "h", .key = "/x@0"},
     NULL},
    {"https://h/x@100000",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_HTTPS, .host = "h", .key = "/x@100000"},
     NULL},
    {"https://h/x@v2",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_HTTPS, .host = "h", .key = "/x@v2"},
     NULL},
    {"https://h/a@8/x",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_HTTPS, .host = "h", .key = "/a@8/x"},
     NULL},
    {"https://h/x@8",
     AREC_URL_LITERAL,
     {.scheme = AREC_URL_HTTPS, .host = "h", .key = "/x@8"},
     NULL},
    {"https://h/x*[y]",
     AREC_URL_LITERAL,
     {.scheme = AREC_URL_HTTPS, .host = "h", .key = "/x*[y]"},
     NULL},

    /* buckets: the key is literal */
    {"s3://b-1.c/dir/x.array_record",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_S3, .bucket = "b-1.c", .key = "dir/x.array_record"},
     NULL},
    {"gs://B_2/%41 \xff\n#y@x",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_GS, .bucket = "B_2", .key = "%41 \xff\n#y@x"},
     NULL},
    {"s3://b//../a//x",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_S3, .bucket = "b", .key = "/../a//x"},
     NULL},
    {"s3://b/dir/t@1024",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_S3,
      .form = AREC_URL_SHARDS,
      .bucket = "b",
      .key = "dir/t",
      .shards = 1024,
      .number_at = 5},
     NULL},
    {"gs://b/t" MARKS "00008.x",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_GS,
      .form = AREC_URL_SHARDS,
      .bucket = "b",
      .key = "t.x",
      .shards = 8,
      .number_at = 1},
     NULL},
    {"gs://b/t" MARKS "00008",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_GS,
      .form = AREC_URL_SHARDS,
      .bucket = "b",
      .key = "t",
      .shards = 8,
      .number_at = 1},
     "gs://b/t@8"},
    {"s3://b/t@99999",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_S3,
      .form = AREC_URL_SHARDS,
      .bucket = "b",
      .key = "t",
      .shards = 99999,
      .number_at = 1},
     NULL},
    {"s3://b/t@100000",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_S3, .bucket = "b", .key = "t@100000"},
     NULL},
    {"s3://b/dir/train-*.x",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_S3,
      .form = AREC_URL_GLOB,
      .bucket = "b",
      .key = "dir/train-*.x",
      .prefix = 10},
     NULL},
    {"s3://b/dir*/x@8",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_S3,
      .form = AREC_URL_GLOB,
      .bucket = "b",
      .key = "dir*/x@8",
      .prefix = 3},
     NULL},
    {"s3://b/[ab]" MARKS "00008",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_S3, .form = AREC_URL_GLOB, .bucket = "b", .key = "[ab]" MARKS "00008"},
     NULL},
    {"s3://b/t" MARKS "00000",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_S3,
      .form = AREC_URL_GLOB,
      .bucket = "b",
      .key = "t" MARKS "00000",
      .prefix = 2},
     NULL},
    {"s3://b/t" MARKS "000008",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_S3,
      .form = AREC_URL_GLOB,
      .bucket = "b",
      .key = "t" MARKS "000008",
      .prefix = 2},
     NULL},
    {"s3://b/a\\*b*",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_S3,
      .form = AREC_URL_GLOB,
      .bucket = "b",
      .key = "a\\*b*",
      .prefix = 1},
     NULL},
    {"s3://b/x?versionId=1",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_S3,
      .form = AREC_URL_GLOB,
      .bucket = "b",
      .key = "x?versionId=1",
      .prefix = 1},
     NULL},
    {"s3://b/dir/",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_S3,
      .form = AREC_URL_PREFIX,
      .bucket = "b",
      .key = "dir/",
      .prefix = 4},
     NULL},
    {"S3://b",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_S3, .form = AREC_URL_PREFIX, .bucket = "b", .key = ""},
     "s3://b/"},
    {"gs://b/",
     AREC_URL_TYPED,
     {.scheme = AREC_URL_GS, .form = AREC_URL_PREFIX, .bucket = "b", .key = ""},
     NULL},
    {"s3://b/x*@8",
     AREC_URL_LITERAL,
     {.scheme = AREC_URL_S3, .bucket = "b", .key = "x*@8"},
     NULL},
    {"s3://b/dir/",
     AREC_URL_LITERAL,
     {.scheme = AREC_URL_S3, .bucket = "b", .key = "dir/"},
     NULL},

    /* servers */
    {"http://127.0.0.1:9000",
     AREC_URL_ENDPOINT,
     {.scheme = AREC_URL_HTTP, .host = "127.0.0.1", .port = 9000, .key = ""},
     NULL},
    {"https://s3.example/base//",
     AREC_URL_ENDPOINT,
     {.scheme = AREC_URL_HTTPS, .host = "s3.example", .key = "/base"},
     "https://s3.example/base"},
};

static void
assert_equal (const ArecUrl *url, const ArecUrl *expected)
{
    g_assert_cmpint (url->scheme, ==, expected->scheme);
    g_assert_cmpint (url->form, ==, expected->form);
    g_assert_cmpstr (url->host, ==, expected->host);
    g_assert_cmpuint (url->port, ==, expected->port);
    g_assert_cmpstr (url->bucket, ==, expected->bucket);
    g_assert_cmpstr (url->key, ==, expected->key);
    g_assert_cmpstr (url->query, ==, expected->query);
    g_assert_cmpuint (url->prefix, ==, expected->prefix);
    g_assert_cmpuint (url->shards, ==, expected->shards);
    g_assert_cmpuint (url->number_at, ==, expected->number_at);
}

static void
test_rows (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        const Row *row = &rows[i];
        g_auto (ArecUrl) url = {0}, again = {0};
        g_autoptr (GError) error = NULL;
        g_autofree char *shown = NULL, *whole = NULL;

        say (row->text);
        g_assert_true (arec_url_is_url (row->text));
        g_assert_true (arec_url_parse (row->text, row->use, &url, &error));
        g_assert_no_error (error);
        assert_equal (&url, &row->url);
        shown = arec_url_shown (&url);
        g_assert_cmpstr (shown, ==, row->shown ? row->shown : row->text);
        whole = arec_url_whole (&url);
        g_assert_true (arec_url_parse (whole, row->use, &again, &error));
        assert_equal (&again, &url);
    }
}

/* ---- what is refused ---- */

static const struct {
    const char *text;
    ArecUrlUse use;
    const char *message;
} refused[] = {
    {"x.array_record", AREC_URL_TYPED,
     "x.array_record: no URL; https://, http://, s3:// and gs:// are read"},
    {"az://c/b?sig=SECRET", AREC_URL_TYPED,
     "az://c/b: unknown scheme; https://, http://, s3:// and gs:// are read"},
    {"hdfs://c/b", AREC_URL_TYPED,
     "hdfs://c/b: unknown scheme; https://, http://, s3:// and gs:// are read"},
    {"S3A://c/b", AREC_URL_TYPED, "S3A://c/b: s3a:// is not read; write s3://"},
    {"gcs://c/b", AREC_URL_TYPED, "gcs://c/b: gcs:// is not read; write gs://"},
    {"file:///x", AREC_URL_TYPED, "file:///x: file:// is not read; write its path"},
    {"https://user:SECRET@h/x", AREC_URL_TYPED,
     "https://...: a URL holds no user name and no password; --netrc reads them from a file"},
    {"https://user:SEC@RET@h/x", AREC_URL_TYPED,
     "https://...: a URL holds no user name and no password; --netrc reads them from a file"},
    {"https://user:SEC/RET@h/x", AREC_URL_TYPED,
     "https://...: the port is no number from 1 to 65535"},
    {"https://user:SEC?RET@h/x", AREC_URL_TYPED,
     "https://...: the port is no number from 1 to 65535"},
    {"s3://ID:SEC/RET@b/k", AREC_URL_TYPED,
     "s3://...: a bucket has no port; the server is what --endpoint-url names"},
    {"s3://ID:SECRET@b/k", AREC_URL_TYPED,
     "s3://...: a URL holds no user name and no secret key; credentials come from the "
     "environment or files"},
    {"s3://b:9000/k", AREC_URL_TYPED,
     "s3://b:9000/k: a bucket has no port; the server is what --endpoint-url names"},
    {"https://h/x#SECRET", AREC_URL_TYPED,
     "https://h/x: a URL here has no fragment; %23 is a literal `#`"},
    {"https://h/x?a=SECRET#b", AREC_URL_TYPED,
     "https://h/x: a URL here has no fragment; %23 is a literal `#`"},
    {"https://h#x", AREC_URL_TYPED,
     "https://h: a URL here has no fragment; %23 is a literal `#`"},
    {"https://h/x\r\nHost: y", AREC_URL_TYPED,
     "https://h/x\r\nHost: y: a URL has no control characters; %XX stands for one"},
    {"https://h/x?\x7f", AREC_URL_TYPED,
     "https://h/x: a URL has no control characters; %XX stands for one"},
    {"https:///x", AREC_URL_TYPED, "https:///x: there is no host; https://HOST/PATH"},
    {"https://:80/x", AREC_URL_TYPED, "https://:80/x: there is no host; https://HOST/PATH"},
    {"https://h:/x", AREC_URL_TYPED, "https://h:/x: the port is no number from 1 to 65535"},
    {"https://h:0/x", AREC_URL_TYPED, "https://h:0/x: the port is no number from 1 to 65535"},
    {"https://h:65536/x", AREC_URL_TYPED,
     "https://h:65536/x: the port is no number from 1 to 65535"},
    {"https://h:+1/x", AREC_URL_TYPED, "https://...: the port is no number from 1 to 65535"},
    {"https://[::1/x", AREC_URL_TYPED, "https://...: an address in brackets ends in `]`"},
    {"https://[::1]a/x", AREC_URL_TYPED,
     "https://[::1]a/x: an address in brackets ends in `]`"},
    {"https://[]/x", AREC_URL_TYPED, "https://[]/x: there is no host; https://HOST/PATH"},
    {"https://[/x", AREC_URL_TYPED, "https://[/x: an address in brackets ends in `]`"},
    {"https://[fe80::1%25eth0]/x", AREC_URL_TYPED,
     "https://[fe80::1%25eth0]/x: the host is no IPv6 address"},
    {"https://[1.2.3.4]/x", AREC_URL_TYPED, "https://[1.2.3.4]/x: the host is no IPv6 address"},
    {"https://a b/x", AREC_URL_TYPED,
     "https://a b/x: the host is no name of letters, digits, `-`, `.` and `_`"},
    {"https://a..b/x", AREC_URL_TYPED,
     "https://a..b/x: the host is no name of letters, digits, `-`, `.` and `_`"},
    {"https://.a/x", AREC_URL_TYPED,
     "https://.a/x: the host is no name of letters, digits, `-`, `.` and `_`"},
    {"https://gr\xc3\xb6n.example/x", AREC_URL_TYPED,
     "https://gr\xc3\xb6n.example/x: the host is no name of letters, digits, `-`, `.` and `_`"},
    {"https://h/dir/", AREC_URL_TYPED,
     "https://h/dir/: https:// has no listing, and a path that ends in `/` names no object; "
     "NAME@N means N shards, --files-from reads a list"},
    {"http://h?q=SECRET", AREC_URL_TYPED,
     "http://h: http:// has no listing, and a path that ends in `/` names no object; "
     "NAME@N means N shards, --files-from reads a list"},
    {"https://h/dir/", AREC_URL_LITERAL,
     "https://h/dir/: https:// has no listing, and a path that ends in `/` names no object; "
     "NAME@N means N shards, --files-from reads a list"},
    {"https://h/t-*.x", AREC_URL_TYPED,
     "https://h/t-*.x: https:// has no listing that `*` could match; NAME@N means N shards, "
     "--files-from reads a list, %2A is a literal `*`"},
    {"https://h/[ab]@8", AREC_URL_TYPED,
     "https://h/[ab]@8: https:// has no listing that `[` could match; NAME@N means N shards, "
     "--files-from reads a list, %5B is a literal `[`"},
    {"https://h/*" MARKS "00008", AREC_URL_TYPED,
     "https://h/*-: https:// has no listing that `*` could match; NAME@N means N shards, "
     "--files-from reads a list, %2A is a literal `*`"},
    {"s3://", AREC_URL_TYPED, "s3://: there is no bucket; s3://BUCKET/KEY"},
    {"gs:///k", AREC_URL_TYPED, "gs:///k: there is no bucket; gs://BUCKET/KEY"},
    {"s3://../k", AREC_URL_TYPED,
     "s3://../k: the bucket is no name of letters, digits, `-`, `.` and `_`"},
    {"s3://b?x/k", AREC_URL_TYPED,
     "s3://b?x/k: the bucket is no name of letters, digits, `-`, `.` and `_`"},
    {"s3://b/dir*/", AREC_URL_TYPED,
     "s3://b/dir*/: a pattern that ends in `/` matches no object"},
    {"s3://b/", AREC_URL_LITERAL, "s3://b/: there is no key"},
    {"s3://b", AREC_URL_ENDPOINT, "s3://b: a server is http:// or https://"},
    {"https://h/?x=SECRET", AREC_URL_ENDPOINT, "https://h/: the URL of a server has no query"},
};

static void
test_refused (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (refused); i++) {
        ArecUrl url = {.port = 7};
        g_autoptr (GError) error = NULL;

        say (refused[i].text);
        g_assert_false (arec_url_parse (refused[i].text, refused[i].use, &url, &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
        g_assert_cmpstr (error->message, ==, refused[i].message);
        g_assert_null (strstr (error->message, "SEC"));
        g_assert_null (strstr (error->message, "RET"));
        g_assert_cmpuint (url.port, ==, 7);
        g_assert_null (url.key);
    }
}

static void
test_not_urls (void)
{
    static const char *const texts[] = {"",        "x",       "/https://x", "://x", "3s://x",
                                        "https:/", "a_b://x", "h ttp://x",  "s3:"};

    for (size_t i = 0; i < G_N_ELEMENTS (texts); i++) {
        g_autofree char *redacted = arec_url_redact (texts[i]);

        g_assert_false (arec_url_is_url (texts[i]));
        g_assert_cmpstr (redacted, ==, texts[i]);
    }
    g_assert_true (arec_url_is_url ("a+b-c.d9://"));
}

/* ---- lengths ---- */

/* Parses @front and as many @c as @n in all. */
static bool
parses (const char *front, char c, size_t n, const char *back)
{
    GString *text = g_string_new (front);
    g_auto (ArecUrl) url = {0};
    g_autoptr (GError) error = NULL;
    bool ok;

    for (size_t i = 0; i < n; i++) {
        g_string_append_c (text, c);
    }
    g_string_append (text, back);
    ok = arec_url_parse (text->str, AREC_URL_TYPED, &url, &error);
    g_assert_true (ok || g_error_matches (error, AREC_ERROR, AREC_ERROR_INVALID));
    g_string_free (text, TRUE);
    return ok;
}

static void
test_lengths (void)
{
    g_assert_true (parses ("s3://b/", 'k', AREC_URL_MAX_KEY, ""));
    g_assert_false (parses ("s3://b/", 'k', AREC_URL_MAX_KEY + 1, ""));
    g_assert_false (parses ("gs://b/", 'k', AREC_URL_MAX_KEY + 1, ""));
    g_assert_false (parses ("s3://b/", 'k', AREC_URL_MAX_KEY, "/"));
    g_assert_false (parses ("s3://b/", '*', AREC_URL_MAX_KEY + 1, ""));
    /* What counts is the key as written out: `-00000-of-00008` has 15 bytes. */
    g_assert_true (parses ("s3://b/", 'k', AREC_URL_MAX_KEY - 15, "@8"));
    g_assert_false (parses ("s3://b/", 'k', AREC_URL_MAX_KEY - 14, "@8"));
    g_assert_true (parses ("https://h/", 'k', 5 * AREC_URL_MAX_KEY, ""));
    g_assert_true (parses ("https://", 'h', AREC_URL_MAX_HOST, "/x"));
    g_assert_false (parses ("https://", 'h', AREC_URL_MAX_HOST + 1, "/x"));
    g_assert_true (parses ("s3://", 'b', AREC_URL_MAX_BUCKET, "/x"));
    g_assert_false (parses ("s3://", 'b', AREC_URL_MAX_BUCKET + 1, "/x"));
}

/* ---- names ---- */

static void
test_names (void)
{
    static const struct {
        const char *text, *name; /* NULL: none */
        const char *fault;
    } names[] = {
        {"https://h/a/x%20y?q=z", "x y", NULL},
        {"https://h/a/gr\xc3\xb6n", "gr\xc3\xb6n", NULL},
        {"https://h/a/x%zz%4", "x%zz%4", NULL},
        {"https://h/%2e%2e", NULL, "which is `.` or `..`"},
        {"https://h/a/.", NULL, "which is `.` or `..`"},
        {"https://h/a%2Fb", NULL, "which holds a `/` or a NUL"},
        {"https://h/a%00b", NULL, "which holds a `/` or a NUL"},
        {"https://h/%00", NULL, "which holds a `/` or a NUL"},
        {"s3://b/dir/x%20y", "x%20y", NULL},
        {"s3://b/x", "x", NULL},
        {"s3://b//x", "x", NULL},
        {"s3://b/dir/..", NULL, "which is `.` or `..`"},
        {"s3://b/dir/", NULL, "which is empty"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (names); i++) {
        g_auto (ArecUrl) url = {0};
        g_autoptr (GError) error = NULL;
        g_autofree char *name = NULL;

        say (names[i].text);
        g_assert_true (arec_url_parse (names[i].text, AREC_URL_LITERAL, &url, &error));
        name = arec_url_name (&url, &error);
        g_assert_cmpstr (name, ==, names[i].name);
        if (names[i].fault) {
            g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
            g_assert_true (g_str_has_suffix (error->message, names[i].fault));
        } else {
            g_assert_no_error (error);
        }
    }
}

static void
test_long_names (void)
{
    for (size_t n = AREC_URL_MAX_NAME; n <= AREC_URL_MAX_NAME + 1; n++) {
        g_autofree char *segment = g_strnfill (n, 'n');
        g_autofree char *text = g_strconcat ("s3://b/dir/", segment, NULL);
        g_auto (ArecUrl) url = {0};
        g_autofree char *name = NULL;

        g_assert_true (arec_url_parse (text, AREC_URL_TYPED, &url, NULL));
        name = arec_url_name (&url, NULL);
        g_assert_cmpstr (name, ==, n <= AREC_URL_MAX_NAME ? segment : NULL);
    }
}

/* ---- others of the same place ---- */

static void
test_with_key (void)
{
    g_autofree char *long_key = g_strnfill (AREC_URL_MAX_KEY + 1, 'k');
    g_auto (ArecUrl) shards = {0}, object = {0}, prefix = {0}, other = {0};
    g_autofree char *whole = NULL, *shown = NULL;
    g_autoptr (GError) error = NULL;

    g_assert_true (
        arec_url_parse ("https://h:81/t@8?sig=SECRET", AREC_URL_TYPED, &shards, NULL));
    g_assert_true (arec_url_with_key (&shards, "/t-00003-of-00008", &object, NULL));
    g_assert_cmpint (object.form, ==, AREC_URL_OBJECT);
    whole = arec_url_whole (&object);
    g_assert_cmpstr (whole, ==, "https://h:81/t-00003-of-00008?sig=SECRET");

    g_assert_true (arec_url_parse ("s3://b/d/*.x", AREC_URL_TYPED, &prefix, NULL));
    g_assert_true (arec_url_with_key (&prefix, "d/[1]@8.x", &other, NULL));
    g_assert_cmpint (other.form, ==, AREC_URL_OBJECT);
    shown = arec_url_shown (&other);
    g_assert_cmpstr (shown, ==, "s3://b/d/[1]@8.x");

    g_assert_false (arec_url_with_key (&prefix, "", &other, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
    g_clear_error (&error);
    g_assert_false (arec_url_with_key (&prefix, long_key, &other, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
    g_assert_cmpstr (other.key, ==, "d/[1]@8.x");
}

static void
test_authority (void)
{
    static const struct {
        const char *text, *authority;
        unsigned port;
    } hosts[] = {
        {"https://H/x", "h", 443},
        {"http://h/x", "h", 80},
        {"https://h:443/x", "h", 443},
        {"http://h:443/x", "h:443", 443},
        {"http://[::1]:9000/x", "[::1]:9000", 9000},
        {"https://[::1]/x", "[::1]", 443},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (hosts); i++) {
        g_auto (ArecUrl) url = {0};
        g_autofree char *authority = NULL;

        g_assert_true (arec_url_parse (hosts[i].text, AREC_URL_TYPED, &url, NULL));
        authority = arec_url_authority (&url);
        g_assert_cmpstr (authority, ==, hosts[i].authority);
        g_assert_cmpuint (arec_url_port (&url), ==, hosts[i].port);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/url/rows", test_rows);
    g_test_add_func ("/url/refused", test_refused);
    g_test_add_func ("/url/not_urls", test_not_urls);
    g_test_add_func ("/url/lengths", test_lengths);
    g_test_add_func ("/url/names", test_names);
    g_test_add_func ("/url/long_names", test_long_names);
    g_test_add_func ("/url/with_key", test_with_key);
    g_test_add_func ("/url/authority", test_authority);
    return g_test_run();
}
