/* Memory for what is kept long, as chunks in a cache are.
 *
 * A heap that grows asks the system for a few pages at a time, and each of them is faulted in
 * when it is touched: with small chunks that takes longer than reading and decoding them. Here
 * it grows by steps whose pages come at once. Any thread.
 */
#pragma once

#include <stddef.h>

/* @size bytes, not zeroed; NULL if out of memory. g_free (). */
void *arec_heap_try_malloc (size_t size);
