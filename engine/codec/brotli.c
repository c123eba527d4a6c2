#include "codec/decompressors.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include <brotli/decode.h>

#include "codec/codec.h"

/* A decoder cannot be reset, so each stream has its own, and a chunk may have thousands of tiny
 * streams: what a decoder of such a stream allocates comes out of one block that its thread
 * keeps. It is handed out from its begin to its end, and is empty again for the next stream. */
#define BLOCK_SIZE ((size_t)128 * 1024)
#define ALIGNMENT 16

typedef struct {
    _Alignas(ALIGNMENT) uint8_t bytes[BLOCK_SIZE];
    size_t used;
} Block;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t block_key;

static void
make_key (void)
{
    pthread_key_create (&block_key, free);
}

/* NULL when memory is lacking; then everything is allocated one by one. */
static Block *
thread_block (void)
{
    Block *block;

    pthread_once (&once, make_key);
    block = pthread_getspecific (block_key);
    if (!block) {
        block = malloc (sizeof *block);
        pthread_setspecific (block_key, block);
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

static BrotliDecoderState *
new_decoder (void)
{
    Block *block = thread_block();

    return block ? BrotliDecoderCreateInstance (take, give_back, block)
                 : BrotliDecoderCreateInstance (NULL, NULL, NULL);
}

/* A decoder allocates by what the stream really produces, not by the window that it announces.
 */
const char *
arec_brotli_decompress (const uint8_t *in, size_t in_size, uint8_t *out, size_t capacity,
                        size_t *out_size)
{
    BrotliDecoderState *decoder = new_decoder();
    size_t out_left = capacity;
    BrotliDecoderResult result;
    BrotliDecoderErrorCode code;

    if (!decoder) {
        return arec_codec_no_memory;
    }
    BrotliDecoderSetParameter (decoder, BROTLI_DECODER_PARAM_LARGE_WINDOW, 1);
    result = BrotliDecoderDecompressStream (decoder, &in_size, &in, &out_left, &out, NULL);
    code = BrotliDecoderGetErrorCode (decoder);
    BrotliDecoderDestroyInstance (decoder);

    switch (result) {
    case BROTLI_DECODER_RESULT_SUCCESS:
        if (in_size > 0) {
            return "bytes left over after the Brotli stream";
        }
        *out_size = capacity - out_left;
        return NULL;
    case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT: return "truncated Brotli stream";
    case BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT: return arec_codec_too_long;
    case BROTLI_DECODER_RESULT_ERROR: break;
    }
    /* The codes from here up to UNREACHABLE are failed allocations. */
    if (code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
        code > BROTLI_DECODER_ERROR_UNREACHABLE) {
        return arec_codec_no_memory;
    }
    return "invalid Brotli stream";
}
