#include <signal.h>
#include <string.h>

#include <glib.h>

#include "frame/tfrecord.h"
#include "inputs.h"
#include "pack/input_tfrecord.h"

/* A file of the records `one`, ``, `three`: at 0, 19 and 35, 56 bytes in all. */
enum { AT_EMPTY = 19, AT_THREE = 35, FILE_SIZE = 56 };

static void
append_record (GByteArray *file, const char *text)
{
    uint8_t header[TOOL_TFRECORD_HEADER_SIZE], trailer[TOOL_TFRECORD_TRAILER_SIZE];

    tool_tfrecord_make (text, strlen (text), header, trailer);
    g_byte_array_append (file, header, sizeof header);
    g_byte_array_append (file, (const uint8_t *)text, (guint)strlen (text));
    g_byte_array_append (file, trailer, sizeof trailer);
}

/* What the header says for @length. */
static void
append_length (GByteArray *file, uint64_t length)
{
    uint8_t header[TOOL_TFRECORD_HEADER_SIZE], trailer[TOOL_TFRECORD_TRAILER_SIZE];

    /* No data of that size are touched: the length alone counts. */
    length = GUINT64_TO_LE (length);
    tool_tfrecord_make (&length, sizeof length, header, trailer);
    memcpy (header, &length, sizeof length);
    memcpy (header + sizeof length, trailer, sizeof trailer);
    g_byte_array_append (file, header, sizeof header);
}

static GByteArray *
three_records (void)
{
    GByteArray *file = g_byte_array_new();

    append_record (file, "one");
    append_record (file, "");
    append_record (file, "three");
    g_assert_cmpuint (file->len, ==, FILE_SIZE);
    return file;
}

static char *
records_of (TestInputs *inputs, const char *name, GError **error)
{
    ToolInput *input;

    tool_name_list_clear (&inputs->names);
    test_inputs_add (inputs, name);
    g_string_truncate (inputs->reported, 0);
    input = tool_input_tfrecord_new (&inputs->options, error);
    g_assert_nonnull (input);
    return test_take_all (input, error);
}

/* @message  NULL: no error. @reported  damages. */
static void
check_file (TestInputs *inputs, const GByteArray *file, const char *records, ArecError code,
            const char *message, const char *reported)
{
    g_autoptr (GError) error = NULL;
    g_autofree char *got = NULL;

    test_write ("x", file->data, file->len);
    got = records_of (inputs, "x", &error);
    g_assert_cmpstr (error ? error->message : NULL, ==, message);
    g_assert_true (!message || g_error_matches (error, AREC_ERROR, (int)code));
    g_assert_cmpstr (got, ==, records);
    g_assert_cmpstr (inputs->reported->str, ==, reported);
}

static void
test_sound (void)
{
    g_autoptr (GByteArray) file = three_records();
    g_autoptr (GByteArray) empty = g_byte_array_new();
    g_autoptr (GError) error = NULL;
    g_autofree char *got = NULL;
    TestInputs inputs;
    TestDrip drip;

    test_inputs_begin (&inputs);
    check_file (&inputs, file, "one||three|", 0, NULL, "");
    check_file (&inputs, empty, "", 0, NULL, "");
    test_drip_begin (&drip, "fifo", file->data, file->len);
    got = records_of (&inputs, "fifo", &error);
    test_drip_end (&drip);
    g_assert_no_error (error);
    g_assert_cmpstr (got, ==, "one||three|");
    test_inputs_end (&inputs);
}

/* Records larger than the memory of the window at first, and of any sizes. */
static void
test_random_records (void)
{
    g_autoptr (GByteArray) file = g_byte_array_new();
    g_autoptr (GString) expected = g_string_new (NULL);
    TestInputs inputs;

    test_inputs_begin (&inputs);
    for (int i = 0; i < 50; i++) {
        int most = i % 7 == 0 ? 900000 : 3000;
        g_autofree char *text =
            g_strnfill ((gsize)g_test_rand_int_range (0, most), (char)('a' + i % 26));

        append_record (file, text);
        g_string_append_printf (expected, "%s|", text);
    }
    check_file (&inputs, file, expected->str, 0, NULL, "");
    test_inputs_end (&inputs);
}

static void
test_damaged_length (void)
{
    g_autoptr (GByteArray) file = three_records();
    TestInputs inputs;

    test_inputs_begin (&inputs);
    for (int recover = 0; recover < 2; recover++) {
        g_autofree char *message = NULL;
        ToolTfrecordCrc crc;
        uint64_t length;

        inputs.options.recover = recover;
        file->data[AT_EMPTY + 2] ^= 1;
        g_assert_false (tool_tfrecord_parse_header (file->data + AT_EMPTY, &length, &crc));
        message = g_strdup_printf ("x: at 19: length CRC is %08x, should be %08x", crc.found,
                                   crc.expected);
        check_file (&inputs, file, "one|", AREC_ERROR_CORRUPT, message, "");
        file->data[AT_EMPTY + 2] ^= 1;
    }
    file->data[8] ^= 0x80; /* the first record: no form of compression is seen in it */
    inputs.options.recover = false;
    check_file (&inputs, file, "", AREC_ERROR_CORRUPT,
                "x: at 0: length CRC is 0e499930, should be 0e4999b0", "");
    test_inputs_end (&inputs);
}

static void
test_damaged_data (void)
{
    g_autoptr (GByteArray) file = three_records();
    TestInputs inputs;

    test_inputs_begin (&inputs);
    file->data[AT_EMPTY - 1] ^= 1; /* of the checksum of `one` */
    check_file (&inputs, file, "", AREC_ERROR_CORRUPT,
                "x: at 0: data CRC is 09554001, should be 08554001, of 3 bytes", "");
    inputs.options.recover = true;
    check_file (&inputs, file, "|three|", 0, NULL,
                "x: at 0: data CRC is 09554001, should be 08554001, of 3 bytes\n");
    test_inputs_end (&inputs);
}

static void
test_cut_off_anywhere (void)
{
    g_autoptr (GByteArray) whole = three_records();
    TestInputs inputs;

    test_inputs_begin (&inputs);
    for (guint size = 1; size < FILE_SIZE; size++) {
        guint at = size < AT_EMPTY ? 0 : size < AT_THREE ? AT_EMPTY : AT_THREE;
        const char *records = at == 0 ? "" : at == AT_EMPTY ? "one|" : "one||";
        g_autofree char *message =
            size - at < TOOL_TFRECORD_HEADER_SIZE
                ? g_strdup_printf ("x: at %u: the file ends after %u of 12 bytes of a header",
                                   at, size - at)
                : g_strdup_printf (
                      "x: at %u: the file ends after %u of the %u bytes of a record", at,
                      size - at,
                      at == 0          ? 19
                      : at == AT_EMPTY ? 16
                                       : 21);
        g_autofree char *line = g_strconcat (message, "\n", NULL);
        GByteArray file = {whole->data, size};
        bool at_end = size == at;

        inputs.options.recover = false;
        check_file (&inputs, &file, records, AREC_ERROR_CORRUPT, at_end ? NULL : message, "");
        inputs.options.recover = true;
        check_file (&inputs, &file, records, 0, NULL, at_end ? "" : line);
    }
    test_inputs_end (&inputs);
}

/* A sound checksum does not make a length sensible: no memory is asked for by it. */
static void
test_hostile_lengths (void)
{
    static const uint64_t lengths[] = {(1 << 20) + 1, UINT64_C (1) << 40, UINT64_C (1) << 63,
                                       UINT64_MAX - 15, UINT64_MAX};
    TestInputs inputs;

    test_inputs_begin (&inputs);
    inputs.options.recover = true;
    for (size_t i = 0; i < G_N_ELEMENTS (lengths); i++) {
        g_autoptr (GByteArray) file = three_records();
        g_autofree char *message = g_strdup_printf ("x: at 56: a record of %" G_GUINT64_FORMAT
                                                    " bytes, it may have 1048576",
                                                    lengths[i]);

        append_length (file, lengths[i]);
        check_file (&inputs, file, "one||three|", AREC_ERROR_LIMIT, message, "");
    }
    /* The most that may be, of which nothing comes. */
    {
        g_autoptr (GByteArray) file = g_byte_array_new();

        append_length (file, 1 << 20);
        check_file (&inputs, file, "", 0, NULL,
                    "x: at 0: the file ends after 12 of the 1048592 bytes of a record\n");
    }
    test_inputs_end (&inputs);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    signal (SIGPIPE, SIG_IGN);
    g_test_add_func ("/input_tfrecord/sound", test_sound);
    g_test_add_func ("/input_tfrecord/random_records", test_random_records);
    g_test_add_func ("/input_tfrecord/damaged_length", test_damaged_length);
    g_test_add_func ("/input_tfrecord/damaged_data", test_damaged_data);
    g_test_add_func ("/input_tfrecord/cut_off_anywhere", test_cut_off_anywhere);
    g_test_add_func ("/input_tfrecord/hostile_lengths", test_hostile_lengths);
    return g_test_run();
}
