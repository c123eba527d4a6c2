#include "remote/throttle.h"

#include <glib.h>

void
arec_throttle_init (ArecThrottle *throttle, unsigned most)
{
    *throttle = (ArecThrottle){.limit = MIN (most, AREC_THROTTLE_FIRST), .most = most};
}

/* The limit may be far above what is in flight, so half of it could change nothing. */
static void
halve (ArecThrottle *throttle, int64_t now, unsigned in_flight)
{
    throttle->limit = MAX (1, MIN (throttle->limit, in_flight) / 2);
    throttle->n_good = 0;
    throttle->is_halved = true;
    throttle->halved_at = now;
}

static void
note_success (ArecThrottle *throttle)
{
    if (throttle->limit == throttle->most) {
        return;
    }
    throttle->n_good++;
    if (throttle->n_good >= throttle->limit) {
        throttle->limit++;
        throttle->n_good = 0;
    }
}

void
arec_throttle_note (ArecThrottle *throttle, bool is_throttled, int64_t began, int64_t now,
                    unsigned in_flight)
{
    bool is_first = !throttle->is_answered;

    throttle->is_answered = true;
    if (is_throttled) {
        if (!throttle->is_halved || began > throttle->halved_at) {
            halve (throttle, now, in_flight);
        }
    } else if (is_first) {
        throttle->limit = throttle->most;
    } else {
        note_success (throttle);
    }
}
