/* Where the records of a chunk end in its decoded bytes: what a size list says.
 *
 * Immutable once filled. 4 bytes a record, 8 where the chunk has 4 GiB or more.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

typedef struct {
    uint64_t n; /* records */
    bool wide;
    union {
        uint32_t *narrow_ends;
        uint64_t *wide_ends;
    };
} ArecRecordEnds;

/* Room for @n records of @decoded_size bytes in all. false when memory lacks. */
bool arec_record_ends_init (ArecRecordEnds *ends, uint64_t n, uint64_t decoded_size);
void arec_record_ends_clear (ArecRecordEnds *ends);

/* Bytes of memory that @n records of @decoded_size bytes take. */
uint64_t arec_record_ends_cost (uint64_t n, uint64_t decoded_size);

static inline void
arec_record_ends_set (ArecRecordEnds *ends, uint64_t i, uint64_t end)
{
    if (ends->wide) {
        ends->wide_ends[i] = end;
    } else {
        ends->narrow_ends[i] = (uint32_t)end;
    }
}

/* The end of record @i, in bytes from the start of the decoded chunk; i < n. */
static inline uint64_t
arec_record_ends_end (const ArecRecordEnds *ends, uint64_t i)
{
    return ends->wide ? ends->wide_ends[i] : ends->narrow_ends[i];
}

static inline uint64_t
arec_record_ends_begin (const ArecRecordEnds *ends, uint64_t i)
{
    return i == 0 ? 0 : arec_record_ends_end (ends, i - 1);
}

static inline uint64_t
arec_record_ends_size (const ArecRecordEnds *ends, uint64_t i)
{
    return arec_record_ends_end (ends, i) - arec_record_ends_begin (ends, i);
}
