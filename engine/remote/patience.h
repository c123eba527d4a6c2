/* How long a caller waits: until a time, or until one of two others says that it need not. Any
 * thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <arec/cancel.h>

/* How often those who wait look at the flags, in microseconds. */
#define AREC_PATIENCE_STEP INT64_C (50000)

typedef struct {
    int64_t deadline;         /* by g_get_monotonic_time () */
    const ArecCancel *cancel; /* of the caller; NULL: none */
    const ArecCancel *stop;   /* of what it waits in; NULL: none */
} ArecPatience;

static inline bool
arec_patience_is_cancelled (const ArecPatience *patience)
{
    return arec_cancel_is_set (patience->cancel) || arec_cancel_is_set (patience->stop);
}

/* Microseconds until the deadline, at most @most; 0: it has passed. */
static inline int64_t
arec_patience_left (const ArecPatience *patience, int64_t most)
{
    return CLAMP (patience->deadline - g_get_monotonic_time(), 0, most);
}
