/* CRC-32C (Castagnoli), which TFRecord files carry.
 *
 * Pure functions, any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The checksum of @size bytes; @data may be NULL when @size is 0. By the processor's
 * instruction where it has one. */
uint32_t tool_crc32c (const void *data, size_t size);

/* The same by tables, as on other processors. */
uint32_t tool_crc32c_by_tables (const void *data, size_t size);

/* How TFRecord stores @crc: rotated and shifted, so that a checksum of data which holds
 * checksums is sound. */
uint32_t tool_crc32c_mask (uint32_t crc);
