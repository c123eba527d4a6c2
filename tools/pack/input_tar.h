/* The input `tar`: a record is the bytes of a regular member of a tar archive, plain, gzip,
 * bzip2, xz, zstd or lz4. */
#pragma once

#include "pack/input.h"

/* As tool_input_stream_new (). Members of one name are several records. */
ToolInput *tool_input_tar_new (const ToolInputOptions *options, GError **error);
