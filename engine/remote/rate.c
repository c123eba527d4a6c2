#include "remote/rate.h"

#include <glib.h>

#include "base/checked.h"

#define MICROSECONDS UINT64_C (1000000)

ArecRateMark
arec_rate_mark (const ArecRate *rate, int64_t now)
{
    return (ArecRateMark){.delivered = rate->delivered, .at = now};
}

/* The slot of @now. Those between the newest so far and this one are emptied. */
static ArecRateSlot *
slot_of (ArecRate *rate, int64_t now)
{
    int64_t second = now / (int64_t)MICROSECONDS;
    int64_t behind = second - rate->second;

    if (behind > 0) {
        for (int64_t i = 0; i < MIN (behind, AREC_RATE_SLOTS); i++) {
            rate->slots[(second - i) % AREC_RATE_SLOTS] = (ArecRateSlot){0};
        }
        rate->second = second;
    }
    return &rate->slots[rate->second % AREC_RATE_SLOTS];
}

void
arec_rate_deliver (ArecRate *rate, const ArecRateMark *mark, uint64_t bytes, int64_t now)
{
    ArecRateSlot *slot = slot_of (rate, now);
    uint64_t time = (uint64_t)MAX (now - mark->at, 1), scaled;

    rate->delivered += bytes;
    if (!arec_mul_u64 (rate->delivered - mark->delivered, MICROSECONDS, &scaled)) {
        scaled = UINT64_MAX;
    }
    slot->rate = MAX (slot->rate, scaled / time);
}

void
arec_rate_first_byte (ArecRate *rate, int64_t sent, int64_t now)
{
    ArecRateSlot *slot = slot_of (rate, now);
    uint64_t delay = (uint64_t)MAX (now - sent, 1);

    slot->delay = slot->delay > 0 ? MIN (slot->delay, delay) : delay;
}

uint64_t
arec_rate_bytes_per_second (const ArecRate *rate)
{
    uint64_t highest = 0;

    for (size_t i = 0; i < AREC_RATE_SLOTS; i++) {
        highest = MAX (highest, rate->slots[i].rate);
    }
    return highest;
}

uint64_t
arec_rate_delay (const ArecRate *rate)
{
    uint64_t least = 0;

    for (size_t i = 0; i < AREC_RATE_SLOTS; i++) {
        uint64_t delay = rate->slots[i].delay;

        if (delay > 0 && (least == 0 || delay < least)) {
            least = delay;
        }
    }
    return least;
}

uint64_t
arec_rate_target (const ArecRate *rate, uint64_t most)
{
    uint64_t target;

    /* 2.5 as 5 / 2, divided last. */
    if (!arec_mul_u64 (arec_rate_bytes_per_second (rate), arec_rate_delay (rate), &target) ||
        !arec_mul_u64 (target, 5, &target)) {
        target = UINT64_MAX;
    }
    target = CLAMP (target / (2 * MICROSECONDS), AREC_RATE_MIN_TARGET, AREC_RATE_MAX_TARGET);
    return MIN (target, most);
}
