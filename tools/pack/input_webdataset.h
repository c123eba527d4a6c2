/* The input `webdataset`: a record is a sample, which is a run of members of a tar archive
 * with one key, as a tar archive of them. The key is the path up to the first dot of its last
 * part. */
#pragma once

#include "pack/input.h"

/* As tool_input_tar_new (). A record holds names and bytes of its members and nothing else of
 * them, so equal ones are equal records. Members with a key that has been there before, with
 * others since, are a sample of their own, with one note for each archive. */
ToolInput *tool_input_webdataset_new (const ToolInputOptions *options, GError **error);
