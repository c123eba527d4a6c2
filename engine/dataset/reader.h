/* What this room's files need of a reader. Any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include <arec/reader.h>

#include "arrayrecord/index.h"
#include "arrayrecord/shard.h"
#include "dataset/chunk_loads.h"
#include "dataset/engine.h"

ArecEngine *arec_reader_engine (ArecReader *reader);

/* Threads to use for many chunks: the engine's number, unless the reader's options say
 * otherwise. 0 or 1: only the caller's own. */
unsigned arec_reader_parallelism (const ArecReader *reader);

/* Bytes that may be decoded ahead of a caller that goes over the records in order; 0: none. */
uint64_t arec_reader_ahead_size (const ArecReader *reader);

ArecShard *arec_reader_shard (ArecReader *reader, size_t file);

/* Errors: INVALID, if there is no such record. */
bool arec_reader_check_number (const ArecReader *reader, uint64_t record, GError **error);

/* Number in the sequence one past the last record that comes with the chunk of @record, which
 * is at @spot. */
uint64_t arec_reader_chunk_end (const ArecReader *reader, uint64_t record,
                                const ArecSpot *spot);

/* The chunk of @spot as one that may be loaded; valid as long as @spot. */
ArecChunkLoad arec_reader_load_at (ArecReader *reader, const ArecSpot *spot);
