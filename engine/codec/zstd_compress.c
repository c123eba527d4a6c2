/* Levels are translated to parameters here, which the stable part of the library cannot do. */
#define ZSTD_STATIC_LINKING_ONLY
#include "codec/compressors.h"

#include <string.h>
#include <sys/mman.h>

#include <zstd.h>
#include <zstd_errors.h>

#include <glib.h>

#include "base/thread_slot.h"

/* A context of more bytes is not kept. With so many, compressing takes much longer than making
 * a new one. */
#define MAX_KEPT ((size_t)128 * 1024 * 1024)

/* Of so few bytes no block can be smaller than they are. */
#define MAX_STORED 6

static const char no_such_parameters[] = "no such parameters for Zstd";

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
        return no_such_parameters;
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

/* ---- a stream ---- */

/* All content has an address of its own, so that the library looks back to the window where it
 * was put, as if all were there. Its own buffer goes round, and streams are up to a quarter
 * larger then. Bytes that no window reaches any more go back to the system.
 *
 *     | given back |   window   | filled: up to a piece more |    not yet    |
 */
typedef struct {
    ZSTD_CCtx *context; /* of its thread */
    uint8_t *content;   /* mapped */
    size_t size;
    size_t filled;
    size_t given_back;
    size_t kept; /* bytes before the next piece that the library may still look at */
    size_t capacity;
    uint8_t out[];
} Stream;

/* Before that, content that stays may not become more. */
#define MIN_VERSION_OF_GROWING 10504

/* The library may have taken in a block that it has not compressed yet. */
#define MAX_BEHIND ((size_t)ZSTD_BLOCKSIZE_MAX)

/* Not for each piece: the system has work with it. */
#define GIVE_BACK_AT_ONCE ((size_t)1 << 20)

static const char *
begin (Stream *stream, const ArecCodecOptions *options)
{
    const ZSTD_compressionParameters parameters = parameters_of (options, stream->size);
    bool stays = ZSTD_versionNumber() >= MIN_VERSION_OF_GROWING;

    stream->kept = ((size_t)1 << parameters.windowLog) + MAX_BEHIND;
    return set_parameters (stream->context, &parameters) &&
                   !ZSTD_isError (ZSTD_CCtx_setParameter (stream->context,
                                                          ZSTD_c_stableInBuffer, stays)) &&
                   !ZSTD_isError (ZSTD_CCtx_setPledgedSrcSize (stream->context, stream->size))
               ? NULL
               : no_such_parameters;
}

static void
close_stream (void *encoder)
{
    Stream *stream = encoder;

    if (stream->content) {
        munmap (stream->content, stream->size);
    }
    if (stream->context) {
        give_context (stream->context);
    }
    g_free (stream);
}

static uint8_t *
map_content (size_t size)
{
    void *content = mmap (NULL, size, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return content == MAP_FAILED ? NULL : content;
}

static const char *
open_stream (const ArecCodecOptions *options, uint64_t size, void **encoder)
{
    size_t capacity = ZSTD_CStreamOutSize();
    Stream *stream = g_try_malloc (sizeof *stream + capacity);
    const char *reason;

    if (!stream) {
        return arec_codec_no_memory;
    }
    *stream = (Stream){.context = take_context(),
                       .content = map_content (size),
                       .size = size,
                       .capacity = capacity};
    reason =
        stream->context && stream->content ? begin (stream, options) : arec_codec_no_memory;
    if (reason) {
        close_stream (stream);
        return reason;
    }
    *encoder = stream;
    return NULL;
}

static void
give_back (Stream *stream)
{
    size_t past = stream->filled - MIN (stream->filled, stream->kept);

    if (past - stream->given_back >= GIVE_BACK_AT_ONCE) {
        past -= past % GIVE_BACK_AT_ONCE;
        madvise (stream->content + stream->given_back, past - stream->given_back,
                 MADV_DONTNEED);
        stream->given_back = past;
    }
}

/* Compresses what is filled from @at on. */
static const char *
work (Stream *stream, size_t at, ZSTD_EndDirective directive, const ArecCompressOutput *output)
{
    ZSTD_inBuffer in = {stream->content, stream->filled, at};
    bool is_done = false;

    while (!is_done) {
        ZSTD_outBuffer out = {stream->out, stream->capacity, 0};
        size_t left = ZSTD_compressStream2 (stream->context, &out, &in, directive);

        if (ZSTD_isError (left)) {
            return reason_of_error (left);
        }
        if (out.pos > 0 && !output->put (output->data, stream->out, out.pos)) {
            return arec_compress_stream_no_output;
        }
        is_done = directive == ZSTD_e_end ? left == 0 : in.pos == in.size;
    }
    return NULL;
}

static const char *
step (void *encoder, const ArecCompressPiece *piece, const ArecCompressOutput *output)
{
    Stream *stream = encoder;
    size_t at = stream->filled;

    give_back (stream);
    memcpy (stream->content + at, piece->at, piece->size);
    stream->filled += piece->size;
    return work (stream, at, piece->is_last ? ZSTD_e_end : ZSTD_e_continue, output);
}

const ArecStreamCompressor arec_zstd_stream_compressor = {
    .open = open_stream,
    .step = step,
    .close = close_stream,
};
