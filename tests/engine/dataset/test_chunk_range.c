/* Ranges of records of chunks that are decoded as needed: how much is decoded, what the
 * cache counts, and files that are corrupt although their hashes match. */
#include "dataset/chunk_range.h"

#include <pthread.h>
#include <string.h>

#include <arec/arec.h>

#include "base/limits.h"
#include "files.h"
#include "forge.h"

#include "dataset/engine.h"

#define MIB (UINT64_C (1) << 20)

enum { N_RECORDS = 3, LARGE = 24 << 20, SMALL = 1000, DECODED = LARGE + 2 * SMALL };

typedef struct {
    uint8_t *bytes; /* of all records */
    TestForgeRecord records[N_RECORDS];
    char *path;
    ArecEngine *engine;
    ArecReader *reader;
} Fixture;

static void
make_records (Fixture *fixture)
{
    static const size_t sizes[N_RECORDS] = {SMALL, LARGE, SMALL};
    uint8_t *at = fixture->bytes = g_malloc (DECODED);

    for (size_t i = 0; i < DECODED; i++) {
        /* A period that divides none of the sizes; compresses to little. */
        fixture->bytes[i] = (uint8_t)((i % 100003) * 31 >> 3);
    }
    for (size_t i = 0; i < N_RECORDS; i++) {
        fixture->records[i] = (TestForgeRecord){at, sizes[i]};
        at += sizes[i];
    }
}

static void
open_file (Fixture *fixture, TestForge *forge)
{
    g_autoptr (GError) error = NULL;

    test_forge_finish (forge);
    fixture->path = test_file_write ("f.array_record", forge->file->data, forge->file->len);
    fixture->engine = arec_engine_new (
        &(ArecEngineOptions){.cache_size = 64 * MIB, .max_chunk_size = 64 * MIB});
    fixture->reader = arec_reader_open (fixture->engine, fixture->path, NULL, &error);
    g_assert_no_error (error);
}

static void
set_up (Fixture *fixture, ArecCompression compression)
{
    g_autoptr (TestForge) forge = test_forge_new();

    *fixture = (Fixture){0};
    make_records (fixture);
    test_forge_records (forge, compression, fixture->records, N_RECORDS);
    open_file (fixture, forge);
}

static void
tear_down (Fixture *fixture)
{
    arec_reader_unref (fixture->reader);
    arec_engine_unref (fixture->engine);
    test_file_remove (fixture->path);
    g_free (fixture->bytes);
}

static ArecEngineStats
stats_of (const Fixture *fixture)
{
    ArecEngineStats stats;

    arec_engine_get_stats (fixture->engine, &stats);
    return stats;
}

/* A thread that decodes ahead goes on after readers have got their bytes. */
static void
wait_until_all_is_decoded (const Fixture *fixture)
{
    for (int i = 0; i < 10000 && stats_of (fixture).decoded_bytes < DECODED; i++) {
        g_usleep (1000);
    }
    g_assert_cmpuint (stats_of (fixture).decoded_bytes, ==, DECODED);
}

static void
check_range (const Fixture *fixture, uint64_t record, uint64_t offset, uint64_t size)
{
    const TestForgeRecord *whole = &fixture->records[record];
    g_autoptr (GError) error = NULL;
    g_auto (ArecView) view = {0};
    uint64_t from = MIN (offset, whole->size);

    arec_reader_read_range (fixture->reader, record, offset, size, &view, &error);
    g_assert_no_error (error);
    g_assert_nonnull (view.data);
    g_assert_cmpmem (view.data, view.size, (const uint8_t *)whole->data + from,
                     MIN (size, whole->size - from));
}

/* ---- what is decoded ---- */

static void
test_start_does_not_decode_the_rest (gconstpointer data)
{
    Fixture fixture;

    set_up (&fixture, (ArecCompression)GPOINTER_TO_INT (data));
    check_range (&fixture, 1, 0, MIB);
    check_range (&fixture, 0, 0, SMALL);
    /* The range, and what a thread decodes ahead, in steps of 256 KiB. */
    g_assert_cmpuint (stats_of (&fixture).decoded_bytes, <=, 6 * MIB);
    g_assert_cmpuint (stats_of (&fixture).chunks_decoded, ==, 1);
    check_range (&fixture, 2, 0, SMALL);
    wait_until_all_is_decoded (&fixture);
    g_assert_cmpuint (stats_of (&fixture).chunks_decoded, ==, 1);
    tear_down (&fixture);
}

static void
test_ranges (gconstpointer data)
{
    static const uint64_t offsets[] = {0, 1, SMALL - 1, SMALL, LARGE - 1, LARGE, UINT64_MAX};
    static const uint64_t sizes[] = {0, 1, SMALL, 300 * 1000, LARGE, UINT64_MAX};
    Fixture fixture;

    set_up (&fixture, (ArecCompression)GPOINTER_TO_INT (data));
    for (int i = 0; i < 20; i++) {
        check_range (&fixture, (uint64_t)g_test_rand_int_range (0, N_RECORDS),
                     (uint64_t)g_test_rand_int_range (0, LARGE),
                     (uint64_t)g_test_rand_int_range (0, 1 << 20));
    }
    for (size_t i = 0; i < G_N_ELEMENTS (offsets); i++) {
        for (size_t k = 0; k < G_N_ELEMENTS (sizes); k++) {
            for (uint64_t record = 0; record < N_RECORDS; record++) {
                check_range (&fixture, record, offsets[i], sizes[k]);
            }
        }
    }
    tear_down (&fixture);
}

/* Other ways of reading continue the decoding as needed, too. */
static void
test_scan_and_many (void)
{
    static const uint64_t wanted[] = {2, 0, 1};
    ArecView views[G_N_ELEMENTS (wanted)] = {0};
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecCursor) cursor = NULL;
    const uint8_t *data;
    size_t size;
    Fixture fixture;

    set_up (&fixture, AREC_COMPRESSION_ZSTD);
    cursor = arec_cursor_new (fixture.reader, 0, N_RECORDS);
    for (size_t i = 0; i < N_RECORDS; i++) {
        g_assert_true (arec_cursor_next (cursor, NULL, &data, &size, &error));
        g_assert_cmpmem (data, size, fixture.records[i].data, fixture.records[i].size);
    }
    g_clear_pointer (&cursor, arec_cursor_free);
    g_assert_true (
        arec_reader_read_many (fixture.reader, wanted, G_N_ELEMENTS (wanted), views, &error));
    for (size_t i = 0; i < G_N_ELEMENTS (wanted); i++) {
        g_assert_cmpmem (views[i].data, views[i].size, fixture.records[wanted[i]].data,
                         fixture.records[wanted[i]].size);
        arec_view_clear (&views[i]);
    }
    /* By the cursor, which bypasses the cache, and by the batch. */
    g_assert_cmpuint (stats_of (&fixture).chunks_decoded, ==, 2);
    tear_down (&fixture);
}

/* A read is long as long as its chunk is not cached, or much is to be decoded for it. */
static void
test_long_reads (void)
{
    g_autoptr (TestForge) forge = test_forge_new();
    Fixture fixture = {0};
    const uint64_t small = N_RECORDS;

    make_records (&fixture);
    test_forge_records (forge, AREC_COMPRESSION_ZSTD, fixture.records, N_RECORDS);
    test_forge_records (forge, AREC_COMPRESSION_ZSTD, fixture.records, 1);
    open_file (&fixture, forge);
    g_assert_false (arec_reader_read_is_long (fixture.reader, small, 0, UINT64_MAX));
    g_assert_true (arec_reader_read_is_long (fixture.reader, 0, 0, 1));
    g_assert_false (arec_reader_read_ready (fixture.reader, 0, 0, 1, &(ArecView){0}));
    check_range (&fixture, 0, 0, 1);
    g_assert_false (arec_reader_read_is_long (fixture.reader, 0, 0, UINT64_MAX));
    g_assert_false (arec_reader_read_is_long (fixture.reader, 1, MIB, MIB));
    g_assert_false (arec_reader_read_is_long (fixture.reader, 1, 0, 8 * MIB));
    g_assert_true (arec_reader_read_is_long (fixture.reader, 1, LARGE - 1, 1));
    g_assert_true (arec_reader_read_is_long (fixture.reader, 1, MIB, UINT64_MAX));
    g_assert_true (arec_reader_read_is_long (fixture.reader, 2, UINT64_MAX, 1));
    check_range (&fixture, 2, 0, 1);
    for (uint64_t i = 0; i < N_RECORDS; i++) {
        g_assert_false (arec_reader_read_is_long (fixture.reader, i, 0, UINT64_MAX));
    }
    g_assert_cmpuint (stats_of (&fixture).chunks_decoded, ==, 1);
    tear_down (&fixture);
}

/* ---- memory ---- */

/* The stored bytes and the codec's window count as long as they exist. */
static void
test_cost (void)
{
    Fixture fixture;
    uint64_t before, held, after;

    set_up (&fixture, AREC_COMPRESSION_BROTLI);
    before = stats_of (&fixture).cache_used;
    check_range (&fixture, 0, 0, 1);
    held = stats_of (&fixture).cache_used - before;
    check_range (&fixture, 2, 0, SMALL);
    wait_until_all_is_decoded (&fixture);
    for (int i = 0; i < 10000 && stats_of (&fixture).cache_used - before == held; i++) {
        g_usleep (1000);
    }
    after = stats_of (&fixture).cache_used - before;
    g_assert_cmpuint (after, >=, DECODED);
    g_assert_cmpuint (after, <, DECODED + 1000);
    g_assert_cmpuint (held, >, after + 1000);
    g_assert_cmpuint (held, <, after + stats_of (&fixture).source_bytes + AREC_USUAL_WINDOW);
    tear_down (&fixture);
}

/* Keeps a thread of the engine from its tasks. */
typedef struct {
    pthread_mutex_t lock;
    _Atomic bool is_there;
} Barrier;

static void
wait_at_barrier (void *data)
{
    Barrier *barrier = data;

    barrier->is_there = true;
    pthread_mutex_lock (&barrier->lock);
    pthread_mutex_unlock (&barrier->lock);
}

static void
do_nothing (void *data)
{
    (void)data;
}

/* Two chunks, of which one may stay at a time, and one thread, which is kept from work. */
static void
set_up_with_barrier (Fixture *fixture, Barrier *barrier)
{
    g_autoptr (TestForge) forge = test_forge_new();

    *fixture = (Fixture){0};
    make_records (fixture);
    test_forge_records (forge, AREC_COMPRESSION_ZSTD, fixture->records, N_RECORDS);
    test_forge_records (forge, AREC_COMPRESSION_ZSTD, fixture->records, N_RECORDS);
    test_forge_finish (forge);
    fixture->path = test_file_write ("f.array_record", forge->file->data, forge->file->len);
    fixture->engine = arec_engine_new (&(ArecEngineOptions){
        .cache_size = MIB, .max_chunk_size = 64 * MIB, .max_parallelism = 1});
    fixture->reader = arec_reader_open (fixture->engine, fixture->path, NULL, NULL);
    *barrier = (Barrier){.is_there = false};
    pthread_mutex_init (&barrier->lock, NULL);
    pthread_mutex_lock (&barrier->lock);
    g_assert_true (
        arec_worker_pool_try (fixture->engine->workers, wait_at_barrier, do_nothing, barrier));
    while (!barrier->is_there) {
        g_usleep (1000);
    }
}

/* A task that waits for a thread holds no chunk, and does nothing for one that was evicted. */
static void
test_queued_task_holds_nothing (void)
{
    Fixture fixture;
    Barrier barrier;
    g_auto (ArecView) view = {0};

    set_up_with_barrier (&fixture, &barrier);
    for (uint64_t i = 0; i < 10; i++) {
        g_assert_true (
            arec_reader_read_range (fixture.reader, i % 2 * N_RECORDS, 0, 1, &view, NULL));
        arec_view_clear (&view);
        g_assert_cmpuint (stats_of (&fixture).cache_entries, ==, 1);
        g_assert_cmpuint (stats_of (&fixture).cache_alive, <, 2 * DECODED);
    }
    g_assert_cmpuint (stats_of (&fixture).chunks_decoded, ==, 10);
    pthread_mutex_unlock (&barrier.lock);
    /* The decoding of a cached chunk continues, by the newest task or by one that was for
     * another of its kind. */
    check_range (&fixture, N_RECORDS - 1, 0, SMALL);
    tear_down (&fixture);
    pthread_mutex_destroy (&barrier.lock);
}

/* Views, and a thread that decodes ahead, may outlive the reader. */
static void
test_reader_closed_early (void)
{
    g_auto (ArecView) view = {0};
    Fixture fixture;

    set_up (&fixture, AREC_COMPRESSION_ZSTD);
    g_assert_true (arec_reader_read_range (fixture.reader, 1, 5, 10, &view, NULL));
    g_clear_pointer (&fixture.reader, arec_reader_unref);
    g_clear_pointer (&fixture.engine, arec_engine_unref);
    g_assert_cmpmem (view.data, view.size, (const uint8_t *)fixture.records[1].data + 5, 10);
    arec_view_clear (&view);
    tear_down (&fixture);
}

/* ---- corrupt, although the hash matches ---- */

/* The values of the chunk end too early, or too late. */
static void
set_up_corrupt (Fixture *fixture, ArecCompression compression, int by)
{
    g_autoptr (TestForge) forge = test_forge_new();
    g_autoptr (GByteArray) sizes = g_byte_array_new();
    g_autoptr (GByteArray) data = NULL;
    uint64_t position;

    *fixture = (Fixture){0};
    make_records (fixture);
    for (size_t i = 0; i < N_RECORDS; i++) {
        test_forge_varint (sizes, fixture->records[i].size);
    }
    fixture->bytes = g_realloc (fixture->bytes, DECODED + 1);
    fixture->bytes[DECODED] = 0;
    for (size_t i = 0, at = 0; i < N_RECORDS; at += fixture->records[i++].size) {
        fixture->records[i].data = fixture->bytes + at;
    }
    data = test_forge_simple_parts (compression, sizes->data, sizes->len, fixture->bytes,
                                    (size_t)(DECODED + by));
    position = test_forge_chunk (forge, &(TestForgeChunk){.type = 'r',
                                                          .num_records = N_RECORDS,
                                                          .decoded_data_size = DECODED,
                                                          .data = data->data,
                                                          .data_size = data->len});
    test_forge_entry (forge, position, DECODED, N_RECORDS);
    open_file (fixture, forge);
}

/* A chunk that is larger than the index says is not decoded, as that memory is not accounted
 * for: its size is not even compared with the limit. */
static void
test_larger_than_indexed (void)
{
    g_autoptr (TestForge) forge = test_forge_new();
    g_autoptr (GError) error = NULL;
    g_auto (ArecView) view = {0};
    const uint8_t body[] = {0, 1, 0};
    uint64_t position =
        test_forge_chunk (forge, &(TestForgeChunk){.type = 'r',
                                                   .num_records = 1,
                                                   .decoded_data_size = 99 * MIB,
                                                   .data = body,
                                                   .data_size = sizeof body});
    Fixture fixture = {0};

    test_forge_entry (forge, position, 10, 1);
    open_file (&fixture, forge);
    g_assert_false (arec_reader_read (fixture.reader, 0, &view, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
    g_assert_nonnull (strstr (error->message, "the footer says 1 of 10"));
    tear_down (&fixture);
}

static void
check_fails (const Fixture *fixture, uint64_t record, uint64_t offset, uint64_t size)
{
    g_autoptr (GError) error = NULL;
    ArecView view = {0};

    g_assert_false (
        arec_reader_read_range (fixture->reader, record, offset, size, &view, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
    g_assert_nonnull (strstr (error->message, "f.array_record: at 64: cannot decode"));
    g_assert_null (view.owner);
}

static void
test_late_corruption (gconstpointer data)
{
    /* Within the last step, which is not given out before the end of the stream is verified. */
    enum { SURE = LARGE - (300 << 10) };

    for (int by = -1; by <= 1; by += 2) {
        static const uint64_t wanted[] = {0, 2};
        ArecView views[G_N_ELEMENTS (wanted)] = {0};
        Fixture fixture;

        set_up_corrupt (&fixture, (ArecCompression)GPOINTER_TO_INT (data), by);
        check_range (&fixture, 0, 0, SMALL);
        check_range (&fixture, 1, 0, SURE);
        check_fails (&fixture, 2, 0, SMALL);
        check_fails (&fixture, 2, SMALL - 1, 1);
        check_fails (&fixture, 1, LARGE - 1, 1);
        g_assert_false (
            arec_reader_read_many (fixture.reader, wanted, G_N_ELEMENTS (wanted), views, NULL));
        g_assert_null (views[0].owner);
        check_range (&fixture, 1, 5000, SURE - 5000);
        g_assert_cmpuint (stats_of (&fixture).chunks_failed, ==, 1);
        g_assert_cmpuint (stats_of (&fixture).chunks_decoded, ==, 1);
        tear_down (&fixture);
    }
}

/* The position of the failure is remembered after the chunk has left the cache: bytes after
 * it are neither read nor decoded again, bytes before it can be had. */
static void
test_late_corruption_after_eviction (void)
{
    enum { SURE = LARGE - (300 << 10) };
    ArecEngineStats failed, after;
    Fixture fixture;

    set_up_corrupt (&fixture, AREC_COMPRESSION_ZSTD, -1);
    check_fails (&fixture, 2, 0, SMALL);
    failed = stats_of (&fixture);
    g_assert_cmpuint (failed.damages_known, ==, 1);
    for (uint64_t owner = 0; owner < 8; owner++) {
        arec_chunk_cache_forget (fixture.engine->cache, owner);
    }
    g_assert_cmpuint (stats_of (&fixture).cache_entries, ==, 0);
    check_fails (&fixture, 2, 0, SMALL);
    check_fails (&fixture, 2, SMALL - 1, 1);
    check_fails (&fixture, 1, LARGE - 1, 1);
    check_fails (&fixture, 1, 0, UINT64_MAX);
    g_assert_false (arec_reader_read_is_long (fixture.reader, 2, 0, SMALL));
    after = stats_of (&fixture);
    g_assert_cmpuint (after.source_reads, ==, failed.source_reads);
    g_assert_cmpuint (after.decoded_bytes, ==, failed.decoded_bytes);
    g_assert_cmpuint (after.damage_hits, ==, 4);
    check_range (&fixture, 0, 0, SMALL);
    check_range (&fixture, 1, 0, SURE);
    g_assert_cmpuint (stats_of (&fixture).chunks_decoded, ==, failed.chunks_decoded + 1);
    tear_down (&fixture);
}

/* A scan takes chunks whole: it gives nothing of this one, and goes on after it. */
static void
test_scan_of_late_corruption (void)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecCursor) cursor = NULL;
    const uint8_t *data;
    uint64_t record;
    size_t size;
    Fixture fixture;

    set_up_corrupt (&fixture, AREC_COMPRESSION_ZSTD, -1);
    cursor = arec_cursor_new (fixture.reader, 0, N_RECORDS);
    g_assert_false (arec_cursor_next (cursor, &record, &data, &size, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
    g_assert_cmpuint (record, ==, 0);
    g_assert_cmpuint (arec_cursor_position (cursor), ==, N_RECORDS);
    g_assert_true (arec_cursor_next (cursor, &record, &data, &size, NULL));
    g_assert_null (data);
    g_clear_pointer (&cursor, arec_cursor_free);
    tear_down (&fixture);
}

/* ---- threads ---- */

typedef struct {
    const Fixture *fixture;
    uint32_t seed;
} Thread;

static void *
read_ranges (void *data)
{
    const Thread *thread = data;
    g_autoptr (GRand) rand = g_rand_new_with_seed (thread->seed);

    for (int i = 0; i < 40; i++) {
        check_range (thread->fixture, 1,
                     (uint64_t)g_rand_int_range (rand, 0, LARGE / 40 * (i + 1)),
                     (uint64_t)g_rand_int_range (rand, 0, 10000));
    }
    return NULL;
}

static void
test_threads (void)
{
    enum { THREADS = 3 };
    Thread threads[THREADS];
    pthread_t ids[THREADS];
    Fixture fixture;

    set_up (&fixture, AREC_COMPRESSION_ZSTD);
    for (int i = 0; i < THREADS; i++) {
        threads[i] = (Thread){&fixture, (uint32_t)g_test_rand_int_range (0, 1 << 30)};
        g_assert_cmpint (pthread_create (&ids[i], NULL, read_ranges, &threads[i]), ==, 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join (ids[i], NULL);
    }
    check_range (&fixture, 2, 0, SMALL);
    g_assert_cmpuint (stats_of (&fixture).chunks_decoded, ==, 1);
    tear_down (&fixture);
}

int
main (int argc, char **argv)
{
    static const ArecCompression streamed[] = {AREC_COMPRESSION_BROTLI, AREC_COMPRESSION_ZSTD};
    static const ArecCompression all[] = {AREC_COMPRESSION_NONE, AREC_COMPRESSION_SNAPPY,
                                          AREC_COMPRESSION_BROTLI, AREC_COMPRESSION_ZSTD};

    g_test_init (&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS (streamed); i++) {
        gconstpointer data = GINT_TO_POINTER (streamed[i]);
        g_autofree char *begin =
            g_strdup_printf ("/chunk-range/begin-does-not-decode-the-rest/%c", streamed[i]);
        g_autofree char *late =
            g_strdup_printf ("/chunk-range/late-corruption/%c", streamed[i]);

        g_test_add_data_func (begin, data, test_start_does_not_decode_the_rest);
        g_test_add_data_func (late, data, test_late_corruption);
    }
    for (size_t i = 0; i < G_N_ELEMENTS (all); i++) {
        g_autofree char *path =
            g_strdup_printf ("/chunk-range/ranges/%c", all[i] ? all[i] : '0');

        g_test_add_data_func (path, GINT_TO_POINTER (all[i]), test_ranges);
    }
    g_test_add_func ("/chunk-range/scan-and-many", test_scan_and_many);
    g_test_add_func ("/chunk-range/long-reads", test_long_reads);
    g_test_add_func ("/chunk-range/larger-than-indexed", test_larger_than_indexed);
    g_test_add_func ("/chunk-range/cost", test_cost);
    g_test_add_func ("/chunk-range/queued-task", test_queued_task_holds_nothing);
    g_test_add_func ("/chunk-range/reader-closed-early", test_reader_closed_early);
    g_test_add_func ("/chunk-range/scan-of-late-corruption", test_scan_of_late_corruption);
    g_test_add_func ("/chunk-range/threads", test_threads);
    g_test_add_func ("/chunk-range/late-corruption-after-eviction",
                     test_late_corruption_after_eviction);
    return g_test_run();
}
