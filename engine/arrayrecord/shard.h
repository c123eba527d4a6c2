/* A shard: one open ArrayRecord file and its index.
 *
 * Immutable after opening; any number of threads may use it. Opening reads the postscript and
 * the footer, nothing else. Loading reads, verifies and decodes one chunk each time it is
 * called: caching is another room.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "arrayrecord/index.h"
#include "riegeli/chunk.h"
#include "source/source.h"

typedef struct ArecShard ArecShard;

/* Takes @source over, also on failure.
 * @max_chunk_size   bytes of one decoded chunk that are accepted, above it: LIMIT.
 * @name_is_array_record  the file's name promises ArrayRecord: without a valid postscript it is
 * damaged (CORRUPT), not of an unknown format.
 * @offloaded  where the index goes; must outlive the shard. NULL: into memory.
 * Errors: FORMAT, CORRUPT, UNSUPPORTED (plain Riegeli), LIMIT, NOMEM, and those of the source
 * and of the index file. */
ArecShard *arec_shard_open (ArecSource *source, uint64_t max_chunk_size,
                            bool name_is_array_record, ArecIndexFile *offloaded,
                            GError **error);
void arec_shard_free (ArecShard *shard); /* takes NULL */

const ArecSource *arec_shard_source (const ArecShard *shard);
const ArecIndex *arec_shard_index (const ArecShard *shard);
/* The writer's option string, up to a NUL byte if it has one; NULL when the file has none. */
const char *arec_shard_options (const ArecShard *shard);

/* CHANGED when a load has found that the source is no longer what was opened. Does no I/O. */
bool arec_shard_check_known (const ArecShard *shard, GError **error);

/* Decodes chunk @chunk in [0, n_chunks), or the one that @entry of the index describes, which
 * asks the index no more. @out (transfer full) arec_chunk_free ().
 * Errors: CORRUPT, CHANGED, UNSUPPORTED, LIMIT, NOMEM, IO. */
bool arec_shard_load_chunk (ArecShard *shard, uint64_t chunk, ArecChunk **out, GError **error);
bool arec_shard_load_chunk_at (ArecShard *shard, const ArecIndexEntry *entry, ArecChunk **out,
                               GError **error);

/* The record ends of a chunk, given as above, without decoding values, see
 * arec_chunk_read_sizes (); UNSUPPORTED where the chunk has no size list. A list with a record
 * of size 0 is confirmed by the chunk's data hash.
 * @ends (out) arec_record_ends_clear (). Same errors. */
bool arec_shard_load_sizes (ArecShard *shard, uint64_t chunk, ArecRecordEnds *ends,
                            GError **error);
bool arec_shard_load_sizes_at (ArecShard *shard, const ArecIndexEntry *entry,
                               ArecRecordEnds *ends, GError **error);

/* Compression byte and type of chunk @chunk, from its first bytes. Same errors. */
bool arec_shard_read_coding (ArecShard *shard, uint64_t chunk, uint8_t *compression,
                             bool *transposed, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecShard, arec_shard_free)
