/* What the decoding of one chunk may cost at most. A value of 0 stands for the default of
 * base/limits.h.
 */
#pragma once

#include <stdint.h>

#include <glib.h>

#include "base/limits.h"

typedef struct {
    uint64_t max_size;   /* bytes: the decoded chunk, its offsets and what decoding it needs
                            beside its stored form */
    uint64_t max_memory; /* bytes: the same with the stored form, of transposed chunks, which
                            do not say beforehand what they need; 0: any */
    /* Of transposed chunks: */
    uint64_t max_transposed_ratio; /* decompressed bytes of the header for each byte and record
                                      of the chunk, and 64 KiB; a quarter of that and 64 bytes
                                      of transitions */
    uint64_t max_transposed_depth; /* open messages within messages */
} ArecDecodeLimits;

/* @limits with the defaults in place. */
static inline ArecDecodeLimits
arec_decode_limits_resolve (const ArecDecodeLimits *limits)
{
    ArecDecodeLimits resolved = *limits;

    if (resolved.max_size == 0) {
        resolved.max_size = AREC_MAX_CHUNK_SIZE;
    }
    if (resolved.max_transposed_ratio == 0) {
        resolved.max_transposed_ratio = AREC_MAX_TRANSPOSED_RATIO;
    }
    if (resolved.max_transposed_depth == 0) {
        resolved.max_transposed_depth = AREC_MAX_TRANSPOSED_DEPTH;
    }
    return resolved;
}
