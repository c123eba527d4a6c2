/* The cursor: it never passes its end, and a failed take does not move it. */
#include "base/bytes.h"

#include <glib.h>

#include "base/checked.h"

static void
test_take (void)
{
    ArecBytes bytes = arec_bytes ("abcde", 5);
    const uint8_t *at = NULL;
    uint8_t byte = 0;

    g_assert_cmpuint (arec_bytes_left (&bytes), ==, 5);
    g_assert_true (arec_bytes_take_u8 (&bytes, &byte));
    g_assert_cmpint (byte, ==, 'a');
    g_assert_true (arec_bytes_take (&bytes, 2, &at));
    g_assert_cmpmem (at, 2, "bc", 2);
    g_assert_false (arec_bytes_take (&bytes, 3, &at));
    g_assert_false (arec_bytes_take (&bytes, UINT64_MAX, &at));
    g_assert_cmpmem (at, 2, "bc", 2);
    g_assert_cmpuint (arec_bytes_left (&bytes), ==, 2);
    g_assert_true (arec_bytes_take (&bytes, 0, &at));
    g_assert_true (arec_bytes_take (&bytes, 2, &at));
    g_assert_cmpmem (at, 2, "de", 2);
    g_assert_false (arec_bytes_take_u8 (&bytes, &byte));
    g_assert_false (arec_bytes_take (&bytes, 1, &at));
    g_assert_true (arec_bytes_take (&bytes, 0, &at));
}

static void
test_le64 (void)
{
    const uint8_t bytes[] = {0xff, 1, 2, 3, 4, 5, 6, 7, 0x88};

    g_assert_cmphex (arec_le64 (bytes + 1), ==, 0x8807060504030201);
}

static void
test_varints (void)
{
    static const struct {
        const char *bytes;
        size_t size;
        bool valid;
        uint64_t value;
        size_t left;
    } rows[] = {
#define ROW(text, valid, value, left) {text, sizeof (text) - 1, valid, value, left}
        ROW ("\x00", true, 0, 0),
        ROW ("\x7f", true, 127, 0),
        ROW ("\x80\x01", true, 128, 0),
        ROW ("\x82\x00", true, 2, 0), /* longer than needed */
        ROW ("\x82\x80\x80\x80\x80\x80\x80\x80\x80\x00", true, 2, 0),
        ROW ("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", true, UINT64_MAX, 0),
        ROW ("\xff\xff\xff\xff\xff\xff\xff\xff\x7f", true, (uint64_t)INT64_MAX, 0),
        ROW ("\x05zz", true, 5, 2),
        ROW ("\x85\x01zz", true, 133, 2),
        ROW ("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01z", true, UINT64_MAX, 1),
        ROW ("", false, 0, 0),
        ROW ("\x80", false, 0, 1),
        ROW ("\xff\xff\xff\xff\xff\xff\xff\xff\xff", false, 0, 9),
        ROW ("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02", false, 0, 10),
        ROW ("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x81\x00", false, 0, 11),
        ROW ("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", false, 0, 11),
#undef ROW
    };

    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        ArecBytes bytes = arec_bytes (rows[i].bytes, rows[i].size);
        uint64_t value = 77;

        g_assert_cmpint (arec_bytes_take_varint (&bytes, &value), ==, rows[i].valid);
        g_assert_cmpuint (value, ==, rows[i].valid ? rows[i].value : 77);
        g_assert_cmpuint (arec_bytes_left (&bytes), ==, rows[i].left);
    }
}

static void
test_checked (void)
{
    uint64_t sum;
    size_t product;

    g_assert_true (arec_add_u64 (UINT64_MAX - 1, 1, &sum));
    g_assert_cmpuint (sum, ==, UINT64_MAX);
    g_assert_false (arec_add_u64 (UINT64_MAX, 1, &sum));
    g_assert_true (arec_mul_u64 (UINT64_MAX / 2, 2, &sum));
    g_assert_cmpuint (sum, ==, UINT64_MAX - 1);
    g_assert_false (arec_mul_u64 (UINT64_MAX / 2 + 1, 2, &sum));
    g_assert_true (arec_mul_size (SIZE_MAX / 2, 2, &product));
    g_assert_false (arec_mul_size (SIZE_MAX / 2 + 1, 2, &product));
    g_assert_true (arec_range_within (5, 5, 10));
    g_assert_true (arec_range_within (10, 0, 10));
    g_assert_false (arec_range_within (5, 6, 10));
    g_assert_false (arec_range_within (11, 0, 10));
    g_assert_false (arec_range_within (5, UINT64_MAX - 2, 10)); /* the sum would wrap */
    g_assert_false (arec_range_within (UINT64_MAX, 2, 10));
}

/* At most five bytes, and 32 bits. */
static void
test_varint32 (void)
{
    static const struct {
        const char *bytes;
        size_t size;
        bool valid;
        uint32_t value;
        size_t left;
    } rows[] = {
#define ROW(text, valid, value, left) {text, sizeof (text) - 1, valid, value, left}
        ROW ("\x00", true, 0, 0),
        ROW ("\x85\x01zz", true, 133, 2),
        ROW ("\xff\xff\xff\xff\x0fz", true, UINT32_MAX, 1),
        ROW ("\x82\x80\x80\x80\x00", true, 2, 0), /* longer than needed */
        ROW ("\x82\x80\x80\x80\x80\x00", false, 0, 6),
        ROW ("\xff\xff\xff\xff\x1f", false, 0, 5),
        ROW ("\x80\x80\x80\x80\x10", false, 0, 5),
        ROW ("", false, 0, 0),
        ROW ("\x80\x80", false, 0, 2),
#undef ROW
    };

    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        ArecBytes bytes = arec_bytes (rows[i].bytes, rows[i].size);
        uint32_t value = 77;

        g_assert_cmpint (arec_bytes_take_varint32 (&bytes, &value), ==, rows[i].valid);
        g_assert_cmpuint (value, ==, rows[i].valid ? rows[i].value : 77);
        g_assert_cmpuint (arec_bytes_left (&bytes), ==, rows[i].left);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/bytes/take", test_take);
    g_test_add_func ("/bytes/le64", test_le64);
    g_test_add_func ("/bytes/varints", test_varints);
    g_test_add_func ("/bytes/varint32", test_varint32);
    g_test_add_func ("/bytes/checked", test_checked);
    return g_test_run();
}
