#include "base/option_text.h"

#include <locale.h>
#include <string.h>

#include "base/error.h"

/* A table with every kind of rule, shaped like the writer's. */
enum {
    DEFAULT,
    GROUP,
    LEVEL,
    BUCKET,
    PAD,
    WINDOW,
    N_RULES,
};

static const ArecOptionRule rules[N_RULES] = {
    [DEFAULT] = {.key = "default", .kind = AREC_OPTION_ANY, .must_be_first = true},
    [GROUP] = {.key = "group_size", .kind = AREC_OPTION_INT, .min = 1, .max = INT32_MAX},
    [LEVEL] =
        {.key = "zstd", .kind = AREC_OPTION_INT, .words = {""}, .min = -131072, .max = 22},
    [BUCKET] = {.key = "bucket",
                .kind = AREC_OPTION_BYTES,
                .words = {"auto"},
                .min = 1,
                .max = UINT64_MAX},
    [PAD] = {.key = "pad", .kind = AREC_OPTION_WORDS, .words = {"", "true", "false"}},
    [WINDOW] = {.key = "window_log",
                .kind = AREC_OPTION_INT,
                .words = {"auto"},
                .min = 10,
                .max = 31,
                .later = true},
};

#define KEYS "default, group_size, zstd, bucket, pad, window_log"
#define BUCKET_VALUES                                                                          \
    "auto, integers expressed as reals with optional suffix [BkKMGTPE], in the range "         \
    "[1..18446744073709551615]"

static void
assert_ok (const char *text, ArecOptionValue *values)
{
    g_autoptr (GError) error = NULL;
    bool ok = arec_option_text_parse (text, rules, N_RULES, values, &error);

    if (!ok) {
        g_error ("'%s': %s", text, error->message);
    }
    g_assert_no_error (error);
}

static void
assert_fails (const char *text, const char *message)
{
    g_autoptr (GError) error = NULL;
    ArecOptionValue values[N_RULES];
    ArecOptionValue before[N_RULES];

    memset (values, 0xa5, sizeof values);
    memcpy (before, values, sizeof values);
    if (arec_option_text_parse (text, rules, N_RULES, values, &error)) {
        g_error ("'%s' was taken", text);
    }
    g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
    g_assert_cmpstr (error->message, ==, message);
    g_assert_cmpmem (values, sizeof values, before, sizeof before);
}

static void
test_grammar (void)
{
    static const char *const empty[] = {
        "",
        ",",
        ",,,",
    };
    ArecOptionValue values[N_RULES];

    for (size_t i = 0; i < G_N_ELEMENTS (empty); i++) {
        assert_ok (empty[i], values);
        for (size_t k = 0; k < N_RULES; k++) {
            g_assert_cmpuint (values[k].position, ==, 0);
        }
    }
    /* Empty pieces are ignored, the first colon splits, a comma always ends a value. */
    assert_ok (",,default:a:b,,window_log:,pad,", values);
    g_assert_cmpuint (values[DEFAULT].position, ==, 1);
    g_assert_cmpmem (values[DEFAULT].text, values[DEFAULT].length, "a:b", 3);
    g_assert_cmpint (values[DEFAULT].word, ==, -1);
    g_assert_cmpuint (values[WINDOW].position, ==, 2);
    g_assert_cmpuint (values[WINDOW].length, ==, 0);
    g_assert_cmpuint (values[PAD].position, ==, 3);
    g_assert_cmpuint (values[PAD].length, ==, 0);
    g_assert_cmpint (values[PAD].word, ==, 0);
    g_assert_cmpuint (values[GROUP].position, ==, 0);
}

static void
test_errors (void)
{
    assert_fails ("foo", "Unknown option foo, valid options: " KEYS);
    assert_fails ("foo:1:2", "Unknown option foo, valid options: " KEYS);
    assert_fails (":3", "Unknown option , valid options: " KEYS);
    assert_fails ("group_size=3", "Unknown option group_size=3, valid options: " KEYS);
    assert_fails (" zstd", "Unknown option  zstd, valid options: " KEYS);
    assert_fails ("Zstd", "Unknown option Zstd, valid options: " KEYS);
    assert_fails ("zst", "Unknown option zst, valid options: " KEYS);
    assert_fails ("zstd,zstd", "Option zstd is present more than once");
    assert_fails ("window_log:1,window_log:1", "Option window_log is present more than once");
    assert_fails ("pad,default", "Option default must be first");
    assert_fails ("pad:1", "Option pad: invalid value: 1, valid values: (empty), true, false");
    assert_fails ("pad:True",
                  "Option pad: invalid value: True, valid values: (empty), true, false");
    assert_fails ("group_size", "Option group_size: invalid value: (empty), valid values: "
                                "integers in the range [1..2147483647]");
    assert_fails ("zstd:23", "Option zstd: invalid value: 23, valid values: (empty), "
                             "integers in the range [-131072..22]");
    assert_fails ("bucket:0", "Option bucket: invalid value: 0, valid values: " BUCKET_VALUES);
    assert_fails ("bucket:",
                  "Option bucket: invalid value: (empty), valid values: " BUCKET_VALUES);
}

/* The leftmost wrong option is reported; within one option the order is: unknown, twice, not
 * first, value. */
static void
test_order_of_errors (void)
{
    assert_fails ("pad:x,foo",
                  "Option pad: invalid value: x, valid values: (empty), true, false");
    assert_fails ("foo,pad:x", "Unknown option foo, valid options: " KEYS);
    assert_fails ("pad:true,pad:x", "Option pad is present more than once");
    assert_fails ("default,pad,default", "Option default is present more than once");
}

static void
test_int (void)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t integer;
    } rows[] = {
        {"7", true, 7},
        {"+7", true, 7},
        {"-7", true, -7},
        {"-0", true, 0},
        {"007", true, 7},
        {" 7", true, 7},
        {"7 ", true, 7},
        {"\t\n\v\f\r7 ", true, 7},
        {"22", true, 22},
        {"-131072", true, -131072},
        {"23", false, 0},
        {"-131073", false, 0},
        {" ", false, 0},
        {"+", false, 0},
        {"-", false, 0},
        {"+-7", false, 0},
        {"--7", false, 0},
        {"- 7", false, 0},
        {"7.0", false, 0},
        {"7e0", false, 0},
        {"0x7", false, 0},
        {"a", false, 0},
        {"7a", false, 0},
        {"7 7", false, 0},
        {"7K", false, 0},
        {"\302\2407", false, 0},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"18446744073709551623", false, 0}, /* 7 in 64 bits */
        {"4294967303", false, 0},           /* 7 in 32 bits */
        {"100000000000000000000000000000000", false, 0},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autofree char *text = g_strconcat ("zstd:", rows[i].text, NULL);
        g_autoptr (GError) error = NULL;
        ArecOptionValue values[N_RULES];

        if (arec_option_text_parse (text, rules, N_RULES, values, &error) != rows[i].ok) {
            g_error ("'%s': %s", text, error ? error->message : "was taken");
        }
        if (rows[i].ok) {
            g_assert_cmpint (values[LEVEL].word, ==, -1);
            g_assert_cmpint (values[LEVEL].integer, ==, rows[i].integer);
        }
    }
}

static void
test_int_at_its_ends (void)
{
    static const ArecOptionRule wide = {
        .key = "n", .kind = AREC_OPTION_INT, .min = INT64_MIN, .max = INT64_MAX};
    static const struct {
        const char *text;
        int64_t integer;
    } rows[] = {
        {"n:9223372036854775807", INT64_MAX},
        {"n:-9223372036854775808", INT64_MIN},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autoptr (GError) error = NULL;
        ArecOptionValue value;

        g_assert_true (arec_option_text_parse (rows[i].text, &wide, 1, &value, &error));
        g_assert_cmpint (value.integer, ==, rows[i].integer);
    }
}

/* 0 stands for a rejected text: the rule has no 0. */
static void
check_bytes (const char *number, uint64_t bytes)
{
    g_autofree char *text = g_strconcat ("bucket:", number, NULL);
    g_autoptr (GError) error = NULL;
    ArecOptionValue values[N_RULES];
    bool ok = arec_option_text_parse (text, rules, N_RULES, values, &error);

    if (ok != (bytes != 0)) {
        g_error ("'%s': %s", number, error ? error->message : "was taken");
    }
    if (ok) {
        g_assert_cmpint (values[BUCKET].word, ==, -1);
        g_assert_cmpuint (values[BUCKET].bytes, ==, bytes);
    }
}

static void
test_bytes (void)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } rows[] = {

        {"16M", 16777216},
        {"512K", 524288},
        {"512k", 524288},
        {"0.5M", 524288},
        {".5k", 512},
        {" 16M", 16777216},
        {"5.k", 5120},
        {"1e3", 1000},
        {"1e3k", 1024000},
        {"16 M", 16777216},
        {"65536B", 65536},
        {"0x10", 16},
        {"0.5", 1},
        {"1.5", 2},
        {"2.5", 3},
        {"1.4999", 1},
        {"0.49999999999999994", 0},
        {"1E", UINT64_C (1) << 60},
        {"3P", UINT64_C (3) << 50},
        {"3T", UINT64_C (3) << 40},
        {"3G", UINT64_C (3) << 30},
        {"+5", 5},
        {" 5 ", 5},
        {"1e400", UINT64_MAX},
        {"inf", UINT64_MAX},
        {"INFINITY", UINT64_MAX},
        {"infE", UINT64_MAX},
        {"16E", UINT64_MAX},
        {"18446744073709551615", UINT64_MAX},
        {"18446744073709549568", UINT64_C (18446744073709549568)}, /* the double before 2^64 */
        {"9007199254740993", UINT64_C (9007199254740992)},         /* no double */
        {"4503599627370495.5", UINT64_C (4503599627370496)},
        {"0x1p4", 16},
        {"0x1.8p1K", 3072},
        {"0x1E", UINT64_C (1) << 60},
        {"0x1B", 1},
        /* not numbers, or below the range */
        {"16MM", 0},
        {"16m", 0},
        {"16M ", 0},
        {"B", 0},
        {" ", 0},
        {"-5k", 0},
        {"-0.4", 0},
        {"+-5", 0},
        {"nan", 0},
        {"-nan", 0},
        {"-inf", 0},
        {"0", 0},
        {"-0", 0},
        {"0.4", 0},
        {"1e-400", 0},
        {"1,5", 0},
        {"1_0", 0},
        {"1e", 0},
        {"0x", 0},
        {"1b", 0},
        {"1g", 0},
        {"1BB", 0},
        {"1 2", 0},
        {"k", 0},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        check_bytes (rows[i].text, rows[i].bytes);
    }
}

static void
test_bytes_as_the_guide_prints_them (void)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } rows[] = {

        {"16MB", 16777216},
        {"512KB", 524288},
        {"512kB", 524288},
        {"2GB", UINT64_C (2) << 30},
        {"1TB", UINT64_C (1) << 40},
        {"0.5MB", 524288},
        {"16 MB", 16777216},
        {"16MiB", 16777216},
        {"512KiB", 524288},
        {"1GiB", UINT64_C (1) << 30},
        {"1TiB", UINT64_C (1) << 40},
        {"16mB", 0},
        {"16Mb", 0},
        {"16MIB", 0},
        {"16M B", 0},
        {"MB", 0},
        {"iB", 0},
        {"16iB", 0},
        {"16BB", 0},
        {"16PB", 0},
        {"16EB", 0},
        {"16MBB", 0},
        {"-1MB", 0},
        {"0x1EB", 30}, /* the reference accepts this: 0x1E and the suffix B */
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        check_bytes (rows[i].text, rows[i].bytes);
    }
}

static void
test_words (void)
{
    static const struct {
        const char *text;
        int word;
    } rows[] = {
        {"pad", 0},
        {"pad:", 0},
        {"pad:true", 1},
        {"pad:false", 2},
    };
    ArecOptionValue values[N_RULES];

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        assert_ok (rows[i].text, values);
        g_assert_cmpint (values[PAD].word, ==, rows[i].word);
    }
    assert_ok ("zstd", values);
    g_assert_cmpint (values[LEVEL].word, ==, 0);
    assert_ok ("bucket:auto", values);
    g_assert_cmpint (values[BUCKET].word, ==, 0);
    assert_fails ("bucket: auto",
                  "Option bucket: invalid value:  auto, valid values: " BUCKET_VALUES);
}

static void
test_second_stage (void)
{
    const ArecOptionRule *window = &rules[WINDOW];
    g_autoptr (GError) error = NULL;
    ArecOptionValue values[N_RULES];

    assert_ok ("window_log:12,zstd", values);
    g_assert_cmpint (values[WINDOW].word, ==, -1);
    g_assert_cmpint (values[WINDOW].integer, ==, 0);
    g_assert_true (arec_option_text_parse_value (window, &values[WINDOW], &error));
    g_assert_cmpint (values[WINDOW].word, ==, -1);
    g_assert_cmpint (values[WINDOW].integer, ==, 12);

    assert_ok ("window_log:auto", values);
    g_assert_true (arec_option_text_parse_value (window, &values[WINDOW], &error));
    g_assert_cmpint (values[WINDOW].word, ==, 0);

    assert_ok ("window_log:9,zstd", values);
    g_assert_false (arec_option_text_parse_value (window, &values[WINDOW], &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
    g_assert_cmpstr (error->message, ==,
                     "Option window_log: invalid value: 9, valid values: auto, "
                     "integers in the range [10..31]");
}

static void
test_conflict (void)
{
    g_autoptr (GError) error = NULL;

    g_assert_false (arec_option_text_fail_conflict (&error, "snappy", "window_log"));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
    g_assert_cmpstr (error->message, ==, "Option snappy conflicts with option window_log");
}

/* A locale with a decimal comma changes nothing. Debian's minimal systems have none; then
 * the test is skipped. */
static void
test_locale (void)
{
    static const char *const names[] = {
        "de_DE.UTF-8",
        "de_DE.utf8",
        "fr_FR.UTF-8",
        "de_DE",
    };
    const char *found = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS (names) && !found; i++) {
        found = setlocale (LC_ALL, names[i]);
    }
    if (!found) {
        g_test_skip ("no locale with a decimal comma is installed");
        return;
    }
    check_bytes ("0.5M", 524288);
    check_bytes ("0,5M", 0);
    setlocale (LC_ALL, "C");
}

/* Every text is accepted or reported as wrong; accepted values lie in the range of their
 * rule. */
static void
test_random (void)
{
    static const char *const pieces[] = {

        "default", "group_size", "zstd", "bucket", "pad",  "window_log", ":",    ":", ":",
        ",",       ",",          "1",    "-7",     "0.5",  "M",          "KB",   "B", " ",
        "e",       "0x",         "inf",  "nan",    "auto", "true",       "\xff",
    };

    for (int i = 0; i < 20000; i++) {
        g_autoptr (GString) text = g_string_new (NULL);
        g_autoptr (GError) error = NULL;
        ArecOptionValue values[N_RULES];
        int n = g_test_rand_int_range (1, 10);

        for (int k = 0; k < n; k++) {
            g_string_append (text,
                             pieces[g_test_rand_int_range (0, (int)G_N_ELEMENTS (pieces))]);
        }
        if (!arec_option_text_parse (text->str, rules, N_RULES, values, &error)) {
            g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
            continue;
        }
        for (size_t k = 0; k < N_RULES; k++) {
            const ArecOptionValue *value = &values[k];

            if (value->position > 0) {
                g_assert_true (value->text >= text->str);
                g_assert_true (value->text + value->length <= text->str + text->len);
            }
        }
        if (values[GROUP].position > 0) {
            g_assert_cmpint (values[GROUP].integer, >=, 1);
        }
        if (values[BUCKET].position > 0 && values[BUCKET].word < 0) {
            g_assert_cmpuint (values[BUCKET].bytes, >=, 1);
        }
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/option_text/grammar", test_grammar);
    g_test_add_func ("/option_text/errors", test_errors);
    g_test_add_func ("/option_text/order-of-errors", test_order_of_errors);
    g_test_add_func ("/option_text/int", test_int);
    g_test_add_func ("/option_text/int-at-its-ends", test_int_at_its_ends);
    g_test_add_func ("/option_text/bytes", test_bytes);
    g_test_add_func ("/option_text/bytes-of-the-guide", test_bytes_as_the_guide_prints_them);
    g_test_add_func ("/option_text/words", test_words);
    g_test_add_func ("/option_text/second-stage", test_second_stage);
    g_test_add_func ("/option_text/conflict", test_conflict);
    g_test_add_func ("/option_text/locale", test_locale);
    g_test_add_func ("/option_text/random", test_random);
    return g_test_run();
}
