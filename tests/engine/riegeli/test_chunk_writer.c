/* Written chunks: known bytes and positions, read back by the reader, and byte for byte
 * those of the tests' own writer. */
#include "riegeli/chunk_writer.h"

#include <string.h>

#include "faulty_sink.h"
#include "forge.h"

#include "base/error.h"
#include "riegeli/block.h"
#include "riegeli/hash.h"
#include "source/memory_sink.h"
#include "source/memory_source.h"

#define BLOCK AREC_BLOCK_SIZE
#define MAX_SIZE (UINT64_C (1) << 30)

/* A sink with @position bytes in it, so that a chunk may be written there. */
static ArecSink *
sink_at (uint64_t position)
{
    ArecSink *sink = arec_memory_sink_new ("out");
    g_autofree uint8_t *nothing = g_malloc0 (position + 1);
    g_autoptr (GError) error = NULL;

    arec_sink_write (sink, nothing, position, &error);
    g_assert_no_error (error);
    return sink;
}

static uint8_t *
make_bytes (size_t size)
{
    uint8_t *data = g_malloc (size + 1);

    for (size_t i = 0; i < size; i++) {
        data[i] = (uint8_t)g_test_rand_int();
    }
    return data;
}

static void
write_chunk (ArecSink *sink, ArecChunkType type, uint64_t num_records, const uint8_t *data,
             size_t size)
{
    ArecChunkHeader header =
        arec_chunk_header_make (type, num_records, 10 * num_records, arec_bytes (data, size));
    g_autoptr (GError) error = NULL;

    arec_chunk_write (sink, &header, data, &error);
    g_assert_no_error (error);
}

/* Reads the chunk at @begin back, which verifies all hashes; it must end where the sink does.
 */
static ArecChunkHeader
check_last_chunk (const ArecSink *sink, uint64_t begin, const uint8_t *data, size_t size)
{
    ArecBytes bytes = arec_memory_sink_bytes (sink);
    g_autoptr (ArecSource) source =
        arec_memory_source_new ("out", bytes.at, arec_bytes_left (&bytes));
    ArecChunkPlace place = {
        .source = source, .begin = begin, .limit = source->size, .max_size = MAX_SIZE};
    g_autoptr (GError) error = NULL;
    ArecChunkHeader header = {0};
    ArecStoredChunk stored = {.place = &place, .header = &header};

    arec_chunk_read (&stored, 0, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (header.end, ==, sink->position);
    g_assert_cmpmem (stored.data, header.data_size, data, size);
    g_free (stored.memory);
    return header;
}

/* ---- known bytes ---- */

static void
test_signature (void)
{
    /* The first 64 bytes of every file (FORMAT.md 4). */
    static const uint8_t expected[64] = {
        0x83, 0xaf, 0x70, 0xd1, 0x0d, 0x88, 0x4a, 0x3f, 0,    0,  0, 0,    0,
        0,    0,    0,    0x40, 0,    0,    0,    0,    0,    0,  0, 0x91, 0xba,
        0xc2, 0x3c, 0x92, 0x87, 0xe1, 0xa9, 0,    0,    0,    0,  0, 0,    0,
        0,    0xe1, 0x9f, 0x13, 0xc0, 0xe9, 0xb1, 0xc3, 0x72, 's'};
    g_autoptr (ArecSink) sink = arec_memory_sink_new ("out");
    g_autoptr (GError) error = NULL;
    ArecBytes bytes;

    arec_chunk_write_signature (sink, &error);
    g_assert_no_error (error);
    bytes = arec_memory_sink_bytes (sink);
    g_assert_cmpmem (bytes.at, arec_bytes_left (&bytes), expected, sizeof expected);
}

/* FORMAT.md 12 */
static void
test_padding (void)
{
    static const struct {
        uint64_t from, to, data_size;
    } rows[] = {
        {462, BLOCK, 65034},
        {65496, BLOCK, 0},
        {65497, 2 * BLOCK, 65511},
        {65644, 2 * BLOCK, 65388},
        {65535, 2 * BLOCK, 65473},
        {BLOCK + 25, 2 * BLOCK, 65471},
        {3 * BLOCK - 40, 3 * BLOCK, 0},
        {3 * BLOCK - 39, 4 * BLOCK, 65511},
    };
    g_autofree uint8_t *zeros = g_malloc0 (BLOCK);

    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autoptr (ArecSink) sink = sink_at (rows[i].from);
        g_autoptr (GError) error = NULL;
        ArecChunkHeader header;

        arec_chunk_write_padding (sink, &error);
        g_assert_no_error (error);
        g_assert_cmpuint (sink->position, ==, rows[i].to);
        header = check_last_chunk (sink, rows[i].from, zeros, rows[i].data_size);
        g_assert_cmpint (header.type, ==, AREC_CHUNK_PADDING);
        g_assert_cmpuint (header.num_records, ==, 0);
        g_assert_cmpuint (header.decoded_data_size, ==, 0);
        if (rows[i].from == 462) {
            g_assert_cmphex (header.data_hash, ==, 0x1633406ff07931b4);
        }
        /* At a block's start no padding is needed. */
        arec_chunk_write_padding (sink, &error);
        g_assert_no_error (error);
        g_assert_cmpuint (sink->position, ==, rows[i].to);
    }
}

/* FORMAT.md 3 */
static void
test_ends (void)
{
    static const struct {
        uint64_t begin, data_size, num_records, end;
    } rows[] = {
        {64, 4, 1, 108},          {64, 65432, 1, 65536},     {64, 65433, 1, 65561},
        {64, 33, 3000, 3064},     {64, 34, 65482, 65561},    {65536, 44, 3, 65644},
        {64, 38, 200000, 200064}, {65535, 0, 0, 65599},      {65561, 65471, 0, 131072},
        {65512, 0, 25, 65576},    {65561, 65472, 0, 131097},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autoptr (ArecSink) sink = sink_at (rows[i].begin);
        g_autofree uint8_t *data = make_bytes (rows[i].data_size);
        ArecChunkHeader header;

        write_chunk (sink, AREC_CHUNK_SIMPLE, rows[i].num_records, data, rows[i].data_size);
        g_assert_cmpuint (sink->position, ==, rows[i].end);
        header = check_last_chunk (sink, rows[i].begin, data, rows[i].data_size);
        g_assert_cmpint (header.type, ==, AREC_CHUNK_SIMPLE);
        g_assert_cmpuint (header.num_records, ==, rows[i].num_records);
        g_assert_cmpuint (header.decoded_data_size, ==, 10 * rows[i].num_records);
    }
}

/* The reader does not check slack; a search for chunks after a damage does. */
static void
test_slack (void)
{
    g_autoptr (ArecSink) sink = sink_at (64);
    ArecBytes bytes;

    write_chunk (sink, AREC_CHUNK_SIMPLE, 200000, (const uint8_t *)"0123456789", 10);
    bytes = arec_memory_sink_bytes (sink);
    g_assert_cmpuint (arec_bytes_left (&bytes), ==, 200064);
    for (uint64_t at = 64 + 40 + 10; at < 200064; at++) {
        const uint8_t *here = bytes.at + at;

        if (at % BLOCK == 0) {
            g_assert_cmphex (arec_le64 (here), ==, arec_hash (here + 8, 16));
            g_assert_cmpuint (arec_le64 (here + 8), ==, at - 64);
            g_assert_cmpuint (arec_le64 (here + 16), ==, 200064 - at);
        } else if (at % BLOCK >= 24) {
            g_assert_cmphex (*here, ==, 0);
        }
    }
}

/* ---- compared with the tests' own writer ---- */

static void
test_as_forged (void)
{
    g_autoptr (TestForge) forge = test_forge_new();
    g_autoptr (ArecSink) sink = arec_memory_sink_new ("out");
    g_autoptr (GError) error = NULL;
    ArecBytes bytes;

    arec_chunk_write_signature (sink, &error);
    for (unsigned i = 0; i < 400; i++) {
        static const int most[] = {3, 100, 3000, 200000};
        size_t size = (size_t)g_test_rand_int_range (0, most[g_test_rand_int_range (0, 4)]);
        uint64_t num_records = (uint64_t)g_test_rand_int_range (0, 40);
        g_autofree uint8_t *data = NULL;

        /* Often close to a block's end. */
        if (i % 3 == 0) {
            uint64_t left = arec_block_remaining (sink->position);

            size = left > 40 + 60 ? left - 40 - (uint64_t)g_test_rand_int_range (0, 60) : size;
        }
        data = make_bytes (size);
        write_chunk (sink, AREC_CHUNK_SIMPLE, num_records, data, size);
        test_forge_chunk (forge, &(TestForgeChunk){.type = 'r',
                                                   .num_records = num_records,
                                                   .decoded_data_size = 10 * num_records,
                                                   .data = data,
                                                   .data_size = size});
        if (i % 50 == 49) {
            arec_chunk_write_padding (sink, &error);
            test_forge_pad (forge);
        }
        g_assert_no_error (error);
        g_assert_cmpuint (sink->position, ==, forge->file->len);
    }
    bytes = arec_memory_sink_bytes (sink);
    g_assert_cmpmem (bytes.at, arec_bytes_left (&bytes), forge->file->data, forge->file->len);
}

/* A chunk that was read is written again with the same hash, wherever it comes to lie. */
static void
test_copy (void)
{
    g_autoptr (ArecSink) first = sink_at (64);
    g_autoptr (ArecSink) second = sink_at (65500);
    g_autofree uint8_t *data = make_bytes (100000);
    g_autoptr (GError) error = NULL;
    ArecChunkHeader header, again;

    write_chunk (first, AREC_CHUNK_TRANSPOSED, 7, data, 100000);
    header = check_last_chunk (first, 64, data, 100000);
    arec_chunk_write (second, &header, data, &error);
    g_assert_no_error (error);
    again = check_last_chunk (second, 65500, data, 100000);
    g_assert_cmpint (again.type, ==, AREC_CHUNK_TRANSPOSED);
    g_assert_cmpuint (again.num_records, ==, 7);
    g_assert_cmpuint (again.decoded_data_size, ==, 70);
    g_assert_cmphex (again.data_hash, ==, header.data_hash);
}

/* Every write counts: header, block header, data, slack, padding. */
static void
test_each_failing_write (void)
{
    g_autofree uint8_t *data = make_bytes (70000);
    int64_t at = 0;

    for (bool ok = false; !ok; at++) {
        TestSinkFaults faults = {.fail_at_call = at};
        g_autoptr (ArecSink) sink =
            test_faulty_sink_new (arec_memory_sink_new ("out"), &faults);
        g_autoptr (GError) error = NULL;
        ArecChunkHeader header =
            arec_chunk_header_make (AREC_CHUNK_SIMPLE, 140000, 0, arec_bytes (data, 70000));

        ok = arec_chunk_write_signature (sink, &error) &&
             arec_chunk_write (sink, &header, data, &error) &&
             arec_chunk_write_padding (sink, &error);
        g_assert_cmpint (ok, ==, faults.calls == (uint64_t)at);
        if (!ok) {
            g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
        }
    }
    g_assert_cmpint (at, >, 10);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/chunk-writer/signature", test_signature);
    g_test_add_func ("/chunk-writer/padding", test_padding);
    g_test_add_func ("/chunk-writer/ends", test_ends);
    g_test_add_func ("/chunk-writer/slack", test_slack);
    g_test_add_func ("/chunk-writer/as-forged", test_as_forged);
    g_test_add_func ("/chunk-writer/copy", test_copy);
    g_test_add_func ("/chunk-writer/failing-writes", test_each_failing_write);
    return g_test_run();
}
