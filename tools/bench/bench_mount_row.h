/* Measures one way of reading files through a mount of their own: by open, read and close of
 * the records' files, in a process of its own.
 *
 * One thread at a time, in a process that has no other threads.
 */
#pragma once

#include "bench/bench_access_row.h"

/* Reads records as files. Time and percentiles are the reader's, CPU time both the reader's and
 * the server's, memory the server's.
 * Errors: those of tool_bench_server_start (); CORRUPT: a record is damaged; IO. Blocks until
 * all is unmounted, also after a failure. */
bool tool_bench_mount_row_run (ToolBenchAccess access, const ToolBenchAccessWork *work,
                               ToolBenchAccessFigures *figures, GError **error);
