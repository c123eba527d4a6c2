/* The inside of an ArecWriter, for the rooms to the right. */
#pragma once

#include <arec/writer.h>

#include "riegeli/chunk_reader.h"
#include "source/sink.h"

/* Begins a file in the empty @sink, which is taken over, also on failure. Same errors as
 * arec_writer_new (). */
ArecWriter *arec_writer_new_for_sink (ArecSink *sink, const ArecWriterOptions *options,
                                      GError **error);

/* Puts a chunk of metadata in front of all records. Before the first record, at most once.
 * @header, @data  of arec_chunk_read () or arec_chunk_header_make (), type METADATA. */
bool arec_writer_put_metadata (ArecWriter *writer, const ArecChunkHeader *header,
                               const uint8_t *data, GError **error);

/* Whether @n records that come after @n_before more ones become a group.
 * @is_last  none come after them. */
bool arec_writer_makes_group (const ArecWriter *writer, uint64_t n_before, uint64_t n,
                              bool is_last);

/* The names of the records of a chunk. */
typedef struct {
    const char *(*get) (void *data, uint64_t i); /* of record @i of the chunk; NULL: none */
    void *data;
} ArecChunkNames;

/* Adds the records of a chunk of another file, as it is stored: of a group, as
 * arec_writer_makes_group () says. How it is coded is not looked at.
 * @header, @data  of arec_chunk_read (), SIMPLE or TRANSPOSED.
 * @names          nullable. Same errors. */
bool arec_writer_put_chunk (ArecWriter *writer, const ArecChunkHeader *header,
                            const uint8_t *data, const ArecChunkNames *names, GError **error);

/* Those in effect: limits are resolved. */
const ArecWriterOptions *arec_writer_options (const ArecWriter *writer);
