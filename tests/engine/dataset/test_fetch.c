/* Which stored bytes a source with a window is told of, and when: by a cursor, a batch, and a
 * reader's stream. */
#include <pthread.h>

#include <arec/arec.h>

#include "dataset/fetch.h"
#include "dataset/reader.h"
#include "files.h"
#include "forge.h"

enum { N_CHUNKS = 200, GROUP_SIZE = 10, N_RECORDS = N_CHUNKS * GROUP_SIZE, N_FILES = 2 };

#define RECORD_SIZE 1000

/* A file whose source has a window. */
typedef struct {
    ArecSourceOps ops; /* the source's own, but for the window */
    const ArecSourceOps *own;
    uint64_t window;
    unsigned n_named[N_CHUNKS]; /* how often each chunk was */
    uint64_t named;             /* bytes, ever */
    uint64_t n_calls;
    uint64_t offsets[N_CHUNKS + 1];
} Line;

typedef struct {
    char *paths[N_FILES];
    ArecEngine *engine;
    ArecReader *reader;
} Fixture;

static Line lines[N_FILES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of what is counted there */

static Line *
line_of (ArecSource *source)
{
    for (size_t i = 0; i < N_FILES; i++) {
        if (source->ops == &lines[i].ops) {
            return &lines[i];
        }
    }
    g_assert_not_reached();
}

static uint64_t
window_of (ArecSource *source)
{
    return line_of (source)->window;
}

static void
note_need (ArecSource *source, const ArecRange *ranges, size_t n, ArecUrgency urgency)
{
    Line *line = line_of (source);

    g_assert_true (urgency == AREC_URGENCY_AHEAD || urgency == AREC_URGENCY_FRONT);
    pthread_mutex_lock (&lock);
    line->n_calls++;
    for (size_t i = 0; i < n; i++) {
        bool begins = false, ends = false;

        g_assert_cmpuint (ranges[i].begin, <, ranges[i].end);
        for (unsigned chunk = 0; chunk < N_CHUNKS; chunk++) {
            begins = begins || line->offsets[chunk] == ranges[i].begin;
            ends = ends || line->offsets[chunk + 1] == ranges[i].end;
            if (line->offsets[chunk] >= ranges[i].begin &&
                line->offsets[chunk + 1] <= ranges[i].end) {
                line->n_named[chunk]++;
            }
        }
        g_assert_true (begins && ends); /* whole chunks */
        line->named += ranges[i].end - ranges[i].begin;
    }
    pthread_mutex_unlock (&lock);
}

static void
give_window (ArecReader *reader, size_t file, uint64_t window)
{
    ArecShard *shard = arec_reader_shard (reader, file);
    ArecSource *source = (ArecSource *)arec_shard_source (shard);
    Line *line = &lines[file];

    *line = (Line){.ops = *source->ops, .own = source->ops, .window = window};
    line->ops.window = window_of;
    line->ops.will_need = note_need;
    for (uint64_t chunk = 0; chunk < N_CHUNKS; chunk++) {
        ArecIndexEntry entry;

        g_assert_true (arec_index_get (arec_shard_index (shard), chunk, &entry, NULL));
        line->offsets[chunk] = entry.offset;
        line->offsets[chunk + 1] = entry.limit;
    }
    source->ops = &line->ops;
}

/* @window  bytes; of both files. */
static void
set_up (Fixture *fixture, uint64_t window, unsigned n_threads)
{
    g_autoptr (GError) error = NULL;
    ArecSourceList *list = arec_source_list_new();

    for (size_t file = 0; file < N_FILES; file++) {
        g_autoptr (TestForge) forge = test_forge_new();
        uint8_t bytes[RECORD_SIZE] = {0};
        TestForgeRecord records[GROUP_SIZE];

        for (unsigned chunk = 0; chunk < N_CHUNKS; chunk++) {
            for (unsigned i = 0; i < GROUP_SIZE; i++) {
                records[i] = (TestForgeRecord){bytes, sizeof bytes};
            }
            test_forge_records (forge, AREC_COMPRESSION_NONE, records, GROUP_SIZE);
        }
        test_forge_finish (forge);
        fixture->paths[file] = test_file_write (file == 0 ? "a.array_record" : "b.array_record",
                                                forge->file->data, forge->file->len);
        g_assert_true (arec_source_list_add (list, fixture->paths[file], NULL, &error));
    }
    fixture->engine = arec_engine_new (&(ArecEngineOptions){.max_parallelism = n_threads});
    fixture->reader = arec_reader_open_list (fixture->engine, list, 0, N_FILES, NULL, &error);
    g_assert_no_error (error);
    arec_source_list_unref (list);
    for (size_t file = 0; file < N_FILES; file++) {
        give_window (fixture->reader, file, window);
    }
}

static void
tear_down (Fixture *fixture)
{
    for (size_t file = 0; file < N_FILES; file++) {
        ArecSource *source =
            (ArecSource *)arec_shard_source (arec_reader_shard (fixture->reader, file));

        source->ops = lines[file].own;
    }
    arec_reader_unref (fixture->reader);
    arec_engine_unref (fixture->engine);
    for (size_t file = 0; file < N_FILES; file++) {
        test_file_remove (fixture->paths[file]);
    }
}

/* Bytes named in both files. */
static uint64_t
named (void)
{
    uint64_t n;

    pthread_mutex_lock (&lock);
    n = lines[0].named + lines[1].named;
    pthread_mutex_unlock (&lock);
    return n;
}

static void
assert_each_named (unsigned least, unsigned most)
{
    for (size_t file = 0; file < N_FILES; file++) {
        for (unsigned chunk = 0; chunk < N_CHUNKS; chunk++) {
            g_assert_cmpuint (lines[file].n_named[chunk], >=, least);
            g_assert_cmpuint (lines[file].n_named[chunk], <=, most);
        }
    }
}

/* A cursor names each chunk once, in a few calls, and not much more than the window ahead. */
static void
test_cursor (void)
{
    const uint64_t window = 600000; /* bytes: about 60 chunks */
    Fixture fixture;
    ArecCursor *cursor;
    uint64_t planned = 0, most = 0;

    set_up (&fixture, window, 2);
    cursor = arec_cursor_new (fixture.reader, 0, 2 * N_RECORDS);
    for (;;) {
        g_autoptr (GError) error = NULL;
        const uint8_t *data;
        size_t size;

        g_assert_true (arec_cursor_next (cursor, NULL, &data, &size, &error));
        if (!data) {
            break;
        }
        planned += size;
        most = MAX (most, named() > planned ? named() - planned : 0);
    }
    arec_cursor_free (cursor);
    assert_each_named (1, 1);
    g_assert_cmpuint (lines[0].n_calls + lines[1].n_calls, <, 80);
    /* Pieces of 256 KiB are planned ahead of what is handed out: two threads have two each. */
    g_assert_cmpuint (most, <=, 6 * 256 * 1024 + window);
    tear_down (&fixture);
}

/* Of the whole sequence only what is wanted. */
static void
test_part (void)
{
    Fixture fixture;
    ArecCursor *cursor;
    const uint8_t *data;
    size_t size;

    set_up (&fixture, 1 << 20, 2);
    cursor = arec_cursor_new (fixture.reader, 95, 101);
    g_assert_true (arec_cursor_next (cursor, NULL, &data, &size, NULL));
    for (unsigned chunk = 0; chunk < N_CHUNKS; chunk++) {
        g_assert_cmpuint (lines[0].n_named[chunk], ==, chunk == 9 || chunk == 10);
    }
    g_assert_cmpuint (lines[1].named, ==, 0);
    arec_cursor_free (cursor);
    tear_down (&fixture);
}

/* A batch names what it wants, each chunk once but the first, which it reads at once. It leaves
 * out what the cache has and, with helpers, what these are loading. */
static void
test_batch (void)
{
    const uint64_t window = 50000;
    Fixture fixture;
    uint64_t records[N_CHUNKS / 2 * N_FILES];
    ArecView views[G_N_ELEMENTS (records)] = {0};
    g_auto (ArecView) view = {0};
    g_autoptr (GError) error = NULL;

    set_up (&fixture, window, 1);
    g_assert_true (arec_reader_read (fixture.reader, 40 * GROUP_SIZE, &view, &error));
    for (size_t i = 0; i < G_N_ELEMENTS (records); i++) {
        records[i] = i * 2 * GROUP_SIZE + 3;
    }
    g_assert_true (
        arec_reader_read_many (fixture.reader, records, G_N_ELEMENTS (records), views, &error));
    for (size_t i = 0; i < G_N_ELEMENTS (records); i++) {
        arec_view_clear (&views[i]);
    }
    assert_each_named (0, 1);
    for (unsigned chunk = 0; chunk < N_CHUNKS; chunk += 2) {
        g_assert_cmpuint (lines[0].n_named[chunk], ==, chunk != 0 && chunk != 40);
        g_assert_cmpuint (lines[0].n_named[chunk + 1], ==, 0);
    }
    tear_down (&fixture);
}

static uint64_t
note (ArecReadahead *readahead, uint64_t record)
{
    uint64_t before = named();

    arec_readahead_note (readahead, record);
    return named() - before;
}

/* A reader in order: nothing until it is sure, then more each time, up to the window; each
 * chunk once. A reader at random: hardly anything. */
static void
test_stream (void)
{
    const uint64_t window = 300000;
    Fixture fixture;
    ArecReadahead *readahead;
    uint64_t most = 0, at_random = 1;

    set_up (&fixture, window, 2);
    readahead = arec_readahead_new (fixture.reader, 0); /* decodes nothing ahead */
    g_assert_cmpuint (note (readahead, 0), ==, 0);
    g_assert_cmpuint (note (readahead, 1), ==, 0);
    g_assert_cmpuint (note (readahead, 2), >, 0);
    for (uint64_t record = 3; record < 2 * N_RECORDS; record++) {
        uint64_t now = note (readahead, record);

        most = MAX (most, now);
    }
    assert_each_named (1, 1);
    g_assert_cmpuint (most, >, window / 4);
    g_assert_cmpuint (most, <=, window + 2 * GROUP_SIZE * RECORD_SIZE);
    arec_readahead_free (readahead);
    tear_down (&fixture);

    set_up (&fixture, window, 2);
    readahead = arec_readahead_new (fixture.reader, 0);
    for (uint64_t i = 0; i < 1000; i++) {
        note (readahead, at_random % (2 * N_RECORDS));
        at_random = (at_random * 1103515245 + 12345) & 0x7fffffff;
    }
    /* Three steps alike are chance once in a while. */
    g_assert_cmpuint (named(), <, 1000 * GROUP_SIZE * RECORD_SIZE / 20);
    arec_readahead_free (readahead);
    tear_down (&fixture);
}

/* Every 40th record: the chunks between are not named. */
static void
test_steps (void)
{
    Fixture fixture;
    ArecReadahead *readahead;

    set_up (&fixture, 300000, 2);
    readahead = arec_readahead_new (fixture.reader, 0);
    for (uint64_t record = 0; record < N_RECORDS; record += 4 * GROUP_SIZE) {
        note (readahead, record);
    }
    for (unsigned chunk = 0; chunk < N_CHUNKS; chunk++) {
        g_assert_cmpuint (lines[0].n_named[chunk], ==, chunk % 4 == 0 && chunk >= 12);
    }
    arec_readahead_free (readahead);
    tear_down (&fixture);
}

/* A source without a window is told of nothing. */
static void
test_without_window (void)
{
    Fixture fixture;
    ArecReadahead *readahead;
    ArecCursor *cursor;
    const uint8_t *data;
    size_t size;

    set_up (&fixture, 0, 2);
    readahead = arec_readahead_new (fixture.reader, 0);
    for (uint64_t record = 0; record < N_RECORDS; record++) {
        note (readahead, record);
    }
    cursor = arec_cursor_new (fixture.reader, 0, N_RECORDS);
    g_assert_true (arec_cursor_next (cursor, NULL, &data, &size, NULL));
    arec_cursor_free (cursor);
    g_assert_cmpuint (lines[0].n_calls + lines[1].n_calls, ==, 0);
    arec_readahead_free (readahead);
    tear_down (&fixture);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/fetch/cursor", test_cursor);
    g_test_add_func ("/fetch/part", test_part);
    g_test_add_func ("/fetch/batch", test_batch);
    g_test_add_func ("/fetch/stream", test_stream);
    g_test_add_func ("/fetch/steps", test_steps);
    g_test_add_func ("/fetch/without-window", test_without_window);
    return g_test_run();
}
