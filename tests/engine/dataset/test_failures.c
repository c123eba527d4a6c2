/* Damage: whatever happens to a file, a record gives the right bytes or an error. Files are
 * cut anywhere, flipped anywhere, and fail at any read: through the shard over memory, where
 * thousands of files cost nothing, and through the reader over real files. */
#include <arec/arec.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "faulty_source.h"
#include "files.h"
#include "forge.h"
#include "loads.h"

#include "arrayrecord/shard.h"
#include "base/error.h"
#include "riegeli/block.h"
#include "source/memory_source.h"

#define NAME "some.array_record"
#define MAX_CHUNK (UINT64_C (16) << 20)
/* Options for files whose names promise ArrayRecord, and for others. */
static const ArecShardOptions named = {.limits = {.max_size = MAX_CHUNK},
                                       .name_is_array_record = true};
static const ArecShardOptions unnamed = {.limits = {.max_size = MAX_CHUNK}};

/* ---- the files ---- */

typedef struct {
    uint64_t begin;
    uint64_t data_end; /* after the data, before the slack */
    size_t first;      /* number of its first record */
    size_t n;
} ChunkModel;

/* A sound file and what is in it. */
typedef struct {
    TestForge *forge;
    GPtrArray *records; /* of GBytes */
    GArray *chunks;     /* of ChunkModel */
} Model;

/* Bytes that compress, and that differ from record to record. */
static GBytes *
make_record (size_t number, size_t size)
{
    uint8_t *data = g_malloc (size + 1);

    for (size_t i = 0; i < size; i++) {
        data[i] = (uint8_t)('a' + (i + number) % (3 + number % 17));
    }
    return g_bytes_new_take (data, size);
}

static void
add_chunk (Model *model, ArecCompression compression, const size_t *sizes, size_t n)
{
    g_autofree TestForgeRecord *records = g_new (TestForgeRecord, n);
    g_autoptr (GByteArray) data = NULL;
    ChunkModel chunk = {.first = model->records->len, .n = n};

    for (size_t i = 0; i < n; i++) {
        GBytes *record = make_record (model->records->len, sizes[i]);

        records[i].data = g_bytes_get_data (record, &records[i].size);
        records[i].data = records[i].data ? records[i].data : "";
        g_ptr_array_add (model->records, record);
    }
    data = test_forge_simple_data (compression, records, n);
    chunk.begin = test_forge_records (model->forge, compression, records, n);
    chunk.data_end = arec_block_add (chunk.begin, AREC_CHUNK_HEADER_SIZE + data->len);
    g_array_append_val (model->chunks, chunk);
}

#define ADD_CHUNK(model, compression, ...)                                                     \
    add_chunk (model, compression, (const size_t[]){__VA_ARGS__},                              \
               G_N_ELEMENTS (((const size_t[]){__VA_ARGS__})))

static Model
model_new (void)
{
    return (Model){.forge = test_forge_new(),
                   .records = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref),
                   .chunks = g_array_new (FALSE, FALSE, sizeof (ChunkModel))};
}

static void
model_clear (Model *model)
{
    test_forge_free (model->forge);
    g_ptr_array_unref (model->records);
    g_array_unref (model->chunks);
}

/* All codecs, empty records, single records, and slack: everything in the first block. */
static Model
small_file (void)
{
    static const size_t none[400];
    Model model = model_new();

    ADD_CHUNK (&model, AREC_COMPRESSION_NONE, 5, 0, 30);
    ADD_CHUNK (&model, AREC_COMPRESSION_BROTLI, 20, 1, 0, 7);
    ADD_CHUNK (&model, AREC_COMPRESSION_ZSTD, 60, 2, 3, 4, 5);
    ADD_CHUNK (&model, AREC_COMPRESSION_SNAPPY, 0, 0, 40);
    ADD_CHUNK (&model, AREC_COMPRESSION_NONE, 9);
    ADD_CHUNK (&model, AREC_COMPRESSION_ZSTD, 0);
    add_chunk (&model, AREC_COMPRESSION_ZSTD, none, G_N_ELEMENTS (none));
    ADD_CHUNK (&model, AREC_COMPRESSION_BROTLI, 11, 12);
    test_forge_finish (model.forge);
    return model;
}

/* Chunks with a block header within their header and within their data, one over two blocks,
 * one that starts with a block, and a compressed footer. */
static Model
blocks_file (void)
{
    Model model = model_new();

    test_forge_pad_to (model.forge, AREC_BLOCK_SIZE - 17);
    ADD_CHUNK (&model, AREC_COMPRESSION_NONE, 100, 50, 0);
    test_forge_pad_to (model.forge, 2 * AREC_BLOCK_SIZE - 60);
    ADD_CHUNK (&model, AREC_COMPRESSION_ZSTD, 30, 40);
    ADD_CHUNK (&model, AREC_COMPRESSION_NONE, 70000, 3, 9000);
    test_forge_pad (model.forge);
    ADD_CHUNK (&model, AREC_COMPRESSION_SNAPPY, 8, 8, 8);
    model.forge->footer_compression = AREC_COMPRESSION_BROTLI;
    test_forge_finish (model.forge);
    return model;
}

/* ---- what must hold for any bytes ---- */

static ArecShard *
open_bytes (const uint8_t *data, size_t size, GError **error)
{
    return arec_shard_open (arec_memory_source_new (NAME, data, size), &named, error);
}

static void
check_is_right (const Model *model, const ChunkModel *expected, const ArecChunk *chunk)
{
    g_assert_cmpuint (chunk->ends.n, ==, expected->n);
    for (size_t i = 0; i < expected->n; i++) {
        size_t size;
        const void *data =
            g_bytes_get_data (g_ptr_array_index (model->records, expected->first + i), &size);

        g_assert_cmpmem (chunk->values + arec_record_ends_begin (&chunk->ends, i),
                         arec_record_ends_size (&chunk->ends, i), data, size);
    }
}

/* A size of 0 is reported only if it is true: no reader would read such a record and notice. */
static void
check_no_false_zero (const Model *model, const ChunkModel *expected, const ArecRecordEnds *ends)
{
    g_assert_cmpuint (ends->n, ==, expected->n);
    for (size_t i = 0; i < expected->n; i++) {
        if (arec_record_ends_size (ends, i) == 0) {
            g_assert_cmpuint (
                g_bytes_get_size (g_ptr_array_index (model->records, expected->first + i)), ==,
                0);
        }
    }
}

/* Checks that a person can use the error: its code, and a message that starts with the file. */
static void
check_error (const GError *error, ArecError code)
{
    g_assert_error (error, AREC_ERROR, (gint)code);
    g_assert_true (g_str_has_prefix (error->message, NAME ": "));
}

/* Checks that every chunk of @shard is right except number @bad, which fails; -1: none. */
static void
check_chunks (const Model *model, ArecShard *shard, int bad)
{
    g_assert_cmpuint (arec_index_n_chunks (arec_shard_index (shard)), ==, model->chunks->len);
    for (guint i = 0; i < model->chunks->len; i++) {
        const ChunkModel *expected = &g_array_index (model->chunks, ChunkModel, i);
        g_autoptr (ArecChunk) chunk = NULL;
        g_autoptr (GError) error = NULL;
        ArecRecordEnds ends = {0};
        ArecIndexEntry entry;

        g_assert_true (arec_index_get (arec_shard_index (shard), i, &entry, NULL));
        g_assert_cmpuint (entry.offset, ==, expected->begin);
        g_assert_cmpuint (entry.n_records, ==, expected->n);
        if (test_load_sizes (shard, i, &ends, &error)) {
            check_no_false_zero (model, expected, &ends);
            arec_record_ends_clear (&ends);
        } else {
            g_assert_cmpint ((int)i, ==, bad);
            check_error (error, AREC_ERROR_CORRUPT);
            g_assert_cmpuint (ends.n, ==, 0);
            g_clear_error (&error);
        }
        if (test_load_chunk (shard, i, &chunk, &error)) {
            g_assert_cmpint ((int)i, !=, bad);
            check_is_right (model, expected, chunk);
        } else {
            g_assert_cmpint ((int)i, ==, bad);
            check_error (error, AREC_ERROR_CORRUPT);
            g_assert_null (chunk);
        }
    }
}

static void
test_sound (gconstpointer make)
{
    Model model = ((Model (*) (void))make)();
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecShard) shard =
        open_bytes (model.forge->file->data, model.forge->file->len, &error);

    g_assert_no_error (error);
    check_chunks (&model, shard, -1);
    model_clear (&model);
}

/* Whether @position is within 70 bytes of a header, a size list or the like. */
static bool
is_near_structure (const Model *model, uint64_t position)
{
    const TestForge *forge = model->forge;
    enum { NEAR = 70 };

    if (position < 256 ||
        (position + NEAR) % AREC_BLOCK_SIZE < 2 * NEAR + AREC_BLOCK_HEADER_SIZE ||
        (position + NEAR >= forge->footer_at && position < forge->footer_end + NEAR) ||
        (position + NEAR >= forge->postscript_at && position < forge->postscript_end + NEAR)) {
        return true;
    }
    for (guint i = 0; i < model->chunks->len; i++) {
        const ChunkModel *chunk = &g_array_index (model->chunks, ChunkModel, i);
        bool is_long = chunk->data_end - chunk->begin > 8192;

        if (position + NEAR >= chunk->begin &&
            position < (is_long ? chunk->begin + 200 : chunk->data_end + NEAR)) {
            return true;
        }
        if (is_long && position + NEAR >= chunk->data_end &&
            position < chunk->data_end + NEAR) {
            return true;
        }
    }
    return false;
}

/* ---- cut ---- */

static void
test_every_truncation (gconstpointer make)
{
    Model model = ((Model (*) (void))make)();
    const GByteArray *file = model.forge->file;

    for (uint64_t length = 0; length < file->len; length++) {
        g_autoptr (GError) error = NULL;

        if (!is_near_structure (&model, length) && length % 61 != 0) {
            continue;
        }
        g_assert_null (open_bytes (file->data, length, &error));
        check_error (error, AREC_ERROR_CORRUPT);
    }
    model_clear (&model);
}

static void
test_appended (gconstpointer make)
{
    static const size_t more[] = {1, 24, 25, 40, 64, 65535, 65536, 65537, 131072};
    Model model = ((Model (*) (void))make)();
    GByteArray *file = model.forge->file;
    size_t length = file->len;

    for (unsigned i = 0; i < G_N_ELEMENTS (more); i++) {
        g_autoptr (GError) error = NULL;

        g_byte_array_set_size (file, (guint)(length + more[i]));
        memset (file->data + length, 0, more[i]);
        g_assert_null (open_bytes (file->data, file->len, &error));
        check_error (error, AREC_ERROR_CORRUPT);
    }
    model_clear (&model);
}

/* ---- flipped ---- */

/* The chunk that @position belongs to, slack excluded; -1: none. */
static int
chunk_at (const Model *model, uint64_t position)
{
    for (guint i = 0; i < model->chunks->len; i++) {
        const ChunkModel *chunk = &g_array_index (model->chunks, ChunkModel, i);

        if (position >= chunk->begin && position < chunk->data_end) {
            return (int)i;
        }
    }
    return -1;
}

static bool
is_in_index (const TestForge *forge, uint64_t position)
{
    return (position >= forge->footer_at && position < forge->footer_end) ||
           (position >= forge->postscript_at && position < forge->postscript_end);
}

static void
check_flip (const Model *model, uint64_t position)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecShard) shard =
        open_bytes (model->forge->file->data, model->forge->file->len, &error);

    if (is_in_index (model->forge, position)) {
        g_assert_null (shard);
        check_error (error, AREC_ERROR_CORRUPT);
        return;
    }
    g_assert_no_error (error);
    check_chunks (model, shard, chunk_at (model, position));
}

static void
test_every_flip (gconstpointer make)
{
    Model model = ((Model (*) (void))make)();
    uint8_t *data = model.forge->file->data;

    for (uint64_t position = 0; position < model.forge->file->len; position++) {
        uint8_t was = data[position];

        if (!is_near_structure (&model, position) && position % 1009 != 0) {
            continue;
        }
        data[position] = (uint8_t)~was;
        check_flip (&model, position);
        data[position] = (uint8_t)(was ^ 1 << g_test_rand_int_range (0, 8));
        check_flip (&model, position);
        data[position] = was;
    }
    model_clear (&model);
}

/* A damaged first byte names no codec: the chunk is damaged, and not a feature that this
 * build lacks. */
static void
test_damaged_codec_byte (void)
{
    Model model = small_file();

    for (guint i = 0; i < model.chunks->len; i++) {
        uint64_t at = g_array_index (model.chunks, ChunkModel, i).begin + 40;
        g_autoptr (ArecShard) shard = NULL;
        g_autoptr (ArecChunk) chunk = NULL;
        g_autoptr (GError) error = NULL;
        ArecRecordEnds ends = {0};

        model.forge->file->data[at] ^= 0x55;
        shard = open_bytes (model.forge->file->data, model.forge->file->len, &error);
        g_assert_no_error (error);
        g_assert_false (test_load_chunk (shard, i, &chunk, &error));
        check_error (error, AREC_ERROR_CORRUPT);
        g_clear_error (&error);
        g_assert_false (test_load_sizes (shard, i, &ends, &error));
        check_error (error, AREC_ERROR_CORRUPT);
    }
    model_clear (&model);
}

/* A stretch is replaced by zeros: the chunks that it touches are lost, and no others. */
static void
test_zeroed_stretches (gconstpointer make)
{
    Model model = ((Model (*) (void))make)();
    size_t length = model.forge->file->len;

    for (unsigned round = 0; round < 300; round++) {
        g_autofree uint8_t *data = g_memdup2 (model.forge->file->data, length);
        size_t from = (size_t)g_test_rand_int_range (0, (int)length);
        size_t most = MIN (length - from, 5000);
        size_t n = (size_t)g_test_rand_int_range (1, (int)most + 1);
        g_autoptr (GError) error = NULL;
        g_autoptr (ArecShard) shard = NULL;

        memset (data + from, 0, n);
        shard = open_bytes (data, length, &error);
        if (!shard) {
            check_error (error, AREC_ERROR_CORRUPT);
            continue;
        }
        for (guint i = 0; i < model.chunks->len; i++) {
            const ChunkModel *expected = &g_array_index (model.chunks, ChunkModel, i);
            g_autoptr (ArecChunk) chunk = NULL;
            g_autoptr (GError) cause = NULL;

            if (test_load_chunk (shard, i, &chunk, &cause)) {
                check_is_right (&model, expected, chunk);
            } else {
                check_error (cause, AREC_ERROR_CORRUPT);
                g_assert_true (from < expected->data_end && from + n > expected->begin);
            }
        }
    }
    model_clear (&model);
}

/* ---- failing reads ---- */

static ArecShard *
open_faulty (const Model *model, TestFaults *faults, GError **error)
{
    ArecSource *memory =
        arec_memory_source_new (NAME, model->forge->file->data, model->forge->file->len);

    return arec_shard_open (test_faulty_source_new (memory, faults), &named, error);
}

static void
check_injected (GError **error)
{
    check_error (*error, AREC_ERROR_IO);
    g_assert_nonnull (strstr ((*error)->message, "injected failure"));
    g_clear_error (error);
}

/* Opens and loads everything; each failed step must be the injected failure, and is tried again
 * once, with success. Returns how many steps failed. */
static unsigned
run_with_retries (const Model *model, TestFaults *faults)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecShard) shard = open_faulty (model, faults, &error);
    unsigned failures = 0;

    if (!shard) {
        check_injected (&error);
        failures++;
        shard = open_faulty (model, faults, &error);
        g_assert_no_error (error);
    }
    for (guint i = 0; i < model->chunks->len; i++) {
        const ChunkModel *expected = &g_array_index (model->chunks, ChunkModel, i);
        g_autoptr (ArecChunk) chunk = NULL;
        ArecRecordEnds ends = {0};

        if (!test_load_sizes (shard, i, &ends, &error)) {
            check_injected (&error);
            failures++;
            test_load_sizes (shard, i, &ends, &error);
            g_assert_no_error (error);
        }
        for (size_t k = 0; k < expected->n; k++) {
            g_assert_cmpuint (
                arec_record_ends_size (&ends, k), ==,
                g_bytes_get_size (g_ptr_array_index (model->records, expected->first + k)));
        }
        arec_record_ends_clear (&ends);
        if (!test_load_chunk (shard, i, &chunk, &error)) {
            check_injected (&error);
            failures++;
            test_load_chunk (shard, i, &chunk, &error);
            g_assert_no_error (error);
        }
        check_is_right (model, expected, chunk);
    }
    return failures;
}

static void
test_nth_read_fails (gconstpointer make)
{
    Model model = ((Model (*) (void))make)();
    TestFaults faults = {.fail_at_read = -1};
    uint64_t n_reads;

    g_assert_cmpuint (run_with_retries (&model, &faults), ==, 0);
    n_reads = faults.reads;
    g_assert_cmpuint (n_reads, >=, 2 + 2 * model.chunks->len);
    for (uint64_t n = 0; n < n_reads; n++) {
        faults = (TestFaults){.fail_at_read = (int64_t)n};
        g_assert_cmpuint (run_with_retries (&model, &faults), ==, 1);
    }
    model_clear (&model);
}

/* Without a postscript, more is read to name the format; a failure of that read is not
 * reported as an unknown format. */
static void
test_nth_read_fails_without_postscript (void)
{
    static const uint8_t zeros[2 * 65536];

    for (int64_t n = 0;; n++) {
        TestFaults faults = {.fail_at_read = n};
        ArecSource *memory = arec_memory_source_new (NAME, zeros, sizeof zeros);
        g_autoptr (GError) error = NULL;

        g_assert_null (
            arec_shard_open (test_faulty_source_new (memory, &faults), &unnamed, &error));
        if ((int64_t)faults.reads <= n) {
            g_assert_cmpint (n, >=, 2);
            check_error (error, AREC_ERROR_FORMAT);
            break;
        }
        check_error (error, AREC_ERROR_IO);
    }
}

/* A change is reported rather than damage that it may have caused. */
static void
test_changed_comes_first (void)
{
    Model model = small_file();
    TestFaults faults = {.fail_at_read = -1};
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecShard) shard = NULL;
    g_autoptr (ArecChunk) chunk = NULL;
    ArecRecordEnds ends = {0};

    model.forge->file->data[64 + 45] ^= 1; /* in chunk 0 */
    shard = open_faulty (&model, &faults, &error);
    g_assert_no_error (error);
    faults.changed = true;
    for (uint64_t i = 0; i < 2; i++) {
        g_assert_false (test_load_chunk (shard, i, &chunk, &error));
        check_error (error, AREC_ERROR_CHANGED);
        g_clear_error (&error);
        g_assert_false (test_load_sizes (shard, i, &ends, &error));
        check_error (error, AREC_ERROR_CHANGED);
        g_clear_error (&error);
        g_assert_null (chunk);
        g_assert_cmpuint (ends.n, ==, 0);
    }
    g_assert_null (open_faulty (&model, &faults, &error));
    check_error (error, AREC_ERROR_CHANGED);
    model_clear (&model);
}

/* ---- through the reader, over files ---- */

typedef struct {
    char *path;
    ArecEngine *engine;
    ArecReader *reader;
} OnDisk;

static OnDisk
put_on_disk (const Model *model)
{
    const struct timespec long_ago[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    OnDisk disk = {.engine = arec_engine_new (NULL)};
    g_autoptr (GError) error = NULL;

    disk.path = test_file_write (NAME, model->forge->file->data, model->forge->file->len);
    /* A change shortly afterwards gets another time even if the clock of files is coarse. */
    g_assert_cmpint (utimensat (AT_FDCWD, disk.path, long_ago, 0), ==, 0);
    disk.reader = arec_reader_open (disk.engine, disk.path, NULL, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (arec_reader_n_records (disk.reader), ==, model->records->len);
    return disk;
}

static void
remove_from_disk (OnDisk *disk)
{
    arec_reader_unref (disk->reader);
    arec_engine_unref (disk->engine);
    test_file_remove (disk->path);
}

static void
check_record (const Model *model, ArecReader *reader, uint64_t record)
{
    size_t size;
    const void *data = g_bytes_get_data (g_ptr_array_index (model->records, record), &size);
    g_autoptr (GError) error = NULL;
    g_auto (ArecView) view = {0};
    uint64_t reported;

    arec_reader_record_size (reader, record, &reported, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (reported, ==, size);
    arec_reader_read (reader, record, &view, &error);
    g_assert_no_error (error);
    g_assert_cmpmem (view.data, view.size, data, size);
}

/* The records of the damaged chunk fail each time; all others are right, however they are
 * read. */
static void
test_damaged_chunk_alone (void)
{
    Model model = small_file();
    const ChunkModel *bad = &g_array_index (model.chunks, ChunkModel, 2);
    g_autoptr (GError) error = NULL;
    g_autofree uint64_t *all = g_new (uint64_t, model.records->len);
    g_autofree ArecView *views = g_new0 (ArecView, model.records->len);
    ArecEngineStats stats;
    OnDisk disk;

    model.forge->file->data[bad->data_end - 1] ^= 4;
    disk = put_on_disk (&model);
    for (unsigned round = 0; round < 2; round++) {
        for (uint64_t i = 0; i < model.records->len; i++) {
            g_auto (ArecView) view = {0};

            all[i] = i;
            if (i < bad->first || i >= bad->first + bad->n) {
                check_record (&model, disk.reader, i);
                continue;
            }
            g_assert_false (arec_reader_read (disk.reader, i, &view, &error));
            g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
            g_assert_nonnull (strstr (error->message, disk.path));
            g_assert_null (view.owner);
            g_assert_null (view.data);
            g_clear_error (&error);
        }
    }
    arec_engine_get_stats (disk.engine, &stats);
    g_assert_cmpuint (stats.chunks_decoded, ==, model.chunks->len - 1);
    /* It is read once. */
    g_assert_cmpuint (stats.chunks_failed, ==, 1);
    g_assert_cmpuint (stats.damage_hits, ==, 2 * bad->n - 1);
    g_assert_cmpuint (stats.damages_known, ==, 1);

    /* Many at once: all or nothing. */
    g_assert_false (
        arec_reader_read_many (disk.reader, all, model.records->len, views, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
    g_clear_error (&error);
    for (guint i = 0; i < model.records->len; i++) {
        g_assert_null (views[i].owner);
    }
    remove_from_disk (&disk);
    model_clear (&model);
}

static ArecEngineStats
stats_of (const OnDisk *disk)
{
    ArecEngineStats stats;

    arec_engine_get_stats (disk->engine, &stats);
    return stats;
}

/* A damaged size list costs one read of it and one of its chunk; after that neither sizes
 * nor records are tried again. */
static void
test_damaged_sizes_are_read_once (void)
{
    Model model = small_file();
    const ChunkModel *bad = &g_array_index (model.chunks, ChunkModel, 3);
    ArecEngineStats first, after;
    uint64_t reported;
    OnDisk disk;

    model.forge->file->data[bad->begin + 41] ^= 0x80;
    disk = put_on_disk (&model);
    g_assert_false (arec_reader_record_size (disk.reader, bad->first, &reported, NULL));
    first = stats_of (&disk);
    for (unsigned round = 0; round < 10; round++) {
        for (uint64_t i = bad->first; i < bad->first + bad->n; i++) {
            g_autoptr (GError) of_size = NULL, of_record = NULL;
            g_auto (ArecView) view = {0};
            uint64_t size;

            g_assert_false (arec_reader_record_size (disk.reader, i, &size, &of_size));
            g_assert_error (of_size, AREC_ERROR, AREC_ERROR_CORRUPT);
            g_assert_false (arec_reader_read (disk.reader, i, &view, &of_record));
            g_assert_cmpstr (of_size->message, ==, of_record->message);
        }
    }
    after = stats_of (&disk);
    g_assert_cmpuint (after.source_reads, ==, first.source_reads);
    g_assert_cmpuint (after.chunks_failed, ==, 1);
    g_assert_cmpuint (after.damages_known, ==, 2);
    g_assert_cmpuint (after.damage_hits, ==, 20 * bad->n);
    remove_from_disk (&disk);
    model_clear (&model);
}

/* Once a reader has met a damaged chunk, readahead skips it. */
static void
test_readahead_skips_damage (void)
{
    Model model = small_file();
    const ChunkModel *bad = &g_array_index (model.chunks, ChunkModel, 2);
    g_autoptr (ArecReadahead) readahead = NULL;
    uint64_t n_reads = 0;
    OnDisk disk;

    model.forge->file->data[bad->data_end - 1] ^= 4;
    disk = put_on_disk (&model);
    for (unsigned round = 0; round < 3; round++) {
        readahead = arec_readahead_new (disk.reader, 1 << 20);
        for (uint64_t i = 0; i < model.records->len; i++) {
            g_auto (ArecView) view = {0};
            bool is_bad = i >= bad->first && i < bad->first + bad->n;

            arec_readahead_note (readahead, i);
            g_assert_true (arec_reader_read (disk.reader, i, &view, NULL) != is_bad);
        }
        g_clear_pointer (&readahead, arec_readahead_free);
        if (round == 0) {
            n_reads = stats_of (&disk).source_reads;
        }
    }
    g_assert_cmpuint (stats_of (&disk).source_reads, ==, n_reads);
    g_assert_cmpuint (stats_of (&disk).damages_known, ==, 1);
    remove_from_disk (&disk);
    model_clear (&model);
}

/* Failures are remembered as long as the file is the same, and count in the budget. */
static void
test_damage_of_a_file_that_changes (gconstpointer change)
{
    Model model = small_file();
    const ChunkModel *bad = &g_array_index (model.chunks, ChunkModel, 2);
    g_auto (ArecView) view = {0};
    uint64_t used;
    OnDisk disk;

    model.forge->file->data[bad->data_end - 1] ^= 4;
    disk = put_on_disk (&model);
    used = stats_of (&disk).cache_used;
    for (int round = 0; round < 3; round++) {
        g_autoptr (GError) error = NULL;

        g_assert_false (arec_reader_read (disk.reader, bad->first, &view, &error));
        g_assert_cmpint (error->code, ==,
                         (int)(round < 2 ? AREC_ERROR_CORRUPT : AREC_ERROR_CHANGED));
        if (round == 1) {
            ((void (*) (const char *))change) (disk.path);
        }
    }
    g_assert_cmpuint (stats_of (&disk).cache_used, >, used);
    g_clear_pointer (&disk.reader, arec_reader_unref);
    g_assert_cmpuint (stats_of (&disk).damages_known, ==, 0);
    g_assert_cmpuint (stats_of (&disk).cache_used, ==, 0);
    remove_from_disk (&disk);
    model_clear (&model);
}

/* A damage has the record numbers of the file, and those of the sequence that was opened. */
static void
test_damage_in_numbers (void)
{
    Model model = small_file();
    const ChunkModel *bad = &g_array_index (model.chunks, ChunkModel, 2);
    const ChunkModel *next = &g_array_index (model.chunks, ChunkModel, 3);
    OnDisk disk;

    model.forge->file->data[bad->data_end - 1] ^= 4;
    disk = put_on_disk (&model);
    for (uint64_t skipped = 0; skipped < 3; skipped += 2) {
        uint64_t first = bad->first + skipped, end = bad->first + bad->n;
        g_autofree char *slice = g_strdup_printf (
            "%s[%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT "]", disk.path, first, end - skipped);
        g_autoptr (ArecReader) reader = arec_reader_open (disk.engine, slice, NULL, NULL);
        g_autoptr (GError) error = NULL, foreign = NULL;
        g_auto (ArecChunkDamage) damage = {0};
        g_auto (ArecView) view = {0};

        g_assert_nonnull (reader);
        g_assert_false (arec_reader_read (reader, 0, &view, &error));
        g_assert_true (arec_reader_damage (reader, 0, error, &damage));
        g_assert_cmpuint (damage.file, ==, 0);
        g_assert_cmpuint (damage.chunk, ==, 2);
        g_assert_cmpuint (damage.first, ==, 0);
        g_assert_cmpuint (damage.end, ==, end - skipped - first);
        g_assert_cmpuint (damage.damage.offset, ==, bad->begin);
        g_assert_cmpuint (damage.damage.length, ==, next->begin - bad->begin);
        g_assert_cmpuint (damage.damage.first_record, ==, bad->first);
        g_assert_cmpuint (damage.damage.n_records, ==, bad->n);
        g_assert_true (g_str_has_suffix (error->message, damage.damage.reason));
        g_assert_null (strstr (damage.damage.reason, disk.path));
        arec_fail (&foreign, AREC_ERROR_IO, "a disk");
        g_assert_false (arec_reader_damage (reader, 0, foreign, &damage));
    }
    remove_from_disk (&disk);
    model_clear (&model);
}

static void
test_scan_goes_on (void)
{
    Model model = small_file();
    const ChunkModel *bad = &g_array_index (model.chunks, ChunkModel, 3);
    g_autoptr (ArecCursor) cursor = NULL;
    g_autoptr (GError) error = NULL;
    unsigned failures = 0;
    OnDisk disk;
    uint64_t expected = 0;

    model.forge->file->data[bad->begin + 41] ^= 0x80;
    disk = put_on_disk (&model);
    cursor = arec_cursor_new (disk.reader, 0, model.records->len);
    for (;;) {
        const uint8_t *data;
        uint64_t record;
        size_t size;

        if (!arec_cursor_next (cursor, &record, &data, &size, &error)) {
            g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
            g_clear_error (&error);
            g_assert_cmpuint (record, ==, bad->first);
            expected = arec_cursor_position (cursor);
            g_assert_cmpuint (expected, ==, bad->first + bad->n);
            failures++;
            continue;
        }
        if (!data) {
            break;
        }
        g_assert_cmpuint (record, ==, expected);
        expected++;
        g_assert_cmpmem (data, size,
                         g_bytes_get_data (g_ptr_array_index (model.records, record), NULL),
                         g_bytes_get_size (g_ptr_array_index (model.records, record)));
    }
    g_assert_cmpuint (failures, ==, 1);
    g_assert_cmpuint (expected, ==, model.records->len);
    g_clear_pointer (&cursor, arec_cursor_free);
    remove_from_disk (&disk);
    model_clear (&model);
}

static void
truncate_it (const char *path)
{
    g_assert_cmpint (truncate (path, 70000), ==, 0);
}

static void
touch_it (const char *path)
{
    int fd = open (path, O_WRONLY | O_CLOEXEC);

    g_assert_cmpint (fd, >=, 0);
    g_assert_cmpint (pwrite (fd, "x", 1, 70), ==, 1);
    close (fd);
}

static void
remove_it (const char *path)
{
    g_assert_cmpint (g_unlink (path), ==, 0);
}

static void
replace_it (const char *path)
{
    g_autofree char *other = g_strconcat (path, ".new", NULL);
    g_autofree char *data = NULL;
    gsize size;

    g_assert_true (g_file_get_contents (path, &data, &size, NULL));
    g_assert_true (g_file_set_contents (other, data, (gssize)size, NULL));
    g_assert_cmpint (g_rename (other, path), ==, 0);
}

/* All reads from now on give CHANGED: old and new bytes never mix. */
static void
test_changes_under_the_reader (gconstpointer change)
{
    Model model = small_file();
    OnDisk disk = put_on_disk (&model);

    check_record (&model, disk.reader, 0);
    ((void (*) (const char *))change) (disk.path);
    for (guint i = 1; i < model.chunks->len; i++) {
        const ChunkModel *chunk = &g_array_index (model.chunks, ChunkModel, i);
        g_autoptr (GError) error = NULL;
        g_auto (ArecView) view = {0};
        uint64_t size;

        g_assert_false (arec_reader_read (disk.reader, chunk->first, &view, &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_CHANGED);
        g_assert_nonnull (strstr (error->message, disk.path));
        g_clear_error (&error);
        if (chunk->n > 1) {
            g_assert_false (arec_reader_record_size (disk.reader, chunk->first, &size, &error));
            g_assert_error (error, AREC_ERROR, AREC_ERROR_CHANGED);
        }
    }
    remove_from_disk (&disk);
    model_clear (&model);
}

static void
add_for_both (const char *name, GTestDataFunc test)
{
    static const struct {
        const char *name;
        Model (*make) (void);
    } files[] = {{"small", small_file}, {"blocks", blocks_file}};

    for (unsigned i = 0; i < G_N_ELEMENTS (files); i++) {
        g_autofree char *path = g_strdup_printf ("/failures/%s/%s", name, files[i].name);

        g_test_add_data_func (path, (gconstpointer)files[i].make, test);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    add_for_both ("sound", test_sound);
    add_for_both ("truncated", test_every_truncation);
    add_for_both ("appended", test_appended);
    add_for_both ("flipped", test_every_flip);
    g_test_add_func ("/failures/flipped/codec-byte", test_damaged_codec_byte);
    add_for_both ("zeroed", test_zeroed_stretches);
    add_for_both ("nth-read", test_nth_read_fails);
    g_test_add_func ("/failures/nth-read/no-postscript",
                     test_nth_read_fails_without_postscript);
    g_test_add_func ("/failures/changed-first", test_changed_comes_first);
    g_test_add_func ("/failures/reader/damaged-chunk", test_damaged_chunk_alone);
    g_test_add_func ("/failures/reader/damaged-sizes", test_damaged_sizes_are_read_once);
    g_test_add_func ("/failures/reader/readahead", test_readahead_skips_damage);
    g_test_add_func ("/failures/reader/damage-in-numbers", test_damage_in_numbers);
    g_test_add_data_func ("/failures/reader/damaged-then-written", (gconstpointer)touch_it,
                          test_damage_of_a_file_that_changes);
    g_test_add_data_func ("/failures/reader/damaged-then-replaced", (gconstpointer)replace_it,
                          test_damage_of_a_file_that_changes);
    g_test_add_func ("/failures/reader/scan", test_scan_goes_on);
    g_test_add_data_func ("/failures/reader/truncated", (gconstpointer)truncate_it,
                          test_changes_under_the_reader);
    g_test_add_data_func ("/failures/reader/written", (gconstpointer)touch_it,
                          test_changes_under_the_reader);
    g_test_add_data_func ("/failures/reader/removed", (gconstpointer)remove_it,
                          test_changes_under_the_reader);
    g_test_add_data_func ("/failures/reader/replaced", (gconstpointer)replace_it,
                          test_changes_under_the_reader);
    return g_test_run();
}
