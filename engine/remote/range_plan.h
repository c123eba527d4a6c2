/* Which requests bring the bytes that are wanted of one object. Pure. Any thread.
 *
 *     wanted      ####  ###          ############################    ##
 *     requests    [--------]         [------------][------------]    [-]
 *                 merged: near       cut: parts of one size
 *
 * - Each wanted byte that is not taken already is in exactly one request, and no taken byte is
 *   in any.
 * - Ranges at most AREC_RANGE_MAX_GAP apart become one request while it stays within the size
 *   of a part, and while at most a quarter of it is waste. A gap then costs less than a
 *   request.
 * - A longer range is cut into parts of equal size, between 1 and 8 MiB: a quarter of the
 *   window, so that four are under way. Small ranges are never cut.
 * - Demand comes first, and shares no request with what is only expected: no reader waits for
 *   the bytes of another.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source/range.h"

#define AREC_RANGE_MAX_GAP (UINT64_C (128) << 10)
#define AREC_RANGE_MIN_PART (UINT64_C (1) << 20)
#define AREC_RANGE_MAX_PART (UINT64_C (8) << 20)
/* A range for which a reader waits is cut above this only: a split chunk comes hardly
 * sooner. */
#define AREC_RANGE_MAX_WHOLE (UINT64_C (4) << 20)

/* Of one plan. */
#define AREC_RANGE_MAX_REQUESTS ((size_t)1 << 20)

#define AREC_RANGE_UNKNOWN_SIZE UINT64_MAX

typedef struct {
    ArecRange span;
    ArecUrgency urgency;
} ArecRangeWish;

typedef struct {
    const ArecRangeWish *wishes; /* in any order; they may overlap */
    size_t n_wishes;
    const ArecRange *taken; /* under way or here; in any order; they may overlap */
    size_t n_taken;
    uint64_t window; /* bytes that should be under way */
    uint64_t size;   /* of the object: no byte from there on is asked for; or UNKNOWN_SIZE */
} ArecRangeWants;

typedef struct {
    ArecRange span; /* never empty */
    uint64_t waste; /* bytes of it that no wish of its urgency wants */
    ArecUrgency urgency;
    bool is_suffix; /* the last `span.end` bytes of the object, whose size is unknown */
} ArecRangeRequest;

/* Plans by urgency, within that by position.
 * @requests  (out) @n_requests of them; g_free (). NULL if there are none. Untouched on
 * failure. Returns false if out of memory, or for more than AREC_RANGE_MAX_REQUESTS. */
bool arec_range_plan (const ArecRangeWants *wants, ArecRangeRequest **requests,
                      size_t *n_requests);

/* Makes a set of @n ranges, none of them empty: sorted, and what overlaps or touches is one.
 * Returns how many there are then. */
size_t arec_range_unite (ArecRange *ranges, size_t n);

/* The request that opens an ArrayRecord file: its postscript, which begins 65536 bytes before
 * the end, with what lies before it, which most footers fit into (FORMAT.md 8). Of a file whose
 * size is known and a multiple of 65536 the padding behind the postscript is left out.
 * @size  or AREC_RANGE_UNKNOWN_SIZE: a suffix. 0: the span is empty, nothing is to be asked. */
ArecRangeRequest arec_range_plan_opening (uint64_t size);

/* The bytes of one part, for a window of so many bytes. */
uint64_t arec_range_plan_part (ArecUrgency urgency, uint64_t window);

#define AREC_RANGE_TEXT_SIZE 64

/* The value of the header `Range` of a request: `bytes=0-99`, `bytes=-131072`. */
void arec_range_plan_text (const ArecRangeRequest *request, char text[AREC_RANGE_TEXT_SIZE]);
