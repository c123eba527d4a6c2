/* Scans: records in order, whichever thread decodes them, in bounded memory; each damage
 * costs only its own chunk. And batches, which share the threads. */
#include <arec/arec.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "forge.h"

#include "arrayrecord/chunk_run.h"

#define NAME "some.array_record"

static const unsigned threads[] = {1, 2, 5};

/* ---- files ---- */

typedef struct {
    GPtrArray *records; /* of GBytes */
    GArray *chunks;     /* of Chunk */
    GByteArray *bytes;  /* of the file */
} Model;

typedef struct {
    uint64_t begin;
    uint64_t first, n; /* its records */
    uint64_t decoded_size;
} Chunk;

static const Chunk *
chunk_at (const Model *model, guint i)
{
    return &g_array_index (model->chunks, Chunk, i);
}

/* Compresses by about two thirds. */
static GBytes *
make_record (guint number, size_t size)
{
    uint8_t *data = g_malloc (size + 1);

    for (size_t i = 0; i < size; i++) {
        data[i] = i % 3 == 0 ? (uint8_t)(number * 2654435761U >> (i % 24)) : (uint8_t)number;
    }
    return g_bytes_new_take (data, size);
}

/* Chunk i has group (i) records of size (i) bytes each. */
static Model
make_model (guint n_chunks, guint (*group) (guint i), size_t (*size) (guint i))
{
    static const ArecCompression codecs[] = {AREC_COMPRESSION_NONE, AREC_COMPRESSION_ZSTD,
                                             AREC_COMPRESSION_SNAPPY, AREC_COMPRESSION_BROTLI};
    g_autoptr (TestForge) forge = test_forge_new();
    Model model = {.records = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref),
                   .chunks = g_array_new (FALSE, TRUE, sizeof (Chunk))};

    for (guint i = 0; i < n_chunks; i++) {
        guint n = group (i);
        g_autofree TestForgeRecord *records = g_new (TestForgeRecord, n);
        Chunk chunk = {.first = model.records->len, .n = n, .decoded_size = n * size (i)};

        for (guint k = 0; k < n; k++) {
            GBytes *record = make_record (model.records->len, size (i));

            g_ptr_array_add (model.records, record);
            records[k].data = g_bytes_get_data (record, &records[k].size);
            records[k].data = records[k].data ? records[k].data : "";
        }
        chunk.begin = test_forge_records (forge, codecs[i % G_N_ELEMENTS (codecs)], records, n);
        g_array_append_val (model.chunks, chunk);
    }
    test_forge_finish (forge);
    model.bytes = g_byte_array_ref (forge->file);
    return model;
}

static void
model_clear (Model *model)
{
    g_ptr_array_unref (model->records);
    g_array_unref (model->chunks);
    g_byte_array_unref (model->bytes);
}

static guint
one_record (G_GNUC_UNUSED guint i)
{
    return 1;
}

static guint
some_records (guint i)
{
    return 1 + i * 7 % 5;
}

static size_t
small_size (guint i)
{
    return i % 11 == 3 ? 0 : 500 + i * 37 % 3000;
}

/* From one byte to some hundred KiB. */
static size_t
uneven_size (guint i)
{
    return i % 8 == 5 ? 100000 + i * 1000 : 1 + i * 97 % 9000;
}

static Model
small_chunks (void)
{
    return make_model (900, one_record, small_size);
}

static Model
uneven_chunks (void)
{
    return make_model (120, some_records, uneven_size);
}

typedef struct {
    ArecEngine *engine;
    ArecReader *reader;
    char *path;
} OnDisk;

static OnDisk
open_model (const Model *model, unsigned n_threads, const ArecReaderOptions *options)
{
    OnDisk disk = {.engine =
                       arec_engine_new (&(ArecEngineOptions){.max_parallelism = n_threads})};
    g_autoptr (GError) error = NULL;

    disk.path = test_file_write (NAME, model->bytes->data, model->bytes->len);
    disk.reader = arec_reader_open (disk.engine, disk.path, options, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (arec_reader_n_records (disk.reader), ==, model->records->len);
    return disk;
}

static void
close_model (OnDisk *disk)
{
    arec_reader_unref (disk->reader);
    arec_engine_unref (disk->engine);
    test_file_remove (disk->path);
}

static ArecEngineStats
stats_of (const OnDisk *disk)
{
    ArecEngineStats stats;

    arec_engine_get_stats (disk->engine, &stats);
    return stats;
}

static void
check_bytes (const Model *model, uint64_t record, const uint8_t *data, size_t size)
{
    GBytes *expected = g_ptr_array_index (model->records, record);

    g_assert_cmpmem (data, size, g_bytes_get_data (expected, NULL),
                     g_bytes_get_size (expected));
}

/* Goes over [first, end), all of it sound. */
static void
check_scan (const Model *model, ArecReader *reader, uint64_t first, uint64_t end)
{
    g_autoptr (ArecCursor) cursor = arec_cursor_new (reader, first, end);
    g_autoptr (GError) error = NULL;

    for (uint64_t i = first;; i++) {
        const uint8_t *data;
        uint64_t record;
        size_t size;

        arec_cursor_next (cursor, &record, &data, &size, &error);
        g_assert_no_error (error);
        g_assert_cmpuint (record, ==, i);
        if (!data) {
            g_assert_cmpuint (record, ==, end);
            break;
        }
        check_bytes (model, record, data, size);
        g_assert_cmpuint (arec_cursor_position (cursor), ==, i + 1);
    }
}

/* ---- sound files ---- */

static void
test_whole (gconstpointer make)
{
    Model model = ((Model (*) (void))make)();

    for (unsigned i = 0; i < G_N_ELEMENTS (threads); i++) {
        OnDisk disk = open_model (&model, threads[i], NULL);
        ArecEngineStats stats;

        check_scan (&model, disk.reader, 0, model.records->len);
        stats = stats_of (&disk);
        g_assert_cmpuint (stats.chunks_decoded, ==, model.chunks->len);
        g_assert_cmpuint (stats.chunks_failed, ==, 0);
        g_assert_cmpuint (stats.cache_entries, ==, 0);
        close_model (&disk);
    }
    model_clear (&model);
}

static void
test_offloaded (void)
{
    Model model = uneven_chunks();
    OnDisk disk =
        open_model (&model, 2, &(ArecReaderOptions){.index_storage = AREC_INDEX_OFFLOADED});
    uint64_t before = stats_of (&disk).index_reads;

    check_scan (&model, disk.reader, 0, model.records->len);
    /* The index is asked for many chunks at a time. */
    g_assert_cmpuint (stats_of (&disk).index_reads - before, <=,
                      2 + model.chunks->len / AREC_INDEX_BATCH);
    close_model (&disk);
    model_clear (&model);
}

/* Neighbours come by one read. */
static void
test_reads (void)
{
    Model model = small_chunks();
    OnDisk disk = open_model (&model, 1, NULL);
    uint64_t decoded = 0, before = stats_of (&disk).source_reads;

    for (guint i = 0; i < model.chunks->len; i++) {
        decoded += chunk_at (&model, i)->decoded_size;
    }
    check_scan (&model, disk.reader, 0, model.records->len);
    g_assert_cmpuint (stats_of (&disk).source_reads - before, <=,
                      1 + model.chunks->len / AREC_RUN_CHUNKS + 2 * decoded / AREC_RUN_SIZE);
    close_model (&disk);
    model_clear (&model);
}

static void
test_ranges (gconstpointer make)
{
    Model model = ((Model (*) (void))make)();
    gint n = (gint)model.records->len;

    for (unsigned i = 0; i < G_N_ELEMENTS (threads); i++) {
        OnDisk disk = open_model (&model, threads[i], NULL);

        check_scan (&model, disk.reader, 0, 0);
        check_scan (&model, disk.reader, (uint64_t)n, (uint64_t)n);
        for (unsigned round = 0; round < 30; round++) {
            uint64_t first = (uint64_t)g_test_rand_int_range (0, n);
            uint64_t end = (uint64_t)g_test_rand_int_range ((gint32)first, n + 1);

            check_scan (&model, disk.reader, first, end);
        }
        close_model (&disk);
    }
    model_clear (&model);
}

/* Chunks that are wanted in part are decoded once for all readers that want a part. */
static void
test_parts_of_a_chunk (void)
{
    Model model = uneven_chunks();
    OnDisk disk = open_model (&model, 2, NULL);
    const Chunk *chunk = chunk_at (&model, 2); /* of five records */

    g_assert_cmpuint (chunk->n, ==, 5);
    for (uint64_t i = 0; i < chunk->n; i++) {
        check_scan (&model, disk.reader, chunk->first + i, chunk->first + i + 1);
    }
    g_assert_cmpuint (stats_of (&disk).chunks_decoded, ==, 1);
    close_model (&disk);
    model_clear (&model);
}

/* Entries stay in the cache, and large ones are not decoded again. */
static void
test_hot_set_stays (void)
{
    Model model = uneven_chunks();
    OnDisk disk = open_model (&model, 2, NULL);
    const Chunk *large = chunk_at (&model, 5);
    g_autoptr (GError) error = NULL;
    ArecEngineStats before, after;

    g_assert_cmpuint (large->decoded_size, >=, AREC_RUN_SIZE / 4);
    for (guint i = 5; i <= 6; i++) {
        g_auto (ArecView) view = {0};

        arec_reader_read (disk.reader, chunk_at (&model, i)->first, &view, &error);
        g_assert_no_error (error);
    }
    before = stats_of (&disk);
    check_scan (&model, disk.reader, 0, model.records->len);
    after = stats_of (&disk);
    g_assert_cmpuint (after.cache_entries, ==, before.cache_entries);
    g_assert_cmpuint (after.cache_used, ==, before.cache_used);
    g_assert_cmpuint (after.cache_evictions, ==, 0);
    /* All except the large one, which came from the cache. */
    g_assert_cmpuint (after.chunks_decoded - before.chunks_decoded, ==, model.chunks->len - 1);
    close_model (&disk);
    model_clear (&model);
}

/* The memory of a scan is within its bound, or that of one piece. */
static void
test_memory (void)
{
    static const uint64_t budgets[] = {0, 1, 300000, 2000000, UINT64_C (1) << 40};
    Model model = uneven_chunks();
    uint64_t largest = 0;

    for (guint i = 0; i < model.chunks->len; i++) {
        largest = MAX (largest, chunk_at (&model, i)->decoded_size);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS (budgets); i++) {
        OnDisk disk = open_model (&model, 4,
                                  &(ArecReaderOptions){.has_readahead_buffer_size = true,
                                                       .readahead_buffer_size = budgets[i]});
        g_autoptr (ArecCursor) cursor = arec_cursor_new (disk.reader, 0, model.records->len);
        uint64_t one = 2 * (largest + AREC_RUN_SIZE) + 65536, peak = 0;
        const uint8_t *data = NULL;
        uint64_t n = 0;
        size_t size;

        do {
            g_assert_true (arec_cursor_next (cursor, NULL, &data, &size, NULL));
            peak = MAX (peak, arec_cursor_memory (cursor));
            n += data != NULL;
        } while (data);
        g_assert_cmpuint (n, ==, model.records->len);
        g_assert_cmpuint (peak, >, 0);
        g_assert_cmpuint (peak, <=, MAX (budgets[i], one));
        /* Four threads, two pieces each, and the piece that is handed out. */
        g_assert_cmpuint (peak, <=, 9 * one);
        g_clear_pointer (&cursor, arec_cursor_free);
        close_model (&disk);
    }
    model_clear (&model);
}

/* Freed at any point, with pieces at work. */
static void
test_cancel (gconstpointer make)
{
    Model model = ((Model (*) (void))make)();
    OnDisk disk = open_model (&model, 4, NULL);

    for (guint stop = 0; stop <= model.records->len; stop += 1 + stop / 3) {
        g_autoptr (ArecCursor) cursor = arec_cursor_new (disk.reader, 0, model.records->len);

        for (guint i = 0; i < stop; i++) {
            const uint8_t *data;
            size_t size;

            g_assert_true (arec_cursor_next (cursor, NULL, &data, &size, NULL));
            check_bytes (&model, i, data, size);
        }
    }
    g_assert_cmpuint (stats_of (&disk).files_open, <=, 1);
    close_model (&disk);
    model_clear (&model);
}

static void
test_golden (gconstpointer name)
{
    g_autofree char *path = test_golden_path (name);
    TestRecords *expected = test_golden_records (name);

    for (unsigned i = 0; i < G_N_ELEMENTS (threads); i++) {
        g_autoptr (ArecEngine) engine =
            arec_engine_new (&(ArecEngineOptions){.max_parallelism = threads[i]});
        g_autoptr (GError) error = NULL;
        g_autoptr (ArecReader) reader = arec_reader_open (engine, path, NULL, &error);
        g_autoptr (ArecCursor) cursor = NULL;
        ArecEngineStats stats;
        ArecFileInfo info;
        const uint8_t *data;
        uint64_t record;
        size_t size;

        g_assert_no_error (error);
        cursor = arec_cursor_new (reader, 0, expected->n);
        for (uint64_t k = 0; k < expected->n; k++) {
            arec_cursor_next (cursor, &record, &data, &size, &error);
            g_assert_no_error (error);
            g_assert_cmpuint (record, ==, k);
            g_assert_true (test_record_matches (expected, k, data, size));
        }
        g_assert_true (arec_cursor_next (cursor, &record, &data, &size, &error));
        g_assert_null (data);
        arec_engine_get_stats (engine, &stats);
        arec_reader_file_info (reader, 0, &info);
        g_assert_cmpuint (stats.chunks_decoded, ==, info.n_chunks);
    }
    test_records_free (expected);
}

/* Several files as one sequence, some cut by ranges, one empty between. */
static void
test_sequence (void)
{
    static const char *const parts[] = {
        "text.groupsize64-snappy.array_record[10:75]", "empty.groupsize1.array_record",
        "text.groupsize100-brotli6.array_record[:3]",
        "text.groupsize1-uncompressed.array_record", "text.default.array_record[-2:]"};
    static const uint64_t first[] = {10, 0, 0, 0, 698}, length[] = {65, 0, 3, 700, 2};
    TestRecords *expected = test_golden_records ("text.default.array_record");

    for (unsigned t = 0; t < G_N_ELEMENTS (threads); t++) {
        g_autoptr (ArecEngine) engine =
            arec_engine_new (&(ArecEngineOptions){.max_parallelism = threads[t]});
        g_autoptr (ArecSourceList) list = arec_source_list_new();
        g_autoptr (ArecReader) reader = NULL;
        g_autoptr (ArecCursor) cursor = NULL;
        g_autoptr (GError) error = NULL;
        const uint8_t *data;
        size_t size;

        for (unsigned i = 0; i < G_N_ELEMENTS (parts); i++) {
            g_autofree char *path = test_golden_path (parts[i]);

            arec_source_list_add (list, path, NULL, &error);
            g_assert_no_error (error);
        }
        reader = arec_reader_open_list (engine, list, 0, G_N_ELEMENTS (parts), NULL, &error);
        g_assert_no_error (error);
        cursor = arec_cursor_new (reader, 0, arec_reader_n_records (reader));
        for (unsigned i = 0; i < G_N_ELEMENTS (parts); i++) {
            for (uint64_t k = 0; k < length[i]; k++) {
                arec_cursor_next (cursor, NULL, &data, &size, &error);
                g_assert_no_error (error);
                g_assert_nonnull (data);
                g_assert_true (test_record_matches (expected, first[i] + k, data, size));
            }
        }
        g_assert_true (arec_cursor_next (cursor, NULL, &data, &size, &error));
        g_assert_null (data);
    }
    test_records_free (expected);
}

/* ---- damage ---- */

/* Each bad chunk fails once, with the message of a read, and costs nothing else. */
static void
check_damaged (const Model *model, const bool *bad, unsigned n_threads)
{
    OnDisk disk = open_model (model, n_threads, NULL);
    g_autoptr (ArecCursor) cursor = arec_cursor_new (disk.reader, 0, model->records->len);
    uint64_t next = 0, n_bad = 0, n_failed = 0;

    for (guint i = 0; i < model->chunks->len; i++) {
        const Chunk *chunk = chunk_at (model, i);
        g_autoptr (GError) error = NULL, alone = NULL;
        g_auto (ArecView) view = {0};
        const uint8_t *data;
        uint64_t record;
        size_t size;

        for (uint64_t k = 0; !bad[i] && k < chunk->n; k++, next++) {
            arec_cursor_next (cursor, &record, &data, &size, &error);
            g_assert_no_error (error);
            g_assert_cmpuint (record, ==, next);
            check_bytes (model, record, data, size);
        }
        if (!bad[i]) {
            continue;
        }
        g_assert_false (arec_cursor_next (cursor, &record, &data, &size, &error));
        g_assert_cmpuint (record, ==, chunk->first);
        next += chunk->n;
        g_assert_cmpuint (arec_cursor_position (cursor), ==, next);
        n_bad++;
        g_assert_cmpuint (stats_of (&disk).chunks_failed, >=, n_bad);
        g_assert_false (arec_reader_read (disk.reader, chunk->first, &view, &alone));
        g_assert_error (error, AREC_ERROR, alone->code);
        g_assert_cmpstr (error->message, ==, alone->message);
        n_failed++;
    }
    g_assert_cmpuint (next, ==, model->records->len);
    g_assert_cmpuint (n_failed, ==, n_bad);
    g_clear_pointer (&cursor, arec_cursor_free);
    g_assert_cmpuint (stats_of (&disk).chunks_failed, ==, 2 * n_bad);
    close_model (&disk);
}

static void
test_damage (gconstpointer make)
{
    Model model = ((Model (*) (void))make)();
    guint n = model.chunks->len;
    g_autofree bool *bad = g_new0 (bool, n);
    const guint fixed[] = {0, n / 2, n / 2 + 1, n - 1};

    for (guint i = 0; i < G_N_ELEMENTS (fixed) + 6; i++) {
        guint which =
            i < G_N_ELEMENTS (fixed) ? fixed[i] : (guint)g_test_rand_int_range (0, (gint)n);

        if (!bad[which]) {
            /* In the header or in its first bytes of data, over a block header or not. */
            guint at = (guint)g_test_rand_int_range (0, 41);
            uint64_t begin = chunk_at (&model, which)->begin;

            model.bytes->data[begin + (begin % 65536 == 0 ? 24 : 0) + at] ^= 0x10;
            bad[which] = true;
        }
    }
    for (unsigned i = 0; i < G_N_ELEMENTS (threads); i++) {
        check_damaged (&model, bad, threads[i]);
    }
    model_clear (&model);
}

/* A file of two sound chunks of @n records each, where the index says that one of them has
 * @lie. Returns its path. */
static char *
write_liar (guint n, guint liar, uint64_t lie)
{
    g_autoptr (TestForge) forge = test_forge_new();
    g_autofree TestForgeRecord *records = g_new (TestForgeRecord, n);

    for (guint i = 0; i < n; i++) {
        records[i] = (TestForgeRecord){"x", 1};
    }
    for (guint i = 0; i < 2; i++) {
        g_autoptr (GByteArray) data =
            test_forge_simple_data (AREC_COMPRESSION_NONE, records, n);
        const TestForgeChunk chunk = {.type = 'r',
                                      .num_records = n,
                                      .decoded_data_size = n,
                                      .data = data->data,
                                      .data_size = data->len};
        uint64_t begin = test_forge_chunk (forge, &chunk);

        test_forge_entry (forge, begin, n, i == liar ? lie : n);
    }
    test_forge_finish (forge);
    return test_file_write ("liar.array_record", forge->file->data, forge->file->len);
}

/* Checks that the next @n records come, or with @fails one error for all of them. */
static void
check_next (ArecCursor *cursor, uint64_t *position, uint64_t n, bool fails)
{
    uint64_t n_given = fails ? 1 : n;

    for (uint64_t i = 0; i < n_given; i++) {
        g_autoptr (GError) error = NULL;
        const uint8_t *data;
        uint64_t record;
        size_t size;
        bool ok = arec_cursor_next (cursor, &record, &data, &size, &error);

        g_assert_cmpuint (record, ==, *position);
        *position += fails ? n : 1;
        g_assert_cmpuint (arec_cursor_position (cursor), ==, *position);
        g_assert_true (ok != fails);
        if (ok) {
            g_assert_cmpmem (data, size, "x", 1);
        } else {
            g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
        }
    }
}

/* Numbers of records whose sums, in bytes, do not fit into 64 bits. */
static void
test_lying_counts (void)
{
    static const uint64_t lies[] = {UINT64_C (1) << 30, (UINT64_C (1) << 62) - 5,
                                    (UINT64_C (1) << 62) + 5, UINT64_MAX - 10};

    for (unsigned i = 0; i < G_N_ELEMENTS (threads) * G_N_ELEMENTS (lies) * 2; i++) {
        uint64_t lie = lies[i / 2 % G_N_ELEMENTS (lies)], position = 0;
        guint liar = i % 2;
        g_autofree char *path = write_liar (10, liar, lie);
        g_autoptr (ArecEngine) engine = arec_engine_new (
            &(ArecEngineOptions){.max_parallelism = threads[i / 2 / G_N_ELEMENTS (lies)]});
        g_autoptr (GError) error = NULL;
        g_autoptr (ArecReader) reader = arec_reader_open (engine, path, NULL, &error);
        g_autoptr (ArecCursor) cursor = NULL;

        g_assert_no_error (error);
        cursor = arec_cursor_new (reader, 0, arec_reader_n_records (reader));
        check_next (cursor, &position, liar == 0 ? lie : 10, liar == 0);
        check_next (cursor, &position, liar == 1 ? lie : 10, liar == 1);
        g_assert_cmpuint (position, ==, arec_reader_n_records (reader));
        test_file_remove (g_steal_pointer (&path));
    }
}

/* A slice ends within a chunk that claims to reach up to the largest number, and others are
 * before it. */
static void
test_lying_counts_in_a_slice (void)
{
    for (unsigned t = 0; t < G_N_ELEMENTS (threads); t++) {
        g_autofree char *path = write_liar (60, 1, UINT64_MAX - 60);
        g_autoptr (ArecEngine) engine =
            arec_engine_new (&(ArecEngineOptions){.max_parallelism = threads[t]});
        g_autoptr (ArecSourceList) list = arec_source_list_new();
        g_autofree char *front = g_strdup_printf ("%s[:60]", path);
        g_autofree char *slice = g_strdup_printf ("%s[0:100]", path);
        g_autoptr (GError) error = NULL;
        g_autoptr (ArecReader) reader = NULL;
        g_autoptr (ArecCursor) cursor = NULL;
        uint64_t position = 0;

        arec_source_list_add (list, front, NULL, &error);
        g_assert_no_error (error);
        arec_source_list_add (list, slice, NULL, &error);
        g_assert_no_error (error);
        reader = arec_reader_open_list (engine, list, 0, 2, NULL, &error);
        g_assert_no_error (error);
        cursor = arec_cursor_new (reader, 0, arec_reader_n_records (reader));
        check_next (cursor, &position, 60, false);
        check_next (cursor, &position, 60, false);
        check_next (cursor, &position, 40, true);
        g_assert_cmpuint (position, ==, arec_reader_n_records (reader));
        test_file_remove (g_steal_pointer (&path));
    }
}

/* A file that is cut while it is scanned: right bytes, then nothing but CHANGED. */
static void
test_change (void)
{
    const struct timespec long_ago[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    Model model = uneven_chunks();

    for (unsigned t = 0; t < G_N_ELEMENTS (threads); t++) {
        OnDisk disk = {
            .engine = arec_engine_new (&(ArecEngineOptions){.max_parallelism = threads[t]})};
        g_autoptr (ArecCursor) cursor = NULL;
        uint64_t n_right = 0, n_changed = 0;
        const uint8_t *data = NULL;
        g_autoptr (GError) error = NULL;

        disk.path = test_file_write (NAME, model.bytes->data, model.bytes->len);
        g_assert_cmpint (utimensat (AT_FDCWD, disk.path, long_ago, 0), ==, 0);
        disk.reader = arec_reader_open (disk.engine, disk.path, NULL, &error);
        g_assert_no_error (error);
        cursor = arec_cursor_new (disk.reader, 0, model.records->len);
        do {
            uint64_t record;
            size_t size;

            if (n_right == 10) {
                g_assert_cmpint (truncate (disk.path, 70000), ==, 0);
            }
            if (arec_cursor_next (cursor, &record, &data, &size, &error)) {
                if (data) {
                    g_assert_cmpuint (n_changed, ==, 0);
                    check_bytes (&model, record, data, size);
                    n_right++;
                }
            } else {
                g_assert_error (error, AREC_ERROR, AREC_ERROR_CHANGED);
                g_clear_error (&error);
                data = (const uint8_t *)"";
                n_changed++;
            }
        } while (data);
        g_assert_cmpuint (n_right, >=, 10);
        g_assert_cmpuint (n_changed, >, 0);
        g_clear_pointer (&cursor, arec_cursor_free);
        close_model (&disk);
    }
    model_clear (&model);
}

/* ---- batches ---- */

static void
test_batch (gconstpointer make)
{
    enum { N = 2000 };
    Model model = ((Model (*) (void))make)();
    g_autofree uint64_t *records = g_new (uint64_t, N);
    g_autofree ArecView *views = g_new0 (ArecView, N);
    g_autofree bool *is_wanted = g_new0 (bool, model.records->len);

    for (unsigned t = 0; t < G_N_ELEMENTS (threads); t++) {
        OnDisk disk = open_model (&model, threads[t], NULL);
        g_autoptr (GError) error = NULL;
        uint64_t n_chunks = 0;

        memset (is_wanted, 0, model.records->len * sizeof *is_wanted);
        for (unsigned i = 0; i < N; i++) {
            records[i] = (uint64_t)g_test_rand_int_range (0, (gint)model.records->len);
            is_wanted[records[i]] = true;
        }
        for (guint i = 0; i < model.chunks->len; i++) {
            const Chunk *chunk = chunk_at (&model, i);
            bool any = false;

            for (uint64_t k = 0; k < chunk->n; k++) {
                any = any || is_wanted[chunk->first + k];
            }
            n_chunks += any;
        }
        arec_reader_read_many (disk.reader, records, N, views, &error);
        g_assert_no_error (error);
        for (unsigned i = 0; i < N; i++) {
            check_bytes (&model, records[i], views[i].data, views[i].size);
            arec_view_clear (&views[i]);
        }
        g_assert_cmpuint (stats_of (&disk).chunks_decoded, ==, n_chunks);
        close_model (&disk);
    }
    model_clear (&model);
}

/* Of several damages the first one is reported, whichever thread met it; no view is left. */
static void
test_batch_with_damage (void)
{
    Model model = uneven_chunks();
    guint n = model.records->len;
    const Chunk *first = chunk_at (&model, 37);
    g_autofree uint64_t *records = g_new (uint64_t, n);
    g_autofree ArecView *views = g_new0 (ArecView, n);

    for (guint i = 37; i < 90; i += 3) {
        model.bytes->data[chunk_at (&model, i)->begin + 30] ^= 1;
    }
    for (guint i = 0; i < n; i++) {
        records[i] = n - 1 - i;
    }
    for (unsigned round = 0; round < 20; round++) {
        OnDisk disk = open_model (&model, threads[round % G_N_ELEMENTS (threads)], NULL);
        g_autoptr (GError) error = NULL, alone = NULL;
        g_auto (ArecView) view = {0};

        g_assert_false (arec_reader_read_many (disk.reader, records, n, views, &error));
        g_assert_false (arec_reader_read (disk.reader, first->first, &view, &alone));
        g_assert_cmpstr (error->message, ==, alone->message);
        for (guint i = 0; i < n; i++) {
            g_assert_null (views[i].owner);
        }
        close_model (&disk);
    }
    model_clear (&model);
}

/* ---- */

static void
add_for_both (const char *name, GTestDataFunc test)
{
    g_autofree char *small = g_strdup_printf ("/cursor/%s/small", name);
    g_autofree char *uneven = g_strdup_printf ("/cursor/%s/uneven", name);

    g_test_add_data_func (small, (gconstpointer)small_chunks, test);
    g_test_add_data_func (uneven, (gconstpointer)uneven_chunks, test);
}

static void
add_for_each (const char *const *names)
{
    for (; *names; names++) {
        g_autofree char *path = g_strdup_printf ("/cursor/golden/%s", *names);

        g_test_add_data_func (path, *names, test_golden);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    add_for_both ("whole", test_whole);
    g_test_add_func ("/cursor/offloaded", test_offloaded);
    g_test_add_func ("/cursor/reads", test_reads);
    add_for_both ("ranges", test_ranges);
    g_test_add_func ("/cursor/parts-of-a-chunk", test_parts_of_a_chunk);
    g_test_add_func ("/cursor/hot-set-stays", test_hot_set_stays);
    g_test_add_func ("/cursor/memory", test_memory);
    add_for_both ("cancel", test_cancel);
    add_for_each (test_golden_simple);
    add_for_each (test_golden_transposed);
    g_test_add_func ("/cursor/sequence", test_sequence);
    g_test_add_func ("/cursor/lying-counts", test_lying_counts);
    g_test_add_func ("/cursor/lying-counts-in-a-slice", test_lying_counts_in_a_slice);
    add_for_both ("damage", test_damage);
    g_test_add_func ("/cursor/change", test_change);
    add_for_both ("batch", test_batch);
    g_test_add_func ("/cursor/batch-with-damage", test_batch_with_damage);
    return g_test_run();
}
