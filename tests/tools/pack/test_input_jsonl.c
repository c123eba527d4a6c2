#include <signal.h>
#include <string.h>

#include <glib.h>

#include "compressed.h"
#include "example.h"
#include "inputs.h"
#include "pack/input_jsonl.h"

static char *
values_of (TestInputs *inputs, const char *names, GError **error)
{
    return test_take_named (inputs, names, tool_input_jsonl_new, error);
}

static void
check_values (TestInputs *inputs, const char *names, const char *expected)
{
    g_autoptr (GError) error = NULL;
    g_autofree char *got = values_of (inputs, names, &error);

    g_assert_no_error (error);
    g_assert_cmpstr (got, ==, expected);
}

/* A value keeps the white space around it; lines of white space are no values. */
static void
test_what_a_value_is (void)
{
    static const struct {
        const char *file;
        const char *values;
    } rows[] = {
        {"", ""},
        {"\n", ""},
        {"\n \t\r\n\n", ""},
        {"  ", ""},
        {"1", "1|"},
        {"1\n", "1|"},
        {"{\"a\":1}\n[2]\n\"x\"", "{\"a\":1}|[2]|\"x\"|"},
        {"\n\n {\"a\": 1.50} \r\n\nnull\n \n", " {\"a\": 1.50} \r|null|"},
        {"{\"a\":1,\"a\":18446744073709551616}\n\"\\ud800\"\n",
         "{\"a\":1,\"a\":18446744073709551616}|\"\\ud800\"|"},
    };
    TestInputs inputs;

    test_inputs_begin (&inputs);
    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        TestDrip drip;

        test_write ("x", rows[i].file, strlen (rows[i].file));
        check_values (&inputs, "x", rows[i].values);
        test_drip_begin (&drip, "fifo", rows[i].file, strlen (rows[i].file));
        check_values (&inputs, "fifo", rows[i].values);
        test_drip_end (&drip);
    }
    test_inputs_end (&inputs);
}

/* What fails, and where: lines are counted in each input, and only the first value says whether
 * an input is JSON lines at all. */
static void
test_faults (void)
{
    static const struct {
        const char *x;
        const char *y;
        bool example;
        const char *values; /* before it */
        ArecError code;
        const char *message;
    } rows[] = {
        {"{\"a\": 1}\n", "[1,]\n", false, "{\"a\": 1}|", AREC_ERROR_FORMAT,
         "y: at 3: line 1: no JSON: found ] where a value should be"},
        {"1\n2\n\n3 4\n", "", false, "1|2|", AREC_ERROR_CORRUPT,
         "x: at 7: line 4: no JSON: found 4 where the end should be"},
        {"\n\n[\n1]", "", false, "", AREC_ERROR_FORMAT,
         "x: at 3: line 3: no JSON: it ends where a value should be"},
        {"1\n", "2\n\n{\"a\":", false, "1|2|", AREC_ERROR_CORRUPT,
         "y: at 8: line 3: no JSON: it ends where a value should be"},
        {"\xef\xbb\xbf{}\n", "", false, "", AREC_ERROR_FORMAT,
         "x: at 0: line 1: no JSON: found the byte 0xef where a value should be"},
        {"{}\n{\"a\":1} {\"b\":2}\n", "", true, NULL, AREC_ERROR_CORRUPT,
         "x: at 11: line 2: no JSON: found { where the end should be"},
        {"[1]\n", "", true, "", AREC_ERROR_CORRUPT,
         "x: at 0: line 1: an array, but a tf.train.Example is made of an object"},
        {"{}\n\n {\"a\":[1,\"x\"]}\n", "", true, NULL, AREC_ERROR_CORRUPT,
         "x: at 13: line 3: key \"a\": a string in an array that begins with a number"},
    };
    TestInputs inputs;

    test_inputs_begin (&inputs);
    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autoptr (GError) error = NULL;
        g_autofree char *got = NULL;

        test_write ("x", rows[i].x, strlen (rows[i].x));
        test_write ("y", rows[i].y, strlen (rows[i].y));
        inputs.options.example = rows[i].example;
        got = values_of (&inputs, "x y", &error);
        g_assert_error (error, AREC_ERROR, (int)rows[i].code);
        g_assert_cmpstr (error->message, ==, rows[i].message);
        g_assert_true (!rows[i].values || strcmp (got, rows[i].values) == 0);
    }
    test_inputs_end (&inputs);
}

static void
test_example (void)
{
    g_autoptr (GError) error = NULL;
    ToolInputRecord record;
    ToolInput *input;
    TestInputs inputs;
    const char file[] = "{\"a\":1}\n\n{\"b\":\"x\"}";
    static const char *const expected[] = {"\"a\"=int64[1]", "\"b\"=bytes[\"x\"]"};

    test_inputs_begin (&inputs);
    inputs.options.example = true;
    test_write ("x", file, sizeof file - 1);
    test_inputs_add (&inputs, "x");
    input = tool_input_jsonl_new (&inputs.options, &error);
    g_assert_no_error (error);
    for (size_t i = 0; i < G_N_ELEMENTS (expected); i++) {
        g_autofree char *text = NULL;

        g_assert_cmpint (tool_input_next (input, &record, &error), ==, TOOL_INPUT_RECORD);
        text = example_to_text (record.data, record.size);
        g_assert_cmpstr (text, ==, expected[i]);
    }
    g_assert_cmpint (tool_input_next (input, &record, &error), ==, TOOL_INPUT_END);
    tool_input_free (input);
    test_inputs_end (&inputs);
}

/* The place of a record is that of its line, not of blank ones before it. */
static void
test_place (void)
{
    ToolInputRecord record;
    ToolInput *input;
    TestInputs inputs;
    g_autofree char *place = NULL;

    test_inputs_begin (&inputs);
    test_write ("x", "1\n\n\n2\n", 6);
    test_inputs_add (&inputs, "x");
    input = tool_input_jsonl_new (&inputs.options, NULL);
    for (int i = 0; i < 2; i++) {
        g_assert_cmpint (tool_input_next (input, &record, NULL), ==, TOOL_INPUT_RECORD);
    }
    place = tool_input_place (input);
    g_assert_cmpstr (place, ==, "x: at 4");
    tool_input_free (input);
    test_inputs_end (&inputs);
}

static void
test_limit (void)
{
    g_autoptr (GError) error = NULL;
    g_autofree char *got = NULL;
    TestInputs inputs;

    test_inputs_begin (&inputs);
    inputs.options.max_record = 8;
    test_write ("x", "{\"a\":1}\n{\"a\":123}\n", 18);
    got = values_of (&inputs, "x", &error);
    g_assert_cmpstr (got, ==, "{\"a\":1}|");
    g_assert_error (error, AREC_ERROR, AREC_ERROR_LIMIT);
    g_clear_error (&error);
    g_clear_pointer (&got, g_free);
    /* Its message is larger than the line. */
    inputs.options.example = true;
    got = values_of (&inputs, "x", &error);
    g_assert_error (error, AREC_ERROR, AREC_ERROR_LIMIT);
    g_assert_cmpstr (error->message, ==,
                     "x: at 0: line 1: a tf.train.Example of more than 8 bytes, the most that "
                     "it may have");
    test_inputs_end (&inputs);
}

/* What is no record yet takes no more than half of the memory if a message is made of it. */
static void
test_memory (void)
{
    g_autoptr (GError) error = NULL;
    TestInputs inputs;

    test_inputs_begin (&inputs);
    inputs.options.max_record = 1 << 30;
    inputs.options.max_memory = 1;
    test_write ("x", "1", 1);
    g_assert_cmpint (truncate ("x", 1 << 29), ==, 0);
    for (int example = 0; example < 2; example++) {
        g_autofree char *got = NULL;

        inputs.options.example = example;
        got = values_of (&inputs, "x", &error);
        g_assert_error (error, AREC_ERROR, AREC_ERROR_LIMIT);
        g_assert_cmpstr (error->message, ==,
                         example ? "x: at 0: a line of more than 16777216 bytes, the most that "
                                   "fits --limit-memory"
                                 : "x: at 0: a line of more than 33554432 bytes, the most that "
                                   "fits --limit-memory");
        g_clear_error (&error);
    }
    test_inputs_end (&inputs);
}

static void
test_absent (void)
{
    g_autoptr (GError) error = NULL;
    TestInputs inputs;

    test_inputs_begin (&inputs);
    test_write ("x", "1\n", 2);
    g_assert_null (values_of (&inputs, "x absent", &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_NOT_FOUND);
    test_inputs_end (&inputs);
}

/* What is inside is looked at, whatever it is stored by. */
static void
test_compressed (void)
{
    static const struct {
        const uint8_t *data;
        size_t size;
    } rows[] = {
#ifdef TOOL_HAVE_ZLIB
        {compressed_gzip, sizeof compressed_gzip},
#endif
#ifdef TOOL_HAVE_LIBARCHIVE
        {compressed_zstd, sizeof compressed_zstd},
        {compressed_xz, sizeof compressed_xz},
#endif
        {NULL, 0},
    };
    TestInputs inputs;

    (void)compressed_zlib;
    test_inputs_begin (&inputs);
    for (size_t i = 0; rows[i].data; i++) {
        g_autoptr (GError) error = NULL;
        g_autofree char *got = NULL;

        test_write ("x", rows[i].data, rows[i].size);
        got = values_of (&inputs, "x", &error);
        g_assert_cmpstr (got, ==, "");
        g_assert_cmpstr (error->message, ==,
                         "x: at 0 of the decompressed bytes: line 1: no JSON: found l where a "
                         "value should be");
    }
    test_inputs_end (&inputs);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    signal (SIGPIPE, SIG_IGN);
    g_test_add_func ("/input_jsonl/what_a_value_is", test_what_a_value_is);
    g_test_add_func ("/input_jsonl/faults", test_faults);
    g_test_add_func ("/input_jsonl/example", test_example);
    g_test_add_func ("/input_jsonl/place", test_place);
    g_test_add_func ("/input_jsonl/limit", test_limit);
    g_test_add_func ("/input_jsonl/memory", test_memory);
    g_test_add_func ("/input_jsonl/absent", test_absent);
    g_test_add_func ("/input_jsonl/compressed", test_compressed);
    return g_test_run();
}
