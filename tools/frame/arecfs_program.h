/* The program arecfs, as arec finds it. */
#pragma once

#include <glib.h>

#define TOOL_ARECFS_PROGRAM "arecfs"

/* Becomes arecfs: the one beside our own executable, so that an installation (or a build) is
 * used as a whole, else the one in PATH.
 * @argv  NULL-terminated, without the program's name, which is put before them.
 * Returns on failure only, with errno set; ENOENT: it is not installed. */
void tool_arecfs_program_become (char *const *argv);
