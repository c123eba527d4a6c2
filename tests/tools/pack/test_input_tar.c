/* Archives that tool_tar_stream makes, and some that no writer would. */
#include <signal.h>
#include <string.h>

#include <glib.h>

#include "inputs.h"
#include "pack/input_tar.h"
#include "pack/input_webdataset.h"
#include "pack/tar_stream.h"

#ifdef TOOL_HAVE_LIBARCHIVE

enum { BLOCK = 512, SIZE_AT = 124, CHECKSUM_AT = 148, TYPE_AT = 156 };

typedef ToolInput *(*MakeInput) (const ToolInputOptions *options, GError **error);

/* The records of the archive `x`: test_take_all (). */
static char *
records_of (TestInputs *inputs, const char *name, MakeInput make, GError **error)
{
    ToolInput *input;

    tool_name_list_clear (&inputs->names);
    test_inputs_add (inputs, name);
    g_string_truncate (inputs->reported, 0);
    input = make (&inputs->options, error);
    g_assert_nonnull (input);
    return test_take_all (input, error);
}

static void
append_member (GByteArray *file, const char *name, const char *text)
{
    const ToolTarMember member = {.name = name, .size = strlen (text)};
    static const uint8_t zeros[BLOCK];

    tool_tar_stream_put_header (file, &member);
    g_byte_array_append (file, (const uint8_t *)text, (guint)strlen (text));
    g_byte_array_append (file, zeros, (guint)tool_tar_stream_padding (strlen (text)));
}

/* The members `a.x` of 3 bytes, one with a long name of 600 bytes, and `b`, empty. */
static GByteArray *
three_members (void)
{
    GByteArray *file = g_byte_array_new();
    g_autofree char *name = g_strnfill (150, 'n');
    g_autofree char *text = g_strnfill (600, 't');

    append_member (file, "a.x", "one");
    append_member (file, name, text);
    append_member (file, "b", "");
    tool_tar_stream_put_end (file);
    return file;
}

static void
check_records (TestInputs *inputs, const char *name, const char *expected)
{
    g_autoptr (GError) error = NULL;
    g_autofree char *got = records_of (inputs, name, tool_input_tar_new, &error);

    g_assert_no_error (error);
    g_assert_cmpstr (got, ==, expected);
}

static void
test_sound (void)
{
    g_autoptr (GByteArray) file = three_members();
    g_autofree char *text = g_strnfill (600, 't');
    g_autofree char *expected = g_strdup_printf ("one|%s||", text);
    TestInputs inputs;
    TestDrip drip;

    test_inputs_begin (&inputs);
    test_write ("x", file->data, file->len);
    check_records (&inputs, "x", expected);
    g_assert_cmpstr (inputs.reported->str, ==, "");
    test_drip_begin (&drip, "fifo", file->data, file->len);
    check_records (&inputs, "fifo", expected);
    test_drip_end (&drip);
    test_inputs_end (&inputs);
}

/* A name that begins like a compressed archive is one all the same. */
static void
test_name_that_looks_compressed (void)
{
    static const char *const names[] = {"\x1f\x8b\x08", "\x28\xb5\x2f\xfd", "BZh91AY&SY"};
    TestInputs inputs;

    test_inputs_begin (&inputs);
    for (size_t i = 0; i < G_N_ELEMENTS (names); i++) {
        g_autoptr (GByteArray) file = g_byte_array_new();

        append_member (file, names[i], "one");
        tool_tar_stream_put_end (file);
        test_write ("x", file->data, file->len);
        check_records (&inputs, "x", "one|");
    }
    test_inputs_end (&inputs);
}

/* Larger than what one read gives, and of any sizes. */
static void
test_random_members (void)
{
    g_autoptr (GByteArray) file = g_byte_array_new();
    g_autoptr (GString) expected = g_string_new (NULL);
    TestInputs inputs;

    test_inputs_begin (&inputs);
    for (int i = 0; i < 50; i++) {
        int most = i % 7 == 0 ? 900000 : 3000;
        g_autofree char *text =
            g_strnfill ((gsize)g_test_rand_int_range (0, most), (char)('a' + i % 26));

        append_member (file, "m", text);
        g_string_append_printf (expected, "%s|", text);
    }
    tool_tar_stream_put_end (file);
    test_write ("x", file->data, file->len);
    check_records (&inputs, "x", expected->str);
    test_inputs_end (&inputs);
}

/* Wherever it is cut off it is never taken for a shorter one, and what fails has a place. */
static void
test_cut_off_anywhere (void)
{
    g_autoptr (GByteArray) file = three_members();
    guint end = file->len - TOOL_TAR_STREAM_END;
    TestInputs inputs;

    test_inputs_begin (&inputs);
    for (guint size = 1; size <= file->len; size += size % BLOCK == 0 ? 1 : BLOCK / 2 - 1) {
        MakeInput make = size % 2 ? tool_input_tar_new : tool_input_webdataset_new;
        g_autoptr (GError) error = NULL;

        test_write ("x", file->data, size);
        g_free (records_of (&inputs, "x", make, &error));
        if (size < BLOCK) {
            g_assert_error (error, AREC_ERROR, AREC_ERROR_FORMAT);
        } else if (size < end + BLOCK) {
            g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
            g_assert_true (g_str_has_prefix (error->message, "x: at "));
            g_assert_nonnull (strstr (error->message, "the archive is cut off"));
        } else {
            g_assert_no_error (error);
        }
    }
    test_inputs_end (&inputs);
}

static void
repair_checksum (uint8_t *header)
{
    unsigned sum = 0;
    char text[8];

    memset (header + CHECKSUM_AT, ' ', 8);
    for (size_t i = 0; i < BLOCK; i++) {
        sum += header[i];
    }
    g_snprintf (text, sizeof text, "%06o", sum);
    memcpy (header + CHECKSUM_AT, text, 7);
}

/* A header says what memory is asked for: nothing is, before bytes have come. */
static void
test_sizes_above_the_limit (void)
{
    g_autoptr (GByteArray) file = three_members();
    TestInputs inputs;

    test_inputs_begin (&inputs);
    for (uint64_t size = inputs.options.max_record + 1; size < UINT64_C (1) << 62; size *= 3) {
        g_autoptr (GError) error = NULL;
        g_autofree char *message = g_strdup_printf ("x: at 0: member a.x: %" G_GUINT64_FORMAT
                                                    " bytes, a record may have 1048576",
                                                    size);

        memset (file->data + SIZE_AT, 0, 12);
        file->data[SIZE_AT] = 0x80;
        for (unsigned i = 0; i < 8; i++) {
            file->data[SIZE_AT + 4 + i] = (uint8_t)(size >> (56 - 8 * i));
        }
        repair_checksum (file->data);
        test_write ("x", file->data, file->len);
        g_free (records_of (&inputs, "x", tool_input_tar_new, &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_LIMIT);
        g_assert_cmpstr (error->message, ==, message);
    }
    test_inputs_end (&inputs);
}

/* The largest record, and one byte more; of a sample all that belongs to it counts. */
static void
test_largest_record (void)
{
    g_autoptr (GByteArray) file = g_byte_array_new();
    g_autofree char *text = g_strnfill (1000, 't');
    const uint64_t sample_size = 2 * (BLOCK + 1024) + TOOL_TAR_STREAM_END;
    TestInputs inputs;

    test_inputs_begin (&inputs);
    append_member (file, "a.x", text);
    append_member (file, "a.y", text);
    tool_tar_stream_put_end (file);
    test_write ("x", file->data, file->len);
    for (uint64_t lacking = 0; lacking < 2; lacking++) {
        g_autoptr (GError) error = NULL;
        g_autoptr (GError) sample_error = NULL;

        inputs.options.max_record = 1000 - lacking;
        g_free (records_of (&inputs, "x", tool_input_tar_new, &error));
        inputs.options.max_record = sample_size - lacking;
        g_free (records_of (&inputs, "x", tool_input_webdataset_new, &sample_error));
        if (lacking == 0) {
            g_assert_no_error (error);
            g_assert_no_error (sample_error);
        } else {
            g_assert_error (error, AREC_ERROR, AREC_ERROR_LIMIT);
            g_assert_cmpstr (sample_error->message, ==,
                             "x: at 1536: member a.y: 4096 bytes, a record may have 4095");
        }
    }
    test_inputs_end (&inputs);
}

/* Appends what GNU tar calls a sparse file of format 1.0: @map and @text are its bytes. */
static void
append_sparse (GByteArray *file, const char *map, const char *text)
{
    static const char pax[] = "22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n"
                              "30 GNU.sparse.realsize=000010\n";
    char data[BLOCK + 16] = {0};
    guint at = file->len;

    append_member (file, "pax", pax);
    file->data[at + TYPE_AT] = 'x';
    repair_checksum (file->data + at);
    g_strlcpy (data, map, sizeof data);
    memset (data + strlen (map), ' ', BLOCK - strlen (map));
    g_strlcpy (data + BLOCK, text, 16);
    append_member (file, "sparse", data);
    for (guint i = 0; i < BLOCK; i++) {
        uint8_t *byte = &file->data[file->len - 2 * BLOCK + i];

        *byte = *byte == ' ' ? 0 : *byte;
    }
    tool_tar_stream_put_end (file);
}

static void
test_maps_of_holes (void)
{
    static const struct {
        const char *map, *text;
        const char *record; /* NULL: it is damaged. Zeros are shown as dots. */
    } rows[] = {
        {"1\n0\n3\n", "abc", "abc......."}, {"2\n1\n2\n5\n1\n", "abc", ".ab..c...."},
        {"2\n5\n2\n1\n1\n", "abc", NULL},  /* backwards */
        {"2\n1\n3\n2\n1\n", "abcd", NULL}, /* twice */
        {"1\n8\n3\n", "abc", NULL},        /* beyond the end */
    };
    TestInputs inputs;

    test_inputs_begin (&inputs);
    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autoptr (GByteArray) file = g_byte_array_new();
        g_autoptr (GError) error = NULL;
        ToolInputRecord record;
        ToolInput *input;

        append_sparse (file, rows[i].map, rows[i].text);
        test_write ("x", file->data, file->len);
        tool_name_list_clear (&inputs.names);
        test_inputs_add (&inputs, "x");
        input = tool_input_tar_new (&inputs.options, &error);
        if (rows[i].record) {
            g_autofree char *shown = NULL;

            g_assert_cmpint (tool_input_next (input, &record, &error), ==, TOOL_INPUT_RECORD);
            shown = g_strndup ("..........", record.size);
            for (size_t k = 0; k < record.size; k++) {
                char byte = ((const char *)record.data)[k];

                shown[k] = byte ? byte : '.';
            }
            g_assert_cmpstr (shown, ==, rows[i].record);
        } else {
            g_assert_cmpint (tool_input_next (input, &record, &error), ==, TOOL_INPUT_FAILED);
            g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
            g_assert_cmpstr (error->message, ==,
                             "x: at 0: member sparse: its map of holes is wrong");
        }
        tool_input_free (input);
    }
    test_inputs_end (&inputs);
}

#endif

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    signal (SIGPIPE, SIG_IGN);
#ifdef TOOL_HAVE_LIBARCHIVE
    g_test_add_func ("/input_tar/sound", test_sound);
    g_test_add_func ("/input_tar/name_that_looks_compressed", test_name_that_looks_compressed);
    g_test_add_func ("/input_tar/random_members", test_random_members);
    g_test_add_func ("/input_tar/cut_off_anywhere", test_cut_off_anywhere);
    g_test_add_func ("/input_tar/sizes_above_the_limit", test_sizes_above_the_limit);
    g_test_add_func ("/input_tar/largest_record", test_largest_record);
    g_test_add_func ("/input_tar/maps_of_holes", test_maps_of_holes);
#endif
    return g_test_run();
}
