/* Outputs that are being written, for the handler of a signal that ends the process. */
#pragma once

#include <glib.h>

#include <arec/visibility.h>

G_BEGIN_DECLS

/* Removes the hidden files of all outputs that are not complete, where the file system made
 * them need a name. Async-signal-safe; the process ends afterwards without writing on. */
AREC_PUBLIC void arec_outputs_abort (void);

G_END_DECLS
