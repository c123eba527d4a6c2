/* Gathers what ArrayRecord keeps at the end of a file, and writes it: footer and postscript
 * (engine/FORMAT.md 8). The counterpart of arrayrecord/footer_reader.h.
 *
 * One thread at a time. Memory: what differs from chunk to chunk (footer_entries.h), 2 to 7
 * bytes a chunk for chunks of up to 512 KiB; of the footer itself, which has 8 to 17, only
 * pieces. While it is written, this shrinks, and its compressed form, which is smaller, grows.
 * An uncompressed one takes nothing more.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "codec/compress.h"
#include "source/sink.h"

typedef struct ArecFooterWriter ArecFooterWriter;

ArecFooterWriter *arec_footer_writer_new (void);
void arec_footer_writer_free (ArecFooterWriter *footer); /* takes NULL */

/* Lists a chunk of @num_records records, of @decoded_size bytes in all, at @chunk_offset;
 * offsets ascend. Errors: NOMEM, without name and offset. */
bool arec_footer_writer_add (ArecFooterWriter *footer, uint64_t chunk_offset,
                             uint64_t decoded_size, uint64_t num_records, GError **error);

/* Bytes of memory that the entries take. */
uint64_t arec_footer_writer_memory (const ArecFooterWriter *footer);

/* Appends footer, padding, postscript, padding: the end of a file. Called once.
 * @writer_options  text that is kept with the file; NULL: none.
 * Errors: NOMEM, LIMIT, INVALID, and those of the sink. */
bool arec_footer_writer_write (ArecFooterWriter *footer, ArecSink *sink,
                               const ArecCodecOptions *codec, const char *writer_options,
                               GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecFooterWriter, arec_footer_writer_free)
