/* Compression: what it makes decompresses, fits its bound, and is what the reference makes of
 * the smallest buffers. */
#include "codec/compress.h"

#include <pthread.h>
#include <string.h>

#include <zstd.h>

#include <glib.h>

#define WINDOW(log) .has_window_log = true, .window_log = (log)

/* The ends and the middle of all ranges. */
static const ArecCodecOptions settings[] = {
    {.compression = AREC_COMPRESSION_NONE},
    {.compression = AREC_COMPRESSION_SNAPPY, .level = 1},
    {.compression = AREC_COMPRESSION_SNAPPY, .level = 2},
    {.compression = AREC_COMPRESSION_BROTLI, .level = 0},
    {.compression = AREC_COMPRESSION_BROTLI, .level = 0, WINDOW (10)},
    {.compression = AREC_COMPRESSION_BROTLI, .level = 1, WINDOW (10)},
    {.compression = AREC_COMPRESSION_BROTLI, .level = 1, WINDOW (30)},
    {.compression = AREC_COMPRESSION_BROTLI, .level = 2, WINDOW (16)},
    {.compression = AREC_COMPRESSION_BROTLI, .level = 6},
    {.compression = AREC_COMPRESSION_BROTLI, .level = 6, WINDOW (24)},
    {.compression = AREC_COMPRESSION_BROTLI, .level = 6, WINDOW (25)},
    {.compression = AREC_COMPRESSION_BROTLI, .level = 9, WINDOW (10)},
    {.compression = AREC_COMPRESSION_BROTLI, .level = 11, WINDOW (22)},
    {.compression = AREC_COMPRESSION_ZSTD, .level = -131072, WINDOW (10)},
    {.compression = AREC_COMPRESSION_ZSTD, .level = -5, WINDOW (12)},
    {.compression = AREC_COMPRESSION_ZSTD, .level = 0},
    {.compression = AREC_COMPRESSION_ZSTD, .level = 3, WINDOW (20)},
    {.compression = AREC_COMPRESSION_ZSTD, .level = 3, WINDOW (31)},
    {.compression = AREC_COMPRESSION_ZSTD, .level = 22},
};

/* @kinds different bytes: 1 is all the same, 256 is noise. */
static uint8_t *
make_bytes (size_t size, int kinds)
{
    uint8_t *data = g_malloc (size + 1);

    for (size_t i = 0; i < size; i++) {
        data[i] = (uint8_t)g_test_rand_int_range (0, kinds);
    }
    return data;
}

/* The stream of @data in a buffer of just the bound. */
static uint8_t *
compress (const ArecCodecOptions *options, const uint8_t *data, size_t size, size_t *made)
{
    size_t bound = arec_compress_bound (options, size);
    uint8_t *out = g_malloc (bound + 1);

    out[bound] = 0x5a;
    g_assert_cmpstr (arec_compress (options, data, size, out, bound, made), ==, NULL);
    g_assert_cmpuint (*made, <=, bound);
    g_assert_cmphex (out[bound], ==, 0x5a);
    return out;
}

static void
check_round_trip (const ArecCodecOptions *options, const uint8_t *data, size_t size)
{
    g_autofree uint8_t *plain = g_malloc (size + 1);
    size_t stream_size, plain_size;
    g_autofree uint8_t *stream = compress (options, data, size, &stream_size);

    g_assert_cmpstr (
        arec_decompress (options->compression, stream, stream_size, plain, size, &plain_size),
        ==, NULL);
    g_assert_cmpmem (plain, plain_size, data, size);
}

static void
test_round_trips (void)
{
    static const size_t sizes[] = {0, 1, 2, 100, 4095, 4096, 65537, 300000};

    for (unsigned o = 0; o < G_N_ELEMENTS (settings); o++) {
        for (unsigned s = 0; s < G_N_ELEMENTS (sizes); s++) {
            for (int kinds = 1; kinds <= 256; kinds *= 16) {
                g_autofree uint8_t *data = make_bytes (sizes[s], kinds);

                check_round_trip (&settings[o], data, sizes[s]);
            }
        }
    }
}

static size_t
compressed_size (const ArecCodecOptions *options, const uint8_t *data, size_t size)
{
    size_t made;

    g_free (compress (options, data, size, &made));
    return made;
}

static void
test_it_compresses (void)
{
    enum { SIZE = 100000 };
    g_autofree uint8_t *data = make_bytes (SIZE, 1);

    for (unsigned o = 0; o < G_N_ELEMENTS (settings); o++) {
        size_t made = compressed_size (&settings[o], data, SIZE);

        if (settings[o].compression == AREC_COMPRESSION_NONE) {
            g_assert_cmpuint (made, ==, SIZE);
        } else {
            g_assert_cmpuint (made, <, SIZE / 10);
        }
    }
}

/* ---- rows of spec/container 4.2, without the size in front ---- */

static void
test_smallest_as_the_reference (void)
{
    static const struct {
        ArecCodecOptions options;
        const char *empty;
        size_t empty_size;
        const char *a;
        size_t a_size;
    } rows[] = {
#define ROW(empty, a, ...) {{__VA_ARGS__}, empty, sizeof (empty) - 1, a, sizeof (a) - 1}
#define BROTLI .compression = AREC_COMPRESSION_BROTLI, .level
#define ZSTD .compression = AREC_COMPRESSION_ZSTD, .level
#define ZSTD_EMPTY "\x28\xb5\x2f\xfd\x20\x00\x01\x00\x00"
#define ZSTD_A "\x28\xb5\x2f\xfd\x20\x01\x09\x00\x00\x61"
        ROW ("", "a", .compression = AREC_COMPRESSION_NONE),
        ROW ("\x3b", "\x0b\x00\x80\x61\x03", BROTLI = 0),
        ROW ("\x3b", "\x0b\x00\x80\x61\x03", BROTLI = 6),
        ROW ("\x3b", "\x0b\x00\x80\x61\x03", BROTLI = 11, WINDOW (22)),
        ROW ("\xa1\x01", "\x21\x00\x00\x04\x61\x03", BROTLI = 6, WINDOW (10)),
        ROW ("\x06", "\x00\x00\x10\x61\x03", BROTLI = 6, WINDOW (16)),
        ROW ("\x3f", "\x0f\x00\x80\x61\x03", BROTLI = 6, WINDOW (24)),
        ROW ("\x11\xd9", "\x11\x19\x00\x00\x02\x61\x03", BROTLI = 6, WINDOW (25)),
        ROW (ZSTD_EMPTY, ZSTD_A, ZSTD = 3, WINDOW (20)),
        ROW (ZSTD_EMPTY, ZSTD_A, ZSTD = -131072, WINDOW (31)),
        ROW (ZSTD_EMPTY, ZSTD_A, ZSTD = 22),
        ROW ("\x00", "\x01\x00\x61", .compression = AREC_COMPRESSION_SNAPPY, .level = 2),
#undef ROW
    };

    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        size_t made;
        g_autofree uint8_t *empty = compress (&rows[i].options, NULL, 0, &made);
        g_autofree uint8_t *a = NULL;

        g_assert_cmpmem (empty, made, rows[i].empty, rows[i].empty_size);
        a = compress (&rows[i].options, (const uint8_t *)"a", 1, &made);
        g_assert_cmpmem (a, made, rows[i].a, rows[i].a_size);
    }
}

/* The content size is told, so neither side needs the window of 2 GiB that was asked for. */
static void
test_zstd_window_is_no_larger_than_the_content (void)
{
    enum { SIZE = 100000 };
    const ArecCodecOptions options = {
        .compression = AREC_COMPRESSION_ZSTD, .level = 3, WINDOW (31)};
    g_autofree uint8_t *data = make_bytes (SIZE, 20);
    size_t made;
    g_autofree uint8_t *stream = compress (&options, data, SIZE, &made);

    g_assert_cmpuint (ZSTD_getFrameContentSize (stream, made), ==, SIZE);
    /* A single segment: its window is its content. */
    g_assert_cmphex (stream[4] & 0x20, ==, 0x20);
}

/* A level of one call does not stay for the next one of its thread. */
static void
test_settings_do_not_stay (void)
{
    enum { SIZE = 100000 };
    const ArecCodecOptions plain = {.compression = AREC_COMPRESSION_ZSTD, .level = 3};
    const ArecCodecOptions other = {
        .compression = AREC_COMPRESSION_ZSTD, .level = 9, WINDOW (10)};
    g_autofree uint8_t *data = make_bytes (SIZE, 20);
    size_t before, between, after;
    g_autofree uint8_t *first = compress (&plain, data, SIZE, &before);
    g_autofree uint8_t *second = compress (&other, data, SIZE, &between);
    g_autofree uint8_t *third = compress (&plain, data, SIZE, &after);

    g_assert_cmpmem (first, before, third, after);
    g_assert_true (before != between || memcmp (first, second, before) != 0);
}

static void
test_defaults (void)
{
    static const struct {
        ArecCompression compression;
        int level;
        bool has_window_log;
        int window_log;
    } rows[] = {{AREC_COMPRESSION_NONE, 0, false, 0},
                {AREC_COMPRESSION_BROTLI, 6, false, 0},
                {AREC_COMPRESSION_ZSTD, 3, true, 20},
                {AREC_COMPRESSION_SNAPPY, 1, false, 0}};

    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        ArecCodecOptions options = arec_codec_options_default (rows[i].compression);

        g_assert_cmpint (options.compression, ==, rows[i].compression);
        g_assert_cmpint (options.level, ==, rows[i].level);
        g_assert_cmpint (options.has_window_log, ==, rows[i].has_window_log);
        g_assert_cmpint (options.window_log, ==, rows[i].window_log);
    }
}

/* ---- refusals ---- */

static void
test_too_little_room (void)
{
    enum { SIZE = 5000 };
    g_autofree uint8_t *data = make_bytes (SIZE, 256);

    for (unsigned o = 0; o < G_N_ELEMENTS (settings); o++) {
        for (size_t room = 0; room < SIZE; room += 499) {
            g_autofree uint8_t *out = g_malloc (room + 1);
            size_t made;

            g_assert_nonnull (arec_compress (&settings[o], data, SIZE, out, room, &made));
        }
        check_round_trip (&settings[o], data, SIZE);
    }
}

/* The answer comes before a byte is read: there are no 4 GiB here. */
static void
test_snappy_limit (void)
{
    const ArecCodecOptions options = arec_codec_options_default (AREC_COMPRESSION_SNAPPY);
    uint8_t byte = 0, out[16];
    size_t made;

    g_assert_true (arec_compress (&options, &byte, (size_t)UINT32_MAX + 1, out, sizeof out,
                                  &made) == arec_codec_too_large);
}

static void
test_window_out_of_range (void)
{
    static const int logs[] = {9, 32};

    for (unsigned i = 0; i < G_N_ELEMENTS (logs); i++) {
        const ArecCodecOptions options = {
            .compression = AREC_COMPRESSION_ZSTD, .level = 3, WINDOW (logs[i])};
        uint8_t out[100];
        size_t made;

        g_assert_nonnull (
            arec_compress (&options, (const uint8_t *)"a", 1, out, sizeof out, &made));
    }
}

/* ---- threads ---- */

static void *
round_trips (void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < 50; i++) {
        uint8_t data[5000];

        memset (data, (int)i, sizeof data);
        check_round_trip (&settings[i % G_N_ELEMENTS (settings)], data, sizeof data);
    }
    return NULL;
}

static void
test_threads (void)
{
    pthread_t threads[4];

    for (unsigned i = 0; i < G_N_ELEMENTS (threads); i++) {
        g_assert_cmpint (pthread_create (&threads[i], NULL, round_trips, NULL), ==, 0);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS (threads); i++) {
        pthread_join (threads[i], NULL);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/compress/round-trips", test_round_trips);
    g_test_add_func ("/compress/compresses", test_it_compresses);
    g_test_add_func ("/compress/smallest", test_smallest_as_the_reference);
    g_test_add_func ("/compress/zstd-window", test_zstd_window_is_no_larger_than_the_content);
    g_test_add_func ("/compress/settings-do-not-stay", test_settings_do_not_stay);
    g_test_add_func ("/compress/defaults", test_defaults);
    g_test_add_func ("/compress/no-room", test_too_little_room);
    g_test_add_func ("/compress/snappy-limit", test_snappy_limit);
    g_test_add_func ("/compress/window-out-of-range", test_window_out_of_range);
    g_test_add_func ("/compress/threads", test_threads);
    return g_test_run();
}
