/* The bytes of an input as a file in $TMPDIR, for what opens files by name. */
#pragma once

#include <stddef.h>

/* Puts @data into the process's one file, which goes with the process unless that aborts.
 * Returns its path, which counts as ArrayRecord and stays the same. Nobody has it open. */
const char *fuzz_temp_file (const void *data, size_t size);
