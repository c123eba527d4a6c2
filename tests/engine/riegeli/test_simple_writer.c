/* Chunks of records that are made one by one: the bytes of the encoder that holds them all. */
#include "riegeli/simple_writer.h"

#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "riegeli/chunk_writer.h"
#include "riegeli/simple_encoder.h"
#include "source/memory_sink.h"

#include "failing_memory.h"
#include "faulty_sink.h"

static const ArecCompression all[] = {AREC_COMPRESSION_NONE, AREC_COMPRESSION_BROTLI,
                                      AREC_COMPRESSION_ZSTD, AREC_COMPRESSION_SNAPPY};

/* Record i has i * 7919 % most bytes, all of them i. */
typedef struct {
    uint64_t n, next;
    size_t most;
    uint8_t *bytes;
    bool was_last;
} Maker;

static size_t
size_of (const Maker *maker, uint64_t i)
{
    return (size_t)(i * 7919 % maker->most);
}

static void
rewind_maker (void *data, bool is_last)
{
    Maker *maker = data;

    g_assert_false (maker->was_last);
    maker->next = 0;
    maker->was_last = is_last;
}

static ArecBytes
next_made (void *data)
{
    Maker *maker = data;
    size_t size = size_of (maker, maker->next);

    g_assert_cmpuint (maker->next, <, maker->n);
    memset (maker->bytes, (int)maker->next++, size);
    return arec_bytes (maker->bytes, size);
}

static size_t
next_size (void *data)
{
    Maker *maker = data;

    g_assert_cmpuint (maker->next, <, maker->n);
    return size_of (maker, maker->next++);
}

static ArecSimpleRecords
records_of (Maker *maker)
{
    ArecSimpleRecords records = {.n_records = maker->n,
                                 .rewind = rewind_maker,
                                 .next = next_made,
                                 .next_size = next_size,
                                 .data = maker};

    for (uint64_t i = 0; i < maker->n; i++) {
        uint8_t varint[AREC_MAX_VARINT];

        records.sizes_size += arec_put_varint (varint, size_of (maker, i));
        records.values_size += size_of (maker, i);
    }
    return records;
}

/* Writes @n records in front of which something is in the file. */
static bool
write_made (ArecSink *sink, const ArecCodecOptions *codec, uint64_t n, size_t most,
            GError **error)
{
    g_autofree uint8_t *bytes = g_malloc (most);
    Maker maker = {.n = n, .most = most, .bytes = bytes};
    const ArecSimpleRecords records = records_of (&maker);
    bool ok = arec_chunk_write_signature (sink, error) &&
              arec_simple_writer_write (sink, codec, &records, error);

    g_assert_true (!ok || maker.was_last);
    return ok;
}

static ArecSink *
write_by_encoder (const ArecCodecOptions *codec, uint64_t n, size_t most)
{
    g_autoptr (ArecSimpleEncoder) encoder = arec_simple_encoder_new();
    g_autofree uint8_t *bytes = g_malloc (most);
    Maker maker = {.n = n, .most = most, .bytes = bytes};
    ArecSink *sink = arec_memory_sink_new ("expected");
    ArecChunkHeader header;
    ArecBytes body;

    for (uint64_t i = 0; i < n; i++) {
        ArecBytes record = next_made (&maker);

        g_assert_true (
            arec_simple_encoder_add (encoder, record.at, arec_bytes_left (&record), NULL));
    }
    g_assert_true (arec_simple_encoder_encode (encoder, codec, &body, NULL));
    header = arec_chunk_header_make (AREC_CHUNK_SIMPLE, n,
                                     arec_simple_encoder_decoded_size (encoder), body);
    g_assert_true (arec_chunk_write_signature (sink, NULL));
    g_assert_true (arec_chunk_write (sink, &header, body.at, NULL));
    return sink;
}

static void
check (const ArecCodecOptions *codec, uint64_t n, size_t most)
{
    g_autoptr (ArecSink) expected = write_by_encoder (codec, n, most);
    g_autoptr (ArecSink) sink = arec_memory_sink_new ("out");
    g_autoptr (GError) error = NULL;
    ArecBytes bytes, expected_bytes;

    write_made (sink, codec, n, most, &error);
    g_assert_no_error (error);
    bytes = arec_memory_sink_bytes (sink);
    expected_bytes = arec_memory_sink_bytes (expected);
    g_assert_cmpmem (bytes.at, arec_bytes_left (&bytes), expected_bytes.at,
                     arec_bytes_left (&expected_bytes));
}

/* Sizes of no, one and several bytes; bodies of one piece and of many. */
static void
test_as_the_encoder (void)
{
    static const struct {
        uint64_t n;
        size_t most;
    } rows[] = {{0, 1}, {1, 1}, {3, 100}, {100, 1}, {3000, 1000}, {300000, 10}, {20, 400000}};

    for (unsigned r = 0; r < G_N_ELEMENTS (rows); r++) {
        for (unsigned c = 0; c < G_N_ELEMENTS (all); c++) {
            ArecCodecOptions codec = arec_codec_options_default (all[c]);

            check (&codec, rows[r].n, rows[r].most);
        }
    }
}

/* ---- failures ---- */

static void
test_each_failing_write (void)
{
    for (unsigned c = 0; c < G_N_ELEMENTS (all); c++) {
        ArecCodecOptions codec = arec_codec_options_default (all[c]);
        bool ok = false;

        for (int64_t at = 0; !ok; at++) {
            TestSinkFaults faults = {.fail_at_call = at};
            g_autoptr (ArecSink) sink =
                test_faulty_sink_new (arec_memory_sink_new ("out"), &faults);
            g_autoptr (GError) error = NULL;

            ok = write_made (sink, &codec, 2000, 1000, &error);
            g_assert_cmpint (ok, ==, faults.calls == (uint64_t)at);
            if (!ok) {
                g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
                g_assert_true (g_str_has_prefix (error->message, "out: at "));
                g_assert_null (strstr (error->message + 1, "out: at "));
            }
        }
    }
}

static void
test_without_memory (void)
{
    for (unsigned c = 0; c < G_N_ELEMENTS (all); c++) {
        ArecCodecOptions codec = arec_codec_options_default (all[c]);
        bool has_failed = true;

        for (int64_t at = 0; has_failed; at++) {
            g_autoptr (ArecSink) sink = arec_memory_sink_new ("out");
            g_autoptr (GError) error = NULL;
            bool ok;

            test_memory_begin (at);
            ok = write_made (sink, &codec, 2000, 1000, &error);
            has_failed = test_memory_end();
            g_assert_true (ok || has_failed);
            if (!ok) {
                g_assert_error (error, AREC_ERROR, AREC_ERROR_NOMEM);
                g_assert_true (g_str_has_prefix (error->message, "out: at "));
            }
        }
        check (&codec, 2000, 1000);
    }
}

static void
test_bad_options (void)
{
    const ArecCodecOptions codec = {.compression = AREC_COMPRESSION_ZSTD, .level = 23};
    g_autoptr (ArecSink) sink = arec_memory_sink_new ("out");
    g_autoptr (GError) error = NULL;

    g_assert_false (write_made (sink, &codec, 2, 100, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
    g_assert_cmpstr (error->message, ==,
                     "out: at 64: cannot compress 2 bytes: no such level or window log");
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/simple-writer/as-the-encoder", test_as_the_encoder);
    g_test_add_func ("/simple-writer/failing-writes", test_each_failing_write);
    g_test_add_func ("/simple-writer/no-memory", test_without_memory);
    g_test_add_func ("/simple-writer/bad-options", test_bad_options);
    return g_test_run();
}
