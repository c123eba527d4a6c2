/* Codecs by Riegeli's compression byte, from a whole buffer into a whole buffer.
 *
 * Thread-safe; what a codec needs for itself is kept for each thread and reused.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/phases.h"

/* The byte that names a codec in a chunk (FORMAT.md 5). */
typedef enum {
    AREC_COMPRESSION_NONE = 0,
    AREC_COMPRESSION_BROTLI = 'b',
    AREC_COMPRESSION_ZSTD = 'z',
    AREC_COMPRESSION_SNAPPY = 's',
} ArecCompression;

bool arec_compression_is_known (uint8_t byte);

/* Decompresses the stream @in, which must end exactly with the buffer, into at most @capacity
 * bytes at @out.
 * @compression  a known one.
 * @out_size  (out) bytes made.
 * Returns NULL, or the reason why the stream is not valid or does not fit: a static string. A
 * stream for which memory is lacking gives arec_codec_no_memory. @out is undefined after a
 * failure. */
const char *arec_decompress (ArecCompression compression, const uint8_t *in, size_t in_size,
                             uint8_t *out, size_t capacity, size_t *out_size);

/* The phase in which a thread decompresses. */
ArecPhase arec_compression_phase (ArecCompression compression);

/* Reasons of arec_decompress () that callers tell apart by address: memory is lacking, which is
 * not the stream's fault; the output does not fit, so more room may help. */
extern const char arec_codec_no_memory[];
extern const char arec_codec_too_long[];

/* What arec_decompress () of the stream @in makes, if it succeeds, by the stream's own word and
 * without decompressing. false where the stream does not say: all of Brotli, some of Zstd. */
bool arec_decompressed_size (ArecCompression compression, const uint8_t *in, size_t in_size,
                             uint64_t *out_size);
