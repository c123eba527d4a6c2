/* Writes one ArrayRecord file: records, grouped and encoded here, and chunks of other files as
 * they are, in the order of the calls (spec/container 7.1, 8).
 *
 * One thread at a time. After a failure nothing but freeing makes sense: the file is not
 * committed. Memory: one group of records twice, and the footer's
 * (arrayrecord/footer_writer.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "codec/compress.h"
#include "riegeli/chunk_reader.h"
#include "source/sink.h"

typedef struct {
    ArecCodecOptions codec; /* of groups and of the footer */
    uint64_t group_size;    /* records of a chunk, at least 1; the last one may have fewer */
    bool pad_to_block_boundary; /* each chunk, copied or not, ends with a block */
    const char *writer_options; /* kept with the file; NULL: none; copied */
} ArecShardWriterOptions;

typedef struct ArecShardWriter ArecShardWriter;

/* Takes the empty @sink over, also on failure, and writes the file signature.
 * NULL with @error set: as arec_shard_writer_add (). */
ArecShardWriter *arec_shard_writer_new (ArecSink *sink, const ArecShardWriterOptions *options,
                                        GError **error);
/* Takes NULL; without a successful finish nothing stays of the file. */
void arec_shard_writer_free (ArecShardWriter *writer);

/* Appends the metadata chunk of another file as it is. Before everything else, at most once.
 * @header, @data  of arec_chunk_read (), type METADATA. */
bool arec_shard_writer_copy_metadata (ArecShardWriter *writer, const ArecChunkHeader *header,
                                      const uint8_t *data, GError **error);

/* Appends a chunk of another file as it is; records that were added before come first, in a
 * chunk of their own. The group size is not looked at: a file whose chunks, but for the last,
 * have unequal numbers of records is misread by the reference.
 * @header, @data  of arec_chunk_read (), SIMPLE or TRANSPOSED, at least 1 record. */
bool arec_shard_writer_copy_chunk (ArecShardWriter *writer, const ArecChunkHeader *header,
                                   const uint8_t *data, GError **error);

/* Appends a record, which is copied. Errors: NOMEM, LIMIT (more bytes in a group than the codec
 * takes), INVALID (no such level or window log), and those of the sink. */
bool arec_shard_writer_add (ArecShardWriter *writer, const void *data, size_t size,
                            GError **error);

/* Appends what is left and the footer, and commits the sink. Called once, last. Same errors. */
bool arec_shard_writer_finish (ArecShardWriter *writer, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecShardWriter, arec_shard_writer_free)
