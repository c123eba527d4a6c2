/* Packed buffers as they are written (FORMAT.md 5): the size of the plain bytes, unless these
 * are stored plainly, then the codec's stream.
 *
 * Functions without state; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "codec/compress.h"

/* Appends @plain, packed, to @out, in which it does not lie.
 * Errors: NOMEM, LIMIT (more than the codec takes), INVALID (no such level or window log);
 * after one, @out may have more capacity and is else as it was. */
bool arec_packed_buffer_append (ArecBuffer *out, const ArecCodecOptions *options,
                                ArecBytes plain, GError **error);

/* What is said where @size bytes cannot be packed, for a @reason of arec_compress (), or as
 * there is no memory; returns false. */
bool arec_packed_buffer_fail (const char *reason, uint64_t size, GError **error);
bool arec_packed_buffer_fail_memory (size_t size, GError **error);
