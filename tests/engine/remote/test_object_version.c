#include "remote/object_version.h"

#include <string.h>

#define SUNDAY "Sun, 06 Nov 1994 08:49:37 GMT"
#define MONDAY "Mon, 07 Nov 1994 08:49:37 GMT"

/* What is pinned: NULL, or an ETag and a date of an object of 1000 bytes. */
typedef struct {
    const char *etag, *date;
} Pinned;

static const Pinned strong = {"\"a\"", SUNDAY};
static const Pinned dated = {NULL, SUNDAY};
static const Pinned bare = {NULL, NULL};

typedef struct {
    const Pinned *pinned;
    bool is_suffix;
    uint64_t begin, end;
    const char *head; /* lines, separated by `|` */
    ArecBodyVerdict verdict;
    ArecRange span; /* with TAKE */
} Row;

static const Row rows[] = {
    /* ranges */
    {&strong,
     false,
     0,
     100,
     "HTTP/1.1 206|Content-Range: bytes 0-99/1000|ETag: \"a\"",
     AREC_BODY_TAKE,
     {0, 100}},
    {&strong,
     false,
     0,
     100,
     "HTTP/1.1 200|Content-Range: bytes 0-99/1000|ETag: \"a\"",
     AREC_BODY_TAKE,
     {0, 100}},
    {&strong,
     false,
     0,
     100,
     "HTTP/1.1 206|Content-Range: bytes 0-99/*|ETag: \"a\"",
     AREC_BODY_TAKE,
     {0, 100}},
    {&strong,
     false,
     0,
     100,
     "HTTP/1.1 206|Content-Range: bytes 0-98/1000",
     AREC_BODY_WRONG,
     {0}},
    {&strong,
     false,
     0,
     100,
     "HTTP/1.1 206|Content-Range: bytes 1-99/1000",
     AREC_BODY_WRONG,
     {0}},
    {&strong,
     false,
     0,
     100,
     "HTTP/1.1 206|Content-Range: bytes 0-100/1000",
     AREC_BODY_WRONG,
     {0}},
    {&strong, false, 0, 100, "HTTP/1.1 206", AREC_BODY_WRONG, {0}},
    {&strong, false, 0, 100, "HTTP/1.1 204", AREC_BODY_WRONG, {0}},
    {&strong,
     false,
     0,
     100,
     "HTTP/1.1 206|Content-Range: bytes 0-99/1000|Content-Type: multipart/byteranges; "
     "boundary=x",
     AREC_BODY_WRONG,
     {0}},
    {&strong,
     false,
     0,
     100,
     "HTTP/1.1 200|Content-Range: bytes 0-999/1000",
     AREC_BODY_WRONG,
     {0}},
    {&strong, false, 0, 100, "HTTP/1.1 200|Content-Length: 1000", AREC_BODY_WHOLE, {0}},
    {&strong, false, 0, 100, "HTTP/1.1 200", AREC_BODY_WHOLE, {0}},
    {&strong, false, 0, 1000, "HTTP/1.1 200|Content-Length: 1000", AREC_BODY_TAKE, {0, 1000}},
    {&strong, false, 0, 1000, "HTTP/1.1 200", AREC_BODY_TAKE, {0, 1000}},
    {&strong, false, 100, 1000, "HTTP/1.1 200|Content-Length: 1000", AREC_BODY_WHOLE, {0}},
    /* suffixes of an object that is not known yet */
    {NULL,
     true,
     0,
     100,
     "HTTP/1.1 206|Content-Range: bytes 900-999/1000",
     AREC_BODY_TAKE,
     {900, 1000}},
    {NULL, true, 0, 100, "HTTP/1.1 206|Content-Range: bytes 0-49/50", AREC_BODY_TAKE, {0, 50}},
    {NULL,
     true,
     0,
     100,
     "HTTP/1.1 206|Content-Range: bytes 900-998/1000",
     AREC_BODY_WRONG,
     {0}},
    {NULL,
     true,
     0,
     100,
     "HTTP/1.1 206|Content-Range: bytes 899-999/1000",
     AREC_BODY_WRONG,
     {0}},
    {NULL, true, 0, 100, "HTTP/1.1 206|Content-Range: bytes 900-999/*", AREC_BODY_WRONG, {0}},
    {NULL, true, 0, 100, "HTTP/1.1 200|Content-Length: 100", AREC_BODY_TAKE, {0, 100}},
    {NULL, true, 0, 100, "HTTP/1.1 200|Content-Length: 0", AREC_BODY_TAKE, {0, 0}},
    {NULL, true, 0, 100, "HTTP/1.1 200|Content-Length: 101", AREC_BODY_WHOLE, {0}},
    {NULL, true, 0, 100, "HTTP/1.1 200", AREC_BODY_WHOLE, {0}},
    {NULL, false, 0, 1, "HTTP/1.1 200|Content-Length: 1000", AREC_BODY_WHOLE, {0}},
    /* statuses */
    {&strong, false, 0, 100, "HTTP/1.1 404|ETag: \"b\"", AREC_BODY_STATUS, {0}},
    {&strong, false, 0, 100, "HTTP/1.1 302", AREC_BODY_STATUS, {0}},
    {&strong, false, 0, 100, "HTTP/1.1 503|Content-Encoding: gzip", AREC_BODY_STATUS, {0}},
    /* versions */
    {&strong,
     false,
     0,
     100,
     "HTTP/1.1 206|Content-Range: bytes 0-99/1000|ETag: \"b\"",
     AREC_BODY_CHANGED,
     {0}},
    {&strong,
     false,
     0,
     100,
     "HTTP/1.1 200|Content-Length: 1000|ETag: \"b\"",
     AREC_BODY_CHANGED,
     {0}},
    {&strong,
     false,
     0,
     100,
     "HTTP/1.1 206|Content-Range: bytes 0-99/1000|ETag: \"a\"|Last-Modified: " MONDAY,
     AREC_BODY_TAKE,
     {0, 100}},
    {&strong,
     false,
     0,
     100,
     "HTTP/1.1 206|Content-Range: bytes 0-99/1000|Last-Modified: " MONDAY,
     AREC_BODY_CHANGED,
     {0}},
    {&strong,
     false,
     0,
     100,
     "HTTP/1.1 206|Content-Range: bytes 0-99/1000|ETag: W/\"b\"|Last-Modified: " SUNDAY,
     AREC_BODY_TAKE,
     {0, 100}},
    {&dated,
     false,
     0,
     100,
     "HTTP/1.1 206|Content-Range: bytes 0-99/1000|ETag: W/\"b\"|Last-Modified: " MONDAY,
     AREC_BODY_CHANGED,
     {0}},
    {&strong,
     false,
     0,
     100,
     "HTTP/1.1 206|Content-Range: bytes 0-99/1001|ETag: \"a\"",
     AREC_BODY_WRONG,
     {0}},
    {&strong,
     false,
     0,
     100,
     "HTTP/1.1 206|Content-Range: bytes 0-99/1001|ETag: \"b\"",
     AREC_BODY_CHANGED,
     {0}},
    {&bare,
     false,
     0,
     100,
     "HTTP/1.1 206|Content-Range: bytes 0-99/1001",
     AREC_BODY_CHANGED,
     {0}},
    {&bare,
     false,
     0,
     100,
     "HTTP/1.1 206|Content-Range: bytes 0-99/1000|ETag: \"new\"",
     AREC_BODY_TAKE,
     {0, 100}},
    {&bare, false, 0, 1000, "HTTP/1.1 200|Content-Length: 1001", AREC_BODY_CHANGED, {0}},
    /* encodings */
    {&strong,
     false,
     0,
     100,
     "HTTP/1.1 206|Content-Range: bytes 0-99/1000|ETag: \"a\"|Content-Encoding: gzip",
     AREC_BODY_ENCODED,
     {0}},
    {NULL,
     true,
     0,
     100,
     "HTTP/1.1 200|Content-Length: 50|Content-Encoding: br",
     AREC_BODY_ENCODED,
     {0}},
};

static void
parse (const char *head, ArecHttpAnswer *answer)
{
    g_auto (GStrv) lines = g_strsplit (head, "|", -1);

    g_assert_true (arec_http_answer_begin (answer, lines[0], strlen (lines[0])));
    for (char **line = lines + 1; *line; line++) {
        arec_http_answer_add (answer, *line, strlen (*line));
    }
}

static void
test_judge (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        const Row *row = &rows[i];
        const ArecRangeRequest asked = {.span = {row->begin, row->end},
                                        .is_suffix = row->is_suffix};
        ArecObjectVersion pinned = {.size = 1000, .last_modified = 784111777};
        ArecRange span = {7, 7};
        g_auto (ArecHttpAnswer) answer = {0};

        g_test_message ("row %zu: %s", i, row->head);
        if (row->pinned) {
            pinned.etag = (char *)row->pinned->etag;
            pinned.last_modified_text = (char *)row->pinned->date;
        }
        parse (row->head, &answer);
        g_assert_cmpint (
            arec_object_version_judge (row->pinned ? &pinned : NULL, &asked, &answer, &span),
            ==, row->verdict);
        if (row->verdict == AREC_BODY_TAKE) {
            g_assert_cmpuint (span.begin, ==, row->span.begin);
            g_assert_cmpuint (span.end, ==, row->span.end);
        }
    }
}

static void
test_versions (void)
{
    g_auto (ArecHttpAnswer) answer = {0};
    g_auto (ArecObjectVersion) version = {0}, copy = {0}, weak = {0};

    parse ("HTTP/1.1 206|ETag: \"a\"|Last-Modified: " SUNDAY, &answer);
    arec_object_version_of (&answer, 1000, &version);
    arec_object_version_copy (&version, &copy);
    g_assert_cmpuint (copy.size, ==, 1000);
    g_assert_cmpstr (copy.etag, ==, "\"a\"");
    g_assert_cmpstr (copy.last_modified_text, ==, SUNDAY);
    g_assert_cmpint (copy.last_modified, ==, 784111777);
    g_assert_false (arec_object_version_is_bare (&copy));
    parse ("HTTP/1.1 206|ETag: W/\"a\"", &answer);
    arec_object_version_of (&answer, 1000, &weak);
    g_assert_null (weak.etag);
    g_assert_true (arec_object_version_is_bare (&weak));
}

/* The generation of an object of GCS counts more than its ETag. */
static void
test_generations (void)
{
    const ArecRangeRequest asked = {.span = {0, 100}};
    g_auto (ArecHttpAnswer) first = {0}, other = {0};
    g_auto (ArecObjectVersion) version = {0};
    ArecRange span;

    parse ("HTTP/1.1 206|ETag: \"a\"|x-goog-generation: 5", &first);
    arec_object_version_of (&first, 1000, &version);
    g_assert_cmpuint (version.generation, ==, 5);
    g_assert_false (arec_object_version_is_bare (&version));
    parse ("HTTP/1.1 206|ETag: \"a\"|x-goog-generation: 6|Content-Range: bytes 0-99/1000",
           &other);
    g_assert_cmpint (arec_object_version_judge (&version, &asked, &other, &span), ==,
                     AREC_BODY_CHANGED);
    parse ("HTTP/1.1 206|ETag: \"b\"|x-goog-generation: 5|Content-Range: bytes 0-99/1000",
           &other);
    g_assert_cmpint (arec_object_version_judge (&version, &asked, &other, &span), ==,
                     AREC_BODY_TAKE);
    parse ("HTTP/1.1 206|ETag: \"b\"|Content-Range: bytes 0-99/1000", &other);
    g_assert_cmpint (arec_object_version_judge (&version, &asked, &other, &span), ==,
                     AREC_BODY_CHANGED);
}

/* What a server says to a request for bytes of any other version. */
static void
test_confirmed (void)
{
    static const struct {
        const Pinned *known;
        const char *head;
        bool is_confirmed;
    } cases[] = {
        {&strong, "HTTP/1.1 304|ETag: \"a\"", true},
        {&strong, "HTTP/1.1 304|ETag: \"a\"|Last-Modified: " MONDAY, true},
        {&strong, "HTTP/1.1 304|ETag: \"b\"", false},
        {&strong, "HTTP/1.1 304|ETag: W/\"a\"|Last-Modified: " SUNDAY, false},
        {&strong, "HTTP/1.1 304|Last-Modified: " SUNDAY, false},
        {&strong, "HTTP/1.1 304", false},
        {&strong, "HTTP/1.1 206|ETag: \"a\"", false},
        {&strong, "HTTP/1.1 412|ETag: \"a\"", false},
        {&dated, "HTTP/1.1 304|Last-Modified: " SUNDAY, true},
        {&dated, "HTTP/1.1 304|ETag: W/\"x\"|Last-Modified: " SUNDAY, true},
        {&dated, "HTTP/1.1 304|Last-Modified: " MONDAY, false},
        {&dated, "HTTP/1.1 304", false},
        {&bare, "HTTP/1.1 304|ETag: \"a\"|Last-Modified: " SUNDAY, false},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        const ArecObjectVersion known = {.size = 1000,
                                         .etag = (char *)cases[i].known->etag,
                                         .last_modified_text = (char *)cases[i].known->date,
                                         .last_modified = 784111777};
        g_auto (ArecHttpAnswer) answer = {0};

        g_test_message ("row %zu: %s", i, cases[i].head);
        parse (cases[i].head, &answer);
        g_assert_cmpint (arec_object_version_is_confirmed (&known, &answer), ==,
                         cases[i].is_confirmed);
    }
}

static void
test_date (void)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {{784111777, SUNDAY},
                 {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
                 {951782399, "Mon, 28 Feb 2000 23:59:59 GMT"},
                 {951868799, "Tue, 29 Feb 2000 23:59:59 GMT"}};

    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autofree char *text = arec_object_version_date (cases[i].seconds);

        g_assert_cmpstr (text, ==, cases[i].text);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/object_version/judge", test_judge);
    g_test_add_func ("/object_version/versions", test_versions);
    g_test_add_func ("/object_version/generations", test_generations);
    g_test_add_func ("/object_version/confirmed", test_confirmed);
    g_test_add_func ("/object_version/date", test_date);
    return g_test_run();
}
