#include "riegeli/packed_buffer.h"

#include <inttypes.h>

#include "base/error.h"

bool
arec_packed_buffer_fail (const char *reason, uint64_t size, GError **error)
{
    ArecError code = reason == arec_codec_no_memory   ? AREC_ERROR_NOMEM
                     : reason == arec_codec_too_large ? AREC_ERROR_LIMIT
                                                      : AREC_ERROR_INVALID;

    return arec_fail (error, code, "cannot compress %" PRIu64 " bytes: %s", size, reason);
}

bool
arec_packed_buffer_fail_memory (size_t size, GError **error)
{
    return arec_packed_buffer_fail (arec_codec_no_memory, size, error);
}

bool
arec_packed_buffer_append (ArecBuffer *out, const ArecCodecOptions *options, ArecBytes plain,
                           GError **error)
{
    size_t size = arec_bytes_left (&plain), begin = out->size, made;
    size_t bound = arec_compress_bound (options, size);
    const char *reason;

    if (!arec_buffer_reserve (out, AREC_MAX_VARINT) ||
        (options->compression != AREC_COMPRESSION_NONE &&
         !arec_buffer_append_varint (out, size)) ||
        !arec_buffer_reserve (out, bound)) {
        out->size = begin;
        return arec_packed_buffer_fail_memory (size, error);
    }
    reason = arec_compress (options, plain.at, size, out->data + out->size, bound, &made);
    if (reason) {
        out->size = begin;
        return arec_packed_buffer_fail (reason, size, error);
    }
    out->size += made;
    return true;
}
