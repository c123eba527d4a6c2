/* The header of a transposed chunk, parsed: a machine of states, and the buffers that its
 * values are taken from (FORMAT.md 7.2 to 7.5).
 *
 *     compression byte | length of the header | header | bucket 0 | ... | transitions
 *
 * A record of the machine is written from its end to its start, the last record first; each
 * state puts something in front of what is there.
 *
 * Invariants of a parsed header: every base is a state and every buffer index a buffer; no
 * cycle consists of implicit states alone; no implicit NOOP leads to another one.
 *
 * One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "codec/codec.h"
#include "riegeli/decode_result.h"
#include "riegeli/transposed_block.h"

/* What a state puts in front, `tag` being its tag. */
typedef enum {
    AREC_STATE_NOOP,
    AREC_STATE_CONSTANT,         /* tag (of a group), or tag and a value of one byte */
    AREC_STATE_VARINT,           /* tag, value_size bytes: all but the last with bit 7 set */
    AREC_STATE_FIXED,            /* tag, value_size bytes */
    AREC_STATE_STRING,           /* tag, a varint32 and as many bytes as it says */
    AREC_STATE_SUBMESSAGE_END,   /* nothing yet: a submessage ends here */
    AREC_STATE_SUBMESSAGE_START, /* tag of the matching end, length of what came since */
    AREC_STATE_RECORD_START,     /* nothing: a record starts here */
    AREC_STATE_RAW_RECORD,       /* a whole record, as long as the lengths buffer says */
} ArecStateKind;

typedef struct {
    uint8_t tag[8]; /* the last tag_size bytes are the tag, those before are 0 */
    uint32_t base;  /* the state that follows, or the first of 64 that may */
    uint32_t buffer;
    uint32_t parsing;   /* of the parser */
    uint8_t kind;       /* ArecStateKind */
    uint8_t tag_size;   /* at most 6 */
    uint8_t value_size; /* at most 10 */
    bool is_implicit;   /* base follows without a transition */
} ArecTransposedState;

/* A buffer's unread bytes [at, end) among the plain bytes of all buckets, one after the other.
 */
typedef struct {
    size_t at;
    size_t end;
    bool has_lengths; /* some of its bytes say how long something is */
} ArecTransposedBuffer;

typedef struct {
    ArecCompression compression;
    uint32_t n_buckets;
    uint32_t n_buffers;
    uint32_t n_states;
    uint32_t first;          /* state */
    uint32_t lengths_buffer; /* lengths of raw records; of no use without such */
    uint64_t values_size;    /* bytes of all buffers */
    ArecTransposedBuffer *buffers;
    ArecTransposedState *states;
    ArecBytes bucket_sizes; /* n_buckets varints: the stored length of each */
    ArecBytes rest;         /* of the data: buckets and transitions */
    ArecTransposedBlock plain;
} ArecTransposedHeader;

/* Parses the front of @data, which outlives the header.
 * @header  (out) arec_transposed_header_clear (); cleared on failure. Buffers are not placed:
 * at is 0 and end the length.
 * @reason  (out) set with a failure. */
ArecDecodeResult arec_transposed_header_parse (ArecBytes data, ArecTransposedBounds *bounds,
                                               ArecTransposedHeader *header,
                                               const char **reason);
void arec_transposed_header_clear (ArecTransposedHeader *header);
