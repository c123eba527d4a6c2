/* A growing buffer for what is written, and numbers as bytes: the counterpart of base/bytes.h.
 *
 * One thread at a time. Appending says whether there was memory; a failed call leaves the
 * buffer as it was. Zero-initialised is empty.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <glib.h>

#include "base/bytes.h"

typedef struct {
    uint8_t *data; /* NULL as long as nothing was reserved */
    size_t size;
    size_t capacity;
} ArecBuffer;

/* Room for @more bytes after those that are there. */
bool arec_buffer_reserve (ArecBuffer *buffer, size_t more);

/* @data may be NULL when @size is 0; it does not lie in the buffer. */
bool arec_buffer_append (ArecBuffer *buffer, const void *data, size_t size);
bool arec_buffer_append_varint (ArecBuffer *buffer, uint64_t value);

/* Frees; what is left is an empty buffer. */
void arec_buffer_clear (ArecBuffer *buffer);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ArecBuffer, arec_buffer_clear)

static inline void
arec_put_le64 (uint8_t *at, uint64_t value)
{
    value = GUINT64_TO_LE (value);
    memcpy (at, &value, sizeof value);
}

/* The length of the shortest form of LEB128. */
static inline size_t
arec_varint_size (uint64_t value)
{
    unsigned n_bits = 64 - (unsigned)__builtin_clzll (value | 1);

    return (n_bits + 6) / 7;
}

/* The shortest form of LEB128; returns its length. */
static inline size_t
arec_put_varint (uint8_t at[AREC_MAX_VARINT], uint64_t value)
{
    size_t length = 0;

    while (value >= 0x80) {
        at[length++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    at[length++] = (uint8_t)value;
    return length;
}
