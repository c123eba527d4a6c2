/* How many requests to one host may be in flight. Pure: the clock is an argument. One thread at
 * a time.
 *
 *     limit   most  |        ______                 first answer: the most
 *                   |       |      |         ___    429, 503: half of those in flight
 *             8     |_______|      |   __---        then one more for each window of successes
 *                   |              |---
 *                   +---------------------------> answers
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Requests in flight until the first answer. */
#define AREC_THROTTLE_FIRST 8

typedef struct {
    unsigned limit; /* in [1, most] */
    unsigned most;
    unsigned n_good; /* successes since the limit last moved */
    bool is_answered;
    bool is_halved;    /* at least once */
    int64_t halved_at; /* when that was last */
} ArecThrottle;

/* @most  at least 1. */
void arec_throttle_init (ArecThrottle *throttle, unsigned most);

/* Notes an answer.
 * @began      when its request was sent. One that was sent before the last halving could not
 *             know of it, so that being throttled does not halve again.
 * @in_flight  requests in flight, this one included. */
void arec_throttle_note (ArecThrottle *throttle, bool is_throttled, int64_t began, int64_t now,
                         unsigned in_flight);
