/* Streams compared with arec_decompress (): the same bytes and the same reasons, however
 * input and output are cut. */
#include "codec/codec_stream.h"

#include <string.h>

#include <brotli/encode.h>
#include <zstd.h>

#include "forge.h"

static const ArecCompression streamed[] = {AREC_COMPRESSION_NONE, AREC_COMPRESSION_BROTLI,
                                           AREC_COMPRESSION_ZSTD};

/* Bytes in pieces of random sizes up to @most; fails at the call number fail_at. */
typedef struct {
    const uint8_t *at;
    size_t left;
    int most;
    int calls, fail_at;
} Pieces;

static bool
next_piece (void *data, const uint8_t **bytes, size_t *size)
{
    Pieces *pieces = data;
    size_t n = (size_t)g_test_rand_int_range (1, pieces->most + 1);

    n = MIN (n, pieces->left);
    if (++pieces->calls == pieces->fail_at) {
        return false;
    }
    *bytes = pieces->at;
    *size = n;
    pieces->at += n;
    pieces->left -= n;
    return true;
}

/* Reads a whole stream in pieces, with the results that arec_decompress () would give. */
static const char *
decompress (ArecCompression compression, Pieces *pieces, uint8_t *out, size_t capacity,
            int most, size_t *out_size)
{
    ArecCodecStreamInput input = {next_piece, pieces};
    g_autoptr (ArecCodecStream) stream = arec_codec_stream_new (compression, capacity, &input);
    size_t done = 0;

    for (;;) {
        g_autofree uint8_t *piece = NULL;
        size_t size = (size_t)g_test_rand_int_range (1, most + 1), got;
        const char *reason;

        piece = g_malloc (size);
        reason = arec_codec_stream_read (stream, piece, size, &got);
        if (reason) {
            return reason;
        }
        g_assert_cmpuint (got, <=, capacity - done);
        memcpy (out + done, piece, got);
        done += got;
        if (got < size) {
            /* Reads past the end keep giving the end. */
            g_assert_null (arec_codec_stream_read (stream, piece, size, &got));
            g_assert_cmpuint (got, ==, 0);
            *out_size = done;
            return NULL;
        }
    }
}

/* Both ways give the same. */
static void
check (ArecCompression compression, const uint8_t *stored, size_t size, size_t capacity)
{
    g_autofree uint8_t *expected = g_malloc (capacity + 1);
    g_autofree uint8_t *out = g_malloc (capacity + 1);
    size_t expected_size = 0, out_size = 0;
    const char *expected_reason =
        arec_decompress (compression, stored, size, expected, capacity, &expected_size);

    for (int most = 1; most <= 1000000; most *= 100) {
        Pieces pieces = {stored, size, most, 0, 0};
        const char *reason;

        reason = decompress (compression, &pieces, out, capacity, MAX (most, 7), &out_size);
        g_assert_cmpstr (reason, ==, expected_reason);
        if (!reason) {
            g_assert_cmpmem (out, out_size, expected, expected_size);
        }
    }
}

static GByteArray *
make_plain (size_t size, int kinds)
{
    GByteArray *plain = g_byte_array_new();

    g_byte_array_set_size (plain, (guint)size);
    for (size_t i = 0; i < size; i++) {
        plain->data[i] = (uint8_t)g_test_rand_int_range (0, kinds);
    }
    return plain;
}

static void
test_round_trips (void)
{
    static const size_t sizes[] = {0, 1, 2, 3, 4, 5, 100, 4096, 131072, 300000};

    for (unsigned c = 0; c < G_N_ELEMENTS (streamed); c++) {
        for (unsigned s = 0; s < G_N_ELEMENTS (sizes); s++) {
            g_autoptr (GByteArray) plain = make_plain (sizes[s], s % 2 ? 256 : 7);
            g_autoptr (GByteArray) stored =
                test_forge_compress (streamed[c], plain->data, plain->len);

            check (streamed[c], stored->data, stored->len, plain->len);
            check (streamed[c], stored->data, stored->len, plain->len + 100);
            if (plain->len > 0) {
                check (streamed[c], stored->data, stored->len, plain->len - 1);
                check (streamed[c], stored->data, stored->len, 0);
            }
        }
    }
}

static void
test_wrong_ends (void)
{
    for (unsigned c = 1; c < G_N_ELEMENTS (streamed); c++) {
        g_autoptr (GByteArray) plain = make_plain (5000, 9);
        g_autoptr (GByteArray) stored =
            test_forge_compress (streamed[c], plain->data, plain->len);
        g_autoptr (GByteArray) twice = g_byte_array_new();

        for (size_t cut = 0; cut < stored->len; cut += 1 + cut / 20) {
            check (streamed[c], stored->data, cut, plain->len);
        }
        check (streamed[c], stored->data, stored->len - 1, plain->len);
        g_byte_array_append (twice, stored->data, stored->len);
        g_byte_array_append (twice, (const uint8_t *)"x", 1);
        check (streamed[c], twice->data, twice->len, plain->len);
        g_byte_array_set_size (twice, stored->len);
        g_byte_array_append (twice, stored->data, stored->len);
        check (streamed[c], twice->data, twice->len, 2 * plain->len);
    }
}

static void
test_foreign_frames (void)
{
    static const uint8_t legacy[] = {0x27, 0xb5, 0x2f, 0xfd, 0, 0, 0, 0, 0};
    static const uint8_t skippable[] = {0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 7};
    static const uint8_t text[] = "neither of both";

    check (AREC_COMPRESSION_ZSTD, legacy, sizeof legacy, 100);
    check (AREC_COMPRESSION_ZSTD, skippable, sizeof skippable, 100);
    check (AREC_COMPRESSION_ZSTD, text, sizeof text, 100);
    check (AREC_COMPRESSION_BROTLI, text, sizeof text, 100);
}

/* A zstd frame of level 3 with @window_log, made in pieces so that it keeps that window. */
static GByteArray *
frame_with_window (const GByteArray *plain, int window_log)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    GByteArray *out = g_byte_array_new();
    ZSTD_inBuffer input = {plain->data, plain->len, 0}, none = {NULL, 0, 0};
    ZSTD_outBuffer output = {0};

    g_byte_array_set_size (out, plain->len + 1000);
    output = (ZSTD_outBuffer){out->data, out->len, 0};
    ZSTD_CCtx_setParameter (context, ZSTD_c_windowLog, window_log);
    ZSTD_CCtx_setParameter (context, ZSTD_c_compressionLevel, 1);
    g_assert_false (
        ZSTD_isError (ZSTD_compressStream2 (context, &output, &input, ZSTD_e_flush)));
    g_assert_cmpuint (ZSTD_compressStream2 (context, &output, &none, ZSTD_e_end), ==, 0);
    g_byte_array_set_size (out, (guint)output.pos);
    ZSTD_freeCCtx (context);
    return out;
}

static void
test_windows (void)
{
    g_autoptr (GByteArray) plain = make_plain (20000, 5);
    g_autoptr (GByteArray) usual = frame_with_window (plain, 20);
    g_autoptr (GByteArray) large = frame_with_window (plain, 28);
    g_autofree uint8_t *out = g_malloc (plain->len);
    Pieces pieces = {large->data, large->len, 1000, 0, 0};
    size_t size;

    check (AREC_COMPRESSION_ZSTD, usual->data, usual->len, plain->len);
    g_assert_true (decompress (AREC_COMPRESSION_ZSTD, &pieces, out, plain->len, 1000, &size) ==
                   arec_codec_stream_needs_whole);
}

static void
test_large_brotli_window (void)
{
    g_autoptr (GByteArray) plain = make_plain (100000, 5);
    BrotliEncoderState *encoder = BrotliEncoderCreateInstance (NULL, NULL, NULL);
    g_autofree uint8_t *stored = g_malloc (plain->len + 1000);
    size_t in_left = plain->len, out_left = plain->len + 1000;
    const uint8_t *in = plain->data;
    uint8_t *out = stored;

    BrotliEncoderSetParameter (encoder, BROTLI_PARAM_QUALITY, 5);
    BrotliEncoderSetParameter (encoder, BROTLI_PARAM_LARGE_WINDOW, 1);
    BrotliEncoderSetParameter (encoder, BROTLI_PARAM_LGWIN, 26);
    g_assert_true (BrotliEncoderCompressStream (encoder, BROTLI_OPERATION_FINISH, &in_left, &in,
                                                &out_left, &out, NULL));
    BrotliEncoderDestroyInstance (encoder);
    check (AREC_COMPRESSION_BROTLI, stored, (size_t)(out - stored), plain->len);
}

static void
test_failing_input (void)
{
    for (unsigned c = 0; c < G_N_ELEMENTS (streamed); c++) {
        g_autoptr (GByteArray) plain = make_plain (5000, 256);
        g_autoptr (GByteArray) stored =
            test_forge_compress (streamed[c], plain->data, plain->len);
        g_autofree uint8_t *out = g_malloc (plain->len);
        int calls = 1;

        /* Fails at each call, including the one that finds the end. */
        for (;; calls++) {
            Pieces pieces = {stored->data, stored->len, 1000, 0, calls};
            size_t size;

            g_test_message ("call %d", calls);
            if (!decompress (streamed[c], &pieces, out, plain->len, 700, &size)) {
                break;
            }
            pieces = (Pieces){stored->data, stored->len, 1000, 0, 1};
            g_assert_true (decompress (streamed[c], &pieces, out, plain->len, 700, &size) ==
                           arec_codec_stream_no_input);
        }
        g_assert_cmpint (calls, >, 5);
    }
}

static void
test_codecs_that_stream (void)
{
    for (unsigned c = 0; c < G_N_ELEMENTS (streamed); c++) {
        g_assert_true (arec_codec_stream_is_possible (streamed[c]));
    }
    g_assert_false (arec_codec_stream_is_possible (AREC_COMPRESSION_SNAPPY));
    arec_codec_stream_free (NULL);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/stream/round-trips", test_round_trips);
    g_test_add_func ("/stream/wrong-ends", test_wrong_ends);
    g_test_add_func ("/stream/foreign-frames", test_foreign_frames);
    g_test_add_func ("/stream/windows", test_windows);
    g_test_add_func ("/stream/large-brotli-window", test_large_brotli_window);
    g_test_add_func ("/stream/failing-input", test_failing_input);
    g_test_add_func ("/stream/codecs-that-stream", test_codecs_that_stream);
    return g_test_run();
}
