/* The input `lines`: a record is a line without its newline. */
#pragma once

#include "pack/input.h"

/* As tool_input_stream_new (). The last line may lack its end. */
ToolInput *tool_input_lines_new (const ToolInputOptions *options, GError **error);
