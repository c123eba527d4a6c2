/* JSON objects as tf.train.Examples, read by the decoder of tests/lib/example.h. */
#include <arec/arec.h>

#include <string.h>

#include "example.h"

#define MAX_SIZE (1 << 20)

/* What @text becomes, as example_to_text () shows it; NULL: it fails. */
static char *
encode (const char *text, uint64_t max_size, size_t *at, GError **error)
{
    g_autoptr (ArecExampleJson) json = arec_example_json_new (max_size);
    size_t size = strlen (text), data_size;
    /* Exactly these bytes, so that AddressSanitizer sees what is read beyond. */
    g_autofree char *copy = g_memdup2 (text, MAX (size, 1));
    const void *data;

    return arec_example_json_encode (json, copy, size, &data, &data_size, at, error)
               ? example_to_text (data, data_size)
               : NULL;
}

static const struct {
    const char *json;
    const char *example;
} rows[] = {
    {"{}", ""},
    {" {\t} ", ""},
    {"{\"s\":\"text\"}", "\"s\"=bytes[\"text\"]"},
    {"{\"s\":\"\"}", "\"s\"=bytes[\"\"]"},
    {"{\"s\":\"\\u00e9\\u0000\\n\\ud83d\\ude00\"}",
     "\"s\"=bytes[\"\\303\\251\\0\\12\\360\\237\\230\\200\"]"},
    {"{\"i\":0}", "\"i\"=int64[0]"},
    {"{\"i\":-1,\"j\":9223372036854775807,\"k\":-9223372036854775808,\"z\":-0}",
     "\"i\"=int64[-1] \"j\"=int64[9223372036854775807] \"k\"=int64[-9223372036854775808] "
     "\"z\"=int64[0]"},
    {"{\"f\":1.0,\"g\":-0.0,\"h\":1e2,\"i\":0.1,\"j\":3.4028235e38,\"k\":1e-50}",
     "\"f\"=float[1] \"g\"=float[-0] \"h\"=float[100] \"i\"=float[0.100000001] "
     "\"j\"=float[3.40282347e+38] \"k\"=float[0]"},
    {"{\"t\":true,\"f\":false}", "\"t\"=int64[1] \"f\"=int64[0]"},
    {"{\"n\":null}", "\"n\"=bytes[]"},
    {"{\"e\":[]}", "\"e\"=none"},
    {"{\"l\":[\"a\", \"\" , \"c\"]}", "\"l\"=bytes[\"a\",\"\",\"c\"]"},
    {"{\"l\":[0]}", "\"l\"=int64[0]"},
    {"{\"l\":[1,127,128,-1,300]}", "\"l\"=int64[1,127,128,-1,300]"},
    {"{\"l\":[1,2.5,3]}", "\"l\"=float[1,2.5,3]"},
    {"{\"l\":[2.5,9223372036854775808,1e1]}", "\"l\"=float[2.5,9.22337204e+18,10]"},
    {"{\"l\":[9223372036854775808,0.5]}", "\"l\"=float[9.22337204e+18,0.5]"},
    {"{\"l\":[true,false,true]}", "\"l\"=int64[1,0,1]"},
    {"{\"o\":{ \"x\" : [1, 2.50] }}", "\"o\"=bytes[\"{ \\42x\\42 : [1, 2.50] }\"]"},
    {"{\"o\":[{},{\"a\":1}]}", "\"o\"=bytes[\"{}\",\"{\\42a\\42:1}\"]"},
    {"{\"o\":[[],[1, \"x\", null],[[2]]]}",
     "\"o\"=bytes[\"[]\",\"[1, \\42x\\42, null]\",\"[[2]]\"]"},
    /* The order of the object, and keys that look alike but are not equal. */
    {"{\"b\":1,\"a\":2,\"\":3,\"A\":4,\"a\\u0000\":5,\"aa\":6}",
     "\"b\"=int64[1] \"a\"=int64[2] \"\"=int64[3] \"A\"=int64[4] \"a\\0\"=int64[5] "
     "\"aa\"=int64[6]"},
    {"{\"\\u00e9\\t\":1}", "\"\\303\\251\\11\"=int64[1]"},
};

static void
test_values (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autoptr (GError) error = NULL;
        g_autofree char *got = NULL;
        size_t at = 77;

        got = encode (rows[i].json, MAX_SIZE, &at, &error);
        g_assert_no_error (error);
        g_assert_cmpstr (got, ==, rows[i].example);
        g_assert_cmpuint (at, ==, 77);
    }
}

static const struct {
    const char *json;
    ArecError code;
    size_t at;
    const char *reason;
} faults[] = {
    {"", AREC_ERROR_FORMAT, 0, "no JSON: it ends where a value should be"},
    {"{\"a\":1", AREC_ERROR_FORMAT, 6, "no JSON: it ends where \",\" or \"}\" should be"},
    {"{\"a\":NaN}", AREC_ERROR_FORMAT, 5, "no JSON: found N where a value should be"},
    {" [1]", AREC_ERROR_CORRUPT, 1, "an array, but a tf.train.Example is made of an object"},
    {"null", AREC_ERROR_CORRUPT, 0, "null, but a tf.train.Example is made of an object"},
    {"{\"a\":1,\"b\":2, \"a\":3}", AREC_ERROR_CORRUPT, 14, "key \"a\" stands twice"},
    {"{\"b\":0,\"a\":1,\"\\u0061\":2,\"b\":3,\"a\":4}", AREC_ERROR_CORRUPT, 13,
     "key \"a\" stands twice"},
    {"{\"id\": 9223372036854775808}", AREC_ERROR_CORRUPT, 7,
     "key \"id\": 9223372036854775808 does not fit 64 bits"},
    {"{\"id\":[1,-9223372036854775809,18446744073709551615]}", AREC_ERROR_CORRUPT, 9,
     "key \"id\": -9223372036854775809 does not fit 64 bits"},
    {"{\"x\":3.5e38}", AREC_ERROR_CORRUPT, 5, "key \"x\": 3.5e38 does not fit a float"},
    {"{\"x\":[1,2.5,-1e400]}", AREC_ERROR_CORRUPT, 12,
     "key \"x\": -1e400 does not fit a float"},
    {"{\"l\":[1,\"a\"]}", AREC_ERROR_CORRUPT, 8,
     "key \"l\": a string in an array that begins with a number"},
    {"{\"l\":[\"a\",[]]}", AREC_ERROR_CORRUPT, 10,
     "key \"l\": an array in an array that begins with a string"},
    {"{\"l\":[{},[]]}", AREC_ERROR_CORRUPT, 9,
     "key \"l\": an array in an array that begins with an object"},
    {"{\"l\":[true,1]}", AREC_ERROR_CORRUPT, 11,
     "key \"l\": a number in an array that begins with a boolean"},
    {"{\"l\":[null]}", AREC_ERROR_CORRUPT, 6, "key \"l\": null in an array"},
    {"{\"l\":[1,null]}", AREC_ERROR_CORRUPT, 8, "key \"l\": null in an array"},
    {"{\"s\":\"\\ud800\"}", AREC_ERROR_CORRUPT, 5,
     "key \"s\": half a surrogate pair, for which there is no UTF-8"},
    {"{\"s\":[\"a\",\"\\udc00\"]}", AREC_ERROR_CORRUPT, 10,
     "key \"s\": half a surrogate pair, for which there is no UTF-8"},
    {"{\"\\udc00\":1}", AREC_ERROR_CORRUPT, 1,
     "key \"\\udc00\": half a surrogate pair, for which there is no UTF-8"},
};

static void
test_faults (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (faults); i++) {
        g_autoptr (GError) error = NULL;
        size_t at;

        g_assert_null (encode (faults[i].json, MAX_SIZE, &at, &error));
        g_assert_error (error, AREC_ERROR, (int)faults[i].code);
        g_assert_cmpstr (error->message, ==, faults[i].reason);
        g_assert_cmpuint (at, ==, faults[i].at);
    }
}

#define TEXT(text) text, sizeof (text) - 1

/* The bytes that the library of Protocol Buffers writes for the same features. */
static const struct {
    const char *json;
    const char *data;
    size_t size;
} stored[] = {
    {"{\"abc\":[\"x\",\"\"]}",
     TEXT ("\012\020\012\016\012\003abc\022\007\012\005\012\001x\012\000")},
    {"{\"f\":[1.5,-2.0]}",
     TEXT ("\012\023\012\021\012\001f\022\014\022\012\012\010\000\000\300?\000\000\000\300")},
    {"{\"i\":[1,-1,300]}", TEXT ("\012\030\012\026\012\001i\022\021\032\017\012\015\001\377\377"
                                 "\377\377\377\377\377\377\377\001\254\002")},
    {"{\"n\":null}", TEXT ("\012\011\012\007\012\001n\022\002\012\000")},
    {"{\"e\":[]}", TEXT ("\012\007\012\005\012\001e\022\000")},
    {"{\"\":true}", TEXT ("\012\013\012\011\012\000\022\005\032\003\012\001\001")},
    {"{\"a\":1,\"b\":\"x\"}", TEXT ("\012\030\012\012\012\001a\022\005\032\003\012\001\001\012"
                                    "\012\012\001b\022\005\012\003\012\001x")},
    {"{}", TEXT ("\012\000")},
};

static void
test_bytes (void)
{
    g_autoptr (ArecExampleJson) json = arec_example_json_new (MAX_SIZE);
    const void *data;
    size_t size, at;

    for (size_t i = 0; i < G_N_ELEMENTS (stored); i++) {
        g_assert_true (arec_example_json_encode (json, stored[i].json, strlen (stored[i].json),
                                                 &data, &size, &at, NULL));
        g_assert_cmpmem (data, size, stored[i].data, stored[i].size);
    }
}

/* One encoder makes many messages, also after failures. */
static void
test_again (void)
{
    g_autoptr (ArecExampleJson) json = arec_example_json_new (MAX_SIZE);
    const void *data;
    size_t size, at;

    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
            g_autofree char *got = NULL;

            g_assert_false (arec_example_json_encode (
                json, faults[i % G_N_ELEMENTS (faults)].json,
                strlen (faults[i % G_N_ELEMENTS (faults)].json), &data, &size, &at, NULL));
            g_assert_true (arec_example_json_encode (json, rows[i].json, strlen (rows[i].json),
                                                     &data, &size, &at, NULL));
            got = example_to_text (data, size);
            g_assert_cmpstr (got, ==, rows[i].example);
        }
    }
}

/* A message of exactly the most bytes is made, one of a byte more is not; lengths of one, two
 * and three bytes. */
static void
test_limit (void)
{
    g_autofree char *none = NULL;
    size_t place;

    none = encode ("{}", 2, &place, NULL);
    g_assert_nonnull (none);
    g_assert_null (encode ("{}", 1, &place, NULL));
    for (size_t n = 0; n < 20000; n = n < 140 ? n + 1 : n * 3 / 2) {
        g_autofree char *value = g_strnfill (n, 'x');
        g_autofree char *text = g_strdup_printf ("{\"a\":1,\"key\":[\"%s\",\"\"]}", value);
        g_autoptr (ArecExampleJson) any = arec_example_json_new (MAX_SIZE);
        g_autoptr (GError) error = NULL;
        g_autofree char *got = NULL;
        const void *data;
        size_t size, at;

        g_assert_true (
            arec_example_json_encode (any, text, strlen (text), &data, &size, &at, NULL));
        got = encode (text, size, &at, &error);
        g_assert_no_error (error);
        g_assert_nonnull (got);
        g_assert_null (encode (text, size - 1, &at, &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_LIMIT);
    }
}

/* 2^20 different keys, and one more. */
static void
test_many_keys (void)
{
    g_autoptr (ArecExampleJson) json = arec_example_json_new (UINT64_MAX);
    g_autoptr (GString) text = g_string_new ("{");
    g_autoptr (GError) error = NULL;
    const void *data;
    size_t size, at;

    for (unsigned i = 0; i < AREC_MAX_EXAMPLE_KEYS; i++) {
        g_string_append_printf (text, "%s\"%x\":0", i > 0 ? "," : "", i);
    }
    g_string_append (text, "}");
    g_assert_true (
        arec_example_json_encode (json, text->str, text->len, &data, &size, &at, &error));
    g_string_truncate (text, text->len - 1);
    g_string_append (text, ",\"x\":0}");
    g_assert_false (
        arec_example_json_encode (json, text->str, text->len, &data, &size, &at, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_LIMIT);
    g_assert_cmpstr (error->message, ==, "an object of more than 1048576 keys");
    g_assert_cmpuint (at, ==, text->len - 6);
}

/* What is hostile in a message is cut. */
static void
test_long_names (void)
{
    g_autofree char *digits = g_strnfill (5000, '9');
    g_autofree char *text = g_strdup_printf ("{\"%s\":%s}", digits, digits);
    g_autoptr (GError) error = NULL;
    size_t at;

    g_assert_null (encode (text, MAX_SIZE, &at, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
    g_assert_cmpuint (strlen (error->message), <, 300);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/example_json/values", test_values);
    g_test_add_func ("/example_json/faults", test_faults);
    g_test_add_func ("/example_json/bytes", test_bytes);
    g_test_add_func ("/example_json/again", test_again);
    g_test_add_func ("/example_json/limit", test_limit);
    g_test_add_func ("/example_json/many_keys", test_many_keys);
    g_test_add_func ("/example_json/long_names", test_long_names);
    return g_test_run();
}
