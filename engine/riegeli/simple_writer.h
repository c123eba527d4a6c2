/* A simple chunk (FORMAT.md 6) of records that are made one by one, as often as they are
 * needed: for chunks of millions of records, which are never in memory together. The
 * counterpart of riegeli/simple_stream.h; its bytes are those of riegeli/simple_encoder.h, as
 * far as codec/compress_stream.h says.
 *
 *     compressed      sizes -> body, values -> body, header and body -> sink
 *     uncompressed    sizes, values -> hash, header and sizes, values -> sink
 *
 * A function without state; one thread at a time for one sink. Memory: the compressed body, and
 * a piece of what is compressed; uncompressed the latter alone.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/bytes.h"
#include "codec/compress.h"
#include "source/sink.h"

typedef struct {
    uint64_t n_records;
    uint64_t sizes_size;  /* bytes of the sizes of all records, as varints */
    uint64_t values_size; /* bytes of all records */
    /* The next record is the first one again. @is_last  for the last time. */
    void (*rewind) (void *data, bool is_last);
    /* Of all records after each rewind, either what the next one is, which stays until the next
     * call, or how many bytes it has. */
    ArecBytes (*next) (void *data);
    size_t (*next_size) (void *data);
    void *data;
} ArecSimpleRecords;

/* Appends the chunk of @records at the sink's position.
 * Errors: NOMEM, LIMIT (more than the codec takes), INVALID (no such level or window log), and
 * those of the sink. */
bool arec_simple_writer_write (ArecSink *sink, const ArecCodecOptions *codec,
                               const ArecSimpleRecords *records, GError **error);
