#include "codec/compressors.h"

#include <pthread.h>

#include <zstd.h>
#include <zstd_errors.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t context_key;

static void
free_context (void *context)
{
    ZSTD_freeCCtx (context);
}

static void
make_key (void)
{
    pthread_key_create (&context_key, free_context);
}

static ZSTD_CCtx *
thread_context (void)
{
    ZSTD_CCtx *context;

    pthread_once (&once, make_key);
    context = pthread_getspecific (context_key);
    if (!context) {
        context = ZSTD_createCCtx();
        pthread_setspecific (context_key, context);
    }
    return context;
}

static bool
set_options (ZSTD_CCtx *context, const ArecCodecOptions *options)
{
    ZSTD_CCtx_reset (context, ZSTD_reset_session_and_parameters);
    return !ZSTD_isError (
               ZSTD_CCtx_setParameter (context, ZSTD_c_compressionLevel, options->level)) &&
           (!options->has_window_log || !ZSTD_isError (ZSTD_CCtx_setParameter (
                                            context, ZSTD_c_windowLog, options->window_log)));
}

size_t
arec_zstd_compress_bound (size_t size)
{
    return ZSTD_compressBound (size);
}

const char *
arec_zstd_compress (const ArecCodecOptions *options, const uint8_t *in, size_t in_size,
                    uint8_t *out, size_t capacity, size_t *out_size)
{
    ZSTD_CCtx *context = thread_context();
    size_t result;

    if (!context) {
        return arec_codec_no_memory;
    }
    if (!set_options (context, options)) {
        return "no such window log for Zstd";
    }
    /* One shot: the size is pledged by it, so the window is no larger than the content needs.
     */
    result = ZSTD_compress2 (context, out, capacity, in, in_size);
    if (ZSTD_isError (result)) {
        switch (ZSTD_getErrorCode (result)) {
        case ZSTD_error_dstSize_tooSmall: return arec_codec_no_room;
        case ZSTD_error_memory_allocation: return arec_codec_no_memory;
        default: return "Zstd failed";
        }
    }
    *out_size = result;
    return NULL;
}
