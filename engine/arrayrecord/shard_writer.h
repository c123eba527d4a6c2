/* Writes one ArrayRecord file of chunks that are encoded already, in the order of the calls:
 * new ones, and those of other files as they are (FORMAT.md 8, 12).
 *
 * One thread at a time. After a failure nothing but freeing makes sense: the file is not
 * committed. Memory: the footer's (arrayrecord/footer_writer.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/bytes.h"
#include "codec/compress.h"
#include "riegeli/chunk_reader.h"
#include "source/sink.h"

typedef struct {
    ArecCodecOptions codec;     /* of the footer */
    bool pad_to_block_boundary; /* each chunk ends with a block */
    const char *writer_options; /* kept with the file; NULL: none; copied */
} ArecShardWriterOptions;

typedef struct ArecShardWriter ArecShardWriter;

/* Takes the empty @sink over, also on failure, and writes the file signature.
 * NULL with @error set: as arec_shard_writer_put_chunk (). */
ArecShardWriter *arec_shard_writer_new (ArecSink *sink, const ArecShardWriterOptions *options,
                                        GError **error);
/* Takes NULL; without a successful finish nothing stays of the file. */
void arec_shard_writer_free (ArecShardWriter *writer);

/* Appends a chunk of metadata. Before everything else, at most once.
 * @header, @data  of arec_chunk_read () or arec_chunk_header_make (), type METADATA. */
bool arec_shard_writer_put_metadata (ArecShardWriter *writer, const ArecChunkHeader *header,
                                     const uint8_t *data, GError **error);

/* Appends a chunk of records. Their number is not looked at: a file whose chunks, but for the
 * last, have unequal numbers of records is misread by the reference.
 * @header, @data  of arec_chunk_read () or arec_chunk_header_make (), SIMPLE or TRANSPOSED, at
 * least 1 record. Errors: NOMEM, and those of the sink. */
bool arec_shard_writer_put_chunk (ArecShardWriter *writer, const ArecChunkHeader *header,
                                  const uint8_t *data, GError **error);

/* Appends the names of the records that are in the file, each with a NUL byte after it. After
 * all chunks of records, at most once. Errors: as arec_shard_writer_finish (). */
bool arec_shard_writer_put_names (ArecShardWriter *writer, ArecBytes names, GError **error);

/* Bytes of the file so far. */
uint64_t arec_shard_writer_position (const ArecShardWriter *writer);

/* Appends the footer, and commits the sink. Called once, last. Errors: also LIMIT (more bytes
 * than the codec takes), INVALID (no such level or window log). */
bool arec_shard_writer_finish (ArecShardWriter *writer, GError **error);

/* Appends the footer, and completes the sink: instead of a finish, for a file that gets its
 * name later, or not at all. Returns the sink (transfer full), after which only a free may
 * follow. NULL with @error set: same errors. */
ArecSink *arec_shard_writer_complete (ArecShardWriter *writer, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecShardWriter, arec_shard_writer_free)
