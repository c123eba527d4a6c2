/* Codecs compared with the encoders of their own libraries, and with invalid streams. */
#include "codec/codec.h"

#include <pthread.h>
#include <string.h>

#include <brotli/encode.h>
#include <snappy-c.h>
#include <zstd.h>

#include <glib.h>

#include "forge.h"

static const ArecCompression all[] = {AREC_COMPRESSION_NONE, AREC_COMPRESSION_BROTLI,
                                      AREC_COMPRESSION_ZSTD, AREC_COMPRESSION_SNAPPY};

/* Bytes between text and noise, of @kinds different values. */
static uint8_t *
make_bytes (size_t size, int kinds)
{
    uint8_t *data = g_malloc (size + 1);

    for (size_t i = 0; i < size; i++) {
        data[i] = (uint8_t)g_test_rand_int_range (0, kinds);
    }
    return data;
}

/* @stream decompresses to @data with exactly enough room, and not with a byte less. */
static void
check_exact (ArecCompression compression, const uint8_t *stream, size_t stream_size,
             const uint8_t *data, size_t size)
{
    g_autofree uint8_t *out = g_malloc (size + 1);
    size_t made = SIZE_MAX;

    g_assert_cmpstr (arec_decompress (compression, stream, stream_size, out, size, &made), ==,
                     NULL);
    g_assert_cmpmem (out, made, data, size);
    g_assert_cmpstr (arec_decompress (compression, stream, stream_size, out, size + 1, &made),
                     ==, NULL);
    g_assert_cmpmem (out, made, data, size);
    if (size > 0) {
        g_assert_nonnull (
            arec_decompress (compression, stream, stream_size, out, size - 1, &made));
        g_assert_nonnull (arec_decompress (compression, stream, stream_size, out, 0, &made));
    }
}

static void
test_round_trips (void)
{
    static const size_t sizes[] = {0, 1, 2, 100, 4095, 4096, 65536, 300000};

    for (unsigned c = 0; c < G_N_ELEMENTS (all); c++) {
        for (unsigned s = 0; s < G_N_ELEMENTS (sizes); s++) {
            for (int kinds = 1; kinds <= 256; kinds *= 16) {
                g_autofree uint8_t *data = make_bytes (sizes[s], kinds);
                g_autoptr (GByteArray) stream = test_forge_compress (all[c], data, sizes[s]);

                check_exact (all[c], stream->data, stream->len, data, sizes[s]);
            }
        }
    }
}

/* ---- streams of encoders with other settings ---- */

static size_t
brotli_with (int quality, int window, const uint8_t *data, size_t size, uint8_t *out,
             size_t room)
{
    BrotliEncoderState *encoder = BrotliEncoderCreateInstance (NULL, NULL, NULL);
    size_t left = room;

    BrotliEncoderSetParameter (encoder, BROTLI_PARAM_QUALITY, (uint32_t)quality);
    BrotliEncoderSetParameter (encoder, BROTLI_PARAM_LARGE_WINDOW, window > 24);
    BrotliEncoderSetParameter (encoder, BROTLI_PARAM_LGWIN, (uint32_t)window);
    g_assert_true (BrotliEncoderCompressStream (encoder, BROTLI_OPERATION_FINISH, &size, &data,
                                                &left, &out, NULL));
    g_assert_true (BrotliEncoderIsFinished (encoder));
    BrotliEncoderDestroyInstance (encoder);
    return room - left;
}

static void
test_brotli_settings (void)
{
    enum { SIZE = 100000, ROOM = 2 * SIZE };
    static const int settings[][2] = {{0, 10},  {1, 16}, {6, 22}, {9, 24},
                                      {11, 24}, {5, 25}, {6, 28}, {3, 30}};
    g_autofree uint8_t *data = make_bytes (SIZE, 20);
    g_autofree uint8_t *stream = g_malloc (ROOM);

    for (unsigned i = 0; i < G_N_ELEMENTS (settings); i++) {
        size_t size = brotli_with (settings[i][0], settings[i][1], data, SIZE, stream, ROOM);

        check_exact (AREC_COMPRESSION_BROTLI, stream, size, data, SIZE);
    }
}

/* A frame written in pieces has no content size; a window of 2^31 is accepted, too. */
static void
test_zstd_settings (void)
{
    enum { SIZE = 100000, ROOM = 2 * SIZE };
    g_autofree uint8_t *data = make_bytes (SIZE, 20);
    g_autofree uint8_t *stream = g_malloc (ROOM);

    for (int level = -5; level <= 19; level += 3) {
        for (int flags = 0; flags < 4; flags++) {
            ZSTD_CCtx *context = ZSTD_createCCtx();
            size_t size;

            ZSTD_CCtx_setParameter (context, ZSTD_c_compressionLevel, level);
            ZSTD_CCtx_setParameter (context, ZSTD_c_contentSizeFlag, flags & 1);
            ZSTD_CCtx_setParameter (context, ZSTD_c_checksumFlag, flags >> 1);
            size = ZSTD_compress2 (context, stream, ROOM, data, SIZE);
            g_assert_false (ZSTD_isError (size));
            check_exact (AREC_COMPRESSION_ZSTD, stream, size, data, SIZE);
            ZSTD_freeCCtx (context);
        }
    }
}

/* Made by hand, because an encoder would take gigabytes: no content size, window log 31, one
 * raw block. */
static void
test_zstd_window_31 (void)
{
    static const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, (31 - 10) << 3,
                                    0x19, 0x00, 0x00, 'a',  'b',  'c'};

    check_exact (AREC_COMPRESSION_ZSTD, frame, sizeof frame, (const uint8_t *)"abc", 3);
}

/* ---- streams of each codec and level ---- */

static void
test_reference_streams (void)
{
    static const struct {
        ArecCompression compression;
        const char *stream;
        size_t size;
        const char *plain;
    } rows[] = {
#define ROW(compression, text, plain) {compression, text, sizeof (text) - 1, plain}
        ROW (AREC_COMPRESSION_NONE, "", ""),
        ROW (AREC_COMPRESSION_NONE, "a", "a"),
        ROW (AREC_COMPRESSION_BROTLI, "\x3b", ""),
        ROW (AREC_COMPRESSION_BROTLI, "\x0b\x00\x80\x61\x03", "a"),
        ROW (AREC_COMPRESSION_BROTLI, "\xa1\x01", ""),
        ROW (AREC_COMPRESSION_BROTLI, "\x21\x00\x00\x04\x61\x03", "a"),
        ROW (AREC_COMPRESSION_BROTLI, "\x06", ""),
        ROW (AREC_COMPRESSION_BROTLI, "\x00\x00\x10\x61\x03", "a"),
        ROW (AREC_COMPRESSION_BROTLI, "\x3f", ""),
        ROW (AREC_COMPRESSION_BROTLI, "\x0f\x00\x80\x61\x03", "a"),
        ROW (AREC_COMPRESSION_BROTLI, "\x11\xd9", ""),
        ROW (AREC_COMPRESSION_BROTLI, "\x11\x19\x00\x00\x02\x61\x03", "a"),
        ROW (AREC_COMPRESSION_ZSTD, "\x28\xb5\x2f\xfd\x20\x00\x01\x00\x00", ""),
        ROW (AREC_COMPRESSION_ZSTD, "\x28\xb5\x2f\xfd\x20\x01\x09\x00\x00\x61", "a"),
        ROW (AREC_COMPRESSION_SNAPPY, "\x00", ""),
        ROW (AREC_COMPRESSION_SNAPPY, "\x01\x00\x61", "a"),
#undef ROW
    };

    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        check_exact (rows[i].compression, (const uint8_t *)rows[i].stream, rows[i].size,
                     (const uint8_t *)rows[i].plain, strlen (rows[i].plain));
    }
}

/* ---- bad streams ---- */

static void
test_truncations_and_trailing (void)
{
    static const size_t sizes[] = {0, 1, 300, 5000};

    for (unsigned c = 1; c < G_N_ELEMENTS (all); c++) {
        for (unsigned s = 0; s < G_N_ELEMENTS (sizes); s++) {
            g_autofree uint8_t *data = make_bytes (sizes[s], 10);
            g_autofree uint8_t *out = g_malloc (2 * sizes[s] + 100);
            g_autoptr (GByteArray) stream = test_forge_compress (all[c], data, sizes[s]);
            size_t made;

            for (size_t size = 0; size < stream->len; size++) {
                /* In a buffer of exactly that size, so that a sanitizer notices a read past
                 * it. */
                g_autofree uint8_t *cut = g_memdup2 (stream->data, size);
                static const uint8_t nothing[1];

                g_assert_nonnull (arec_decompress (all[c], cut ? cut : nothing, size, out,
                                                   2 * sizes[s] + 100, &made));
            }
            for (unsigned byte = 0; byte < 256; byte += 51) {
                uint8_t more = (uint8_t)byte;

                g_byte_array_append (stream, &more, 1);
                g_assert_nonnull (arec_decompress (all[c], stream->data, stream->len, out,
                                                   2 * sizes[s] + 100, &made));
                g_byte_array_set_size (stream, stream->len - 1);
            }
            /* The same stream twice. */
            {
                g_autoptr (GByteArray) twice = g_byte_array_new();

                g_byte_array_append (twice, stream->data, stream->len);
                g_byte_array_append (twice, stream->data, stream->len);
                g_assert_nonnull (arec_decompress (all[c], twice->data, twice->len, out,
                                                   2 * sizes[s] + 100, &made));
            }
        }
    }
}

#define ZSTD_A "\x28\xb5\x2f\xfd\x20\x01\x09\x00\x00\x61"
#define SKIPPABLE "\x50\x2a\x4d\x18\x02\x00\x00\x00zz"

static void
test_odd_frames (void)
{
    static const struct {
        ArecCompression compression;
        const char *stream;
        size_t size;
    } rows[] = {
#define ROW(compression, text) {compression, text, sizeof (text) - 1}
        ROW (AREC_COMPRESSION_ZSTD, ZSTD_A ZSTD_A),
        ROW (AREC_COMPRESSION_ZSTD, SKIPPABLE ZSTD_A),
        ROW (AREC_COMPRESSION_ZSTD, ZSTD_A SKIPPABLE),
        ROW (AREC_COMPRESSION_ZSTD, SKIPPABLE),
        /* v0.7, which Debian's library would take */
        ROW (AREC_COMPRESSION_ZSTD, "\x27\xb5\x2f\xfd\x20\x01\x09\x00\x00\x61"),
        ROW (AREC_COMPRESSION_ZSTD, "\x26\xb5\x2f\xfd\x20\x01\x09\x00\x00\x61"),
        /* needs dictionary 7 */
        ROW (AREC_COMPRESSION_ZSTD, "\x28\xb5\x2f\xfd\x21\x07\x01\x09\x00\x00\x61"),
        /* content size 2 instead of 1 */
        ROW (AREC_COMPRESSION_ZSTD, "\x28\xb5\x2f\xfd\x20\x02\x09\x00\x00\x61"),
        /* a reserved bit; a reserved block type */
        ROW (AREC_COMPRESSION_ZSTD, "\x28\xb5\x2f\xfd\x28\x01\x09\x00\x00\x61"),
        ROW (AREC_COMPRESSION_ZSTD, "\x28\xb5\x2f\xfd\x20\x01\x0f\x00\x00\x61"),
        /* lengths beyond what follows, up to 2^32 - 1 and above */
        ROW (AREC_COMPRESSION_SNAPPY, "\x02\x00\x61"),
        ROW (AREC_COMPRESSION_SNAPPY, "\xff\xff\xff\xff\x0f\x00\x61"),
        ROW (AREC_COMPRESSION_SNAPPY, "\xff\xff\xff\xff\x1f\x00\x61"),
        ROW (AREC_COMPRESSION_SNAPPY, "\x80\x80\x80\x80\x80\x00"),
        /* a copy from before the start */
        ROW (AREC_COMPRESSION_SNAPPY, "\x05\x00\x61\x01\x09"),
        /* the framing format */
        ROW (AREC_COMPRESSION_SNAPPY, "\xff\x06\x00\x00sNaPpY"),
        ROW (AREC_COMPRESSION_BROTLI, "\xff\xff\xff\xff"),
#undef ROW
    };
    uint8_t out[1000];
    size_t made;

    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_assert_nonnull (arec_decompress (rows[i].compression, (const uint8_t *)rows[i].stream,
                                           rows[i].size, out, sizeof out, &made));
    }
    /* The context of this thread still works. */
    check_exact (AREC_COMPRESSION_ZSTD, (const uint8_t *)ZSTD_A, sizeof ZSTD_A - 1,
                 (const uint8_t *)"a", 1);
}

/* Whatever the bytes are, the call returns, and writes nothing past the buffer. */
static void
test_flipped_streams (void)
{
    enum { SIZE = 2000, GUARD = 64 };
    g_autofree uint8_t *data = make_bytes (SIZE, 12);

    for (unsigned c = 0; c < G_N_ELEMENTS (all); c++) {
        g_autoptr (GByteArray) stream = test_forge_compress (all[c], data, SIZE);

        for (guint at = 0; at < stream->len; at++) {
            uint8_t out[SIZE + GUARD];
            uint8_t was = stream->data[at];
            size_t made = 0;

            memset (out, 0x5a, sizeof out);
            stream->data[at] ^= (uint8_t)(1 << g_test_rand_int_range (0, 8));
            if (!arec_decompress (all[c], stream->data, stream->len, out, SIZE, &made)) {
                g_assert_cmpuint (made, <=, SIZE);
            }
            for (unsigned i = 0; i < GUARD; i++) {
                g_assert_cmphex (out[SIZE + i], ==, 0x5a);
            }
            stream->data[at] = was;
        }
    }
}

static void
test_known_bytes (void)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        g_assert_cmpint (arec_compression_is_known ((uint8_t)byte), ==,
                         byte == 0 || byte == 'b' || byte == 'z' || byte == 's');
    }
}

/* ---- threads ---- */

static void *
round_trips (void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < 50; i++) {
        ArecCompression compression = all[i % 4];
        uint8_t data[5000], out[5000];
        g_autoptr (GByteArray) stream = NULL;
        size_t made;

        memset (data, (int)i, sizeof data);
        stream = test_forge_compress (compression, data, sizeof data);
        g_assert_cmpstr (
            arec_decompress (compression, stream->data, stream->len, out, sizeof out, &made),
            ==, NULL);
        g_assert_cmpmem (out, made, data, sizeof data);
    }
    return NULL;
}

static void
test_threads (void)
{
    pthread_t threads[8];

    for (unsigned i = 0; i < G_N_ELEMENTS (threads); i++) {
        g_assert_cmpint (pthread_create (&threads[i], NULL, round_trips, NULL), ==, 0);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS (threads); i++) {
        pthread_join (threads[i], NULL);
    }
}

/* A size found without decompressing is that of the decompressed bytes. */
static void
test_decompressed_size (void)
{
    static const size_t sizes[] = {0, 1, 127, 128, 255, 256, 65536, 300000};

    for (unsigned c = 0; c < G_N_ELEMENTS (all); c++) {
        for (unsigned s = 0; s < G_N_ELEMENTS (sizes); s++) {
            g_autofree uint8_t *data = make_bytes (sizes[s], 4);
            g_autoptr (GByteArray) stream = test_forge_compress (all[c], data, sizes[s]);
            uint64_t reported = 77;
            bool tells = arec_decompressed_size (all[c], stream->data, stream->len, &reported);

            g_assert_cmpint (tells, ==, all[c] != AREC_COMPRESSION_BROTLI);
            g_assert_cmpuint (reported, ==, tells ? sizes[s] : 77);
        }
    }
}

/* A stream that does not say its size, or is not a stream, gives no size. */
static void
test_no_decompressed_size (void)
{
    uint8_t frame[100];
    ZSTD_CCtx *context = ZSTD_createCCtx();
    uint64_t reported;
    size_t size;

    ZSTD_CCtx_setParameter (context, ZSTD_c_contentSizeFlag, 0);
    size = ZSTD_compress2 (context, frame, sizeof frame, "abc", 3);
    ZSTD_freeCCtx (context);
    g_assert_false (ZSTD_isError (size));
    g_assert_false (arec_decompressed_size (AREC_COMPRESSION_ZSTD, frame, size, &reported));
    g_assert_false (arec_decompressed_size (AREC_COMPRESSION_ZSTD, frame, 3, &reported));
    g_assert_false (arec_decompressed_size (AREC_COMPRESSION_ZSTD, (const uint8_t *)"abcdefghi",
                                            9, &reported));
    g_assert_false (arec_decompressed_size (AREC_COMPRESSION_SNAPPY, (const uint8_t *)"\x80", 1,
                                            &reported));
    g_assert_false (arec_decompressed_size (AREC_COMPRESSION_SNAPPY, NULL, 0, &reported));
}

/* Too little room has a reason of its own, apart from invalid streams. */
static void
test_too_long (void)
{
    for (unsigned c = 0; c < G_N_ELEMENTS (all); c++) {
        g_autofree uint8_t *data = make_bytes (1000, 4);
        g_autoptr (GByteArray) stream = test_forge_compress (all[c], data, 1000);
        uint8_t out[1000];
        size_t made;

        g_assert_true (arec_decompress (all[c], stream->data, stream->len, out, 999, &made) ==
                       arec_codec_too_long);
        g_assert_true (arec_decompress (all[c], stream->data, stream->len, out, 0, &made) ==
                       arec_codec_too_long);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/codec/known", test_known_bytes);
    g_test_add_func ("/codec/round-trips", test_round_trips);
    g_test_add_func ("/codec/brotli-settings", test_brotli_settings);
    g_test_add_func ("/codec/zstd-settings", test_zstd_settings);
    g_test_add_func ("/codec/zstd-window-31", test_zstd_window_31);
    g_test_add_func ("/codec/reference", test_reference_streams);
    g_test_add_func ("/codec/truncated", test_truncations_and_trailing);
    g_test_add_func ("/codec/odd-frames", test_odd_frames);
    g_test_add_func ("/codec/flipped", test_flipped_streams);
    g_test_add_func ("/codec/threads", test_threads);
    g_test_add_func ("/codec/decompressed-size", test_decompressed_size);
    g_test_add_func ("/codec/no-decompressed-size", test_no_decompressed_size);
    g_test_add_func ("/codec/too-long", test_too_long);
    return g_test_run();
}
