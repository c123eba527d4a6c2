#include "codec/decompressors.h"

#include <pthread.h>
#include <string.h>

#include <zstd.h>
#include <zstd_errors.h>

#include "codec/codec.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t context_key;

static void
free_context (void *context)
{
    ZSTD_freeDCtx (context);
}

static void
make_key (void)
{
    pthread_key_create (&context_key, free_context);
}

static ZSTD_DCtx *
thread_context (void)
{
    ZSTD_DCtx *context;

    pthread_once (&once, make_key);
    context = pthread_getspecific (context_key);
    if (!context) {
        context = ZSTD_createDCtx();
        pthread_setspecific (context_key, context);
    }
    return context;
}

const char *
arec_zstd_decompress (const uint8_t *in, size_t in_size, uint8_t *out, size_t capacity,
                      size_t *out_size)
{
    static const uint8_t magic[4] = {0x28, 0xb5, 0x2f, 0xfd};
    ZSTD_DCtx *context = thread_context();
    size_t result;

    if (!context) {
        return arec_codec_no_memory;
    }
    if (in_size < sizeof magic || memcmp (in, magic, sizeof magic) != 0) {
        return "no Zstd frame";
    }
    /* ZSTD_decompress would go on with further frames behind the first. */
    result = ZSTD_findFrameCompressedSize (in, in_size);
    if (ZSTD_isError (result)) {
        return "invalid or truncated Zstd frame";
    }
    if (result != in_size) {
        return "bytes left over after the Zstd frame";
    }
    /* One shot: no window is allocated, whatever window log the frame has. */
    result = ZSTD_decompressDCtx (context, out, capacity, in, in_size);
    if (ZSTD_isError (result)) {
        switch (ZSTD_getErrorCode (result)) {
        case ZSTD_error_dstSize_tooSmall: return arec_codec_too_long;
        case ZSTD_error_memory_allocation: return arec_codec_no_memory;
        default: return "invalid Zstd frame";
        }
    }
    *out_size = result;
    return NULL;
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
