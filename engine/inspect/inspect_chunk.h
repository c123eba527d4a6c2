/* One thing that the walk met, in any thread: a chunk is read and judged. */
#pragma once

#include "inspect/inspector_inside.h"

/* Reads the chunk of @job, unless it is a damage already, and notes in it what was found.
 * Blocks on I/O and decoding. */
void arec_inspect_chunk_work (const ArecInspector *inspector, ArecInspectorJob *job);

void arec_inspect_chunk_free (void *job); /* takes NULL */
