/* A bounded cursor over bytes that came from a file: the only place where bytes become numbers.
 *
 * One thread at a time. The cursor never passes its end; a failed take leaves it where it was.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <glib.h>

/* Longest varint64: 10 bytes of 7 bits (FORMAT.md 2). */
#define AREC_MAX_VARINT 10
/* The same of a varint32 (FORMAT.md 2). */
#define AREC_MAX_VARINT32 5

typedef struct {
    const uint8_t *at;
    const uint8_t *end;
} ArecBytes;

static inline ArecBytes
arec_bytes (const void *data, size_t size)
{
    const uint8_t *begin = data;

    /* No bytes may lie nowhere, where nothing may be added to. */
    return (ArecBytes){begin, size > 0 ? begin + size : begin};
}

static inline size_t
arec_bytes_left (const ArecBytes *bytes)
{
    return (size_t)(bytes->end - bytes->at);
}

/* The next @n bytes, which stay where they are. */
static inline bool
arec_bytes_take (ArecBytes *bytes, uint64_t n, const uint8_t **out)
{
    if (n > arec_bytes_left (bytes)) {
        return false;
    }
    *out = bytes->at;
    bytes->at += n;
    return true;
}

static inline bool
arec_bytes_take_u8 (ArecBytes *bytes, uint8_t *out)
{
    if (bytes->at == bytes->end) {
        return false;
    }
    *out = *bytes->at++;
    return true;
}

static inline bool
arec_bytes_take_le16 (ArecBytes *bytes, uint16_t *out)
{
    const uint8_t *at;
    uint16_t value;

    if (!arec_bytes_take (bytes, sizeof value, &at)) {
        return false;
    }
    memcpy (&value, at, sizeof value);
    *out = GUINT16_FROM_LE (value);
    return true;
}

static inline bool
arec_bytes_take_le32 (ArecBytes *bytes, uint32_t *out)
{
    const uint8_t *at;
    uint32_t value;

    if (!arec_bytes_take (bytes, sizeof value, &at)) {
        return false;
    }
    memcpy (&value, at, sizeof value);
    *out = GUINT32_FROM_LE (value);
    return true;
}

static inline bool
arec_bytes_take_be32 (ArecBytes *bytes, uint32_t *out)
{
    const uint8_t *at;
    uint32_t value;

    if (!arec_bytes_take (bytes, sizeof value, &at)) {
        return false;
    }
    memcpy (&value, at, sizeof value);
    *out = GUINT32_FROM_BE (value);
    return true;
}

static inline uint64_t
arec_le64 (const uint8_t *at)
{
    uint64_t value;
    memcpy (&value, at, sizeof value);
    return GUINT64_FROM_LE (value);
}

/* The varint at @at; returns the position past it, or NULL if there is none. */
const uint8_t *arec_varint_parse (const uint8_t *at, const uint8_t *end, uint64_t *out);

/* LEB128 of at most 10 bytes; overlong forms pass, overflow of 64 bits does not. Inline for the
 * short ones, and so that no cursor's address goes out of a loop. */
static inline bool
arec_bytes_take_varint (ArecBytes *bytes, uint64_t *out)
{
    size_t left = arec_bytes_left (bytes);
    const uint8_t *past;
    uint64_t value;

    if (left > 0 && bytes->at[0] < 0x80) {
        *out = *bytes->at++;
        return true;
    }
    if (left > 1 && bytes->at[1] < 0x80) {
        *out = (uint64_t)bytes->at[1] << 7 | (bytes->at[0] & 0x7f);
        bytes->at += 2;
        return true;
    }
    past = arec_varint_parse (bytes->at, bytes->end, &value);
    if (!past) {
        return false;
    }
    bytes->at = past;
    *out = value;
    return true;
}

/* LEB128 of at most 5 bytes that fits in 32 bits; overlong forms of up to 5 bytes pass. */
static inline bool
arec_bytes_take_varint32 (ArecBytes *bytes, uint32_t *out)
{
    ArecBytes ahead = *bytes;
    uint64_t value;

    if (!arec_bytes_take_varint (&ahead, &value) || value > UINT32_MAX ||
        ahead.at - bytes->at > AREC_MAX_VARINT32) {
        return false;
    }
    *bytes = ahead;
    *out = (uint32_t)value;
    return true;
}
