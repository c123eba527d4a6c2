#include <string.h>

#include <glib.h>

#include "frame/tfrecord.h"

/* As TensorFlow writes the record `abc`. */
static const uint8_t header_of_abc[] = {3, 0, 0, 0, 0, 0, 0, 0, 0xb0, 0x99, 0x49, 0x0e};

static void
test_known_frame (void)
{
    uint8_t header[TOOL_TFRECORD_HEADER_SIZE], trailer[TOOL_TFRECORD_TRAILER_SIZE];
    uint8_t record[] = {'a', 'b', 'c', 0, 0, 0, 0};
    ToolTfrecordCrc crc;
    uint64_t length;

    tool_tfrecord_make ("abc", 3, header, trailer);
    g_assert_cmpmem (header, sizeof header, header_of_abc, sizeof header_of_abc);
    g_assert_true (tool_tfrecord_parse_header (header, &length, &crc));
    g_assert_cmpuint (length, ==, 3);
    memcpy (record + 3, trailer, sizeof trailer);
    g_assert_true (tool_tfrecord_check_data (record, 3, &crc));
}

static void
test_each_bit (void)
{
    uint8_t header[TOOL_TFRECORD_HEADER_SIZE], trailer[TOOL_TFRECORD_TRAILER_SIZE];
    uint8_t record[7] = {'a', 'b', 'c'};
    ToolTfrecordCrc crc;
    uint64_t length;

    tool_tfrecord_make ("abc", 3, header, trailer);
    memcpy (record + 3, trailer, sizeof trailer);
    for (size_t bit = 0; bit < 8 * sizeof header; bit++) {
        header[bit / 8] ^= (uint8_t)(1u << bit % 8);
        g_assert_false (tool_tfrecord_parse_header (header, &length, &crc));
        g_assert_cmphex (crc.found, !=, crc.expected);
        header[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * sizeof record; bit++) {
        record[bit / 8] ^= (uint8_t)(1u << bit % 8);
        g_assert_false (tool_tfrecord_check_data (record, 3, &crc));
        record[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/tfrecord/known_frame", test_known_frame);
    g_test_add_func ("/tfrecord/each_bit", test_each_bit);
    return g_test_run();
}
