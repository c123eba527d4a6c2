/* Chunks into a sink, with the block headers that belong among their bytes (FORMAT.md 3,
 * 4, 12): the counterpart of riegeli/chunk_reader.h.
 *
 * Functions without state: the sink's position is the file's, and it is a possible chunk
 * boundary after every chunk. One thread at a time for one sink. Errors: those of the sink.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/bytes.h"
#include "riegeli/chunk_reader.h"
#include "source/sink.h"

/* The header of a chunk made here, with the hash of its @data. */
ArecChunkHeader arec_chunk_header_make (ArecChunkType type, uint64_t num_records,
                                        uint64_t decoded_data_size, ArecBytes data);

/* Appends a chunk at the sink's position, which becomes that of its end.
 * @header  of arec_chunk_header_make () or arec_chunk_read (); its end, which is another one
 * here, is not looked at, its data hash is believed.
 * @data    header->data_size bytes. */
bool arec_chunk_write (ArecSink *sink, const ArecChunkHeader *header, const uint8_t *data,
                       GError **error);

/* The same in pieces, in this order: begin, data as often as there is some, in all
 * header->data_size bytes, and end. Nothing else goes into the sink meanwhile. */
typedef struct {
    ArecSink *sink;
    uint64_t begin, end; /* of the chunk */
} ArecChunkWriting;

bool arec_chunk_write_begin (ArecChunkWriting *chunk, ArecSink *sink,
                             const ArecChunkHeader *header, GError **error);
bool arec_chunk_write_data (const ArecChunkWriting *chunk, const uint8_t *data, uint64_t size,
                            GError **error);
bool arec_chunk_write_end (const ArecChunkWriting *chunk, GError **error);

/* Appends the file signature: the first chunk of a file, in an empty sink. */
bool arec_chunk_write_signature (ArecSink *sink, GError **error);

/* Appends a padding chunk that ends with a block, unless the sink is at a block's begin. */
bool arec_chunk_write_padding (ArecSink *sink, GError **error);
