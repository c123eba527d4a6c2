/* The walk over the headers of a file, held against its index, in the caller's thread. */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include "inspect/inspector_inside.h"

/* Goes on until inspector->pending is a batch, or the file ends. Errors: those of reading. */
bool arec_inspect_walk_on (ArecInspector *inspector, GError **error);
