#include <arec/text.h>

#include <string.h>

#include <arec/error.h>

#define KIB (UINT64_C (1) << 10)
#define MIB (UINT64_C (1) << 20)
#define GIB (UINT64_C (1) << 30)
#define TIB (UINT64_C (1) << 40)

static void
test_size_accepted (void)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } rows[] = {
        {"0", 0},
        {"7", 7},
        {"007", 7},
        {"65536", 65536},
        {"1K", KIB},
        {"1k", KIB},
        {"1KB", KIB},
        {"1kB", KIB},
        {"1KiB", KIB},
        {"1kiB", KIB},
        {"3M", 3 * MIB},
        {"3m", 3 * MIB},
        {"16MB", 16 * MIB},
        {"16mB", 16 * MIB},
        {"16MiB", 16 * MIB},
        {"16miB", 16 * MIB},
        {"2G", 2 * GIB},
        {"2g", 2 * GIB},
        {"2GB", 2 * GIB},
        {"2GiB", 2 * GIB},
        {"5T", 5 * TIB},
        {"5t", 5 * TIB},
        {"5TB", 5 * TIB},
        {"5TiB", 5 * TIB},
        {"0.5M", MIB / 2},
        {".5k", 512},
        {"5.K", 5 * KIB},
        {"1.25GiB", 5 * GIB / 4},
        {"0.4", 0},
        {"0.5", 1},
        {"1.5", 2},
        {"1.0004K", 1024},
        {"1.0005K", 1025},
        {"0K", 0},
        {"0.999999999T", TIB - 1100},
        {"18446744073709551615", UINT64_MAX},
        {"18446744073709551614.5", UINT64_MAX},
        {"18446744073709551615.4", UINT64_MAX},
        {"18014398509481983K", UINT64_MAX - 1023},
        {"16777215.5T", UINT64_MAX - TIB / 2 + 1},
        {"9007199254740993", UINT64_C (9007199254740993)}, /* no double */
        {"0.5000000000000000000000000000000000000000000001", 1},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autoptr (GError) error = NULL;
        uint64_t bytes = 42;

        if (!arec_size_parse (rows[i].text, &bytes, &error)) {
            g_error ("'%s': %s", rows[i].text, error->message);
        }
        g_assert_no_error (error);
        g_assert_cmpuint (bytes, ==, rows[i].bytes);
    }
}

static void
test_size_rejected (void)
{
    static const char *const texts[] = {
        "",
        " ",
        "K",
        ".",
        ".K",
        "auto",
        "-1",
        "+1",
        " 1",
        "1 ",
        "1 K",
        "1KK",
        "1B",
        "1b",
        "1KIB",
        "1Kb",
        "1KB ",
        "1Kib",
        "1KBB",
        "1Ki",
        "1P",
        "1E",
        "1e3",
        "0x10",
        "inf",
        "nan",
        "1,5K",
        "1..5K",
        "1.5.5",
        "1K5",
        "1_000",
        "1\n",
        "\302\275K",
        "18446744073709551616",
        "18446744073709551615.5",
        "18014398509481984K",
        "16777216T",
        "99999999999999999999999999999999",
    };

    for (size_t i = 0; i < G_N_ELEMENTS (texts); i++) {
        g_autoptr (GError) error = NULL;
        g_autofree char *quoted = g_strdup_printf ("'%s'", texts[i]);
        uint64_t bytes = 42;

        if (arec_size_parse (texts[i], &bytes, &error)) {
            g_error ("'%s' was taken", texts[i]);
        }
        g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
        g_assert_nonnull (strstr (error->message, quoted));
        g_assert_cmpuint (bytes, ==, 42);
    }
}

static void
test_range_parse (void)
{
    static const struct {
        const char *text;
        ArecRangeText range;
    } rows[] = {

        {"7", {.first = 7, .end = 8, .has_first = true, .has_end = true}},
        {"00042", {.first = 42, .end = 43, .has_first = true, .has_end = true}},
        {"5:9", {.first = 5, .end = 9, .has_first = true, .has_end = true}},
        {":100", {.end = 100, .has_end = true}},
        {"-10:", {.first = -10, .has_first = true}},
        {":", {0}},
        {"0:0", {.has_first = true, .has_end = true}},
        {":-1", {.end = -1, .has_end = true}},
        {"-10:-5", {.first = -10, .end = -5, .has_first = true, .has_end = true}},
        {"9:5", {.first = 9, .end = 5, .has_first = true, .has_end = true}},
        {"-3", {.first = -3, .end = -2, .has_first = true, .has_end = true}},
        {"-1", {.first = -1, .has_first = true}},
        {"9223372036854775806",
         {.first = INT64_MAX - 1, .end = INT64_MAX, .has_first = true, .has_end = true}},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        const ArecRangeText *expected = &rows[i].range;
        g_autoptr (GError) error = NULL;
        ArecRangeText range = {.first = 42, .end = 42};

        if (!arec_range_parse (rows[i].text, &range, &error)) {
            g_error ("'%s': %s", rows[i].text, error->message);
        }
        g_assert_no_error (error);
        g_assert_cmpint (range.has_first, ==, expected->has_first);
        g_assert_cmpint (range.has_end, ==, expected->has_end);
        g_assert_cmpint (range.first, ==, expected->first);
        g_assert_cmpint (range.end, ==, expected->end);
    }
}

static void
test_range_parse_rejected (void)
{
    static const char *const texts[] = {
        "",
        "-",
        "--1",
        "+1",
        " 1",
        "1 ",
        "1-2",
        "1:2:3",
        "::",
        "a",
        "1a",
        "-:",
        ":-",
        "1:-",
        "1:x",
        "0x1",
        "1.5",
        "[1:2]",
        "1,2",
        "1:2 ",
        "9223372036854775807",
        ":9223372036854775807",
        "-9223372036854775808:",
        "99999999999999999999:",
    };

    for (size_t i = 0; i < G_N_ELEMENTS (texts); i++) {
        g_autoptr (GError) error = NULL;
        g_autofree char *quoted = g_strdup_printf ("'%s'", texts[i]);
        ArecRangeText range = {.first = 42};

        if (arec_range_parse (texts[i], &range, &error)) {
            g_error ("'%s' was taken", texts[i]);
        }
        g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
        g_assert_nonnull (strstr (error->message, quoted));
        g_assert_cmpint (range.first, ==, 42);
    }
}

static void
test_range_resolve (void)
{
    static const struct {
        const char *text;
        uint64_t n_records, first, end;
    } rows[] = {
        {"7", 8, 7, 8},
        {"0", 1, 0, 1},
        {"-1", 8, 7, 8},
        {"-8", 8, 0, 1},
        {"5:9", 9, 5, 9},
        {"5:9", 100, 5, 9},
        {"5:", 9, 5, 9},
        {":4", 9, 0, 4},
        {":", 9, 0, 9},
        {":", 0, 0, 0},
        {"0:", 0, 0, 0},
        {":0", 0, 0, 0},
        {"-3:", 9, 6, 9},
        {"-9:", 9, 0, 9},
        {":-3", 9, 0, 6},
        {":-9", 9, 0, 0},
        {"-3:-1", 9, 6, 8},
        {"2:-2", 9, 2, 7},
        {"9:", 9, 9, 9},
        {"4:4", 9, 4, 4},
        {"-4:6", 9, 5, 6},
        {":", UINT64_MAX, 0, UINT64_MAX},
        {"-1:", UINT64_MAX, UINT64_MAX - 1, UINT64_MAX},
        {"9223372036854775806:", UINT64_MAX, INT64_MAX - 1, UINT64_MAX},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autoptr (GError) error = NULL;
        ArecRangeText range;
        uint64_t first = 42;
        uint64_t end = 42;

        g_assert_true (arec_range_parse (rows[i].text, &range, &error));
        if (!arec_range_resolve (&range, rows[i].n_records, &first, &end, &error)) {
            g_error ("'%s': %s", rows[i].text, error->message);
        }
        g_assert_cmpuint (first, ==, rows[i].first);
        g_assert_cmpuint (end, ==, rows[i].end);
    }
}

static void
test_range_resolve_rejected (void)
{
    static const struct {
        const char *text;
        uint64_t n_records;
        const char *message;
    } rows[] = {

        {"9", 9, "record 9 is out of bounds: there are 9 records, numbered from 0"},
        {"-10", 9, "record -10 is out of bounds: there are 9 records, numbered from 0"},
        {"-1", 0, "record -1 is out of bounds: there are 0 records, numbered from 0"},
        {"0", 0, "record 0 is out of bounds: there are 0 records, numbered from 0"},
        {"5:10", 9, "range 5:10 is out of bounds: there are 9 records, numbered from 0"},
        {":10", 9, "range :10 is out of bounds: there are 9 records, numbered from 0"},
        {"10:", 9, "range 10: is out of bounds: there are 9 records, numbered from 0"},
        {"-10:", 9, "range -10: is out of bounds: there are 9 records, numbered from 0"},
        {":-10", 9, "range :-10 is out of bounds: there are 9 records, numbered from 0"},
        {"-10:-9", 5, "record -10 is out of bounds: there are 5 records, numbered from 0"},
        {"6:5", 9, "range 6:5 ends before it begins: it is 6:5 of 9 records"},
        {"-3:2", 9, "range -3:2 ends before it begins: it is 6:2 of 9 records"},
        {"8:-2", 9, "range 8:-2 ends before it begins: it is 8:7 of 9 records"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autoptr (GError) error = NULL;
        ArecRangeText range;
        uint64_t first = 42;
        uint64_t end = 43;

        g_assert_true (arec_range_parse (rows[i].text, &range, &error));
        if (arec_range_resolve (&range, rows[i].n_records, &first, &end, &error)) {
            g_error ("'%s' was taken", rows[i].text);
        }
        g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
        g_assert_cmpstr (error->message, ==, rows[i].message);
        g_assert_cmpuint (first, ==, 42);
        g_assert_cmpuint (end, ==, 43);
    }
}

/* Compared with a model that tries every record: [first, end) selects the records that the
 * text means. */
static void
test_range_resolve_exhaustive (void)
{
    for (int n = 0; n <= 4; n++) {
        for (int a = -6; a <= 6; a++) {
            for (int b = -6; b <= 6; b++) {
                g_autofree char *text = g_strdup_printf ("%d:%d", a, b);
                int from = a < 0 ? n + a : a;
                int to = b < 0 ? n + b : b;
                bool valid = from >= 0 && to >= from && to <= n;
                ArecRangeText range;
                uint64_t first, end;

                g_assert_true (arec_range_parse (text, &range, NULL));
                g_assert_cmpint (arec_range_resolve (&range, (uint64_t)n, &first, &end, NULL),
                                 ==, valid);
                if (valid) {
                    g_assert_cmpuint (first, ==, (uint64_t)from);
                    g_assert_cmpuint (end, ==, (uint64_t)to);
                }
            }
        }
    }
}

static void
test_printable (void)
{
    static const struct {
        const char *text;
        const char *shown;
    } cases[] = {
        {"", ""},
        {"a b\\c", "a b\\c"},
        {"two\nlines\t\x1b[31m\x7f", "two\\x0Alines\\x09\\x1B[31m\\x7F"},
        {"\xc2\x9b", "\\xC2\\x9B"},
        {"\xc3\xbc\xff\xe2\x82", "\xc3\xbc\\xFF\\xE2\\x82"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autofree char *shown = arec_text_printable (cases[i].text);

        g_assert_cmpstr (shown, ==, cases[i].shown);
    }
}

static void
test_cut (void)
{
    static const struct {
        const char *text;
        unsigned columns;
        const char *shown;
    } cases[] = {
        {"abc", 3, "abc"},
        {"abc", 2, "ab"},
        {"abc", 0, ""},
        {"\xc3\xbc\xc3\xbc", 1, "\xc3\xbc"}, /* two bytes, one column */
        {"a\xe6\xbc\xa2"
         "b",
         2, "a"}, /* two columns, or none */
        {"a\xe6\xbc\xa2"
         "b",
         3, "a\xe6\xbc\xa2"},
        {"e\xcc\x81x", 1, "e\xcc\x81"}, /* a mark above the e */
    };

    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autofree char *shown = arec_text_cut (cases[i].text, cases[i].columns);

        g_assert_cmpstr (shown, ==, cases[i].shown);
    }
}

static void
test_size_shown (void)
{
    static const struct {
        uint64_t bytes;
        const char *shown;
    } cases[] = {
        {0, "0 B"},
        {1023, "1023 B"},
        {1024, "1.0 KiB"},
        {393216, "384.0 KiB"},
        {1048576, "1.0 MiB"},
        {UINT64_C (5) << 39, "2.5 TiB"},
        {UINT64_MAX, "16.0 EiB"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autofree char *shown = arec_text_size (cases[i].bytes);

        g_assert_cmpstr (shown, ==, cases[i].shown);
    }
}

/* A failure is kept and returned by each call; later output is dropped without harm. */
static void
test_progress (void)
{
    g_autofree char *begin = arec_text_progress (0, 2048, 1);
    g_autofree char *half = arec_text_progress (UINT64_C (50) << 20, UINT64_C (200) << 20, 25);
    g_autofree char *more = arec_text_progress (300, 200, 1); /* the file grew */
    g_autofree char *none = arec_text_progress (0, 0, 1);

    g_assert_cmpstr (begin, ==, "0 B/2.0 KiB 0% 0 B/s");
    g_assert_cmpstr (half, ==, "50.0 MiB/200.0 MiB 25% 2.0 MiB/s ETA 1:15");
    g_assert_cmpstr (more, ==, "300 B/200 B 100% 300 B/s ETA 0:00");
    g_assert_cmpstr (none, ==, "0 B/0 B 0% 0 B/s");
}

static void
test_nearest (void)
{
    static const char *const words[] = {"cache-size", "log-file", "merge", "kind", NULL};
    static const struct {
        const char *word;
        const char *nearest;
    } cases[] = {
        {"cache-szie", "cache-size"},
        {"cachesize", "cache-size"},
        {"cach", "cache-size"},
        {"logfile", "log-file"},
        {"merged", "merge"},
        {"knid", "kind"},
        {"foo", NULL},
        {"", NULL},
        {"margarine", NULL},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_assert_cmpstr (arec_text_nearest (cases[i].word, words), ==, cases[i].nearest);
    }
    /* Longer than any option. */
    g_assert_null (arec_text_nearest ("a/path/that/somebody/has/written/where/an/option/was/"
                                      "expected",
                                      words));
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/text/size-accepted", test_size_accepted);
    g_test_add_func ("/text/size-rejected", test_size_rejected);
    g_test_add_func ("/text/range-parse", test_range_parse);
    g_test_add_func ("/text/range-parse-rejected", test_range_parse_rejected);
    g_test_add_func ("/text/range-resolve", test_range_resolve);
    g_test_add_func ("/text/range-resolve-rejected", test_range_resolve_rejected);
    g_test_add_func ("/text/range-resolve-exhaustive", test_range_resolve_exhaustive);
    g_test_add_func ("/text/printable", test_printable);
    g_test_add_func ("/text/cut", test_cut);
    g_test_add_func ("/text/size-shown", test_size_shown);
    g_test_add_func ("/text/progress", test_progress);
    g_test_add_func ("/text/nearest", test_nearest);
    return g_test_run();
}
