/* Rent or buy. Random reads of an object, one after the other, cost a round trip each, whatever
 * is done. Once readers have waited for them as long as fetching the rest of the object would
 * take, the rest is fetched behind them. So they take at most about twice as long as by the
 * better way, and an object of which little is read, or that does not fit, stays where it is.
 * Pure: the clock is an argument. One thread at a time. Times are microseconds of a clock that
 * never goes back.
 *
 *     waited    0 ------------ 1 s ----------------- rest / rate ----------->
 *     fetched   what is read   and a sample, by      all of the rest
 *                              which the rate is
 *                              measured
 *
 * Small reads do not show what rate a line gives, hence the sample. Only time in which a reader
 * waits counts, once for all that wait: many readers at the same time share the round trips.
 */
#pragma once

#include <stdint.h>

#define AREC_PURCHASE_SAMPLE_AFTER INT64_C (1000000)
/* Fewer waits may be those of readers in order, or of one answer that was late. */
#define AREC_PURCHASE_MIN_WAITS 16

/* Of one object. All zeros: nothing was read yet. */
typedef struct {
    uint64_t n_waits;   /* ever */
    unsigned n_waiting; /* readers, each for a range that was not asked for before it came */
    int64_t since;      /* with n_waiting: when it became 1 */
    int64_t waited;     /* in which there was any, until n_waiting became 0 last */
    uint64_t rate;      /* of the sample, in bytes a second; 0: not measured */
} ArecPurchase;

typedef enum {
    AREC_PURCHASE_NOTHING,
    AREC_PURCHASE_SAMPLE, /* a large part of the rest */
    AREC_PURCHASE_ALL,
} ArecPurchaseStep;

void arec_purchase_begin_wait (ArecPurchase *purchase, int64_t now);
void arec_purchase_end_wait (ArecPurchase *purchase, int64_t now);

/* The sample, @bytes long, took @time from its request to its last byte. */
void arec_purchase_note_sample (ArecPurchase *purchase, uint64_t bytes, int64_t time);

/* What to fetch now.
 * @rest  bytes of the object that were not fetched.
 * @room  bytes that may be kept. */
ArecPurchaseStep arec_purchase_judge (const ArecPurchase *purchase, uint64_t rest,
                                      uint64_t room);
