/* Simple chunks: the smallest forms, and every check of FORMAT.md 6. */
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
    g_assert_cmpint (arec_chunk_decode (&(ArecStoredChunk){&place, &header, memory, memory},
                                        &limits, &chunk, error),
                     ==, chunk != NULL);
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

/* Invalid when cut anywhere, with a byte more, or with other numbers. */
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
        {LITERAL ("z\0"), 0, 0, AREC_ERROR_CORRUPT},     /* no size before the sizes */
        {LITERAL ("z\1\0\0"), 0, 0, AREC_ERROR_CORRUPT}, /* and no stream after it */
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

/* What the first bytes alone give. */
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

/* Every byte of small chunks is set to many values: each call returns, within its memory. */
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

/* ---- lists that are not decompressed as a whole ---- */

/* Just above the limit: 10 bytes are reserved for each record. */
#define MANY (AREC_SIMPLE_MAX_WHOLE_LIST / 10 + 77)

static const ArecCompression compressed[] = {AREC_COMPRESSION_BROTLI, AREC_COMPRESSION_ZSTD,
                                             AREC_COMPRESSION_SNAPPY};

/* A size list for MANY records of 0 or 1 bytes. Some sizes take two bytes, so that windows
 * begin anywhere in them. */
static GByteArray *
long_list (unsigned every, uint64_t *decoded)
{
    GByteArray *sizes = g_byte_array_new();

    *decoded = 0;
    for (uint64_t i = 0; i < MANY; i++) {
        uint8_t size = every > 0 && i % every == 0;

        if (i % 5 == 3) {
            g_byte_array_append (sizes, (const uint8_t[]){size | 0x80, 0}, 2);
        } else {
            g_byte_array_append (sizes, &size, 1);
        }
        *decoded += size;
    }
    return sizes;
}

static ArecChunk *
decode_list (ArecCompression compression, const GByteArray *sizes, uint64_t decoded,
             GError **error)
{
    g_autofree uint8_t *values = g_malloc0 (decoded + 1);
    g_autoptr (GByteArray) data =
        test_forge_simple_parts (compression, sizes->data, sizes->len, values, decoded);

    return decode (data->data, data->len, MANY, decoded, error);
}

static void
test_long_lists (void)
{
    static const unsigned patterns[] = {0, 1, 2, 7, 1000000};

    for (unsigned c = 0; c < G_N_ELEMENTS (compressed); c++) {
        for (unsigned i = 0; i < G_N_ELEMENTS (patterns); i++) {
            uint64_t decoded, end = 0;
            g_autoptr (GByteArray) sizes = long_list (patterns[i], &decoded);
            g_autoptr (GError) error = NULL;
            g_autoptr (ArecChunk) chunk = decode_list (compressed[c], sizes, decoded, &error);

            g_assert_no_error (error);
            for (uint64_t k = 0; k < MANY; k++) {
                end += patterns[i] > 0 && k % patterns[i] == 0;
                if (arec_record_ends_end (&chunk->ends, k) != end) {
                    g_error ("record %" G_GUINT64_FORMAT, k);
                }
            }
        }
    }
}

/* The same reasons as for short lists. */
static void
test_long_lists_that_lie (void)
{
    for (unsigned c = 0; c < G_N_ELEMENTS (compressed); c++) {
        for (unsigned every = 0; every < 3; every++) {
            uint64_t decoded;
            g_autoptr (GByteArray) sizes = long_list (every, &decoded);
            const struct {
                const char *reason;
                int more_bytes, more_decoded;
            } rows[] = {
                {"the size list ends before the last record", -1, 0},
                {"bytes left over after the size list", 1, 0},
                {"bytes left over after the size list", 100000, 0},
                {"record sizes add up to less than the decoded size", 0, 1},
                {"record sizes add up to more than the decoded size", 0, -1},
            };

            for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
                g_autoptr (GByteArray) spoilt = g_byte_array_new();
                g_autoptr (GError) error = NULL;

                if (decoded == 0 && rows[i].more_decoded < 0) {
                    continue;
                }
                g_byte_array_append (spoilt, sizes->data, sizes->len);
                g_byte_array_set_size (spoilt, (guint)((int)sizes->len + rows[i].more_bytes));
                if (rows[i].more_bytes > 0) {
                    memset (spoilt->data + sizes->len, 0, (size_t)rows[i].more_bytes);
                }
                g_assert_null (decode_list (compressed[c], spoilt,
                                            decoded + (uint64_t)rows[i].more_decoded, &error));
                g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
                g_assert_nonnull (strstr (error->message, rows[i].reason));
            }
        }
    }
}

/* A list that cannot be streamed may not take more memory than the limit. */
static void
test_limit_of_a_list (void)
{
    const ArecSimpleFront front = {.compression = AREC_COMPRESSION_SNAPPY};
    uint64_t decoded;
    g_autoptr (GByteArray) sizes = long_list (1, &decoded);
    g_autoptr (GByteArray) stream =
        test_forge_compress (AREC_COMPRESSION_SNAPPY, sizes->data, sizes->len);
    g_autoptr (GByteArray) list = g_byte_array_new();

    test_forge_varint (list, sizes->len);
    g_byte_array_append (list, stream->data, stream->len);
    for (int more = -1; more < 1; more++) {
        ArecSimpleFront whole = front;
        ArecRecordEnds ends = {0};
        const char *reason;

        whole.sizes_size = list->len;
        g_assert_cmpint (arec_simple_decode_sizes (&whole, list->data, MANY, decoded,
                                                   sizes->len + (uint64_t)more, &ends, &reason),
                         ==, more < 0 ? AREC_DECODE_LIMIT : AREC_DECODE_OK);
        arec_record_ends_clear (&ends);
    }
}

/* Numbers of records that cost only time are limited, too. */
static void
test_too_many_records (void)
{
    g_autoptr (GError) error = NULL;

    g_assert_null (decode ("\0\0", 2, AREC_MAX_CHUNK_RECORDS + 1, 0, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_LIMIT);
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
    g_test_add_func ("/simple-chunk/long-lists", test_long_lists);
    g_test_add_func ("/simple-chunk/long-lists-that-lie", test_long_lists_that_lie);
    g_test_add_func ("/simple-chunk/limit-of-a-list", test_limit_of_a_list);
    g_test_add_func ("/simple-chunk/too-many-records", test_too_many_records);
    return g_test_run();
}
