/* Shards of a writer: by every rule each has its own records with their names and no others,
 * and the same bytes for every number of threads. */
#include <string.h>

#include <glib.h>
#include <glib/gstdio.h>

#include <arec/arec.h>

#include "loads.h"

#include "arrayrecord/shard.h"
#include "riegeli/chunk.h"
#include "source/memory_source.h"

enum { N_RECORDS = 50 };

static const unsigned threads[] = {1, 2, 8};

/* Which records have names. */
typedef enum {
    NAMES_OF_NONE,
    NAMES_OF_ALL,
    NAMES_OF_SOME, /* of every third */
    NAMES_OF_LATE, /* of those in the last part */
} Naming;

static bool
has_name (Naming naming, unsigned record)
{
    switch (naming) {
    case NAMES_OF_NONE: return false;
    case NAMES_OF_ALL: return true;
    case NAMES_OF_SOME: return record % 3 == 0;
    case NAMES_OF_LATE: return record >= 40;
    }
    return false;
}

/* The record tells its name. */
static char *
make_record (unsigned record)
{
    return g_strdup_printf ("%u of them", record);
}

typedef struct {
    char *folder;
    char *out;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
    (void)data;
    fixture->folder = g_dir_make_tmp ("arec-test-XXXXXX", NULL);
    fixture->out = g_build_filename (fixture->folder, "out.array_record", NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
    (void)data;
    g_assert_cmpint (g_rmdir (fixture->folder), ==, 0);
    g_free (fixture->out);
    g_free (fixture->folder);
}

/* Returns the finished writer. */
static ArecWriter *
write_shards (const Fixture *fixture, const ArecSharding *sharding, Naming naming, unsigned n)
{
    g_autoptr (GError) error = NULL;
    ArecWriterOptions options;
    ArecWriter *writer;

    arec_writer_options_parse ("group_size:4,zstd", &options, &error);
    g_assert_no_error (error);
    options.max_parallelism = n;
    options.output.no_sync = true;
    writer = arec_writer_new_sharded (fixture->out, &options, sharding, &error);
    g_assert_no_error (error);
    for (unsigned i = 0; i < N_RECORDS; i++) {
        g_autofree char *record = make_record (i);

        arec_writer_write_named (writer, record, strlen (record),
                                 has_name (naming, i) ? record : NULL, &error);
        g_assert_no_error (error);
    }
    arec_writer_finish (writer, &error);
    g_assert_no_error (error);
    return writer;
}

/* @bytes  outlive it. */
static ArecShard *
open_shard (const GByteArray *bytes)
{
    const ArecShardOptions options = {.limits = {.max_size = 1 << 20},
                                      .name_is_array_record = true};
    g_autoptr (GError) error = NULL;
    ArecShard *shard = arec_shard_open (
        arec_memory_source_new ("in.array_record", bytes->data, bytes->len), &options, &error);

    g_assert_no_error (error);
    return shard;
}

/* Their numbers, in order. */
static GArray *
records_of (ArecShard *shard)
{
    GArray *records = g_array_new (FALSE, FALSE, sizeof (unsigned));
    const ArecIndex *index = arec_shard_index (shard);

    for (uint64_t i = 0; i < arec_index_n_chunks (index); i++) {
        g_autoptr (ArecChunk) chunk = NULL;
        g_autoptr (GError) error = NULL;

        test_load_chunk (shard, i, &chunk, &error);
        g_assert_no_error (error);
        for (uint64_t k = 0; k < chunk->ends.n; k++) {
            ArecBytes bytes = arec_chunk_record (chunk, k);
            g_autofree char *text =
                g_strndup ((const char *)bytes.at, arec_bytes_left (&bytes));
            unsigned record = (unsigned)g_ascii_strtoull (text, NULL, 10);

            g_array_append_val (records, record);
        }
    }
    return records;
}

static void
check_names (ArecShard *shard, const GArray *records, Naming naming)
{
    g_autoptr (ArecNameTable) table = NULL;
    g_autoptr (GError) error = NULL;
    ArecNamesChunk found;
    bool has_any = false;

    for (guint i = 0; i < records->len; i++) {
        has_any |= has_name (naming, g_array_index (records, unsigned, i));
    }
    g_assert_true (arec_shard_find_names (shard, &found, &error));
    g_assert_cmpint (found.is_there, ==, has_any);
    if (!has_any) {
        return;
    }
    arec_shard_load_names (shard, &found, &table, &error);
    g_assert_no_error (error);
    for (guint i = 0; i < records->len; i++) {
        unsigned record = g_array_index (records, unsigned, i);
        g_autofree char *name = make_record (record);

        g_assert_cmpstr (arec_name_table_get (table, i), ==,
                         has_name (naming, record) ? name : "");
    }
}

/* @next  (in, out) records of the shards before this one. */
static void
check_order (const ArecSharding *sharding, const GArray *records, uint64_t shard,
             unsigned *next)
{
    bool is_in_turn = sharding->rule == AREC_SHARDING_ROUND_ROBIN;

    for (guint i = 0; i < records->len; i++, (*next)++) {
        unsigned expected = is_in_turn ? (unsigned)(shard + i * sharding->n) : *next;

        g_assert_cmpuint (g_array_index (records, unsigned, i), ==, expected);
    }
}

static GByteArray *
read_bytes (const char *path)
{
    g_autoptr (GError) error = NULL;
    char *bytes;
    gsize size;

    g_file_get_contents (path, &bytes, &size, &error);
    g_assert_no_error (error);
    return g_byte_array_new_take ((guint8 *)bytes, size);
}

/* Checks the shards and removes them. Returns the bytes of all. */
static GByteArray *
check_shards (const ArecWriter *writer, const ArecSharding *sharding, Naming naming)
{
    GByteArray *all = g_byte_array_new();
    unsigned next = 0;

    for (uint64_t i = 0; i < arec_writer_n_files (writer); i++) {
        ArecWriterTotals totals;
        const char *path = arec_writer_get_file (writer, i, &totals);
        g_autoptr (GByteArray) bytes = read_bytes (path);
        g_autoptr (ArecShard) shard = open_shard (bytes);
        g_autoptr (GArray) records = records_of (shard);

        g_assert_cmpuint (records->len, ==, totals.n_records);
        check_order (sharding, records, i, &next);
        check_names (shard, records, naming);
        g_byte_array_append (all, bytes->data, bytes->len);
        g_unlink (path);
    }
    g_assert_cmpuint (next, ==, N_RECORDS);
    return all;
}

static void
test_records_and_names (Fixture *fixture, gconstpointer data)
{
    /* The last one has shards that get no record. */
    static const ArecSharding shardings[] = {
        {AREC_SHARDING_NONE, 0, 0, false},         {AREC_SHARDING_EVEN, 3, N_RECORDS, false},
        {AREC_SHARDING_ROUND_ROBIN, 3, 0, true},   {AREC_SHARDING_BY_RECORDS, 7, 0, false},
        {AREC_SHARDING_BY_SIZE, 600, 0, false},    {AREC_SHARDING_EVEN, 60, N_RECORDS, false},
        {AREC_SHARDING_ROUND_ROBIN, 60, 0, false},
    };

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS (shardings); i++) {
        for (Naming naming = NAMES_OF_NONE; naming <= NAMES_OF_LATE; naming++) {
            g_autoptr (GByteArray) first = NULL;

            for (size_t k = 0; k < G_N_ELEMENTS (threads); k++) {
                g_autoptr (ArecWriter) writer =
                    write_shards (fixture, &shardings[i], naming, threads[k]);
                g_autoptr (GByteArray) bytes = check_shards (writer, &shardings[i], naming);

                if (!first) {
                    first = g_steal_pointer (&bytes);
                } else {
                    g_assert_cmpmem (first->data, first->len, bytes->data, bytes->len);
                }
            }
        }
    }
}

/* Records beyond the number that was announced are refused, and nothing appears. */
static void
test_too_many_records (Fixture *fixture, gconstpointer data)
{
    const ArecSharding sharding = {AREC_SHARDING_EVEN, 2, 3, false};
    g_autoptr (GError) error = NULL;
    ArecWriter *writer = arec_writer_new_sharded (fixture->out, NULL, &sharding, &error);

    (void)data;
    g_assert_no_error (error);
    for (unsigned i = 0; i < 3; i++) {
        g_assert_true (arec_writer_write (writer, "x", 1, &error));
    }
    g_assert_false (arec_writer_write (writer, "x", 1, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_CHANGED);
    g_clear_error (&error);
    g_assert_false (arec_writer_finish (writer, &error));
    arec_writer_free (writer);
}

static void
write_old (const char *path)
{
    g_assert_true (g_file_set_contents (path, "old", 3, NULL));
}

/* Names that are taken, with and without a number of shards that is known. */
static void
test_existing_shards (Fixture *fixture, gconstpointer data)
{
    const ArecSharding same = {AREC_SHARDING_EVEN, 3, 0, false};
    const ArecSharding other = {AREC_SHARDING_EVEN, 4, 0, false};
    const ArecSharding unknown = {AREC_SHARDING_BY_RECORDS, 7, 0, false};
    const ArecOutputOptions keeping = {0}, replacing = {.replace = true};
    g_autofree char *old = g_strconcat (fixture->out, "-00002-of-00003", NULL);
    g_autoptr (GError) error = NULL;

    (void)data;
    write_old (old);
    g_assert_true (arec_sharding_check_names (&other, fixture->out, &keeping, &error));
    g_assert_true (arec_sharding_check_names (&same, fixture->out, &replacing, &error));
    g_assert_no_error (error);
    g_assert_false (arec_sharding_check_names (&same, fixture->out, &keeping, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
    g_clear_error (&error);
    g_assert_false (arec_sharding_check_names (&unknown, fixture->out, &keeping, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
    g_clear_error (&error);
    g_assert_null (arec_writer_new_sharded (fixture->out, NULL, &unknown, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
    g_unlink (old);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add ("/sharded-writer/records-and-names", Fixture, NULL, set_up,
                test_records_and_names, tear_down);
    g_test_add ("/sharded-writer/too-many-records", Fixture, NULL, set_up,
                test_too_many_records, tear_down);
    g_test_add ("/sharded-writer/existing-shards", Fixture, NULL, set_up, test_existing_shards,
                tear_down);
    return g_test_run();
}
