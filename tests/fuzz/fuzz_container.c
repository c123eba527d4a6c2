/* Chunks read out of any bytes.
 *
 * - A read never leaves the file, nor passes the place's limit by more than a chunk header.
 * - There are never more data than announced, and they are the file's bytes between block
 *   headers.
 * - A chunk that is returned whole matches its data hash and keeps the place's limits, and
 *   other calls read the same parts of it.
 * - Sizes add up to the decoded size, are the same from the list alone and from the whole
 *   chunk, and memory stays bounded.
 *
 * Input: what to repair, how to read, the file.
 */
#include <string.h>

#include "fuzz.h"
#include "raw_file.h"
#include "riegeli/block.h"
#include "riegeli/chunk.h"
#include "riegeli/hash.h"
#include "source/memory_source.h"

/* Bytes after the limit that may be read: the header is read before the end of its chunk is
 * known.
 */
#define MOST_AFTER_LIMIT (AREC_CHUNK_HEADER_SIZE + AREC_BLOCK_HEADER_SIZE)

enum { MAX_FRONT = 200 };

/* ---- a source that checks its reader ---- */

typedef struct {
    ArecSource base;
    ArecSource *inner;
    uint64_t most; /* reads end here at the latest */
} WatchedSource;

static bool
watched_preadv (ArecSource *source, struct iovec *iov, int n_iov, uint64_t offset,
                GError **error)
{
    WatchedSource *watched = (WatchedSource *)source;
    uint64_t end = offset;

    for (int i = 0; i < n_iov; i++) {
        end += iov[i].iov_len;
    }
    g_assert_cmpint (n_iov, <=, AREC_MAX_IOV);
    g_assert_cmpuint (end, <=, source->size);
    g_assert_cmpuint (end, <=, watched->most);
    return arec_source_preadv (watched->inner, iov, n_iov, offset, error);
}

static void
watched_free (ArecSource *source)
{
    arec_source_free (((WatchedSource *)source)->inner);
    g_free (source);
}

static const ArecSourceOps watched_ops = {.preadv = watched_preadv, .free = watched_free};

static ArecSource *
watched_source_new (const GByteArray *file, uint64_t most)
{
    WatchedSource *watched = g_new0 (WatchedSource, 1);

    watched->base.ops = &watched_ops;
    watched->base.name = g_strdup ("fuzz");
    watched->base.size = file->len;
    watched->inner =
        arec_memory_source_new ("fuzz", file->data ? file->data : (void *)"", file->len);
    watched->most = most;
    return &watched->base;
}

/* ---- what is read ---- */

static void
check_header (const ArecChunkPlace *place, const ArecChunkHeader *header)
{
    g_assert_cmpuint (header->data_size, <=, place->max_size);
    g_assert_cmpuint (header->end, <=, place->limit);
    g_assert_cmpuint (header->end, >=, place->begin + AREC_CHUNK_HEADER_SIZE);
    g_assert_cmpuint (header->num_records, <=, header->end - place->begin);
}

static void
check_same_header (const ArecChunkHeader *a, const ArecChunkHeader *b)
{
    g_assert_cmpuint (a->data_size, ==, b->data_size);
    g_assert_cmphex (a->data_hash, ==, b->data_hash);
    g_assert_cmphex (a->type, ==, b->type);
    g_assert_cmpuint (a->num_records, ==, b->num_records);
    g_assert_cmpuint (a->decoded_data_size, ==, b->decoded_data_size);
    g_assert_cmpuint (a->end, ==, b->end);
}

/* @got must be the file's bytes from byte @from of the chunk's data on. */
static void
check_data (const GByteArray *file, const ArecChunkPlace *place, uint64_t from,
            const uint8_t *got, size_t n)
{
    g_autoptr (GByteArray) there =
        fuzz_file_chunk_bytes (file, place->begin, AREC_CHUNK_HEADER_SIZE + from, n);

    g_assert_cmpmem (got, n, there->data, there->len);
}

static void
check_ends (const ArecRecordEnds *ends, const ArecChunkHeader *header)
{
    uint64_t before = 0;

    g_assert_cmpuint (ends->n, ==, header->num_records);
    for (uint64_t i = 0; i < ends->n; i++) {
        uint64_t end = arec_record_ends_end (ends, i);

        g_assert_cmpuint (before, <=, end);
        before = end;
    }
    g_assert_cmpuint (before, ==, header->decoded_data_size);
}

static void
check_same_ends (const ArecRecordEnds *a, const ArecRecordEnds *b)
{
    g_assert_cmpuint (a->n, ==, b->n);
    for (uint64_t i = 0; i < a->n; i++) {
        g_assert_cmpuint (arec_record_ends_end (a, i), ==, arec_record_ends_end (b, i));
    }
}

/* ---- reading ---- */

static void
read_front (const GByteArray *file, const ArecChunkPlace *place, size_t size)
{
    ArecChunkHeader header;
    uint8_t front[MAX_FRONT];
    size_t got;

    if (arec_chunk_read_front (place, &header, front, size, &got, NULL)) {
        check_header (place, &header);
        g_assert_cmpuint (got, ==, MIN (size, header.data_size));
        check_data (file, place, 0, front, got);
    }
}

static void
read_part (const GByteArray *file, const ArecChunkPlace *place, const ArecChunkHeader *header,
           ArecBytes *how)
{
    uint64_t from = fuzz_take_number (how) % (header->data_size + 1);
    uint64_t size = fuzz_take_number (how) % (header->data_size - from + 1);
    g_autofree uint8_t *part = g_malloc (size + 1);

    if (arec_chunk_read_part (place, header, from, part, size, NULL)) {
        check_data (file, place, from, part, size);
    }
}

/* The whole chunk, and how it decodes. @sizes  from the list alone, or NULL. */
static void
read_whole (const GByteArray *file, const ArecChunkPlace *place, uint64_t guess,
            const ArecChunkHeader *alone, const ArecRecordEnds *sizes)
{
    ArecChunkHeader header;
    g_autoptr (ArecChunk) chunk = NULL;
    ArecStoredChunk stored = {.place = place, .header = &header};

    if (!arec_chunk_read (&stored, guess, NULL)) {
        return;
    }
    g_assert_nonnull (alone); /* fewer reads can fail for the header alone */
    check_same_header (alone, &header);
    check_data (file, place, 0, stored.data, header.data_size);
    g_assert_cmphex (arec_hash (stored.data, header.data_size), ==, header.data_hash);
    if (arec_chunk_decode (&stored, &fuzz_limits, &chunk, NULL)) {
        check_ends (&chunk->ends, &header);
        if (sizes) {
            check_same_ends (sizes, &chunk->ends);
        }
    }
}

static void
read_all (const GByteArray *file, const ArecChunkPlace *place, ArecBytes *how)
{
    ArecChunkHeader header, other;
    ArecRecordEnds sizes = {0}, verified = {0};
    bool has_header = arec_chunk_read_header (place, &header, NULL);
    bool has_sizes;

    if (has_header) {
        check_header (place, &header);
        read_part (file, place, &header, how);
    }
    read_front (file, place, fuzz_take_u8 (how) % MAX_FRONT);
    has_sizes = arec_chunk_read_sizes (place, &fuzz_limits, &other, &sizes, NULL);
    if (has_sizes) {
        check_same_header (&header, &other);
        check_ends (&sizes, &other);
    }
    if (arec_chunk_read_verified_sizes (place, &fuzz_limits, &other, &verified, NULL)) {
        check_ends (&verified, &other);
        if (has_sizes) {
            check_same_ends (&sizes, &verified);
        }
    }
    read_whole (file, place, fuzz_take_number (how), has_header ? &header : NULL,
                has_sizes ? &sizes : NULL);
    arec_record_ends_clear (&sizes);
    arec_record_ends_clear (&verified);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    ArecBytes input = arec_bytes (data, size);
    unsigned repairs = fuzz_take_u8 (&input);
    uint64_t begin = fuzz_take_number (&input), limit = fuzz_take_number (&input);
    uint64_t max_size = fuzz_take_number (&input);
    ArecBytes how = fuzz_take_bytes (&input, 12);
    g_autoptr (GByteArray) file = fuzz_file_unpack (input.at, arec_bytes_left (&input));
    g_autoptr (ArecSource) source = NULL;
    ArecChunkPlace place;

    fuzz_file_repair (file, repairs);
    begin = begin % ((uint64_t)file->len + 1);
    limit = file->len - limit % ((uint64_t)file->len + 1);
    source = watched_source_new (file, MAX (begin, limit) + MOST_AFTER_LIMIT);
    place = (ArecChunkPlace){.source = source,
                             .begin = begin,
                             .limit = limit,
                             .max_size = MIN (max_size, FUZZ_MAX_CHUNK)};
    fuzz_memory_bound (FUZZ_MAX_MEMORY);
    read_all (file, &place, &how);
    fuzz_memory_unbound();
    return 0;
}
