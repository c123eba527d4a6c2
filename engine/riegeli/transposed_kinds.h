/* The numbers by which the header of a transposed chunk says what a state does
 * (FORMAT.md 7.4). */
#pragma once

/* Reserved kinds of states; all others are tags. */
enum {
    AREC_STATE_ID_NOOP = 0,
    AREC_STATE_ID_RAW_RECORD = 1,
    AREC_STATE_ID_SUBMESSAGE_START = 2,
    AREC_STATE_ID_RECORD_START = 3,
};

/* Wire types of protobuf tags, and Riegeli's own for the end of a submessage. */
enum {
    AREC_TAG_VARINT = 0,
    AREC_TAG_FIXED64 = 1,
    AREC_TAG_BYTES = 2,
    AREC_TAG_GROUP_START = 3,
    AREC_TAG_GROUP_END = 4,
    AREC_TAG_FIXED32 = 5,
    AREC_TAG_SUBMESSAGE_END = 6,
};

/* Tags below are reserved: field numbers begin at 1. */
#define AREC_LEAST_TAG 8

/* Subtypes of varints: up to 9 the length less 1, from here on the value plus 10. */
#define AREC_SUBTYPE_INLINE_0 10
#define AREC_SUBTYPE_INLINE_MAX 137
