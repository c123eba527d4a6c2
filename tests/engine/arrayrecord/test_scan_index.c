/* The index by a scan: which chunks count as records, and which as ArrayRecord's own footer
 * and postscript, sound, damaged, lost, or by chance; failing reads. */
#include "arrayrecord/scan_index.h"

#include <string.h>

#include "faulty_source.h"
#include "forge.h"

#include "base/error.h"
#include "riegeli/block.h"
#include "riegeli/hash.h"
#include "source/memory_source.h"

#define NAME "some.array_record"
#define MAX_CHUNK (UINT64_C (1) << 20)
#define N_CHUNKS 5
#define CHUNK_RECORDS 2

static const ArecDecodeLimits limits = {.max_size = MAX_CHUNK};

/* ---- files ---- */

typedef struct {
    TestForge *forge;
    uint64_t begins[N_CHUNKS];
} File;

static File
begin_file (void)
{
    const TestForgeRecord records[CHUNK_RECORDS] = {{"some record", 11}, {"another", 7}};
    File file = {.forge = test_forge_new()};

    for (unsigned i = 0; i < N_CHUNKS; i++) {
        file.begins[i] =
            test_forge_records (file.forge, AREC_COMPRESSION_NONE, records, CHUNK_RECORDS);
    }
    return file;
}

static File
make_file (void)
{
    File file = begin_file();

    test_forge_finish (file.forge);
    return file;
}

static void
file_clear (File *file)
{
    test_forge_free (file->forge);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (File, file_clear)

static void
flip (const File *file, uint64_t at)
{
    g_assert_cmpuint (at, <, file->forge->file->len);
    file->forge->file->data[at] ^= 1;
}

static void
cut (const File *file, uint64_t size)
{
    g_byte_array_set_size (file->forge->file, (guint)size);
}

static ArecScanFindings
scan_with (const File *file, ArecScanIndexOptions options)
{
    ArecSource *source =
        arec_memory_source_new (NAME, file->forge->file->data, file->forge->file->len);
    g_autoptr (GError) error = NULL;
    ArecScanFindings found = {0};

    options.limits = &limits;
    g_assert_true (arec_scan_index (source, &options, &found, &error));
    g_assert_no_error (error);
    arec_source_free (source);
    return found;
}

static ArecScanFindings
scan (const File *file)
{
    return scan_with (file, (ArecScanIndexOptions){0});
}

/* Checks that the index has the first chunks except @lost, and @n_more others after them. */
static void
check_index (const File *file, const ArecScanFindings *found, unsigned lost, unsigned n_more)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < N_CHUNKS; i++) {
        ArecIndexEntry entry;

        if (i == lost) {
            continue;
        }
        g_assert_true (arec_index_get (found->index, n, &entry, NULL));
        g_assert_cmpuint (entry.offset, ==, file->begins[i]);
        g_assert_cmpuint (entry.n_records, ==, CHUNK_RECORDS);
        g_assert_cmpuint (entry.first_record, ==, n * CHUNK_RECORDS);
        n++;
    }
    g_assert_cmpuint (arec_index_n_chunks (found->index), ==, n + n_more);
}

#define NONE_LOST N_CHUNKS

/* ---- footers ---- */

static void
test_whole (void)
{
    g_auto (File) file = make_file();
    g_auto (ArecScanFindings) found = scan (&file);

    check_index (&file, &found, NONE_LOST, 0);
    g_assert_true (found.has_footer);
    g_assert_false (found.has_damaged_footer);
    g_assert_cmpuint (found.footer_begin, ==, file.forge->footer_at);
    g_assert_cmpuint (found.footer_end, ==, file.forge->footer_end);
    g_assert_cmpuint (found.postscript_offset, ==, file.forge->postscript_at);
    g_assert_false (found.has_damaged_postscript);
    g_assert_cmpuint (found.gaps.n, ==, 0);
    g_assert_null (found.gaps.first_reason);
}

static void
test_everything_kept (void)
{
    g_auto (File) file = make_file();
    g_auto (ArecScanFindings) found =
        scan_with (&file, (ArecScanIndexOptions){.keep_bookkeeping = true});

    check_index (&file, &found, NONE_LOST, 2);
    g_assert_cmpuint (arec_index_n_records (found.index), ==,
                      N_CHUNKS * CHUNK_RECORDS + (N_CHUNKS + 1) + 3);
    g_assert_false (found.has_footer || found.has_damaged_footer);
}

static void
test_postscript_lost (void)
{
    g_auto (File) file = make_file();

    cut (&file, file.forge->postscript_at);
    g_auto (ArecScanFindings) found = scan (&file);
    check_index (&file, &found, NONE_LOST, 0);
    g_assert_true (found.has_footer);
    g_assert_cmpuint (found.postscript_offset, ==, 0);
}

static void
test_postscript_damaged (void)
{
    g_auto (File) file = make_file();

    flip (&file, file.forge->postscript_end - 1);
    g_auto (ArecScanFindings) found = scan (&file);
    check_index (&file, &found, NONE_LOST, 0);
    g_assert_true (found.has_footer);
    g_assert_true (found.has_damaged_postscript);
    g_assert_cmpuint (found.postscript_offset, ==, file.forge->postscript_at);
}

static void
test_footer_damaged (void)
{
    g_auto (File) file = make_file();

    flip (&file, file.forge->footer_end - 1);
    g_auto (ArecScanFindings) found = scan (&file);
    check_index (&file, &found, NONE_LOST, 0);
    g_assert_false (found.has_footer);
    g_assert_true (found.has_damaged_footer); /* it lies before a postscript */
    g_assert_cmpuint (found.footer_begin, ==, file.forge->footer_at);
}

static void
test_footer_and_postscript_damaged (void)
{
    g_auto (File) file = make_file();

    flip (&file, file.forge->footer_end - 1);
    flip (&file, file.forge->postscript_end - 1);
    g_auto (ArecScanFindings) found = scan (&file);
    check_index (&file, &found, NONE_LOST, 0);
    g_assert_true (found.has_damaged_footer && found.has_damaged_postscript);
}

/* Without a postscript a damaged chunk at the end is a footer only if one was announced. */
static void
test_footer_announced (void)
{
    g_auto (File) file = make_file();

    cut (&file, file.forge->postscript_at);
    flip (&file, file.forge->footer_end - 1);
    g_auto (ArecScanFindings) alone = scan (&file);
    check_index (&file, &alone, NONE_LOST, 1);
    g_assert_false (alone.has_damaged_footer);
    g_auto (ArecScanFindings) announced =
        scan_with (&file, (ArecScanIndexOptions){.footer_offset = file.forge->footer_at});
    check_index (&file, &announced, NONE_LOST, 0);
    g_assert_true (announced.has_damaged_footer);
}

/* A damaged stretch hides the footer, in whose block no other chunk can be found, unless a
 * postscript says where the footer is. */
static void
test_footer_announced_in_a_gap (void)
{
    g_auto (File) file = make_file();

    flip (&file, file.begins[2] + 9);
    {
        g_auto (ArecScanFindings) alone = scan (&file);

        g_assert_false (alone.has_footer);
    }
    {
        g_auto (ArecScanFindings) announced = scan_with (
            &file, (ArecScanIndexOptions){.footer_offset = file.forge->footer_at,
                                          .postscript_offset = file.forge->postscript_at});

        g_assert_true (announced.has_footer);
        g_assert_cmpuint (announced.footer_begin, ==, file.forge->footer_at);
        g_assert_cmpuint (arec_index_n_chunks (announced.index), ==, 2);
        g_assert_cmpuint (announced.gaps.bytes, ==, file.forge->footer_at - file.begins[2]);
    }
}

/* A chunk that the caller names as the postscript is never among the records, wherever it
 * is. */
static void
test_postscript_known (void)
{
    g_auto (File) file = make_file();
    g_auto (ArecScanFindings) found =
        scan_with (&file, (ArecScanIndexOptions){.postscript_offset = file.begins[1]});

    check_index (&file, &found, 1, 0); /* nor are the footer and the other postscript */
    g_assert_cmpuint (found.postscript_offset, ==, file.begins[1]);
}

/* The file twice, but for its end: footers and a postscript that damage has left where they do
 * not belong. */
static void
test_left_over (void)
{
    g_auto (File) file = make_file();
    uint64_t again;

    again = file.forge->postscript_at + AREC_BLOCK_SIZE;
    g_assert_cmpuint (file.forge->file->len, ==, again);
    {
        g_autofree uint8_t *whole = g_memdup2 (file.forge->file->data, again);

        g_byte_array_append (file.forge->file, whole, (guint)again);
    }
    cut (&file, again + file.forge->postscript_at);
    flip (&file, 10); /* in the signature */
    g_auto (ArecScanFindings) found = scan (&file);
    check_index (&file, &found, NONE_LOST, N_CHUNKS);
    g_assert_cmpuint (found.gaps.n, ==, 1);
    g_assert_cmpuint (found.postscript_offset, ==, 0);
}

static void
test_lost_chunks_are_listed (void)
{
    g_auto (File) file = make_file();

    flip (&file, file.begins[2] + 9);
    /* All of them are in one block, so the walk finds no more. */
    g_auto (ArecScanFindings) found = scan (&file);
    g_assert_cmpuint (arec_index_n_chunks (found.index), ==, 2);
    g_assert_cmpuint (found.gaps.n, ==, 1);
    g_assert_cmpuint (found.gaps.first_fault, ==, file.begins[2]);
    g_assert_nonnull (found.gaps.first_reason);
    g_assert_cmpuint (found.postscript_offset, ==, file.forge->postscript_at);
    g_assert_false (found.has_footer);
}

/* Chunks in blocks of their own: the footer is found after the lost one. */
static void
test_footer_after_a_lost_chunk (void)
{
    const TestForgeRecord records[CHUNK_RECORDS] = {{"some record", 11}, {"another", 7}};
    g_auto (File) file = {.forge = test_forge_new()};

    for (unsigned i = 0; i < N_CHUNKS; i++) {
        file.begins[i] =
            test_forge_records (file.forge, AREC_COMPRESSION_NONE, records, CHUNK_RECORDS);
        test_forge_pad (file.forge);
    }
    test_forge_finish (file.forge);
    flip (&file, file.begins[2] + 33);
    g_auto (ArecScanFindings) found = scan (&file);
    check_index (&file, &found, 2, 0);
    g_assert_true (found.has_footer);
    g_assert_cmpuint (found.gaps.n, ==, 1);
    g_assert_cmpuint (found.gaps.bytes, ==, AREC_BLOCK_SIZE);
}

/* A chunk is not a footer if it does not list a chunk that exists. */
static void
test_unlisted_chunk (void)
{
    static const uint8_t data[] = {0, 1, 1, 'x'};
    g_auto (File) file = begin_file();

    test_forge_chunk (file.forge, &(TestForgeChunk){.type = 'r',
                                                    .num_records = 1,
                                                    .decoded_data_size = 1,
                                                    .data = data,
                                                    .data_size = sizeof data});
    test_forge_finish (file.forge);
    {
        g_auto (ArecScanFindings) found = scan (&file);

        check_index (&file, &found, NONE_LOST, 1);
        g_assert_false (found.has_footer);
        g_assert_true (found.has_damaged_footer);
    }
    cut (&file, file.forge->postscript_at);
    {
        g_auto (ArecScanFindings) found = scan (&file);

        check_index (&file, &found, NONE_LOST, 1);
        g_assert_true (found.has_damaged_footer); /* it lists the others */
    }
}

/* A footer that lists more chunks than exist: the others are lost. */
static void
test_listed_chunk_that_does_not_exist (void)
{
    g_auto (File) file = begin_file();

    test_forge_entry (file.forge, file.begins[N_CHUNKS - 1] + 20, 5, 1);
    test_forge_finish (file.forge);
    g_auto (ArecScanFindings) found = scan (&file);
    check_index (&file, &found, NONE_LOST, 0);
    g_assert_true (found.has_footer);
}

static void
test_no_records (void)
{
    g_auto (File) file = {.forge = test_forge_new()};

    {
        g_auto (ArecScanFindings) found = scan (&file);

        g_assert_cmpuint (arec_index_n_chunks (found.index), ==, 0);
        g_assert_false (found.has_footer);
    }
    test_forge_finish (file.forge);
    {
        g_auto (ArecScanFindings) found = scan (&file);

        g_assert_cmpuint (arec_index_n_chunks (found.index), ==, 0);
        g_assert_true (found.has_footer);
    }
}

/* ---- files that lie ---- */

static void
test_huge_counts (void)
{
    static const uint64_t counts[] = {UINT64_C (1) << 20, UINT64_C (1) << 40,
                                      (UINT64_C (1) << 56) - 1};

    for (size_t i = 0; i < G_N_ELEMENTS (counts); i++) {
        g_auto (File) file = begin_file();
        uint8_t *raw = file.forge->file->data + file.begins[N_CHUNKS - 1];
        uint64_t type_and_count = GUINT64_TO_LE (counts[i] << 8 | 'r'), hash;

        memcpy (raw + 24, &type_and_count, 8);
        hash = GUINT64_TO_LE (arec_hash (raw + 8, 32));
        memcpy (raw, &hash, 8);
        g_auto (ArecScanFindings) found = scan (&file);
        check_index (&file, &found, N_CHUNKS - 1, 0);
        g_assert_cmpuint (found.gaps.n, ==, 1);
        g_assert_true (found.is_truncated);
    }
}

static void
test_signature_damaged (void)
{
    for (uint64_t at = 0; at < AREC_SIGNATURE_END; at++) {
        g_auto (File) file = make_file();

        flip (&file, at);
        g_auto (ArecScanFindings) found = scan (&file);
        check_index (&file, &found, NONE_LOST, 0);
        g_assert_true (found.has_footer);
        g_assert_cmpuint (found.gaps.n, ==, 1);
        g_assert_cmpuint (found.gaps.bytes, ==, AREC_SIGNATURE_END);
    }
}

/* ---- reads and progress ---- */

static void
test_read_errors (void)
{
    g_auto (File) file = make_file();
    uint64_t n_reads = 0;

    flip (&file, 10); /* what follows is examined, too */
    for (uint64_t fail_at = 0; fail_at <= n_reads; fail_at++) {
        TestFaults faults = {.fail_at_read = fail_at > 0 ? (int64_t)fail_at - 1 : -1};
        ArecSource *source = test_faulty_source_new (
            arec_memory_source_new (NAME, file.forge->file->data, file.forge->file->len),
            &faults);
        const ArecScanIndexOptions options = {.limits = &limits};
        g_autoptr (GError) error = NULL;
        g_auto (ArecScanFindings) found = {0};
        bool ok = arec_scan_index (source, &options, &found, &error);

        if (fail_at == 0) {
            g_assert_true (ok);
            n_reads = faults.reads;
            g_assert_cmpuint (n_reads, >=, 4);
        } else {
            g_assert_false (ok);
            g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
            g_assert_null (found.index);
        }
        arec_source_free (source);
    }
}

static void
note_progress (void *data, const char *name, uint64_t done, uint64_t total)
{
    uint64_t *last = data;

    g_assert_cmpstr (name, ==, NAME);
    g_assert_cmpuint (done, >=, *last);
    g_assert_cmpuint (done, <=, total);
    *last = done;
}

static void
test_progress (void)
{
    g_auto (File) file = make_file();
    uint64_t last = 0;
    g_auto (ArecScanFindings) found = scan_with (
        &file, (ArecScanIndexOptions){.progress = note_progress, .progress_data = &last});

    g_assert_true (found.has_footer);
    g_assert_cmpuint (last, ==, file.forge->file->len);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/scan-index/whole", test_whole);
    g_test_add_func ("/scan-index/everything-kept", test_everything_kept);
    g_test_add_func ("/scan-index/postscript-lost", test_postscript_lost);
    g_test_add_func ("/scan-index/postscript-damaged", test_postscript_damaged);
    g_test_add_func ("/scan-index/footer-damaged", test_footer_damaged);
    g_test_add_func ("/scan-index/both-damaged", test_footer_and_postscript_damaged);
    g_test_add_func ("/scan-index/footer-announced", test_footer_announced);
    g_test_add_func ("/scan-index/footer-announced-in-gap", test_footer_announced_in_a_gap);
    g_test_add_func ("/scan-index/postscript-known", test_postscript_known);
    g_test_add_func ("/scan-index/left-over", test_left_over);
    g_test_add_func ("/scan-index/lost-chunks", test_lost_chunks_are_listed);
    g_test_add_func ("/scan-index/footer-after", test_footer_after_a_lost_chunk);
    g_test_add_func ("/scan-index/unlisted", test_unlisted_chunk);
    g_test_add_func ("/scan-index/not-there", test_listed_chunk_that_does_not_exist);
    g_test_add_func ("/scan-index/no-records", test_no_records);
    g_test_add_func ("/scan-index/huge-counts", test_huge_counts);
    g_test_add_func ("/scan-index/signature-damaged", test_signature_damaged);
    g_test_add_func ("/scan-index/read-errors", test_read_errors);
    g_test_add_func ("/scan-index/progress", test_progress);
    return g_test_run();
}
