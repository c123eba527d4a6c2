/* Streams compared with arec_compress (): the same bytes however the input is cut, and nothing
 * lost when a call fails. */
#include "codec/compress_stream.h"

#include <string.h>
#include <sys/resource.h>

#include <zstd.h>

#include "base/buffer.h"
#include "codec/compressors.h"

#include "failing_memory.h"
#include "sanitized.h"

#define MIB ((size_t)1024 * 1024)
#define WINDOW(log) .has_window_log = true, .window_log = (log)

static const ArecCodecOptions settings[] = {
    {.compression = AREC_COMPRESSION_NONE},
    {.compression = AREC_COMPRESSION_SNAPPY, .level = 1},
    {.compression = AREC_COMPRESSION_BROTLI, .level = 0},
    {.compression = AREC_COMPRESSION_BROTLI, .level = 0, WINDOW (10)},
    {.compression = AREC_COMPRESSION_BROTLI, .level = 1},
    {.compression = AREC_COMPRESSION_BROTLI, .level = 1, WINDOW (30)},
    {.compression = AREC_COMPRESSION_BROTLI, .level = 2, WINDOW (16)},
    {.compression = AREC_COMPRESSION_BROTLI, .level = 4},
    {.compression = AREC_COMPRESSION_BROTLI, .level = 6},
    {.compression = AREC_COMPRESSION_BROTLI, .level = 6, WINDOW (25)},
    {.compression = AREC_COMPRESSION_BROTLI, .level = 9, WINDOW (10)},
    {.compression = AREC_COMPRESSION_ZSTD, .level = -131072, WINDOW (10)},
    {.compression = AREC_COMPRESSION_ZSTD, .level = -5},
    {.compression = AREC_COMPRESSION_ZSTD, .level = 3, WINDOW (10)},
    {.compression = AREC_COMPRESSION_ZSTD, .level = 3, WINDOW (20)},
    {.compression = AREC_COMPRESSION_ZSTD, .level = 3, WINDOW (31)},
    {.compression = AREC_COMPRESSION_ZSTD, .level = 9},
};

/* The entries of a footer: chunks of one record of 999 bytes, that compress differently. */
static uint8_t *
make_bytes (size_t size)
{
    static const uint8_t rest[] = {0x10, 0xe7, 0x07, 0x18, 0x01};
    uint8_t *data = g_malloc (size + 1 + AREC_MAX_VARINT + sizeof rest);
    uint64_t offset = 64;

    for (size_t at = 0; at < size; at += sizeof rest) {
        data[at++] = 0x08;
        at += arec_put_varint (data + at, offset);
        memcpy (data + at, rest, sizeof rest);
        offset += (uint64_t)g_test_rand_int_range (300, 700);
    }
    return data;
}

/* Where compressed bytes go; fails at one call. */
typedef struct {
    GByteArray *bytes;
    int64_t n_calls, fail_at; /* -1: none */
} Output;

static bool
put (void *data, const uint8_t *bytes, size_t size)
{
    Output *output = data;

    g_assert_cmpuint (size, >, 0);
    if (output->n_calls++ == output->fail_at) {
        return false;
    }
    g_byte_array_append (output->bytes, bytes, (guint)size);
    return true;
}

/* Adds all bytes in pieces of random sizes up to @most, and ends the stream. */
static const char *
add_all (ArecCompressStream *stream, const uint8_t *data, size_t size, size_t most)
{
    while (size > 0) {
        size_t wanted = (size_t)g_test_rand_int_range (0, (int)most + 1);
        size_t n = MIN (size, wanted);
        const char *reason = arec_compress_stream_add (stream, data, n);

        if (reason) {
            return reason;
        }
        data += n;
        size -= n;
    }
    return arec_compress_stream_finish (stream);
}

static const char *
compress (const ArecCodecOptions *options, const uint8_t *data, size_t size, size_t most,
          Output *output)
{
    g_autoptr (ArecCompressStream) stream = NULL;
    const char *reason =
        arec_compress_stream_new (options, size, &(ArecCompressOutput){put, output}, &stream);

    return reason ? reason : add_all (stream, data, size, most);
}

static GByteArray *
compress_at_once (const ArecCodecOptions *options, const uint8_t *data, size_t size)
{
    size_t bound = arec_compress_bound (options, size), made;
    GByteArray *bytes = g_byte_array_new();

    g_byte_array_set_size (bytes, (guint)bound);
    g_assert_null (arec_compress (options, data, size, bytes->data, bound, &made));
    return g_byte_array_set_size (bytes, (guint)made);
}

static void
check_decodes (ArecCompression compression, const GByteArray *stored, const uint8_t *data,
               size_t size)
{
    g_autofree uint8_t *plain = g_malloc (size + 1);
    size_t made;

    g_assert_null (
        arec_decompress (compression, stored->data, stored->len, plain, size, &made));
    g_assert_cmpmem (plain, made, data, size);
}

static void
check (const ArecCodecOptions *options, const uint8_t *data, size_t size, size_t most)
{
    g_autoptr (GByteArray) expected = compress_at_once (options, data, size);
    g_autoptr (GByteArray) bytes = g_byte_array_new();
    Output output = {bytes, 0, -1};

    g_assert_null (compress (options, data, size, most, &output));
    check_decodes (options->compression, bytes, data, size);
    if (options->compression != AREC_COMPRESSION_ZSTD || ZSTD_versionNumber() >= 10504) {
        g_assert_cmpmem (bytes->data, bytes->len, expected->data, expected->len);
    }
}

static void
test_as_at_once (void)
{
    static const size_t sizes[] = {0,
                                   1,
                                   6,
                                   7,
                                   1000,
                                   AREC_COMPRESS_PIECE - 1,
                                   AREC_COMPRESS_PIECE,
                                   AREC_COMPRESS_PIECE + 1,
                                   2 * AREC_COMPRESS_PIECE,
                                   3 * AREC_COMPRESS_PIECE + 65536 + 17};

    for (unsigned s = 0; s < G_N_ELEMENTS (sizes); s++) {
        g_autofree uint8_t *data = make_bytes (sizes[s]);

        for (unsigned o = 0; o < G_N_ELEMENTS (settings); o++) {
            g_test_message ("%zu bytes, %d:%d", sizes[s], settings[o].compression,
                            settings[o].level);
            check (&settings[o], data, sizes[s], 100);
            check (&settings[o], data, sizes[s], 2 * AREC_COMPRESS_PIECE);
        }
    }
}

/* What repeats across fragments, and what does not compress. */
static void
test_snappy_is_one_block (void)
{
    enum { SIZE = 1000000 };
    const ArecCodecOptions options = arec_codec_options_default (AREC_COMPRESSION_SNAPPY);
    g_autofree uint8_t *data = g_malloc0 (SIZE);

    check (&options, data, SIZE, SIZE);
    for (size_t i = 0; i < SIZE; i++) {
        data[i] = (uint8_t)g_test_rand_int();
    }
    check (&options, data, SIZE, SIZE);
}

/* Many times the window, most of which goes back to the system meanwhile. */
static void
test_zstd_in_small_windows (void)
{
    enum { SIZE = 4 * 1024 * 1024 };
    static const ArecCodecOptions rows[] = {
        {.compression = AREC_COMPRESSION_ZSTD, .level = -2, WINDOW (20)},
        {.compression = AREC_COMPRESSION_ZSTD, .level = 1, WINDOW (10)},
        {.compression = AREC_COMPRESSION_ZSTD, .level = 3, WINDOW (20)},
        {.compression = AREC_COMPRESSION_ZSTD, .level = 6, WINDOW (17)},
    };
    g_autofree uint8_t *data = make_bytes (SIZE);

    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        check (&rows[i], data, SIZE, 100000);
    }
}

/* The levels that compress what they get as one block get as much as their window at once. */
static void
test_fast_brotli_in_large_windows (void)
{
    enum { SIZE = 6 * 1024 * 1024 };
    const ArecCodecOptions options = {
        .compression = AREC_COMPRESSION_BROTLI, .level = 1, WINDOW (21)};
    const ArecCodecOptions larger = {
        .compression = AREC_COMPRESSION_BROTLI, .level = 1, WINDOW (30)};
    g_autofree uint8_t *data = make_bytes (SIZE);
    g_autoptr (GByteArray) expected = compress_at_once (&larger, data, SIZE);
    g_autoptr (GByteArray) bytes = g_byte_array_new();
    Output output = {bytes, 0, -1};

    check (&options, data, SIZE, SIZE);
    g_assert_null (compress (&larger, data, SIZE, SIZE, &output));
    check_decodes (AREC_COMPRESSION_BROTLI, bytes, data, SIZE);
    g_assert_cmpuint (bytes->len * 1000, <=, expected->len * 1005);
}

/* ---- failures ---- */

/* One for each way. */
static const ArecCodecOptions few[] = {
    {.compression = AREC_COMPRESSION_NONE},
    {.compression = AREC_COMPRESSION_SNAPPY, .level = 1},
    {.compression = AREC_COMPRESSION_BROTLI, .level = 1},
    {.compression = AREC_COMPRESSION_BROTLI, .level = 4},
    {.compression = AREC_COMPRESSION_ZSTD, .level = 1},
};

static const size_t failing_sizes[] = {1000, 3 * AREC_COMPRESS_PIECE + 100};

/* Whichever bytes cannot be taken, and the next stream is as if nothing had been. */
static void
test_failing_output (void)
{
    for (unsigned s = 0; s < G_N_ELEMENTS (failing_sizes); s++) {
        size_t size = failing_sizes[s];
        g_autofree uint8_t *data = make_bytes (size);

        for (unsigned o = 0; o < G_N_ELEMENTS (few); o++) {
            const char *reason = arec_compress_stream_no_output;

            for (int64_t at = 0; reason; at++) {
                g_autoptr (GByteArray) bytes = g_byte_array_new();
                Output output = {bytes, 0, at};

                reason = compress (&few[o], data, size, size, &output);
                g_assert_true (reason == NULL || reason == arec_compress_stream_no_output);
                g_assert_true ((reason == NULL) == (output.n_calls <= at));
            }
            check (&few[o], data, size, size);
        }
    }
}

/* Each allocation that is not the library's own. */
static void
test_without_memory (void)
{
    for (unsigned s = 0; s < G_N_ELEMENTS (failing_sizes); s++) {
        size_t size = failing_sizes[s];
        g_autofree uint8_t *data = make_bytes (size);

        for (unsigned o = 0; o < G_N_ELEMENTS (few); o++) {
            bool has_failed = true;

            for (int64_t at = 0; has_failed; at++) {
                g_autoptr (GByteArray) bytes = g_byte_array_new();
                Output output = {bytes, 0, -1};
                const char *reason;

                test_memory_begin (at);
                reason = compress (&few[o], data, size, size, &output);
                has_failed = test_memory_end();
                /* What is kept for brotli may be freed in place of a failure. */
                g_assert_true (reason == NULL ||
                               (has_failed && reason == arec_codec_no_memory));
            }
            check (&few[o], data, size, size);
        }
    }
}

/* A stream that is dropped half way leaves nothing behind. */
static void
test_dropped (void)
{
    enum { SIZE = 3 * AREC_COMPRESS_PIECE };
    g_autofree uint8_t *data = make_bytes (SIZE);

    for (unsigned o = 0; o < G_N_ELEMENTS (settings); o++) {
        g_autoptr (GByteArray) bytes = g_byte_array_new();
        Output output = {bytes, 0, -1};
        ArecCompressStream *stream = NULL;

        g_assert_null (arec_compress_stream_new (&settings[o], SIZE,
                                                 &(ArecCompressOutput){put, &output}, &stream));
        g_assert_null (arec_compress_stream_add (stream, data, SIZE - 1));
        arec_compress_stream_free (stream);
        check (&settings[o], data, SIZE, SIZE);
    }
}

#ifndef SANITIZED
/* The libraries' own allocations, in a process that may map nothing more. */
static void
compress_without_memory (void)
{
    enum { SIZE = 4 * 1024 * 1024 };
    static const ArecCodecOptions rows[] = {
        {.compression = AREC_COMPRESSION_ZSTD, .level = 19},
        {.compression = AREC_COMPRESSION_BROTLI, .level = 9},
    };
    g_autofree uint8_t *data = make_bytes (SIZE);
    g_autoptr (GByteArray) bytes = g_byte_array_new();
    Output output = {bytes, 0, -1};
    ArecCompressStream *streams[G_N_ELEMENTS (rows)];

    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_assert_null (arec_compress_stream_new (
            &rows[i], SIZE, &(ArecCompressOutput){put, &output}, &streams[i]));
    }
    g_assert_cmpint (setrlimit (RLIMIT_AS, &(struct rlimit){MIB, MIB}), ==, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_assert_true (arec_compress_stream_add (streams[i], data, SIZE) ==
                       arec_codec_no_memory);
        arec_compress_stream_free (streams[i]);
    }
}

static void
test_libraries_without_memory (void)
{
    if (g_test_subprocess()) {
        compress_without_memory();
        return;
    }
    g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
    g_test_trap_assert_passed();
}
#endif

static void
test_refusals (void)
{
    const ArecCodecOptions snappy = arec_codec_options_default (AREC_COMPRESSION_SNAPPY);
    const ArecCodecOptions bad = {.compression = AREC_COMPRESSION_ZSTD, .level = 23};
    const ArecCompressOutput output = {0};
    ArecCompressStream *stream = NULL;

    g_assert_true (arec_compress_stream_new (&snappy, (uint64_t)UINT32_MAX + 1, &output,
                                             &stream) == arec_codec_too_large);
    g_assert_true (arec_compress_stream_new (&bad, 1, &output, &stream) ==
                   arec_codec_no_such_options);
    g_assert_null (stream);
    g_assert_null (arec_compress_stream_new (&snappy, UINT32_MAX, &output, &stream));
    arec_compress_stream_free (stream);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/compress-stream/as-at-once", test_as_at_once);
    g_test_add_func ("/compress-stream/snappy", test_snappy_is_one_block);
    g_test_add_func ("/compress-stream/zstd", test_zstd_in_small_windows);
    g_test_add_func ("/compress-stream/fast-brotli", test_fast_brotli_in_large_windows);
    g_test_add_func ("/compress-stream/failing-output", test_failing_output);
    g_test_add_func ("/compress-stream/no-memory/ours", test_without_memory);
#ifndef SANITIZED
    g_test_add_func ("/compress-stream/no-memory/libraries", test_libraries_without_memory);
#endif
    g_test_add_func ("/compress-stream/dropped", test_dropped);
    g_test_add_func ("/compress-stream/refusals", test_refusals);
    return g_test_run();
}
