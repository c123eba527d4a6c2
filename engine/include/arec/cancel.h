/* ArecCancel: a word from one thread, or from a signal handler, that what another one does is
 * not wanted any more. A zeroed one is fine as it is; it stays where it is as long as something
 * may look at it.
 */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include <arec/visibility.h>

G_BEGIN_DECLS

typedef struct {
    int is_set; /* private: only the calls below touch it */
} ArecCancel;

/* What looks at @cancel ends with CANCELLED, soon: before its next read. Any thread;
 * async-signal-safe. */
AREC_PUBLIC void arec_cancel_set (ArecCancel *cancel);

/* @cancel  NULL: never. Costs one atomic load. */
AREC_PUBLIC bool arec_cancel_is_set (const ArecCancel *cancel);

G_END_DECLS
