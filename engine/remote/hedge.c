#include "remote/hedge.h"

#include <glib.h>

#define SECOND INT64_C (1000000)
#define FACTOR 2

int64_t
arec_hedge_delay (const ArecFirstBytes *first_bytes)
{
    int64_t usual = arec_stall_percentile (first_bytes, 95);

    if (first_bytes->n < AREC_HEDGE_MIN_KNOWN || usual > INT64_MAX / FACTOR) {
        return INT64_MAX;
    }
    return MAX (FACTOR * usual, AREC_HEDGE_MIN_DELAY);
}

/* The slot of @now. Those between the newest so far and this one are emptied. */
static size_t
slot_of (ArecHedges *hedges, int64_t now)
{
    int64_t second = now / SECOND, behind = second - hedges->second;

    if (behind > 0) {
        for (int64_t i = 0; i < MIN (behind, AREC_HEDGE_SECONDS); i++) {
            size_t slot = (size_t)((second - i) % AREC_HEDGE_SECONDS);

            hedges->slots[slot].requests = hedges->slots[slot].hedges = 0;
        }
        hedges->second = second;
    }
    return (size_t)(hedges->second % AREC_HEDGE_SECONDS);
}

void
arec_hedges_note_request (ArecHedges *hedges, int64_t now)
{
    hedges->slots[slot_of (hedges, now)].requests++;
}

bool
arec_hedges_take (ArecHedges *hedges, int64_t now)
{
    size_t slot = slot_of (hedges, now);
    uint64_t n_requests = 0, n_hedges = 0;

    for (size_t i = 0; i < AREC_HEDGE_SECONDS; i++) {
        n_requests += hedges->slots[i].requests;
        n_hedges += hedges->slots[i].hedges;
    }
    if ((n_hedges + 1) * AREC_HEDGE_SHARE > n_requests) {
        return false;
    }
    hedges->slots[slot].hedges++;
    return true;
}
