/* Where the records of a chunk end in its decoded bytes: what a size list says.
 *
 * Immutable once finished. 4 bytes a record, 8 where the chunk has 4 GiB or more; nothing where
 * all records are equally long; bits where very many records are so short that 4 bytes for each
 * would be more than the records themselves.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "riegeli/packed_ends.h"

typedef enum {
    AREC_ENDS_EVEN,
    AREC_ENDS_NARROW,
    AREC_ENDS_WIDE,
    AREC_ENDS_PACKED,
} ArecEndsForm;

typedef struct {
    uint64_t n; /* records */
    ArecEndsForm form;
    union {
        uint64_t each; /* bytes of a record */
        uint32_t *narrow_ends;
        uint64_t *wide_ends;
        ArecPackedEnds *packed;
    };
} ArecRecordEnds;

/* Room for @n records of @decoded_size bytes in all. false, with @ends empty, if out of memory.
 * Then each end is set once, from the first to the last or the other way round, and all are
 * finished. */
bool arec_record_ends_init (ArecRecordEnds *ends, uint64_t n, uint64_t decoded_size);
/* Keeps what is set in the shortest form. Returns false if out of memory. */
bool arec_record_ends_finish (ArecRecordEnds *ends);
void arec_record_ends_clear (ArecRecordEnds *ends);

/* Bytes of memory: of finished ends, and the most that those of @n records of @decoded_size
 * bytes in all take; UINT64_MAX stands for more than any memory. */
uint64_t arec_record_ends_memory (const ArecRecordEnds *ends);
uint64_t arec_record_ends_cost (uint64_t n, uint64_t decoded_size);

/* Whether those of @n records of @decoded_size bytes in all are too many for an array. */
bool arec_record_ends_are_packed (uint64_t n, uint64_t decoded_size);

static inline void
arec_record_ends_set (ArecRecordEnds *ends, uint64_t i, uint64_t end)
{
    if (ends->form == AREC_ENDS_NARROW) {
        ends->narrow_ends[i] = (uint32_t)end;
    } else if (ends->form == AREC_ENDS_WIDE) {
        ends->wide_ends[i] = end;
    } else if (ends->form == AREC_ENDS_PACKED) {
        arec_packed_ends_put (ends->packed, i, end);
    }
}

/* The end of record @i, in bytes from the start of the decoded chunk; i < n. */
static inline uint64_t
arec_record_ends_end (const ArecRecordEnds *ends, uint64_t i)
{
    switch (ends->form) {
    case AREC_ENDS_NARROW: return ends->narrow_ends[i];
    case AREC_ENDS_EVEN: return ends->each * (i + 1);
    case AREC_ENDS_WIDE: return ends->wide_ends[i];
    case AREC_ENDS_PACKED: break;
    }
    return arec_packed_ends_get (ends->packed, i);
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
