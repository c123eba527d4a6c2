/* How much memory this process may use. */
#pragma once

#include <stdint.h>

/* Bytes: the least of the machine's memory, RLIMIT_AS and the limits of the cgroups (v2 and v1)
 * this process is in. Reads small files of /proc and /sys once, then answers from memory. Any
 * thread. */
uint64_t arec_memory_limit (void);

/* Bytes: the least limit of the cgroups that the file @groups lists, as /proc/self/cgroup does,
 * and of those above them, below @root, where v2 is mounted, or v1 in its folder `memory`.
 * UINT64_MAX: none. */
uint64_t arec_cgroup_memory_limit (const char *groups, const char *root);
