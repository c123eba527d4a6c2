/* Levels are translated to parameters here, which the stable part of the library cannot do. */
#define ZSTD_STATIC_LINKING_ONLY
#include "codec/compressors.h"

#include <string.h>

#include <zstd.h>
#include <zstd_errors.h>

#include "base/thread_slot.h"

/* A context of more bytes is not kept. With so many, compressing takes much longer than making
 * a new one. */
#define MAX_KEPT ((size_t)128 * 1024 * 1024)

/* Of so few bytes no block can be smaller than they are. */
#define MAX_STORED 6

/* ---- the context ---- */

static void
free_context (void *context)
{
    ZSTD_freeCCtx (context);
}

static ArecThreadSlot slot = AREC_THREAD_SLOT (free_context);

/* That of this thread; NULL if out of memory. */
static ZSTD_CCtx *
take_context (void)
{
    ZSTD_CCtx *context = arec_thread_slot_take (&slot);

    return context ? context : ZSTD_createCCtx();
}

static void
give_context (ZSTD_CCtx *context)
{
    if (ZSTD_sizeof_CCtx (context) > MAX_KEPT) {
        ZSTD_freeCCtx (context);
        return;
    }
    arec_thread_slot_give (&slot, context);
}

size_t
arec_zstd_compress_kept (void)
{
    return ZSTD_sizeof_CCtx (arec_thread_slot_peek (&slot));
}

void
arec_zstd_compress_release (void)
{
    ZSTD_freeCCtx (arec_thread_slot_take (&slot));
}

/* ---- parameters ---- */

/* What the level means for content of unknown size, with tables no larger than @size needs. For
 * content of a known small size the library has other parameters, which are slower, make
 * larger streams of groups of records, or both (README.md). */
static ZSTD_compressionParameters
parameters_of (const ArecCodecOptions *options, size_t size)
{
    ZSTD_compressionParameters parameters = ZSTD_getCParams (
        options->level, options->tunes_to_size ? MAX (size, 1) : ZSTD_CONTENTSIZE_UNKNOWN, 0);

    if (options->has_window_log) {
        parameters.windowLog = (unsigned)options->window_log;
    }
    /* 0 would be any number of bytes. */
    return ZSTD_adjustCParams (parameters, MAX (size, 1), 0);
}

size_t
arec_zstd_compress_memory (const ArecCodecOptions *options, size_t size)
{
    return ZSTD_estimateCCtxSize_usingCParams (parameters_of (options, size));
}

/* The level itself is not set: where a parameter is 0, the library would take that of the level
 * for small content instead. */
static bool
set_parameters (ZSTD_CCtx *context, const ZSTD_compressionParameters *parameters)
{
    const struct {
        ZSTD_cParameter key;
        unsigned value;
    } all[] = {
        {ZSTD_c_windowLog, parameters->windowLog},
        {ZSTD_c_hashLog, parameters->hashLog},
        {ZSTD_c_chainLog, parameters->chainLog},
        {ZSTD_c_searchLog, parameters->searchLog},
        {ZSTD_c_minMatch, parameters->minMatch},
        {ZSTD_c_targetLength, parameters->targetLength},
        {ZSTD_c_strategy, parameters->strategy},
    };

    ZSTD_CCtx_reset (context, ZSTD_reset_session_and_parameters);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (ZSTD_isError (ZSTD_CCtx_setParameter (context, all[i].key, (int)all[i].value))) {
            return false;
        }
    }
    return true;
}

/* ---- compression ---- */

size_t
arec_zstd_compress_bound (size_t size)
{
    return ZSTD_compressBound (size);
}

static const char *
reason_of_error (size_t result)
{
    switch (ZSTD_getErrorCode (result)) {
    case ZSTD_error_dstSize_tooSmall: return arec_codec_no_room;
    case ZSTD_error_memory_allocation: return arec_codec_no_memory;
    default: return "Zstd failed";
    }
}

/* A frame that stores @in as it is, of MAX_STORED bytes at most. The library makes the same of
 * them, in many times the time. The size of a single record is such an input.
 * Returns the frame's size, or 0 if there is no room. */
static size_t
store (const uint8_t *in, size_t size, uint8_t *out, size_t capacity)
{
    /* Magic; a single segment whose size has one byte; that byte; the header of a block that is
     * stored and the last. */
    const uint8_t header[] = {
        0x28, 0xb5, 0x2f, 0xfd, 0x20, (uint8_t)size, (uint8_t)(size << 3 | 1), 0, 0};

    if (capacity < sizeof header + size) {
        return 0;
    }
    memcpy (out, header, sizeof header);
    memcpy (out + sizeof header, in, size);
    return sizeof header + size;
}

const char *
arec_zstd_compress (const ArecCodecOptions *options, const uint8_t *in, size_t in_size,
                    uint8_t *out, size_t capacity, size_t *out_size)
{
    ZSTD_compressionParameters parameters;
    ZSTD_CCtx *context;
    size_t result;

    if (in_size <= MAX_STORED) {
        *out_size = store (in, in_size, out, capacity);
        return *out_size > 0 ? NULL : arec_codec_no_room;
    }
    parameters = parameters_of (options, in_size);
    context = take_context();
    if (!context) {
        return arec_codec_no_memory;
    }
    if (!set_parameters (context, &parameters)) {
        give_context (context);
        return "no such parameters for Zstd";
    }
    /* One shot: the size is pledged by it, so the frame tells it. */
    result = ZSTD_compress2 (context, out, capacity, in, in_size);
    give_context (context);
    if (ZSTD_isError (result)) {
        return reason_of_error (result);
    }
    *out_size = result;
    return NULL;
}
