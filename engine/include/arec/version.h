/* Which libraries this one runs with. */
#pragma once

#include <glib.h>

#include <arec/visibility.h>

G_BEGIN_DECLS

/* A line for each library that takes part in reading, such as `zstd 1.5.4`, by what is loaded
 * now where it tells, else by what this was built with. Returns (transfer full). */
AREC_PUBLIC char *arec_version_of_libraries (void);

G_END_DECLS
