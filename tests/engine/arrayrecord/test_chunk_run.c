/* Runs of chunks: one read for all, and each chunk gives the same as alone. */
#include "arrayrecord/chunk_run.h"

#include <string.h>

#include "faulty_source.h"
#include "forge.h"
#include "loads.h"

#include "arrayrecord/shard.h"
#include "base/error.h"
#include "riegeli/block.h"
#include "source/memory_source.h"

#define NAME "some.array_record"

enum { N_CHUNKS = 40, PADDED = 3 };

typedef struct {
    TestForge *forge;
    uint64_t begins[N_CHUNKS];
    TestFaults faults;
    ArecShard *shard;
    ArecChunkRun *run;
} Fixture;

/* Chunk i: records of 2000 + i bytes, each byte i, in all codecs; over several blocks. Chunk
 * PADDED is followed by that many blocks of padding. */
static Fixture *
fixture_new (guint pads)
{
    static const ArecCompression codecs[] = {AREC_COMPRESSION_NONE, AREC_COMPRESSION_ZSTD,
                                             AREC_COMPRESSION_SNAPPY, AREC_COMPRESSION_BROTLI};
    Fixture *fixture = g_new0 (Fixture, 1);

    fixture->forge = test_forge_new();
    fixture->faults.fail_at_read = -1;
    for (guint i = 0; i < N_CHUNKS; i++) {
        uint8_t bytes[2000 + N_CHUNKS];
        TestForgeRecord records[3];

        memset (bytes, (int)i, sizeof bytes);
        for (guint k = 0; k < G_N_ELEMENTS (records); k++) {
            records[k] = (TestForgeRecord){bytes, 2000 + i};
        }
        fixture->begins[i] = test_forge_records (fixture->forge, codecs[i % 4], records, 3);
        for (guint k = 0; i == PADDED && k < pads; k++) {
            test_forge_pad (fixture->forge);
        }
    }
    test_forge_finish (fixture->forge);
    fixture->run = arec_chunk_run_new();
    return fixture;
}

static void
fixture_open (Fixture *fixture)
{
    const ArecShardOptions options = {.limits = {.max_size = 1 << 20}};
    const GByteArray *file = fixture->forge->file;
    g_autoptr (GError) error = NULL;

    fixture->shard = arec_shard_open (
        test_faulty_source_new (arec_memory_source_new (NAME, file->data, file->len),
                                &fixture->faults),
        &options, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (arec_index_n_chunks (arec_shard_index (fixture->shard)), ==, N_CHUNKS);
}

static void
fixture_free (Fixture *fixture)
{
    arec_chunk_run_free (fixture->run);
    arec_shard_free (fixture->shard);
    test_forge_free (fixture->forge);
    g_free (fixture);
}

/* Adds chunks [first, first + n) and loads them; returns the reads that this took. */
static uint64_t
load (Fixture *fixture, guint first, guint n)
{
    uint64_t before = fixture->faults.reads;

    arec_chunk_run_clear (fixture->run);
    for (guint i = first; i < first + n; i++) {
        ArecIndexEntry entry;

        g_assert_true (arec_index_get (arec_shard_index (fixture->shard), i, &entry, NULL));
        g_assert_cmpuint (arec_chunk_run_add (fixture->run, &entry, 1), ==, 1);
    }
    arec_shard_load_run (fixture->shard, fixture->run);
    return fixture->faults.reads - before;
}

/* Chunk @i, at @in of the run, is sound. */
static void
check_sound (const Fixture *fixture, guint in, guint i)
{
    const ArecRunChunk *chunk = &fixture->run->chunks[in];
    ArecRecordEnds ends;

    arec_chunk_run_ends (fixture->run, in, &ends);
    g_assert_no_error (chunk->error);
    g_assert_nonnull (chunk->values);
    g_assert_cmpuint (ends.n, ==, 3);
    for (guint k = 0; k < 3; k++) {
        uint64_t begin = arec_record_ends_begin (&ends, k);

        g_assert_cmpuint (arec_record_ends_size (&ends, k), ==, 2000 + i);
        for (uint64_t at = 0; at < 2000 + i; at++) {
            g_assert_cmpuint (chunk->values[begin + at], ==, i);
        }
    }
}

static void
test_one_read (void)
{
    Fixture *fixture = fixture_new (0);
    uint64_t memory;

    fixture_open (fixture);
    g_assert_cmpuint (load (fixture, 0, N_CHUNKS), ==, 1);
    for (guint i = 0; i < N_CHUNKS; i++) {
        check_sound (fixture, i, i);
    }
    /* The memory is reused. */
    memory = arec_chunk_run_memory (fixture->run);
    g_assert_cmpuint (memory, ==, arec_chunk_run_cost (fixture->run));
    g_assert_cmpuint (load (fixture, 5, 20), ==, 1);
    for (guint i = 0; i < 20; i++) {
        check_sound (fixture, i, 5 + i);
    }
    g_assert_cmpuint (arec_chunk_run_memory (fixture->run), ==, memory);
    arec_chunk_run_clear (fixture->run);
    arec_chunk_run_shrink (fixture->run);
    g_assert_cmpuint (arec_chunk_run_memory (fixture->run), ==, 0);
    fixture_free (fixture);
}

static void
test_bounds (void)
{
    ArecChunkRun *run = arec_chunk_run_new();
    ArecIndexEntry entry = {.offset = 64, .limit = 164, .decoded_size = 10, .n_records = 1};
    ArecIndexEntry apart = {.offset = 165, .limit = 200, .decoded_size = 10, .n_records = 1};
    ArecIndexEntry much = {
        .offset = 164, .limit = 300, .decoded_size = AREC_RUN_SIZE, .n_records = 1};
    ArecIndexEntry far = {
        .offset = 164, .limit = 164 + AREC_RUN_SIZE, .decoded_size = 10, .n_records = 1};
    ArecIndexEntry several[5];
    guint n = 1;

    g_assert_cmpuint (arec_chunk_run_add (run, &entry, 1), ==, 1);
    g_assert_cmpuint (arec_chunk_run_add (run, &apart, 1), ==, 0);
    g_assert_cmpuint (arec_chunk_run_add (run, &much, 1), ==, 0);
    g_assert_cmpuint (arec_chunk_run_add (run, &far, 1), ==, 0);
    do {
        entry.offset = entry.limit;
        entry.limit += 100;
    } while (arec_chunk_run_add (run, &entry, 1) && ++n);
    g_assert_cmpuint (n, ==, AREC_RUN_CHUNKS);

    /* The chunk that fills the run is the last, even before an empty one. */
    for (guint decoded = 0; decoded < 2; decoded++) {
        arec_chunk_run_clear (run);
        entry = (ArecIndexEntry){.offset = 64,
                                 .limit = 64 + (decoded ? 100 : AREC_RUN_SIZE),
                                 .decoded_size = decoded ? AREC_RUN_SIZE : 10,
                                 .n_records = 1};
        g_assert_cmpuint (arec_chunk_run_add (run, &entry, 1), ==, 1);
        entry = (ArecIndexEntry){.offset = entry.limit, .limit = entry.limit + 40};
        g_assert_cmpuint (arec_chunk_run_add (run, &entry, 1), ==, 0);
    }

    /* Of several at once, those before the first that does not fit. */
    arec_chunk_run_clear (run);
    for (guint i = 0; i < G_N_ELEMENTS (several); i++) {
        several[i] = (ArecIndexEntry){.offset = 64 + 100 * i + (i == 3),
                                      .limit = 164 + 100 * i,
                                      .decoded_size = 10,
                                      .n_records = 2};
    }
    g_assert_cmpuint (arec_chunk_run_add (run, several, 2), ==, 2);
    g_assert_cmpuint (arec_chunk_run_add (run, several + 2, 3), ==, 1);
    g_assert_cmpuint (arec_chunk_run_add (run, several + 3, 0), ==, 0);
    g_assert_cmpuint (run->n_chunks, ==, 3);
    g_assert_cmpuint (run->begin, ==, 64);
    g_assert_cmpuint (run->end, ==, 364);
    g_assert_cmpuint (run->decoded_size, ==, 30);
    g_assert_cmpuint (run->n_records, ==, 6);

    /* No chunk has more records than bytes, whatever an index says, so sums must not wrap. */
    for (guint lies = 0; lies < 2; lies++) {
        ArecIndexEntry lying[] = {
            {.offset = 64, .limit = 164, .decoded_size = 10, .n_records = 10},
            {.offset = 164, .limit = 264, .decoded_size = 10, .n_records = 10},
        };

        arec_chunk_run_clear (run);
        lying[lies].n_records = (UINT64_C (1) << 62) - 5;
        g_assert_cmpuint (arec_chunk_run_add (run, lying, 2), ==, 1);
    }
    arec_chunk_run_clear (run);
    several[0].n_records = 101;
    g_assert_cmpuint (arec_chunk_run_add (run, several, 1), ==, 1);
    g_assert_false (arec_chunk_run_reserve (run, UINT64_MAX));
    several[0].n_records = 100;
    arec_chunk_run_clear (run);
    g_assert_cmpuint (arec_chunk_run_add (run, several, 1), ==, 1);
    g_assert_false (arec_chunk_run_reserve (run, 10 + 4 * 100 - 1));
    g_assert_cmpuint (arec_chunk_run_memory (run), ==, 0);
    g_assert_true (arec_chunk_run_reserve (run, 10 + 4 * 100));
    arec_chunk_run_clear (run);
    arec_chunk_run_shrink (run);

    /* A chunk alone may be of any size, even an implausible one. */
    arec_chunk_run_clear (run);
    much.decoded_size = much.n_records = UINT64_MAX;
    g_assert_cmpuint (arec_chunk_run_add (run, &much, 1), ==, 1);
    entry = (ArecIndexEntry){.offset = much.limit, .limit = much.limit + 40};
    g_assert_cmpuint (arec_chunk_run_add (run, &entry, 1), ==, 0);
    g_assert_cmpuint (arec_chunk_run_cost (run), >, AREC_RUN_SIZE);
    g_assert_false (arec_chunk_run_reserve (run, UINT64_MAX));
    g_assert_cmpuint (arec_chunk_run_memory (run), ==, 0);
    arec_chunk_run_free (run);
}

/* Each damaged chunk gives the same error as alone; its neighbours are sound. */
static void
test_damage (void)
{
    static const guint bad[] = {0, 17, 18, N_CHUNKS - 1};
    Fixture *fixture = fixture_new (0);
    guint next = 0;

    for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
        fixture->forge->file->data[fixture->begins[bad[i]] + 50] ^= 1;
    }
    fixture_open (fixture);
    load (fixture, 0, N_CHUNKS);
    for (guint i = 0; i < N_CHUNKS; i++) {
        const ArecRunChunk *chunk = &fixture->run->chunks[i];
        g_autoptr (ArecChunk) alone = NULL;
        g_autoptr (GError) error = NULL;

        if (next == G_N_ELEMENTS (bad) || i != bad[next]) {
            check_sound (fixture, i, i);
            continue;
        }
        next++;
        g_assert_null (chunk->values);
        g_assert_false (test_load_chunk (fixture->shard, i, &alone, &error));
        g_assert_error (chunk->error, AREC_ERROR, AREC_ERROR_CORRUPT);
        g_assert_cmpstr (chunk->error->message, ==, error->message);
    }
    fixture_free (fixture);
}

/* If the one read fails, each chunk is read alone, and only those that fail then are lost. */
static void
test_failing_reads (void)
{
    Fixture *fixture = fixture_new (0);

    fixture_open (fixture);
    fixture->faults.fail_at_read = (int64_t)fixture->faults.reads;
    g_assert_cmpuint (load (fixture, 0, N_CHUNKS), ==, 1 + N_CHUNKS);
    for (guint i = 0; i < N_CHUNKS; i++) {
        check_sound (fixture, i, i);
    }
    fixture_free (fixture);

    fixture = fixture_new (0);
    fixture->forge->file->data[fixture->begins[7] + 50] ^= 1; /* so it is read again */
    fixture_open (fixture);
    fixture->faults.fail_at_read = (int64_t)fixture->faults.reads + 1;
    g_assert_cmpuint (load (fixture, 0, N_CHUNKS), ==, 2);
    g_assert_error (fixture->run->chunks[7].error, AREC_ERROR, AREC_ERROR_IO);
    check_sound (fixture, 6, 6);
    check_sound (fixture, 8, 8);
    fixture_free (fixture);
}

static void
test_change (void)
{
    Fixture *fixture = fixture_new (0);

    fixture_open (fixture);
    fixture->faults.changed = true;
    load (fixture, 0, N_CHUNKS);
    for (guint i = 0; i < N_CHUNKS; i++) {
        g_assert_error (fixture->run->chunks[i].error, AREC_ERROR, AREC_ERROR_CHANGED);
        g_assert_null (fixture->run->chunks[i].values);
    }
    /* Once that is known, nothing is read. */
    g_assert_cmpuint (load (fixture, 3, 9), ==, 0);
    g_assert_error (fixture->run->chunks[8].error, AREC_ERROR, AREC_ERROR_CHANGED);
    fixture_free (fixture);
}

/* A long stretch after a small chunk is not read with it. */
static void
test_far_apart (void)
{
    Fixture *fixture = fixture_new (20);
    uint64_t before;

    fixture_open (fixture);
    before = fixture->faults.bytes;
    load (fixture, PADDED, 1);
    check_sound (fixture, 0, PADDED);
    g_assert_cmpuint (fixture->faults.bytes - before, <, AREC_BLOCK_SIZE);
    fixture_free (fixture);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/chunk-run/one-read", test_one_read);
    g_test_add_func ("/chunk-run/bounds", test_bounds);
    g_test_add_func ("/chunk-run/damage", test_damage);
    g_test_add_func ("/chunk-run/failing-reads", test_failing_reads);
    g_test_add_func ("/chunk-run/change", test_change);
    g_test_add_func ("/chunk-run/far-apart", test_far_apart);
    return g_test_run();
}
