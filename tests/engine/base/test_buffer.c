/* The growing buffer, and numbers as bytes. */
#include "base/buffer.h"

#include <glib.h>

static void
test_append (void)
{
    g_auto (ArecBuffer) buffer = {0};
    g_autoptr (GByteArray) expected = g_byte_array_new();

    for (int i = 0; i < 2000; i++) {
        uint8_t piece[300];
        size_t size = (size_t)g_test_rand_int_range (0, sizeof piece);

        memset (piece, i, sizeof piece);
        g_assert_true (arec_buffer_append (&buffer, piece, size));
        g_byte_array_append (expected, piece, (guint)size);
        g_assert_cmpuint (buffer.size, <=, buffer.capacity);
    }
    g_assert_cmpmem (buffer.data, buffer.size, expected->data, expected->len);
    arec_buffer_clear (&buffer);
    g_assert_null (buffer.data);
    g_assert_cmpuint (buffer.size + buffer.capacity, ==, 0);
}

static void
test_nothing (void)
{
    g_auto (ArecBuffer) buffer = {0};

    g_assert_true (arec_buffer_append (&buffer, NULL, 0));
    g_assert_true (arec_buffer_reserve (&buffer, 0));
    g_assert_null (buffer.data);
}

/* More than an address space holds is refused without asking malloc, and nothing is lost. */
static void
test_impossible_sizes (void)
{
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 2, (size_t)PTRDIFF_MAX};
    g_auto (ArecBuffer) buffer = {0};

    g_assert_true (arec_buffer_append (&buffer, "abc", 3));
    for (unsigned i = 0; i < G_N_ELEMENTS (sizes); i++) {
        g_assert_false (arec_buffer_reserve (&buffer, sizes[i]));
        g_assert_false (arec_buffer_append (&buffer, "x", sizes[i]));
        g_assert_cmpmem (buffer.data, buffer.size, "abc", 3);
    }
}

static void
test_varints (void)
{
    g_auto (ArecBuffer) buffer = {0};
    ArecBytes bytes;

    for (unsigned shift = 0; shift < 64; shift++) {
        g_assert_true (arec_buffer_append_varint (&buffer, UINT64_C (1) << shift));
        g_assert_true (arec_buffer_append_varint (&buffer, (UINT64_C (1) << shift) - 1));
    }
    g_assert_true (arec_buffer_append_varint (&buffer, UINT64_MAX));
    bytes = arec_bytes (buffer.data, buffer.size);
    for (unsigned shift = 0; shift < 64; shift++) {
        uint64_t value;

        g_assert_true (arec_bytes_take_varint (&bytes, &value));
        g_assert_cmphex (value, ==, UINT64_C (1) << shift);
        g_assert_true (arec_bytes_take_varint (&bytes, &value));
        g_assert_cmphex (value, ==, (UINT64_C (1) << shift) - 1);
    }
    for (unsigned shift = 0; shift < 64; shift++) {
        uint8_t varint[AREC_MAX_VARINT];
        uint64_t value = UINT64_C (1) << shift;

        g_assert_cmpuint (arec_varint_size (value), ==, arec_put_varint (varint, value));
        g_assert_cmpuint (arec_varint_size (value - 1), ==,
                          arec_put_varint (varint, value - 1));
    }
    g_assert_cmpmem (bytes.at, arec_bytes_left (&bytes),
                     "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10);
}

static void
test_le64 (void)
{
    uint8_t bytes[8];

    arec_put_le64 (bytes, 0x8807060504030201);
    g_assert_cmpmem (bytes, sizeof bytes, "\x01\x02\x03\x04\x05\x06\x07\x88", 8);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/buffer/append", test_append);
    g_test_add_func ("/buffer/nothing", test_nothing);
    g_test_add_func ("/buffer/impossible", test_impossible_sizes);
    g_test_add_func ("/buffer/varints", test_varints);
    g_test_add_func ("/buffer/le64", test_le64);
    return g_test_run();
}
