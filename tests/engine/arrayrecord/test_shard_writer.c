/* Written files: byte for byte those of the reference if uncompressed, read back if
 * compressed, and no file at all if a write fails. */
#include "arrayrecord/shard_writer.h"

#include <string.h>

#include <glib/gstdio.h>

#include "failing_calls.h"
#include "faulty_sink.h"
#include "files.h"
#include "loads.h"

#include "arrayrecord/shard.h"
#include "base/error.h"
#include "riegeli/chunk.h"
#include "riegeli/chunk_writer.h"
#include "riegeli/simple_encoder.h"
#include "source/file_sink.h"
#include "source/memory_sink.h"
#include "source/memory_source.h"

#define MAX_SIZE (UINT64_C (1) << 30)
#define FIRST_CHUNK 64

static ArecShardWriterOptions
options_for (ArecCompression compression)
{
    return (ArecShardWriterOptions){.codec = arec_codec_options_default (compression),
                                    .writer_options = "group_size:?"};
}

/* ---- a writer into memory ---- */

typedef struct {
    ArecSink *sink; /* the writer's */
    ArecShardWriter *writer;
    ArecCodecOptions codec;
    uint64_t group_size;
    ArecSimpleEncoder *group; /* records that are in no chunk yet */
} Output;

static Output
open_output (const ArecShardWriterOptions *options, uint64_t group_size)
{
    ArecSink *sink = arec_memory_sink_new ("out");
    g_autoptr (GError) error = NULL;
    ArecShardWriter *writer = arec_shard_writer_new (sink, options, &error);

    g_assert_no_error (error);
    return (Output){sink, writer, options->codec, group_size, arec_simple_encoder_new()};
}

/* Puts the records that wait, if there are any, as one chunk. */
static void
end_group (const Output *output)
{
    uint64_t n_records = arec_simple_encoder_n_records (output->group);
    g_autoptr (GError) error = NULL;
    ArecChunkHeader header;
    ArecBytes body;

    if (n_records == 0) {
        return;
    }
    arec_simple_encoder_encode (output->group, &output->codec, &body, &error);
    g_assert_no_error (error);
    header = arec_chunk_header_make (AREC_CHUNK_SIMPLE, n_records,
                                     arec_simple_encoder_decoded_size (output->group), body);
    arec_shard_writer_put_chunk (output->writer, &header, body.at, &error);
    g_assert_no_error (error);
    arec_simple_encoder_reset (output->group);
}

static void
add (const Output *output, const void *data, size_t size)
{
    g_autoptr (GError) error = NULL;

    arec_simple_encoder_add (output->group, data, size, &error);
    g_assert_no_error (error);
    if (arec_simple_encoder_n_records (output->group) == output->group_size) {
        end_group (output);
    }
}

/* The bytes of the finished file; frees the writer. */
static GByteArray *
finish (Output *output)
{
    g_autoptr (GError) error = NULL;
    GByteArray *file = g_byte_array_new();
    ArecBytes bytes;

    end_group (output);
    arec_shard_writer_finish (output->writer, &error);
    g_assert_no_error (error);
    g_assert_true (arec_memory_sink_is_committed (output->sink));
    bytes = arec_memory_sink_bytes (output->sink);
    g_byte_array_append (file, bytes.at, (guint)arec_bytes_left (&bytes));
    g_assert_cmpuint (arec_shard_writer_position (output->writer), ==, file->len);
    g_clear_pointer (&output->writer, arec_shard_writer_free);
    g_clear_pointer (&output->group, arec_simple_encoder_free);
    return file;
}

static ArecShard *
open_bytes (const void *data, size_t size)
{
    g_autoptr (GError) error = NULL;
    const ArecShardOptions options = {.limits = {.max_size = MAX_SIZE},
                                      .name_is_array_record = true};
    ArecShard *shard = arec_shard_open (arec_memory_source_new ("in.array_record", data, size),
                                        &options, &error);

    g_assert_no_error (error);
    return shard;
}

static ArecChunk *
load (ArecShard *shard, uint64_t chunk)
{
    g_autoptr (GError) error = NULL;
    ArecChunk *loaded = NULL;

    test_load_chunk (shard, chunk, &loaded, &error);
    g_assert_no_error (error);
    return loaded;
}

/* Adds all records of @shard. */
static void
add_all (const Output *output, ArecShard *shard)
{
    for (uint64_t i = 0; i < arec_index_n_chunks (arec_shard_index (shard)); i++) {
        g_autoptr (ArecChunk) chunk = load (shard, i);

        for (uint64_t k = 0; k < chunk->ends.n; k++) {
            ArecBytes record = arec_chunk_record (chunk, k);

            add (output, record.at, arec_bytes_left (&record));
        }
    }
}

/* ---- golden files ---- */

/* The chunk at @begin, as stored. */
typedef struct {
    ArecChunkHeader header;
    uint8_t *memory;
    const uint8_t *data;
} RawChunk;

static RawChunk
read_raw (ArecShard *shard, uint64_t begin)
{
    ArecSource *source = (ArecSource *)arec_shard_source (shard);
    ArecChunkPlace place = {
        .source = source, .begin = begin, .limit = source->size, .max_size = MAX_SIZE};
    g_autoptr (GError) error = NULL;
    RawChunk raw = {0};
    ArecStoredChunk stored = {.place = &place, .header = &raw.header};

    arec_chunk_read (&stored, 0, &error);
    g_assert_no_error (error);
    raw.memory = stored.memory;
    raw.data = stored.data;
    return raw;
}

static void
copy_metadata_if_any (const Output *output, ArecShard *shard)
{
    RawChunk raw = read_raw (shard, FIRST_CHUNK);
    g_autoptr (GError) error = NULL;

    if (raw.header.type == AREC_CHUNK_METADATA) {
        arec_shard_writer_put_metadata (output->writer, &raw.header, raw.data, &error);
        g_assert_no_error (error);
    }
    g_free (raw.memory);
}

static void
copy_all (const Output *output, ArecShard *shard)
{
    const ArecIndex *index = arec_shard_index (shard);

    for (uint64_t i = 0; i < arec_index_n_chunks (index); i++) {
        g_autoptr (GError) error = NULL;
        ArecIndexEntry entry;
        RawChunk raw;

        g_assert_true (arec_index_get (index, i, &entry, NULL));
        raw = read_raw (shard, entry.offset);
        end_group (output);
        arec_shard_writer_put_chunk (output->writer, &raw.header, raw.data, &error);
        g_assert_no_error (error);
        g_free (raw.memory);
    }
}

/* The group size and padding of the file's option string; uncompressed. */
static ArecShardWriterOptions
options_of (ArecShard *shard, uint64_t *group_size)
{
    ArecShardWriterOptions options = options_for (AREC_COMPRESSION_NONE);
    const char *text = arec_shard_options (shard);

    g_assert_nonnull (text);
    g_assert_true (g_str_has_prefix (text, "group_size:"));
    *group_size = g_ascii_strtoull (text + strlen ("group_size:"), NULL, 10);
    options.pad_to_block_boundary = strstr (text, ",pad_to_block_boundary:true") != NULL;
    options.writer_options = text;
    return options;
}

/* The same records with the same options give the same file, to the last byte. */
static void
test_same_as_reference (void)
{
    static const char *const names[] = {
        "big.groupsize1-uncompressed.array_record",
        "blocks.groupsize1-uncompressed.array_record",
        "blocks.groupsize4-uncompressed-padtoblockboundarytrue.array_record",
        "empties.groupsize37-uncompressed.array_record",
        "text.groupsize1-uncompressed.array_record",
        "text.groupsize1-uncompressed.metadata.array_record",
        "tiny.groupsize256-uncompressed.array_record",
    };

    for (unsigned i = 0; i < G_N_ELEMENTS (names); i++) {
        size_t size;
        g_autofree uint8_t *golden = test_golden_read (names[i], &size);
        g_autoptr (ArecShard) shard = open_bytes (golden, size);
        uint64_t group_size;
        ArecShardWriterOptions options = options_of (shard, &group_size);
        Output output = open_output (&options, group_size);
        g_autoptr (GByteArray) file = NULL;

        g_test_message ("%s", names[i]);
        copy_metadata_if_any (&output, shard);
        add_all (&output, shard);
        file = finish (&output);
        g_assert_cmpmem (file->data, file->len, golden, size);
    }
}

/* Chunks copied one by one keep their positions and bytes: all bytes up to the footer are
 * the same, and the footer, too, if it is not compressed. */
static void
test_copies_of_reference (void)
{
    g_autoptr (GDir) dir = g_dir_open (AREC_TEST_GOLDEN_DIR, 0, NULL);
    const char *name;
    unsigned n = 0;

    while ((name = g_dir_read_name (dir))) {
        size_t size;
        g_autofree uint8_t *golden = NULL;
        g_autoptr (ArecShard) shard = NULL, copy = NULL;
        g_autoptr (GByteArray) file = NULL;
        ArecShardWriterOptions options;
        Output output;
        ArecIndexEntry last;
        uint64_t n_chunks, group_size;

        if (!g_str_has_suffix (name, ".array_record")) {
            continue;
        }
        g_test_message ("%s", name);
        golden = test_golden_read (name, &size);
        shard = open_bytes (golden, size);
        options = options_of (shard, &group_size);
        output = open_output (&options, group_size);
        copy_metadata_if_any (&output, shard);
        copy_all (&output, shard);
        file = finish (&output);
        copy = open_bytes (file->data, file->len);
        n_chunks = arec_index_n_chunks (arec_shard_index (shard));
        g_assert_cmpuint (arec_index_n_chunks (arec_shard_index (copy)), ==, n_chunks);
        g_assert_cmpuint (arec_index_n_records (arec_shard_index (copy)), ==,
                          arec_index_n_records (arec_shard_index (shard)));
        g_assert_cmpstr (arec_shard_options (copy), ==, arec_shard_options (shard));
        if (n_chunks > 0) {
            g_assert_true (
                arec_index_get (arec_shard_index (shard), n_chunks - 1, &last, NULL));
            g_assert_cmpmem (file->data, last.limit, golden, last.limit);
        }
        if (strstr (options.writer_options, ",uncompressed")) {
            g_assert_cmpmem (file->data, file->len, golden, size);
        }
        n++;
    }
    g_assert_cmpuint (n, ==, 32);
}

/* ---- round trips ---- */

typedef struct {
    uint8_t *bytes;
    size_t sizes[700];
    size_t n;
} Records;

static Records
make_records (size_t n, size_t most)
{
    Records records = {.bytes = g_malloc (n * most + 1), .n = n};
    uint8_t *at = records.bytes;

    for (size_t i = 0; i < n; i++) {
        records.sizes[i] = (size_t)g_test_rand_int_range (0, (int)most);
        for (size_t k = 0; k < records.sizes[i]; k++) {
            *at++ = (uint8_t)g_test_rand_int_range (0, i % 2 ? 256 : 3);
        }
    }
    return records;
}

static void
check_records (ArecShard *shard, const Records *records, uint64_t group_size)
{
    const ArecIndex *index = arec_shard_index (shard);
    const uint8_t *at = records->bytes;
    uint64_t record = 0;

    g_assert_cmpuint (arec_index_n_records (index), ==, records->n);
    g_assert_cmpuint (arec_index_n_chunks (index), ==,
                      (records->n + group_size - 1) / group_size);
    for (uint64_t i = 0; i < arec_index_n_chunks (index); i++) {
        g_autoptr (ArecChunk) chunk = load (shard, i);

        for (uint64_t k = 0; k < chunk->ends.n; k++, record++) {
            ArecBytes bytes = arec_chunk_record (chunk, k);

            g_assert_cmpmem (bytes.at, arec_bytes_left (&bytes), at, records->sizes[record]);
            at += records->sizes[record];
        }
    }
}

static void
test_round_trips (void)
{
    static const ArecCompression all[] = {AREC_COMPRESSION_NONE, AREC_COMPRESSION_BROTLI,
                                          AREC_COMPRESSION_ZSTD, AREC_COMPRESSION_SNAPPY};
    static const uint64_t groups[] = {1, 2, 64, 700, INT32_MAX};

    for (unsigned c = 0; c < G_N_ELEMENTS (all); c++) {
        for (unsigned g = 0; g < G_N_ELEMENTS (groups); g++) {
            Records records =
                make_records ((size_t)g_test_rand_int_range (0, 700), g % 2 ? 2000 : 5);
            ArecShardWriterOptions options = options_for (all[c]);
            g_autoptr (GByteArray) file = NULL;
            g_autoptr (ArecShard) shard = NULL;
            const uint8_t *at = records.bytes;
            Output output;

            options.pad_to_block_boundary = records.n < 100;
            output = open_output (&options, groups[g]);
            for (size_t i = 0; i < records.n; i++) {
                add (&output, at, records.sizes[i]);
                at += records.sizes[i];
            }
            file = finish (&output);
            g_assert_cmpuint (file->len % 65536, ==, 0);
            g_assert_cmpuint (file->len, >=, 131072);
            shard = open_bytes (file->data, file->len);
            check_records (shard, &records, groups[g]);
            g_assert_cmpstr (arec_shard_options (shard), ==, "group_size:?");
            g_free (records.bytes);
        }
    }
}

/* The footer (FORMAT.md 8): both counts are written although they are 0. */
static void
test_empty (void)
{
    ArecShardWriterOptions options = options_for (AREC_COMPRESSION_ZSTD);
    Output output;
    g_autoptr (GByteArray) file = NULL;
    g_autoptr (ArecShard) shard = NULL;

    options.writer_options = NULL;
    output = open_output (&options, 1);
    file = finish (&output);
    g_assert_cmpuint (file->len, ==, 131072);
    shard = open_bytes (file->data, file->len);
    g_assert_cmpuint (arec_index_n_records (arec_shard_index (shard)), ==, 0);
    g_assert_null (arec_shard_options (shard));
}

/* FORMAT.md 8: with no option string and no compression every byte is known. */
static void
test_footer_bytes (void)
{
    static const uint8_t footer[] = {0, 2,    8, 6, 0x0a, 0x06, 0x08, 1,    0x10,
                                     1, 0x18, 2, 8, 64,   0x10, 3,    0x18, 2};
    static const uint8_t magic[] = {0x10, 0xde, 0xc0, 0xeb, 0xfe, 0x84, 0xce, 0xc3, 0xc9, 0x71};
    ArecShardWriterOptions options = options_for (AREC_COMPRESSION_NONE);
    g_autoptr (GByteArray) file = NULL;
    Output output;
    /* signature, then header and `00 02 01 02 a b b` */
    const uint64_t footer_at = 64 + 40 + 7;

    options.writer_options = NULL;
    output = open_output (&options, 2);
    add (&output, "a", 1);
    add (&output, "bb", 2);
    file = finish (&output);
    g_assert_cmpmem (file->data + footer_at + 40, sizeof footer, footer, sizeof footer);
    for (unsigned copy = 0; copy < 3; copy++) {
        const uint8_t *at = file->data + 65536 + 24 + 40 + 5 + 12 * copy;

        g_assert_cmphex (at[0], ==, 0x08);
        g_assert_cmpuint (at[1], ==, footer_at);
        g_assert_cmpmem (at + 2, sizeof magic, magic, sizeof magic);
    }
}

/* ---- where chunks end ---- */

/* 3000 records in 33 bytes: each has its own position all the same. */
static void
test_slack (void)
{
    ArecShardWriterOptions options = options_for (AREC_COMPRESSION_ZSTD);
    Output output = open_output (&options, 3000);
    g_autoptr (GByteArray) file = NULL;
    g_autoptr (ArecShard) shard = NULL;
    g_autoptr (ArecChunk) chunk = NULL;
    ArecIndexEntry entry;

    for (unsigned i = 0; i < 3001; i++) {
        add (&output, NULL, 0);
    }
    file = finish (&output);
    shard = open_bytes (file->data, file->len);
    g_assert_cmpuint (arec_index_n_records (arec_shard_index (shard)), ==, 3001);
    g_assert_true (arec_index_get (arec_shard_index (shard), 0, &entry, NULL));
    g_assert_cmpuint (entry.offset, ==, 64);
    g_assert_true (arec_index_get (arec_shard_index (shard), 1, &entry, NULL));
    g_assert_cmpuint (entry.offset, ==, 3064);
    chunk = load (shard, 0);
    g_assert_cmpuint (chunk->ends.n, ==, 3000);
    g_assert_cmpuint (arec_record_ends_end (&chunk->ends, 2999), ==, 0);
}

/* Chunks that end shortly before a block, with it, and shortly after its header. */
static void
test_ends_around_a_block (void)
{
    static const struct {
        size_t size;
        uint64_t end;
    } rows[] = {{65387, 65496}, {65388, 65497}, {65426, 65535}, {65427, 65536}, {65428, 65561}};
    g_autofree uint8_t *data = g_malloc0 (65536);

    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        for (unsigned padded = 0; padded < 2; padded++) {
            ArecShardWriterOptions options = options_for (AREC_COMPRESSION_NONE);
            g_autoptr (GByteArray) file = NULL;
            g_autoptr (ArecShard) shard = NULL;
            g_autoptr (ArecChunk) chunk = NULL;
            ArecIndexEntry entry;
            ArecBytes record;
            Output output;

            options.pad_to_block_boundary = padded;
            output = open_output (&options, 1);
            add (&output, data, rows[i].size);
            add (&output, "b", 1);
            file = finish (&output);
            shard = open_bytes (file->data, file->len);
            g_assert_true (arec_index_get (arec_shard_index (shard), 1, &entry, NULL));
            g_assert_cmpuint (entry.offset, ==,
                              !padded                ? rows[i].end
                              : rows[i].end <= 65496 ? 65536
                              : rows[i].end == 65536 ? 65536
                                                     : 131072);
            chunk = load (shard, 1);
            record = arec_chunk_record (chunk, 0);
            g_assert_cmpmem (record.at, arec_bytes_left (&record), "b", 1);
        }
    }
}

/* ---- copies among records ---- */

/* Records that wait for their group are written before a copied chunk, in the order given. */
static void
test_order_of_copies (void)
{
    static const char expected[] = "abcdxyze";
    ArecShardWriterOptions options = options_for (AREC_COMPRESSION_SNAPPY);
    Output output = open_output (&options, 3);
    g_autoptr (GByteArray) file = NULL, other_file = NULL;
    g_autoptr (ArecShard) other = NULL, shard = NULL;
    uint64_t record = 0;

    {
        ArecShardWriterOptions other_options = options_for (AREC_COMPRESSION_ZSTD);
        Output other_output = open_output (&other_options, 3);

        for (const char *at = "xyz"; *at; at++) {
            add (&other_output, at, 1);
        }
        other_file = finish (&other_output);
        other = open_bytes (other_file->data, other_file->len);
    }
    for (const char *at = "abcd"; *at; at++) {
        add (&output, at, 1);
    }
    copy_all (&output, other);
    add (&output, "e", 1);
    file = finish (&output);
    shard = open_bytes (file->data, file->len);
    g_assert_cmpuint (arec_index_n_chunks (arec_shard_index (shard)), ==, 4);
    for (uint64_t i = 0; i < 4; i++) {
        g_autoptr (ArecChunk) chunk = load (shard, i);

        for (uint64_t k = 0; k < chunk->ends.n; k++) {
            ArecBytes bytes = arec_chunk_record (chunk, k);

            g_assert_cmpmem (bytes.at, arec_bytes_left (&bytes), expected + record++, 1);
        }
    }
    g_assert_cmpuint (record, ==, strlen (expected));
}

/* ---- failures ---- */

/* Appends a chunk of @n records of @size bytes. */
static bool
put_records (ArecShardWriter *writer, const ArecCodecOptions *codec, uint64_t n, size_t size,
             GError **error)
{
    g_autoptr (ArecSimpleEncoder) encoder = arec_simple_encoder_new();
    g_autofree uint8_t *data = g_malloc0 (size + 1);
    ArecChunkHeader header;
    ArecBytes body;

    for (uint64_t i = 0; i < n; i++) {
        g_assert_true (arec_simple_encoder_add (encoder, data, size, NULL));
    }
    g_assert_true (arec_simple_encoder_encode (encoder, codec, &body, NULL));
    header = arec_chunk_header_make (AREC_CHUNK_SIMPLE, n, n * size, body);
    return arec_shard_writer_put_chunk (writer, &header, body.at, error);
}

/* Writes a file with every kind of chunk. Returns whether that succeeded. */
static bool
write_some_file (ArecSink *sink, GError **error)
{
    ArecShardWriterOptions options = options_for (AREC_COMPRESSION_NONE);
    g_autoptr (ArecShardWriter) writer = NULL;

    options.pad_to_block_boundary = true;
    writer = arec_shard_writer_new (sink, &options, error);
    return writer && put_records (writer, &options.codec, 1, 70000, error) &&
           put_records (writer, &options.codec, 100, 2, error) &&
           put_records (writer, &options.codec, 1, 0, error) &&
           arec_shard_writer_finish (writer, error);
}

/* Whichever write fails, there is an error, and the directory is unchanged. */
static void
test_each_failing_write (void)
{
    g_autofree char *folder = g_dir_make_tmp ("arec-test-XXXXXX", NULL);
    g_autofree char *path = g_build_filename (folder, "out.array_record", NULL);
    int64_t at = 0;

    for (bool ok = false; !ok; at++) {
        TestSinkFaults faults = {.fail_at_call = at};
        const ArecOutputOptions options = {0};
        g_autoptr (GError) error = NULL;
        g_autoptr (GDir) dir = NULL;
        ArecSink *file;

        test_calls.without_tmpfile = at % 2;
        file = arec_file_sink_new (path, &options, &error);
        g_assert_no_error (error);
        ok = write_some_file (test_faulty_sink_new (file, &faults), &error);
        g_assert_cmpint (ok, ==, faults.calls == (uint64_t)at);
        if (!ok) {
            g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
            g_assert_true (g_str_has_prefix (error->message, path));
            dir = g_dir_open (folder, 0, NULL);
            g_assert_cmpstr (g_dir_read_name (dir), ==, NULL);
        }
    }
    g_assert_cmpint (at, >, 20);
    g_assert_true (g_file_test (path, G_FILE_TEST_IS_REGULAR));
    g_unlink (path);
    g_assert_cmpint (g_rmdir (folder), ==, 0);
}

/* A footer that cannot be made is no file. */
static void
test_bad_options (void)
{
    ArecShardWriterOptions options = options_for (AREC_COMPRESSION_ZSTD);
    ArecSink *sink = arec_memory_sink_new ("out");
    g_autoptr (ArecShardWriter) writer = NULL;
    g_autoptr (GError) error = NULL;

    options.codec.window_log = 9;
    writer = arec_shard_writer_new (sink, &options, &error);
    g_assert_no_error (error);
    g_assert_false (arec_shard_writer_finish (writer, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
    g_assert_true (g_str_has_prefix (error->message, "out: at 64: "));
    g_assert_false (arec_memory_sink_is_committed (sink));
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/shard-writer/same-as-reference", test_same_as_reference);
    g_test_add_func ("/shard-writer/copies-of-reference", test_copies_of_reference);
    g_test_add_func ("/shard-writer/round-trips", test_round_trips);
    g_test_add_func ("/shard-writer/empty", test_empty);
    g_test_add_func ("/shard-writer/footer-bytes", test_footer_bytes);
    g_test_add_func ("/shard-writer/slack", test_slack);
    g_test_add_func ("/shard-writer/ends", test_ends_around_a_block);
    g_test_add_func ("/shard-writer/order-of-copies", test_order_of_copies);
    g_test_add_func ("/shard-writer/failing-writes", test_each_failing_write);
    g_test_add_func ("/shard-writer/bad-options", test_bad_options);
    return g_test_run();
}
