/* The values of a transposed chunk: its buckets unpacked, and each buffer's place in them
 * (FORMAT.md 7.3).
 *
 *     bucket 0            | bucket 1  | bucket 2            plain bytes, one after the other
 *     buffer 0 | buffer 1 | buffer 2  | buffer 3 | buffer 4
 *
 * One thread at a time.
 */
#pragma once

#include <stdint.h>

#include "riegeli/transposed_header.h"

typedef enum {
    AREC_VALUES_ALL,
    AREC_VALUES_LENGTHS, /* those of which some say how long something is; others are left out
                            where their size is known without them */
} ArecValuesWanted;

typedef struct {
    const uint8_t *bytes; /* header->values_size of them; NULL when there are none. What was
                             left out is undefined */
    uint8_t *memory;      /* what holds them, unless they lie plain in the stored chunk */
} ArecTransposedValues;

/* Unpacks the buckets and places the buffers of @header. Afterwards header->rest are the
 * transitions, and header->plain is freed. A bucket left out has the size that unpacking it
 * would give, or unpacking it would fail: the header's word is not taken for it.
 * @values  (out) arec_scratch_give () its memory. */
ArecDecodeResult arec_transposed_values_load (ArecTransposedHeader *header,
                                              ArecValuesWanted wanted,
                                              ArecTransposedBounds *bounds,
                                              ArecTransposedValues *values,
                                              const char **reason);
