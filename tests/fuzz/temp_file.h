/* The bytes of an input as a file in $TMPDIR, for targets that open files by name. */
#pragma once

#include <stddef.h>

/* Puts @data into the one file of this process, which is removed at exit but not if the
 * process aborts. Returns its path, which counts as ArrayRecord and stays the same. The file
 * is closed. */
const char *fuzz_temp_file (const void *data, size_t size);
