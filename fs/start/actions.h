/* What the command line may ask for instead of a mount. */
#pragma once

#include "start/option_values.h"

/* Does options->action, which is not ARECFS_RUN, and returns the exit code. */
int arecfs_actions_run (const ArecfsOptions *options);

/* As `mount -o remount` asks for: what is mounted stays as it is. Returns the exit code. */
int arecfs_actions_remount (const char *mount_point);
