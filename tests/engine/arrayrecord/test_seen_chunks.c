/* The notes of what was read of a source that is written in place: whether a change is
 * noticed, what that costs, and what costs nothing. */
#include "arrayrecord/seen_chunks.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "faulty_source.h"
#include "forge.h"
#include "loads.h"

#include "arrayrecord/shard.h"
#include "base/error.h"
#include "source/memory_source.h"

#define NAME "some.array_record"
#define N_CHUNKS 100
#define RECORD_SIZE 300

/* Two files of the same layout with different records, and a shard over the first. */
typedef struct {
    TestForge *old, *new;
    TestFaults faults;
    ArecIndexFile *index_file;
    ArecShard *shard;
} Fixture;

static TestForge *
make_file (char letter, unsigned n_chunks, unsigned n_records)
{
    TestForge *forge = test_forge_new();
    char text[RECORD_SIZE];

    for (unsigned i = 0; i < n_chunks; i++) {
        TestForgeRecord records[8];

        memset (text, letter, sizeof text);
        memcpy (text, &i, sizeof i);
        for (unsigned r = 0; r < n_records; r++) {
            records[r] = (TestForgeRecord){text, sizeof text};
        }
        test_forge_records (forge, AREC_COMPRESSION_NONE, records, n_records);
    }
    test_forge_finish (forge);
    return forge;
}

static void
open_shard (Fixture *fixture, bool offloaded)
{
    const TestForge *old = fixture->old;
    g_autoptr (GError) error = NULL;
    ArecShardOptions options = {.name_is_array_record = true};

    fixture->faults.fail_at_read = -1;
    if (offloaded) {
        fixture->index_file = arec_index_file_new (NULL);
        options.offloaded = fixture->index_file;
    }
    fixture->shard = arec_shard_open (
        test_faulty_source_new (arec_memory_source_new (NAME, old->file->data, old->file->len),
                                &fixture->faults),
        &options, &error);
    g_assert_no_error (error);
    fixture->faults.reads = 0;
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
    (void)data;
    fixture->old = make_file ('o', N_CHUNKS, 2);
    fixture->new = make_file ('n', N_CHUNKS, 2);
    g_assert_cmpuint (fixture->old->file->len, ==, fixture->new->file->len);
    open_shard (fixture, false);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
    (void)data;
    arec_shard_free (fixture->shard);
    arec_index_file_free (fixture->index_file);
    test_forge_free (fixture->old);
    test_forge_free (fixture->new);
}

static ArecIndexEntry
entry_of (const Fixture *fixture, uint64_t chunk)
{
    ArecIndexEntry entry;

    g_assert_true (arec_index_get (arec_shard_index (fixture->shard), chunk, &entry, NULL));
    return entry;
}

/* Writes chunks [first, end) of the new file in their places, without moving the stamp. */
static void
write_chunks (Fixture *fixture, uint64_t first, uint64_t end)
{
    fixture->faults.written = fixture->new->file->data;
    fixture->faults.written_begin = entry_of (fixture, first).offset;
    fixture->faults.written_end = entry_of (fixture, end - 1).limit;
}

static char
load (Fixture *fixture, uint64_t chunk)
{
    g_autoptr (ArecChunk) loaded = NULL;
    g_autoptr (GError) error = NULL;

    test_load_chunk (fixture->shard, chunk, &loaded, &error);
    g_assert_no_error (error);
    return (char)loaded->values[RECORD_SIZE - 1];
}

static void
load_all (Fixture *fixture, uint64_t first, uint64_t end)
{
    for (uint64_t i = first; i < end; i++) {
        g_assert_cmpint (load (fixture, i), ==, 'o');
    }
}

static void
check_load_fails (Fixture *fixture, uint64_t chunk, ArecError code)
{
    g_autoptr (ArecChunk) loaded = NULL;
    g_autoptr (GError) error = NULL;

    g_assert_false (test_load_chunk (fixture->shard, chunk, &loaded, &error));
    g_assert_error (error, AREC_ERROR, (int)code);
    g_assert_true (g_str_has_prefix (error->message, NAME ": "));
}

/* ---- nothing has changed ---- */

/* A stamp that moved costs, once, a read of the header of each chunk that was read, and of
 * the footer's header. */
static void
test_stamp_moves (Fixture *fixture, gconstpointer data)
{
    (void)data;
    load_all (fixture, 10, 40);
    g_assert_cmpuint (fixture->faults.reads, ==, 30);
    for (unsigned i = 0; i < 2; i++) {
        uint64_t stamp = arec_shard_stamp (fixture->shard);

        fixture->faults.stamps++;
        fixture->faults.reads = 0;
        g_assert_cmpint (load (fixture, 10), ==, 'o');
        g_assert_cmpuint (fixture->faults.reads, ==, 1 + 30 + 1);
        g_assert_cmpuint (arec_shard_stamp (fixture->shard), !=, stamp);
        fixture->faults.reads = 0;
        g_assert_cmpint (load (fixture, 11), ==, 'o');
        g_assert_cmpuint (fixture->faults.reads, ==, 1);
    }
}

/* An explanation bounds what is compared; after the next move without one, everything is
 * compared. */
static void
test_stamp_moves_with_the_state (Fixture *fixture, gconstpointer data)
{
    enum { MANY = 20000 };

    (void)data;
    tear_down (fixture, NULL);
    *fixture = (Fixture){.old = make_file ('o', MANY, 1), .new = make_file ('n', MANY, 1)};
    open_shard (fixture, false);
    load_all (fixture, 0, MANY);
    fixture->faults.state++;
    fixture->faults.stamps++;
    fixture->faults.reads = 0;
    g_assert_cmpint (load (fixture, 0), ==, 'o');
    g_assert_cmpuint (fixture->faults.reads, >=, 2048);
    g_assert_cmpuint (fixture->faults.reads, <=, 1 + 1 + 4096);
    fixture->faults.stamps++;
    fixture->faults.reads = 0;
    g_assert_cmpint (load (fixture, 0), ==, 'o');
    g_assert_cmpuint (fixture->faults.reads, ==, 1 + 1 + MANY);
    write_chunks (fixture, 10000, 11000);
    fixture->faults.state++;
    fixture->faults.stamps++;
    check_load_fails (fixture, 0, AREC_ERROR_CHANGED);
}

/* Chunks that were read in other ways are compared, too. */
static void
test_all_reads_count (Fixture *fixture, gconstpointer data)
{
    ArecChunkRun *run = arec_chunk_run_new();
    ArecIndexEntry entries[4];
    ArecRecordEnds ends;
    uint8_t compression;
    bool transposed;

    (void)data;
    g_assert_true (
        arec_index_get_many (arec_shard_index (fixture->shard), 60, 4, entries, NULL));
    g_assert_cmpuint (arec_chunk_run_add (run, entries, 4), ==, 4);
    arec_shard_load_run (fixture->shard, run);
    g_assert_cmpuint (run->n_failed, ==, 0);
    g_assert_true (test_load_sizes (fixture->shard, 70, &ends, NULL));
    arec_record_ends_clear (&ends);
    g_assert_true (
        arec_shard_read_coding (fixture->shard, 80, &compression, &transposed, NULL));
    fixture->faults.stamps++;
    fixture->faults.reads = 0;
    g_assert_true (arec_shard_check (fixture->shard, NULL));
    g_assert_cmpuint (fixture->faults.reads, ==, 4 + 1 + 1 + 1);
    arec_chunk_run_free (run);
}

/* ---- the source was written ---- */

static void
check_is_changed_for_ever (Fixture *fixture)
{
    check_load_fails (fixture, 5, AREC_ERROR_CHANGED);
    fixture->faults.written = NULL;
    fixture->faults.written_begin = fixture->faults.written_end = 0;
    check_load_fails (fixture, 5, AREC_ERROR_CHANGED);
    g_assert_false (arec_shard_check_known (fixture->shard, NULL));
}

static void
test_one_of_the_chunks_is_written (Fixture *fixture, gconstpointer data)
{
    (void)data;
    load_all (fixture, 0, N_CHUNKS);
    write_chunks (fixture, 50, 51);
    fixture->faults.stamps++;
    check_is_changed_for_ever (fixture);
}

/* The footer is read when the shard is opened. */
static void
test_footer_is_written (Fixture *fixture, gconstpointer data)
{
    ArecShardOrigin origin;
    g_autofree uint8_t *bytes = g_memdup2 (fixture->old->file->data, fixture->old->file->len);

    (void)data;
    arec_shard_origin (fixture->shard, &origin);
    bytes[origin.footer_offset + 20] ^= 1; /* within its header */
    fixture->faults.written = bytes;
    fixture->faults.written_begin = 0;
    fixture->faults.written_end = fixture->old->file->len;
    fixture->faults.stamps++;
    check_is_changed_for_ever (fixture);
}

/* A chunk that was not read has no old bytes. */
static void
test_unread_chunk_is_written (Fixture *fixture, gconstpointer data)
{
    (void)data;
    load_all (fixture, 0, 50);
    write_chunks (fixture, 50, 51);
    fixture->faults.stamps++;
    g_assert_cmpint (load (fixture, 50), ==, 'n');
    load_all (fixture, 51, N_CHUNKS);
    /* From now on it counts as read. */
    write_chunks (fixture, 99, 100);
    fixture->faults.stamps++;
    check_load_fails (fixture, 0, AREC_ERROR_CHANGED);
}

/* A chunk is read, and before that is noted another thread believes a newer stamp. */
static void
test_written_between_read_and_note (Fixture *fixture, gconstpointer data)
{
    const TestForge *old = fixture->old;
    g_autoptr (ArecSource) source = test_faulty_source_new (
        arec_memory_source_new (NAME, old->file->data, old->file->len), &fixture->faults);
    g_autoptr (ArecSeenChunks) seen = arec_seen_chunks_new (source);
    ArecChunkPlace place = {.source = source, .limit = source->size, .max_size = UINT64_MAX};
    g_autoptr (GError) error = NULL;
    ArecChunkHeader header;

    (void)data;
    g_assert_true (
        arec_seen_chunks_set_index (seen, arec_shard_index (fixture->shard), false, NULL));
    for (unsigned is_written = 0; is_written < 2; is_written++) {
        uint64_t chunk = 20 + is_written;
        uint64_t since = arec_seen_chunks_stamp (seen);

        place.begin = entry_of (fixture, chunk).offset;
        g_assert_true (arec_chunk_read_header (&place, &header, NULL));
        if (is_written) {
            write_chunks (fixture, chunk, chunk + 1);
        }
        fixture->faults.stamps++;
        g_assert_true (arec_seen_chunks_check (seen, since, 0, 0, NULL)); /* the other one */
        arec_seen_chunks_note (seen, chunk, &header);
        g_assert_cmpint (arec_seen_chunks_check (seen, since, chunk, 1, &error), ==,
                         !is_written);
    }
    g_assert_error (error, AREC_ERROR, AREC_ERROR_CHANGED);
}

/* A failed read is not a change, and no proof that there is none. */
static void
test_comparing_fails (Fixture *fixture, gconstpointer data)
{
    (void)data;
    load_all (fixture, 0, 10);
    fixture->faults.stamps++;
    fixture->faults.fail_at_read = (int64_t)fixture->faults.reads + 5;
    check_load_fails (fixture, 20, AREC_ERROR_IO);
    fixture->faults.fail_at_read = -1;
    load_all (fixture, 0, 10);
    fixture->faults.stamps++;
    fixture->faults.fail_at_read = (int64_t)fixture->faults.reads + 5;
    write_chunks (fixture, 9, 10);
    check_load_fails (fixture, 20, AREC_ERROR_IO);
    fixture->faults.fail_at_read = -1;
    check_load_fails (fixture, 20, AREC_ERROR_CHANGED);
}

/* ---- while it is open for writing elsewhere ---- */

static void
set_up_written (Fixture *fixture, gconstpointer data)
{
    set_up (fixture, data);
    arec_shard_free (fixture->shard);
    fixture->faults.being_written = true;
    open_shard (fixture, false);
}

static void
test_written_without_a_stamp (Fixture *fixture, gconstpointer data)
{
    (void)data;
    load_all (fixture, 0, 50);
    write_chunks (fixture, 0, N_CHUNKS);
    check_load_fails (fixture, 60, AREC_ERROR_CHANGED);
    check_is_changed_for_ever (fixture);
}

/* A change of one chunk is found by one of the next loads, because each compares other
 * chunks. */
static void
test_little_is_written_without_a_stamp (Fixture *fixture, gconstpointer data)
{
    g_autoptr (GError) error = NULL;

    (void)data;
    load_all (fixture, 0, N_CHUNKS);
    write_chunks (fixture, 73, 74);
    for (unsigned i = 0; i < 2 && !error; i++) {
        g_autoptr (ArecChunk) chunk = NULL;

        test_load_chunk (fixture->shard, 0, &chunk, &error);
    }
    g_assert_error (error, AREC_ERROR, AREC_ERROR_CHANGED);
}

/* Nothing is written: the bytes are right, at a bounded number of reads a load, and at none
 * once the file is closed and all was compared. */
static void
test_open_for_writing_only (Fixture *fixture, gconstpointer data)
{
    (void)data;
    load_all (fixture, 0, N_CHUNKS);
    for (unsigned i = 0; i < 20; i++) {
        fixture->faults.reads = 0;
        g_assert_cmpint (load (fixture, i), ==, 'o');
        g_assert_cmpuint (fixture->faults.reads, >, 1);
        g_assert_cmpuint (fixture->faults.reads, <=, 1 + 1 + 16 * 16);
    }
    fixture->faults.being_written = false;
    fixture->faults.reads = 0;
    g_assert_cmpint (load (fixture, 0), ==, 'o');
    g_assert_cmpuint (fixture->faults.reads, ==, 1 + 1 + N_CHUNKS);
    fixture->faults.reads = 0;
    g_assert_cmpint (load (fixture, 0), ==, 'o');
    g_assert_cmpuint (fixture->faults.reads, ==, 1);
}

/* The writer has written and closed the file before the next load. */
static void
test_writer_has_gone (Fixture *fixture, gconstpointer data)
{
    (void)data;
    load_all (fixture, 0, N_CHUNKS);
    write_chunks (fixture, 99, 100);
    fixture->faults.being_written = false;
    check_is_changed_for_ever (fixture);
}

/* ---- what it takes ---- */

static ArecIndex *
make_index (uint64_t n_chunks)
{
    ArecIndexBuilder *builder = arec_index_builder_new();

    for (uint64_t i = 0; i < n_chunks; i++) {
        g_assert_true (arec_index_builder_add (builder, 64 + 100 * i, 10, 1, NULL));
    }
    return arec_index_builder_finish (builder, 64 + 100 * n_chunks, NULL);
}

static void
test_memory (Fixture *fixture, gconstpointer data)
{
    static const uint64_t counts[] = {0, 1, 16, 17, 65536, 65537, 1000000};

    (void)data;
    for (unsigned i = 0; i < G_N_ELEMENTS (counts); i++) {
        g_autoptr (ArecSource) source = arec_memory_source_new (NAME, "", 0);
        g_autoptr (ArecSeenChunks) all = arec_seen_chunks_new (source),
                                   bounded = arec_seen_chunks_new (source);
        g_autoptr (ArecIndex) index = make_index (counts[i]);

        g_assert_true (arec_seen_chunks_set_index (all, index, false, NULL));
        g_assert_true (arec_seen_chunks_set_index (bounded, index, true, NULL));
        g_assert_cmpuint (arec_seen_chunks_memory (all), <=, (counts[i] + 15) / 2);
        g_assert_cmpuint (arec_seen_chunks_memory (bounded), <=, 65536);
    }
    (void)fixture;
}

/* If there are more chunks than the notes have room for, those that were read first are
 * remembered. */
static void
test_bounded (Fixture *fixture, gconstpointer data)
{
    enum { MANY = 70000 };

    (void)data;
    tear_down (fixture, NULL);
    *fixture = (Fixture){.old = make_file ('o', MANY, 1), .new = make_file ('n', MANY, 1)};
    open_shard (fixture, true);
    for (uint64_t i = 0; i < MANY; i += 1 + i / 1000) { /* the first ones, and others */
        g_assert_cmpint (load (fixture, i), ==, 'o');
    }
    fixture->faults.stamps++;
    g_assert_cmpint (load (fixture, MANY - 1), ==, 'o');
    write_chunks (fixture, 500, 501);
    fixture->faults.stamps++;
    check_load_fails (fixture, 7, AREC_ERROR_CHANGED);
}

/* ---- threads ---- */

enum { THREADS = 6, ROUNDS = 300 };

static void *
load_many (void *data)
{
    Fixture *fixture = data;

    for (unsigned i = 0; i < ROUNDS; i++) {
        g_assert_cmpint (load (fixture, (i * 7) % N_CHUNKS), ==, 'o');
        if (i % 10 == 0) {
            fixture->faults.stamps++;
        }
    }
    return NULL;
}

/* A stamp that keeps moving fails no reader and stops none. */
static void
test_threads (Fixture *fixture, gconstpointer data)
{
    pthread_t threads[THREADS];

    (void)data;
    for (unsigned i = 0; i < THREADS; i++) {
        g_assert_cmpint (pthread_create (&threads[i], NULL, load_many, fixture), ==, 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join (threads[i], NULL);
    }
    write_chunks (fixture, 3, 4);
    fixture->faults.stamps++;
    check_load_fails (fixture, 9, AREC_ERROR_CHANGED);
}

int
main (int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*set_up) (Fixture *fixture, gconstpointer data);
        void (*test) (Fixture *fixture, gconstpointer data);
    } tests[] = {
        {"stamp-moves", set_up, test_stamp_moves},
        {"stamp-moves-with-state", set_up, test_stamp_moves_with_the_state},
        {"all-reads-count", set_up, test_all_reads_count},
        {"chunk-is-written", set_up, test_one_of_the_chunks_is_written},
        {"footer-is-written", set_up, test_footer_is_written},
        {"unread-chunk-is-written", set_up, test_unread_chunk_is_written},
        {"between-read-and-note", set_up, test_written_between_read_and_note},
        {"comparing-fails", set_up, test_comparing_fails},
        {"no-stamp/all", set_up_written, test_written_without_a_stamp},
        {"no-stamp/little", set_up_written, test_little_is_written_without_a_stamp},
        {"no-stamp/nothing", set_up_written, test_open_for_writing_only},
        {"no-stamp/gone", set_up_written, test_writer_has_gone},
        {"memory", set_up, test_memory},
        {"bounded", set_up, test_bounded},
        {"threads", set_up, test_threads},
    };

    g_test_init (&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS (tests); i++) {
        g_autofree char *path = g_strconcat ("/seen-chunks/", tests[i].name, NULL);

        g_test_add (path, Fixture, NULL, tests[i].set_up, tests[i].test, tear_down);
    }
    return g_test_run();
}
