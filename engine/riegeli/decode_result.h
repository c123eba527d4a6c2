/* How the decoding of a chunk's body ended. The decoder gives a reason, a static string, beside
 * it; the caller knows name and offset and makes the error.
 */
#pragma once

typedef enum {
    AREC_DECODE_OK,
    AREC_DECODE_CORRUPT,
    AREC_DECODE_UNSUPPORTED, /* an unknown compression type */
    AREC_DECODE_LIMIT,       /* above a limit of the caller's */
    AREC_DECODE_NOMEM,
} ArecDecodeResult;
