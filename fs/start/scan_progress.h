/* How far the scans of files without an index are, all of them together, before the mount: a
 * line on a terminal that waits for longer than a moment. One thread.
 */
#pragma once

#include <stdint.h>

#include <arec/arec.h>

typedef struct {
    ArecSourceTally tally;
    int64_t started, next; /* microseconds */
} ArecfsScanProgress;

/* Shows the scans of files of @list that are opened with @options from now on, if stderr is a
 * terminal. @progress and @list outlive that. */
void arecfs_scan_progress_begin (ArecfsScanProgress *progress, const ArecSourceList *list,
                                 ArecReaderOptions *options);

/* Removes the line, if there is one. */
void arecfs_scan_progress_end (ArecfsScanProgress *progress);
