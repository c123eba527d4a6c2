#include "remote/purchase.h"

#include <glib.h>

#include "base/checked.h"

#define MICROSECONDS UINT64_C (1000000)

void
arec_purchase_begin_wait (ArecPurchase *purchase, int64_t now)
{
    purchase->n_waits++;
    if (purchase->n_waiting++ == 0) {
        purchase->since = now;
    }
}

void
arec_purchase_end_wait (ArecPurchase *purchase, int64_t now)
{
    if (--purchase->n_waiting == 0) {
        purchase->waited += MAX (now - purchase->since, 0);
    }
}

void
arec_purchase_note_sample (ArecPurchase *purchase, uint64_t bytes, int64_t time)
{
    uint64_t scaled;

    if (!arec_mul_u64 (bytes, MICROSECONDS, &scaled)) {
        scaled = UINT64_MAX;
    }
    purchase->rate = MAX (scaled / (uint64_t)MAX (time, 1), 1);
}

ArecPurchaseStep
arec_purchase_judge (const ArecPurchase *purchase, uint64_t rest, uint64_t room)
{
    uint64_t scaled;

    if (rest == 0 || rest > room || purchase->n_waits < AREC_PURCHASE_MIN_WAITS ||
        purchase->waited < AREC_PURCHASE_SAMPLE_AFTER) {
        return AREC_PURCHASE_NOTHING;
    }
    if (purchase->rate == 0) {
        return AREC_PURCHASE_SAMPLE;
    }
    return arec_mul_u64 (rest, MICROSECONDS, &scaled) &&
                   scaled / purchase->rate <= (uint64_t)purchase->waited
               ? AREC_PURCHASE_ALL
               : AREC_PURCHASE_NOTHING;
}
