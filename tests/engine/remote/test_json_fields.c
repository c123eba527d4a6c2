#include "remote/json_fields.h"

#include <string.h>

#include <arec/error.h>

enum { A, B, N };

static bool
read_fields (const char *text, ArecJsonField fields[N], ArecSecrets *secrets, GError **error)
{
    fields[A] = (ArecJsonField){.name = "a", .value = "before"};
    fields[B] = (ArecJsonField){.name = "b", .value = "before"};
    return arec_json_fields_read (text, strlen (text), fields, N, secrets, error);
}

static void
test_values (void)
{
    static const struct {
        const char *text, *a, *b;
    } cases[] = {
        {"{}", NULL, NULL},
        {"{\"a\":\"x\",\"b\":\"y\"}", "x", "y"},
        {" { \"b\" : \"y\" , \"c\" : [ { } ] , \"a\" : \"x\" } ", "x", "y"},
        {"{\"a\":\"\",\"b\":null}", NULL, NULL},
        {"{\"a\":3599,\"b\":true}", "3599", "true"},
        {"{\"a\":1,\"b\":2}", "1", "2"},
        {"{\"a\":\"x\",\"a\":\"z\"}", "z", NULL},
        {"{\"a\":\"x\",\"a\":null}", NULL, NULL},
        {"{\"a\":\"x\\ny\\u00e9\\\"\"}", "x\ny\xc3\xa9\"", NULL},
        {"{\"A\":\"x\",\"aa\":\"x\",\"\":\"x\"}", NULL, NULL},
        {"{\"c\":{\"a\":\"x\"}}", NULL, NULL},
        {"{\"c\":\"\\\"{[[[[[[[[[[[[[[\",\"a\":\"x\"}", "x", NULL},
        {"{\"c\":[[[[[[[1]]]]]]],\"a\":\"x\"}", "x", NULL},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_auto (ArecSecrets) secrets = {0};
        ArecJsonField fields[N];
        GError *error = NULL;

        g_test_message ("%s", cases[i].text);
        read_fields (cases[i].text, fields, &secrets, &error);
        g_assert_no_error (error);
        g_assert_cmpstr (fields[A].value, ==, cases[i].a);
        g_assert_cmpstr (fields[B].value, ==, cases[i].b);
    }
}

static void
test_refused (void)
{
    static const struct {
        const char *text;
        int code;
        const char *message;
    } cases[] = {
        {"", AREC_ERROR_CORRUPT, "no JSON from byte 0 on"},
        {"{\"a\":\"SECRETxyz", AREC_ERROR_CORRUPT, "no JSON from byte 15 on"},
        {"{\"a\":SECRETxyz}", AREC_ERROR_CORRUPT, "no JSON from byte 5 on"},
        {"{} SECRETxyz", AREC_ERROR_CORRUPT, "no JSON from byte 3 on"},
        {"\"SECRETxyz\"", AREC_ERROR_CORRUPT, "a string of JSON, expected an object"},
        {"[1]", AREC_ERROR_CORRUPT, "an array of JSON, expected an object"},
        {"{\"a\":[\"SECRETxyz\"]}", AREC_ERROR_CORRUPT, "a is an array, expected a text"},
        {"{\"b\":{}}", AREC_ERROR_CORRUPT, "b is an object, expected a text"},
        {"{\"a\":\"x\\u0000\"}", AREC_ERROR_CORRUPT, "a is a text with a NUL, expected a text"},
        {"{\"a\":\"\\ud800\"}", AREC_ERROR_CORRUPT, "a is no UTF-8, expected a text"},
        {"{\"c\":[[[[[[[[1]]]]]]]]}", AREC_ERROR_LIMIT, "JSON that nests deeper than 8"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        ArecSecrets secrets;
        ArecJsonField fields[N];
        g_autoptr (GError) error = NULL;

        g_test_message ("%s", cases[i].text);
        g_assert_false (read_fields (cases[i].text, fields, &secrets, &error));
        g_assert_error (error, AREC_ERROR, cases[i].code);
        g_assert_cmpstr (error->message, ==, cases[i].message);
    }
}

static void
test_too_large (void)
{
    g_autofree char *text = g_malloc (AREC_JSON_FIELDS_MAX_SIZE + 1);
    ArecJsonField fields[] = {{"a", NULL}};
    ArecSecrets secrets;
    g_autoptr (GError) error = NULL;

    memset (text, ' ', AREC_JSON_FIELDS_MAX_SIZE + 1);
    memcpy (text, "{\"a\":1}", 7);
    g_assert_true (
        arec_json_fields_read (text, AREC_JSON_FIELDS_MAX_SIZE, fields, 1, &secrets, NULL));
    arec_secrets_clear (&secrets);
    g_assert_false (arec_json_fields_read (text, AREC_JSON_FIELDS_MAX_SIZE + 1, fields, 1,
                                           &secrets, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_LIMIT);
}

/* Random bytes of JSON's alphabet: no value lies outside the text. */
static void
test_random (void)
{
    static const char *const pieces[] = {"{", "}", "[",    "]",  "\"a\"",   "\"b\"", ":",
                                         ",", "1", "null", "\"", "\\u00e9", "x",     " "};

    for (int i = 0; i < 20000; i++) {
        g_auto (ArecSecrets) secrets = {0};
        ArecJsonField fields[N];
        GString *text = g_string_new ("{");

        for (int n = g_test_rand_int_range (0, 12); n > 0; n--) {
            g_string_append (text,
                             pieces[g_test_rand_int_range (0, (int)G_N_ELEMENTS (pieces))]);
        }
        g_string_append_c (text, '}');
        if (read_fields (text->str, fields, &secrets, NULL)) {
            for (int field = 0; field < N; field++) {
                g_assert_true (!fields[field].value ||
                               strlen (fields[field].value) < text->len);
            }
        }
        g_string_free (text, TRUE);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/remote/json_fields/values", test_values);
    g_test_add_func ("/remote/json_fields/refused", test_refused);
    g_test_add_func ("/remote/json_fields/too-large", test_too_large);
    g_test_add_func ("/remote/json_fields/random", test_random);
    return g_test_run();
}
