/* Arithmetic on numbers that came from a file: every sum and product says whether it fits.
 * Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* *out = a + b; false, with *out undefined, when that does not fit. */
static inline bool
arec_add_u64 (uint64_t a, uint64_t b, uint64_t *out)
{
    return !__builtin_add_overflow (a, b, out);
}

static inline bool
arec_mul_u64 (uint64_t a, uint64_t b, uint64_t *out)
{
    return !__builtin_mul_overflow (a, b, out);
}

static inline bool
arec_mul_size (size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow (a, b, out);
}

/* Whether [offset, offset + length) lies within [0, size). */
static inline bool
arec_range_within (uint64_t offset, uint64_t length, uint64_t size)
{
    return offset <= size && length <= size - offset;
}
