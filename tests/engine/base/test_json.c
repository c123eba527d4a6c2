/* JSON text by RFC 8259; the names of the faults are those of what is wrong. */
#include "base/json.h"

#include <math.h>
#include <string.h>

#include <arec/error.h>

#define TEXT(text) text, sizeof (text) - 1

static const struct {
    const char *text;
    size_t size;
} valid[] = {
    {TEXT ("null")},
    {TEXT ("true")},
    {TEXT (" \t\r\nfalse \t\r\n")},
    {TEXT ("0")},
    {TEXT ("-0")},
    {TEXT ("-0.0e-00")},
    {TEXT ("10.01E+20")},
    {TEXT ("123456789012345678901234567890")},
    {TEXT ("1e999999999")},
    {TEXT ("\"\"")},
    {TEXT ("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\uAbCd\"")},
    {TEXT ("\"\\ud83d\\ude00\"")},
    {TEXT ("\"\\ud800\"")},
    {TEXT ("\"\\udc00\\ud800\"")},
    {TEXT ("\"\\ud800\\u0041\"")},
    {TEXT ("\"\x7f\xc2\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xf4\x8f\xbf\xbf\"")},
    {TEXT ("[]")},
    {TEXT ("{}")},
    {TEXT (" [ ] ")},
    {TEXT (" { } ")},
    {TEXT ("[[],{},[{}],\"\",1,null]")},
    {TEXT ("{ \"a\" : [ 1 , 2 ] , \"a\" : { \"b\" : { } } }")},
    {TEXT ("[[[[1],2],3],4]")},
    {TEXT ("{\"\":{\"\":{\"\":0},\"x\":[]}}")},
};

static const struct {
    const char *text;
    size_t size;
    size_t at;
    const char *reason;
} faulty[] = {
    {TEXT (""), 0, "no JSON: it ends where a value should be"},
    {TEXT ("  "), 2, "no JSON: it ends where a value should be"},
    {TEXT ("\0"), 0, "no JSON: found the byte 0x00 where a value should be"},
    {TEXT ("\xef\xbb\xbf{}"), 0, "no JSON: found the byte 0xef where a value should be"},
    {TEXT ("nul"), 0, "no JSON: found n where a value should be"},
    {TEXT ("NaN"), 0, "no JSON: found N where a value should be"},
    {TEXT ("-Infinity"), 1, "no JSON: found I where a digit should be"},
    {TEXT ("True"), 0, "no JSON: found T where a value should be"},
    {TEXT ("nullx"), 4, "no JSON: found x where the end should be"},
    {TEXT ("1 2"), 2, "no JSON: found 2 where the end should be"},
    {TEXT ("{}{}"), 2, "no JSON: found { where the end should be"},
    {TEXT ("1\0"), 1, "no JSON: found the byte 0x00 where the end should be"},
    {TEXT ("+1"), 0, "no JSON: found + where a value should be"},
    {TEXT ("01"), 1, "no JSON: found 1 where the end should be"},
    {TEXT ("-01"), 2, "no JSON: found 1 where the end should be"},
    {TEXT ("0x10"), 1, "no JSON: found x where the end should be"},
    {TEXT ("1."), 2, "no JSON: it ends where a digit should be"},
    {TEXT (".5"), 0, "no JSON: found . where a value should be"},
    {TEXT ("1.e1"), 2, "no JSON: found e where a digit should be"},
    {TEXT ("1e"), 2, "no JSON: it ends where a digit should be"},
    {TEXT ("1e+-1"), 3, "no JSON: found - where a digit should be"},
    {TEXT ("-"), 1, "no JSON: it ends where a digit should be"},
    {TEXT ("'a'"), 0, "no JSON: found ' where a value should be"},
    {TEXT ("\"a"), 2,
     "no JSON: it ends where the end of a string, or a character of it should be"},
    {TEXT ("\"a\tb\""), 2,
     "no JSON: found the byte 0x09 where the end of a string, or a character of it should be"},
    {TEXT ("\"\0\""), 1,
     "no JSON: found the byte 0x00 where the end of a string, or a character of it should be"},
    {TEXT ("\"\\"), 1, "no JSON: found \\ where an escape such as \\n or \\u00e9 should be"},
    {TEXT ("\"\\x\""), 1, "no JSON: found \\ where an escape such as \\n or \\u00e9 should be"},
    {TEXT ("\"\\\0\""), 1,
     "no JSON: found \\ where an escape such as \\n or \\u00e9 should be"},
    {TEXT ("\"\\u12g4\""), 1,
     "no JSON: found \\ where an escape such as \\n or \\u00e9 should be"},
    {TEXT ("\"\\u12"), 1, "no JSON: found \\ where an escape such as \\n or \\u00e9 should be"},
    {TEXT ("\"\\U0041\""), 1,
     "no JSON: found \\ where an escape such as \\n or \\u00e9 should be"},
    {TEXT ("\"\xff\""), 1, "no JSON: found the byte 0xff where valid UTF-8 should be"},
    {TEXT ("\"\xc3\""), 1, "no JSON: found the byte 0xc3 where valid UTF-8 should be"},
    {TEXT ("\"\xc3"), 1, "no JSON: found the byte 0xc3 where valid UTF-8 should be"},
    {TEXT ("\"\xc0\x80\""), 1, "no JSON: found the byte 0xc0 where valid UTF-8 should be"},
    {TEXT ("\"\xe0\x80\xaf\""), 1, "no JSON: found the byte 0xe0 where valid UTF-8 should be"},
    {TEXT ("\"\xed\xa0\x80\""), 1, "no JSON: found the byte 0xed where valid UTF-8 should be"},
    {TEXT ("\"\xf4\x90\x80\x80\""), 1,
     "no JSON: found the byte 0xf4 where valid UTF-8 should be"},
    {TEXT ("["), 1, "no JSON: it ends where a value should be"},
    {TEXT ("[1"), 2, "no JSON: it ends where \",\" or \"]\" should be"},
    {TEXT ("[1,]"), 3, "no JSON: found ] where a value should be"},
    {TEXT ("[,1]"), 1, "no JSON: found , where a value should be"},
    {TEXT ("[1 2]"), 3, "no JSON: found 2 where \",\" or \"]\" should be"},
    {TEXT ("[1}"), 2, "no JSON: found } where \",\" or \"]\" should be"},
    {TEXT ("[}"), 1, "no JSON: found } where a value should be"},
    {TEXT ("]"), 0, "no JSON: found ] where a value should be"},
    {TEXT ("[\"a\":1]"), 4, "no JSON: found : where \",\" or \"]\" should be"},
    {TEXT ("{"), 1, "no JSON: it ends where a key (a string) should be"},
    {TEXT ("{a:1}"), 1, "no JSON: found a where a key (a string) should be"},
    {TEXT ("{1:1}"), 1, "no JSON: found 1 where a key (a string) should be"},
    {TEXT ("{\"a\"}"), 4, "no JSON: found } where \":\" after a key should be"},
    {TEXT ("{\"a\":}"), 5, "no JSON: found } where a value should be"},
    {TEXT ("{\"a\":1,}"), 7, "no JSON: found } where a key (a string) should be"},
    {TEXT ("{\"a\":1]"), 6, "no JSON: found ] where \",\" or \"}\" should be"},
    {TEXT ("{\"a\":[1}"), 7, "no JSON: found } where \",\" or \"]\" should be"},
    {TEXT ("{\"a\":[{}],\"b\" 1}"), 14, "no JSON: found 1 where \":\" after a key should be"},
    {TEXT ("// c\n1"), 0, "no JSON: found / where a value should be"},
    {TEXT ("[1]/* c */"), 3, "no JSON: found / where the end should be"},
};

/* Checks a copy of exactly these bytes, so that AddressSanitizer sees what is read beyond. */
static bool
check (const char *text, size_t size, size_t *at, GError **error)
{
    g_autofree char *copy = g_memdup2 (text, size > 0 ? size : 1);

    return arec_json_check (copy, size, at, error);
}

static void
test_valid (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (valid); i++) {
        g_autoptr (GError) error = NULL;
        size_t at = 77;

        g_assert_true (check (valid[i].text, valid[i].size, &at, &error));
        g_assert_no_error (error);
        g_assert_cmpuint (at, ==, 77);
    }
}

static void
test_faulty (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (faulty); i++) {
        g_autoptr (GError) error = NULL;
        size_t at;

        g_assert_false (check (faulty[i].text, faulty[i].size, &at, &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_FORMAT);
        g_assert_cmpstr (error->message, ==, faulty[i].reason);
        g_assert_cmpuint (at, ==, faulty[i].at);
    }
}

/* No front of a container, or of a string, is JSON. */
static void
test_cut_off (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (valid); i++) {
        size_t end = valid[i].size, at;

        while (g_ascii_isspace (valid[i].text[end - 1])) {
            end--;
        }
        if (!strchr ("]}\"", valid[i].text[end - 1])) {
            continue;
        }
        for (size_t size = 0; size < end; size++) {
            g_assert_false (check (valid[i].text, size, &at, NULL));
            g_assert_cmpuint (at, <=, size);
        }
    }
}

/* @depth arrays, or objects, within each other. */
static GString *
nest (unsigned depth, bool objects)
{
    GString *text = g_string_new (NULL);

    for (unsigned i = 0; i < depth; i++) {
        g_string_append (text, objects ? "{\"a\":" : "[");
    }
    g_string_append (text, "1");
    for (unsigned i = 0; i < depth; i++) {
        g_string_append_c (text, objects ? '}' : ']');
    }
    return text;
}

static void
test_depth (void)
{
    for (int objects = 0; objects < 2; objects++) {
        for (unsigned depth = 1; depth <= 1000000; depth = depth < 1022   ? depth * 2
                                                           : depth < 1030 ? depth + 1
                                                                          : depth * 100) {
            GString *text = nest (depth, objects);
            g_autoptr (GError) error = NULL;
            size_t at;

            if (check (text->str, text->len, &at, &error)) {
                g_assert_cmpuint (depth, <=, AREC_MAX_JSON_DEPTH);
            } else {
                g_assert_cmpuint (depth, >, AREC_MAX_JSON_DEPTH);
                g_assert_error (error, AREC_ERROR, AREC_ERROR_LIMIT);
                g_assert_cmpstr (error->message, ==, "JSON that nests deeper than 1024");
                g_assert_cmpuint (at, ==, (size_t)AREC_MAX_JSON_DEPTH * (objects ? 5 : 1));
            }
            g_string_free (text, TRUE);
        }
    }
}

static ArecJsonValue
parse (const char *text)
{
    g_autoptr (GError) error = NULL;
    ArecJsonValue value;
    size_t at;

    g_assert_true (arec_json_parse (text, strlen (text), &value, &at, &error));
    g_assert_no_error (error);
    return value;
}

/* The first element of @array. */
static ArecJsonValue
first (const char *array)
{
    ArecJsonValue value = parse (array), element;
    ArecJsonItems items = arec_json_items (&value);

    g_assert_true (arec_json_next_element (&items, &element));
    return element;
}

static void
test_integers (void)
{
    static const struct {
        const char *text;
        bool fits;
        int64_t value;
    } rows[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"-1", true, -1},
        {"9223372036854775807", true, INT64_MAX},
        {"9223372036854775808", false, 0},
        {"-9223372036854775808", true, INT64_MIN},
        {"-9223372036854775809", false, 0},
        {"18446744073709551615", false, 0},
        {"100000000000000000000000000000000", false, 0},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        ArecJsonValue value = parse (rows[i].text);
        int64_t out = 0;

        g_assert_true (value.is_integer);
        g_assert_true (arec_json_to_int64 (&value, &out) == rows[i].fits);
        g_assert_true (!rows[i].fits || out == rows[i].value);
    }
    g_assert_false (parse ("1.0").is_integer);
    g_assert_false (parse ("1e0").is_integer);
}

static void
test_doubles (void)
{
    ArecJsonValue value = first ("[0.1]");

    g_assert_true (arec_json_to_double (&value) == 0.1);
    value = first ("[-1.5e3,1]");
    g_assert_true (arec_json_to_double (&value) == -1500);
    value = first ("[12e400]");
    g_assert_true (isinf (arec_json_to_double (&value)));
    value = first ("[1e-400 ]");
    g_assert_true (arec_json_to_double (&value) == 0);
}

static void
test_strings (void)
{
    static const struct {
        const char *text;
        const char *decoded;
        size_t size;
    } rows[] = {
        {"\"\"", TEXT ("")},
        {"\"abc\"", TEXT ("abc")},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", TEXT ("\"\\/\b\f\n\r\t")},
        {"\"a\\u0000b\"", TEXT ("a\0b")},
        {"\"\\u00e9\\u20ac\\ud83d\\ude00.\"", TEXT ("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80.")},
        {"\"\xc3\xa9\xf0\x9f\x98\x80\\n\xe2\x82\xac\"",
         TEXT ("\xc3\xa9\xf0\x9f\x98\x80\n\xe2\x82\xac")},
        {"\"\\uffff\\udbff\\udfff\"", TEXT ("\xef\xbf\xbf\xf4\x8f\xbf\xbf")},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        ArecJsonValue value = parse (rows[i].text);
        g_autofree uint8_t *out = g_malloc (MAX (value.decoded_size, 1));

        g_assert_false (value.is_broken);
        arec_json_decode (&value, out);
        g_assert_cmpmem (out, value.decoded_size, rows[i].decoded, rows[i].size);
    }
    g_assert_true (parse ("\"\\ud800\"").is_broken);
    g_assert_true (parse ("\"a\\udc00b\"").is_broken);
    g_assert_true (parse ("\"\\ud800\\ud800\\udc00\"").is_broken);
}

static void
test_items (void)
{
    static const char *const members[] = {"\"a\"=1", "\"b\"=[2, {\"x\":3}]", "\"a\"=\"s\"",
                                          "\"\"={}"};
    static const ArecJsonKind kinds[] = {AREC_JSON_NUMBER, AREC_JSON_ARRAY, AREC_JSON_STRING,
                                         AREC_JSON_OBJECT};
    ArecJsonValue object =
        parse (" {\"a\":1 , \"b\" : [2, {\"x\":3}],\"a\":\"s\", \"\" :{} } ");
    ArecJsonItems items = arec_json_items (&object);
    ArecJsonValue key, value;

    for (size_t i = 0; i < G_N_ELEMENTS (members); i++) {
        g_autofree char *text = NULL;

        g_assert_true (arec_json_next_member (&items, &key, &value));
        text =
            g_strdup_printf ("%.*s=%.*s", (int)key.size, key.text, (int)value.size, value.text);
        g_assert_cmpstr (text, ==, members[i]);
        g_assert_cmpint (value.kind, ==, kinds[i]);
    }
    g_assert_false (arec_json_next_member (&items, &key, &value));
    object = parse ("{ }");
    items = arec_json_items (&object);
    g_assert_false (arec_json_next_member (&items, &key, &value));
    value = parse ("[ true,false ,null]");
    items = arec_json_items (&value);
    g_assert_true (arec_json_next_element (&items, &key) && arec_json_is_true (&key));
    g_assert_true (arec_json_next_element (&items, &key) && !arec_json_is_true (&key));
    g_assert_true (arec_json_next_element (&items, &key) && key.kind == AREC_JSON_NULL);
    g_assert_false (arec_json_next_element (&items, &key));
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/json/valid", test_valid);
    g_test_add_func ("/json/faulty", test_faulty);
    g_test_add_func ("/json/cut_off", test_cut_off);
    g_test_add_func ("/json/depth", test_depth);
    g_test_add_func ("/json/integers", test_integers);
    g_test_add_func ("/json/doubles", test_doubles);
    g_test_add_func ("/json/strings", test_strings);
    g_test_add_func ("/json/items", test_items);
    return g_test_run();
}
