#include "forge.h"

#include <string.h>

#include <brotli/encode.h>
#include <snappy-c.h>
#include <zstd.h>

#include "riegeli/block.h"
#include "riegeli/hash.h"

/* A record count above this is a lie and moves no chunk's end. */
#define MOST_HONEST_RECORDS (UINT64_C (1) << 20)

static void
put_le64 (uint8_t *at, uint64_t value)
{
    value = GUINT64_TO_LE (value);
    memcpy (at, &value, sizeof value);
}

/* ---- parts ---- */

void
test_forge_varint (GByteArray *out, uint64_t value)
{
    uint8_t byte;

    while (value >= 0x80) {
        byte = (uint8_t)value | 0x80;
        g_byte_array_append (out, &byte, 1);
        value >>= 7;
    }
    byte = (uint8_t)value;
    g_byte_array_append (out, &byte, 1);
}

static size_t
brotli_compress (const void *data, size_t size, uint8_t *out, size_t room)
{
    g_assert_true (BrotliEncoderCompress (5, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_GENERIC, size,
                                          data, &room, out));
    return room;
}

static size_t
zstd_compress (const void *data, size_t size, uint8_t *out, size_t room)
{
    size_t made = ZSTD_compress (out, room, data, size, 3);

    g_assert_false (ZSTD_isError (made));
    return made;
}

GByteArray *
test_forge_compress (ArecCompression compression, const void *data, size_t size)
{
    GByteArray *out = g_byte_array_new();
    size_t room = size + size / 2 + 1024;

    if (size == 0) {
        data = "";
    }
    g_byte_array_set_size (out, (guint)room);
    switch (compression) {
    case AREC_COMPRESSION_NONE:
        memcpy (out->data, data, size);
        room = size;
        break;
    case AREC_COMPRESSION_BROTLI: room = brotli_compress (data, size, out->data, room); break;
    case AREC_COMPRESSION_ZSTD: room = zstd_compress (data, size, out->data, room); break;
    case AREC_COMPRESSION_SNAPPY:
        g_assert_cmpint (snappy_compress (data, size, (char *)out->data, &room), ==, SNAPPY_OK);
        break;
    }
    g_byte_array_set_size (out, (guint)room);
    return out;
}

/* A compressed buffer, with the plain size before it unless it is uncompressed. */
static GByteArray *
compressed_buffer (ArecCompression compression, const void *data, size_t size)
{
    g_autoptr (GByteArray) stream = test_forge_compress (compression, data, size);
    GByteArray *out = g_byte_array_new();

    if (compression != AREC_COMPRESSION_NONE) {
        test_forge_varint (out, size);
    }
    return g_byte_array_append (out, stream->data, stream->len);
}

GByteArray *
test_forge_simple_parts (ArecCompression compression, const void *sizes, size_t sizes_size,
                         const void *values, size_t values_size)
{
    g_autoptr (GByteArray) first = compressed_buffer (compression, sizes, sizes_size);
    g_autoptr (GByteArray) second = compressed_buffer (compression, values, values_size);
    GByteArray *out = g_byte_array_new();
    uint8_t byte = (uint8_t)compression;

    g_byte_array_append (out, &byte, 1);
    test_forge_varint (out, first->len);
    g_byte_array_append (out, first->data, first->len);
    return g_byte_array_append (out, second->data, second->len);
}

GByteArray *
test_forge_simple_data (ArecCompression compression, const TestForgeRecord *records, size_t n)
{
    g_autoptr (GByteArray) sizes = g_byte_array_new();
    g_autoptr (GByteArray) values = g_byte_array_new();

    for (size_t i = 0; i < n; i++) {
        test_forge_varint (sizes, records[i].size);
        g_byte_array_append (values, records[i].data, (guint)records[i].size);
    }
    return test_forge_simple_parts (compression, sizes->data, sizes->len, values->data,
                                    values->len);
}

/* ---- chunks ---- */

/* Appends bytes of the chunk [begin, end), with the block headers that belong among them. */
static void
put (GByteArray *file, uint64_t begin, uint64_t end, const uint8_t *data, size_t size)
{
    while (size > 0) {
        size_t piece;

        if (file->len % AREC_BLOCK_SIZE == 0) {
            uint8_t header[AREC_BLOCK_HEADER_SIZE];

            put_le64 (header + 8, file->len - begin);
            put_le64 (header + 16, end - file->len);
            put_le64 (header, arec_hash (header + 8, sizeof header - 8));
            g_byte_array_append (file, header, sizeof header);
        }
        piece = MIN (size, arec_block_remaining (file->len));
        g_byte_array_append (file, data, (guint)piece);
        data += piece;
        size -= piece;
    }
}

uint64_t
test_forge_chunk (TestForge *forge, const TestForgeChunk *chunk)
{
    uint64_t begin = forge->file->len;
    uint64_t by_bytes =
        arec_block_add (begin, AREC_CHUNK_HEADER_SIZE + chunk->data_size + chunk->slack);
    uint64_t by_records = arec_block_chunk_end (
        begin, chunk->data_size,
        chunk->num_records <= MOST_HONEST_RECORDS ? chunk->num_records : 0);
    uint64_t end = MAX (by_bytes, by_records);
    uint8_t header[AREC_CHUNK_HEADER_SIZE];
    g_autofree uint8_t *slack = NULL;
    uint64_t n_slack;

    put_le64 (header + 8,
              chunk->lies_data_size ? chunk->announced_data_size : chunk->data_size);
    put_le64 (header + 16, arec_hash (chunk->data ? chunk->data : "", chunk->data_size));
    put_le64 (header + 24, chunk->num_records << 8 | chunk->type);
    put_le64 (header + 32, chunk->decoded_data_size);
    put_le64 (header, arec_hash (header + 8, sizeof header - 8));

    put (forge->file, begin, end, header, sizeof header);
    put (forge->file, begin, end, chunk->data, chunk->data_size);
    n_slack = arec_block_distance (forge->file->len, end);
    slack = g_malloc (n_slack + 1);
    memset (slack, 0xee, n_slack);
    put (forge->file, begin, end, slack, n_slack);
    g_assert_cmpuint (forge->file->len, ==, end);
    return begin;
}

static void
pad_until (TestForge *forge, uint64_t end)
{
    uint64_t size = arec_block_distance (forge->file->len, end) - AREC_CHUNK_HEADER_SIZE;
    g_autofree uint8_t *zeros = g_malloc0 (size + 1);

    test_forge_chunk (forge, &(TestForgeChunk){.type = 'p', .data = zeros, .data_size = size});
    g_assert_cmpuint (forge->file->len, ==, end);
}

void
test_forge_pad_to (TestForge *forge, uint64_t end)
{
    g_assert_cmpuint (forge->file->len + 64, <, end);
    pad_until (forge, end);
}

void
test_forge_pad (TestForge *forge)
{
    uint64_t left = arec_block_remaining (forge->file->len);

    if (left > 0) {
        left += left < AREC_CHUNK_HEADER_SIZE ? AREC_BLOCK_SIZE : 0;
        pad_until (forge, forge->file->len + left);
    }
}

/* ---- the file ---- */

TestForge *
test_forge_new (void)
{
    TestForge *forge = g_new0 (TestForge, 1);

    forge->file = g_byte_array_new();
    forge->entries = g_ptr_array_new_with_free_func ((GDestroyNotify)g_byte_array_unref);
    forge->version = 1;
    forge->magic = UINT64_C (0x71930e704fdae05e);
    test_forge_chunk (forge, &(TestForgeChunk){.type = 's'});
    g_assert_cmpuint (forge->file->len, ==, 64);
    return forge;
}

void
test_forge_free (TestForge *forge)
{
    if (!forge) {
        return;
    }
    g_byte_array_unref (forge->file);
    g_ptr_array_unref (forge->entries);
    g_free (forge);
}

void
test_forge_raw_entry (TestForge *forge, const void *data, size_t size)
{
    GByteArray *entry = g_byte_array_new();

    g_byte_array_append (entry, data, (guint)size);
    g_ptr_array_add (forge->entries, entry);
    forge->num_chunks++;
}

static void
put_field (GByteArray *out, uint8_t tag, uint64_t value)
{
    g_byte_array_append (out, &tag, 1);
    test_forge_varint (out, value);
}

void
test_forge_entry (TestForge *forge, uint64_t chunk_offset, uint64_t decoded_size,
                  uint64_t num_records)
{
    g_autoptr (GByteArray) entry = g_byte_array_new();

    put_field (entry, 0x08, chunk_offset);
    put_field (entry, 0x10, decoded_size);
    put_field (entry, 0x18, num_records);
    test_forge_raw_entry (forge, entry->data, entry->len);
    forge->num_records += num_records;
}

uint64_t
test_forge_records (TestForge *forge, ArecCompression compression,
                    const TestForgeRecord *records, size_t n)
{
    g_autoptr (GByteArray) data = test_forge_simple_data (compression, records, n);
    uint64_t decoded = 0, at;

    for (size_t i = 0; i < n; i++) {
        decoded += records[i].size;
    }
    at = test_forge_chunk (forge, &(TestForgeChunk){.type = 'r',
                                                    .num_records = n,
                                                    .decoded_data_size = decoded,
                                                    .data = data->data,
                                                    .data_size = data->len});
    test_forge_entry (forge, at, decoded, n);
    return at;
}

/* RiegeliFooterMetadata. */
static GByteArray *
make_metadata (const TestForge *forge)
{
    g_autoptr (GByteArray) inner = g_byte_array_new();
    GByteArray *out = g_byte_array_new();

    put_field (inner, 0x08, forge->version);
    put_field (inner, 0x10, forge->num_chunks);
    put_field (inner, 0x18, forge->num_records);
    if (forge->options) {
        put_field (inner, 0x22, forge->options_size);
        g_byte_array_append (inner, forge->options, (guint)forge->options_size);
    }
    put_field (out, 0x0a, inner->len);
    return g_byte_array_append (out, inner->data, inner->len);
}

/* A simple chunk that the footer does not list. */
static uint64_t
put_records (TestForge *forge, ArecCompression compression, const TestForgeRecord *records,
             size_t n, uint64_t *data_end)
{
    g_autoptr (GByteArray) data = test_forge_simple_data (compression, records, n);
    uint64_t decoded = 0, at;

    for (size_t i = 0; i < n; i++) {
        decoded += records[i].size;
    }
    at = test_forge_chunk (forge, &(TestForgeChunk){.type = 'r',
                                                    .num_records = n,
                                                    .decoded_data_size = decoded,
                                                    .data = data->data,
                                                    .data_size = data->len});
    *data_end = arec_block_add (at, AREC_CHUNK_HEADER_SIZE + data->len);
    return at;
}

void
test_forge_finish (TestForge *forge)
{
    g_autoptr (GByteArray) metadata = make_metadata (forge);
    g_autoptr (GByteArray) postscript = g_byte_array_new();
    g_autofree TestForgeRecord *records = g_new (TestForgeRecord, forge->entries->len + 1);
    TestForgeRecord copies[3];

    records[0] = (TestForgeRecord){metadata->data, metadata->len};
    for (guint i = 0; i < forge->entries->len; i++) {
        const GByteArray *entry = g_ptr_array_index (forge->entries, i);

        records[1 + i] = (TestForgeRecord){entry->data, entry->len};
    }
    forge->footer_at = put_records (forge, forge->footer_compression, records,
                                    forge->entries->len + 1, &forge->footer_end);
    test_forge_pad (forge);

    put_field (postscript, 0x08,
               forge->lies_footer_offset ? forge->footer_offset : forge->footer_at);
    put_field (postscript, 0x10, forge->magic);
    for (unsigned i = 0; i < G_N_ELEMENTS (copies); i++) {
        copies[i] = (TestForgeRecord){postscript->data, postscript->len};
    }
    forge->postscript_at = put_records (forge, AREC_COMPRESSION_NONE, copies,
                                        G_N_ELEMENTS (copies), &forge->postscript_end);
    test_forge_pad (forge);
}
