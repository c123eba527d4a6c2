/* Groups: chunks come in the order of the records whatever the number of threads, no more
 * groups wait than may, and failures come out where their group would. */
#include "writer/groups.h"

#include <string.h>

#include "base/error.h"

#define MIB ((size_t)1 << 20)

/* Bytes of a record that fills a batch, so that threads get it. */
#define LARGE ((size_t)100000)

/* What was put so far. */
typedef struct {
    uint64_t n_records, n_chunks;
    int64_t fail_at_chunk; /* -1: none */
    GByteArray *bodies;
} Taken;

static bool
take_chunk (void *data, size_t lane, const ArecChunkHeader *header, const uint8_t *body,
            GError **error)
{
    Taken *taken = data;

    g_assert_cmpuint (lane, ==, 0);
    if (taken->fail_at_chunk == (int64_t)taken->n_chunks) {
        return arec_fail (error, AREC_ERROR_IO, "out: injected failure");
    }
    taken->n_chunks++;
    taken->n_records += header->num_records;
    g_byte_array_append (taken->bodies, body, (guint)header->data_size);
    return true;
}

static Taken
nothing_taken (void)
{
    return (Taken){.fail_at_chunk = -1, .bodies = g_byte_array_new()};
}

static ArecGroups *
open_groups (const char *text, unsigned n_threads, uint64_t max_memory, Taken *taken)
{
    ArecGroupsOptions options = {.name = "out", .put = take_chunk, .data = taken, .n_lanes = 1};

    g_assert_true (arec_writer_options_parse (text, &options.writer, NULL));
    options.writer.max_parallelism = n_threads;
    options.writer.max_memory = max_memory;
    options.writer.max_chunk_size = 64 * MIB;
    return arec_groups_new (&options);
}

static void
add_number (ArecGroups *groups, uint32_t number)
{
    g_autoptr (GError) error = NULL;

    arec_groups_add (groups, &number, sizeof number, &error);
    g_assert_no_error (error);
}

/* Bodies of uncompressed groups of one are `00 01 04` and the record. */
static void
test_order (void)
{
    static const unsigned threads[] = {1, 2, 3, 8};

    for (unsigned i = 0; i < G_N_ELEMENTS (threads); i++) {
        Taken taken = nothing_taken();
        g_autoptr (ArecGroups) groups = open_groups ("uncompressed", threads[i], 0, &taken);
        g_autoptr (GError) error = NULL;

        for (uint32_t n = 0; n < 5000; n++) {
            add_number (groups, n);
        }
        arec_groups_finish (groups, &error);
        g_assert_no_error (error);
        g_assert_cmpuint (taken.n_chunks, ==, 5000);
        g_assert_cmpuint (taken.bodies->len, ==, 5000 * 7);
        for (uint32_t n = 0; n < 5000; n++) {
            g_assert_cmpmem (taken.bodies->data + 7 * n + 3, 4, &n, 4);
        }
        g_byte_array_unref (taken.bodies);
    }
}

/* Large groups: as many as threads are in work. */
static void
test_bound_by_threads (void)
{
    static const unsigned threads[] = {1, 2, 4};
    g_autofree uint8_t *record = g_malloc0 (2 * MIB);

    for (unsigned i = 0; i < G_N_ELEMENTS (threads); i++) {
        Taken taken = nothing_taken();
        g_autoptr (ArecGroups) groups = open_groups ("snappy", threads[i], 0, &taken);

        for (uint64_t n = 1; n <= 20; n++) {
            g_assert_true (arec_groups_add (groups, record, 2 * MIB, NULL));
            g_assert_cmpuint (n - taken.n_records, ==,
                              threads[i] == 1 ? 0 : MIN (n, threads[i]));
        }
        g_assert_true (arec_groups_finish (groups, NULL));
        g_assert_cmpuint (taken.n_records, ==, 20);
        g_byte_array_unref (taken.bodies);
    }
}

/* Tiny groups have buffers of their own, so their number is bounded, too: four batches of 64
 * for each thread, and one that is gathered. */
static void
test_bound_of_tiny_groups (void)
{
    Taken taken = nothing_taken();
    g_autoptr (ArecGroups) groups = open_groups ("uncompressed", 2, 0, &taken);

    for (uint32_t n = 1; n <= 5000; n++) {
        add_number (groups, n);
        g_assert_cmpuint (n - taken.n_records, <=, (2 * 4 + 1) * 64);
    }
    g_assert_true (arec_groups_finish (groups, NULL));
    g_byte_array_unref (taken.bodies);
}

/* A group counts twice, as records and as a chunk. */
static void
test_bound_by_memory (void)
{
    Taken taken = nothing_taken();
    g_autoptr (ArecGroups) groups = open_groups ("snappy", 8, 5 * MIB, &taken);
    g_autofree uint8_t *record = g_malloc0 (MIB);

    for (uint64_t n = 1; n <= 20; n++) {
        g_assert_true (arec_groups_add (groups, record, MIB, NULL));
        g_assert_cmpuint (n - taken.n_records, ==, MIN (n, 2));
    }
    g_assert_true (arec_groups_finish (groups, NULL));
    g_assert_cmpuint (taken.n_records, ==, 20);
    g_byte_array_unref (taken.bodies);
}

/* The codec's memory counts for every group in work: level 9 has tables of 32 MiB for a record
 * of this size. */
static void
test_bound_by_encoders (void)
{
    static const struct {
        uint64_t max_memory;
        uint64_t n; /* groups in work */
    } cases[] = {{0, 8}, {30 * MIB, 1}, {75 * MIB, 1}, {100 * MIB, 2}, {150 * MIB, 3}};
    g_autofree uint8_t *record = g_malloc0 (MIB);

    for (unsigned i = 0; i < G_N_ELEMENTS (cases); i++) {
        Taken taken = nothing_taken();
        g_autoptr (ArecGroups) groups =
            open_groups ("brotli:9", 8, cases[i].max_memory, &taken);
        uint64_t most = 0;

        for (uint64_t n = 1; n <= 20; n++) {
            g_assert_true (arec_groups_add (groups, record, MIB, NULL));
            most = MAX (most, n - taken.n_records);
        }
        g_assert_cmpuint (most, ==, cases[i].n);
        g_assert_true (arec_groups_finish (groups, NULL));
        g_assert_cmpuint (taken.n_records, ==, 20);
        g_byte_array_unref (taken.bodies);
    }
}

/* A message of at most @size bytes that has no field twice, so that a transposed chunk has as
 * many fields as there may be. */
static GByteArray *
make_many_fields (unsigned size)
{
    GByteArray *message = g_byte_array_new();

    for (uint32_t tag = 8; message->len + 6 <= size; tag += 8) {
        uint8_t bytes[6];
        unsigned n = 0;

        for (uint32_t left = tag; left > 0; left >>= 7) {
            bytes[n++] = (uint8_t)(left >= 0x80 ? left | 0x80 : left);
        }
        bytes[n++] = 1;
        g_byte_array_append (message, bytes, n);
    }
    return message;
}

/* What records take that are taken apart is only known afterwards: the first group is alone,
 * and the next ones are as many as have room by what it took. */
static void
test_bound_of_transposed_groups (void)
{
    g_autoptr (GByteArray) message = make_many_fields (LARGE);
    g_autofree uint8_t *plain = g_malloc0 (LARGE);
    const struct {
        const uint8_t *record;
        size_t size;
        uint64_t least, most; /* in work at the end */
    } cases[] = {{plain, LARGE, 8, 40}, {message->data, message->len, 1, 2}};

    for (unsigned i = 0; i < G_N_ELEMENTS (cases); i++) {
        Taken taken = nothing_taken();
        g_autoptr (ArecGroups) groups =
            open_groups ("transpose,uncompressed", 8, 20 * MIB, &taken);
        uint64_t most = 0;

        for (uint64_t n = 1; n <= 40; n++) {
            g_assert_true (arec_groups_add (groups, cases[i].record, cases[i].size, NULL));
            g_assert_true (n > 2 || n - taken.n_records == 1);
            most = MAX (most, n - taken.n_records);
        }
        g_test_message ("%" G_GUINT64_FORMAT " in work", most);
        g_assert_cmpuint (most, >=, cases[i].least);
        g_assert_cmpuint (most, <=, cases[i].most);
        g_assert_true (arec_groups_finish (groups, NULL));
        g_byte_array_unref (taken.bodies);
    }
}

/* A group that is larger than all memory is taken, alone. */
static void
test_one_group_beyond_memory (void)
{
    Taken taken = nothing_taken();
    g_autoptr (ArecGroups) groups = open_groups ("group_size:3,snappy", 2, 1000, &taken);
    g_autofree uint8_t *record = g_malloc0 (MIB);

    for (unsigned n = 0; n < 7; n++) {
        g_assert_true (arec_groups_add (groups, record, MIB, NULL));
    }
    g_assert_true (arec_groups_finish (groups, NULL));
    g_assert_cmpuint (taken.n_chunks, ==, 3);
    g_assert_cmpuint (taken.n_records, ==, 7);
    g_byte_array_unref (taken.bodies);
}

/* The error of `put` comes back as it is, and nothing more is put. */
static void
test_failing_put (void)
{
    static const unsigned threads[] = {1, 4};
    g_autofree uint8_t *record = g_malloc0 (LARGE);

    for (unsigned i = 0; i < G_N_ELEMENTS (threads); i++) {
        for (int64_t at = 0; at < 12; at++) {
            Taken taken = nothing_taken();
            g_autoptr (ArecGroups) groups =
                open_groups ("group_size:2,uncompressed", threads[i], 0, &taken);
            g_autoptr (GError) error = NULL;
            bool ok = true;

            taken.fail_at_chunk = at;
            for (unsigned n = 0; n < 23 && ok; n++) {
                ok = arec_groups_add (groups, record, LARGE, &error);
            }
            g_assert_false (ok && arec_groups_finish (groups, &error));
            g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
            g_assert_cmpstr (error->message, ==, "out: injected failure");
            g_assert_cmpint ((int64_t)taken.n_chunks, ==, at);
            g_byte_array_unref (taken.bodies);
        }
    }
}

/* A group that cannot be encoded names its records. What came before it is put. */
static void
test_failing_codec (void)
{
    static const unsigned threads[] = {1, 2};
    g_autofree uint8_t *record = g_malloc0 (LARGE);

    for (unsigned i = 0; i < G_N_ELEMENTS (threads); i++) {
        Taken taken = nothing_taken();
        ArecGroupsOptions options = {
            .name = "out", .put = take_chunk, .data = &taken, .n_lanes = 1};
        g_autoptr (ArecGroups) groups = NULL;
        g_autoptr (GError) error = NULL;
        bool ok = true;

        arec_writer_options_init (&options.writer);
        options.writer.group_size = 3;
        options.writer.window_log = 9; /* which a checked option string never has */
        options.writer.max_parallelism = threads[i];
        options.writer.max_chunk_size = MIB;
        groups = arec_groups_new (&options);
        for (unsigned n = 0; n < 5 && ok; n++) {
            ok = arec_groups_add (groups, record, LARGE, &error);
        }
        g_assert_false (ok && arec_groups_finish (groups, &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
        g_assert_true (
            g_str_has_prefix (error->message, "out: records 0 to 2: cannot compress "));
        g_byte_array_unref (taken.bodies);
    }
}

/* Whatever is under way is dropped. */
static void
test_drop (void)
{
    Taken taken = nothing_taken();
    ArecGroups *groups = open_groups ("group_size:7", 4, 0, &taken);

    for (uint32_t n = 0; n < 20000; n++) {
        add_number (groups, n);
    }
    arec_groups_free (groups);
    g_assert_cmpuint (taken.n_records, <, 20000);
    groups = open_groups ("", 1, 0, &taken);
    arec_groups_free (groups);
    arec_groups_free (NULL);
    g_byte_array_unref (taken.bodies);
}

/* ---- lanes ---- */

static bool
note_lane (void *data, size_t lane, const ArecChunkHeader *header, const uint8_t *body,
           GError **error)
{
    (void)error;
    /* Of an uncompressed body the last byte is that of the last record. */
    g_string_append_printf (data, "%zu:%u:%c ", lane, (unsigned)header->num_records,
                            body[header->data_size - 1]);
    return true;
}

/* Records a, b, ... in turn to three lanes in groups of two; of the first lane a group ends
 * early. */
static void
test_lanes (void)
{
    static const unsigned threads[] = {1, 2, 8};

    for (unsigned i = 0; i < G_N_ELEMENTS (threads); i++) {
        g_autoptr (GString) noted = g_string_new (NULL);
        g_autoptr (GError) error = NULL;
        ArecGroupsOptions options = {
            .name = "out", .put = note_lane, .data = noted, .n_lanes = 3};
        ArecGroups *groups;

        g_assert_true (
            arec_writer_options_parse ("group_size:2,uncompressed", &options.writer, NULL));
        options.writer.max_parallelism = threads[i];
        options.writer.max_chunk_size = MIB;
        groups = arec_groups_new (&options);
        for (unsigned n = 0; n < 11; n++) {
            char record = (char)('a' + n);

            arec_groups_select (groups, n % 3);
            arec_groups_add (groups, &record, 1, &error);
            g_assert_no_error (error);
            if (n == 6) {
                g_assert_true (arec_groups_end_group (groups, &error));
                g_assert_true (arec_groups_end_group (groups, &error)); /* an empty one */
            }
        }
        arec_groups_finish (groups, &error);
        g_assert_no_error (error);
        g_assert_cmpstr (noted->str, ==, "0:2:d 1:2:e 2:2:f 0:1:g 1:2:k 0:1:j 2:1:i ");
        arec_groups_free (groups);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/groups/order", test_order);
    g_test_add_func ("/groups/bound-by-threads", test_bound_by_threads);
    g_test_add_func ("/groups/bound-of-tiny-groups", test_bound_of_tiny_groups);
    g_test_add_func ("/groups/bound-by-memory", test_bound_by_memory);
    g_test_add_func ("/groups/bound-by-encoders", test_bound_by_encoders);
    g_test_add_func ("/groups/bound-of-transposed", test_bound_of_transposed_groups);
    g_test_add_func ("/groups/one-beyond-memory", test_one_group_beyond_memory);
    g_test_add_func ("/groups/failing-put", test_failing_put);
    g_test_add_func ("/groups/failing-codec", test_failing_codec);
    g_test_add_func ("/groups/drop", test_drop);
    g_test_add_func ("/groups/lanes", test_lanes);
    return g_test_run();
}
