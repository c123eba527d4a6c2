/* The frame of a record in a TFRecord file:
 *
 *     length u64 | masked CRC-32C of length u32 | data | masked CRC-32C of data u32
 *
 * All numbers are little-endian. Pure functions, any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TOOL_TFRECORD_HEADER_SIZE = 12, /* what stands before the data */
    TOOL_TFRECORD_TRAILER_SIZE = 4, /* what stands after it */
};

/* A checksum as stored and as the bytes need it; both masked. */
typedef struct {
    uint32_t found;
    uint32_t expected;
} ToolTfrecordCrc;

/* Takes @header apart. Returns whether its checksum is right; if not, *length means nothing. */
bool tool_tfrecord_parse_header (const uint8_t header[TOOL_TFRECORD_HEADER_SIZE],
                                 uint64_t *length, ToolTfrecordCrc *crc);

/* Whether the checksum after the @size bytes of @data is right. */
bool tool_tfrecord_check_data (const uint8_t *data, size_t size, ToolTfrecordCrc *crc);

/* Makes what stands around @data; @data may be NULL when @size is 0. */
void tool_tfrecord_make (const void *data, size_t size,
                         uint8_t header[TOOL_TFRECORD_HEADER_SIZE],
                         uint8_t trailer[TOOL_TFRECORD_TRAILER_SIZE]);
