/* Versions of the libraries that this one uses. */
#pragma once

#include <glib.h>

#include <arec/visibility.h>

G_BEGIN_DECLS

/* A line for each library that takes part in reading, such as `zstd 1.5.4`: the version that is
 * loaded if the library reports it, else the one of the build. Returns (transfer full). */
AREC_PUBLIC char *arec_version_of_libraries (void);

G_END_DECLS
