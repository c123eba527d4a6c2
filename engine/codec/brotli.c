#include "codec/decompressors.h"

#include <stdint.h>
#include <stdlib.h>

#include <brotli/decode.h>
#include <glib.h>

#include "base/thread_slot.h"
#include "codec/codec.h"
#include "codec/codec_stream.h"

/* The first byte of a stream with a large window. */
#define LARGE_WINDOW 0x11

static const char left_over[] = "bytes left over after the Brotli stream";
static const char truncated[] = "truncated Brotli stream";

/* A decoder cannot be reset, so each stream has its own, and a chunk may have thousands of tiny
 * streams: what a decoder of such a stream allocates comes out of one block that its thread
 * keeps. It is handed out from its start to its end, and is empty again for the next stream. */
#define BLOCK_SIZE ((size_t)128 * 1024)
#define ALIGNMENT 16

/* What windows writers make unless told otherwise: 22 bits. */
#define USUAL_WINDOW ((size_t)4 * 1024 * 1024)

typedef struct {
    _Alignas(ALIGNMENT) uint8_t bytes[BLOCK_SIZE];
    size_t used;
} Block;

static ArecThreadSlot slot = AREC_THREAD_SLOT (g_free);

/* NULL when memory is lacking; then everything is allocated one by one. */
static Block *
take_block (void)
{
    Block *block = arec_thread_slot_take (&slot);

    if (!block) {
        block = g_try_malloc (sizeof *block);
    }
    if (block) {
        block->used = 0;
    }
    return block;
}

static void *
take (void *opaque, size_t size)
{
    Block *block = opaque;
    void *taken;

    if (size > BLOCK_SIZE - block->used) {
        return malloc (size);
    }
    taken = block->bytes + block->used;
    /* BLOCK_SIZE is a multiple of it, too. */
    block->used += (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return taken;
}

static void
give_back (void *opaque, void *taken)
{
    Block *block = opaque;

    if ((uintptr_t)taken - (uintptr_t)block->bytes >= BLOCK_SIZE) {
        free (taken);
    }
}

/* Every decoder accepts large windows. It allocates by what the stream really produces, not by
 * the window that it announces. */
static BrotliDecoderState *
allow_large_windows (BrotliDecoderState *decoder)
{
    if (decoder) {
        BrotliDecoderSetParameter (decoder, BROTLI_DECODER_PARAM_LARGE_WINDOW, 1);
    }
    return decoder;
}

/* With memory of @block, if there is one. */
static BrotliDecoderState *
new_brief_decoder (Block *block)
{
    return allow_large_windows (block ? BrotliDecoderCreateInstance (take, give_back, block)
                                      : BrotliDecoderCreateInstance (NULL, NULL, NULL));
}

static const char *
reason_of_error (BrotliDecoderErrorCode code)
{
    /* The codes from here up to UNREACHABLE are failed allocations. */
    if (code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
        code > BROTLI_DECODER_ERROR_UNREACHABLE) {
        return arec_codec_no_memory;
    }
    return "invalid Brotli stream";
}

const char *
arec_brotli_decompress (const uint8_t *in, size_t in_size, uint8_t *out, size_t capacity,
                        size_t *out_size)
{
    Block *block = take_block();
    BrotliDecoderState *decoder = new_brief_decoder (block);
    size_t out_left = capacity;
    BrotliDecoderResult result;
    BrotliDecoderErrorCode code;

    if (!decoder) {
        arec_thread_slot_give (&slot, block);
        return arec_codec_no_memory;
    }
    result = BrotliDecoderDecompressStream (decoder, &in_size, &in, &out_left, &out, NULL);
    code = BrotliDecoderGetErrorCode (decoder);
    BrotliDecoderDestroyInstance (decoder);
    arec_thread_slot_give (&slot, block);

    switch (result) {
    case BROTLI_DECODER_RESULT_SUCCESS:
        if (in_size > 0) {
            return left_over;
        }
        *out_size = capacity - out_left;
        return NULL;
    case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT: return truncated;
    case BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT: return arec_codec_too_long;
    case BROTLI_DECODER_RESULT_ERROR: break;
    }
    return reason_of_error (code);
}

/* ---- piece by piece ---- */

typedef struct {
    BrotliDecoderState *state;
    unsigned max_window; /* its logarithm; 0: any */
    unsigned n_seen;     /* of the first bytes */
    uint8_t first[2];
} Decoder;

static void *
new_decoder (void)
{
    Decoder *decoder = g_try_new0 (Decoder, 1);

    if (!decoder) {
        return NULL;
    }
    decoder->state = allow_large_windows (BrotliDecoderCreateInstance (NULL, NULL, NULL));
    if (!decoder->state) {
        g_clear_pointer (&decoder, g_free);
    }
    return decoder;
}

static void
limit_window (void *data, unsigned log)
{
    Decoder *decoder = data;

    decoder->max_window = log;
}

/* Whether a stream that begins with @first has a window above the limit. Only that of a large
 * window is looked at, which has 6 bits for its logarithm; others are 16 MiB at most. */
static bool
has_too_large_window (const Decoder *decoder)
{
    return decoder->first[0] == LARGE_WINDOW &&
           (decoder->first[1] & 0x3f) > decoder->max_window;
}

static void
look_at_front (Decoder *decoder, const uint8_t *in, size_t size)
{
    for (size_t i = 0; i < size && decoder->n_seen < sizeof decoder->first; i++) {
        decoder->first[decoder->n_seen++] = in[i];
    }
}

static const char *
step (void *data, const uint8_t **in, size_t *in_left, uint8_t **out, size_t *out_left,
      bool *ended)
{
    Decoder *decoder = data;
    BrotliDecoderResult result;

    if (decoder->max_window > 0) {
        look_at_front (decoder, *in, *in_left);
        if (has_too_large_window (decoder)) {
            return arec_codec_stream_needs_whole;
        }
    }
    result = BrotliDecoderDecompressStream (decoder->state, in_left, in, out_left, out, NULL);
    if (result == BROTLI_DECODER_RESULT_ERROR) {
        return reason_of_error (BrotliDecoderGetErrorCode (decoder->state));
    }
    *ended = result == BROTLI_DECODER_RESULT_SUCCESS;
    return NULL;
}

static void
free_decoder (void *data)
{
    Decoder *decoder = data;

    BrotliDecoderDestroyInstance (decoder->state);
    g_free (decoder);
}

/* The library tells nothing of that: what decoders have but for a large window, as which no
 * common writer makes them. */
static size_t
memory (const void *decoder)
{
    (void)decoder;
    return USUAL_WINDOW + BLOCK_SIZE;
}

const ArecStreamCodec arec_brotli_stream_codec = {.new_decoder = new_decoder,
                                                  .limit_window = limit_window,
                                                  .step = step,
                                                  .memory = memory,
                                                  .free_decoder = free_decoder,
                                                  .truncated = truncated,
                                                  .left_over = left_over};
