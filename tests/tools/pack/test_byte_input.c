#include <signal.h>
#include <string.h>

#include <glib.h>

#include "compressed.h"
#include "inputs.h"
#include "pack/byte_input.h"
#include "pack/form.h"

enum {
    ALL = TOOL_FORM_GZIP | TOOL_FORM_ZLIB | TOOL_FORM_ZSTD | TOOL_FORM_XZ | TOOL_FORM_BZIP2 |
          TOOL_FORM_LZ4
};

static const ToolByteForms all_forms = {.forms = ALL};

typedef struct {
    ToolForm form;
    const uint8_t *data;
    size_t size;
} Compressed;

/* What this build reads; a row of PLAIN ends it. */
static const Compressed compressed[] = {
#ifdef TOOL_HAVE_ZLIB
    {TOOL_FORM_GZIP, compressed_gzip, sizeof compressed_gzip},
    {TOOL_FORM_ZLIB, compressed_zlib, sizeof compressed_zlib},
#endif
#ifdef TOOL_HAVE_LZMA
    {TOOL_FORM_XZ, compressed_xz, sizeof compressed_xz},
#endif
#ifdef TOOL_HAVE_LIBARCHIVE
    {TOOL_FORM_ZSTD, compressed_zstd, sizeof compressed_zstd},
    {TOOL_FORM_BZIP2, compressed_bzip2, sizeof compressed_bzip2},
    {TOOL_FORM_LZ4, compressed_lz4, sizeof compressed_lz4},
#endif
    {TOOL_FORM_PLAIN, NULL, 0},
};

static char *
forty_lines (void)
{
    GString *text = g_string_new (NULL);

    for (int i = 0; i < 40; i++) {
        g_string_append_printf (text, "line %d\n", i);
    }
    return g_string_free (text, FALSE);
}

/* Everything that @path gives before its end, or before *error. */
static GString *
take_bytes (const char *path, const ToolByteForms *forms, GError **error)
{
    g_autoptr (ToolByteInput) input = tool_byte_input_open (path, forms, error);
    GString *all = g_string_new (NULL);
    const uint8_t *data;
    size_t size;

    while (input && tool_byte_input_peek (input, 1, &data, &size, error) && size > 0) {
        g_string_append_len (all, (const char *)data, (gssize)size);
        tool_byte_input_skip (input, size);
    }
    return all;
}

static void
check_bytes (const char *path, const ToolByteForms *forms, const void *expected, size_t size)
{
    g_autoptr (GError) error = NULL;
    GString *all = take_bytes (path, forms, &error);

    g_assert_no_error (error);
    g_assert_cmpmem (all->str, all->len, expected, size);
    g_string_free (all, TRUE);
}

/* ---- forms ---- */

static void
test_first_byte (void)
{
    for (const Compressed *row = compressed; row->form != TOOL_FORM_PLAIN; row++) {
        g_assert_true (tool_form_may_begin (row->form, row->data[0]));
        g_assert_false (tool_form_may_begin (0, row->data[0]));
        g_assert_false (tool_form_may_begin (row->form, 'a'));
    }
}

static void
test_detect (void)
{
    static const uint8_t damaged_tfrecord[] = {0x78, 0x9c, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4};

    for (const Compressed *row = compressed; row->form != TOOL_FORM_PLAIN; row++) {
        g_assert_cmpint (tool_form_detect (ALL, row->data, row->size), ==, row->form);
        g_assert_cmpint (tool_form_detect (ALL & ~(unsigned)row->form, row->data, row->size),
                         ==, TOOL_FORM_PLAIN);
        for (size_t size = 0; size < 3; size++) {
            g_assert_cmpint (tool_form_detect (ALL, row->data, size), ==, TOOL_FORM_PLAIN);
        }
    }
    g_assert_cmpint (tool_form_detect (ALL, (const uint8_t *)"plain text", 10), ==,
                     TOOL_FORM_PLAIN);
    g_assert_cmpint (tool_form_detect (ALL, (const uint8_t *)"BZh9 is a member", 16), ==,
                     TOOL_FORM_PLAIN);
    g_assert_cmpint (tool_form_detect (ALL, damaged_tfrecord, sizeof damaged_tfrecord), ==,
                     TOOL_FORM_PLAIN);
}

/* A form that this build lacks is an error, not taken for plain. */
static void
test_forms_that_are_not_in_this_build (void)
{
    const Compressed absent[] = {
#ifndef TOOL_HAVE_ZLIB
        {TOOL_FORM_GZIP, compressed_gzip, sizeof compressed_gzip},
        {TOOL_FORM_ZLIB, compressed_zlib, sizeof compressed_zlib},
#endif
#ifndef TOOL_HAVE_LZMA
        {TOOL_FORM_XZ, compressed_xz, sizeof compressed_xz},
#endif
#ifndef TOOL_HAVE_LIBARCHIVE
        {TOOL_FORM_ZSTD, compressed_zstd, sizeof compressed_zstd},
        {TOOL_FORM_BZIP2, compressed_bzip2, sizeof compressed_bzip2},
        {TOOL_FORM_LZ4, compressed_lz4, sizeof compressed_lz4},
#endif
        {TOOL_FORM_PLAIN, NULL, 0},
    };
    TestInputs inputs;

    test_inputs_begin (&inputs);
    for (const Compressed *row = absent; row->form != TOOL_FORM_PLAIN; row++) {
        g_autoptr (GError) error = NULL;

        test_write ("x", row->data, row->size);
        g_assert_null (tool_byte_input_open ("x", &all_forms, &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_UNSUPPORTED);
        g_assert_nonnull (strstr (error->message, " data: this build is without "));
    }
    test_inputs_end (&inputs);
}

static void
test_each_form (void)
{
    g_autofree char *text = forty_lines();
    TestInputs inputs;

    test_inputs_begin (&inputs);
    test_write ("x", text, strlen (text));
    check_bytes ("x", &all_forms, text, strlen (text));
    for (const Compressed *row = compressed; row->form != TOOL_FORM_PLAIN; row++) {
        const ToolByteForms none = {0};
        TestDrip drip;

        test_write ("x", row->data, row->size);
        check_bytes ("x", &all_forms, text, strlen (text));
        check_bytes ("x", &none, row->data, row->size);
        test_drip_begin (&drip, "fifo", row->data, row->size);
        check_bytes ("fifo", &all_forms, text, strlen (text));
        test_drip_end (&drip);
    }
    test_inputs_end (&inputs);
}

static void
test_two_members (void)
{
    g_autofree char *text = forty_lines();
    g_autofree char *twice = g_strconcat (text, text, NULL);
    TestInputs inputs;

    test_inputs_begin (&inputs);
    for (const Compressed *row = compressed; row->form != TOOL_FORM_PLAIN; row++) {
        g_autoptr (GByteArray) file = g_byte_array_new();

        g_byte_array_append (file, row->data, (guint)row->size);
        g_byte_array_append (file, row->data, (guint)row->size);
        test_write ("x", file->data, file->len);
        if (row->form == TOOL_FORM_ZLIB) { /* has no members */
            g_autoptr (GError) error = NULL;

            g_string_free (take_bytes ("x", &all_forms, &error), TRUE);
            g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
        } else {
            check_bytes ("x", &all_forms, twice, strlen (twice));
        }
    }
    test_inputs_end (&inputs);
}

/* An input that is cut off is never taken for a shorter one. */
static void
test_cut_off_anywhere (void)
{
    TestInputs inputs;

    test_inputs_begin (&inputs);
    for (const Compressed *row = compressed; row->form != TOOL_FORM_PLAIN; row++) {
        for (size_t size = 8; size < row->size; size++) {
            g_autoptr (GError) error = NULL;

            test_write ("x", row->data, size);
            g_string_free (take_bytes ("x", &all_forms, &error), TRUE);
            g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
            g_assert_true (g_str_has_prefix (error->message, "x: at "));
        }
    }
    test_inputs_end (&inputs);
}

/* A flipped bit behind what a form is known by is found by a checksum, or says nothing about
 * the bytes. */
static void
test_flips (void)
{
    g_autofree char *text = forty_lines();
    TestInputs inputs;

    test_inputs_begin (&inputs);
    for (const Compressed *row = compressed; row->form != TOOL_FORM_PLAIN; row++) {
        g_autofree uint8_t *data = g_memdup2 (row->data, row->size);

        for (size_t bit = 10 * 8; bit < row->size * 8; bit++) {
            g_autoptr (GError) error = NULL;
            GString *all;

            data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            test_write ("x", data, row->size);
            all = take_bytes ("x", &all_forms, &error);
            g_assert_true (error || strcmp (all->str, text) == 0);
            g_string_free (all, TRUE);
            data[bit / 8] = row->data[bit / 8];
        }
    }
    test_inputs_end (&inputs);
}

#ifdef TOOL_HAVE_ZLIB

static void
test_after_the_end (void)
{
    g_autofree char *text = forty_lines();
    g_autoptr (GByteArray) file = g_byte_array_new();
    g_autofree uint8_t *zeros = g_malloc0 (300000);
    g_autoptr (GError) error = NULL;
    TestInputs inputs;

    test_inputs_begin (&inputs);
    g_byte_array_append (file, compressed_gzip, sizeof compressed_gzip);
    g_byte_array_append (file, zeros, 300000);
    test_write ("x", file->data, file->len);
    check_bytes ("x", &all_forms, text, strlen (text));
    g_byte_array_append (file, (const uint8_t *)"x", 1);
    test_write ("x", file->data, file->len);
    g_string_free (take_bytes ("x", &all_forms, &error), TRUE);
    g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
    g_assert_true (g_str_has_suffix (error->message, "gzip data: other bytes after its end"));
    test_inputs_end (&inputs);
}

#endif

static bool
is_always_plain (const uint8_t *front, size_t size)
{
    g_assert_cmpuint (size, >=, 12);
    g_assert_nonnull (front);
    return true;
}

static void
test_plain_for_sure (void)
{
    const ToolByteForms forms = {.forms = ALL, .is_plain = is_always_plain};
    TestInputs inputs;

    test_inputs_begin (&inputs);
    test_write ("x", compressed_gzip, sizeof compressed_gzip);
    check_bytes ("x", &forms, compressed_gzip, sizeof compressed_gzip);
    test_inputs_end (&inputs);
}

static void
test_cannot_be_opened (void)
{
    static const char *const names[] = {".", "absent", "file/below"};
    static const char *const messages[] = {".: is a directory",
                                           "absent: No such file or directory",
                                           "file/below: Not a directory"};
    TestInputs inputs;

    test_inputs_begin (&inputs);
    test_write ("file", "", 0);
    for (size_t i = 0; i < G_N_ELEMENTS (names); i++) {
        g_autoptr (GError) error = NULL;

        g_assert_null (tool_byte_input_open (names[i], &all_forms, &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_NOT_FOUND);
        g_assert_cmpstr (error->message, ==, messages[i]);
    }
    test_inputs_end (&inputs);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    signal (SIGPIPE, SIG_IGN);
    g_test_add_func ("/byte_input/first_byte", test_first_byte);
    g_test_add_func ("/byte_input/detect", test_detect);
    g_test_add_func ("/byte_input/forms_that_are_not_in_this_build",
                     test_forms_that_are_not_in_this_build);
    g_test_add_func ("/byte_input/each_form", test_each_form);
    g_test_add_func ("/byte_input/two_members", test_two_members);
    g_test_add_func ("/byte_input/cut_off_anywhere", test_cut_off_anywhere);
    g_test_add_func ("/byte_input/flips", test_flips);
#ifdef TOOL_HAVE_ZLIB
    g_test_add_func ("/byte_input/after_the_end", test_after_the_end);
#endif
    g_test_add_func ("/byte_input/plain_for_sure", test_plain_for_sure);
    g_test_add_func ("/byte_input/cannot_be_opened", test_cannot_be_opened);
    return g_test_run();
}
