/* The compressed blocks of a transposed chunk, and what unpacking them may cost
 * (FORMAT.md 5, 10).
 *
 * Functions without state; any thread. Reasons are static strings.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "codec/codec.h"
#include "riegeli/decode_limits.h"
#include "riegeli/decode_result.h"

/* What a body may cost. The first three bound decompressed bytes, in proportion to what the
 * chunk says it decodes to: a stream of a few bytes may hold millions. */
typedef struct {
    uint64_t max_header;
    uint64_t max_values; /* of all buckets */
    uint64_t max_transitions;
    uint64_t max_depth; /* open submessages */
    uint64_t memory; /* bytes that may still be allocated, beside the records and their ends */
} ArecTransposedBounds;

/* For a chunk whose records and ends are within limits->max_size. @limits  resolved. */
ArecTransposedBounds arec_transposed_bounds (uint64_t num_records, uint64_t decoded_size,
                                             const ArecDecodeLimits *limits);

/* Takes memory for @n things of @size bytes; false when less is left. */
bool arec_transposed_charge (ArecTransposedBounds *bounds, uint64_t n, size_t size);

/* Steps over the decompressed size that stands in front of a stream. It is no more than a hint:
 * nothing may depend on it. false when it is not there. */
bool arec_transposed_take_hint (ArecCompression compression, ArecBytes *block, uint64_t *hint);

/* An unpacked block: @bytes lie in @memory, or in the stored block if they are not compressed.
 */
typedef struct {
    ArecBytes bytes;
    uint8_t *memory; /* g_free () */
} ArecTransposedBlock;

/* Unpacks a block of at most @max decompressed bytes (LIMIT above; stored bytes that are not
 * compressed are as many as they are). Memory, and time: linear in stored and decompressed
 * bytes, whatever the hint. */
ArecDecodeResult arec_transposed_unpack (ArecCompression compression, ArecBytes stored,
                                         uint64_t max, ArecTransposedBounds *bounds,
                                         ArecTransposedBlock *block, const char **reason);
