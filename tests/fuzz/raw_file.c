#include "raw_file.h"

#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"
#include "riegeli/block.h"
#include "riegeli/hash.h"

enum { ESCAPE_1 = 0xf5, ESCAPE_2 = 0x5f, ESCAPE_SIZE = 4 };

/* ---- unpacking ---- */

static void
append_zeros (GByteArray *file, size_t n)
{
    guint begin = file->len;

    g_byte_array_set_size (file, begin + (guint)n);
    memset (file->data + begin, 0, n);
}

/* How many bytes from @at on are literal. */
static size_t
plain_length (const uint8_t *at, size_t size)
{
    const uint8_t *next = at;

    while ((next = memchr (next, ESCAPE_1, size - (size_t)(next - at)))) {
        if (size - (size_t)(next - at) >= ESCAPE_SIZE && next[1] == ESCAPE_2) {
            return (size_t)(next - at);
        }
        next++;
    }
    return size;
}

GByteArray *
fuzz_file_unpack (const uint8_t *packed, size_t size)
{
    GByteArray *file = g_byte_array_sized_new ((guint)(2 * AREC_BLOCK_SIZE));

    while (size > 0 && file->len < FUZZ_MAX_FILE) {
        size_t n = plain_length (packed, size);

        if (n > 0) {
            g_byte_array_append (file, packed, (guint)n);
        } else {
            size_t zeros = packed[2] | (size_t)packed[3] << 8;

            n = ESCAPE_SIZE;
            if (zeros > 0) {
                append_zeros (file, zeros);
            } else {
                g_byte_array_append (file, packed, 2);
            }
        }
        packed += n;
        size -= n;
    }
    return file;
}

/* ---- bytes of a chunk ---- */

/* The number of bytes of a chunk in one piece from *at on, at most @n; moves *at past a block
 * header if there is one. 0: the file ends here. */
static size_t
next_piece (const GByteArray *file, uint64_t *at, uint64_t n)
{
    *at += *at % AREC_BLOCK_SIZE == 0 ? AREC_BLOCK_HEADER_SIZE : 0;
    if (*at >= file->len) {
        return 0;
    }
    return (size_t)MIN (MIN (n, AREC_BLOCK_SIZE - *at % AREC_BLOCK_SIZE), file->len - *at);
}

GByteArray *
fuzz_file_chunk_bytes (const GByteArray *file, uint64_t begin, uint64_t from, uint64_t n)
{
    GByteArray *out = g_byte_array_sized_new ((guint)MIN (n, file->len) + 1);
    uint64_t at = begin;
    size_t piece;

    while (from > 0 && (piece = next_piece (file, &at, from)) > 0) {
        at += piece;
        from -= piece;
    }
    while (n > 0 && (piece = next_piece (file, &at, n)) > 0) {
        g_byte_array_append (out, file->data + at, (guint)piece);
        at += piece;
        n -= piece;
    }
    return out;
}

/* Puts @bytes where the first bytes of the chunk at @begin are. */
static void
put_chunk_bytes (GByteArray *file, uint64_t begin, const uint8_t *bytes, size_t n)
{
    uint64_t at = begin;
    size_t piece;

    while (n > 0 && (piece = next_piece (file, &at, n)) > 0) {
        memcpy (file->data + at, bytes, piece);
        at += piece;
        bytes += piece;
        n -= piece;
    }
}

/* ---- repairing ---- */

static void
put_le64 (uint8_t *at, uint64_t value)
{
    value = GUINT64_TO_LE (value);
    memcpy (at, &value, sizeof value);
}

static void
repair_block (GByteArray *file, uint64_t block, unsigned what, uint64_t begin, uint64_t end)
{
    uint8_t *header = file->data + block;

    if (file->len - block < AREC_BLOCK_HEADER_SIZE) {
        return;
    }
    if (what & FUZZ_REPAIR_LINKS && begin <= block && block < end) {
        put_le64 (header + 8, block - begin);
        put_le64 (header + 16, end - block);
    }
    if (what & (FUZZ_REPAIR_BLOCKS | FUZZ_REPAIR_LINKS)) {
        put_le64 (header, arec_hash (header + 8, AREC_BLOCK_HEADER_SIZE - 8));
    }
}

/* Repairs the chunk at @begin and returns its end; 0: there is no plausible chunk. */
static uint64_t
repair_chunk (GByteArray *file, uint64_t begin, unsigned what)
{
    g_autoptr (GByteArray) header =
        fuzz_file_chunk_bytes (file, begin, 0, AREC_CHUNK_HEADER_SIZE);
    uint64_t data_size, num_records, end = UINT64_MAX;

    if (!arec_block_is_chunk_boundary (begin) || header->len < AREC_CHUNK_HEADER_SIZE) {
        return 0;
    }
    data_size = arec_le64 (header->data + 8);
    num_records = arec_le64 (header->data + 24) >> 8;
    if (data_size <= file->len && num_records <= file->len) {
        end = arec_block_chunk_end (begin, data_size, num_records);
    }
    if (end <= file->len && what & FUZZ_REPAIR_DATA) {
        g_autoptr (GByteArray) data =
            fuzz_file_chunk_bytes (file, begin, AREC_CHUNK_HEADER_SIZE, data_size);

        put_le64 (header->data + 16,
                  arec_hash (data->len > 0 ? data->data : header->data, data->len));
    }
    if (what & FUZZ_REPAIR_HEADERS) {
        put_le64 (header->data, arec_hash (header->data + 8, AREC_CHUNK_HEADER_SIZE - 8));
    }
    put_chunk_bytes (file, begin, header->data, header->len);
    if (end > file->len) {
        return 0;
    }
    for (uint64_t block = begin + arec_block_remaining (begin); block < end;
         block += AREC_BLOCK_SIZE) {
        repair_block (file, block, what, begin, end);
    }
    return end;
}

static void
repair_from (GByteArray *file, uint64_t begin, unsigned what)
{
    while (begin < file->len) {
        uint64_t end = repair_chunk (file, begin, what);

        begin = end > 0 ? end : begin - begin % AREC_BLOCK_SIZE + AREC_BLOCK_SIZE;
    }
}

void
fuzz_file_repair (GByteArray *file, unsigned what)
{
    for (uint64_t block = 0; block < file->len; block += AREC_BLOCK_SIZE) {
        repair_block (file, block, what, 1, 0);
    }
    repair_from (file, 0, what);
    if (file->len > AREC_BLOCK_SIZE) {
        repair_from (file, file->len - AREC_BLOCK_SIZE, what);
    }
}
