/* Streamed chunks compared with chunks that are decoded whole: the same records, the same
 * errors. */
#include "riegeli/simple_stream.h"

#include <string.h>

#include <arec/error.h>

#include "faulty_source.h"
#include "forge.h"
#include "riegeli/chunk.h"
#include "source/memory_source.h"

#define MAX_SIZE (UINT64_C (1) << 30)

static const ArecDecodeLimits limits = {.max_size = MAX_SIZE};
static const ArecSimpleStreamOptions options = {.max_record_size = MAX_SIZE,
                                                .keep_size = UINT64_C (4) << 20};

static const ArecCompression streamed[] = {AREC_COMPRESSION_NONE, AREC_COMPRESSION_BROTLI,
                                           AREC_COMPRESSION_ZSTD};

/* A file whose one chunk lies at `place`. */
typedef struct {
    TestForge *forge;
    TestFaults faults;
    ArecChunkPlace place;
} File;

static void
file_init (File *file, uint8_t type, uint64_t n, uint64_t decoded, const GByteArray *data)
{
    ArecSource *memory;

    *file = (File){.forge = test_forge_new(), .faults = {.fail_at_read = -1}};
    file->place.begin =
        test_forge_chunk (file->forge, &(TestForgeChunk){.type = type,
                                                         .num_records = n,
                                                         .decoded_data_size = decoded,
                                                         .data = data->data,
                                                         .data_size = data->len});
    memory = arec_memory_source_new ("a-file", file->forge->file->data, file->forge->file->len);
    file->place.source = test_faulty_source_new (memory, &file->faults);
    file->place.limit = file->place.source->size;
    file->place.max_size = MAX_SIZE;
}

static void
file_clear (File *file)
{
    arec_source_free (file->place.source);
    test_forge_free (file->forge);
}

/* Streams all of the chunk at @place and compares it with @whole, unless that is NULL. */
static bool
stream_all (const ArecChunkPlace *place, const ArecChunk *whole, GError **error)
{
    g_autoptr (ArecSimpleStream) stream = NULL;
    ArecChunkHeader header;

    if (!arec_simple_stream_open (place, &options, &header, &stream, error)) {
        return false;
    }
    g_assert_nonnull (stream);
    for (uint64_t i = 0; i < header.num_records; i++) {
        ArecBytes record;

        if (!arec_simple_stream_next (stream, &record, error)) {
            return false;
        }
        if (whole) {
            ArecBytes expected = arec_chunk_record (whole, i);

            g_assert_cmpmem (record.at, arec_bytes_left (&record), expected.at,
                             arec_bytes_left (&expected));
        }
    }
    return arec_simple_stream_end (stream, error);
}

/* Checks that both ways give the same records, or the same error. */
static void
check (const File *file)
{
    g_autoptr (ArecChunk) whole = NULL;
    g_autoptr (GError) expected = NULL, error = NULL;
    ArecChunkHeader header;
    bool ok = arec_chunk_load (&file->place, 0, &limits, &header, &whole, &expected);

    g_assert_cmpint (stream_all (&file->place, whole, &error), ==, ok);
    if (!ok) {
        g_assert_error (error, AREC_ERROR, expected->code);
        g_assert_cmpstr (error->message, ==, expected->message);
    }
}

/* ---- sound chunks ---- */

static void
check_records (ArecCompression compression, unsigned n, int most)
{
    g_autofree TestForgeRecord *records = g_new0 (TestForgeRecord, n);
    g_autoptr (GByteArray) bytes = g_byte_array_new();
    g_autoptr (GByteArray) data = NULL;
    uint64_t decoded = 0;
    File file;

    g_byte_array_set_size (bytes, (guint)most);
    for (int i = 0; i < most; i++) {
        bytes->data[i] = (uint8_t)g_test_rand_int();
    }
    for (unsigned i = 0; i < n; i++) {
        records[i].size = i % 5 == 0 ? 0 : (size_t)g_test_rand_int_range (0, most);
        records[i].data = bytes->data + (size_t)most - records[i].size;
        decoded += records[i].size;
    }
    data = test_forge_simple_data (compression, records, n);
    file_init (&file, 'r', n, decoded, data);
    check (&file);
    file_clear (&file);
}

static void
test_records (void)
{
    for (unsigned c = 0; c < G_N_ELEMENTS (streamed); c++) {
        check_records (streamed[c], 0, 1);
        check_records (streamed[c], 1, 10);
        check_records (streamed[c], 1, 1000000);
        check_records (streamed[c], 5, 300000);
        check_records (streamed[c], 3000, 20);
        check_records (streamed[c], 200000, 11);
    }
}

/* More stored bytes than are kept: they are read a second time, in pieces. */
static void
test_large (void)
{
    for (unsigned c = 0; c < G_N_ELEMENTS (streamed); c++) {
        check_records (streamed[c], 3000, 5000);
        check_records (streamed[c], 1000000, 12);
    }
}

static void
test_chunks_that_are_not_streamed (void)
{
    const TestForgeRecord record = {"abc", 3};
    g_autoptr (GByteArray) plain = test_forge_simple_data (AREC_COMPRESSION_NONE, &record, 1);
    g_autoptr (GByteArray) snappy =
        test_forge_simple_data (AREC_COMPRESSION_SNAPPY, &record, 1);
    g_autoptr (GByteArray) unknown = g_byte_array_new();
    const struct {
        uint8_t type;
        const GByteArray *data;
    } rows[] = {{'t', plain}, {'p', plain}, {'r', snappy}, {'r', unknown}};

    g_byte_array_append (unknown, (const uint8_t *)"q\1\1abc", 6);
    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        File file;
        ArecSimpleStream *stream = (ArecSimpleStream *)&file;
        ArecChunkHeader header;

        file_init (&file, rows[i].type, 1, 3, rows[i].data);
        g_assert_true (arec_simple_stream_open (&file.place, &options, &header, &stream, NULL));
        g_assert_null (stream);
        g_assert_cmpuint (header.type, ==, rows[i].type);
        file_clear (&file);
    }
    arec_simple_stream_free (NULL);
}

/* ---- chunks that lie ---- */

typedef struct {
    const char *what;
    const char *sizes;
    size_t sizes_size;
    const char *values;
    size_t values_size;
    uint64_t n, decoded;
} Lie;

#define LIE(what, sizes, values, n, decoded)                                                   \
    {                                                                                          \
        what, sizes, sizeof (sizes) - 1, values, sizeof (values) - 1, n, decoded               \
    }

static const Lie lies[] = {
    LIE ("nothing", "\3\0\2", "abcde", 3, 5),
    LIE ("overlong varints are none", "\x83\x80\0\x80\0\2", "abcde", 3, 5),
    LIE ("a size is missing", "\3\2", "abcde", 3, 5),
    LIE ("a size is cut", "\3\0\x82", "abcde", 3, 5),
    LIE ("a size is too many", "\3\0\2\0", "abcde", 3, 5),
    LIE ("a size overflows", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\2\0\2", "abcde", 3, 5),
    LIE ("a size is enormous", "\3\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", "abcde", 3, 5),
    LIE ("sizes are more", "\3\0\3", "abcde", 3, 5),
    LIE ("sizes are less", "\3\0\1", "abcde", 3, 5),
    LIE ("a value byte is missing", "\3\0\2", "abcd", 3, 5),
    LIE ("a value byte is too many", "\3\0\2", "abcdef", 3, 5),
    LIE ("no values", "\3\0\2", "", 3, 5),
    LIE ("no records, but sizes", "\1", "", 0, 0),
    LIE ("no records, but values", "", "a", 0, 0),
};

static void
test_lies (void)
{
    for (unsigned c = 0; c < G_N_ELEMENTS (streamed); c++) {
        for (unsigned i = 0; i < G_N_ELEMENTS (lies); i++) {
            const Lie *lie = &lies[i];
            g_autoptr (GByteArray) data = test_forge_simple_parts (
                streamed[c], lie->sizes, lie->sizes_size, lie->values, lie->values_size);
            File file;

            g_test_message ("%s, compression %d", lie->what, streamed[c]);
            file_init (&file, 'r', lie->n, lie->decoded, data);
            check (&file);
            file_clear (&file);
        }
    }
}

/* Data cut short or continued, with the hash of the resulting bytes. */
static void
test_wrong_lengths (void)
{
    for (unsigned c = 0; c < G_N_ELEMENTS (streamed); c++) {
        g_autoptr (GByteArray) data =
            test_forge_simple_parts (streamed[c], "\3\0\2", 3, "abcde", 5);
        guint length = data->len;

        g_byte_array_append (data, (const uint8_t *)"\0", 1);
        for (guint n = data->len; n >= 3; n--) {
            File file;

            g_byte_array_set_size (data, n);
            file_init (&file, 'r', 3, 5, data);
            if (n > 1u + 1 + data->data[1]) { /* sound first bytes: it is streamed */
                check (&file);
            }
            file_clear (&file);
        }
        g_assert_cmpuint (length, >, 8);
    }
}

static void
test_hash (void)
{
    g_autoptr (GByteArray) data =
        test_forge_simple_parts (AREC_COMPRESSION_ZSTD, "\3\0\2", 3, "abcde", 5);
    File file;

    file_init (&file, 'r', 3, 5, data);
    for (guint i = 0; i < data->len; i++) {
        GByteArray *bytes = file.forge->file;
        ArecChunkPlace place = file.place;
        g_autoptr (GError) error = NULL, expected = NULL;
        g_autoptr (ArecSimpleStream) stream = NULL;
        g_autoptr (ArecSource) source = NULL;
        g_autoptr (ArecChunk) whole = NULL;
        ArecChunkHeader header;

        bytes->data[bytes->len - 1 - i] ^= 4;
        source = arec_memory_source_new ("a-file", bytes->data, bytes->len);
        bytes->data[bytes->len - 1 - i] ^= 4;
        place.source = source;
        g_assert_false (arec_chunk_load (&place, 0, &limits, &header, &whole, &expected));
        if (arec_simple_stream_open (&place, &options, &header, &stream, &error)) {
            g_assert_null (stream); /* damaged first bytes: a whole load fails */
            continue;
        }
        g_assert_cmpstr (error->message, ==, expected->message);
    }
    file_clear (&file);
}

static void
test_limit_of_a_record (void)
{
    const TestForgeRecord records[] = {{"abc", 3}, {"", 0}, {"abcde", 5}};
    g_autoptr (GByteArray) data = test_forge_simple_data (AREC_COMPRESSION_ZSTD, records, 3);
    g_autoptr (ArecSimpleStream) stream = NULL;
    g_autoptr (GError) error = NULL;
    const ArecSimpleStreamOptions low = {.max_record_size = 4}, high = {.max_record_size = 5};
    ArecChunkHeader header;
    File file;

    file_init (&file, 'r', 3, 8, data);
    g_assert_false (arec_simple_stream_open (&file.place, &low, &header, &stream, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_LIMIT);
    g_assert_true (arec_simple_stream_open (&file.place, &high, &header, &stream, NULL));
    g_assert_nonnull (stream);
    file_clear (&file);
}

/* Each read fails once: an error of the source, and the next try succeeds. */
static void
test_failing_reads (void)
{
    for (unsigned c = 0; c < G_N_ELEMENTS (streamed); c++) {
        enum { N = 1500000, SIZE = 4 };
        g_autofree TestForgeRecord *records = g_new (TestForgeRecord, N);
        g_autofree uint8_t *noise = g_malloc (N * SIZE);
        g_autoptr (GByteArray) data = NULL;
        File file;

        for (unsigned i = 0; i < N; i++) {
            uint32_t word = (uint32_t)g_test_rand_int();

            memcpy (noise + SIZE * i, &word, SIZE);
            records[i] = (TestForgeRecord){noise + SIZE * i, SIZE};
        }
        data = test_forge_simple_data (streamed[c], records, N);
        g_assert_cmpuint (data->len, >, 4 << 20); /* read twice */
        file_init (&file, 'r', N, N * SIZE, data);
        for (int64_t n = 0;; n += n < 3 ? 1 : 7) {
            g_autoptr (GError) error = NULL;

            file.faults.reads = 0;
            file.faults.fail_at_read = n;
            if (stream_all (&file.place, NULL, &error)) {
                g_assert_cmpuint (file.faults.reads, <=, (uint64_t)n);
                g_assert_cmpint (n, >, 20);
                break;
            }
            g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
        }
        file_clear (&file);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/simple-stream/records", test_records);
    g_test_add_func ("/simple-stream/large", test_large);
    g_test_add_func ("/simple-stream/not-streamed", test_chunks_that_are_not_streamed);
    g_test_add_func ("/simple-stream/lies", test_lies);
    g_test_add_func ("/simple-stream/wrong-lengths", test_wrong_lengths);
    g_test_add_func ("/simple-stream/hash", test_hash);
    g_test_add_func ("/simple-stream/limit", test_limit_of_a_record);
    g_test_add_func ("/simple-stream/failing-reads", test_failing_reads);
    return g_test_run();
}
