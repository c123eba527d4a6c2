/* Records to the body of a simple chunk (FORMAT.md 6): the counterpart of
 * riegeli/simple_chunk.h.
 *
 * One thread at a time. Memory is that of the records and of their sizes (a byte or two each),
 * and grows with checked sizes; it is kept for the next chunk. A call that fails leaves the
 * records as they were. Messages do not tell name and offset: the caller puts them in front
 * (arec_fail_at ()).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "base/bytes.h"
#include "codec/compress.h"

typedef struct ArecSimpleEncoder ArecSimpleEncoder;

ArecSimpleEncoder *arec_simple_encoder_new (void);
void arec_simple_encoder_free (ArecSimpleEncoder *encoder); /* takes NULL */

/* Copies a record after the others. Errors: NOMEM. */
bool arec_simple_encoder_add (ArecSimpleEncoder *encoder, const void *data, size_t size,
                              GError **error);

uint64_t arec_simple_encoder_n_records (const ArecSimpleEncoder *encoder);
uint64_t arec_simple_encoder_decoded_size (const ArecSimpleEncoder *encoder);

/* The body with all records.
 * @body  (out) valid until the next call that is not a question.
 * Errors: NOMEM, LIMIT (more than the codec takes), INVALID (no such level or window log). */
bool arec_simple_encoder_encode (ArecSimpleEncoder *encoder, const ArecCodecOptions *options,
                                 ArecBytes *body, GError **error);

/* Bytes of memory that it has, for the records, for what was made of them, and kept. */
uint64_t arec_simple_encoder_memory (const ArecSimpleEncoder *encoder);

/* Forgets the records. */
void arec_simple_encoder_reset (ArecSimpleEncoder *encoder);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecSimpleEncoder, arec_simple_encoder_free)
