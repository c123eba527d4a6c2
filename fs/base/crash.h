/* The signals that end a process with a core dump. While the kernel makes one, even of size 0,
 * it waits for all threads, and the process has not ended for its parent to see. So the watcher
 * is informed before.
 */
#pragma once

#include <stddef.h>

extern const int arecfs_crashes[];
extern const size_t arecfs_n_crashes;

/* From now on a byte goes to @socket before the process ends by one of them, unless another
 * handler has it, as with sanitizers. Once. */
void arecfs_crash_tell (int socket);
