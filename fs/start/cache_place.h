/* Where the disk cache of servers may lie.
 */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include "start/option_values.h"

/* Before the mount: whether it will not cover the disk cache of @options, if there is one.
 * Errors: INVALID. */
bool arecfs_cache_place_check (const ArecfsOptions *options, GError **error);
