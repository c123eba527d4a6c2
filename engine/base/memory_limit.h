/* How much memory this process may use. */
#pragma once

#include <stdint.h>

/* Bytes: the least of the machine's memory, RLIMIT_AS and the limits of the cgroups (v2 and v1)
 * this process is in. Reads small files of /proc and /sys once, then answers from memory. Any
 * thread. */
uint64_t arec_memory_limit (void);

/* Bytes: the least limit of the cgroups that the file @groups lists, as /proc/self/cgroup does,
 * and of those above them as far as they can be seen where @mounts, a file like
 * /proc/self/mountinfo, has v2, or v1 with its controller of memory. UINT64_MAX: none. */
uint64_t arec_cgroup_memory_limit (const char *groups, const char *mounts);
