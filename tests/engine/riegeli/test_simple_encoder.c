/* Encoded records: the smallest forms of FORMAT.md 6, and others decoded again. */
#include "riegeli/simple_encoder.h"

#include <string.h>

#include "base/error.h"
#include "riegeli/chunk.h"
#include "source/memory_source.h"

static const ArecCompression all[] = {AREC_COMPRESSION_NONE, AREC_COMPRESSION_BROTLI,
                                      AREC_COMPRESSION_ZSTD, AREC_COMPRESSION_SNAPPY};

static void
add (ArecSimpleEncoder *encoder, const void *data, size_t size)
{
    g_autoptr (GError) error = NULL;

    arec_simple_encoder_add (encoder, data, size, &error);
    g_assert_no_error (error);
}

static ArecBytes
encode (ArecSimpleEncoder *encoder, ArecCompression compression)
{
    ArecCodecOptions options = arec_codec_options_default (compression);
    g_autoptr (GError) error = NULL;
    ArecBytes body = {0};

    arec_simple_encoder_encode (encoder, &options, &body, &error);
    g_assert_no_error (error);
    return body;
}

/* The chunk that the decoder finds in @body. */
static ArecChunk *
decode (const ArecSimpleEncoder *encoder, ArecBytes body)
{
    const ArecDecodeLimits limits = arec_decode_limits_resolve (&(ArecDecodeLimits){0});
    g_autoptr (ArecSource) source = arec_memory_source_new ("some.riegeli", "", 0);
    g_autoptr (GError) error = NULL;
    ArecChunkPlace place = {.source = source};
    ArecChunkHeader header = {.data_size = arec_bytes_left (&body),
                              .type = AREC_CHUNK_SIMPLE,
                              .num_records = arec_simple_encoder_n_records (encoder),
                              .decoded_data_size = arec_simple_encoder_decoded_size (encoder)};
    uint8_t *memory = g_memdup2 (body.at, header.data_size);
    ArecChunk *chunk = NULL;

    arec_chunk_decode (&(ArecStoredChunk){&place, &header, memory, memory}, &limits, &chunk,
                       &error);
    g_assert_no_error (error);
    return chunk;
}

static void
check_record (const ArecChunk *chunk, uint64_t i, const void *data, size_t size)
{
    ArecBytes record = arec_chunk_record (chunk, i);

    g_assert_cmpmem (record.at, arec_bytes_left (&record), data, size);
}

static void
test_smallest (void)
{
    static const struct {
        ArecCompression compression;
        bool has_record;
        const char *record;
        const char *body;
        size_t size;
    } rows[] = {
#define ROW(compression, has_record, record, body)                                             \
    {compression, has_record, record, body, sizeof (body) - 1}
        ROW (AREC_COMPRESSION_NONE, false, "", "\0\0"),
        ROW (AREC_COMPRESSION_NONE, true, "", "\0\1\0"),
        ROW (AREC_COMPRESSION_NONE, true, "a", "\0\1\1a"),
        ROW (AREC_COMPRESSION_ZSTD, true, "a",
             "z\x0b\1\x28\xb5\x2f\xfd\x20\1\x09\0\0\1\1\x28\xb5\x2f\xfd\x20\1\x09\0\0a"),
        ROW (AREC_COMPRESSION_BROTLI, true, "a", "b\6\1\0\0\x10\1\3\1\0\0\x10\x61\3"),
        ROW (AREC_COMPRESSION_SNAPPY, true, "a", "s\4\1\1\0\1\1\1\0a"),
#undef ROW
    };

    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autoptr (ArecSimpleEncoder) encoder = arec_simple_encoder_new();
        ArecBytes body;

        if (rows[i].has_record) {
            add (encoder, rows[i].record, strlen (rows[i].record));
        }
        body = encode (encoder, rows[i].compression);
        g_assert_cmpmem (body.at, arec_bytes_left (&body), rows[i].body, rows[i].size);
    }
}

/* One encoder for all rounds: a chunk leaves nothing that shows in the next one. */
static void
test_random_records (void)
{
    enum { MOST = 200 };
    g_autoptr (ArecSimpleEncoder) encoder = arec_simple_encoder_new();

    for (unsigned round = 0; round < 200; round++) {
        g_autofree uint8_t *bytes = g_malloc (MOST * 300);
        size_t sizes[MOST], n = (size_t)g_test_rand_int_range (0, MOST), total = 0;
        g_autoptr (ArecChunk) chunk = NULL;

        for (size_t i = 0; i < n; i++) {
            sizes[i] = (size_t)g_test_rand_int_range (0, round % 2 ? 300 : 3);
            for (size_t k = 0; k < sizes[i]; k++) {
                bytes[total + k] = (uint8_t)g_test_rand_int_range (0, round % 3 ? 256 : 4);
            }
            add (encoder, bytes + total, sizes[i]);
            total += sizes[i];
        }
        g_assert_cmpuint (arec_simple_encoder_n_records (encoder), ==, n);
        g_assert_cmpuint (arec_simple_encoder_decoded_size (encoder), ==, total);
        chunk = decode (encoder, encode (encoder, all[round % 4]));
        g_assert_cmpuint (chunk->ends.n, ==, n);
        g_assert_cmpmem (chunk->values, total, bytes, total);
        for (size_t i = 0; i < n; i++) {
            g_assert_cmpuint (arec_record_ends_size (&chunk->ends, i), ==, sizes[i]);
        }
        arec_simple_encoder_reset (encoder);
        g_assert_cmpuint (arec_simple_encoder_n_records (encoder), ==, 0);
        g_assert_cmpuint (arec_simple_encoder_decoded_size (encoder), ==, 0);
    }
}

/* A record for which there is no memory is refused; the others are as before. */
static void
test_no_memory (void)
{
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 1, (size_t)PTRDIFF_MAX};
    g_autoptr (ArecSimpleEncoder) encoder = arec_simple_encoder_new();
    g_autoptr (ArecChunk) chunk = NULL;

    add (encoder, "abc", 3);
    for (unsigned i = 0; i < G_N_ELEMENTS (sizes); i++) {
        g_autoptr (GError) error = NULL;

        g_assert_false (arec_simple_encoder_add (encoder, "x", sizes[i], &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_NOMEM);
    }
    add (encoder, "de", 2);
    chunk = decode (encoder, encode (encoder, AREC_COMPRESSION_ZSTD));
    g_assert_cmpuint (chunk->ends.n, ==, 2);
    check_record (chunk, 0, "abc", 3);
    check_record (chunk, 1, "de", 2);
}

static void
test_bad_options (void)
{
    const ArecCodecOptions options = {.compression = AREC_COMPRESSION_ZSTD,
                                      .level = 3,
                                      .has_window_log = true,
                                      .window_log = 9};
    g_autoptr (ArecSimpleEncoder) encoder = arec_simple_encoder_new();
    g_autoptr (ArecChunk) chunk = NULL;
    g_autoptr (GError) error = NULL;
    ArecBytes body;

    add (encoder, "abc", 3);
    g_assert_false (arec_simple_encoder_encode (encoder, &options, &body, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
    chunk = decode (encoder, encode (encoder, AREC_COMPRESSION_ZSTD));
    check_record (chunk, 0, "abc", 3);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/simple-encoder/smallest", test_smallest);
    g_test_add_func ("/simple-encoder/random", test_random_records);
    g_test_add_func ("/simple-encoder/no-memory", test_no_memory);
    g_test_add_func ("/simple-encoder/bad-options", test_bad_options);
    return g_test_run();
}
