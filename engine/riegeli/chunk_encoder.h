/* Records to the body of a chunk, simple or transposed: one face for both encoders. A metadata
 * chunk, type `m`, has the body of a transposed one with one record.
 *
 * One thread at a time. Adding copies the record; the work is done by encoding. Memory is kept
 * for the next chunk. A call that fails leaves the records as they were. Messages do not tell
 * name and offset: the caller puts them in front (arec_fail_at ()).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "base/bytes.h"
#include "codec/compress.h"
#include "riegeli/chunk_reader.h"

typedef struct ArecChunkEncoder ArecChunkEncoder;

typedef struct {
    ArecCodecOptions codec;
    bool is_transposed;
    uint64_t bucket_size; /* of a transposed chunk that is compressed: plain bytes of what is
                             compressed together, about; at least 1. UINT64_MAX: as much as
                             there is of each kind */
    uint64_t max_size;    /* bytes that a reader may use for the chunk; 0: any */
} ArecChunkEncoderOptions;

ArecChunkEncoder *arec_chunk_encoder_new (const ArecChunkEncoderOptions *options);
void arec_chunk_encoder_free (ArecChunkEncoder *encoder); /* takes NULL */

/* Copies a record after the others. Errors: NOMEM; LIMIT if it is transposed, has 4 GiB or more
 * and is no message. */
bool arec_chunk_encoder_add (ArecChunkEncoder *encoder, const void *data, size_t size,
                             GError **error);

uint64_t arec_chunk_encoder_n_records (const ArecChunkEncoder *encoder);
uint64_t arec_chunk_encoder_decoded_size (const ArecChunkEncoder *encoder);

/* Bytes of memory that it has, for the records, for what was made of them, and kept; without
 * what the codec takes. */
uint64_t arec_chunk_encoder_memory (const ArecChunkEncoder *encoder);

/* The body with all records.
 * @type  (out) of a chunk that has it.
 * @body  (out) valid until the next call that is not a question.
 * Errors: NOMEM, LIMIT (more than the codec takes, or than a transposed chunk can tell, or than
 * a reader may use),
 * INVALID (no such level or window log). */
bool arec_chunk_encoder_encode (ArecChunkEncoder *encoder, ArecChunkType *type, ArecBytes *body,
                                GError **error);

/* Forgets the records. */
void arec_chunk_encoder_reset (ArecChunkEncoder *encoder);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecChunkEncoder, arec_chunk_encoder_free)
