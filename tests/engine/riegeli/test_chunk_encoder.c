/* One face, two encoders: each gives its own type and body. */
#include "riegeli/chunk_encoder.h"

#include <string.h>

#include "riegeli/simple_encoder.h"
#include "riegeli/transposed_encoder.h"

static const char *const records[] = {"\x08\x01", "no message", "", "\x12\x02zz\x1a\x02yy"};

static void
add_all (ArecChunkEncoder *encoder)
{
    for (unsigned i = 0; i < G_N_ELEMENTS (records); i++) {
        g_autoptr (GError) error = NULL;

        arec_chunk_encoder_add (encoder, records[i], strlen (records[i]), &error);
        g_assert_no_error (error);
    }
}

static void
check (const ArecChunkEncoderOptions *options, ArecChunkType expected_type, ArecBytes expected)
{
    g_autoptr (ArecChunkEncoder) encoder = arec_chunk_encoder_new (options);

    for (unsigned round = 0; round < 2; round++) {
        ArecChunkType type = AREC_CHUNK_PADDING;
        g_autoptr (GError) error = NULL;
        ArecBytes body = {0};

        add_all (encoder);
        g_assert_cmpuint (arec_chunk_encoder_n_records (encoder), ==, 4);
        g_assert_cmpuint (arec_chunk_encoder_decoded_size (encoder), ==, 20);
        arec_chunk_encoder_encode (encoder, &type, &body, &error);
        g_assert_no_error (error);
        g_assert_cmpint (type, ==, expected_type);
        g_assert_cmpmem (body.at, arec_bytes_left (&body), expected.at,
                         arec_bytes_left (&expected));
        arec_chunk_encoder_reset (encoder);
        g_assert_cmpuint (arec_chunk_encoder_n_records (encoder), ==, 0);
        g_assert_cmpuint (arec_chunk_encoder_decoded_size (encoder), ==, 0);
    }
}

static void
test_simple (void)
{
    const ArecChunkEncoderOptions options = {
        .codec = arec_codec_options_default (AREC_COMPRESSION_ZSTD)};
    g_autoptr (ArecSimpleEncoder) encoder = arec_simple_encoder_new();
    g_autoptr (GError) error = NULL;
    ArecBytes body = {0};

    for (unsigned i = 0; i < G_N_ELEMENTS (records); i++) {
        arec_simple_encoder_add (encoder, records[i], strlen (records[i]), &error);
    }
    arec_simple_encoder_encode (encoder, &options.codec, &body, &error);
    g_assert_no_error (error);
    check (&options, AREC_CHUNK_SIMPLE, body);
}

static void
test_transposed (void)
{
    static const uint64_t bucket_sizes[] = {1, AREC_ONE_BUCKET};
    size_t sizes[2];

    for (unsigned i = 0; i < 2; i++) {
        const ArecTransposedOptions inner = {
            .codec = arec_codec_options_default (AREC_COMPRESSION_ZSTD),
            .bucket_size = bucket_sizes[i]};
        const ArecChunkEncoderOptions options = {
            .codec = inner.codec, .is_transposed = true, .bucket_size = bucket_sizes[i]};
        g_autoptr (ArecTransposedEncoder) encoder = arec_transposed_encoder_new();
        g_autoptr (GError) error = NULL;
        ArecBytes body = {0};

        for (unsigned k = 0; k < G_N_ELEMENTS (records); k++) {
            arec_transposed_encoder_add (encoder, records[k], strlen (records[k]), &error);
        }
        arec_transposed_encoder_encode (encoder, &inner, &body, &error);
        g_assert_no_error (error);
        check (&options, AREC_CHUNK_TRANSPOSED, body);
        sizes[i] = arec_bytes_left (&body);
    }
    g_assert_cmpuint (sizes[0], >, sizes[1]);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/chunk-encoder/simple", test_simple);
    g_test_add_func ("/chunk-encoder/transposed", test_transposed);
    return g_test_run();
}
