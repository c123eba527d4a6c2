/* When a range that a reader waits for is asked for once more, on another connection, as its
 * first byte is late. Whichever answer begins first is taken, the other is dropped. Pure: the
 * clock is an argument. One thread at a time. Times are microseconds of a clock that never goes
 * back.
 *
 *     sent ---- 95 of 100 answers begin ----|--------------------|
 *                                          p95               2 x p95: once more
 *
 * At most one of 20 requests of the last minute is made for that, so a server that has become
 * slow is not asked for twice as much.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "remote/stall.h"

#define AREC_HEDGE_MIN_DELAY INT64_C (200000)
#define AREC_HEDGE_SHARE 20

/* Answers that must be known before any is late. */
#define AREC_HEDGE_MIN_KNOWN 8

#define AREC_HEDGE_SECONDS 60

/* Of one host. All zeros: nothing was asked yet. */
typedef struct {
    int64_t second; /* of the newest slot */
    struct {
        uint32_t requests, hedges;
    } slots[AREC_HEDGE_SECONDS]; /* a ring: second % AREC_HEDGE_SECONDS */
} ArecHedges;

/* How long after it was sent a request without its first byte is late; INT64_MAX: it never is,
 * as too little is known. */
int64_t arec_hedge_delay (const ArecFirstBytes *first_bytes);

/* A request is made that is no hedge. */
void arec_hedges_note_request (ArecHedges *hedges, int64_t now);

/* Whether a hedge may be made at @now, which counts then. */
bool arec_hedges_take (ArecHedges *hedges, int64_t now);
