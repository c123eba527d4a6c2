/* Records to the body of a transposed chunk (FORMAT.md 7), as the reference makes it (7.9):
 * before compression, byte for byte. The counterpart of riegeli/transposed_chunk.h.
 *
 * One thread at a time. Records are copied when they are added and taken apart when they are
 * encoded. Memory is linear in their bytes and number: three bytes for each of theirs, 4 for
 * each field in each of them, and some 300 for each field at a place where no other record has
 * one. It is kept for the next chunk. A call that fails leaves the records as they were.
 * Messages do not tell name and offset: the caller puts them in front (arec_fail_at ()).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "base/bytes.h"
#include "codec/compress.h"
#include "riegeli/transposed_buckets.h"
#include "riegeli/transposed_machine.h"

typedef struct ArecTransposedEncoder ArecTransposedEncoder;

typedef struct {
    ArecCodecOptions codec;
    uint64_t bucket_size; /* plain bytes of a bucket, about; at least 1. Of no effect without
                             compression: then it is AREC_ONE_BUCKET */
    ArecMachineLimits machine; /* all 0: AREC_MACHINE_LIMITS */
} ArecTransposedOptions;

ArecTransposedEncoder *arec_transposed_encoder_new (void);
void arec_transposed_encoder_free (ArecTransposedEncoder *encoder); /* takes NULL */

/* Copies a record after the others. Errors: NOMEM, LIMIT (4 GiB or more, and no message). */
bool arec_transposed_encoder_add (ArecTransposedEncoder *encoder, const void *data, size_t size,
                                  GError **error);

uint64_t arec_transposed_encoder_n_records (const ArecTransposedEncoder *encoder);
uint64_t arec_transposed_encoder_decoded_size (const ArecTransposedEncoder *encoder);

/* The body with all records.
 * @body  (out) valid until the next call that is not a question.
 * Errors: NOMEM, LIMIT (more than the codec takes; a string of 4 GiB in a message; more fields
 * or states than 32 bits can count), INVALID (no such level or window log). */
bool arec_transposed_encoder_encode (ArecTransposedEncoder *encoder,
                                     const ArecTransposedOptions *options, ArecBytes *body,
                                     GError **error);

/* Bytes of memory that it has, for the records, for what was made of them, and kept. */
uint64_t arec_transposed_encoder_memory (const ArecTransposedEncoder *encoder);

/* Forgets the records. */
void arec_transposed_encoder_reset (ArecTransposedEncoder *encoder);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecTransposedEncoder, arec_transposed_encoder_free)
