/* Codecs by Riegeli's compression byte, from a whole buffer into a whole buffer.
 *
 * Thread-safe; what a codec needs for itself is kept for each thread and reused.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The byte that names a codec in a chunk (spec/container 4). */
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

/* The one reason of arec_decompress () that is not the stream's fault; compared by address. */
extern const char arec_codec_no_memory[];
