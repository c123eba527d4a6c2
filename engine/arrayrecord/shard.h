/* A shard: one open ArrayRecord file, its index in memory.
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
 * @limits  what decoding a chunk may cost; above: LIMIT.
 * @name_is_array_record  the file's name promises ArrayRecord: without a valid postscript it is
 * damaged (CORRUPT), not of an unknown format. Errors: FORMAT, CORRUPT, UNSUPPORTED (plain
 * Riegeli), LIMIT, NOMEM, and those of the source. */
ArecShard *arec_shard_open (ArecSource *source, const ArecDecodeLimits *limits,
                            bool name_is_array_record, GError **error);
void arec_shard_free (ArecShard *shard); /* takes NULL */

const ArecSource *arec_shard_source (const ArecShard *shard);
const ArecIndex *arec_shard_index (const ArecShard *shard);
/* The writer's option string, up to a NUL byte if it has one; NULL when the file has none. */
const char *arec_shard_options (const ArecShard *shard);

/* CHANGED when a load has found that the source is no longer what was opened. Does no I/O. */
bool arec_shard_check_known (const ArecShard *shard, GError **error);

/* Decodes chunk @chunk in [0, n_chunks). @out (transfer full) arec_chunk_free ().
 * Errors: CORRUPT, CHANGED, UNSUPPORTED, LIMIT, NOMEM, IO. */
bool arec_shard_load_chunk (ArecShard *shard, uint64_t chunk, ArecChunk **out, GError **error);

/* The record ends of chunk @chunk without decoding values, see arec_chunk_read_sizes (). A list
 * with a record of size 0 is confirmed by the chunk's data hash.
 * @ends (out) arec_record_ends_clear (). Same errors. */
bool arec_shard_load_sizes (ArecShard *shard, uint64_t chunk, ArecRecordEnds *ends,
                            GError **error);

/* Compression byte and type of chunk @chunk, from its first bytes. Same errors. */
bool arec_shard_read_coding (ArecShard *shard, uint64_t chunk, uint8_t *compression,
                             bool *transposed, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecShard, arec_shard_free)
