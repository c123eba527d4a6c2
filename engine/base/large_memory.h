/* Memory for what is decoded or read whole. Threads: any. */
#pragma once

#include <stddef.h>

/* @size bytes, at least 1, not initialised; g_free (). NULL: there is not as much. Where it is
 * large, the kernel is asked for huge pages: filling it costs a page fault for each 2 MiB then,
 * not for each 4 KiB. */
void *arec_large_memory_try_new (size_t size);
