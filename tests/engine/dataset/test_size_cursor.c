/* Sizes in the order of a listing: the same as one by one, with one read of the index for
 * many. */
#include <arec/arec.h>

#include "files.h"

typedef struct {
    ArecEngine *engine;
    ArecReader *reader;
    ArecSizeCursor *cursor;
} Fixture;

static Fixture
open_offloaded (const char *name, const char *range)
{
    static const ArecReaderOptions options = {.index_storage = AREC_INDEX_OFFLOADED};
    g_autofree char *file = test_golden_path (name), *path = g_strconcat (file, range, NULL);
    g_autoptr (GError) error = NULL;
    Fixture fixture = {.engine = arec_engine_new (NULL)};

    fixture.reader = arec_reader_open (fixture.engine, path, &options, &error);
    g_assert_no_error (error);
    fixture.cursor = arec_size_cursor_new (fixture.reader);
    return fixture;
}

static void
close_all (Fixture *fixture)
{
    arec_size_cursor_free (fixture->cursor);
    arec_reader_unref (fixture->reader);
    arec_engine_unref (fixture->engine);
}

static uint64_t
index_reads (const Fixture *fixture)
{
    ArecEngineStats stats;

    arec_engine_get_stats (fixture->engine, &stats);
    return stats.index_reads;
}

static void
check_size (const Fixture *fixture, uint64_t record)
{
    g_autoptr (GError) error = NULL;
    uint64_t expected, size;

    arec_reader_record_size (fixture->reader, record, &expected, &error);
    g_assert_no_error (error);
    arec_size_cursor_get (fixture->cursor, record, &size, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (size, ==, expected);
}

static void
test_any_order (gconstpointer name)
{
    static const char *const ranges[] = {"", "[3:-2]"};

    for (unsigned k = 0; k < G_N_ELEMENTS (ranges); k++) {
        Fixture fixture = open_offloaded (name, ranges[k]);
        uint64_t n = arec_reader_n_records (fixture.reader);

        for (uint64_t i = 0; i < n; i++) {
            check_size (&fixture, i);
            check_size (&fixture, i); /* those that did not fit are requested again */
        }
        for (uint64_t i = 0; i < 200; i++) {
            check_size (&fixture, (uint64_t)g_test_rand_int_range (0, (gint32)n));
        }
        close_all (&fixture);
    }
}

static void
test_reads_of_the_index (gconstpointer name)
{
    Fixture fixture = open_offloaded (name, "");
    uint64_t n = arec_reader_n_records (fixture.reader), before = index_reads (&fixture), size;
    ArecFileInfo info;

    arec_reader_file_info (fixture.reader, 0, &info);
    for (uint64_t i = 0; i < n; i++) {
        g_assert_true (arec_size_cursor_get (fixture.cursor, i, &size, NULL));
    }
    /* One read for 64 chunks, and those that find the first. */
    g_assert_cmpuint (index_reads (&fixture) - before, <=, 2 + info.n_chunks / 64);
    close_all (&fixture);
}

static void
test_no_such_record (void)
{
    Fixture fixture = open_offloaded ("text.groupsize64-snappy.array_record", "");
    g_autoptr (GError) error = NULL;
    uint64_t size = 7;

    g_assert_false (arec_size_cursor_get (
        fixture.cursor, arec_reader_n_records (fixture.reader), &size, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
    g_assert_cmpuint (size, ==, 7);
    check_size (&fixture, 0);
    close_all (&fixture);
    arec_size_cursor_free (NULL);
}

int
main (int argc, char **argv)
{
    static const char *const names[] = {"text.groupsize64-snappy.array_record",
                                        "text.default.array_record",
                                        "text.groupsize128-transposetrue-zstd3.array_record"};

    g_test_init (&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS (names); i++) {
        g_autofree char *any = g_strconcat ("/size-cursor/any-order/", names[i], NULL);
        g_autofree char *reads = g_strconcat ("/size-cursor/reads/", names[i], NULL);

        g_test_add_data_func (any, names[i], test_any_order);
        g_test_add_data_func (reads, names[i], test_reads_of_the_index);
    }
    g_test_add_func ("/size-cursor/no-such-record", test_no_such_record);
    return g_test_run();
}
