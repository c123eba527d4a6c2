/* Written files: the bytes of the reference where it wrote the same records uncompressed, the
 * same bytes for every number of threads, what a reader finds in them; and nothing at all when
 * something fails, whatever is called afterwards. */
#include "writer/writer.h"

#include <string.h>

#include <glib/gstdio.h>

#include "faulty_sink.h"
#include "files.h"
#include "loads.h"

#include "arrayrecord/shard.h"
#include "base/error.h"
#include "riegeli/chunk.h"
#include "source/file_sink.h"
#include "source/memory_sink.h"
#include "source/memory_source.h"

#define MAX_SIZE (UINT64_C (1) << 30)
#define FIRST_CHUNK 64

static const unsigned threads[] = {1, 2, 8};

static ArecWriterOptions
parse (const char *text)
{
    g_autoptr (GError) error = NULL;
    ArecWriterOptions options;

    arec_writer_options_parse (text, &options, &error);
    g_assert_no_error (error);
    return options;
}

/* ---- a writer into memory ---- */

typedef struct {
    ArecSink *sink; /* the writer's */
    ArecWriter *writer;
} Output;

static Output
open_output (const ArecWriterOptions *options)
{
    ArecSink *sink = arec_memory_sink_new ("out");
    g_autoptr (GError) error = NULL;
    ArecWriter *writer = arec_writer_new_for_sink (sink, options, &error);

    g_assert_no_error (error);
    return (Output){sink, writer};
}

static void
add (const Output *output, const void *data, size_t size)
{
    g_autoptr (GError) error = NULL;

    arec_writer_write (output->writer, data, size, &error);
    g_assert_no_error (error);
}

/* The bytes of the finished file; frees the writer. */
static GByteArray *
finish (Output *output)
{
    g_autoptr (GError) error = NULL;
    GByteArray *file = g_byte_array_new();
    ArecWriterTotals totals;
    ArecBytes bytes;

    arec_writer_finish (output->writer, &error);
    g_assert_no_error (error);
    g_assert_true (arec_memory_sink_is_committed (output->sink));
    bytes = arec_memory_sink_bytes (output->sink);
    g_byte_array_append (file, bytes.at, (guint)arec_bytes_left (&bytes));
    arec_writer_get_totals (output->writer, &totals);
    g_assert_cmpuint (totals.file_size, ==, file->len);
    g_clear_pointer (&output->writer, arec_writer_free);
    return file;
}

static ArecShard *
open_bytes (const void *data, size_t size, uint64_t max_size)
{
    g_autoptr (GError) error = NULL;
    const ArecShardOptions options = {.limits = {.max_size = max_size, .max_memory = max_size},
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

/* ---- the limit of one chunk ---- */

/* Messages of one field each, all with tags of their own: large tables of few bytes. */
static bool
write_tags (unsigned n, const ArecWriterOptions *options, GByteArray **file)
{
    Output output = open_output (options);
    g_autoptr (GError) error = NULL;
    bool done = true;

    for (unsigned i = 2048; i < 2048 + n && done; i++) {
        const uint8_t record[] = {0x80 | (i & 15) << 3, 0x80 | (i >> 4 & 127), i >> 11, 1};

        done = arec_writer_write (output.writer, record, sizeof record, &error);
    }
    if (done && arec_writer_finish (output.writer, &error)) {
        ArecBytes bytes = arec_memory_sink_bytes (output.sink);

        *file = g_byte_array_new();
        g_byte_array_append (*file, bytes.at, (guint)arec_bytes_left (&bytes));
    } else {
        g_assert_error (error, AREC_ERROR, AREC_ERROR_LIMIT);
        *file = NULL;
    }
    arec_writer_free (output.writer);
    return *file;
}

/* Whatever the limit is, a file that is made can be read by it. */
static void
test_what_is_written_can_be_read_by_the_same_limit (void)
{
    static const char *const texts[] = {"transpose,group_size:2000,uncompressed",
                                        "transpose,group_size:2000,zstd",
                                        "group_size:2000,zstd", "group_size:2000,uncompressed"};
    const unsigned n = 2000;

    for (unsigned i = 0; i < G_N_ELEMENTS (texts); i++) {
        ArecWriterOptions options = parse (texts[i]);
        unsigned n_refused = 0, n_read = 0;

        for (uint64_t limit = 1000; limit < 2000000; limit += limit / 8) {
            g_autoptr (GByteArray) file = NULL;
            g_autoptr (ArecShard) shard = NULL;
            g_autoptr (ArecChunk) chunk = NULL;

            options.max_chunk_size = limit;
            if (!write_tags (n, &options, &file)) {
                n_refused++;
                continue;
            }
            shard = open_bytes (file->data, file->len, limit);
            chunk = load (shard, 0);
            g_assert_cmpuint (chunk->ends.n, ==, n);
            n_read++;
        }
        g_assert_cmpuint (n_refused, >, 5);
        g_assert_cmpuint (n_read, >, 5);
    }
}

/* ---- golden files ---- */

/* The chunk after the signature, if it is one of metadata. */
static void
put_metadata_if_any (const Output *output, ArecShard *shard)
{
    ArecSource *source = (ArecSource *)arec_shard_source (shard);
    ArecChunkPlace place = {
        .source = source, .begin = FIRST_CHUNK, .limit = source->size, .max_size = MAX_SIZE};
    g_autoptr (GError) error = NULL;
    g_autofree uint8_t *memory = NULL;
    ArecChunkHeader header;
    ArecStoredChunk stored = {.place = &place, .header = &header};

    arec_chunk_read (&stored, 0, &error);
    g_assert_no_error (error);
    memory = stored.memory;
    if (header.type == AREC_CHUNK_METADATA) {
        arec_writer_put_metadata (output->writer, &header, stored.data, &error);
        g_assert_no_error (error);
    }
}

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

/* How much of a golden file we write to the byte: all, but where it tells of more threads the
 * chunks before the footer. */
static size_t
reproducible_size (ArecShard *shard, size_t size)
{
    const ArecIndex *index = arec_shard_index (shard);
    ArecIndexEntry last;

    if (g_str_has_suffix (arec_shard_options (shard), ",max_parallelism:1")) {
        return size;
    }
    g_assert_true (arec_index_get (index, arec_index_n_chunks (index) - 1, &last, NULL));
    return last.limit;
}

/* The same records with the options that the file tells are the same file. */
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
        "examples.groupsize50-transposetrue-uncompressed.array_record",
    };

    for (unsigned i = 0; i < G_N_ELEMENTS (names) * G_N_ELEMENTS (threads); i++) {
        const char *name = names[i / G_N_ELEMENTS (threads)];
        size_t size;
        g_autofree uint8_t *golden = test_golden_read (name, &size);
        g_autoptr (ArecShard) shard = open_bytes (golden, size, MAX_SIZE);
        ArecWriterOptions options = parse (arec_shard_options (shard));
        size_t same = reproducible_size (shard, size);
        g_autoptr (GByteArray) file = NULL;
        Output output;

        g_test_message ("%s", name);
        options.max_parallelism = threads[i % G_N_ELEMENTS (threads)];
        output = open_output (&options);
        put_metadata_if_any (&output, shard);
        add_all (&output, shard);
        file = finish (&output);
        g_assert_cmpuint (file->len, ==, size);
        g_assert_cmpmem (file->data, same, golden, same);
    }
}

/* ---- random files ---- */

typedef struct {
    uint8_t *bytes;
    ArecWriterRecord *records;
    size_t n;
    uint64_t size;
} Records;

static Records
make_records (size_t n, size_t most)
{
    Records made = {
        .bytes = g_malloc (n * most + 1), .records = g_new0 (ArecWriterRecord, n + 1), .n = n};

    for (size_t i = 0; i < n; i++) {
        uint8_t *at = made.bytes + made.size;
        size_t size = (size_t)g_test_rand_int_range (0, (int)most);

        for (size_t k = 0; k < size; k++) {
            at[k] = (uint8_t)g_test_rand_int_range (0, i % 2 ? 256 : 3);
        }
        made.records[i] = (ArecWriterRecord){at, size};
        made.size += size;
    }
    return made;
}

static void
free_records (Records *records)
{
    g_free (records->bytes);
    g_free (records->records);
}

/* In pieces of any number of records. */
static GByteArray *
write_records (const ArecWriterOptions *options, const Records *records)
{
    Output output = open_output (options);
    ArecWriterTotals totals;
    GByteArray *file;

    for (size_t i = 0, n; i < records->n; i += n) {
        g_autoptr (GError) error = NULL;

        n = (size_t)g_test_rand_int_range (0, (int)(records->n - i) + 1);
        arec_writer_write_many (output.writer, records->records + i, n, &error);
        g_assert_no_error (error);
        arec_writer_get_totals (output.writer, &totals);
        g_assert_cmpuint (totals.n_records, <=, i + n);
    }
    file = finish (&output);
    return file;
}

static void
check_records (ArecShard *shard, const Records *records, uint64_t group_size)
{
    const ArecIndex *index = arec_shard_index (shard);
    uint64_t record = 0;

    g_assert_cmpuint (arec_index_n_records (index), ==, records->n);
    g_assert_cmpuint (arec_index_n_chunks (index), ==,
                      (records->n + group_size - 1) / group_size);
    for (uint64_t i = 0; i < arec_index_n_chunks (index); i++) {
        g_autoptr (ArecChunk) chunk = load (shard, i);

        for (uint64_t k = 0; k < chunk->ends.n; k++, record++) {
            ArecBytes bytes = arec_chunk_record (chunk, k);

            g_assert_cmpmem (bytes.at, arec_bytes_left (&bytes), records->records[record].data,
                             records->records[record].size);
        }
    }
}

/* Every codec and size of group: the records come back in their order, and neither threads nor
 * a bound on memory change a byte. */
static void
test_same_bytes_for_all_threads (void)
{
    static const char *const codecs[] = {"uncompressed", "brotli:5", "zstd:3", "snappy",
                                         "transpose,zstd"};
    static const uint32_t group_sizes[] = {1, 2, 64, 700, INT32_MAX};

    for (unsigned i = 0; i < G_N_ELEMENTS (codecs) * G_N_ELEMENTS (group_sizes); i++) {
        ArecWriterOptions options = parse (codecs[i % G_N_ELEMENTS (codecs)]);
        Records records =
            make_records ((size_t)g_test_rand_int_range (0, 700), i % 3 ? 3000 : 5);
        g_autoptr (GByteArray) first = NULL;
        g_autoptr (ArecShard) shard = NULL;
        g_autofree char *described = NULL;

        options.group_size = group_sizes[i / G_N_ELEMENTS (codecs)];
        options.pad_to_block_boundary = records.n < 100;
        options.max_parallelism = 1;
        first = write_records (&options, &records);
        shard = open_bytes (first->data, first->len, MAX_SIZE);
        check_records (shard, &records, options.group_size);
        described = arec_writer_options_to_string (&options);
        g_assert_cmpstr (arec_shard_options (shard), ==, described);
        for (unsigned t = 1; t < G_N_ELEMENTS (threads); t++) {
            g_autoptr (GByteArray) other = NULL;

            options.max_parallelism = threads[t];
            options.max_memory = t % 2 ? 0 : 100000;
            other = write_records (&options, &records);
            g_assert_cmpmem (other->data, other->len, first->data, first->len);
        }
        free_records (&records);
    }
}

static void
test_totals (void)
{
    ArecWriterOptions options = parse ("group_size:10,zstd:1,max_parallelism:3");
    Output output = open_output (&options);
    g_autoptr (GError) error = NULL;
    ArecWriterTotals totals;

    for (unsigned i = 0; i < 25; i++) {
        add (&output, "abc", 3);
    }
    arec_writer_finish (output.writer, &error);
    g_assert_no_error (error);
    arec_writer_get_totals (output.writer, &totals);
    g_assert_cmpuint (totals.n_records, ==, 25);
    g_assert_cmpuint (totals.n_chunks, ==, 3);
    g_assert_cmpuint (totals.decoded_size, ==, 75);
    g_assert_cmpuint (totals.file_size, ==, 131072);
    arec_writer_free (output.writer);
}

/* A window that is left out is the default, and kept as such. */
static void
test_empty (void)
{
    static const char kept[] =
        "group_size:1,transpose:false,pad_to_block_boundary:false,zstd:3,window_log:20,"
        "max_parallelism:1";
    ArecWriterOptions options = parse ("max_parallelism:8");

    for (unsigned i = 0; i < 2; i++) {
        Output output = open_output (&options);
        g_autoptr (GByteArray) file = finish (&output);
        g_autoptr (ArecShard) shard = open_bytes (file->data, file->len, MAX_SIZE);

        g_assert_cmpuint (file->len, ==, 131072);
        g_assert_cmpuint (arec_index_n_records (arec_shard_index (shard)), ==, 0);
        g_assert_cmpstr (arec_shard_options (shard), ==, kept);
        options.window_log = 0;
    }
}

/* Every chunk but the first begins with a block. */
static void
test_padding (void)
{
    ArecWriterOptions options = parse ("uncompressed,pad_to_block_boundary:true");
    Output output = open_output (&options);
    g_autoptr (GByteArray) file = NULL;
    g_autoptr (ArecShard) shard = NULL;

    for (unsigned i = 0; i < 5; i++) {
        add (&output, "abc", 3);
    }
    file = finish (&output);
    g_assert_cmpuint (file->len, ==, 5 * 65536 + 131072);
    shard = open_bytes (file->data, file->len, MAX_SIZE);
    for (uint64_t i = 0; i < 5; i++) {
        ArecIndexEntry entry;

        g_assert_true (arec_index_get (arec_shard_index (shard), i, &entry, NULL));
        g_assert_cmpuint (entry.offset, ==, i == 0 ? FIRST_CHUNK : i * 65536);
    }
}

/* ---- limits ---- */

/* Writes @n records of 9000 and 9001 bytes in turn, as one group. */
static GByteArray *
write_group (ArecWriterOptions options, const uint8_t *data, uint32_t n)
{
    Output output;

    options.group_size = n;
    output = open_output (&options);
    for (uint32_t i = 0; i < n; i++) {
        add (&output, data, 9000 + i % 2);
    }
    return finish (&output);
}

/* What is refused is exactly what a reader with the same limit would refuse: here the bytes of
 * 56 records would do, but not with their offsets. */
static void
test_group_beyond_the_limit (void)
{
    for (unsigned t = 0; t < G_N_ELEMENTS (threads); t++) {
        ArecWriterOptions options = parse ("group_size:100,uncompressed");
        g_autofree uint8_t *data = g_malloc0 (10000);
        g_autoptr (GByteArray) whole = NULL, too_large = NULL;
        g_autoptr (ArecShard) shard = NULL, refused = NULL;
        g_autoptr (ArecChunk) chunk = NULL;
        g_autoptr (GError) error = NULL;
        uint32_t n = 0;
        Output output;

        options.max_parallelism = threads[t];
        options.max_chunk_size = 495027 + 9001;
        output = open_output (&options);
        while (arec_writer_write (output.writer, data, 9000 + n % 2, &error)) {
            n++;
        }
        g_assert_error (error, AREC_ERROR, AREC_ERROR_LIMIT);
        g_assert_cmpuint (n, ==, 55);
        g_assert_cmpstr (
            error->message, ==,
            "out: record 55 of 9001 bytes: its group, of group_size:100, has 55 records of "
            "495027 bytes before it, and all together may take 504028 bytes when they are "
            "read");
        arec_writer_free (output.writer);

        whole = write_group (options, data, n);
        shard = open_bytes (whole->data, whole->len, options.max_chunk_size);
        chunk = load (shard, 0);
        g_assert_cmpuint (chunk->ends.n, ==, n);

        options.max_chunk_size = 0;
        too_large = write_group (options, data, n + 1);
        refused = open_bytes (too_large->data, too_large->len, 495027 + 9001);
        g_clear_error (&error);
        g_assert_false (test_load_chunk (refused, 0, &chunk, &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_LIMIT);
    }
}

/* A reader holds the values of a transposed group, and then its records. */
static void
test_transposed_group_beyond_the_limit (void)
{
    ArecWriterOptions options = parse ("group_size:1000,transpose,zstd");
    g_autofree uint8_t *data = g_malloc0 (10000);
    g_autoptr (GByteArray) whole = NULL;
    g_autoptr (ArecShard) shard = NULL;
    g_autoptr (ArecChunk) chunk = NULL;
    g_autoptr (GError) error = NULL;
    uint32_t n = 0;
    Output output;

    options.max_chunk_size = 1000000;
    output = open_output (&options);
    while (arec_writer_write (output.writer, data, 9000 + n % 2, &error)) {
        n++;
    }
    g_assert_error (error, AREC_ERROR, AREC_ERROR_LIMIT);
    g_assert_cmpuint (n, >=, 50);
    arec_writer_free (output.writer);

    whole = write_group (options, data, n);
    shard = open_bytes (whole->data, whole->len, options.max_chunk_size);
    chunk = load (shard, 0);
    g_assert_cmpuint (chunk->ends.n, ==, n);
}

/* One record alone is refused before a byte of it is looked at. */
static void
test_record_beyond_the_limit (void)
{
    static const size_t sizes[] = {(size_t)1 << 33, SIZE_MAX};

    for (unsigned i = 0; i < G_N_ELEMENTS (sizes); i++) {
        ArecWriterOptions options = parse ("");
        Output output = open_output (&options);
        g_autoptr (GError) error = NULL;

        add (&output, "abc", 3);
        g_assert_false (arec_writer_write (output.writer, "x", sizes[i], &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_LIMIT);
        g_assert_true (g_str_has_prefix (error->message, "out: record 1 of "));
        g_assert_nonnull (strstr (error->message, "group_size:1,"));
        arec_writer_free (output.writer);
    }
}

/* ---- failures ---- */

static void
assert_stuck (const Output *output, const GError *failure)
{
    const ArecWriterRecord record = {"abc", 3};

    for (unsigned call = 0; call < 4; call++) {
        g_autoptr (GError) error = NULL;
        bool ok = call % 3 == 0   ? arec_writer_finish (output->writer, &error)
                  : call % 3 == 1 ? arec_writer_write (output->writer, "abc", 3, &error)
                                  : arec_writer_write_many (output->writer, &record, 0, &error);

        g_assert_false (ok);
        g_assert_error (error, AREC_ERROR, failure->code);
        g_assert_cmpstr (error->message, ==, failure->message);
    }
}

/* A record that was refused must not be missing from a file that looks complete. */
static void
test_failure_sticks (void)
{
    ArecWriterOptions options = parse ("group_size:10");
    Output output;
    g_autoptr (GError) error = NULL;

    options.max_chunk_size = 1000;
    output = open_output (&options);
    add (&output, "abc", 3);
    g_assert_false (arec_writer_write (output.writer, "x", 1001, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_LIMIT);
    assert_stuck (&output, error);
    g_assert_false (arec_memory_sink_is_committed (output.sink));
    arec_writer_free (output.writer);
}

static void
test_finished_is_final (void)
{
    ArecWriterOptions options = parse ("");
    Output output = open_output (&options);
    g_autoptr (GError) error = NULL;

    arec_writer_finish (output.writer, &error);
    g_assert_no_error (error);
    g_assert_false (arec_writer_write (output.writer, "abc", 3, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
    g_assert_cmpstr (error->message, ==, "out: the file is finished already");
    assert_stuck (&output, error);
    arec_writer_free (output.writer);
}

/* 250 records; whether that worked. */
static bool
write_some (const Output *output, GError **error)
{
    g_autofree uint8_t *data = g_malloc0 (70000);

    for (unsigned i = 0; i < 250; i++) {
        if (!arec_writer_write (output->writer, data, i % 50 == 0 ? 70000 : i % 3, error)) {
            return false;
        }
    }
    return arec_writer_finish (output->writer, error);
}

/* Whichever write fails, or the commit: there is one error, it sticks, and the directory is as
 * it was. */
static void
test_each_failing_write (void)
{
    g_autofree char *folder = g_dir_make_tmp ("arec-test-XXXXXX", NULL);
    g_autofree char *path = g_build_filename (folder, "out.array_record", NULL);
    int64_t at = 0;

    for (bool ok = false; !ok; at++) {
        const ArecOutputOptions new_file = {0};
        TestSinkFaults faults = {.fail_at_call = at};
        ArecWriterOptions options = parse ("group_size:7,uncompressed");
        g_autoptr (GError) error = NULL, no_error = NULL;
        ArecSink *file = arec_file_sink_new (path, &new_file, &no_error);
        Output output;

        g_assert_no_error (no_error);
        options.max_parallelism = at % 2 ? 3 : 1;
        output.writer =
            arec_writer_new_for_sink (test_faulty_sink_new (file, &faults), &options, &error);
        ok = output.writer && write_some (&output, &error);
        g_assert_cmpint (ok, ==, faults.calls == (uint64_t)at);
        if (!ok) {
            g_autoptr (GDir) dir = NULL;

            g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
            g_assert_true (g_str_has_prefix (error->message, path));
            if (output.writer) {
                assert_stuck (&output, error);
            }
            arec_writer_free (output.writer);
            dir = g_dir_open (folder, 0, NULL);
            g_assert_cmpstr (g_dir_read_name (dir), ==, NULL);
        } else {
            arec_writer_free (output.writer);
        }
    }
    g_assert_cmpint (at, >, 20);
    g_assert_true (g_file_test (path, G_FILE_TEST_IS_REGULAR));
    g_unlink (path);
    g_assert_cmpint (g_rmdir (folder), ==, 0);
}

/* ---- files by name ---- */

/* Until the finish an old file stays as it was; what is freed before leaves nothing. */
static void
test_files (void)
{
    g_autofree char *folder = g_dir_make_tmp ("arec-test-XXXXXX", NULL);
    g_autofree char *path = g_build_filename (folder, "out.array_record", NULL);
    g_autofree char *content = NULL;
    g_autoptr (GError) error = NULL;
    ArecWriterOptions options = parse ("");
    ArecWriter *writer = arec_writer_new (path, NULL, &error);
    gsize size;

    g_assert_no_error (error);
    g_assert_true (arec_writer_write (writer, "abc", 3, &error));
    g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
    arec_writer_free (writer);
    g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));

    g_assert_true (g_file_set_contents (path, "old", 3, &error));
    g_assert_null (arec_writer_new (path, NULL, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
    g_clear_error (&error);

    options.output.replace = true;
    writer = arec_writer_new (path, &options, &error);
    g_assert_no_error (error);
    g_assert_true (arec_writer_write (writer, "abc", 3, &error));
    g_assert_true (g_file_get_contents (path, &content, &size, &error));
    g_assert_cmpstr (content, ==, "old");
    g_assert_true (arec_writer_finish (writer, &error));
    arec_writer_free (writer);
    g_clear_pointer (&content, g_free);
    g_assert_true (g_file_get_contents (path, &content, &size, &error));
    g_assert_cmpuint (size, ==, 131072);
    g_unlink (path);
    g_assert_cmpint (g_rmdir (folder), ==, 0);
}

/* What is complete lacks its name alone. */
static void
test_complete (void)
{
    g_autofree char *folder = g_dir_make_tmp ("arec-test-XXXXXX", NULL);
    g_autofree char *path = g_build_filename (folder, "out.array_record", NULL);
    g_autoptr (GError) error = NULL;
    uint64_t n = arec_outputs_n_complete();
    ArecWriterTotals totals;

    for (unsigned is_finished = 0; is_finished < 2; is_finished++) {
        ArecWriter *writer = arec_writer_new (path, NULL, &error);

        g_assert_no_error (error);
        g_assert_true (arec_writer_write (writer, "abc", 3, &error));
        g_assert_true (arec_writer_complete (writer, &error));
        g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
        g_assert_cmpuint (arec_outputs_n_complete(), ==, n);
        arec_writer_get_totals (writer, &totals);
        g_assert_cmpuint (totals.file_size, ==, 131072);
        g_assert_false (arec_writer_write (writer, "abc", 3, &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
        g_clear_error (&error);
        g_assert_false (arec_writer_complete (writer, NULL));
        if (is_finished) {
            g_assert_true (arec_writer_finish (writer, &error));
            g_assert_false (arec_writer_finish (writer, NULL));
        }
        arec_writer_free (writer);
        g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS) == (is_finished != 0));
    }
    g_assert_cmpuint (arec_outputs_n_complete(), ==, n + 1);
    g_unlink (path);
    g_assert_cmpint (g_rmdir (folder), ==, 0);
}

/* ---- names ---- */

enum { N_NAMED = 10 };

/* Every third record has no name; the first and the last are among them if @ends_bare. */
static void
add_named (const Output *output, bool ends_bare)
{
    for (unsigned i = 0; i < N_NAMED; i++) {
        g_autofree char *name = g_strdup_printf ("folder/%u", i);
        bool is_bare = i % 3 == (ends_bare ? 0 : 1);
        g_autoptr (GError) error = NULL;

        g_assert_true (arec_writer_write_named (output->writer, name, strlen (name),
                                                is_bare ? NULL : name, &error));
        g_assert_no_error (error);
    }
}

static void
check_named (ArecShard *shard, bool ends_bare)
{
    g_autoptr (ArecNameTable) table = NULL;
    g_autoptr (GError) error = NULL;
    ArecNamesChunk found;

    g_assert_true (arec_shard_find_names (shard, &found, &error));
    g_assert_true (found.is_there);
    arec_shard_load_names (shard, &found, &table, &error);
    g_assert_no_error (error);
    for (unsigned i = 0; i < N_NAMED; i++) {
        g_autofree char *name = g_strdup_printf ("folder/%u", i);
        bool is_bare = i % 3 == (ends_bare ? 0 : 1);

        g_assert_cmpstr (arec_name_table_get (table, i), ==, is_bare ? "" : name);
    }
}

/* Names are read back, and are the same bytes for all threads; what comes before them in the
 * file is that of a file without names. */
static void
test_names (void)
{
    static const char *const texts[] = {"uncompressed", "group_size:3,zstd", "brotli,transpose",
                                        "group_size:4,snappy,pad_to_block_boundary:true"};

    for (size_t i = 0; i < G_N_ELEMENTS (texts); i++) {
        ArecWriterOptions options = parse (texts[i]);
        bool ends_bare = i % 2;
        g_autoptr (GByteArray) first = NULL;

        for (size_t k = 0; k < G_N_ELEMENTS (threads); k++) {
            Output output;
            g_autoptr (GByteArray) file = NULL;
            g_autoptr (ArecShard) shard = NULL;

            options.max_parallelism = threads[k];
            output = open_output (&options);
            add_named (&output, ends_bare);
            file = finish (&output);
            shard = open_bytes (file->data, file->len, MAX_SIZE);
            check_named (shard, ends_bare);
            if (!first) {
                first = g_steal_pointer (&file);
            } else {
                g_assert_cmpmem (first->data, first->len, file->data, file->len);
            }
        }
    }
}

/* A file whose records have no names has no chunk for them. */
static void
test_no_names (void)
{
    const ArecWriterOptions options = parse ("uncompressed");
    Output plain = open_output (&options), named = open_output (&options);
    g_autoptr (GByteArray) one = NULL, other = NULL;
    g_autoptr (GError) error = NULL;

    add (&plain, "abc", 3);
    g_assert_true (arec_writer_write_named (named.writer, "abc", 3, NULL, &error));
    one = finish (&plain);
    other = finish (&named);
    g_assert_cmpmem (one->data, one->len, other->data, other->len);
}

/* Nothing is made with options that cannot be. */
static void
test_bad_options (void)
{
    g_autofree char *folder = g_dir_make_tmp ("arec-test-XXXXXX", NULL);
    g_autofree char *path = g_build_filename (folder, "out.array_record", NULL);
    ArecWriterOptions options = parse ("");
    g_autoptr (GError) error = NULL;

    options.window_log = 9;
    g_assert_null (arec_writer_new (path, &options, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
    g_clear_error (&error);
    g_assert_null (arec_writer_new_for_sink (arec_memory_sink_new ("out"), &options, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
    g_assert_cmpint (g_rmdir (folder), ==, 0);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/writer/same-as-reference", test_same_as_reference);
    g_test_add_func ("/writer/same-bytes-for-all-threads", test_same_bytes_for_all_threads);
    g_test_add_func ("/writer/totals", test_totals);
    g_test_add_func ("/writer/empty", test_empty);
    g_test_add_func ("/writer/padding", test_padding);
    g_test_add_func ("/writer/group-beyond-limit", test_group_beyond_the_limit);
    g_test_add_func ("/writer/transposed-group-beyond-limit",
                     test_transposed_group_beyond_the_limit);
    g_test_add_func ("/writer/written-can-be-read",
                     test_what_is_written_can_be_read_by_the_same_limit);
    g_test_add_func ("/writer/record-beyond-limit", test_record_beyond_the_limit);
    g_test_add_func ("/writer/failure-sticks", test_failure_sticks);
    g_test_add_func ("/writer/finished-is-final", test_finished_is_final);
    g_test_add_func ("/writer/complete", test_complete);
    g_test_add_func ("/writer/failing-writes", test_each_failing_write);
    g_test_add_func ("/writer/files", test_files);
    g_test_add_func ("/writer/names", test_names);
    g_test_add_func ("/writer/no-names", test_no_names);
    g_test_add_func ("/writer/bad-options", test_bad_options);
    return g_test_run();
}
