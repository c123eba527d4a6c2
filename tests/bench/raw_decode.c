/* The least cost of decoding all simple chunks of a file: reading their bytes in large pieces,
 * verifying the two hashes of each (header and data), and running the codecs on its sizes and
 * values, into memory that is used again. There is no index and no other check, and no records
 * are handed to a caller.
 *
 *   raw_decode [-r SEED | -s] [-d] [-o] PASSES THREADS FILE [CHUNKS]
 *
 * With CHUNKS, that many chunks in a random order, each by a read of its own. With -r each
 * chunk is read so in the order of read_files, with -s in order; each thread then has its own
 * part of the order. -o copies the values once more, as a server does that hands them out. -d
 * drops the file from the page cache before the first pass. The chunks are found before the
 * clock starts. Output: measure.h.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <brotli/decode.h>
#include <highwayhash/c_bindings.h>
#include <snappy-c.h>
#include <zstd.h>

#include "measure.h"
#include "records_order.h"
#include "riegeli/block.h"

enum { MAX_THREADS = 256, MAX_BLOCKS = 512 };

/* Decoded bytes of the chunks that are read together. */
#define PIECE (UINT64_C (256) * 1024)

/* The copy out of the page cache is several times slower if its target lies some bytes further
 * on in its page than its source, so stored bytes lie in pages as they do in the file. */
#define PAGE UINT64_C (4096)

/* Bytes of one size in a size list, at most. */
#define MAX_SIZE UINT64_C (10)

static const HHKey key = {0x2f696c6567656952, 0x0a7364726f636572, 0x2f696c6567656952,
                          0x0a7364726f636572};

typedef struct {
    uint64_t begin, data_size, data_hash, n_records, decoded_size, end;
} Chunk;

/* Chunks that are read together, from one to one past the last. */
typedef struct {
    size_t first, end;
} Piece;

typedef struct {
    int fd;
    Chunk *chunks;
    size_t n_chunks, room;
    Piece *pieces;
    size_t n_pieces;
    uint64_t largest_stored, largest_decoded; /* of a piece */
    uint64_t largest_sizes;                   /* of a chunk's size list, a bound */
    unsigned n_threads;
    bool has_parts; /* each thread has its own part of the pieces */
    bool copies;    /* values once more */
    _Atomic unsigned next_thread;
    _Atomic size_t next_piece;
    _Atomic uint64_t records, bytes;
} File;

static void
die (const char *what)
{
    fprintf (stderr, "raw_decode: %s\n", what);
    exit (1);
}

static void *
allocate (void *old, size_t size)
{
    void *memory = realloc (old, size > 0 ? size : 1);

    if (!memory) {
        die ("no memory");
    }
    return memory;
}

static uint64_t
le64 (const uint8_t *at)
{
    uint64_t value;

    memcpy (&value, at, sizeof value);
    return value;
}

/* Reads as much of the file range [*at, end) as one call gives; returns how many bytes of
 * chunks. */
static size_t
read_blocks (int fd, uint64_t *at, uint64_t end, uint8_t *out)
{
    struct iovec iov[2 * MAX_BLOCKS];
    uint8_t headers[MAX_BLOCKS][AREC_BLOCK_HEADER_SIZE];
    uint64_t begin = *at;
    size_t got = 0;
    int n = 0;

    for (int block = 0; block < MAX_BLOCKS && *at < end; block++) {
        uint64_t piece;

        if (*at % AREC_BLOCK_SIZE == 0) {
            iov[n++] = (struct iovec){headers[block], AREC_BLOCK_HEADER_SIZE};
            *at += AREC_BLOCK_HEADER_SIZE;
        }
        piece = AREC_BLOCK_SIZE - *at % AREC_BLOCK_SIZE;
        piece = piece < end - *at ? piece : end - *at;
        iov[n++] = (struct iovec){out + got, piece};
        got += piece;
        *at += piece;
    }
    if (preadv (fd, iov, n, (off_t)begin) != (ssize_t)(*at - begin)) {
        die ("short read");
    }
    return got;
}

/* Reads the bytes of chunks in the file range [begin, end), without block headers; returns how
 * many. */
static size_t
read_range (int fd, uint64_t begin, uint64_t end, uint8_t *out)
{
    size_t got = 0;

    while (begin < end) {
        got += read_blocks (fd, &begin, end, out + got);
    }
    return got;
}

static void
find_chunks (File *file)
{
    struct stat st;
    uint64_t begin = 0;

    fstat (file->fd, &st);
    while (begin < (uint64_t)st.st_size) {
        uint8_t raw[AREC_CHUNK_HEADER_SIZE];
        Chunk chunk = {.begin = begin};

        read_range (file->fd, begin, arec_block_add (begin, sizeof raw), raw);
        chunk.data_size = le64 (raw + 8);
        chunk.data_hash = le64 (raw + 16);
        chunk.n_records = le64 (raw + 24) >> 8;
        chunk.decoded_size = le64 (raw + 32);
        chunk.end = arec_block_chunk_end (begin, chunk.data_size, chunk.n_records);
        begin = chunk.end;
        if (raw[24] != 'r') {
            continue;
        }
        if (file->n_chunks == file->room) {
            file->room = file->room * 2 + 64;
            file->chunks = allocate (file->chunks, file->room * sizeof *file->chunks);
        }
        file->chunks[file->n_chunks++] = chunk;
    }
    if (file->n_chunks < 2) {
        die ("no chunks of records");
    }
    file->n_chunks -= 2; /* the footer and the postscript, which hold no records of the user */
}

/* Pieces that decode to at most @most bytes, or have one chunk. */
static void
make_pieces (File *file, uint64_t most)
{
    file->pieces = allocate (NULL, file->n_chunks * sizeof *file->pieces);
    for (size_t i = 0; i < file->n_chunks;) {
        uint64_t begin = file->chunks[i].begin, decoded = 0, stored = 0;
        Piece *piece = &file->pieces[file->n_pieces++];

        piece->first = i;
        do {
            decoded += file->chunks[i].decoded_size;
            if (MAX_SIZE * file->chunks[i].n_records > file->largest_sizes) {
                file->largest_sizes = MAX_SIZE * file->chunks[i].n_records;
            }
            stored = file->chunks[i].end - begin;
            i++;
        } while (i < file->n_chunks && decoded + file->chunks[i].decoded_size <= most);
        piece->end = i;
        if (stored > file->largest_stored) {
            file->largest_stored = stored;
        }
        if (decoded > file->largest_decoded) {
            file->largest_decoded = decoded;
        }
    }
}

/* Keeps @n pieces in a random order, the same each time. */
static void
shuffle_pieces (File *file, size_t n)
{
    if (n < 1 || n > file->n_pieces) {
        die ("there are not so many chunks");
    }
    srand48 (1);
    for (size_t i = 0; i < n; i++) {
        size_t j = i + (size_t)(drand48() * (double)(file->n_pieces - i));
        Piece piece = file->pieces[i];

        file->pieces[i] = file->pieces[j];
        file->pieces[j] = piece;
    }
    file->n_pieces = n;
}

/* Brings all pieces into the order that read_files makes of @seed. */
static void
order_pieces (File *file, uint64_t seed)
{
    size_t *order = allocate (NULL, file->n_pieces * sizeof *order);
    Piece *pieces = allocate (NULL, file->n_pieces * sizeof *pieces);

    for (size_t i = 0; i < file->n_pieces; i++) {
        order[i] = i;
    }
    records_order_shuffle (order, file->n_pieces, seed);
    for (size_t i = 0; i < file->n_pieces; i++) {
        pieces[i] = file->pieces[order[i]];
    }
    free (order);
    free (file->pieces);
    file->pieces = pieces;
}

/* The memory of one thread. */
typedef struct {
    uint8_t *stored, *decoded, *sizes, *copy;
    ZSTD_DCtx *zstd;
} Memory;

static const uint8_t *
skip_varint (const uint8_t *at, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0;; shift += 7) {
        *value |= (uint64_t)(*at & 0x7f) << shift;
        if (*at++ < 0x80) {
            return at;
        }
    }
}

/* Returns where the decompressed bytes are. */
static const uint8_t *
decompress (uint8_t compression, Memory *memory, const uint8_t *in, const uint8_t *end,
            uint8_t *out, size_t room)
{
    uint64_t plain;
    size_t size;
    bool ok = true;

    if (compression == 0) {
        return in;
    }
    in = skip_varint (in, &plain);
    size = (size_t)(end - in);
    switch (compression) {
    case 'z':
        ok = !ZSTD_isError (ZSTD_decompressDCtx (memory->zstd, out, room, in, size));
        break;
    case 'b':
        ok = BrotliDecoderDecompress (size, in, &room, out) == BROTLI_DECODER_RESULT_SUCCESS;
        break;
    case 's':
        ok = snappy_uncompress ((const char *)in, size, (char *)out, &room) == SNAPPY_OK;
        break;
    default: ok = false;
    }
    if (!ok) {
        die ("the codec fails");
    }
    return out;
}

static void
decode_chunk (const File *file, Memory *memory, const Chunk *chunk, const uint8_t *raw)
{
    const uint8_t *data = raw + AREC_CHUNK_HEADER_SIZE, *end = data + chunk->data_size;
    uint64_t sizes_size;
    const uint8_t *sizes = skip_varint (data + 1, &sizes_size), *values;

    if (HighwayHash64 (key, (const char *)raw + 8, AREC_CHUNK_HEADER_SIZE - 8) != le64 (raw) ||
        HighwayHash64 (key, (const char *)data, chunk->data_size) != chunk->data_hash) {
        die ("hash mismatch");
    }
    decompress (data[0], memory, sizes, sizes + sizes_size, memory->sizes, file->largest_sizes);
    values = decompress (data[0], memory, sizes + sizes_size, end, memory->decoded,
                         chunk->decoded_size);
    if (file->copies) {
        memcpy (memory->copy, values, chunk->decoded_size);
    }
}

/* The pieces of one thread. */
typedef struct {
    File *file;
    size_t next, end; /* of its own part */
} Part;

static Part
take_part (File *file)
{
    size_t i = file->next_thread++;

    return (Part){file, file->n_pieces * i / file->n_threads,
                  file->n_pieces * (i + 1) / file->n_threads};
}

/* Whether there is one more: *piece. */
static bool
next_piece (Part *part, size_t *piece)
{
    *piece = part->file->has_parts ? part->next++ : part->file->next_piece++;
    return *piece < (part->file->has_parts ? part->end : part->file->n_pieces);
}

static void *
work (void *data)
{
    File *file = data;
    Memory memory = {
        allocate (NULL, PAGE + file->largest_stored), allocate (NULL, file->largest_decoded),
        allocate (NULL, file->largest_sizes),
        allocate (NULL, file->copies ? file->largest_decoded : 0), ZSTD_createDCtx()};
    Part part = take_part (file);
    size_t piece;

    while (next_piece (&part, &piece)) {
        const Chunk *chunk = &file->chunks[file->pieces[piece].first];
        const Chunk *end = &file->chunks[file->pieces[piece].end];
        uint64_t begin = chunk->begin, records = 0, bytes = 0;
        uint8_t *stored = memory.stored + (begin - (uintptr_t)memory.stored) % PAGE;

        read_range (file->fd, begin, end[-1].end, stored);
        for (; chunk < end; chunk++) {
            decode_chunk (file, &memory, chunk,
                          stored + arec_block_distance (begin, chunk->begin));
            records += chunk->n_records;
            bytes += chunk->decoded_size;
        }
        file->records += records;
        file->bytes += bytes;
    }
    free (memory.stored);
    free (memory.decoded);
    free (memory.sizes);
    free (memory.copy);
    ZSTD_freeDCtx (memory.zstd);
    return NULL;
}

static uint64_t
decode_all (void *data, uint64_t *bytes)
{
    File *file = data;
    pthread_t threads[MAX_THREADS];

    file->next_piece = 0;
    file->next_thread = 0;
    file->records = file->bytes = 0;
    if (file->n_threads == 1) {
        work (file);
    } else {
        for (unsigned i = 0; i < file->n_threads; i++) {
            if (pthread_create (&threads[i], NULL, work, file) != 0) {
                die ("no thread");
            }
        }
        for (unsigned i = 0; i < file->n_threads; i++) {
            pthread_join (threads[i], NULL);
        }
    }
    *bytes = file->bytes;
    return file->records;
}

/* Whether and how pieces are ordered. */
typedef enum { TOGETHER, AT_RANDOM, IN_ORDER, SEEDED } Order;

static void
drop_from_page_cache (const File *file)
{
    if (fdatasync (file->fd) != 0 || posix_fadvise (file->fd, 0, 0, POSIX_FADV_DONTNEED) != 0) {
        die ("cannot drop the file from the page cache");
    }
}

static void
prepare_pieces (File *file, Order order, uint64_t seed, const char *n_chunks)
{
    make_pieces (file, order == TOGETHER ? PIECE : 0);
    file->has_parts = order == IN_ORDER || order == SEEDED;
    if (order == AT_RANDOM) {
        shuffle_pieces (file, strtoul (n_chunks, NULL, 10));
    } else if (order == SEEDED) {
        order_pieces (file, seed);
    }
}

int
main (int argc, char **argv)
{
    File file = {0};
    Order order = TOGETHER;
    uint64_t seed = 0;
    bool drops = false;
    int option, n;

    while ((option = getopt (argc, argv, "r:sdo")) != -1) {
        switch (option) {
        case 'r': seed = strtoull (optarg, NULL, 10), order = SEEDED; break;
        case 's': order = IN_ORDER; break;
        case 'd': drops = true; break;
        case 'o': file.copies = true; break;
        default: return 2;
        }
    }
    n = argc - optind;
    argv += optind;
    if (n != 3 && (n != 4 || order != TOGETHER)) {
        fprintf (stderr, "usage: raw_decode [-r SEED | -s] [-d] [-o] PASSES THREADS FILE "
                         "[CHUNKS]\n");
        return 2;
    }
    file.n_threads = (unsigned)strtoul (argv[1], NULL, 10);
    file.fd = open (argv[2], O_RDONLY | O_CLOEXEC);
    if (file.fd < 0 || file.n_threads < 1 || file.n_threads > MAX_THREADS) {
        die ("cannot open the file, or so many threads");
    }
    find_chunks (&file);
    prepare_pieces (&file, n == 4 ? AT_RANDOM : order, seed, argv[3]);
    if (drops) {
        drop_from_page_cache (&file);
    }
    measure ((unsigned)strtoul (argv[0], NULL, 10), decode_all, &file);
    free (file.chunks);
    free (file.pieces);
    close (file.fd);
    return 0;
}
