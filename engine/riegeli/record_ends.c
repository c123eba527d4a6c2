#include "riegeli/record_ends.h"

#include "base/checked.h"

/* An array of ends may always take this much. */
#define LEAST_ARRAY (UINT64_C (256) * 1024)

/* Bytes of each end in an array. */
static size_t
end_size (uint64_t decoded_size)
{
    return decoded_size > UINT32_MAX ? sizeof (uint64_t) : sizeof (uint32_t);
}

bool
arec_record_ends_are_packed (uint64_t n, uint64_t decoded_size)
{
    return n > MAX (decoded_size, LEAST_ARRAY) / end_size (decoded_size);
}

/* What can be told without looking at the records. */
static bool
are_surely_even (uint64_t n, uint64_t decoded_size)
{
    return n <= 1 || decoded_size == 0;
}

bool
arec_record_ends_init (ArecRecordEnds *ends, uint64_t n, uint64_t decoded_size)
{
    *ends = (ArecRecordEnds){.n = n};
    if (are_surely_even (n, decoded_size)) {
        ends->each = decoded_size; /* of none, of one, or 0 */
        return true;
    }
    if (arec_record_ends_are_packed (n, decoded_size)) {
        ends->form = AREC_ENDS_PACKED;
        ends->packed = arec_packed_ends_new (n, decoded_size);
    } else {
        ends->form = decoded_size > UINT32_MAX ? AREC_ENDS_WIDE : AREC_ENDS_NARROW;
        ends->wide_ends = g_try_malloc (n * end_size (decoded_size));
    }
    if (ends->form == AREC_ENDS_PACKED ? !ends->packed : !ends->wide_ends) {
        *ends = (ArecRecordEnds){0};
        return false;
    }
    return true;
}

/* Whether all records of an array are as long as the first one. */
static bool
are_even (const ArecRecordEnds *ends)
{
    uint64_t each = arec_record_ends_end (ends, 0), end = 0;

    for (uint64_t i = 0; i < ends->n; i++) {
        end += each;
        if (arec_record_ends_end (ends, i) != end) {
            return false;
        }
    }
    return true;
}

bool
arec_record_ends_finish (ArecRecordEnds *ends)
{
    bool is_even;

    if (ends->form == AREC_ENDS_EVEN) {
        return true;
    }
    if (ends->form == AREC_ENDS_PACKED && !arec_packed_ends_seal (ends->packed)) {
        return false;
    }
    is_even = ends->form == AREC_ENDS_PACKED ? arec_packed_ends_are_even (ends->packed)
                                             : are_even (ends);
    if (is_even) {
        uint64_t n = ends->n, each = arec_record_ends_end (ends, 0);

        arec_record_ends_clear (ends);
        *ends = (ArecRecordEnds){.n = n, .form = AREC_ENDS_EVEN, .each = each};
    }
    return true;
}

void
arec_record_ends_clear (ArecRecordEnds *ends)
{
    switch (ends->form) {
    case AREC_ENDS_EVEN: break;
    case AREC_ENDS_NARROW: g_free (ends->narrow_ends); break;
    case AREC_ENDS_WIDE: g_free (ends->wide_ends); break;
    case AREC_ENDS_PACKED: arec_packed_ends_free (ends->packed); break;
    }
    *ends = (ArecRecordEnds){0};
}

uint64_t
arec_record_ends_memory (const ArecRecordEnds *ends)
{
    switch (ends->form) {
    case AREC_ENDS_EVEN: return 0;
    case AREC_ENDS_NARROW: return ends->n * sizeof (uint32_t);
    case AREC_ENDS_WIDE: return ends->n * sizeof (uint64_t);
    case AREC_ENDS_PACKED: break;
    }
    return arec_packed_ends_memory (ends->packed);
}

uint64_t
arec_record_ends_cost (uint64_t n, uint64_t decoded_size)
{
    if (are_surely_even (n, decoded_size)) {
        return 0;
    }
    return arec_record_ends_are_packed (n, decoded_size)
               ? arec_packed_ends_bound (n, decoded_size)
               : n * end_size (decoded_size);
}
