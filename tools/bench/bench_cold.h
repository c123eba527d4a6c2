/* Takes files out of the page cache. */
#pragma once

#include <stdbool.h>

#include <glib.h>

/* Asks the system to drop what it keeps of @path. Returns false if it keeps it all the same, as
 * in memory file systems, or the file cannot be opened: then a read of it is not cold. */
bool tool_bench_cold_drop (const char *path);
