/* The input `files`: a record is the bytes of a file. */
#pragma once

#include "pack/input.h"

/* Lists all files, and reads none yet. Errors: NOT_FOUND, INVALID (standard input), IO,
 * NOMEM. */
ToolInput *tool_input_files_new (const ToolInputOptions *options, GError **error);
