#include "codec/decompressors.h"

#include <string.h>

#include <glib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/thread_slot.h"
#include "codec/codec.h"
#include "codec/codec_stream.h"

static const uint8_t magic[4] = {0x28, 0xb5, 0x2f, 0xfd};

static const char no_frame[] = "no Zstd frame";
static const char left_over[] = "bytes left over after the Zstd frame";
static const char invalid[] = "invalid or truncated Zstd frame";

/* ---- a whole buffer ---- */

static void
free_context (void *context)
{
    ZSTD_freeDCtx (context);
}

static ArecThreadSlot slot = AREC_THREAD_SLOT (free_context);

static const char *
decompress (ZSTD_DCtx *context, const uint8_t *in, size_t in_size, uint8_t *out,
            size_t capacity, size_t *out_size)
{
    size_t result;

    if (in_size < sizeof magic || memcmp (in, magic, sizeof magic) != 0) {
        return no_frame;
    }
    /* ZSTD_decompress would go on with further frames after the first. */
    result = ZSTD_findFrameCompressedSize (in, in_size);
    if (ZSTD_isError (result)) {
        return invalid;
    }
    if (result != in_size) {
        return left_over;
    }
    /* One shot: no window is allocated, whatever window log the frame has. */
    result = ZSTD_decompressDCtx (context, out, capacity, in, in_size);
    if (ZSTD_isError (result)) {
        switch (ZSTD_getErrorCode (result)) {
        case ZSTD_error_dstSize_tooSmall: return arec_codec_too_long;
        case ZSTD_error_memory_allocation: return arec_codec_no_memory;
        default: return invalid;
        }
    }
    *out_size = result;
    return NULL;
}

const char *
arec_zstd_decompress (const uint8_t *in, size_t in_size, uint8_t *out, size_t capacity,
                      size_t *out_size)
{
    ZSTD_DCtx *context = arec_thread_slot_take (&slot);
    const char *reason;

    if (!context) {
        context = ZSTD_createDCtx();
    }
    if (!context) {
        return arec_codec_no_memory;
    }
    reason = decompress (context, in, in_size, out, capacity, out_size);
    arec_thread_slot_give (&slot, context);
    return reason;
}

bool
arec_zstd_decompressed_size (const uint8_t *in, size_t in_size, uint64_t *out_size)
{
    unsigned long long size = ZSTD_getFrameContentSize (in, in_size);

    if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR) {
        return false;
    }
    *out_size = size;
    return true;
}
/* ---- piece by piece ---- */

typedef struct {
    ZSTD_DCtx *context;
    size_t n_magic; /* bytes of the magic that were seen */
} Decoder;

static void
free_decoder (void *data)
{
    Decoder *decoder = data;

    ZSTD_freeDCtx (decoder->context);
    g_free (decoder);
}

static void *
new_decoder (void)
{
    Decoder *decoder = g_new0 (Decoder, 1);

    decoder->context = ZSTD_createDCtx();
    if (!decoder->context) {
        g_clear_pointer (&decoder, g_free);
    }
    return decoder;
}

static void
limit_window (void *data, unsigned log)
{
    const Decoder *decoder = data;

    ZSTD_DCtx_setParameter (decoder->context, ZSTD_d_windowLogMax, (int)log);
}

static const char *
reason_of_error (size_t result)
{
    switch (ZSTD_getErrorCode (result)) {
    case ZSTD_error_frameParameter_windowTooLarge: return arec_codec_stream_needs_whole;
    case ZSTD_error_memory_allocation: return arec_codec_no_memory;
    case ZSTD_error_prefix_unknown: return no_frame;
    default: return invalid;
    }
}

/* Legacy and skippable frames begin with other bytes, and the library would decode them. */
static bool
has_magic (Decoder *decoder, const uint8_t *in, size_t size)
{
    for (size_t i = 0; i < size && decoder->n_magic < sizeof magic; i++) {
        if (in[i] != magic[decoder->n_magic++]) {
            return false;
        }
    }
    return true;
}

static const char *
step (void *data, const uint8_t **in, size_t *in_left, uint8_t **out, size_t *out_left,
      bool *ended)
{
    Decoder *decoder = data;
    ZSTD_inBuffer input = {*in, *in_left, 0};
    ZSTD_outBuffer output = {*out, *out_left, 0};
    size_t result;

    if (!has_magic (decoder, *in, *in_left)) {
        return no_frame;
    }
    if (decoder->n_magic < sizeof magic && *in_left == 0) {
        return no_frame; /* the input ends within the magic */
    }
    result = ZSTD_decompressStream (decoder->context, &output, &input);
    if (ZSTD_isError (result)) {
        return reason_of_error (result);
    }
    *in += input.pos;
    *in_left -= input.pos;
    *out += output.pos;
    *out_left -= output.pos;
    *ended = result == 0;
    return NULL;
}

/* The window is there since the first step. */
static size_t
memory (const void *data)
{
    const Decoder *decoder = data;

    return sizeof *decoder + ZSTD_sizeof_DCtx (decoder->context);
}

const ArecStreamCodec arec_zstd_stream_codec = {.new_decoder = new_decoder,
                                                .limit_window = limit_window,
                                                .step = step,
                                                .memory = memory,
                                                .free_decoder = free_decoder,
                                                .truncated = invalid,
                                                .left_over = left_over};
