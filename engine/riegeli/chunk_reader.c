#include "riegeli/chunk_reader.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/heap.h"
#include "riegeli/block.h"
#include "riegeli/hash.h"
#include "riegeli/raw_headers.h"

/* Blocks that one read crosses at most: 2 MiB. */
#define BATCH_BLOCKS 32

/* What a read fetches before the header is known; more than this gains nothing. */
#define MAX_GUESS (UINT64_C (1024) * 1024)

/* A walk over the bytes of one chunk that collects the block headers it meets. */
typedef struct {
    const ArecChunkPlace *place;
    uint64_t position; /* of the next byte, before a block header if there is one */
    unsigned n_headers;
    uint64_t header_at[BATCH_BLOCKS];
    uint8_t headers[BATCH_BLOCKS][AREC_BLOCK_HEADER_SIZE];
} Walk;

static bool
corrupt (const ArecChunkPlace *place, uint64_t offset, GError **error, const char *what)
{
    if (offset == place->begin) {
        return arec_fail_place (error, AREC_ERROR_CORRUPT, place->source->name, offset, "%s",
                                what);
    }
    return arec_fail_place (error, AREC_ERROR_CORRUPT, place->source->name, offset,
                            "%s (chunk at %" PRIu64 ")", what, place->begin);
}

static Walk
walk_from (const ArecChunkPlace *place, uint64_t position)
{
    Walk walk;

    walk.place = place;
    walk.position = position;
    walk.n_headers = 0;
    return walk;
}

/* Reads the next bytes of the chunk, as many of @size as one batch holds; *n tells how many. */
static bool
walk_batch (Walk *walk, uint8_t *buffer, size_t size, size_t *n, GError **error)
{
    struct iovec iov[2 * BATCH_BLOCKS];
    uint64_t start = walk->position;
    int n_iov = 0;
    size_t done = 0;

    walk->n_headers = 0;
    while (done < size) {
        size_t piece;

        if (walk->position % AREC_BLOCK_SIZE == 0) {
            if (walk->n_headers == BATCH_BLOCKS) {
                break;
            }
            walk->header_at[walk->n_headers] = walk->position;
            iov[n_iov++] =
                (struct iovec){walk->headers[walk->n_headers++], AREC_BLOCK_HEADER_SIZE};
            walk->position += AREC_BLOCK_HEADER_SIZE;
        }
        if (n_iov == 2 * BATCH_BLOCKS) {
            break;
        }
        piece = MIN (size - done, (size_t)arec_block_remaining (walk->position));
        iov[n_iov++] = (struct iovec){buffer + done, piece};
        walk->position += piece;
        done += piece;
    }
    *n = done;
    return arec_source_preadv (walk->place->source, iov, n_iov, start, error);
}

/* Verifies the block header @raw at @block, which the chunk that ends at @chunk_end crosses. */
static bool
verify_block_header (const ArecChunkPlace *place, const uint8_t raw[AREC_BLOCK_HEADER_SIZE],
                     uint64_t block, uint64_t chunk_end, GError **error)
{
    ArecBlockHeader header;

    if (!arec_block_header_parse (raw, &header)) {
        return corrupt (place, block, error, "block header hash mismatch");
    }
    if (header.previous_chunk != block - place->begin) {
        return corrupt (place, block, error,
                        "the block header implies another begin of the chunk");
    }
    if (header.next_chunk != chunk_end - block) {
        return corrupt (place, block, error,
                        "the block header implies another end of the chunk");
    }
    return true;
}

/* Verifies the block headers of the last batch that lie before @data_end; a lenient place has
 * none verified. */
static bool
walk_verify (const Walk *walk, uint64_t data_end, uint64_t chunk_end, GError **error)
{
    const ArecChunkPlace *place = walk->place;

    for (unsigned i = 0; !place->lenient && i < walk->n_headers; i++) {
        if (walk->header_at[i] >= data_end) {
            break;
        }
        if (!verify_block_header (place, walk->headers[i], walk->header_at[i], chunk_end,
                                  error)) {
            return false;
        }
    }
    return true;
}

static bool
parse_header (const ArecChunkPlace *place, const uint8_t raw[AREC_CHUNK_HEADER_SIZE],
              ArecChunkHeader *out, GError **error)
{
    uint64_t size = place->source->size;
    ArecChunkHeader header;

    if (!arec_chunk_header_parse (raw, &header)) {
        return corrupt (place, place->begin, error, "chunk header hash mismatch");
    }
    /* Bounded by the file first: then no sum below can wrap. */
    if (header.data_size > size || header.num_records > size) {
        return arec_fail_place (error, AREC_ERROR_CORRUPT, place->source->name, place->begin,
                                "the chunk announces %" PRIu64 " bytes and %" PRIu64
                                " records, the file has %" PRIu64 " bytes",
                                header.data_size, header.num_records, size);
    }
    header.end = arec_block_chunk_end (place->begin, header.data_size, header.num_records);
    if (header.end > place->limit) {
        return arec_fail_place (error, AREC_ERROR_CORRUPT, place->source->name, place->begin,
                                "the chunk would end at %" PRIu64 ", expected at most %" PRIu64,
                                header.end, place->limit);
    }
    if (header.data_size > place->max_size) {
        return arec_fail_place (error, AREC_ERROR_LIMIT, place->source->name, place->begin,
                                "the chunk has %" PRIu64 " stored bytes, the limit is %" PRIu64,
                                header.data_size, place->max_size);
    }
    *out = header;
    return true;
}

/* Where data byte @k lies, before the block header if there is one in front of it. */
static uint64_t
data_position (const ArecChunkPlace *place, uint64_t k)
{
    return arec_block_add (place->begin, AREC_CHUNK_HEADER_SIZE + k);
}

/* Reads header and up to @size bytes of what follows into @buffer, which has room for both;
 * verifies the header and the block headers that belong to this chunk's data. */
static bool
read_first_batch (const ArecChunkPlace *place, uint8_t *buffer, size_t size,
                  ArecChunkHeader *header, size_t *n, GError **error)
{
    Walk walk = walk_from (place, place->begin);

    if (!arec_block_is_chunk_boundary (place->begin)) {
        return corrupt (place, place->begin, error, "a chunk cannot begin here");
    }
    return walk_batch (&walk, buffer, size, n, error) &&
           parse_header (place, buffer, header, error) &&
           walk_verify (&walk, data_position (place, header->data_size), header->end, error);
}

bool
arec_chunk_read_front (const ArecChunkPlace *place, ArecChunkHeader *header, uint8_t *buffer,
                       size_t size, size_t *got, GError **error)
{
    uint8_t raw[256];
    uint64_t there;
    size_t n;

    g_assert (size <= sizeof raw - AREC_CHUNK_HEADER_SIZE);
    there = place->begin <= place->limit ? arec_block_distance (place->begin, place->limit) : 0;
    if (!read_first_batch (
            place, raw,
            MAX (AREC_CHUNK_HEADER_SIZE, (size_t)MIN (there, AREC_CHUNK_HEADER_SIZE + size)),
            header, &n, error)) {
        return false;
    }
    *got = MIN (n - AREC_CHUNK_HEADER_SIZE, header->data_size);
    if (*got > 0) {
        memcpy (buffer, raw + AREC_CHUNK_HEADER_SIZE, *got);
    }
    return true;
}

bool
arec_chunk_read_header (const ArecChunkPlace *place, ArecChunkHeader *header, GError **error)
{
    uint8_t raw[AREC_CHUNK_HEADER_SIZE];
    size_t n;

    return read_first_batch (place, raw, sizeof raw, header, &n, error);
}

bool
arec_chunk_read_part (const ArecChunkPlace *place, const ArecChunkHeader *header, uint64_t from,
                      uint8_t *buffer, size_t size, GError **error)
{
    Walk walk = walk_from (place, data_position (place, from));

    while (size > 0) {
        size_t n;

        if (!walk_batch (&walk, buffer, size, &n, error) ||
            !walk_verify (&walk, walk.position, header->end, error)) {
            return false;
        }
        buffer += n;
        size -= n;
    }
    return true;
}

static bool
allocate (const ArecChunkPlace *place, size_t size, uint8_t **memory, GError **error)
{
    *memory = arec_heap_try_malloc (size);
    return *memory || arec_fail_place (error, AREC_ERROR_NOMEM, place->source->name,
                                       place->begin, "no memory for %zu stored bytes", size);
}

bool
arec_chunk_read (ArecStoredChunk *stored, uint64_t guess, GError **error)
{
    const ArecChunkPlace *place = stored->place;
    uint64_t there =
        place->begin <= place->limit ? arec_block_distance (place->begin, place->limit) : 0;
    size_t first = (size_t)MAX (AREC_CHUNK_HEADER_SIZE, MIN (MIN (guess, there), MAX_GUESS));
    g_autofree uint8_t *memory = NULL;
    ArecChunkHeader header;
    size_t n;

    if (!allocate (place, first, &memory, error) ||
        !read_first_batch (place, memory, first, &header, &n, error)) {
        return false;
    }
    n -= AREC_CHUNK_HEADER_SIZE;
    if (n < header.data_size) {
        g_autofree uint8_t *small = g_steal_pointer (&memory);

        if (!allocate (place, AREC_CHUNK_HEADER_SIZE + header.data_size, &memory, error)) {
            return false;
        }
        memcpy (memory, small, AREC_CHUNK_HEADER_SIZE + n);
        if (!arec_chunk_read_part (place, &header, n, memory + AREC_CHUNK_HEADER_SIZE + n,
                                   header.data_size - n, error)) {
            return false;
        }
    }
    if (arec_hash_data (memory + AREC_CHUNK_HEADER_SIZE, header.data_size) !=
        header.data_hash) {
        return arec_fail_place (error, AREC_ERROR_CORRUPT, place->source->name, place->begin,
                                "data hash mismatch in a chunk of %" PRIu64 " bytes",
                                header.end - place->begin);
    }
    if (first > AREC_CHUNK_HEADER_SIZE + header.data_size) {
        /* A chunk that is kept must not keep the padding that was read with it. */
        void *shorter = g_try_realloc (memory, AREC_CHUNK_HEADER_SIZE + header.data_size);

        memory = shorter ? shorter : memory;
    }
    *stored->header = header;
    stored->data = memory + AREC_CHUNK_HEADER_SIZE;
    stored->memory = g_steal_pointer (&memory);
    return true;
}

/* ---- neighbours ---- */

/* The first block from @position on. */
static uint64_t
next_block (uint64_t position)
{
    return position + arec_block_remaining (position);
}

bool
arec_chunk_neighbours_read (ArecSource *source, uint64_t begin, uint64_t end, uint8_t *memory,
                            ArecChunkNeighbours *out, GError **error)
{
    ArecChunkNeighbours all = {.begin = begin,
                               .end = end,
                               .bytes = memory,
                               .size = (size_t)arec_block_distance (begin, end)};
    uint64_t position = begin;
    uint8_t *bytes = memory, *headers = memory + all.size;

    g_assert (begin < end && arec_block_is_chunk_boundary (begin) &&
              arec_block_is_chunk_boundary (end));
    all.block_headers = headers;
    while (position < end) {
        struct iovec iov[2 * BATCH_BLOCKS];
        uint64_t start = position;
        int n_iov = 0;

        while (position < end && n_iov + 2 <= 2 * BATCH_BLOCKS) {
            size_t piece;

            if (position % AREC_BLOCK_SIZE == 0) {
                iov[n_iov++] = (struct iovec){headers, AREC_BLOCK_HEADER_SIZE};
                headers += AREC_BLOCK_HEADER_SIZE;
                position += AREC_BLOCK_HEADER_SIZE;
            }
            piece = (size_t)MIN (arec_block_remaining (position), end - position);
            iov[n_iov++] = (struct iovec){bytes, piece};
            bytes += piece;
            position += piece;
        }
        if (!arec_source_preadv (source, iov, n_iov, start, error)) {
            return false;
        }
    }
    *out = all;
    return true;
}

/* Verifies the block headers that lie among the data of the chunk at @place. */
static bool
verify_blocks (const ArecChunkNeighbours *all, const ArecChunkPlace *place,
               const ArecChunkHeader *header)
{
    uint64_t data_end = data_position (place, header->data_size);
    uint64_t first_block = next_block (all->begin);

    for (uint64_t block = next_block (place->begin); block < data_end;
         block += AREC_BLOCK_SIZE) {
        uint64_t i = (block - first_block) / AREC_BLOCK_SIZE;

        if (!verify_block_header (place, all->block_headers + i * AREC_BLOCK_HEADER_SIZE, block,
                                  header->end, NULL)) {
            return false;
        }
    }
    return true;
}

bool
arec_chunk_neighbours_find (const ArecChunkNeighbours *all, ArecStoredChunk *stored)
{
    const ArecChunkPlace *place = stored->place;
    size_t at = (size_t)arec_block_distance (all->begin, place->begin);
    ArecChunkHeader header;

    g_assert (place->begin >= all->begin && place->limit <= all->end &&
              arec_block_is_chunk_boundary (place->begin));
    if (at > all->size || all->size - at < AREC_CHUNK_HEADER_SIZE ||
        !parse_header (place, all->bytes + at, &header, NULL)) {
        return false;
    }
    at += AREC_CHUNK_HEADER_SIZE;
    if (next_block (place->begin) < header.end && !verify_blocks (all, place, &header)) {
        return false;
    }
    if (arec_hash_data (all->bytes + at, header.data_size) != header.data_hash) {
        return false;
    }
    *stored->header = header;
    stored->data = all->bytes + at;
    return true;
}
