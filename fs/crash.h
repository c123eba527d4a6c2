/* The signals that end a process with a core dump. While the kernel makes one, even of size 0,
 * it waits for all threads, and none of them has ended for anybody to see: so who is to know of
 * it is told before.
 */
#pragma once

#include <stddef.h>

extern const int arecfs_crashes[];
extern const size_t arecfs_n_crashes;

/* From now on a byte goes to @socket before the process ends by one of them, as far as nobody
 * else handles it, as sanitizers do. Once. */
void arecfs_crash_tell (int socket);
