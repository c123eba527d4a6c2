/* Readahead over real chunks: what is decoded before it is read, and how much. */
#include <arec/arec.h>

#include "files.h"
#include "forge.h"

#define MIB (UINT64_C (1) << 20)

enum { N_CHUNKS = 12 };

typedef struct {
    uint64_t record_size;
    char *path;
    ArecEngine *engine;
    ArecReader *reader;
    ArecReadahead *readahead;
} Fixture;

/* One record in each chunk, all alike. */
static void
set_up (Fixture *fixture, uint64_t record_size, const ArecEngineOptions *options,
        uint64_t buffer_size)
{
    g_autoptr (TestForge) forge = test_forge_new();
    g_autofree uint8_t *bytes = g_malloc (record_size);
    g_autoptr (GError) error = NULL;

    for (uint64_t i = 0; i < record_size; i++) {
        bytes[i] = (uint8_t)((i % 100003) * 31 >> 3); /* compresses to little */
    }
    for (unsigned i = 0; i < N_CHUNKS; i++) {
        test_forge_records (forge, AREC_COMPRESSION_ZSTD,
                            &(TestForgeRecord){bytes, record_size}, 1);
    }
    test_forge_finish (forge);
    fixture->record_size = record_size;
    fixture->path = test_file_write ("f.array_record", forge->file->data, forge->file->len);
    fixture->engine = arec_engine_new (options);
    fixture->reader = arec_reader_open (fixture->engine, fixture->path, NULL, &error);
    g_assert_no_error (error);
    fixture->readahead = arec_readahead_new (fixture->reader, buffer_size);
}

static void
tear_down (Fixture *fixture)
{
    arec_readahead_free (fixture->readahead);
    arec_reader_unref (fixture->reader);
    arec_engine_unref (fixture->engine);
    test_file_remove (fixture->path);
}

/* Number of records that are announced once a reader has asked for the first three. */
static uint64_t
announced (const Fixture *fixture)
{
    ArecUpcoming upcoming;

    for (uint64_t record = 0; record < 3; record++) {
        upcoming = arec_readahead_note (fixture->readahead, record);
    }
    return upcoming.end - upcoming.first;
}

static ArecEngineStats
stats_of (const Fixture *fixture)
{
    ArecEngineStats stats;

    arec_engine_get_stats (fixture->engine, &stats);
    return stats;
}

static void
wait_until_decoded (const Fixture *fixture, uint64_t n_chunks)
{
    for (int i = 0;
         i < 10000 && stats_of (fixture).decoded_bytes < n_chunks * fixture->record_size; i++) {
        g_usleep (1000);
    }
    g_assert_cmpuint (stats_of (fixture).decoded_bytes, ==, n_chunks * fixture->record_size);
    g_assert_cmpuint (stats_of (fixture).chunks_ahead, ==, n_chunks);
}

/* This includes chunks that are decoded only as far as a reader needs them. */
static void
test_all_of_a_chunk_is_decoded (void)
{
    static const uint64_t max_whole[] = {0, 1000};

    for (size_t i = 0; i < G_N_ELEMENTS (max_whole); i++) {
        g_auto (ArecView) view = {0};
        g_autoptr (GError) error = NULL;
        Fixture fixture;

        set_up (&fixture, MIB, &(ArecEngineOptions){.max_whole_chunk = max_whole[i]}, 2 * MIB);
        g_assert_cmpuint (announced (&fixture), ==, 2);
        wait_until_decoded (&fixture, 3); /* and one more */
        g_assert_true (arec_reader_read (fixture.reader, 3, &view, &error));
        g_assert_cmpuint (stats_of (&fixture).chunks_decoded, ==, 3);
        g_assert_cmpuint (stats_of (&fixture).chunks_ahead_used, ==, 1);
        tear_down (&fixture);
    }
}

static void
test_size (void)
{
    static const struct {
        uint64_t record_size, buffer_size;
        unsigned max_parallelism;
        uint64_t announced;
    } rows[] = {
        {MIB, 0, 2, 0},
        {MIB, MIB - 1, 2, 0},
        {MIB, MIB, 2, 1},
        {MIB, 3 * MIB, 2, 3},
        {MIB, AREC_READAHEAD_AUTO, 2, 4},      /* 4 MiB */
        {3 * MIB, AREC_READAHEAD_AUTO, 1, 1},  /* the same */
        {3 * MIB, AREC_READAHEAD_AUTO, 3, 3},  /* a chunk for each thread */
        {20 * MIB, AREC_READAHEAD_AUTO, 8, 3}, /* 64 MiB at most */
        {65 * MIB, AREC_READAHEAD_AUTO, 8, 0}, /* too large to be decoded for nothing */
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        Fixture fixture;

        set_up (&fixture, rows[i].record_size,
                &(ArecEngineOptions){.max_parallelism = rows[i].max_parallelism},
                rows[i].buffer_size);
        g_test_message ("row %zu", i);
        g_assert_cmpuint (announced (&fixture), ==, rows[i].announced);
        tear_down (&fixture);
    }
}

static unsigned
count_threads (void)
{
    g_autoptr (GDir) dir = g_dir_open ("/proc/self/task", 0, NULL);
    unsigned n = 0;

    while (g_dir_read_name (dir)) {
        n++;
    }
    return n;
}

/* Without threads everything can still be read, on demand, by a scan, by a batch or in the
 * middle of a large chunk, and the caller's thread does the work. */
static void
test_no_threads (void)
{
    unsigned n_threads = count_threads();

    for (int none = 0; none < 2; none++) {
        const uint64_t wanted[] = {3, 1, 2};
        ArecView views[G_N_ELEMENTS (wanted)] = {0};
        ArecView view = {0};
        g_autoptr (ArecCursor) scan = NULL;
        g_autoptr (GError) error = NULL;
        Fixture fixture;
        const uint8_t *data;
        size_t size = 1;

        set_up (&fixture, MIB,
                &(ArecEngineOptions){
                    .max_parallelism = 4, .no_threads = none, .max_whole_chunk = 1000},
                8 * MIB);
        announced (&fixture);
        g_assert_true (arec_reader_read_range (fixture.reader, 3, 10, 10, &view, &error));
        arec_view_clear (&view);
        scan = arec_cursor_new (fixture.reader, 0, arec_reader_n_records (fixture.reader));
        while (size > 0) {
            g_assert_true (arec_cursor_next (scan, NULL, &data, &size, &error));
        }
        g_assert_true (arec_reader_read_many (fixture.reader, wanted, G_N_ELEMENTS (wanted),
                                              views, &error));
        if (none) {
            g_assert_cmpuint (count_threads(), ==, n_threads);
        } else {
            g_assert_cmpuint (count_threads(), >, n_threads);
        }
        for (size_t i = 0; i < G_N_ELEMENTS (wanted); i++) {
            arec_view_clear (&views[i]);
        }
        g_clear_pointer (&scan, arec_cursor_free);
        tear_down (&fixture);
    }
}

/* Once it is freed none of its tasks runs any more, so nothing more is decoded. */
static void
test_free_at_once (void)
{
    for (int i = 0; i < 20; i++) {
        Fixture fixture;
        uint64_t decoded;

        set_up (&fixture, MIB, &(ArecEngineOptions){.max_whole_chunk = 1000}, 8 * MIB);
        announced (&fixture);
        g_clear_pointer (&fixture.readahead, arec_readahead_free);
        decoded = stats_of (&fixture).decoded_bytes;
        g_usleep (2000);
        g_assert_cmpuint (stats_of (&fixture).decoded_bytes, ==, decoded);
        tear_down (&fixture);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/readahead/all-of-a-chunk", test_all_of_a_chunk_is_decoded);
    g_test_add_func ("/readahead/size", test_size);
    g_test_add_func ("/readahead/no-threads", test_no_threads);
    g_test_add_func ("/readahead/free-at-once", test_free_at_once);
    return g_test_run();
}
