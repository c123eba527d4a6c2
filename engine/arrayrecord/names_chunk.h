/* The chunk that holds the names of records, between the last chunk of records and the footer
 * (FORMAT.md 8, "Names"): found, read, written.
 *
 * Functions without state; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/bytes.h"
#include "codec/compress.h"
#include "naming/name_table.h"
#include "riegeli/chunk_reader.h"
#include "source/sink.h"
#include "source/source.h"

/* Where one is, and what it says of itself, which is not verified. */
typedef struct {
    bool is_there;
    uint64_t begin;
    ArecChunkHeader header;
    uint64_t size; /* bytes of the names; 0: it does not say */
} ArecNamesChunk;

/* Looks for the last one in [begin, end) by a walk over the chunks from @begin on.
 * @begin  where the last chunk of records begins, or the file's first chunk after the
 *         signature; its data is not read.
 * Errors: those of the source. Blocks on I/O. */
bool arec_names_chunk_find (ArecSource *source, uint64_t begin, uint64_t end,
                            ArecNamesChunk *found, GError **error);

/* Reads, verifies and decodes @chunk, which is there. Memory: stored and decoded bytes.
 * @n         names that it must hold.
 * @max_size  bytes, stored or decoded; more: LIMIT.
 * @out       (transfer full).
 * Errors: CORRUPT, UNSUPPORTED, LIMIT, NOMEM, and those of the source. */
bool arec_names_chunk_read (ArecSource *source, const ArecNamesChunk *chunk, uint64_t n,
                            uint64_t max_size, ArecNameTable **out, GError **error);

/* Appends a chunk of @names, each of which ends with a NUL byte, packed by @codec.
 * Errors: NOMEM, LIMIT, INVALID, and those of the sink, with its name. */
bool arec_names_chunk_write (ArecSink *sink, const ArecCodecOptions *codec, ArecBytes names,
                             GError **error);
