#include "codec/compress.h"

#include <string.h>

#include "base/phases.h"
#include "codec/compressors.h"

const char arec_codec_too_large[] = "more bytes than the codec takes at once";
const char arec_codec_no_room[] = "no room for the compressed bytes";
const char arec_codec_no_such_options[] = "no such level or window log";

ArecCodecOptions
arec_codec_options_default (ArecCompression compression)
{
    ArecCodecOptions options = {.compression = compression};

    switch (compression) {
    case AREC_COMPRESSION_NONE: break;
    case AREC_COMPRESSION_BROTLI: options.level = 6; break;
    case AREC_COMPRESSION_ZSTD:
        options.level = 3;
        options.has_window_log = true;
        options.window_log = 20;
        break;
    case AREC_COMPRESSION_SNAPPY: options.level = 1; break;
    }
    return options;
}

ArecCodecLimits
arec_codec_limits (ArecCompression compression)
{
    switch (compression) {
    case AREC_COMPRESSION_NONE: break;
    case AREC_COMPRESSION_BROTLI: return (ArecCodecLimits){0, 11, 10, 30};
    case AREC_COMPRESSION_ZSTD: return (ArecCodecLimits){-131072, 22, 10, 31};
    case AREC_COMPRESSION_SNAPPY: return (ArecCodecLimits){1, 2, 0, 0};
    }
    return (ArecCodecLimits){0};
}

bool
arec_compress_has_options (const ArecCodecOptions *options)
{
    ArecCodecLimits limits = arec_codec_limits (options->compression);

    if (limits.max_window_log == 0) {
        return true; /* neither level nor window has an effect */
    }
    return options->level >= limits.min_level && options->level <= limits.max_level &&
           (!options->has_window_log || (options->window_log >= limits.min_window_log &&
                                         options->window_log <= limits.max_window_log));
}

size_t
arec_compress_bound (const ArecCodecOptions *options, size_t size)
{
    switch (options->compression) {
    case AREC_COMPRESSION_NONE: return size;
    case AREC_COMPRESSION_BROTLI: return arec_brotli_compress_bound (size);
    case AREC_COMPRESSION_ZSTD: return arec_zstd_compress_bound (size);
    case AREC_COMPRESSION_SNAPPY: return arec_snappy_compress_bound (size);
    }
    return size;
}

size_t
arec_compress_memory (const ArecCodecOptions *options, size_t size)
{
    switch (options->compression) {
    case AREC_COMPRESSION_NONE: break;
    case AREC_COMPRESSION_BROTLI: return arec_brotli_compress_memory (options, size);
    case AREC_COMPRESSION_ZSTD: return arec_zstd_compress_memory (options, size);
    case AREC_COMPRESSION_SNAPPY: return arec_snappy_compress_memory (size);
    }
    return 0;
}

size_t
arec_compress_kept (void)
{
    return arec_brotli_compress_kept() + arec_zstd_compress_kept();
}

void
arec_compress_release (void)
{
    arec_brotli_compress_release();
    arec_zstd_compress_release();
}

static const char *
copy (const uint8_t *in, size_t in_size, uint8_t *out, size_t capacity, size_t *out_size)
{
    if (in_size > capacity) {
        return arec_codec_no_room;
    }
    if (in_size > 0) {
        memcpy (out, in, in_size);
    }
    *out_size = in_size;
    return NULL;
}

static const char *
compress (const ArecCodecOptions *options, const uint8_t *in, size_t in_size, uint8_t *out,
          size_t capacity, size_t *out_size)
{
    switch (options->compression) {
    case AREC_COMPRESSION_NONE: return copy (in, in_size, out, capacity, out_size);
    case AREC_COMPRESSION_BROTLI:
        return arec_brotli_compress (options, in, in_size, out, capacity, out_size);
    case AREC_COMPRESSION_ZSTD:
        return arec_zstd_compress (options, in, in_size, out, capacity, out_size);
    case AREC_COMPRESSION_SNAPPY:
        return arec_snappy_compress (in, in_size, out, capacity, out_size);
    }
    return "unknown compression type";
}

/* Copying is no phase of its own. */
ArecPhase
arec_compress_phase (const ArecCodecOptions *options)
{
    switch (options->compression) {
    case AREC_COMPRESSION_NONE: break;
    case AREC_COMPRESSION_BROTLI: return AREC_PHASE_ENCODING_BROTLI;
    case AREC_COMPRESSION_ZSTD: return AREC_PHASE_ENCODING_ZSTD;
    case AREC_COMPRESSION_SNAPPY: return AREC_PHASE_ENCODING_SNAPPY;
    }
    return AREC_PHASE_ENCODING;
}

const char *
arec_compress (const ArecCodecOptions *options, const uint8_t *in, size_t in_size, uint8_t *out,
               size_t capacity, size_t *out_size)
{
    ArecPhaseMark mark;
    const char *reason;

    if (in_size == 0) {
        in = (const uint8_t *)"";
    }
    if (!arec_compress_has_options (options)) {
        return arec_codec_no_such_options;
    }
    mark = arec_phases_enter_short (arec_compress_phase (options));
    reason = compress (options, in, in_size, out, capacity, out_size);
    arec_phases_leave (mark);
    return reason;
}
