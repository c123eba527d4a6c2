/* The list of `-o`: options of the table, those of a mount, and those of fstab and mount
 * (8). */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include "start/option_values.h"

/* Takes @list, options separated by commas; `\,` and `\\` stand for themselves. Errors:
 * INVALID, UNSUPPORTED. */
bool arecfs_mount_options_set (ArecfsOptions *options, const char *list, GError **error);
