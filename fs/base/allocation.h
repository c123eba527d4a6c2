/* Memory of the program when the system has none left.
 *
 * GLib ends the process when it gets no memory, which would leave a dead mount. So in this
 * program small blocks come from a reserve then. What may be refused does not: what the engine
 * asks for by g_try_malloc () and its like, for chunks above all, fails, the request that
 * wanted it ends in ENOMEM, and the cache gives way. Thread-safe.
 *
 * Not in the library, as tests have allocators of their own; sanitizers have theirs.
 */
#pragma once

#include <stdbool.h>

#include <glib.h>

/* Sets malloc up; before there are threads. */
void arecfs_allocation_start (void);

/* Whether the limits of this process allow the least that a mount needs with @n_threads
 * threads. Errors: NOMEM, which says how much that is. */
bool arecfs_allocation_check (unsigned n_threads, GError **error);
