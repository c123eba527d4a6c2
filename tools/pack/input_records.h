/* The inputs `array_record` and `riegeli`: the records of such files, read by the library. A
 * name may be a glob, NAME@N, a directory, PATH[a:b]. */
#pragma once

#include "pack/input.h"

/* Opens all files. One without an index is scanned; where a scan finds damage it is an error,
 * unless `recover` is set. Errors: NOT_FOUND, FORMAT, CORRUPT, UNSUPPORTED, LIMIT, IO, NOMEM,
 * INVALID (a range, standard input, the output among them). */
ToolInput *tool_input_array_record_new (const ToolInputOptions *options, GError **error);
ToolInput *tool_input_riegeli_new (const ToolInputOptions *options, GError **error);
