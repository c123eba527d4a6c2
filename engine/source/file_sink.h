/* A sink into a new local file, which appears under its name only when it is complete and
 * synced to the disk.
 *
 * Until then it has no name at all where the filesystem has O_TMPFILE, so that whatever ends
 * the process leaves nothing behind; elsewhere a hidden one, `.arec-XXXXXXXXXXXXXXXX`, in the
 * directory of the target; arec_outputs_abort () removes it. A commit that fails leaves the
 * target as it was, except when the very last step does, the sync of its directory. All
 * failures are IO: an output is no source.
 */
#pragma once

#include "source/sink.h"

typedef enum {
    AREC_FILE_SINK_REPLACE = 1 << 0, /* the commit replaces a regular file of that name */
    AREC_FILE_SINK_NAMED = 1 << 1,   /* a hidden name, even where there is O_TMPFILE */
} ArecFileSinkFlags;

/* Creates the output for @path, with the mode 0666 & ~umask. The directory exists. Without
 * REPLACE nothing may have that name, neither now nor at the commit; with it a regular file
 * may, which stays as it is until the commit. NULL with @error set: IO. */
ArecSink *arec_file_sink_new (const char *path, ArecFileSinkFlags flags, GError **error);
