#include <string.h>

#include <glib.h>

#include "frame/crc32c.h"

/* RFC 3720, appendix B.4, and the check value of the catalogue of CRC algorithms. */
static void
test_known_values (void)
{
    uint8_t data[32];

    g_assert_cmphex (tool_crc32c (NULL, 0), ==, 0);
    g_assert_cmphex (tool_crc32c ("123456789", 9), ==, 0xe3069283);
    memset (data, 0, sizeof data);
    g_assert_cmphex (tool_crc32c (data, sizeof data), ==, 0x8a9136aa);
    memset (data, 0xff, sizeof data);
    g_assert_cmphex (tool_crc32c (data, sizeof data), ==, 0x62a8ab43);
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)i;
    }
    g_assert_cmphex (tool_crc32c (data, sizeof data), ==, 0x46dd794e);
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)(31 - i);
    }
    g_assert_cmphex (tool_crc32c (data, sizeof data), ==, 0x113fdb5c);
}

/* Bit by bit, by the polynomial. */
static uint32_t
crc32c_slowly (const uint8_t *data, size_t size)
{
    uint32_t crc = 0xffffffff;

    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
        }
    }
    return ~crc;
}

static void
test_every_length_and_alignment (void)
{
    uint8_t data[128];

    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)g_test_rand_int();
    }
    for (size_t begin = 0; begin < 9; begin++) {
        for (size_t size = 0; size <= sizeof data - begin; size++) {
            uint32_t expected = crc32c_slowly (data + begin, size);

            g_assert_cmphex (tool_crc32c (data + begin, size), ==, expected);
            g_assert_cmphex (tool_crc32c_by_tables (data + begin, size), ==, expected);
        }
    }
}

/* TFRecord: the frame of an empty record has the masked checksums of eight zero bytes and of
 * nothing. */
static void
test_mask (void)
{
    static const uint8_t zero_length[8];

    g_assert_cmphex (tool_crc32c_mask (0), ==, 0xa282ead8);
    g_assert_cmphex (tool_crc32c_mask (tool_crc32c (zero_length, sizeof zero_length)), ==,
                     0x07980329);
    g_assert_cmphex (tool_crc32c_mask (0x00008000), ==, 0xa282ead9);
    g_assert_cmphex (tool_crc32c_mask (0x00000001), ==, 0xa284ead8);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/crc32c/known_values", test_known_values);
    g_test_add_func ("/crc32c/every_length_and_alignment", test_every_length_and_alignment);
    g_test_add_func ("/crc32c/mask", test_mask);
    return g_test_run();
}
