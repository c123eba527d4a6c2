/* The input `tfrecord`: the records of TFRecord files, plain, GZIP or ZLIB, as TensorFlow
 * stores them. Each checksum is compared. */
#pragma once

#include "pack/input.h"

/* As tool_input_stream_new (). With `recover` a record whose data do not match their checksum
 * is left out, and so is the last one if the file is cut off within it; a damaged length is an
 * error in any case, as nothing says where the next record begins. */
ToolInput *tool_input_tfrecord_new (const ToolInputOptions *options, GError **error);
