/* Records counted by headers: as many as reading gives, and none where that cannot be known. */
#include "pack/tfrecord_count.h"

#include <string.h>

#include "compressed.h"
#include "frame/tfrecord.h"
#include "inputs.h"

enum { FRAME_SIZE = TOOL_TFRECORD_HEADER_SIZE + TOOL_TFRECORD_TRAILER_SIZE };

static void
append_record (GByteArray *file, const void *data, size_t size)
{
    uint8_t header[TOOL_TFRECORD_HEADER_SIZE], trailer[TOOL_TFRECORD_TRAILER_SIZE];

    tool_tfrecord_make (data, size, header, trailer);
    g_byte_array_append (file, header, sizeof header);
    g_byte_array_append (file, data, (guint)size);
    g_byte_array_append (file, trailer, sizeof trailer);
}

static uint64_t
count_of (const char *path)
{
    g_autoptr (GError) error = NULL;
    uint64_t n = 0;

    tool_tfrecord_count (path, &n, &error);
    g_assert_no_error (error);
    return n;
}

static uint64_t
count_bytes (const void *data, size_t size)
{
    test_write ("x", data, size);
    return count_of ("x");
}

/* A header lies in, across and behind what is read at once. */
static void
test_sound (void)
{
    static const size_t sizes[] = {0, 1, 65535 - FRAME_SIZE, 65536, 200000, 3, 65530, 0, 5};
    g_autoptr (GByteArray) file = g_byte_array_new();
    g_autofree uint8_t *data = g_malloc0 (200000);
    TestInputs inputs;

    test_inputs_begin (&inputs);
    g_assert_cmpuint (count_bytes ("", 0), ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS (sizes); i++) {
        append_record (file, data, sizes[i]);
        g_assert_cmpuint (count_bytes (file->data, file->len), ==, i + 1);
    }
    for (size_t i = 0; i < 20000; i++) {
        append_record (file, data, i % 7);
    }
    g_assert_cmpuint (count_bytes (file->data, file->len), ==, G_N_ELEMENTS (sizes) + 20000);
    test_inputs_end (&inputs);
}

/* A record that the end of the file cuts off is none, wherever that is. */
static void
test_cut_off (void)
{
    g_autoptr (GByteArray) file = g_byte_array_new();
    TestInputs inputs;

    test_inputs_begin (&inputs);
    append_record (file, "one", 3);
    append_record (file, "three", 5);
    for (guint size = FRAME_SIZE; size <= file->len; size++) {
        guint n = (size >= FRAME_SIZE + 3) + (size == file->len);

        g_assert_cmpuint (count_bytes (file->data, size), ==, n);
    }
    test_inputs_end (&inputs);
}

/* What reading skips with --recover counts; what it does not pass is an error. */
static void
test_damaged (void)
{
    g_autoptr (GByteArray) file = g_byte_array_new();
    g_autoptr (GError) error = NULL;
    TestInputs inputs;
    uint64_t n;

    test_inputs_begin (&inputs);
    append_record (file, "one", 3);
    append_record (file, "three", 5);
    file->data[TOOL_TFRECORD_HEADER_SIZE] ^= 1;
    g_assert_cmpuint (count_bytes (file->data, file->len), ==, 2);
    file->data[FRAME_SIZE + 3] ^= 1;
    test_write ("x", file->data, file->len);
    g_assert_false (tool_tfrecord_count ("x", &n, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
    g_assert_true (g_str_has_prefix (error->message, "x: at 19: length CRC is "));
    g_clear_error (&error);
    g_assert_false (tool_tfrecord_count ("absent", &n, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_NOT_FOUND);
    test_inputs_end (&inputs);
}

/* A FIFO is not opened: nobody writes into this one. */
static void
test_unknown (void)
{
    TestInputs inputs;

    test_inputs_begin (&inputs);
    g_assert_cmpuint (count_bytes (compressed_gzip, sizeof compressed_gzip), ==, UINT64_MAX);
    g_assert_cmpuint (count_bytes (compressed_zlib, sizeof compressed_zlib), ==, UINT64_MAX);
    g_assert_cmpint (mkfifo ("fifo", 0600), ==, 0);
    g_assert_cmpuint (count_of ("fifo"), ==, UINT64_MAX);
    test_inputs_end (&inputs);
}

/* Standard input is counted from where it stands, and stays there. */
static void
test_stdin (void)
{
    g_autoptr (GByteArray) file = g_byte_array_new();
    TestInputs inputs;
    int saved = dup (STDIN_FILENO), fd;

    test_inputs_begin (&inputs);
    for (unsigned i = 0; i < 3; i++) {
        append_record (file, "one", 3);
    }
    test_write ("x", file->data, file->len);
    fd = open ("x", O_RDONLY | O_CLOEXEC);
    g_assert_cmpint (dup2 (fd, STDIN_FILENO), ==, STDIN_FILENO);
    close (fd);
    g_assert_cmpint (lseek (STDIN_FILENO, FRAME_SIZE + 3, SEEK_SET), ==, FRAME_SIZE + 3);
    g_assert_cmpuint (count_of ("-"), ==, 2);
    g_assert_cmpint (lseek (STDIN_FILENO, 0, SEEK_CUR), ==, FRAME_SIZE + 3);
    if (saved >= 0) {
        dup2 (saved, STDIN_FILENO);
        close (saved);
    }
    test_inputs_end (&inputs);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/tfrecord-count/sound", test_sound);
    g_test_add_func ("/tfrecord-count/cut-off", test_cut_off);
    g_test_add_func ("/tfrecord-count/damaged", test_damaged);
    g_test_add_func ("/tfrecord-count/unknown", test_unknown);
    g_test_add_func ("/tfrecord-count/stdin", test_stdin);
    return g_test_run();
}
