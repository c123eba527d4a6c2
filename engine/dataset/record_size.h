/* Sizes of records. Any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <arec/reader.h>

#include "dataset/chunk_walk.h"

/* The size of record @i of the chunk where @walk stands. Errors: those of loading sizes. */
bool arec_reader_size_in_chunk (ArecReader *reader, const ArecChunkWalk *walk, uint64_t i,
                                uint64_t *size, GError **error);
