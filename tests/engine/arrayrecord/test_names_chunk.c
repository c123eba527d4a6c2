/* The chunk of names: found where it may be, in every codec; whatever is wrong with it is an
 * error of its own, and never memory. */
#include "arrayrecord/names_chunk.h"

#include <string.h>

#include "faulty_source.h"
#include "forge.h"

#include "arrayrecord/shard.h"
#include "arrayrecord/shard_writer.h"
#include "base/error.h"
#include "base/limits.h"
#include "riegeli/block.h"
#include "riegeli/chunk_writer.h"
#include "source/memory_sink.h"
#include "source/memory_source.h"

#define NAMES "a\0b/c\0" /* with the end that C adds: three */
#define N_NAMES 3
#define MAX_SIZE (UINT64_C (1) << 20)

static const TestForgeRecord records[N_NAMES] = {{"one", 3}, {"", 0}, {"three", 5}};

static const ArecCompression codecs[] = {AREC_COMPRESSION_NONE, AREC_COMPRESSION_BROTLI,
                                         AREC_COMPRESSION_ZSTD, AREC_COMPRESSION_SNAPPY};

static ArecShard *
open_source (ArecSource *source)
{
    const ArecShardOptions options = {.limits = {.max_size = MAX_SIZE},
                                      .name_is_array_record = true};
    g_autoptr (GError) error = NULL;
    ArecShard *shard = arec_shard_open (source, &options, &error);

    g_assert_no_error (error);
    return shard;
}

static ArecShard *
open_bytes (const GByteArray *file)
{
    return open_source (arec_memory_source_new ("x.array_record", file->data, file->len));
}

/* The names of @shard, or NULL: there are none, or *error. */
static ArecNameTable *
names_of (ArecShard *shard, GError **error)
{
    ArecNameTable *table = NULL;
    ArecNamesChunk found;

    if (arec_shard_find_names (shard, &found, error) && found.is_there) {
        arec_shard_load_names (shard, &found, &table, error);
    }
    return table;
}

static void
check_names (ArecShard *shard)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecNameTable) table = names_of (shard, &error);
    size_t size;
    const char *all;

    g_assert_no_error (error);
    g_assert_nonnull (table);
    all = arec_name_table_get_many (table, 0, arec_name_table_n (table), &size);
    g_assert_cmpmem (all, size, NAMES, sizeof NAMES);
}

/* ---- forged files ---- */

static uint64_t
put_names (TestForge *forge, const void *data, size_t size)
{
    return test_forge_chunk (
        forge, &(TestForgeChunk){.type = AREC_CHUNK_NAMES, .data = data, .data_size = size});
}

/* A file of the records and, if @data is not NULL, a chunk of names. */
static TestForge *
forge_file (const void *data, size_t size)
{
    TestForge *forge = test_forge_new();

    test_forge_records (forge, AREC_COMPRESSION_NONE, records, N_NAMES);
    if (data) {
        put_names (forge, data, size);
    }
    test_forge_finish (forge);
    return forge;
}

static void
test_found (void)
{
    static const char body[] = "\0" NAMES;

    for (unsigned padded = 0; padded < 4; padded++) {
        g_autoptr (TestForge) forge = test_forge_new();
        g_autoptr (ArecShard) shard = NULL;

        test_forge_records (forge, AREC_COMPRESSION_ZSTD, records, N_NAMES);
        if (padded & 1) {
            test_forge_pad (forge);
        }
        put_names (forge, body, sizeof body);
        if (padded & 2) {
            test_forge_pad (forge);
        }
        test_forge_finish (forge);
        shard = open_bytes (forge->file);
        check_names (shard);
    }
}

static void
test_none (void)
{
    g_autoptr (TestForge) forge = forge_file (NULL, 0);
    g_autoptr (ArecShard) shard = open_bytes (forge->file);
    g_autoptr (GError) error = NULL;

    g_assert_null (names_of (shard, &error));
    g_assert_no_error (error);
}

/* Also those in front of the records do not count: names come last. */
static void
test_the_last_counts (void)
{
    static const char other[] = "\0x\0y\0z", body[] = "\0" NAMES;
    g_autoptr (TestForge) forge = test_forge_new();
    g_autoptr (ArecShard) shard = NULL;

    put_names (forge, other, sizeof other);
    test_forge_records (forge, AREC_COMPRESSION_NONE, records, N_NAMES);
    put_names (forge, other, sizeof other);
    put_names (forge, body, sizeof body);
    test_forge_finish (forge);
    shard = open_bytes (forge->file);
    check_names (shard);
}

/* A scan finds them, too. */
static void
test_without_index (void)
{
    static const char body[] = "\0" NAMES;
    g_autoptr (TestForge) forge = forge_file (body, sizeof body);
    const ArecShardOptions options = {.recover = true, .limits = {.max_size = MAX_SIZE}};
    g_autoptr (ArecShard) shard = NULL;

    g_byte_array_set_size (forge->file, (guint)forge->footer_at);
    shard = arec_shard_open (arec_memory_source_new ("x", forge->file->data, forge->file->len),
                             &options, NULL);
    g_assert_nonnull (shard);
    check_names (shard);
}

/* A damaged header of the last chunk of records does not hide names in another block. */
static void
test_after_damage (void)
{
    static const char body[] = "\0" NAMES;
    g_autoptr (TestForge) forge = test_forge_new();
    g_autoptr (ArecShard) shard = NULL;
    uint64_t begin = test_forge_records (forge, AREC_COMPRESSION_NONE, records, N_NAMES);

    test_forge_pad (forge);
    put_names (forge, body, sizeof body);
    test_forge_finish (forge);
    forge->file->data[begin + 3] ^= 1;
    shard = open_bytes (forge->file);
    check_names (shard);
}

static void
test_bad_bodies (void)
{
    static const struct {
        const char *body;
        size_t size;
        ArecError code;
        const char *reason;
    } cases[] = {
        {"", 0, AREC_ERROR_CORRUPT, "the chunk of names has no data"},
        {"\0a\0b", 5, AREC_ERROR_CORRUPT, "2 names for 3 records"},
        {"\0a\0b\0c\0d", 9, AREC_ERROR_CORRUPT, "4 names for 3 records"},
        {"\0a\0b\0c", 6, AREC_ERROR_CORRUPT, "the last name has no end"},
        {"\0", 1, AREC_ERROR_CORRUPT, "0 names for 3 records"},
        {"?\3abc", 5, AREC_ERROR_UNSUPPORTED, "names of unknown compression 0x3f"},
        {"z", 1, AREC_ERROR_CORRUPT, "the chunk of names does not say how large they are"},
        {"z\x80\x80", 3, AREC_ERROR_CORRUPT,
         "the chunk of names does not say how large they are"},
        {"z\x81\x80\x80\x80\x04", 6, AREC_ERROR_LIMIT,
         "1073741825 bytes of names, the limit is 1048576"},
        {"z\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", 11, AREC_ERROR_LIMIT,
         "18446744073709551615 bytes of names, the limit is 1048576"},
        /* Streams of 3 bytes that are said to be 6, 2, and 6 in a codec that does not tell. */
        {"z\6\x28\xb5\x2f\xfd\x20\x03\x19\0\0\0\0\0", 14, AREC_ERROR_CORRUPT,
         "the names are not as large as they say"},
        {"s\2\3\x08\0\0\0", 7, AREC_ERROR_CORRUPT, "the names are not as large as they say"},
        {"b\6\x0b\x01\x80\0\0\0\x03", 9, AREC_ERROR_CORRUPT,
         "the names are fewer bytes than they say"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (TestForge) forge = forge_file (cases[i].body, cases[i].size);
        g_autoptr (ArecShard) shard = open_bytes (forge->file);
        g_autoptr (GError) error = NULL;
        const char *reason;
        uint64_t offset;

        g_test_message ("%s", cases[i].reason);
        g_assert_null (names_of (shard, &error));
        g_assert_error (error, AREC_ERROR, (int)cases[i].code);
        g_assert_true (arec_error_place (error, &offset, &reason));
        g_assert_cmpstr (reason, ==, cases[i].reason);
        g_assert_cmpuint (arec_index_n_records (arec_shard_index (shard)), ==, N_NAMES);
    }
}

static void
test_bad_hash (void)
{
    static const char body[] = "\0" NAMES;
    g_autoptr (TestForge) forge = test_forge_new();
    g_autoptr (ArecShard) shard = NULL;
    g_autoptr (GError) error = NULL;
    uint64_t begin;

    test_forge_records (forge, AREC_COMPRESSION_NONE, records, N_NAMES);
    begin = put_names (forge, body, sizeof body);
    test_forge_finish (forge);
    forge->file->data[begin + AREC_CHUNK_HEADER_SIZE + 1] ^= 1;
    shard = open_bytes (forge->file);
    g_assert_null (names_of (shard, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
}

/* A chunk of this type with records belongs to somebody else. */
static void
test_with_records (void)
{
    static const char body[] = "\0" NAMES;
    g_autoptr (TestForge) forge = test_forge_new();
    g_autoptr (ArecShard) shard = NULL;
    g_autoptr (GError) error = NULL;

    test_forge_records (forge, AREC_COMPRESSION_NONE, records, N_NAMES);
    test_forge_chunk (forge, &(TestForgeChunk){.type = AREC_CHUNK_NAMES,
                                               .num_records = 1,
                                               .data = body,
                                               .data_size = sizeof body});
    test_forge_finish (forge);
    shard = open_bytes (forge->file);
    g_assert_null (names_of (shard, &error));
    g_assert_no_error (error);
}

/* ---- reads ---- */

/* Opening reads nothing of the names; each failing read is an error, and a later try works. */
static void
test_failing_reads (void)
{
    static const char body[] = "\0" NAMES;
    g_autoptr (TestForge) forge = forge_file (body, sizeof body);
    TestFaults faults = {.fail_at_read = -1};
    g_autoptr (ArecShard) shard = open_source (test_faulty_source_new (
        arec_memory_source_new ("x.array_record", forge->file->data, forge->file->len),
        &faults));
    uint64_t before = faults.reads, n;

    check_names (shard);
    n = faults.reads - before;
    g_assert_cmpuint (n, >=, 2); /* at least its place, and itself */
    for (uint64_t i = 0; i < n; i++) {
        g_autoptr (GError) error = NULL;

        faults.fail_at_read = (int64_t)(faults.reads + i);
        g_assert_null (names_of (shard, &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
    }
    faults.fail_at_read = -1;
    check_names (shard);
}

static void
test_changed (void)
{
    static const char body[] = "\0" NAMES;
    g_autoptr (TestForge) forge = forge_file (body, sizeof body);
    TestFaults faults = {.fail_at_read = -1};
    g_autoptr (ArecShard) shard = open_source (test_faulty_source_new (
        arec_memory_source_new ("x.array_record", forge->file->data, forge->file->len),
        &faults));
    g_autoptr (GError) error = NULL;

    faults.changed = true;
    g_assert_null (names_of (shard, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_CHANGED);
}

/* ---- writing ---- */

static void
test_written (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (codecs); i++) {
        const ArecShardWriterOptions options = {.codec = arec_codec_options_default (codecs[i]),
                                                .pad_to_block_boundary = i % 2};
        ArecSink *sink = arec_memory_sink_new ("out");
        g_autoptr (GError) error = NULL;
        g_autoptr (ArecShardWriter) writer = arec_shard_writer_new (sink, &options, &error);
        g_autoptr (GByteArray) data =
            test_forge_simple_data (AREC_COMPRESSION_NONE, records, N_NAMES);
        ArecChunkHeader header = arec_chunk_header_make (AREC_CHUNK_SIMPLE, N_NAMES, 8,
                                                         arec_bytes (data->data, data->len));
        g_autoptr (ArecShard) shard = NULL;
        ArecBytes bytes;

        g_assert_no_error (error);
        g_assert_true (arec_shard_writer_put_chunk (writer, &header, data->data, &error));
        g_assert_true (
            arec_shard_writer_put_names (writer, arec_bytes (NAMES, sizeof NAMES), &error));
        g_assert_true (arec_shard_writer_finish (writer, &error));
        bytes = arec_memory_sink_bytes (sink);
        shard = open_source (
            arec_memory_source_new ("x.array_record", bytes.at, arec_bytes_left (&bytes)));
        check_names (shard);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/names_chunk/found", test_found);
    g_test_add_func ("/names_chunk/none", test_none);
    g_test_add_func ("/names_chunk/the-last-counts", test_the_last_counts);
    g_test_add_func ("/names_chunk/without-index", test_without_index);
    g_test_add_func ("/names_chunk/after-damage", test_after_damage);
    g_test_add_func ("/names_chunk/bad-bodies", test_bad_bodies);
    g_test_add_func ("/names_chunk/bad-hash", test_bad_hash);
    g_test_add_func ("/names_chunk/with-records", test_with_records);
    g_test_add_func ("/names_chunk/failing-reads", test_failing_reads);
    g_test_add_func ("/names_chunk/changed", test_changed);
    g_test_add_func ("/names_chunk/written", test_written);
    return g_test_run();
}
