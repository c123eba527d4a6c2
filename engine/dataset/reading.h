/* The inside of an ArecReader, for readahead. */
#pragma once

#include <arec/reader.h>

#include "dataset/engine.h"

ArecEngine *arec_reader_engine (ArecReader *reader);

/* What lies around @record in [0, n_records): *chunk_end, behind the last record that comes
 * with its chunk; *group_size, how many the chunks of its file have. Errors: those of the
 * index. */
bool arec_reader_surroundings (ArecReader *reader, uint64_t record, uint64_t *chunk_end,
                               uint64_t *group_size, GError **error);

/* Loads the chunk of @record unless the cache has it; a chunk that cannot be loaded is nobody's
 * failure here. Returns whether it makes sense to go on behind *chunk_end: not where the index
 * cannot be read, or the cache has enough that was loaded ahead. */
bool arec_reader_load_ahead (ArecReader *reader, uint64_t record, uint64_t *chunk_end);
