/* Small files that are read and written whole, below an open directory. Failures set errno. Any
 * thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Fills @out with the first @size bytes, of a regular file.
 * Returns how many it has, at most @size; -1 with errno. Blocks on I/O. */
int64_t arec_small_file_read (int dir_fd, const char *name, void *out, size_t size);

/* Makes the file, readable by its owner alone, under another name, and gives it @name when it
 * is complete. No sync: after a crash of the system it may be empty.
 * @replaces  false: EEXIST if there is one; true: it replaces that. Blocks on I/O. */
bool arec_small_file_write (int dir_fd, const char *name, const void *data, size_t size,
                            bool replaces);
