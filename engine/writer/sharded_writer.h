/* ArecShardedWriter: where the chunks of a writer go. That is one file, or the shards of a set,
 * of which either all get their names or none.
 *
 *     chunk ->  [ shard | complete ]  [ shard | complete ]  [ shard ]     finish -> names
 *
 * A shard ends between two chunks, so what is encoded ahead does not depend on where. Names of
 * records wait for the chunk of their record and go to the end of its file. One thread at a
 * time. After a failure nothing but freeing makes sense.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include <arec/sharding.h>
#include <arec/writer.h>

#include "arrayrecord/shard_writer.h"

typedef struct ArecShardedWriter ArecShardedWriter;

/* Of one file: takes the empty @sink over, also on failure. @options  copied. Errors: those of
 * arec_shard_writer_new (). */
ArecShardedWriter *arec_sharded_writer_new_for_sink (ArecSink *sink,
                                                     const ArecShardWriterOptions *options,
                                                     GError **error);

/* Looks for files that are in the way, and begins the first shard, or all of which chunks may
 * come in any order. @sharding  checked, not NONE. Errors: also IO, something has a name. */
ArecShardedWriter *arec_sharded_writer_new (const char *out, const ArecSharding *sharding,
                                            const ArecOutputOptions *output,
                                            const ArecShardWriterOptions *options,
                                            GError **error);

/* Takes NULL; what is not finished is discarded. */
void arec_sharded_writer_free (ArecShardedWriter *writer);

/* A chunk of metadata for each file. Before everything else, at most once. */
bool arec_sharded_writer_put_metadata (ArecShardedWriter *writer, const ArecChunkHeader *header,
                                       const uint8_t *data, GError **error);

/* Another record of lane @lane, before its chunk is put. @name  what the file then keeps; NULL
 * or empty: it has none. A file in which no record has a name is the same as without this call.
 * Errors: LIMIT, NOMEM, without the name of the output. */
bool arec_sharded_writer_add_record (ArecShardedWriter *writer, size_t lane, const char *name,
                                     GError **error);

/* The next chunk of lane @lane; it does not go beyond arec_sharding_end_after (). All
 * its records were added. As arec_shard_writer_put_chunk (). */
bool arec_sharded_writer_put_chunk (ArecShardedWriter *writer, size_t lane,
                                    const ArecChunkHeader *header, const uint8_t *data,
                                    GError **error);

/* Completes all files, so that only their names are missing. Called once, before the commit. */
bool arec_sharded_writer_complete (ArecShardedWriter *writer, GError **error);

/* Gives them their names. Called once, last. */
bool arec_sharded_writer_commit (ArecShardedWriter *writer, GError **error);

/* Files that were begun, and what they are. The path is the last one once they are finished;
 * it lives as long as @writer, or until the next call that writes. */
uint64_t arec_sharded_writer_n_files (const ArecShardedWriter *writer);
const char *arec_sharded_writer_get_file (const ArecShardedWriter *writer, uint64_t i,
                                          ArecWriterTotals *totals);

/* After the finish: shards of the same name and another number that were there before,
 * NULL-terminated, owned by @writer. */
const char *const *arec_sharded_writer_others (const ArecShardedWriter *writer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecShardedWriter, arec_sharded_writer_free)
