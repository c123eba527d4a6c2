/* What a line to a host gives: the highest delivery rate and the least time to the first byte
 * of the last 10 s, over all of its connections, and from both how many bytes should be on
 * their way. Pure: the clock is an argument. One thread at a time.
 *
 *     request sent          bytes of all requests arrive            its last bytes
 *     mark -------------------------------------------------------> deliver
 *          rate = bytes of all that arrived since the mark / time since the mark
 *
 * A rate over the life of a request is at least a round trip long, so neither a burst out of
 * the kernel's buffer nor a clock that ticks coarsely makes it too high. While few bytes are
 * asked for it is too low; then the target is a multiple of what arrived, so it grows until the
 * line is full. Estimates stand until 10 s after them newer ones come: silence says nothing.
 *
 * Times are microseconds of a clock that never goes back. All zeros is a line of which nothing
 * is known.
 */
#pragma once

#include <stdint.h>

/* The least and the most that should be on their way, in bytes. */
#define AREC_RATE_MIN_TARGET (UINT64_C (1) << 20)
#define AREC_RATE_MAX_TARGET (UINT64_C (64) << 20)

/* The time in which the best counts, in slots of a second: what is older than 10 s does not
 * count, what is younger than 9 s does. */
#define AREC_RATE_SLOTS 10

typedef struct {
    uint64_t rate;  /* highest, in bytes a second; 0: none */
    uint64_t delay; /* least; 0: none */
} ArecRateSlot;

typedef struct {
    uint64_t delivered;                  /* bytes, ever */
    int64_t second;                      /* of the newest slot */
    ArecRateSlot slots[AREC_RATE_SLOTS]; /* a ring: second % AREC_RATE_SLOTS */
} ArecRate;

/* The line when a request was sent. */
typedef struct {
    uint64_t delivered;
    int64_t at;
} ArecRateMark;

ArecRateMark arec_rate_mark (const ArecRate *rate, int64_t now);

/* @bytes of the body of the request with @mark arrived by @now. */
void arec_rate_deliver (ArecRate *rate, const ArecRateMark *mark, uint64_t bytes, int64_t now);

/* The first byte of the answer to a request that was sent at @sent arrived at @now. On a new
 * connection the request is sent after the connection stands. */
void arec_rate_first_byte (ArecRate *rate, int64_t sent, int64_t now);

/* Bytes a second. 0: unknown. */
uint64_t arec_rate_bytes_per_second (const ArecRate *rate);

/* Microseconds. 0: unknown. */
uint64_t arec_rate_delay (const ArecRate *rate);

/* Bytes that should be on their way: 2.5 x rate x delay within the bounds above. With fewer the
 * line idles, with more they only queue.
 * @most  of a caller: at most this, if that is below the least, too. */
uint64_t arec_rate_target (const ArecRate *rate, uint64_t most);
