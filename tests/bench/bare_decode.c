/* What reading the records of a file costs at least: pread, HighwayHash and decompression of
 * each simple chunk, by the libraries themselves and nothing of ours.
 *
 *   bare_decode [-t THREADS] FILE
 *
 * Trusts the file and needs one that the reference wrote, not transposed. Where the chunks lie
 * is found before the clock starts. Prints `RECORDS BYTES SECONDS`.
 */
#include <brotli/decode.h>
#include <errno.h>
#include <fcntl.h>
#include <highwayhash/c_bindings.h>
#include <inttypes.h>
#include <pthread.h>
#include <snappy-c.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

enum { BLOCK = 65536, BLOCK_HEADER = 24, USABLE = BLOCK - BLOCK_HEADER, HEADER = 40 };

/* "Riegeli/records\n" twice. */
static const HHKey key = {0x2f696c6567656952, 0x0a7364726f636572, 0x2f696c6567656952,
                          0x0a7364726f636572};

typedef struct {
    uint64_t begin, data_end; /* in the file, block headers between them included */
    uint64_t data_size, hash, n_records, decoded_size;
} Chunk;

static int file;
static Chunk *chunks;
static size_t n_chunks;
static atomic_size_t next_chunk;

static void
die (const char *what)
{
    fprintf (stderr, "bare_decode: %s\n", what);
    exit (1);
}

static double
now (void)
{
    struct timespec time;

    clock_gettime (CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* A buffer that only grows. */
typedef struct {
    uint8_t *bytes;
    size_t size;
} Buffer;

static uint8_t *
at_least (Buffer *buffer, size_t size)
{
    if (buffer->size < size) {
        free (buffer->bytes);
        buffer->bytes = malloc (size);
        buffer->size = size;
        if (!buffer->bytes) {
            die ("no memory");
        }
    }
    return buffer->bytes;
}

/* ---- where chunks lie ---- */

/* Where @length bytes of a chunk end that begin at @begin. */
static uint64_t
add (uint64_t begin, uint64_t length)
{
    return begin + length +
           BLOCK_HEADER * ((length + (begin + USABLE - 1) % BLOCK) / (uint64_t)USABLE);
}

static void
read_at (uint64_t offset, void *out, size_t size)
{
    for (size_t got = 0; got < size;) {
        ssize_t n = pread (file, (char *)out + got, size - got, (off_t)(offset + got));

        if (n <= 0) {
            die (n < 0 ? strerror (errno) : "the file ends too early");
        }
        got += (size_t)n;
    }
}

/* Takes the block headers out of @size bytes of the file from @offset on; returns what is left.
 */
static size_t
strip_headers (uint8_t *bytes, uint64_t offset, size_t size)
{
    size_t from = 0, to = 0;

    while (from < size) {
        uint64_t in_block = (offset + from) % BLOCK;
        size_t step;

        if (in_block == 0) {
            from += BLOCK_HEADER;
            continue;
        }
        step = BLOCK - in_block < size - from ? (size_t)(BLOCK - in_block) : size - from;
        if (from != to) {
            memmove (bytes + to, bytes + from, step);
        }
        from += step;
        to += step;
    }
    return to;
}

static uint64_t
number_at (const uint8_t *bytes, unsigned n)
{
    uint64_t value = 0;

    while (n-- > 0) {
        value = value << 8 | bytes[n];
    }
    return value;
}

/* Adds the chunk at @position to the list if it has records. Returns where the next one is. */
static uint64_t
take_chunk (uint64_t position)
{
    uint8_t header[HEADER + BLOCK_HEADER];
    Chunk chunk = {.begin = position};
    uint64_t end, by_records;

    read_at (position, header, (size_t)(add (position, HEADER) - position));
    strip_headers (header, position, (size_t)(add (position, HEADER) - position));
    chunk.data_size = number_at (header + 8, 8);
    chunk.hash = number_at (header + 16, 8);
    chunk.n_records = number_at (header + 25, 7);
    chunk.decoded_size = number_at (header + 32, 8);
    chunk.data_end = add (position, HEADER + chunk.data_size);
    if (header[24] == 't') {
        die ("transposed chunks are not for this program");
    }
    if (header[24] == 'r') {
        if ((n_chunks & (n_chunks - 1)) == 0) {
            chunks = realloc (chunks, (n_chunks > 0 ? n_chunks * 2 : 1) * sizeof *chunks);
            if (!chunks) {
                die ("no memory");
            }
        }
        chunks[n_chunks++] = chunk;
    }
    by_records = position + chunk.n_records;
    if (by_records % BLOCK > 0 && by_records % BLOCK <= BLOCK_HEADER) {
        by_records += BLOCK_HEADER + 1 - by_records % BLOCK;
    }
    end = chunk.data_end;
    return end > by_records ? end : by_records;
}

/* The last two chunks of type 'r' are footer and postscript. */
static void
find_chunks (void)
{
    struct stat st;

    if (fstat (file, &st) != 0) {
        die (strerror (errno));
    }
    for (uint64_t position = 0; position < (uint64_t)st.st_size;) {
        position = take_chunk (position);
    }
    if (n_chunks < 2) {
        die ("not an ArrayRecord file");
    }
    n_chunks -= 2;
}

/* ---- decoding ---- */

/* What a thread keeps from chunk to chunk. */
typedef struct {
    pthread_t thread;
    Buffer stored, sizes, values;
    ZSTD_DCtx *zstd;
    uint64_t records, bytes;
} Worker;

static uint64_t
varint (const uint8_t **at)
{
    uint64_t value = 0;

    for (unsigned shift = 0;; shift += 7) {
        uint8_t byte = *(*at)++;

        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return value;
        }
    }
}

static void
decompress (Worker *worker, uint8_t codec, const uint8_t *in, const uint8_t *end, uint8_t *out,
            size_t capacity)
{
    size_t got = capacity, size;
    bool done = false;

    varint (&in);
    size = (size_t)(end - in);
    if (codec == 'z') {
        done = !ZSTD_isError (ZSTD_decompressDCtx (worker->zstd, out, capacity, in, size));
    } else if (codec == 'b') {
        done = BrotliDecoderDecompress (size, in, &got, out) == BROTLI_DECODER_RESULT_SUCCESS;
    } else if (codec == 's') {
        done = snappy_uncompress ((const char *)in, size, (char *)out, &got) == SNAPPY_OK;
    }
    if (!done) {
        die ("a chunk does not decompress");
    }
}

static void
decode_chunk (Worker *worker, const Chunk *chunk)
{
    size_t span = (size_t)(chunk->data_end - chunk->begin), sizes_size;
    uint8_t *stored = at_least (&worker->stored, span);
    const uint8_t *data = stored + HEADER, *end, *at;

    read_at (chunk->begin, stored, span);
    end = stored + strip_headers (stored, chunk->begin, span);
    if (HighwayHash64 (key, (const char *)data, chunk->data_size) != chunk->hash) {
        die ("a chunk has the wrong hash");
    }
    at = data + 1;
    sizes_size = varint (&at);
    if (data[0] != 0) {
        size_t room = (size_t)(10 * chunk->n_records), values = (size_t)chunk->decoded_size;

        decompress (worker, data[0], at, at + sizes_size, at_least (&worker->sizes, room),
                    room);
        decompress (worker, data[0], at + sizes_size, end, at_least (&worker->values, values),
                    values);
    }
    worker->records += chunk->n_records;
    worker->bytes += chunk->decoded_size;
}

static void *
run (void *data)
{
    Worker *worker = data;
    size_t i;

    worker->zstd = ZSTD_createDCtx();
    while ((i = atomic_fetch_add (&next_chunk, 1)) < n_chunks) {
        decode_chunk (worker, &chunks[i]);
    }
    ZSTD_freeDCtx (worker->zstd);
    free (worker->stored.bytes);
    free (worker->sizes.bytes);
    free (worker->values.bytes);
    return NULL;
}

static void
decode_all (unsigned threads)
{
    Worker *workers = calloc (threads, sizeof *workers);
    uint64_t records = 0, bytes = 0;
    double begin = now();

    if (!workers) {
        die ("no memory");
    }
    for (unsigned i = 0; i < threads; i++) {
        if (pthread_create (&workers[i].thread, NULL, run, &workers[i]) != 0) {
            die ("cannot start a thread");
        }
    }
    for (unsigned i = 0; i < threads; i++) {
        pthread_join (workers[i].thread, NULL);
        records += workers[i].records;
        bytes += workers[i].bytes;
    }
    printf ("%" PRIu64 " %" PRIu64 " %.6f\n", records, bytes, now() - begin);
    free (workers);
}

int
main (int argc, char **argv)
{
    unsigned threads = 1;
    int option;

    while ((option = getopt (argc, argv, "t:")) != -1) {
        switch (option) {
        case 't': threads = (unsigned)atoi (optarg); break;
        default: return 2;
        }
    }
    if (optind != argc - 1 || threads == 0) {
        fprintf (stderr, "usage: bare_decode [-t THREADS] FILE\n");
        return 2;
    }
    file = open (argv[optind], O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        die (strerror (errno));
    }
    find_chunks();
    decode_all (threads);
    free (chunks);
    close (file);
    return 0;
}
