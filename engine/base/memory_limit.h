/* How much memory this process may use. */
#pragma once

#include <stdint.h>

/* Bytes: the least of the machine's memory, RLIMIT_AS and the limits of the cgroups (v2 and v1)
 * this process is in. Reads small files of /proc and /sys once, then answers from memory. Any
 * thread. */
uint64_t arec_memory_limit (void);
