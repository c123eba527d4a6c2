#include "riegeli/record_ends.h"

#include "base/checked.h"

bool
arec_record_ends_init (ArecRecordEnds *ends, uint64_t n, uint64_t decoded_size)
{
    bool wide = decoded_size > UINT32_MAX;
    size_t size;

    if (!arec_mul_size (n, wide ? sizeof (uint64_t) : sizeof (uint32_t), &size)) {
        return false;
    }
    *ends = (ArecRecordEnds){.n = n, .wide = wide};
    ends->wide_ends = g_try_malloc (MAX (size, 1));
    return ends->wide_ends != NULL;
}

void
arec_record_ends_clear (ArecRecordEnds *ends)
{
    g_free (ends->wide_ends);
    *ends = (ArecRecordEnds){0};
}

uint64_t
arec_record_ends_cost (uint64_t n, uint64_t decoded_size)
{
    return n * (decoded_size > UINT32_MAX ? sizeof (uint64_t) : sizeof (uint32_t));
}
