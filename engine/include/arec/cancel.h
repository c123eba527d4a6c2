/* ArecCancel: a flag by which one thread, or a signal handler, asks another to stop. Zeroed, it
 * is not set. It must not move or go while a call may still read it.
 */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include <arec/visibility.h>

G_BEGIN_DECLS

typedef struct {
    int is_set; /* private: only the calls below touch it */
} ArecCancel;

/* A call that was given @cancel ends with CANCELLED before its next read. Any thread;
 * async-signal-safe. */
AREC_PUBLIC void arec_cancel_set (ArecCancel *cancel);

/* The reads that the calling thread makes from now on, and that wait for a network, end with
 * CANCELLED soon after @cancel is set. What other threads wait for, too, goes on for them.
 * NULL: no more. @cancel stays until another is bound. */
AREC_PUBLIC void arec_cancel_bind (const ArecCancel *cancel);

/* What the calling thread has bound; NULL: nothing. */
AREC_PUBLIC const ArecCancel *arec_cancel_bound (void);

/* @cancel  NULL: never. Costs one atomic load. */
AREC_PUBLIC bool arec_cancel_is_set (const ArecCancel *cancel);

G_END_DECLS
