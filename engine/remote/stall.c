#include "remote/stall.h"

#include <stdlib.h>
#include <string.h>

#include <glib.h>

#define FIRST_BYTE_FACTOR 4

void
arec_stall_note_first_byte (ArecFirstBytes *first_bytes, int64_t time)
{
    first_bytes->times[first_bytes->next] = time;
    first_bytes->next = (first_bytes->next + 1) % AREC_STALL_KEPT;
    first_bytes->n = MIN (first_bytes->n + 1, AREC_STALL_KEPT);
}

static int
compare_times (const void *a, const void *b)
{
    const int64_t *one = a, *other = b;

    return (*one > *other) - (*one < *other);
}

int64_t
arec_stall_percentile (const ArecFirstBytes *first_bytes, unsigned percent)
{
    int64_t sorted[AREC_STALL_KEPT];
    size_t n = first_bytes->n;

    if (n == 0) {
        return 0;
    }
    memcpy (sorted, first_bytes->times, n * sizeof *sorted);
    qsort (sorted, n, sizeof *sorted, compare_times);
    return sorted[(n * percent + 99) / 100 - 1];
}

int64_t
arec_stall_first_byte_limit (const ArecFirstBytes *first_bytes)
{
    int64_t time = arec_stall_percentile (first_bytes, 99);

    if (first_bytes->n == 0 || time >= AREC_STALL_MAX_FIRST_BYTE / FIRST_BYTE_FACTOR) {
        return AREC_STALL_MAX_FIRST_BYTE;
    }
    return MAX (time * FIRST_BYTE_FACTOR, AREC_STALL_MIN_FIRST_BYTE);
}

void
arec_stall_watch_begin (ArecBodyWatch *watch, int64_t now)
{
    *watch = (ArecBodyWatch){.since = now};
}

bool
arec_stall_watch_for (ArecBodyWatch *watch, int64_t now, uint64_t bytes, int64_t time)
{
    if (bytes - watch->bytes >= AREC_STALL_BODY_BYTES) {
        *watch = (ArecBodyWatch){.since = now, .bytes = bytes};
        return false;
    }
    return now - watch->since >= time;
}

bool
arec_stall_watch (ArecBodyWatch *watch, int64_t now, uint64_t bytes)
{
    return arec_stall_watch_for (watch, now, bytes, AREC_STALL_BODY_TIME);
}
