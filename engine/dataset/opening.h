/* From a file of a list and the caller's options to a source and the options of its shard. */
#pragma once

#include <glib.h>

#include <arec/reader.h>
#include <arec/sources.h>

#include "arrayrecord/shard.h"
#include "dataset/engine.h"

/* (transfer full) arec_source_free (). Its reads are counted by @engine, which outlives it.
 * @cancel  nullable; asked while a server is.
 * Errors: NOT_FOUND, IO; of a URL UNSUPPORTED, CANCELLED too. Blocks on I/O. */
ArecSource *arec_open_source (ArecEngine *engine, const ArecSourceFile *file,
                              const ArecCancel *cancel, GError **error);

ArecShardOptions arec_shard_options_of (const ArecEngine *engine, const ArecSourceFile *file,
                                        const ArecReaderOptions *options);
