#include "codec/compressors.h"

#include <setjmp.h>

#include <brotli/encode.h>

#include <glib.h>

#include "base/thread_slot.h"

#define KIB ((size_t)1024)
#define MIB (KIB * KIB)

/* Bytes that do not compress are stored in meta-blocks of at least 1 KiB (so small only at
 * levels 0 and 1 with a window log of 10) with headers of at most 4 bytes.
 * BrotliEncoderMaxCompressedSize () reckons with 16 KiB, which those levels exceed. */
#define MIN_BLOCK 1024
#define BLOCK_OVERHEAD 4

/* The header of the stream, and the last, empty meta-block. */
#define STREAM_OVERHEAD 16

/* Above this a window is a large one, which other decoders than Riegeli's need not take. */
#define MAX_USUAL_WINDOW_LOG 24

#define DEFAULT_WINDOW_LOG 22

/* Levels 0 and 1 refer back no farther than this in any window. A larger one is only their
 * largest block, which takes them 15 % longer and makes a stream 2 % smaller. */
#define DEFAULT_WINDOW_LOG_OF_FAST 18

/* The farthest that a stream refers back is this much less than its window. */
#define WINDOW_GAP 16

/* Up to this window the encoder has other, smaller tables. */
#define SMALL_WINDOW_LOG 16

/* An encoder cannot be reset, so each stream has its own. This holds what one of level 9 needs
 * for 256 KiB, of which its tables are 32 MiB. Larger inputs take so long that nothing is won.
 */
#define MAX_KEPT (48 * MIB)

size_t
arec_brotli_compress_bound (size_t size)
{
    return size + size / MIN_BLOCK * BLOCK_OVERHEAD + STREAM_OVERHEAD;
}

/* That of the options, but no larger than @size bytes need: the tables of small windows are
 * faster. */
static int
window_log_for (const ArecCodecOptions *options, size_t size)
{
    int log = options->has_window_log ? options->window_log
              : options->level < 2    ? DEFAULT_WINDOW_LOG_OF_FAST
                                      : DEFAULT_WINDOW_LOG;

    while (log > SMALL_WINDOW_LOG && size <= ((size_t)1 << (log - 1)) - WINDOW_GAP) {
        log--;
    }
    return log;
}

/* ---- memory ---- */

static void
free_keeper (void *keeper)
{
    arec_block_keeper_free (keeper);
}

static ArecThreadSlot slot = AREC_THREAD_SLOT (free_keeper);

/* The library's logarithm of what it takes in at once. */
static int
block_log_of (int level, int window_log)
{
    return level < 4 ? 14 : level < 9 ? SMALL_WINDOW_LOG : CLAMP (window_log, 16, 18);
}

/* Bytes of the tables that matches are looked up in. */
static size_t
tables_of (int level, int window_log, size_t size)
{
    size_t large = window_log > MAX_USUAL_WINDOW_LOG && level > 2 ? 64 * MIB : 0;

    if (level < 4) {
        return large + MIB;
    }
    if (level == 4) {
        return large + (size < MIB ? MIB : 5 * MIB);
    }
    if (level < 10) {
        return window_log <= SMALL_WINDOW_LOG ? 2 * MIB
                                              : large + (128 * KIB << (level - 1)) + 128 * KIB;
    }
    /* A node for each byte: of the input where that is taken in at once, else of the window. */
    return MIB + 8 * (size <= (size_t)1 << block_log_of (level, window_log)
                          ? size
                          : (size_t)1 << window_log);
}

/* The window, twice as long where the input is not taken in at once. */
static size_t
ring_of (int level, int window_log, size_t size)
{
    int block_log = block_log_of (level, window_log);

    return size <= (size_t)1 << block_log
               ? size
               : ((size_t)2 << MAX (window_log, block_log)) + ((size_t)1 << block_log);
}

/* How many bytes it takes to encode a byte of what is taken in at once, and one of a
 * meta-block: the most that was measured, with words, noise of 2 to 256 kinds of bytes, and
 * repetitions of all these, and up to a half more. */
static size_t
work_of (int level, int window_log, size_t size)
{
    int block_log = block_log_of (level, window_log);
    size_t block = MIN (size, (size_t)1 << block_log);
    size_t meta_block = MIN (size, (size_t)1 << MIN (24, 1 + MAX (window_log, block_log)));

    return level < 4    ? 3 * meta_block
           : level < 10 ? 12 * block + 6 * meta_block
           : level < 11 ? 40 * block + 12 * meta_block
                        : 128 * block + 12 * meta_block;
}

size_t
arec_brotli_compress_memory (const ArecCodecOptions *options, size_t size)
{
    int level = options->level, window_log = window_log_for (options, size);

    /* These two write what they make as they go, with a table of fixed size. */
    if (level < 2) {
        return 2 * MIB + 2 * MIN (size, (size_t)1 << window_log);
    }
    return tables_of (level, window_log, size) + ring_of (level, window_log, size) +
           work_of (level, window_log, size);
}

size_t
arec_brotli_compress_kept (void)
{
    const ArecBlockKeeper *keeper = arec_thread_slot_peek (&slot);

    return keeper ? arec_block_keeper_kept (keeper) : 0;
}

void
arec_brotli_compress_release (void)
{
    arec_block_keeper_free (arec_thread_slot_take (&slot));
}

/* ---- an encoder ---- */

/* Where an encoder takes its blocks from, and where to go on when there is none. */
typedef struct {
    ArecBlockKeeper *keeper;
    jmp_buf no_memory; /* set wherever the library is called that takes blocks */
} Memory;

/* The library ends the process where this returns NULL, so it does not return then. */
static void *
take (void *data, size_t size)
{
    Memory *memory = data;
    void *block = arec_block_keeper_take (memory->keeper, size);

    if (!block) {
        longjmp (memory->no_memory, 1);
    }
    return block;
}

static void
give (void *data, void *block)
{
    Memory *memory = data;

    arec_block_keeper_give (memory->keeper, block);
}

/* That of this thread; NULL if out of memory. */
static ArecBlockKeeper *
take_keeper (void)
{
    ArecBlockKeeper *keeper = arec_thread_slot_take (&slot);

    return keeper ? keeper : arec_block_keeper_new (MAX_KEPT, SIZE_MAX);
}

static void
set_options (BrotliEncoderState *encoder, const ArecCodecOptions *options, size_t size)
{
    int window_log = window_log_for (options, size);

    BrotliEncoderSetParameter (encoder, BROTLI_PARAM_QUALITY, (uint32_t)options->level);
    BrotliEncoderSetParameter (encoder, BROTLI_PARAM_LARGE_WINDOW,
                               window_log > MAX_USUAL_WINDOW_LOG);
    BrotliEncoderSetParameter (encoder, BROTLI_PARAM_LGWIN, (uint32_t)window_log);
}

/* ---- all at once ---- */

typedef struct {
    const ArecCodecOptions *options;
    const uint8_t *in;
    size_t in_size;
    uint8_t *out;
    size_t capacity;
    size_t *out_size;
    Memory memory;
} Call;

static const char *
encode (Call *call)
{
    BrotliEncoderState *encoder = BrotliEncoderCreateInstance (take, give, &call->memory);
    size_t out_left = call->capacity;
    bool sound, finished;

    if (!encoder) {
        return arec_codec_no_memory;
    }
    set_options (encoder, call->options, call->in_size);
    sound = BrotliEncoderCompressStream (encoder, BROTLI_OPERATION_FINISH, &call->in_size,
                                         &call->in, &out_left, &call->out, NULL);
    finished = BrotliEncoderIsFinished (encoder);
    BrotliEncoderDestroyInstance (encoder);
    if (!sound) {
        return arec_codec_no_memory;
    }
    if (!finished) {
        return arec_codec_no_room;
    }
    *call->out_size = call->capacity - out_left;
    return NULL;
}

const char *
arec_brotli_compress_in (ArecBlockKeeper *keeper, const ArecCodecOptions *options,
                         const uint8_t *in, size_t in_size, uint8_t *out, size_t capacity,
                         size_t *out_size)
{
    Call call = {.options = options,
                 .in = in,
                 .in_size = in_size,
                 .out = out,
                 .capacity = capacity,
                 .out_size = out_size,
                 .memory.keeper = keeper};

    if (setjmp (call.memory.no_memory) != 0) {
        /* The encoder was cut short, and lies in these blocks as all that it had. */
        arec_block_keeper_give_all (call.memory.keeper);
        return arec_codec_no_memory;
    }
    return encode (&call);
}

const char *
arec_brotli_compress (const ArecCodecOptions *options, const uint8_t *in, size_t in_size,
                      uint8_t *out, size_t capacity, size_t *out_size)
{
    ArecBlockKeeper *keeper = take_keeper();
    const char *reason;

    if (!keeper) {
        return arec_codec_no_memory;
    }
    reason = arec_brotli_compress_in (keeper, options, in, in_size, out, capacity, out_size);
    arec_thread_slot_give (&slot, keeper);
    return reason;
}

/* ---- a stream ---- */

/* The fast levels compress what they are given as one block. */
#define MAX_PIECE_OF_FAST (4 * MIB)

/* What the library is told of the size at most; it takes the same from input that it gets at
 * once. */
#define MAX_SIZE_HINT (UINT64_C (1) << 30)

typedef struct {
    Memory memory;
    BrotliEncoderState *encoder; /* NULL: cut short */
} Stream;

static size_t
piece_size (const ArecCodecOptions *options, uint64_t size)
{
    return options->level < 2
               ? MIN ((size_t)1 << window_log_for (options, size), MAX_PIECE_OF_FAST)
               : AREC_COMPRESS_PIECE;
}

/* As encode () is. */
static const char *
cut_short (Stream *stream)
{
    arec_block_keeper_give_all (stream->memory.keeper);
    stream->encoder = NULL;
    return arec_codec_no_memory;
}

static const char *
begin (Stream *stream, const ArecCodecOptions *options, uint64_t size)
{
    if (setjmp (stream->memory.no_memory) != 0) {
        return cut_short (stream);
    }
    stream->encoder = BrotliEncoderCreateInstance (take, give, &stream->memory);
    if (!stream->encoder) {
        return arec_codec_no_memory;
    }
    set_options (stream->encoder, options, size);
    BrotliEncoderSetParameter (stream->encoder, BROTLI_PARAM_SIZE_HINT,
                               (uint32_t)MIN (size, MAX_SIZE_HINT));
    return NULL;
}

static void
close_stream (void *encoder)
{
    Stream *stream = encoder;

    if (stream->encoder) {
        BrotliEncoderDestroyInstance (stream->encoder);
    }
    arec_thread_slot_give (&slot, stream->memory.keeper);
    g_free (stream);
}

static const char *
open_stream (const ArecCodecOptions *options, uint64_t size, void **encoder)
{
    ArecBlockKeeper *keeper = take_keeper();
    Stream *stream;
    const char *reason;

    if (!keeper) {
        return arec_codec_no_memory;
    }
    stream = g_new0 (Stream, 1);
    stream->memory.keeper = keeper;
    reason = begin (stream, options, size);
    if (reason) {
        close_stream (stream);
        return reason;
    }
    *encoder = stream;
    return NULL;
}

/* Gives what the encoder has made so far to @output. */
static bool
put_made (BrotliEncoderState *encoder, const ArecCompressOutput *output)
{
    bool ok = true;

    while (ok && BrotliEncoderHasMoreOutput (encoder)) {
        size_t size = 0;
        const uint8_t *made = BrotliEncoderTakeOutput (encoder, &size);

        ok = output->put (output->data, made, size);
    }
    return ok;
}

static const char *
work (const Stream *stream, const ArecCompressPiece *piece, const ArecCompressOutput *output)
{
    const uint8_t *in = piece->at;
    size_t left = piece->size, no_room = 0;

    while (left > 0 || (piece->is_last && !BrotliEncoderIsFinished (stream->encoder))) {
        if (!BrotliEncoderCompressStream (stream->encoder,
                                          piece->is_last ? BROTLI_OPERATION_FINISH
                                                         : BROTLI_OPERATION_PROCESS,
                                          &left, &in, &no_room, NULL, NULL)) {
            return arec_codec_no_memory;
        }
        if (!put_made (stream->encoder, output)) {
            return arec_compress_stream_no_output;
        }
    }
    return NULL;
}

static const char *
step (void *encoder, const ArecCompressPiece *piece, const ArecCompressOutput *output)
{
    Stream *stream = encoder;

    if (setjmp (stream->memory.no_memory) != 0) {
        return cut_short (stream);
    }
    return work (stream, piece, output);
}

const ArecStreamCompressor arec_brotli_stream_compressor = {
    .piece_size = piece_size,
    .open = open_stream,
    .step = step,
    .close = close_stream,
};
