#include "frame/crc32c.h"

#include <endian.h>
#include <pthread.h>
#include <string.h>

#ifdef __x86_64__
#include <nmmintrin.h>
#endif

enum { SLICES = 8 };

/* table[0] is the usual one; table[k][b] is the checksum of byte b with k zero bytes after it,
 * so that eight bytes are done by eight look-ups that do not wait for each other. */
static uint32_t table[SLICES][256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void
fill_table (void)
{
    const uint32_t polynomial = 0x82f63b78; /* 0x1edc6f41 with its bits reversed */

    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;

        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? polynomial : 0);
        }
        table[0][byte] = crc;
    }
    for (int slice = 1; slice < SLICES; slice++) {
        for (uint32_t byte = 0; byte < 256; byte++) {
            uint32_t crc = table[slice - 1][byte];

            table[slice][byte] = crc >> 8 ^ table[0][crc & 0xff];
        }
    }
}

uint32_t
tool_crc32c_by_tables (const void *data, size_t size)
{
    const uint8_t *at = data;
    uint32_t crc = 0xffffffff;

    pthread_once (&table_once, fill_table);
    for (; size >= SLICES; size -= SLICES, at += SLICES) {
        uint64_t word;

        memcpy (&word, at, sizeof word);
        word = le64toh (word) ^ crc;
        crc = 0;
        for (int i = 0; i < SLICES; i++) {
            crc ^= table[SLICES - 1 - i][word >> (8 * i) & 0xff];
        }
    }
    for (; size > 0; size--, at++) {
        crc = crc >> 8 ^ table[0][(crc ^ *at) & 0xff];
    }
    return ~crc;
}

#ifdef __x86_64__

__attribute__ ((target ("sse4.2"))) static uint32_t
crc32c_by_instruction (const void *data, size_t size)
{
    const uint8_t *at = data;
    uint64_t crc = 0xffffffff;

    for (; size >= sizeof (uint64_t); size -= sizeof (uint64_t), at += sizeof (uint64_t)) {
        uint64_t word;

        memcpy (&word, at, sizeof word);
        crc = _mm_crc32_u64 (crc, word);
    }
    for (; size > 0; size--, at++) {
        crc = _mm_crc32_u8 ((uint32_t)crc, *at);
    }
    return ~(uint32_t)crc;
}

uint32_t
tool_crc32c (const void *data, size_t size)
{
    return __builtin_cpu_supports ("sse4.2") ? crc32c_by_instruction (data, size)
                                             : tool_crc32c_by_tables (data, size);
}

#else

uint32_t
tool_crc32c (const void *data, size_t size)
{
    return tool_crc32c_by_tables (data, size);
}

#endif

uint32_t
tool_crc32c_mask (uint32_t crc)
{
    return (crc >> 15 | crc << 17) + 0xa282ead8;
}
