#include "remote/http_answer.h"

#include <string.h>

static void
add (ArecHttpAnswer *answer, const char *line)
{
    arec_http_answer_add (answer, line, strlen (line));
}

static bool
begin (ArecHttpAnswer *answer, const char *line)
{
    return arec_http_answer_begin (answer, line, strlen (line));
}

static void
test_status (void)
{
    static const struct {
        const char *line;
        unsigned status;
    } rows[] = {
        {"HTTP/1.1 206 Partial Content", 206},
        {"HTTP/1.0 200", 200},
        {"HTTP/2 404 ", 404},
        {"HTTP/1.1  503 x", 503},
        {"HTTP/1.1 x", 0},
        {"HTTP/1.1", 0},
        {"HTTP/1.1 99999999999999999999", 0},
    };
    g_auto (ArecHttpAnswer) answer = {0};

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_test_message ("%s", rows[i].line);
        g_assert_true (begin (&answer, rows[i].line));
        g_assert_cmpuint (answer.status, ==, rows[i].status);
    }
    g_assert_false (begin (&answer, "Content-Length: 5"));
    g_assert_false (begin (&answer, ""));
}

static void
test_all (void)
{
    g_auto (ArecHttpAnswer) answer = {0};

    g_assert_true (begin (&answer, "HTTP/1.1 103 Early Hints"));
    add (&answer, "ETag: \"early\"");
    g_assert_true (begin (&answer, "HTTP/1.1 206 Partial Content"));
    g_assert_null (answer.etag);
    g_assert_cmpuint (answer.length, ==, AREC_HTTP_UNKNOWN);
    g_assert_cmpuint (answer.total, ==, AREC_HTTP_UNKNOWN);
    g_assert_cmpint (answer.retry_after, <, 0);
    add (&answer, "etag:\"x-1\"");
    add (&answer, "CONTENT-LENGTH:  100 ");
    add (&answer, "Content-Range: bytes 5-104/1000");
    add (&answer, "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT");
    add (&answer, "Retry-After: 7");
    add (&answer, "Content-Encoding: identity");
    add (&answer, "Content-Type: application/octet-stream");
    add (&answer, "no colon at all");
    add (&answer, ":");
    g_assert_cmpstr (answer.etag, ==, "\"x-1\"");
    g_assert_false (answer.is_weak);
    g_assert_cmpuint (answer.length, ==, 100);
    g_assert_true (answer.has_range);
    g_assert_cmpuint (answer.begin, ==, 5);
    g_assert_cmpuint (answer.end, ==, 105);
    g_assert_cmpuint (answer.total, ==, 1000);
    g_assert_cmpint (answer.last_modified, ==, 784111777);
    g_assert_cmpstr (answer.last_modified_text, ==, "Sun, 06 Nov 1994 08:49:37 GMT");
    g_assert_cmpint (answer.retry_after, ==, 7000000);
    g_assert_false (answer.is_encoded);
    g_assert_false (answer.is_multipart);
}

/* What servers of buckets say. */
static void
test_buckets (void)
{
    static const struct {
        const char *line;
        int64_t date;
        uint64_t generation;
        const char *region, *storage_class;
    } rows[] = {
        {"Date: Sun, 06 Nov 1994 08:49:37 GMT", 784111777, 0, "", ""},
        {"date: yesterday", 0, 0, "", ""},
        {"X-Goog-Generation: 1700000000000000", 0, 1700000000000000, "", ""},
        {"x-goog-generation: -1", 0, 0, "", ""},
        {"x-goog-generation: 99999999999999999999", 0, 0, "", ""},
        {"x-amz-bucket-region: eu-north-1", 0, 0, "eu-north-1", ""},
        {"x-amz-bucket-region: h/../x", 0, 0, "", ""},
        {"x-amz-bucket-region: "
         "0123456789012345678901234567890123456789012345678901234567890123",
         0, 0, "", ""},
        {"x-amz-storage-class: DEEP_ARCHIVE", 0, 0, "", "DEEP_ARCHIVE"},
        {"x-amz-storage-class: a b", 0, 0, "", ""},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_auto (ArecHttpAnswer) answer = {0};

        g_test_message ("%s", rows[i].line);
        g_assert_true (begin (&answer, "HTTP/1.1 206"));
        add (&answer, rows[i].line);
        g_assert_cmpint (answer.date, ==, rows[i].date);
        g_assert_cmpuint (answer.generation, ==, rows[i].generation);
        g_assert_cmpstr (answer.region, ==, rows[i].region);
        g_assert_cmpstr (answer.storage_class, ==, rows[i].storage_class);
    }
}

static void
test_content_range (void)
{
    static const struct {
        const char *value;
        bool has_range;
        uint64_t begin, end, total;
    } rows[] = {
        {"bytes 0-0/1", true, 0, 1, 1},
        {"bytes=0-0/1", true, 0, 1, 1},
        {"Bytes 0-9/*", true, 0, 10, AREC_HTTP_UNKNOWN},
        {"bytes */1000", false, 0, 0, 1000},
        {"bytes */*", false, 0, 0, AREC_HTTP_UNKNOWN},
        {"bytes 9-5/10", false, 0, 0, AREC_HTTP_UNKNOWN},
        {"bytes 0-10/10", false, 0, 0, AREC_HTTP_UNKNOWN},
        {"bytes 0-9/10x", false, 0, 0, AREC_HTTP_UNKNOWN},
        {"bytes -9/10", false, 0, 0, AREC_HTTP_UNKNOWN},
        {"bytes 0-9", false, 0, 0, AREC_HTTP_UNKNOWN},
        {"bytes 0 - 9/10", false, 0, 0, AREC_HTTP_UNKNOWN},
        {"items 0-9/10", false, 0, 0, AREC_HTTP_UNKNOWN},
        {"bytes 0-18446744073709551615/*", false, 0, 0, AREC_HTTP_UNKNOWN},
        {"bytes 0-99999999999999999999/*", false, 0, 0, AREC_HTTP_UNKNOWN},
        {"", false, 0, 0, AREC_HTTP_UNKNOWN},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autofree char *line = g_strconcat ("Content-Range: ", rows[i].value, NULL);
        g_auto (ArecHttpAnswer) answer = {0};

        g_test_message ("%s", line);
        g_assert_true (begin (&answer, "HTTP/1.1 206"));
        add (&answer, line);
        g_assert_cmpint (answer.has_range, ==, rows[i].has_range);
        g_assert_cmpuint (answer.begin, ==, rows[i].begin);
        g_assert_cmpuint (answer.end, ==, rows[i].end);
        g_assert_cmpuint (answer.total, ==, rows[i].total);
    }
}

static void
test_etag (void)
{
    static const struct {
        const char *value;
        bool is_taken, is_weak;
    } rows[] = {
        {"\"\"", true, false},          {"\"a!\xff\"", true, false}, {"W/\"a\"", true, true},
        {"\"a\", \"b\"", false, false}, {"\"a b\"", false, false},   {"a", false, false},
        {"\"", false, false},           {"W/", false, false},        {"", false, false},
        {"\"a\tb\"", false, false},     {"\"a\"b\"", false, false},  {"w/\"a\"", false, false},
    };
    g_autofree char *longest = g_strnfill (AREC_HTTP_MAX_VALIDATOR - 1, 'x');
    g_autofree char *too_long = g_strconcat ("ETag: \"", longest, "\"", NULL);
    g_auto (ArecHttpAnswer) last = {0};

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autofree char *line = g_strconcat ("ETag: ", rows[i].value, NULL);
        g_auto (ArecHttpAnswer) answer = {0};

        g_test_message ("row %zu", i);
        g_assert_true (begin (&answer, "HTTP/1.1 206"));
        add (&answer, line);
        g_assert_cmpstr (answer.etag, ==, rows[i].is_taken ? rows[i].value : NULL);
        g_assert_cmpint (answer.is_weak, ==, rows[i].is_weak);
    }
    g_assert_true (begin (&last, "HTTP/1.1 206"));
    add (&last, too_long);
    g_assert_null (last.etag);
}

static void
test_dates (void)
{
    static const struct {
        const char *text;
        bool is_date;
        int64_t seconds;
    } rows[] = {
        {"Thu, 01 Jan 1970 00:00:00 GMT", true, 0},
        {"Tue, 29 Feb 2028 23:59:60 GMT", true, 1835481599},
        {"Sun, 06 Nov 1994 08:49:37 UTC", false, 0},
        {"Sun, 06 Nov 1994 08:49:37", false, 0},
        {"Wed, 31 Feb 2027 00:00:00 GMT", false, 0},
        {"Sun, 06 nov 1994 08:49:37 GMT", false, 0},
        {"Sunday, 06-Nov-94 08:49:37 GMT", false, 0},
        {"Sun, 06 Nov 1994 08:49:37 GMT\n", false, 0},
        {"0", false, 0},
        {"", false, 0},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        int64_t seconds = 0;

        g_test_message ("%s", rows[i].text);
        g_assert_cmpint (arec_http_answer_date (rows[i].text, &seconds), ==, rows[i].is_date);
        g_assert_cmpint (seconds, ==, rows[i].seconds);
    }
}

/* Whatever the bytes are, they are no reason to fail. */
static void
test_random (void)
{
    static const char *const names[] = {"content-range:",  "etag:",        "last-modified:",
                                        "content-length:", "retry-after:", "HTTP/"};
    static const char alphabet[] = "bytes 0123456789-/*\"W, GMTNov:\0\xff";

    for (int round = 0; round < 20000; round++) {
        const char *name = names[g_test_rand_int_range (0, G_N_ELEMENTS (names))];
        size_t n = (size_t)g_test_rand_int_range (0, 40), length = strlen (name);
        g_auto (ArecHttpAnswer) answer = {0};
        char line[64];

        memcpy (line, name, length);
        for (size_t i = 0; i < n; i++) {
            line[length++] = alphabet[g_test_rand_int_range (0, sizeof alphabet)];
        }
        if (!arec_http_answer_begin (&answer, line, length)) {
            arec_http_answer_add (&answer, line, length);
        }
        g_assert_true (!answer.has_range || answer.begin < answer.end);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/http_answer/status", test_status);
    g_test_add_func ("/http_answer/all", test_all);
    g_test_add_func ("/http_answer/buckets", test_buckets);
    g_test_add_func ("/http_answer/content_range", test_content_range);
    g_test_add_func ("/http_answer/etag", test_etag);
    g_test_add_func ("/http_answer/dates", test_dates);
    g_test_add_func ("/http_answer/random", test_random);
    return g_test_run();
}
