/* How far long work on files is. */
#pragma once

#include <stdint.h>

/* The file @path is done as far as @done of @total bytes; at its end done == total. Called
 * every few thousand chunks, in the thread that works for the caller. */
typedef void (*ArecProgressFunc) (void *data, const char *path, uint64_t done, uint64_t total);
