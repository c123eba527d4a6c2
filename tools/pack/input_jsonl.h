/* The input `jsonl`: a record is a line that is one JSON value, as it stands, or, with
 * `example`, a tf.train.Example made of the object that stands there. Lines of white space are
 * skipped. */
#pragma once

#include "pack/input.h"

/* As tool_input_stream_new (). A line that is no JSON is CORRUPT; if no line of its input was
 * JSON before, the input is none at all: FORMAT. Messages name line and offset. */
ToolInput *tool_input_jsonl_new (const ToolInputOptions *options, GError **error);
