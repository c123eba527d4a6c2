/* Simple chunks: the smallest forms, and every check of spec/container 5.1. */
#include "riegeli/simple_chunk.h"

#include <string.h>

#include "forge.h"

#include "base/error.h"
#include "riegeli/chunk.h"
#include "source/memory_source.h"

static const ArecDecodeLimits limits = {.max_size = UINT64_C (1) << 30};

/* Decodes @data as a chunk of these numbers. */
static ArecChunk *
decode (const void *data, size_t size, uint64_t num_records, uint64_t decoded, GError **error)
{
    g_autoptr (ArecSource) source = arec_memory_source_new ("some.riegeli", "", 0);
    uint8_t *memory = g_malloc (size + 1);
    ArecChunkPlace place = {.source = source, .begin = 64};
    ArecChunkHeader header = {.data_size = size,
                              .type = 'r',
                              .num_records = num_records,
                              .decoded_data_size = decoded};
    ArecChunk *chunk = NULL;

    memcpy (memory, data, size);
    g_assert_cmpint (
        arec_chunk_decode (&place, &header, memory, memory, &limits, &chunk, error), ==,
        chunk != NULL);
    return chunk;
}

#define LITERAL(text) text, sizeof (text) - 1

static const struct {
    const char *data;
    size_t size;
    uint64_t num_records, decoded;
} smallest[] = {
    {LITERAL ("\0\0"), 0, 0},
    {LITERAL ("\0\1\0"), 1, 0},
    {LITERAL ("\0\1\1a"), 1, 1},
    {LITERAL ("z\x0b\1\x28\xb5\x2f\xfd\x20\1\x09\0\0\1\1\x28\xb5\x2f\xfd\x20\1\x09\0\0a"), 1,
     1},
    {LITERAL ("b\6\1\x0b\0\x80\1\3\1\x0b\0\x80\x61\3"), 1, 1},
    {LITERAL ("s\4\1\1\0\1\1\1\0a"), 1, 1},
};

static void
test_smallest (void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS (smallest); i++) {
        g_autoptr (GError) error = NULL;
        g_autoptr (ArecChunk) chunk =
            decode (smallest[i].data, smallest[i].size, smallest[i].num_records,
                    smallest[i].decoded, &error);

        g_assert_no_error (error);
        g_assert_cmpuint (chunk->ends.n, ==, smallest[i].num_records);
        g_assert_nonnull (chunk->values);
        if (smallest[i].num_records > 0) {
            g_assert_cmpuint (arec_record_ends_size (&chunk->ends, 0), ==, smallest[i].decoded);
            g_assert_cmpmem (chunk->values, smallest[i].decoded, "a", smallest[i].decoded);
        }
    }
}

/* Neither cut anywhere, nor with a byte more, nor with other numbers. */
static void
test_smallest_spoilt (void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS (smallest); i++) {
        g_autofree uint8_t *more = g_malloc0 (smallest[i].size + 1);
        static const int others[][2] = {{1, 0}, {0, 1}, {1, 1}, {-1, 0}, {0, -1}};

        memcpy (more, smallest[i].data, smallest[i].size);
        for (size_t size = 0; size <= smallest[i].size + 1; size++) {
            g_autoptr (GError) error = NULL;

            if (size == smallest[i].size) {
                continue;
            }
            g_assert_null (
                decode (more, size, smallest[i].num_records, smallest[i].decoded, &error));
            g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
            g_assert_true (g_str_has_prefix (error->message, "some.riegeli: at 64: "));
        }
        for (unsigned k = 0; k < G_N_ELEMENTS (others); k++) {
            g_autoptr (GError) error = NULL;

            if ((smallest[i].num_records == 0 && others[k][0] < 0) ||
                (smallest[i].decoded == 0 && others[k][1] < 0)) {
                continue;
            }
            g_assert_null (decode (smallest[i].data, smallest[i].size,
                                   smallest[i].num_records + (uint64_t)others[k][0],
                                   smallest[i].decoded + (uint64_t)others[k][1], &error));
            g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
        }
    }
}

static void
test_random_records (void)
{
    static const ArecCompression all[] = {AREC_COMPRESSION_NONE, AREC_COMPRESSION_BROTLI,
                                          AREC_COMPRESSION_ZSTD, AREC_COMPRESSION_SNAPPY};

    for (unsigned round = 0; round < 200; round++) {
        enum { MOST = 200 };
        g_autofree uint8_t *bytes = g_malloc (MOST * 300);
        TestForgeRecord records[MOST];
        size_t n = (size_t)g_test_rand_int_range (0, MOST), decoded = 0;
        g_autoptr (GByteArray) data = NULL;
        g_autoptr (ArecChunk) chunk = NULL;
        g_autoptr (GError) error = NULL;

        for (size_t i = 0; i < n; i++) {
            records[i].data = bytes + decoded;
            records[i].size = (size_t)g_test_rand_int_range (0, round % 2 ? 300 : 3);
            for (size_t k = 0; k < records[i].size; k++) {
                bytes[decoded++] = (uint8_t)g_test_rand_int_range (0, round % 3 ? 256 : 4);
            }
        }
        data = test_forge_simple_data (all[round % 4], records, n);
        chunk = decode (data->data, data->len, n, decoded, &error);
        g_assert_no_error (error);
        g_assert_cmpuint (chunk->ends.n, ==, n);
        g_assert_cmpmem (chunk->values, decoded, bytes, decoded);
        for (size_t i = 0, end = 0; i < n; i++) {
            g_assert_cmpuint (arec_record_ends_begin (&chunk->ends, i), ==, end);
            end += records[i].size;
            g_assert_cmpuint (arec_record_ends_end (&chunk->ends, i), ==, end);
        }
    }
}

/* A size may take up to ten bytes, compressed or not: the room for the list allows for it. */
static void
test_overlong_varints (void)
{
    static const ArecCompression all[] = {AREC_COMPRESSION_NONE, AREC_COMPRESSION_BROTLI,
                                          AREC_COMPRESSION_ZSTD, AREC_COMPRESSION_SNAPPY};
    static const char two[] = "\x82\x80\x80\x80\x80\x80\x80\x80\x80\0"
                              "\x82\x80\x80\x80\x80\x80\x80\x80\x80\0";

    for (unsigned i = 0; i < G_N_ELEMENTS (all); i++) {
        g_autoptr (GByteArray) data =
            test_forge_simple_parts (all[i], two, sizeof two - 1, "abcd", 4);
        g_autoptr (GError) error = NULL;
        g_autoptr (ArecChunk) chunk = decode (data->data, data->len, 2, 4, &error);

        g_assert_no_error (error);
        g_assert_cmpuint (arec_record_ends_size (&chunk->ends, 1), ==, 2);
    }
    {
        g_autoptr (GError) error = NULL;
        g_autoptr (ArecChunk) chunk = decode (LITERAL ("\0\x82\x80\0\x81\0a"), 1, 1, &error);

        g_assert_no_error (error); /* an overlong length of the list as well */
        g_assert_cmpmem (chunk->values, arec_record_ends_end (&chunk->ends, 0), "a", 1);
    }
}

static void
test_checks (void)
{
    static const struct {
        const char *data;
        size_t size;
        uint64_t num_records, decoded;
        ArecError code;
    } rows[] = {
        {LITERAL (""), 0, 0, AREC_ERROR_CORRUPT},
        {LITERAL ("\0"), 0, 0, AREC_ERROR_CORRUPT},
        {LITERAL ("\0\x80"), 0, 0, AREC_ERROR_CORRUPT},
        {LITERAL ("\0\2\0"), 1, 0, AREC_ERROR_CORRUPT},
        {LITERAL ("\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\0"), 1, 0, AREC_ERROR_CORRUPT},
        {LITERAL ("\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\2\0"), 1, 0, AREC_ERROR_CORRUPT},
        {LITERAL ("\0\2\1\2abc"), 2, 4, AREC_ERROR_CORRUPT},
        {LITERAL ("\0\2\1\3abc"), 2, 3, AREC_ERROR_CORRUPT},
        {LITERAL ("\0\2\1\2ab"), 2, 3, AREC_ERROR_CORRUPT},
        {LITERAL ("\0\2\1\2abcd"), 2, 3, AREC_ERROR_CORRUPT},
        {LITERAL ("\0\2\1\2abc"), 1, 3, AREC_ERROR_CORRUPT},
        {LITERAL ("\0\2\1\2abc"), 3, 3, AREC_ERROR_CORRUPT},
        {LITERAL ("\0\2\1\x82"
                  "abc"),
         2, 3, AREC_ERROR_CORRUPT},
        {LITERAL ("z\0"), 0, 0, AREC_ERROR_CORRUPT},     /* no size in front of the sizes */
        {LITERAL ("z\1\0\0"), 0, 0, AREC_ERROR_CORRUPT}, /* and no stream behind it */
        {LITERAL ("b\1\0\0"), 0, 0, AREC_ERROR_CORRUPT},
        {LITERAL ("s\1\0\0"), 0, 0, AREC_ERROR_CORRUPT},
        {LITERAL ("s\2\0\0"), 0, 0, AREC_ERROR_CORRUPT},
        {LITERAL ("s\2\0\0\0"), 0, 0, AREC_ERROR_CORRUPT},
        {LITERAL ("s\2\x80\0\0\0"), 0, 0, AREC_ERROR_CORRUPT},
        {LITERAL ("q\0"), 0, 0, AREC_ERROR_UNSUPPORTED},
        {LITERAL ("\1\1\1a"), 1, 1, AREC_ERROR_UNSUPPORTED},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autoptr (GError) error = NULL;

        g_assert_null (
            decode (rows[i].data, rows[i].size, rows[i].num_records, rows[i].decoded, &error));
        g_assert_error (error, AREC_ERROR, (gint)rows[i].code);
    }
}

/* What the front alone says, with few bytes at hand. */
static void
test_front (void)
{
    ArecSimpleFront front;
    const char *reason = NULL;

    g_assert_cmpint (
        arec_simple_parse_front ((const uint8_t *)"z\x05", 2, 100, &front, &reason), ==,
        AREC_DECODE_OK);
    g_assert_cmpint (front.compression, ==, AREC_COMPRESSION_ZSTD);
    g_assert_cmpuint (front.sizes_begin, ==, 2);
    g_assert_cmpuint (front.sizes_size, ==, 5);
    g_assert_cmpint (
        arec_simple_parse_front ((const uint8_t *)"\0\x62", 2, 100, &front, &reason), ==,
        AREC_DECODE_OK); /* 98 bytes, just as many as there are */
    g_assert_cmpint (
        arec_simple_parse_front ((const uint8_t *)"\0\x63", 2, 100, &front, &reason), ==,
        AREC_DECODE_CORRUPT);
    g_assert_nonnull (reason);
    reason = NULL;
    g_assert_cmpint (
        arec_simple_parse_front ((const uint8_t *)"\0\x80", 2, 1000, &front, &reason), ==,
        AREC_DECODE_CORRUPT);
    g_assert_nonnull (reason);
    g_assert_cmpint (
        arec_simple_parse_front ((const uint8_t *)"\0\x80\1", 3, 1000, &front, &reason), ==,
        AREC_DECODE_OK);
    g_assert_cmpuint (front.sizes_size, ==, 128);
}

/* Every byte of small chunks set to many values: an answer each time, within its memory. */
static void
test_mutations (void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS (smallest); i++) {
        for (size_t at = 0; at < smallest[i].size; at++) {
            for (unsigned value = 0; value < 256; value++) {
                g_autofree uint8_t *data = g_memdup2 (smallest[i].data, smallest[i].size);
                g_autoptr (GError) error = NULL;
                g_autoptr (ArecChunk) chunk = NULL;

                data[at] = (uint8_t)value;
                chunk = decode (data, smallest[i].size, smallest[i].num_records,
                                smallest[i].decoded, &error);
                if (chunk) {
                    g_assert_cmpuint (chunk->ends.n, ==, smallest[i].num_records);
                    g_assert_cmpuint (arec_record_ends_begin (&chunk->ends, chunk->ends.n), ==,
                                      smallest[i].decoded);
                } else {
                    g_assert_nonnull (error);
                }
            }
        }
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/simple-chunk/smallest", test_smallest);
    g_test_add_func ("/simple-chunk/spoilt", test_smallest_spoilt);
    g_test_add_func ("/simple-chunk/random", test_random_records);
    g_test_add_func ("/simple-chunk/overlong", test_overlong_varints);
    g_test_add_func ("/simple-chunk/checks", test_checks);
    g_test_add_func ("/simple-chunk/front", test_front);
    g_test_add_func ("/simple-chunk/mutations", test_mutations);
    return g_test_run();
}
