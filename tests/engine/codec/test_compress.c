/* Compression: its output decompresses, fits its bound, and for the smallest buffers is that
 * of the reference. */
#include "codec/compress.h"

#include <pthread.h>
#include <string.h>
#include <sys/resource.h>

#include <zstd.h>

#include <glib.h>

#include "codec/compressors.h"

#include "sanitized.h"

#define KIB ((size_t)1024)
#define MIB (KIB * KIB)

#define WINDOW(log) .has_window_log = true, .window_log = (log)

/* The ends and the middle of each range. */
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

/* Words of a made-up language with the frequencies of a natural one. */
static uint8_t *
make_text (size_t size)
{
    enum { N_WORDS = 4096, MAX_WORD = 12 };
    static const char letters[] = "eeeettaaooiinnsshrdlucm";
    g_autofree char *words = g_malloc (N_WORDS * MAX_WORD);
    uint8_t *data = g_malloc (size + MAX_WORD);
    size_t filled = 0;

    for (int i = 0; i < N_WORDS * MAX_WORD; i++) {
        words[i] = letters[g_test_rand_int_range (0, sizeof letters - 1)];
    }
    while (filled < size) {
        /* Word k comes about once in k + 1. */
        int word = (int)(N_WORDS / (1 + N_WORDS * g_test_rand_double())) % N_WORDS;
        size_t length = 2 + (size_t)(word * 7919 % (MAX_WORD - 3));

        memcpy (data + filled, words + word * MAX_WORD, length);
        data[filled + length] = ' ';
        filled += length + 1;
    }
    return data;
}

/* The stream of @data in a buffer of exactly the bound. */
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

/* Every level of a codec. */
static void
check_levels (ArecCompression compression, int first)
{
    static const size_t sizes[] = {0, 1, 115, 4096, 256 * 1024};
    ArecCodecLimits limits = arec_codec_limits (compression);

    for (unsigned s = 0; s < G_N_ELEMENTS (sizes); s++) {
        g_autofree uint8_t *text = make_text (sizes[s]);
        g_autofree uint8_t *noise = make_bytes (sizes[s], 256);

        for (int level = first; level <= limits.max_level; level++) {
            ArecCodecOptions options = arec_codec_options_default (compression);

            options.level = level;
            check_round_trip (&options, text, sizes[s]);
            options.has_window_log = false;
            check_round_trip (&options, noise, sizes[s]);
        }
    }
}

static void
test_levels (void)
{
    check_levels (AREC_COMPRESSION_BROTLI, 0);
    check_levels (AREC_COMPRESSION_ZSTD, -10);
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

/* ---- streams of each codec and level, without the size before them ---- */

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
        /* With a window of 16 bits, of those that are no smaller. */
        ROW ("\x33", "\x03\x00\x80\x61\x03", BROTLI = 0), /* which tells 18 */
        ROW ("\x06", "\x00\x00\x10\x61\x03", BROTLI = 6),
        ROW ("\x06", "\x00\x00\x10\x61\x03", BROTLI = 11, WINDOW (22)),
        ROW ("\xa1\x01", "\x21\x00\x00\x04\x61\x03", BROTLI = 6, WINDOW (10)),
        ROW ("\x06", "\x00\x00\x10\x61\x03", BROTLI = 6, WINDOW (16)),
        ROW ("\x06", "\x00\x00\x10\x61\x03", BROTLI = 6, WINDOW (25)),
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

/* The encoder is told the content size, so neither side needs the window of 2 GiB that was
 * asked for. */
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

/* The smallest inputs do not go through the library. */
static void
test_zstd_of_few_bytes_as_the_library (void)
{
    for (size_t size = 0; size < 20; size++) {
        for (int level = -7; level <= 22; level++) {
            const ArecCodecOptions options = {.compression = AREC_COMPRESSION_ZSTD,
                                              .level = level};
            g_autofree uint8_t *data = make_bytes (size, 1 + level * level);
            uint8_t expected[100];
            size_t made, expected_size;
            g_autofree uint8_t *stream = compress (&options, data, size, &made);

            expected_size = ZSTD_compress (expected, sizeof expected, data, size, level);
            g_assert_cmpmem (stream, made, expected, expected_size);
        }
    }
}

/* Neither side needs a large window for little, and it is no large one then, which only some
 * decoders take. */
static void
test_brotli_window_is_no_larger_than_the_content (void)
{
    static const struct {
        size_t size;
        int log;
    } rows[] = {{1, 16}, {65520, 16}, {65521, 17}, {131056, 17}, {131057, 18}, {262144, 19}};
    g_autofree uint8_t *data = make_bytes (262144, 20);

    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        for (int level = 0; level <= 9; level += 3) {
            const ArecCodecOptions wide = {
                .compression = AREC_COMPRESSION_BROTLI, .level = level, WINDOW (30)};
            const ArecCodecOptions usual = {.compression = AREC_COMPRESSION_BROTLI,
                                            .level = level};
            const ArecCodecOptions fit = {
                .compression = AREC_COMPRESSION_BROTLI, .level = level, WINDOW (rows[i].log)};
            size_t size, wide_size, usual_size;
            g_autofree uint8_t *expected = compress (&fit, data, rows[i].size, &size);
            g_autofree uint8_t *of_wide = compress (&wide, data, rows[i].size, &wide_size);
            g_autofree uint8_t *of_usual = compress (&usual, data, rows[i].size, &usual_size);

            g_assert_cmpmem (of_wide, wide_size, expected, size);
            if (level > 0 || rows[i].log <= 18) {
                g_assert_cmpmem (of_usual, usual_size, expected, size);
            }
        }
    }
}

/* What the reference makes: it does not know the size in advance. */
static size_t
streamed_size (ZSTD_CCtx *context, const uint8_t *data, size_t size)
{
    size_t bound = ZSTD_compressBound (size);
    g_autofree uint8_t *out = g_malloc (bound);
    ZSTD_inBuffer input = {data, size, 0};
    ZSTD_outBuffer output = {out, bound, 0};

    ZSTD_compressStream2 (context, &output, &input, ZSTD_e_continue);
    g_assert_cmpuint (ZSTD_compressStream2 (context, &output, &input, ZSTD_e_end), ==, 0);
    return output.pos;
}

static void
check_as_small_as_streams (int level, uint8_t **texts, unsigned n, size_t size)
{
    const ArecCodecOptions options = {
        .compression = AREC_COMPRESSION_ZSTD, .level = level, WINDOW (20)};
    ZSTD_CCtx *context = ZSTD_createCCtx();
    size_t made = 0, streamed = 0;

    ZSTD_CCtx_setParameter (context, ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter (context, ZSTD_c_windowLog, 20);
    for (unsigned i = 0; i < n; i++) {
        made += compressed_size (&options, texts[i], size);
        streamed += streamed_size (context, texts[i], size);
    }
    ZSTD_freeCCtx (context);
    g_test_message ("zstd:%d of %u texts of %zu: %zu bytes, %zu as streams", level, n, size,
                    made, streamed);
    g_assert_cmpuint (made * 100, <=, streamed * 101);
}

/* Groups of 1 and of 64 records of 4 KiB, which the library takes for small inputs. A single
 * text may be some hundredths larger or smaller, as one search finds what the other one does
 * not; many texts together are not. */
static void
test_zstd_is_as_small_as_a_stream (void)
{
    static const int levels[] = {-7, -1, 1, 3, 5, 7, 9, 12, 15, 19, 22};
    static const struct {
        size_t size;
        unsigned n;
    } rows[] = {{4 * 1024, 16}, {64 * 1024, 2}, {256 * 1024, 1}};

    for (unsigned r = 0; r < G_N_ELEMENTS (rows); r++) {
        uint8_t *texts[16];

        for (unsigned i = 0; i < rows[r].n; i++) {
            texts[i] = make_text (rows[r].size);
        }
        for (unsigned l = 0; l < G_N_ELEMENTS (levels); l++) {
            check_as_small_as_streams (levels[l], texts, rows[r].n, rows[r].size);
        }
        for (unsigned i = 0; i < rows[r].n; i++) {
            g_free (texts[i]);
        }
    }
}

/* The level of one call does not carry over to the next one of its thread. */
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

/* ---- the same bytes ---- */

typedef struct {
    ArecCodecOptions options;
    const uint8_t *data;
    size_t size;
    uint8_t *stream;
    size_t stream_size;
} Job;

static void *
do_job (void *data)
{
    Job *job = data;

    job->stream = compress (&job->options, job->data, job->size, &job->stream_size);
    return NULL;
}

/* By a thread without a past. */
static void
do_afresh (Job *job)
{
    pthread_t thread;

    g_assert_cmpint (pthread_create (&thread, NULL, do_job, job), ==, 0);
    pthread_join (thread, NULL);
}

/* Leaves tables full of other things in this thread. */
static void
use_otherwise (const ArecCodecOptions *options)
{
    size_t size = (size_t)g_test_rand_int_range (1, 100000);
    g_autofree uint8_t *text = make_text (size);
    g_autofree uint8_t *bytes = make_bytes (size, 3);
    ArecCodecOptions other = settings[g_test_rand_int_range (0, G_N_ELEMENTS (settings))];

    compressed_size (options, text, size);
    compressed_size (&other, text, size);
    compressed_size (options, bytes, size);
}

static void
check_same_bytes (const ArecCodecOptions *options, const uint8_t *data, size_t size)
{
    Job job = {.options = *options, .data = data, .size = size};

    do_afresh (&job);
    for (unsigned i = 0; i < 2; i++) {
        g_autofree uint8_t *stream = NULL;
        size_t made;

        use_otherwise (options);
        stream = compress (options, data, size, &made);
        g_assert_cmpmem (stream, made, job.stream, job.stream_size);
    }
    g_free (job.stream);
}

static void
test_same_bytes_whatever_was_before (void)
{
    static const size_t sizes[] = {1, 115, 4096, 100000};

    for (unsigned o = 0; o < G_N_ELEMENTS (settings); o++) {
        for (unsigned s = 0; s < G_N_ELEMENTS (sizes); s++) {
            g_autofree uint8_t *text = make_text (sizes[s]);

            check_same_bytes (&settings[o], text, sizes[s]);
        }
    }
}

static void
test_same_bytes_at_every_level (void)
{
    g_autofree uint8_t *text = make_text (20000);

    for (int level = 0; level <= 11; level++) {
        const ArecCodecOptions options = {.compression = AREC_COMPRESSION_BROTLI,
                                          .level = level};

        check_same_bytes (&options, text, 20000);
    }
    for (int level = -5; level <= 22; level++) {
        const ArecCodecOptions options = {
            .compression = AREC_COMPRESSION_ZSTD, .level = level, WINDOW (20)};

        check_same_bytes (&options, text, 20000);
    }
}

/* ---- memory ---- */

/* Bytes that a thread without a past keeps after it has compressed @size bytes. */
static void *
keep (void *data)
{
    Job *job = data;

    g_assert_cmpuint (arec_compress_kept(), ==, 0);
    do_job (job);
    g_clear_pointer (&job->stream, g_free);
    job->stream_size = arec_compress_kept();
    return NULL;
}

static size_t
kept_after (const ArecCodecOptions *options, const uint8_t *data, size_t size)
{
    Job job = {.options = *options, .data = data, .size = size};
    pthread_t thread;

    g_assert_cmpint (pthread_create (&thread, NULL, keep, &job), ==, 0);
    pthread_join (thread, NULL);
    return job.stream_size;
}

static void
test_zstd_memory_follows_the_size (void)
{
    static const size_t sizes[] = {0, 1, 115, 4096, 256 * 1024, 2 * 1024 * 1024};
    g_autofree uint8_t *text = make_text (2 * MIB);

    for (unsigned s = 0; s < G_N_ELEMENTS (sizes); s++) {
        for (int level = -5; level <= 22; level++) {
            const ArecCodecOptions options = {
                .compression = AREC_COMPRESSION_ZSTD, .level = level, WINDOW (31)};
            size_t memory = arec_compress_memory (&options, sizes[s]);

            g_assert_cmpuint (memory, <, 2 * MIB + 32 * sizes[s]);
            if (level % 4 == 2) {
                g_assert_cmpuint (kept_after (&options, text, sizes[s]), <=, memory);
            }
        }
    }
}

/* No input is that large, but a caller may ask. */
static void
test_memory_of_large_inputs (void)
{
    const ArecCodecOptions zstd = {.compression = AREC_COMPRESSION_ZSTD, .level = 22};
    const ArecCodecOptions narrow = {
        .compression = AREC_COMPRESSION_ZSTD, .level = 22, WINDOW (20)};
    const ArecCodecOptions wide = {
        .compression = AREC_COMPRESSION_BROTLI, .level = 11, WINDOW (30)};
    const ArecCodecOptions none = {.compression = AREC_COMPRESSION_NONE};

    g_assert_cmpuint (arec_compress_memory (&zstd, (size_t)1 << 40), >, 500 * MIB);
    g_assert_cmpuint (arec_compress_memory (&narrow, (size_t)1 << 40), <, 64 * MIB);
    g_assert_cmpuint (arec_compress_memory (&wide, (size_t)1 << 31), >, 8192 * MIB);
    g_assert_cmpuint (arec_compress_memory (&wide, SIZE_MAX), >, 8192 * MIB);
    g_assert_cmpuint (arec_compress_memory (&wide, 100), <, 64 * MIB);
    g_assert_cmpuint (arec_compress_memory (&zstd, 115), <, MIB);
    g_assert_cmpuint (arec_compress_memory (&none, 1000), ==, 0);
}

static size_t
brotli_peak (const ArecCodecOptions *options, const uint8_t *data, size_t size)
{
    g_autoptr (ArecBlockKeeper) keeper = arec_block_keeper_new (0, SIZE_MAX);
    size_t bound = arec_compress_bound (options, size), made;
    g_autofree uint8_t *out = g_malloc (bound);

    g_assert_cmpstr (arec_brotli_compress_in (keeper, options, data, size, out, bound, &made),
                     ==, NULL);
    g_assert_cmpuint (arec_block_keeper_used (keeper), ==, 0);
    return arec_block_keeper_peak (keeper);
}

static void
test_brotli_memory (void)
{
    static const int logs[] = {10, 16, 22, 26};
    static const size_t sizes[] = {0, 1, 115, 4096, 70000, 1100000};
    g_autofree uint8_t *text = make_text (1100000);
    g_autofree uint8_t *bits = make_bytes (1100000, 2);

    for (unsigned s = 0; s < G_N_ELEMENTS (sizes); s++) {
        for (unsigned w = 0; w < G_N_ELEMENTS (logs); w++) {
            /* The others take seconds. */
            for (int level = 0; level <= (s < 4 ? 11 : s < 5 ? 10 : 6); level++) {
                const ArecCodecOptions options = {
                    .compression = AREC_COMPRESSION_BROTLI, .level = level, WINDOW (logs[w])};
                size_t memory = arec_compress_memory (&options, sizes[s]);

                g_assert_cmpuint (brotli_peak (&options, text, sizes[s]), <=, memory);
                g_assert_cmpuint (brotli_peak (&options, bits, sizes[s]), <=, memory);
            }
        }
    }
}

/* Each stream of this level and size has tables of 32 MiB, and takes 1,300 page faults if they
 * are made anew. */
static void *
compress_again_and_again (void *data)
{
    const ArecCodecOptions options = {.compression = AREC_COMPRESSION_BROTLI, .level = 9};
    const uint8_t *text = data;
    struct rusage before, after;
    size_t kept;

    compressed_size (&options, text, 70000);
    kept = arec_compress_kept();
    g_assert_cmpuint (kept, >=, 32 * MIB);
    getrusage (RUSAGE_THREAD, &before);
    for (unsigned i = 0; i < 10; i++) {
        compressed_size (&options, text, 70000);
    }
    getrusage (RUSAGE_THREAD, &after);
    g_assert_cmpuint (arec_compress_kept(), ==, kept);
    g_test_message ("%ld page faults", after.ru_minflt - before.ru_minflt);
    g_assert_cmpint (after.ru_minflt - before.ru_minflt, <, 5000);
    return NULL;
}

static void
test_brotli_memory_is_kept (void)
{
    g_autofree uint8_t *text = make_text (70000);
    pthread_t thread;

    g_assert_cmpint (pthread_create (&thread, NULL, compress_again_and_again, text), ==, 0);
    pthread_join (thread, NULL);
}

static void
test_kept_memory_is_given_back (void)
{
    g_autofree uint8_t *text = make_text (70000);

    for (unsigned o = 0; o < G_N_ELEMENTS (settings); o++) {
        compressed_size (&settings[o], text, 70000);
        arec_compress_release();
        g_assert_cmpuint (arec_compress_kept(), ==, 0);
    }
}

static void
compress_without_slots (void)
{
    enum { MAX_KEYS = 2000, SIZE = 1000 };
    g_autofree uint8_t *text = make_text (SIZE);
    pthread_key_t keys[MAX_KEYS];
    unsigned n = 0;

    while (pthread_key_create (&keys[n], NULL) == 0) {
        n++;
        g_assert_cmpuint (n, <, MAX_KEYS);
    }
    for (unsigned o = 0; o < G_N_ELEMENTS (settings); o++) {
        check_round_trip (&settings[o], text, SIZE);
        g_assert_cmpuint (arec_compress_kept(), ==, 0);
    }
    while (n > 0) {
        pthread_key_delete (keys[--n]);
    }
}

/* The system may have no more slots for what threads keep. A process of its own has none yet.
 */
static void
test_nothing_can_be_kept (void)
{
    if (g_test_subprocess()) {
        compress_without_slots();
        return;
    }
    g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
    g_test_trap_assert_passed();
}

static void
test_kept_memory_is_bounded (void)
{
    static const size_t sizes[] = {100, 300000, 5000000};

    for (unsigned s = 0; s < G_N_ELEMENTS (sizes); s++) {
        g_autofree uint8_t *data = make_bytes (sizes[s], 256);

        for (unsigned o = 0; o < G_N_ELEMENTS (settings); o++) {
            if (sizes[s] < MIB || settings[o].level <= 6 || settings[o].level >= 22) {
                compressed_size (&settings[o], data, sizes[s]);
                g_assert_cmpuint (arec_compress_kept(), <=, (48 + 128) * MIB);
            }
        }
    }
}

/* Each allocation of an encoder fails in turn. */
static void
test_brotli_without_memory (void)
{
    enum { SIZE = 70000 };
    g_autofree uint8_t *text = make_text (SIZE);

    for (int level = 0; level <= 11; level++) {
        const ArecCodecOptions options = {.compression = AREC_COMPRESSION_BROTLI,
                                          .level = level};
        size_t bound = arec_compress_bound (&options, SIZE), made, lacking = 0;
        g_autofree uint8_t *out = g_malloc (bound);
        size_t peak = brotli_peak (&options, text, SIZE);

        while (lacking < peak) {
            g_autoptr (ArecBlockKeeper) keeper = arec_block_keeper_new (MIB, lacking);

            g_assert_true (arec_brotli_compress_in (keeper, &options, text, SIZE, out, bound,
                                                    &made) == arec_codec_no_memory);
            g_assert_cmpuint (arec_block_keeper_used (keeper), ==, 0);
            lacking += MAX (peak / 40, 1);
        }
        check_round_trip (&options, text, SIZE);
    }
}

#ifndef SANITIZED
/* In a process that may map nothing more. */
static void
compress_without_memory (void)
{
    static const ArecCodecOptions rows[] = {
        {.compression = AREC_COMPRESSION_ZSTD, .level = 22},
        {.compression = AREC_COMPRESSION_BROTLI, .level = 9},
    };
    const struct rlimit limit = {1 * MIB, 1 * MIB}; /* less than there is */
    g_autofree uint8_t *text = make_text (4 * MIB);
    g_autofree uint8_t *out = g_malloc (5 * MIB);
    size_t made;

    g_assert_cmpint (setrlimit (RLIMIT_AS, &limit), ==, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        ArecCodecOptions small = rows[i];

        g_assert_true (arec_compress (&rows[i], text, 4 * MIB, out, 5 * MIB, &made) ==
                       arec_codec_no_memory);
        small.level = 1;
        g_assert_cmpstr (arec_compress (&small, text, 100, out, 5 * MIB, &made), ==, NULL);
    }
}

static void
test_without_memory (void)
{
    if (g_test_subprocess()) {
        compress_without_memory();
        return;
    }
    g_test_trap_subprocess (NULL, 0, 0);
    g_test_trap_assert_passed();
}
#endif

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

/* The call fails before a byte is read: there are no 4 GiB here. */
static void
test_snappy_limit (void)
{
    const ArecCodecOptions options = arec_codec_options_default (AREC_COMPRESSION_SNAPPY);
    uint8_t byte = 0, out[16];
    size_t made;

    g_assert_true (arec_compress (&options, &byte, (size_t)UINT32_MAX + 1, out, sizeof out,
                                  &made) == arec_codec_too_large);
}

static bool
is_refused (ArecCompression compression, int level, int window_log)
{
    const ArecCodecOptions options = {
        .compression = compression, .level = level, WINDOW (window_log)};
    uint8_t out[100];
    size_t made;

    return arec_compress (&options, (const uint8_t *)"a", 1, out, sizeof out, &made) != NULL;
}

static void
test_limits (void)
{
    static const ArecCompression with_window[] = {AREC_COMPRESSION_BROTLI,
                                                  AREC_COMPRESSION_ZSTD};

    for (unsigned i = 0; i < G_N_ELEMENTS (with_window); i++) {
        ArecCompression codec = with_window[i];
        ArecCodecLimits limits = arec_codec_limits (codec);

        g_assert_false (is_refused (codec, limits.min_level, limits.min_window_log));
        g_assert_false (is_refused (codec, limits.max_level, limits.max_window_log));
        g_assert_true (is_refused (codec, limits.min_level - 1, 20));
        g_assert_true (is_refused (codec, limits.max_level + 1, 20));
        g_assert_true (is_refused (codec, 3, limits.min_window_log - 1));
        g_assert_true (is_refused (codec, 3, limits.max_window_log + 1));
    }
    g_assert_cmpint (arec_codec_limits (AREC_COMPRESSION_ZSTD).min_level, ==, -131072);
    g_assert_cmpint (arec_codec_limits (AREC_COMPRESSION_ZSTD).max_level, ==, 22);
    g_assert_cmpint (arec_codec_limits (AREC_COMPRESSION_SNAPPY).max_level, ==, 2);
    g_assert_cmpint (arec_codec_limits (AREC_COMPRESSION_NONE).max_level, ==, 0);
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
    g_test_add_func ("/compress/memory/no-slot", test_nothing_can_be_kept);
    g_test_add_func ("/compress/round-trips", test_round_trips);
    g_test_add_func ("/compress/levels", test_levels);
    g_test_add_func ("/compress/compresses", test_it_compresses);
    g_test_add_func ("/compress/smallest", test_smallest_as_the_reference);
    g_test_add_func ("/compress/zstd-window", test_zstd_window_is_no_larger_than_the_content);
    g_test_add_func ("/compress/zstd-few-bytes", test_zstd_of_few_bytes_as_the_library);
    g_test_add_func ("/compress/brotli-window",
                     test_brotli_window_is_no_larger_than_the_content);
    g_test_add_func ("/compress/zstd-size", test_zstd_is_as_small_as_a_stream);
    g_test_add_func ("/compress/settings-do-not-stay", test_settings_do_not_stay);
    g_test_add_func ("/compress/defaults", test_defaults);
    g_test_add_func ("/compress/same-bytes/settings", test_same_bytes_whatever_was_before);
    g_test_add_func ("/compress/same-bytes/levels", test_same_bytes_at_every_level);
    g_test_add_func ("/compress/memory/zstd", test_zstd_memory_follows_the_size);
    g_test_add_func ("/compress/memory/large", test_memory_of_large_inputs);
    g_test_add_func ("/compress/memory/brotli", test_brotli_memory);
    g_test_add_func ("/compress/memory/brotli-kept", test_brotli_memory_is_kept);
    g_test_add_func ("/compress/memory/released", test_kept_memory_is_given_back);
    g_test_add_func ("/compress/memory/bounded", test_kept_memory_is_bounded);
    g_test_add_func ("/compress/no-memory/brotli", test_brotli_without_memory);
#ifndef SANITIZED
    g_test_add_func ("/compress/no-memory/both", test_without_memory);
#endif
    g_test_add_func ("/compress/no-room", test_too_little_room);
    g_test_add_func ("/compress/snappy-limit", test_snappy_limit);
    g_test_add_func ("/compress/limits", test_limits);
    g_test_add_func ("/compress/threads", test_threads);
    return g_test_run();
}
