/* One flipped bit anywhere in any golden file: a file that opens gives right bytes or an
 * error, only the records of the damaged chunk fail, and verifying the file names the place.
 * ctest flips a sample; AREC_TEST_FLIPS=10000 flips as many, and prints the figures at the
 * end. */
#include <arec/arec.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"

#include "arrayrecord/footer_reader.h"
#include "riegeli/block.h"
#include "riegeli/chunk_scan.h"
#include "source/memory_source.h"

#define DEFAULT_FLIPS 1500

/* Bytes at the start of a chunk or block that are flipped more often than others. */
#define HOT_SIZE 160

/* ---- the truth ---- */

typedef struct {
    uint64_t begin, end;
    uint64_t data_end;     /* what follows, up to the end, is slack, which no reader uses */
    uint64_t first_record; /* of a chunk of records */
    uint64_t n_records;    /* 0: it holds none of the user's */
} Chunk;

typedef struct {
    char *name;
    char *path; /* of the copy that is damaged */
    uint8_t *data;
    size_t size;
    bool is_array_record;
    GArray *chunks;
    uint64_t n_records;
    uint8_t *values; /* of all records, one after the other */
    uint64_t *ends;  /* of each record in it, after a 0 */
} Truth;

static bool
is_footer_or_postscript (const Truth *truth, uint64_t begin)
{
    ArecSource *source = arec_memory_source_new (truth->name, truth->data, truth->size);
    uint64_t footer = 0;
    bool is = truth->is_array_record && arec_postscript_read (source, &footer, NULL) &&
              (begin == footer || begin == truth->size - AREC_BLOCK_SIZE);

    arec_source_free (source);
    return is;
}

static void
find_chunks (Truth *truth)
{
    ArecSource *source = arec_memory_source_new (truth->name, truth->data, truth->size);
    g_autoptr (ArecChunkScan) scan = arec_chunk_scan_new (source, 0);
    uint64_t next_record = 0;

    truth->chunks = g_array_new (FALSE, FALSE, sizeof (Chunk));
    for (;;) {
        Chunk chunk = {.first_record = next_record};
        g_autoptr (GError) error = NULL;
        ArecScanItem item;
        ArecScanStep step;

        g_assert_true (arec_chunk_scan_next (scan, &step, &item, &error));
        if (step == AREC_SCAN_END) {
            break;
        }
        g_assert_cmpint (step, ==, AREC_SCAN_CHUNK);
        chunk.begin = item.begin;
        chunk.end = item.end;
        chunk.data_end =
            arec_block_add (item.begin, AREC_CHUNK_HEADER_SIZE + item.header.data_size);
        chunk.n_records =
            is_footer_or_postscript (truth, item.begin) ? 0 : item.header.num_records;
        next_record += chunk.n_records;
        g_array_append_val (truth->chunks, chunk);
    }
    g_assert_cmpuint (next_record, ==, truth->n_records);
    arec_source_free (source);
}

/* Takes the records from @reader, as the manifest says they are. */
static void
take_records (Truth *truth, ArecReader *reader, const TestRecords *expected)
{
    GByteArray *values = g_byte_array_new();

    g_assert_cmpuint (truth->n_records, ==, expected->n);
    truth->ends = g_new0 (uint64_t, expected->n + 1);
    for (uint64_t i = 0; i < expected->n; i++) {
        g_auto (ArecView) view = {0};
        g_autoptr (GError) error = NULL;

        g_assert_true (arec_reader_read (reader, i, &view, &error));
        g_assert_true (test_record_matches (expected, i, view.data, view.size));
        g_byte_array_append (values, view.data, (guint)view.size);
        truth->ends[i + 1] = values->len;
    }
    g_byte_array_append (values, (const uint8_t *)"", 1); /* so that there is memory */
    truth->values = g_byte_array_free (values, FALSE);
}

static void
truth_free (void *data)
{
    Truth *truth = data;

    if (truth->path) {
        test_file_remove (truth->path);
    }
    if (truth->chunks) {
        g_array_unref (truth->chunks);
    }
    g_free (truth->name);
    g_free (truth->data);
    g_free (truth->values);
    g_free (truth->ends);
    g_free (truth);
}

/* The golden file @name; NULL if this build cannot read its chunks. */
static Truth *
truth_new (ArecEngine *engine, const char *name)
{
    Truth *truth = g_new0 (Truth, 1);
    TestRecords *expected = test_golden_records (name);
    g_autofree char *golden = test_golden_path (name);
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecReader) reader = arec_reader_open (engine, golden, NULL, &error);
    g_auto (ArecView) view = {0};

    g_assert_no_error (error);
    truth->name = g_strdup (name);
    truth->data = test_golden_read (name, &truth->size);
    truth->is_array_record = g_str_has_suffix (name, ".array_record");
    truth->n_records = arec_reader_n_records (reader);
    if (truth->n_records > 0 && !arec_reader_read (reader, 0, &view, &error)) {
        g_assert_error (error, AREC_ERROR, AREC_ERROR_UNSUPPORTED);
        g_test_message ("%s: left out: %s", name, error->message);
        g_clear_pointer (&truth, truth_free);
    } else {
        take_records (truth, reader, expected);
        find_chunks (truth);
        truth->path = test_file_write (name, truth->data, truth->size);
    }
    test_records_free (expected);
    return truth;
}

static int
by_text (const void *a, const void *b)
{
    return strcmp (*(char *const *)a, *(char *const *)b);
}

static GPtrArray *
all_truths (ArecEngine *engine)
{
    GPtrArray *truths = g_ptr_array_new_with_free_func (truth_free);
    g_autofree char *folder = test_golden_path (".");
    g_autoptr (GError) error = NULL;
    GDir *directory = g_dir_open (folder, 0, &error);
    g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
    const char *name;

    g_assert_no_error (error);
    while ((name = g_dir_read_name (directory))) {
        if (g_str_has_suffix (name, ".array_record") || g_str_has_suffix (name, ".riegeli")) {
            g_ptr_array_add (names, g_strdup (name));
        }
    }
    g_dir_close (directory);
    g_ptr_array_sort (names, by_text);
    g_assert_cmpuint (names->len, ==, 40);
    for (guint i = 0; i < names->len; i++) {
        Truth *truth = truth_new (engine, names->pdata[i]);

        if (truth) {
            g_ptr_array_add (truths, truth);
        }
    }
    return truths;
}

static const Chunk *
chunk_at (const Truth *truth, uint64_t position)
{
    for (guint i = 0; i < truth->chunks->len; i++) {
        const Chunk *chunk = &g_array_index (truth->chunks, Chunk, i);

        if (position < chunk->end) {
            return chunk;
        }
    }
    g_assert_not_reached();
}

/* The chunk that begins at @begin. */
static const Chunk *
chunk_of (const Truth *truth, uint64_t begin)
{
    const Chunk *chunk = chunk_at (truth, begin);

    g_assert_cmpuint (chunk->begin, ==, begin);
    return chunk;
}

/* ---- one flip ---- */

typedef struct {
    uint64_t flips;
    uint64_t refused;         /* opens */
    uint64_t opened;          /* opens */
    uint64_t reads_right;     /* records */
    uint64_t reads_failed;    /* records */
    uint64_t sizes_off;       /* reported before a read that failed */
    uint64_t damages;         /* that checking named */
    uint64_t flips_unnoticed; /* by checking: in bytes that no reader uses */
} Figures;

typedef struct {
    ArecEngine *engine;
    const Truth *truth;
    uint64_t position;
    const Chunk *hit; /* the chunk that was hit */
    Figures *figures;
} Flip;

static void
write_byte (const Truth *truth, uint64_t position, uint8_t byte)
{
    int fd = open (truth->path, O_WRONLY | O_CLOEXEC);

    g_assert_cmpint (fd, >=, 0);
    g_assert_cmpint (pwrite (fd, &byte, 1, (off_t)position), ==, 1);
    g_assert_cmpint (close (fd), ==, 0);
}

/* Whether reading record @number gave record @true_number of the truth, or failed. */
static bool
read_is_right (const Flip *flip, ArecReader *reader, uint64_t number, uint64_t true_number)
{
    const Truth *truth = flip->truth;
    uint64_t begin = truth->ends[true_number], size = truth->ends[true_number + 1] - begin;
    g_autoptr (GError) size_error = NULL;
    g_autoptr (GError) error = NULL;
    g_auto (ArecView) view = {0};
    uint64_t reported = 0;
    bool is_reported = arec_reader_record_size (reader, number, &reported, &size_error);

    if (!arec_reader_read (reader, number, &view, &error)) {
        g_assert_true (error->code == AREC_ERROR_CORRUPT || error->code == AREC_ERROR_LIMIT);
        flip->figures->sizes_off += is_reported && reported != size;
        return false;
    }
    g_assert_no_error (size_error);
    g_assert_cmpuint (reported, ==, size);
    g_assert_cmpmem (view.data, view.size, truth->values + begin, size);
    return true;
}

/* Checks that all records of @reader are those of the truth, in order, and that those that
 * fail are in the damaged chunk. */
static void
check_records (const Flip *flip, ArecReader *reader)
{
    const Truth *truth = flip->truth;
    uint64_t n = arec_reader_n_records (reader), next = 0;

    g_assert_cmpuint (n, <=, truth->n_records);
    if (truth->is_array_record) {
        g_assert_cmpuint (n, ==, truth->n_records);
    }
    for (uint64_t i = 0; i < n; i++) {
        ArecPlace place;
        const Chunk *chunk;
        uint64_t true_number;

        g_assert_true (arec_reader_locate (reader, i, &place, NULL));
        chunk = chunk_of (truth, place.chunk_offset);
        true_number = chunk->first_record + place.chunk_record;
        g_assert_cmpuint (place.chunk_record, <, chunk->n_records);
        g_assert_cmpuint (true_number, >=, next);
        next = true_number + 1;
        if (truth->is_array_record) {
            g_assert_cmpuint (true_number, ==, i);
        }
        if (read_is_right (flip, reader, i, true_number)) {
            flip->figures->reads_right++;
        } else {
            flip->figures->reads_failed++;
            g_assert_true (chunk == flip->hit);
        }
    }
}

/* Opens and reads the file. Returns whether it opened. */
static bool
try_open (const Flip *flip, bool recover)
{
    const ArecReaderOptions options = {.recover = recover};
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecReader) reader =
        arec_reader_open (flip->engine, flip->truth->path, &options, &error);

    if (reader) {
        check_records (flip, reader);
        flip->figures->opened++;
        return true;
    }
    g_assert_true (g_error_matches (error, AREC_ERROR, AREC_ERROR_CORRUPT) ||
                   g_error_matches (error, AREC_ERROR, AREC_ERROR_FORMAT));
    flip->figures->refused++;
    return false;
}

typedef struct {
    uint64_t position;
    bool is_named;    /* a damage holds the position */
    uint64_t n_named; /* damages */
    uint64_t n_lost;  /* records, as far as known */
    bool lost_unknown;
    uint64_t last_end;
} Named;

static void
on_damage (void *data, const ArecDamage *damage)
{
    Named *named = data;

    g_assert_cmpuint (damage->offset, >=, named->last_end);
    named->last_end = damage->offset + damage->length;
    named->is_named |= named->position >= damage->offset && named->position < named->last_end;
    named->n_named++;
    if (damage->knows_n_records) {
        named->n_lost += damage->n_records;
    } else {
        named->lost_unknown = true;
    }
}

static void
check_named (const Flip *flip)
{
    Named named = {.position = flip->position};
    const ArecVerifyOptions options = {.n_threads = 1, .damage = on_damage, .data = &named};
    const ArecReaderOptions reader_options = {0};
    g_autoptr (ArecSourceList) list = arec_source_list_new();
    g_autoptr (GError) error = NULL;
    ArecVerifyResult result;

    g_assert_true (arec_source_list_add_literal (list, flip->truth->path, &error));
    arec_verify_file (flip->engine, list, 0, &reader_options, &options, &result, &error);
    if (flip->truth->n_records == 0 && flip->hit->begin == 0 && !flip->truth->is_array_record) {
        g_assert_error (error, AREC_ERROR, AREC_ERROR_FORMAT); /* nothing else is in it */
        return;
    }
    g_assert_no_error (error);
    g_assert_cmpuint (result.n_damages, ==, named.n_named);
    flip->figures->damages += named.n_named;
    if (flip->position >= flip->hit->data_end && named.n_named == 0) {
        flip->figures->flips_unnoticed++;
    } else {
        g_assert_true (named.is_named);
        g_assert_cmpuint (named.n_named, ==, 1);
    }
    /* No record is both sound and lost. */
    g_assert_cmpuint (result.n_records + named.n_lost, <=, flip->truth->n_records);
    if (!named.lost_unknown) {
        g_assert_cmpuint (result.n_records + named.n_lost, ==, flip->truth->n_records);
    }
    if (flip->hit->n_records == 0 && (flip->truth->is_array_record || flip->hit->begin == 0)) {
        g_assert_cmpuint (result.n_records, ==, flip->truth->n_records);
    }
}

/* A position within a file: any, or near the start of a chunk or a block. */
static uint64_t
random_position (const Truth *truth)
{
    uint64_t position = (uint64_t)g_test_rand_int_range (0, (gint32)truth->size);
    uint64_t hot = (uint64_t)g_test_rand_int_range (0, HOT_SIZE);

    switch (g_test_rand_int_range (0, 4)) {
    case 0: position = position / AREC_BLOCK_SIZE * AREC_BLOCK_SIZE + hot; break;
    case 1:
        position = g_array_index (truth->chunks, Chunk,
                                  g_test_rand_int_range (0, (gint32)truth->chunks->len))
                       .begin +
                   hot;
        break;
    default: break;
    }
    return MIN (position, truth->size - 1);
}

static void
flip_once (ArecEngine *engine, const Truth *truth, Figures *figures)
{
    uint64_t position = random_position (truth);
    uint8_t bit = (uint8_t)(1 << g_test_rand_int_range (0, 8));
    const Flip flip = {engine, truth, position, chunk_at (truth, position), figures};

    g_test_message ("%s: at %" G_GUINT64_FORMAT ": bit 0x%02x", truth->name, position, bit);
    write_byte (truth, position, truth->data[position] ^ bit);
    if (!try_open (&flip, false)) {
        bool opened = try_open (&flip, true);

        /* It may be refused again only if nothing can be recovered. */
        g_assert_true (opened || truth->n_records == 0 || !truth->is_array_record);
    }
    check_named (&flip);
    write_byte (truth, position, truth->data[position]);
    figures->flips++;
}

static uint64_t
n_flips (void)
{
    const char *text = g_getenv ("AREC_TEST_FLIPS");

    return text ? g_ascii_strtoull (text, NULL, 10) : DEFAULT_FLIPS;
}

static void
test_flips (void)
{
    g_autoptr (ArecEngine) engine = arec_engine_new (NULL);
    g_autoptr (GPtrArray) truths = all_truths (engine);
    Figures figures = {0};

    for (uint64_t n = n_flips(); n > 0; n--) {
        flip_once (engine, truths->pdata[g_test_rand_int_range (0, (gint32)truths->len)],
                   &figures);
    }
    g_test_message ("%" G_GUINT64_FORMAT " flips in %u files: %" G_GUINT64_FORMAT
                    " opens refused, %" G_GUINT64_FORMAT " opened; %" G_GUINT64_FORMAT
                    " records right, %" G_GUINT64_FORMAT " failed, 0 wrong; %" G_GUINT64_FORMAT
                    " sizes of failed ones off; %" G_GUINT64_FORMAT
                    " damages named, %" G_GUINT64_FORMAT " flips in slack",
                    figures.flips, truths->len, figures.refused, figures.opened,
                    figures.reads_right, figures.reads_failed, figures.sizes_off,
                    figures.damages, figures.flips_unnoticed);
    g_assert_cmpuint (figures.refused, >, 0);
    g_assert_cmpuint (figures.reads_failed, >, 0);
    g_assert_cmpuint (figures.reads_right, >, 0);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/flips/one-bit", test_flips);
    return g_test_run();
}
