#include "frame/tfrecord.h"

#include <endian.h>
#include <string.h>

#include "frame/crc32c.h"

static uint32_t
masked_crc (const void *data, size_t size)
{
    return tool_crc32c_mask (tool_crc32c (data, size));
}

/* Compares the checksum stored at @at with that of the @size bytes of @data. */
static bool
check_crc (const uint8_t *at, const uint8_t *data, size_t size, ToolTfrecordCrc *crc)
{
    memcpy (&crc->found, at, sizeof crc->found);
    crc->found = le32toh (crc->found);
    crc->expected = masked_crc (data, size);
    return crc->found == crc->expected;
}

bool
tool_tfrecord_parse_header (const uint8_t header[TOOL_TFRECORD_HEADER_SIZE], uint64_t *length,
                            ToolTfrecordCrc *crc)
{
    memcpy (length, header, sizeof *length);
    *length = le64toh (*length);
    return check_crc (header + sizeof *length, header, sizeof *length, crc);
}

bool
tool_tfrecord_check_data (const uint8_t *data, size_t size, ToolTfrecordCrc *crc)
{
    return check_crc (data + size, data, size, crc);
}

void
tool_tfrecord_make (const void *data, size_t size, uint8_t header[TOOL_TFRECORD_HEADER_SIZE],
                    uint8_t trailer[TOOL_TFRECORD_TRAILER_SIZE])
{
    uint64_t length = htole64 (size);
    uint32_t length_crc, data_crc = htole32 (masked_crc (data, size));

    memcpy (header, &length, sizeof length);
    length_crc = htole32 (masked_crc (header, sizeof length));
    memcpy (header + sizeof length, &length_crc, sizeof length_crc);
    memcpy (trailer, &data_crc, sizeof data_crc);
}
