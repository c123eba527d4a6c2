/* The reader over every golden ArrayRecord file: each record byte-equal, in any order, by
 * many threads. */
#include <arec/arec.h>

#include <pthread.h>
#include <string.h>

#include "cache/chunk_cache.h"
#include "files.h"
#include "riegeli/chunk.h"

typedef struct {
    ArecEngine *engine;
    ArecReader *reader;
    TestRecords *expected;
} Fixture;

static Fixture
open_golden (const char *name, const ArecEngineOptions *options)
{
    g_autofree char *path = test_golden_path (name);
    g_autoptr (GError) error = NULL;
    Fixture fixture = {.engine = arec_engine_new (options)};

    fixture.reader = arec_reader_open (fixture.engine, path, NULL, &error);
    g_assert_no_error (error);
    fixture.expected = test_golden_records (name);
    g_assert_cmpuint (arec_reader_n_records (fixture.reader), ==, fixture.expected->n);
    return fixture;
}

static void
close_golden (Fixture *fixture)
{
    arec_reader_unref (fixture->reader);
    arec_engine_unref (fixture->engine);
    test_records_free (fixture->expected);
}

static void
check_record (const Fixture *fixture, uint64_t record)
{
    g_autoptr (GError) error = NULL;
    g_auto (ArecView) view = {0};
    uint64_t size, same = 0;

    arec_reader_record_size (fixture->reader, record, &size, &error);
    g_assert_no_error (error);
    g_assert_true (arec_reader_record_size_ready (fixture->reader, record, &same));
    g_assert_cmpuint (same, ==, size);
    arec_reader_read (fixture->reader, record, &view, &error);
    g_assert_no_error (error);
    g_assert_nonnull (view.data);
    g_assert_cmpuint (size, ==, view.size);
    g_assert_true (test_record_matches (fixture->expected, record, view.data, view.size));
}

static void
test_in_order (gconstpointer name)
{
    Fixture fixture = open_golden (name, NULL);
    ArecEngineStats stats;
    ArecFileInfo info;
    uint64_t least, lists;

    for (uint64_t i = 0; i < fixture.expected->n; i++) {
        check_record (&fixture, i);
    }
    arec_engine_get_stats (fixture.engine, &stats);
    arec_reader_file_info (fixture.reader, 0, &info);
    g_assert_cmpuint (stats.chunks_decoded, ==, info.n_chunks);
    g_assert_cmpuint (stats.decoded_bytes, ==, info.decoded_size);
    /* All memory is charged: values, entries, record ends unless all records of a chunk are
     * equally long, and the additional bytes of a stored form. */
    lists = stats.size_lists_read * (sizeof (ArecRecordEnds) + AREC_CACHE_ENTRY_OVERHEAD);
    least = info.decoded_size +
            info.n_chunks * (sizeof (ArecChunk) + AREC_CACHE_ENTRY_OVERHEAD) + lists;
    g_assert_cmpuint (stats.cache_used - stats.index_used, >=, least);
    g_assert_cmpuint (stats.cache_used - stats.index_used, <=,
                      least + 18 * info.n_records + 64 * info.n_chunks);
    close_golden (&fixture);
}

static void
test_backwards (gconstpointer name)
{
    Fixture fixture = open_golden (name, NULL);

    for (uint64_t i = fixture.expected->n; i-- > 0;) {
        check_record (&fixture, i);
    }
    close_golden (&fixture);
}

/* A cache of one byte: every chunk that is not held may be evicted at once, except the most
 * recent large ones. */
static void
test_random_without_cache (gconstpointer name)
{
    Fixture fixture =
        open_golden (name, &(ArecEngineOptions){.cache_size = 1, .max_parallelism = 1});

    for (uint64_t i = 0; i < MIN (fixture.expected->n, 200); i++) {
        check_record (&fixture, (uint64_t)g_test_rand_int_range (0, (int)fixture.expected->n));
    }
    close_golden (&fixture);
}

static void
test_scan (gconstpointer name)
{
    Fixture fixture = open_golden (name, NULL);
    g_autoptr (ArecCursor) scan = arec_cursor_new (fixture.reader, 0, fixture.expected->n);
    g_autoptr (GError) error = NULL;
    uint64_t record, seen = 0;
    const uint8_t *data;
    size_t size;

    while (arec_cursor_next (scan, &record, &data, &size, &error) && data) {
        g_assert_cmpuint (record, ==, seen);
        g_assert_true (test_record_matches (fixture.expected, record, data, size));
        seen++;
    }
    g_assert_no_error (error);
    g_assert_cmpuint (seen, ==, fixture.expected->n);
    g_clear_pointer (&scan, arec_cursor_free);
    close_golden (&fixture);
}

/* A size that neither the index nor the cache has is not asked of the source. */
static void
test_size_ready (void)
{
    g_autoptr (GError) error = NULL;
    Fixture fixture = open_golden ("text.groupsize64-snappy.array_record", NULL);
    uint64_t n = fixture.expected->n, size;
    ArecEngineStats stats;

    g_assert_false (arec_reader_record_size_ready (fixture.reader, 0, &size));
    g_assert_false (arec_reader_record_size_ready (fixture.reader, n, &size));
    arec_engine_get_stats (fixture.engine, &stats);
    g_assert_cmpuint (stats.size_lists_read, ==, 0);
    g_assert_cmpuint (stats.cache_misses, ==, 0);
    arec_reader_record_size (fixture.reader, 0, &size, &error);
    g_assert_no_error (error);
    g_assert_true (arec_reader_record_size_ready (fixture.reader, 1, &size));
    g_assert_false (arec_reader_record_size_ready (fixture.reader, n - 1, &size));
    close_golden (&fixture);
}

/* The record in pieces of random sizes, from its start or its end. */
static void
check_record_in_pieces (const Fixture *fixture, uint64_t record, bool backwards)
{
    g_autoptr (GError) error = NULL;
    g_autofree uint8_t *all = NULL;
    uint64_t size, done = 0;

    arec_reader_record_size (fixture->reader, record, &size, &error);
    g_assert_no_error (error);
    all = g_malloc (MAX (size, 1));
    while (done < size) {
        g_auto (ArecView) view = {0};
        uint64_t wanted = (uint64_t)g_test_rand_int_range (1, 1 << 16);
        uint64_t n = MIN (wanted, size - done);
        uint64_t offset = backwards ? size - done - n : done;

        arec_reader_read_range (fixture->reader, record, offset, n, &view, &error);
        g_assert_no_error (error);
        g_assert_cmpuint (view.size, ==, n);
        memcpy (all + offset, view.data, n);
        done += n;
    }
    g_assert_true (test_record_matches (fixture->expected, record, all, size));
}

/* Every chunk is decoded as it is needed, however small. */
static void
test_ranges (gconstpointer name)
{
    for (int backwards = 0; backwards < 2; backwards++) {
        Fixture fixture = open_golden (name, &(ArecEngineOptions){.max_whole_chunk = 1});
        ArecEngineStats stats;
        ArecFileInfo info;

        for (uint64_t i = 0; i < fixture.expected->n; i++) {
            check_record_in_pieces (&fixture, i, backwards);
        }
        arec_engine_get_stats (fixture.engine, &stats);
        arec_reader_file_info (fixture.reader, 0, &info);
        g_assert_cmpuint (stats.decoded_bytes, <=, info.decoded_size);
        close_golden (&fixture);
    }
}

static void
test_read_many (gconstpointer name)
{
    enum { N = 500 };
    Fixture fixture =
        open_golden (name, &(ArecEngineOptions){.cache_size = 1, .max_parallelism = 1});
    g_autoptr (GError) error = NULL;
    uint64_t records[N];
    ArecView views[N] = {0};
    ArecEngineStats stats;
    ArecFileInfo info;

    if (fixture.expected->n == 0) {
        g_assert_true (arec_reader_read_many (fixture.reader, NULL, 0, NULL, &error));
        close_golden (&fixture);
        return;
    }
    for (unsigned i = 0; i < N; i++) {
        records[i] = (uint64_t)g_test_rand_int_range (0, (int)fixture.expected->n);
    }
    arec_reader_read_many (fixture.reader, records, N, views, &error);
    g_assert_no_error (error);
    arec_engine_get_stats (fixture.engine, &stats);
    arec_reader_file_info (fixture.reader, 0, &info);
    g_assert_cmpuint (stats.chunks_decoded, <=, info.n_chunks);
    for (unsigned i = 0; i < N; i++) {
        g_assert_true (
            test_record_matches (fixture.expected, records[i], views[i].data, views[i].size));
        arec_view_clear (&views[i]);
    }

    /* One number out of bounds: nothing is read. */
    records[N / 2] = fixture.expected->n;
    g_assert_false (arec_reader_read_many (fixture.reader, records, N, views, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
    g_assert_null (views[0].owner);
    close_golden (&fixture);
}

static void *
read_all (void *data)
{
    const Fixture *fixture = data;

    for (uint64_t i = 0; i < fixture->expected->n; i++) {
        check_record (fixture, i);
    }
    return NULL;
}

static void
test_threads (gconstpointer name)
{
    enum { THREADS = 8 };
    Fixture fixture = open_golden (name, NULL);
    pthread_t threads[THREADS];
    ArecEngineStats stats;
    ArecFileInfo info;

    for (unsigned i = 0; i < THREADS; i++) {
        g_assert_cmpint (pthread_create (&threads[i], NULL, read_all, &fixture), ==, 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join (threads[i], NULL);
    }
    /* Eight threads want each chunk at once; it is decoded once. */
    arec_engine_get_stats (fixture.engine, &stats);
    arec_reader_file_info (fixture.reader, 0, &info);
    g_assert_cmpuint (stats.chunks_decoded, ==, info.n_chunks);
    close_golden (&fixture);
}

/* Several files as one sequence, some cut by ranges, one empty between. */
static void
test_sequence (void)
{
    static const char *const parts[] = {
        "text.groupsize64-snappy.array_record[10:75]", "empty.groupsize1.array_record",
        "text.groupsize100-brotli6.array_record[:3]", "text.default.array_record[-2:]"};
    static const uint64_t first[] = {10, 0, 0, 698}, length[] = {65, 0, 3, 2};
    g_autoptr (ArecEngine) engine = arec_engine_new (NULL);
    g_autoptr (ArecSourceList) list = arec_source_list_new();
    g_autoptr (ArecReader) reader = NULL;
    g_autoptr (GError) error = NULL;
    TestRecords *expected = test_golden_records ("text.default.array_record");
    uint64_t record = 0;

    for (unsigned i = 0; i < G_N_ELEMENTS (parts); i++) {
        g_autofree char *path = test_golden_path (parts[i]);

        arec_source_list_add (list, path, NULL, &error);
        g_assert_no_error (error);
    }
    reader = arec_reader_open_list (engine, list, 0, G_N_ELEMENTS (parts), NULL, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (arec_reader_n_records (reader), ==, 70);
    for (unsigned i = 0; i < G_N_ELEMENTS (parts); i++) {
        for (uint64_t k = 0; k < length[i]; k++, record++) {
            g_auto (ArecView) view = {0};
            ArecPlace place;

            g_assert_true (arec_reader_locate (reader, record, &place, NULL));
            g_assert_cmpuint (arec_reader_file_of (reader, record), ==, i);
            g_assert_cmpuint (place.file, ==, i);
            g_assert_cmpuint (place.file_record, ==, first[i] + k);
            arec_reader_read (reader, record, &view, &error);
            g_assert_no_error (error);
            g_assert_true (test_record_matches (expected, first[i] + k, view.data, view.size));
        }
    }
    test_records_free (expected);
}

/* Sizes alone agree with the records; also if they are found before any record. */
static void
test_transposed_sizes (void)
{
    for (const char *const *name = test_golden_transposed; *name; name++) {
        Fixture fixture = open_golden (*name, NULL);
        g_autoptr (GError) error = NULL;
        ArecEngineStats stats;

        for (uint64_t i = 0; i < fixture.expected->n; i++) {
            uint64_t size;

            arec_reader_record_size (fixture.reader, i, &size, &error);
            g_assert_no_error (error);
            g_assert_cmpuint (size, ==, fixture.expected->sizes[i]);
        }
        arec_engine_get_stats (fixture.engine, &stats);
        g_assert_cmpuint (stats.chunks_decoded, ==, 0);
        close_golden (&fixture);
    }
}

/* Limits of transposed chunks come from the engine's options. */
static void
test_transposed_limits (void)
{
    static const ArecEngineOptions rows[] = {{.max_transposed_depth = 1},
                                             {.max_chunk_size = 40000}};
    g_autofree char *path =
        test_golden_path ("examples.groupsize64-transposetrue-zstd3.array_record");

    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autoptr (ArecEngine) engine = arec_engine_new (&rows[i]);
        g_autoptr (GError) error = NULL;
        g_autoptr (ArecReader) reader = arec_reader_open (engine, path, NULL, &error);
        g_auto (ArecView) view = {0};

        g_assert_no_error (error);
        g_assert_false (arec_reader_read (reader, 0, &view, &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_LIMIT);
    }
}

static void
test_limit (void)
{
    g_autofree char *path = test_golden_path ("text.groupsize100-brotli6.array_record");
    g_autoptr (ArecEngine) engine =
        arec_engine_new (&(ArecEngineOptions){.max_chunk_size = 20000});
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecReader) reader = arec_reader_open (engine, path, NULL, &error);
    g_auto (ArecView) view = {0};

    ArecCodecName codec;
    ArecEngineStats stats;
    bool transposed;

    g_assert_no_error (error);
    for (unsigned i = 0; i < 5; i++) {
        g_assert_false (arec_reader_read (reader, i, &view, &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_LIMIT);
        g_clear_error (&error);
    }
    arec_engine_get_stats (engine, &stats);
    g_assert_cmpuint (stats.chunks_failed, ==, 1);
    g_assert_cmpuint (stats.damage_hits, ==, 4);
    /* The coding of a chunk, small or large, is in its first bytes. */
    g_assert_true (arec_reader_file_coding (reader, 0, &codec, &transposed, &error));
    g_assert_no_error (error);
    g_assert_cmpint (codec, ==, AREC_CODEC_BROTLI);
}

static void
test_coding (void)
{
    static const struct {
        const char *name;
        ArecCodecName codec;
        bool transposed;
    } rows[] = {
        {"text.groupsize1-uncompressed.array_record", AREC_CODEC_NONE, false},
        {"text.groupsize100-brotli6.array_record", AREC_CODEC_BROTLI, false},
        {"text.default.array_record", AREC_CODEC_ZSTD, false},
        {"text.groupsize64-snappy.array_record", AREC_CODEC_SNAPPY, false},
        {"text.groupsize128-transposetrue-zstd3.array_record", AREC_CODEC_ZSTD, true},
        {"examples.groupsize1-transposetrue-snappy.array_record", AREC_CODEC_SNAPPY, true},
        {"empty.groupsize1.array_record", AREC_CODEC_NONE, false},
    };
    g_autoptr (ArecEngine) engine = arec_engine_new (NULL);

    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autofree char *path = test_golden_path (rows[i].name);
        g_autoptr (GError) error = NULL;
        g_autoptr (ArecReader) reader = arec_reader_open (engine, path, NULL, &error);
        ArecCodecName codec;
        bool transposed;

        g_assert_no_error (error);
        arec_reader_file_coding (reader, 0, &codec, &transposed, &error);
        g_assert_no_error (error);
        g_assert_cmpint (codec, ==, rows[i].codec);
        g_assert_cmpint (transposed, ==, rows[i].transposed);
    }
}

/* Every chunk ends where it says; what follows up to the next one is padding, of which only one
 * of the files has any. */
static void
test_stored_end (void)
{
    static const struct {
        const char *name;
        bool is_padded;
    } rows[] = {
        {"blocks.groupsize1-uncompressed.array_record", false},
        {"blocks.groupsize4-uncompressed-padtoblockboundarytrue.array_record", true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        Fixture fixture = open_golden (rows[i].name, NULL);
        uint64_t n = arec_reader_n_records (fixture.reader), padding = 0;
        g_autoptr (GError) error = NULL;
        ArecSpot spot;

        for (uint64_t record = 0; record < n; record += spot.entry.n_records) {
            uint64_t end;

            arec_reader_find (fixture.reader, record, &spot, &error);
            g_assert_no_error (error);
            end = arec_reader_stored_end (fixture.reader, &spot);
            g_assert_cmpuint (end, >=, spot.entry.offset + spot.entry.decoded_size);
            g_assert_cmpuint (end, <=, spot.entry.limit);
            padding += spot.entry.limit - end;
        }
        g_assert_true ((padding > 0) == rows[i].is_padded);
        close_golden (&fixture);
    }
}

static void
add_for_each_of (const char *const *names, const char *prefix,
                 void (*test) (gconstpointer name))
{
    for (const char *const *name = names; *name; name++) {
        g_autofree char *path = g_strdup_printf ("/reader/%s/%s", prefix, *name);

        g_test_add_data_func (path, *name, test);
    }
}

static void
add_for_each_golden (const char *prefix, void (*test) (gconstpointer name))
{
    add_for_each_of (test_golden_simple, prefix, test);
    add_for_each_of (test_golden_transposed, prefix, test);
}

/* The size of a part of a file, by its index: exact where chunks are whole or hold one
 * record. */
static void
test_range_size (void)
{
    static const struct {
        const char *golden;
        const char *range;
        uint64_t first, n;
        bool is_exact;
    } rows[] = {
        {"text.groupsize1-uncompressed.array_record", "", 0, 700, true},
        {"text.groupsize1-uncompressed.array_record", "[0:1]", 0, 1, true},
        {"text.groupsize1-uncompressed.array_record", "[100:650]", 100, 550, true},
        {"text.groupsize1-uncompressed.array_record", "[699:700]", 699, 1, true},
        {"text.groupsize64-snappy.array_record", "[64:192]", 64, 128, true},
        {"text.groupsize64-snappy.array_record", "[640:700]", 640, 60, true},
        {"text.groupsize64-snappy.array_record", "[50:200]", 50, 150, false},
        {"text.groupsize64-snappy.array_record", "[5:6]", 5, 1, false},
        {"text.groupsize64-snappy.array_record", "[7:7]", 7, 0, true},
        {"empties.groupsize10-zstd3.array_record", "[1:5]", 1, 4, true},
    };

    for (size_t i = 0; i < 2 * G_N_ELEMENTS (rows); i++) {
        const char *golden = rows[i / 2].golden;
        ArecReaderOptions options = {.index_storage =
                                         i % 2 ? AREC_INDEX_OFFLOADED : AREC_INDEX_IN_MEMORY};
        g_autofree char *path = test_golden_path (golden);
        g_autofree char *ranged = g_strconcat (path, rows[i / 2].range, NULL);
        g_autoptr (ArecEngine) engine = arec_engine_new (NULL);
        g_autoptr (GError) error = NULL;
        g_autoptr (ArecReader) reader = arec_reader_open (engine, ranged, &options, &error);
        TestRecords *records = test_golden_records (golden);
        uint64_t expected = 0, size = 1;

        g_assert_no_error (error);
        for (uint64_t k = 0; k < rows[i / 2].n; k++) {
            expected += records->sizes[rows[i / 2].first + k];
        }
        g_assert_true (arec_reader_file_range_size (reader, 0, &size, &error));
        if (rows[i / 2].is_exact) {
            g_assert_cmpuint (size, ==, expected);
        } else {
            g_assert_cmpuint (size, >, 0);
            g_assert_cmpuint (size, <, 4 * expected + 4096);
        }
        test_records_free (records);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    add_for_each_golden ("in-order", test_in_order);
    add_for_each_golden ("backwards", test_backwards);
    add_for_each_golden ("random-without-cache", test_random_without_cache);
    add_for_each_golden ("scan", test_scan);
    add_for_each_golden ("ranges", test_ranges);
    add_for_each_golden ("read-many", test_read_many);
    add_for_each_golden ("threads", test_threads);
    g_test_add_func ("/reader/size-ready", test_size_ready);
    g_test_add_func ("/reader/sequence", test_sequence);
    g_test_add_func ("/reader/transposed-sizes", test_transposed_sizes);
    g_test_add_func ("/reader/transposed-limits", test_transposed_limits);
    g_test_add_func ("/reader/limit", test_limit);
    g_test_add_func ("/reader/coding", test_coding);
    g_test_add_func ("/reader/stored-end", test_stored_end);
    g_test_add_func ("/reader/range-size", test_range_size);
    return g_test_run();
}
