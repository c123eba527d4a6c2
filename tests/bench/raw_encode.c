/* The least that encoding the records of a file in groups costs: running the codec on sizes and
 * values of each group, which lie ready, and hashing what it makes, into memory that is used
 * again, and that is written to OUT if there is one.
 *
 *   raw_encode PASSES GROUP CODEC[:LEVEL] FILE [RECORDS [OUT]]
 *
 * Prints what measure.h says; its bytes are those that the codec makes.
 */
#define ZSTD_STATIC_LINKING_ONLY
#include <brotli/encode.h>
#include <fcntl.h>
#include <highwayhash/c_bindings.h>
#include <snappy-c.h>
#include <unistd.h>
#include <zstd.h>

#include "groups.h"

/* As many bytes are written at a time. */
#define WRITTEN ((size_t)256 * 1024)

/* Brotli needs fewer at a time. */
enum { MAX_BLOCKS = 256 };

static const HHKey key = {0x2f696c6567656952, 0x0a7364726f636572, 0x2f696c6567656952,
                          0x0a7364726f636572};

typedef struct {
    size_t size;
    void *bytes;
    int used;
} Block;

typedef struct {
    Groups groups;
    ZSTD_CCtx *of_sizes, *of_values;
    Block blocks[MAX_BLOCKS]; /* the memory of Brotli encoders */
    size_t n_blocks;
    const char *path; /* of OUT; NULL: nothing is written */
    int fd;
    uint8_t *buffer; /* WRITTEN and @room bytes */
    uint8_t *out;    /* where in it the next stream goes */
    size_t room;
    volatile uint64_t hash; /* the last one: so that none is left out */
} Work;

/* ---- Brotli's memory ---- */

static void *
take (void *data, size_t size)
{
    Work *work = data;

    for (size_t i = 0; i < work->n_blocks; i++) {
        if (!work->blocks[i].used && work->blocks[i].size == size) {
            work->blocks[i].used = 1;
            return work->blocks[i].bytes;
        }
    }
    if (work->n_blocks == MAX_BLOCKS) {
        return malloc (size);
    }
    work->blocks[work->n_blocks] = (Block){size, malloc (size), 1};
    return work->blocks[work->n_blocks++].bytes;
}

static void
give (void *data, void *bytes)
{
    Work *work = data;

    for (size_t i = 0; i < work->n_blocks; i++) {
        if (work->blocks[i].bytes == bytes) {
            work->blocks[i].used = 0;
            return;
        }
    }
    free (bytes);
}

/* ---- codecs: bytes made ---- */

#define FAILED SIZE_MAX

/* The smallest that holds the input, as the engine has it. */
static uint32_t
window_log_of (int level, size_t size)
{
    uint32_t log = 16;

    while (log < (level < 2 ? 18 : 22) && ((size_t)1 << log) - 16 < size) {
        log++;
    }
    return log;
}

static size_t
brotli (Work *work, const uint8_t *in, size_t in_size)
{
    BrotliEncoderState *encoder = BrotliEncoderCreateInstance (take, give, work);
    uint8_t *out = work->out;
    size_t left = work->room;
    bool finished;

    BrotliEncoderSetParameter (encoder, BROTLI_PARAM_QUALITY,
                               (uint32_t)work->groups.codec.level);
    BrotliEncoderSetParameter (encoder, BROTLI_PARAM_LGWIN,
                               window_log_of (work->groups.codec.level, in_size));
    BrotliEncoderCompressStream (encoder, BROTLI_OPERATION_FINISH, &in_size, &in, &left, &out,
                                 NULL);
    finished = BrotliEncoderIsFinished (encoder);
    BrotliEncoderDestroyInstance (encoder);
    return finished ? work->room - left : FAILED;
}

static void
set_up_zstd (ZSTD_CCtx *context, const ArecCodecOptions *codec)
{
    ZSTD_compressionParameters p = ZSTD_getCParams (codec->level, ZSTD_CONTENTSIZE_UNKNOWN, 0);

    ZSTD_CCtx_setParameter (context, ZSTD_c_windowLog, codec->window_log);
    ZSTD_CCtx_setParameter (context, ZSTD_c_hashLog, (int)p.hashLog);
    ZSTD_CCtx_setParameter (context, ZSTD_c_chainLog, (int)p.chainLog);
    ZSTD_CCtx_setParameter (context, ZSTD_c_searchLog, (int)p.searchLog);
    ZSTD_CCtx_setParameter (context, ZSTD_c_minMatch, (int)p.minMatch);
    ZSTD_CCtx_setParameter (context, ZSTD_c_targetLength, (int)p.targetLength);
    ZSTD_CCtx_setParameter (context, ZSTD_c_strategy, (int)p.strategy);
}

static size_t
compress (Work *work, ZSTD_CCtx *zstd, const uint8_t *in, size_t in_size)
{
    size_t made = work->room;

    switch (work->groups.codec.compression) {
    case AREC_COMPRESSION_BROTLI: return brotli (work, in, in_size);
    case AREC_COMPRESSION_ZSTD:
        made = ZSTD_compress2 (zstd, work->out, work->room, in, in_size);
        return ZSTD_isError (made) ? FAILED : made;
    case AREC_COMPRESSION_SNAPPY:
        return snappy_compress ((const char *)in, in_size, (char *)work->out, &made) ==
                       SNAPPY_OK
                   ? made
                   : FAILED;
    case AREC_COMPRESSION_NONE: break;
    }
    memcpy (work->out, in, in_size);
    return in_size;
}

/* ---- the file ---- */

static void
flush (Work *work)
{
    size_t size = (size_t)(work->out - work->buffer);

    if (write (work->fd, work->buffer, size) != (ssize_t)size) {
        groups_die (&work->groups, "cannot write");
    }
    work->out = work->buffer;
}

static size_t
encode (Work *work, ZSTD_CCtx *zstd, const uint8_t *in, size_t in_size)
{
    size_t made = compress (work, zstd, in, in_size);

    if (made == FAILED) {
        groups_die (&work->groups, "the codec fails");
    }
    work->hash = HighwayHash64 (key, (const char *)work->out, made);
    if (work->path) {
        work->out += made;
        if ((size_t)(work->out - work->buffer) >= WRITTEN) {
            flush (work);
        }
    }
    return made;
}

static void
begin_file (Work *work)
{
    if (work->path) {
        work->fd = open (work->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    }
}

static void
end_file (Work *work)
{
    if (work->path) {
        flush (work);
        close (work->fd);
    }
}

static uint64_t
encode_all (void *data, uint64_t *bytes)
{
    Work *work = data;

    *bytes = 0;
    begin_file (work);
    for (size_t i = 0; i < work->groups.n_groups; i++) {
        const Group *group = &work->groups.groups[i];

        *bytes += encode (work, work->of_sizes, group->sizes, group->sizes_size);
        *bytes += encode (work, work->of_values, group->values, group->values_size);
    }
    end_file (work);
    return work->groups.n_records;
}

int
main (int argc, char **argv)
{
    static Work work;

    work.path = groups_load (&work.groups, "raw_encode", argc, argv);
    work.room = arec_compress_bound (&work.groups.codec, work.groups.largest);
    work.buffer = work.out = malloc (WRITTEN + work.room);
    work.of_sizes = ZSTD_createCCtx();
    work.of_values = ZSTD_createCCtx();
    set_up_zstd (work.of_sizes, &work.groups.codec);
    set_up_zstd (work.of_values, &work.groups.codec);
    measure (work.groups.passes, encode_all, &work);
    ZSTD_freeCCtx (work.of_sizes);
    ZSTD_freeCCtx (work.of_values);
    for (size_t i = 0; i < work.n_blocks; i++) {
        free (work.blocks[i].bytes);
    }
    free (work.buffer);
    groups_clear (&work.groups);
    return 0;
}
