/* Chunks of type `t`, and of type `m` with one record: messages taken apart into their
 * structure, a walk through a machine of states, and their values (FORMAT.md 7).
 *
 * Functions without state; any thread. Reasons are static strings; the caller knows name and
 * offset. Time and memory are linear in the bytes stored and declared.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "riegeli/decode_limits.h"
#include "riegeli/decode_result.h"
#include "riegeli/record_ends.h"

/* What a chunk holds, by its header. */
typedef struct {
    uint64_t num_records;
    uint64_t decoded_size; /* these and their ends are within the limits */
} ArecTransposedSize;

/* Decodes @data, all of the chunk's.
 * @limits  resolved.
 * @values  (out, transfer full) the records, one after the other; never NULL; g_free ().
 * @ends    (out) arec_record_ends_clear ().
 * @reason  (out) set with a failure.
 * Memory, beside @data and the outs: the plain header and its states, the values, if these are
 * compressed, and the transitions: within limits->max_size together with the outs. */
ArecDecodeResult arec_transposed_decode (ArecBytes data, const ArecTransposedSize *size,
                                         const ArecDecodeLimits *limits, uint8_t **values,
                                         ArecRecordEnds *ends, const char **reason);

/* Whether @data, which a sound encoder has made, may be decoded by @limits (resolved). Costs
 * what unpacking its header and transitions costs, and nothing where it is small enough for any
 * header. Without memory for that: false. */
bool arec_transposed_is_within (ArecBytes data, const ArecTransposedSize *size,
                                const ArecDecodeLimits *limits);

/* The ends alone: the same walk, but no record is made and only values that say how long
 * something is are decompressed. Where both succeed, the ends are those of
 * arec_transposed_decode (). */
ArecDecodeResult arec_transposed_decode_ends (ArecBytes data, const ArecTransposedSize *size,
                                              const ArecDecodeLimits *limits,
                                              ArecRecordEnds *ends, const char **reason);
