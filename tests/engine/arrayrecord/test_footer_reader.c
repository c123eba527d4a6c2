/* Footers read into memory and offloaded: the same index, or the same error. */
#include "arrayrecord/footer_reader.h"

#include <string.h>

#include <zstd.h>

#include <arec/error.h>

#include "faulty_source.h"
#include "files.h"
#include "forge.h"
#include "riegeli/block.h"
#include "source/memory_source.h"

#define MAX_SIZE (UINT64_C (1) << 30)

static const ArecCompression all[] = {AREC_COMPRESSION_NONE, AREC_COMPRESSION_BROTLI,
                                      AREC_COMPRESSION_ZSTD, AREC_COMPRESSION_SNAPPY};

static bool
read_footer (ArecSource *source, uint64_t max_size, ArecIndexFile *file, ArecFooter *footer,
             GError **error)
{
    const ArecDecodeLimits limits =
        arec_decode_limits_resolve (&(ArecDecodeLimits){.max_size = max_size});
    uint64_t at;

    return arec_postscript_read (source, &at, error) &&
           arec_footer_read (source, at, source->size - AREC_BLOCK_SIZE, &limits, file, footer,
                             error);
}

static void
footer_clear (ArecFooter *footer)
{
    arec_index_free (footer->index);
    g_free (footer->options);
}

static void
check_same_indexes (const ArecIndex *a, const ArecIndex *b)
{
    uint64_t n = arec_index_n_chunks (a);

    g_assert_cmpuint (arec_index_n_chunks (b), ==, n);
    g_assert_cmpuint (arec_index_n_records (b), ==, arec_index_n_records (a));
    g_assert_cmpuint (arec_index_decoded_size (b), ==, arec_index_decoded_size (a));
    g_assert_cmpuint (arec_index_group_size (b), ==, arec_index_group_size (a));
    for (uint64_t i = 0; i < n; i += 1 + n / 1000) {
        ArecIndexEntry x, y;
        uint64_t chunk;

        g_assert_true (arec_index_get (a, i, &x, NULL));
        g_assert_true (arec_index_get (b, i, &y, NULL));
        g_assert_cmpmem (&x, sizeof x, &y, sizeof y);
        g_assert_true (arec_index_find (b, x.first_record + x.n_records - 1, &chunk, &y, NULL));
        g_assert_cmpuint (chunk, ==, i);
        g_assert_cmpmem (&x, sizeof x, &y, sizeof y);
    }
}

/* Checks that both ways give the same. Returns whether the footer is sound. */
static bool
check (const uint8_t *data, size_t size)
{
    g_autoptr (ArecSource) source = arec_memory_source_new ("a-file", data, size);
    g_autoptr (ArecIndexFile) file = arec_index_file_new (NULL);
    g_autoptr (GError) expected = NULL, error = NULL;
    ArecFooter whole = {0}, offloaded = {0};
    bool ok = read_footer (source, MAX_SIZE, NULL, &whole, &expected);

    g_assert_cmpint (read_footer (source, MAX_SIZE, file, &offloaded, &error), ==, ok);
    if (ok) {
        g_assert_cmpstr (offloaded.options, ==, whole.options);
        check_same_indexes (whole.index, offloaded.index);
        g_assert_cmpuint (arec_index_offloaded_size (offloaded.index), ==,
                          24 * arec_index_n_chunks (whole.index));
    } else {
        g_assert_error (error, AREC_ERROR, expected->code);
        g_assert_cmpstr (error->message, ==, expected->message);
    }
    footer_clear (&whole);
    footer_clear (&offloaded);
    g_assert_cmpuint (arec_index_file_size (file), ==, 0);
    return ok;
}

static bool
check_forge (TestForge *forge)
{
    test_forge_finish (forge);
    return check (forge->file->data, forge->file->len);
}

/* Room for @n chunks that the footer lists. */
static TestForge *
new_forge (uint64_t n)
{
    TestForge *forge = test_forge_new();
    size_t size = 2 * n + 1;
    g_autofree uint8_t *zeros = g_malloc0 (size);

    test_forge_chunk (forge, &(TestForgeChunk){.type = 'p', .data = zeros, .data_size = size});
    return forge;
}

static uint64_t
next_boundary (uint64_t at)
{
    return arec_block_round_up_to_boundary (at + 1);
}

static void
test_golden (void)
{
    for (const char *const *name = test_golden_simple; *name; name++) {
        size_t size;
        g_autofree uint8_t *data = test_golden_read (*name, &size);

        g_assert_true (check (data, size));
    }
}

/* ---- footers of all sizes ---- */

static TestForge *
forge_chunks (ArecCompression compression, uint64_t n, bool uniform)
{
    TestForge *forge = new_forge (n);
    uint64_t at = 64;

    forge->footer_compression = compression;
    forge->options = "group_size:3";
    forge->options_size = strlen (forge->options);
    for (uint64_t i = 0; i < n; i++) {
        test_forge_entry (forge, at, i * 7 % 1000, uniform ? 3 : 1 + i % 5);
        at = next_boundary (at);
    }
    return forge;
}

static void
test_lengths (void)
{
    static const uint64_t lengths[] = {0, 1, 2, 63, 64, 65, 4096, 4097, 100000};

    for (unsigned c = 0; c < G_N_ELEMENTS (all); c++) {
        for (unsigned i = 0; i < G_N_ELEMENTS (lengths); i++) {
            for (int uniform = 0; uniform < 2; uniform++) {
                g_autoptr (TestForge) forge = forge_chunks (all[c], lengths[i], uniform);

                g_assert_true (check_forge (forge));
            }
        }
    }
}

/* More MiB than are kept in memory: the stored footer is read in pieces. */
static void
test_large (void)
{
    for (int uniform = 0; uniform < 2; uniform++) {
        g_autoptr (TestForge) forge = forge_chunks (AREC_COMPRESSION_NONE, 600000, uniform);

        g_assert_true (check_forge (forge));
        g_assert_cmpuint (forge->footer_end - forge->footer_at, >, 4 << 20);
    }
}

/* A limit that a whole footer exceeds: a streamed one keeps to it, for either kind of index,
 * and one that cannot be streamed does not. */
static void
test_memory_is_bounded (void)
{
    for (unsigned c = 0; c < G_N_ELEMENTS (all); c++) {
        g_autoptr (TestForge) forge = forge_chunks (all[c], 100000, false);
        g_autoptr (ArecSource) source = NULL;
        g_autoptr (ArecIndexFile) file = arec_index_file_new (NULL);
        g_autoptr (GError) error = NULL;
        ArecFooter footer = {0};
        bool is_streamed = all[c] != AREC_COMPRESSION_SNAPPY;

        test_forge_finish (forge);
        source = arec_memory_source_new ("a-file", forge->file->data, forge->file->len);
        g_assert_cmpint (read_footer (source, 1 << 20, NULL, &footer, &error), ==, is_streamed);
        footer_clear (&footer);
        footer = (ArecFooter){0};
        if (!is_streamed) {
            g_assert_error (error, AREC_ERROR, AREC_ERROR_LIMIT);
            g_clear_error (&error);
            g_assert_false (read_footer (source, 1 << 20, file, &footer, &error));
            g_assert_error (error, AREC_ERROR, AREC_ERROR_LIMIT);
            continue;
        }
        g_assert_true (read_footer (source, 1 << 20, file, &footer, &error));
        g_assert_cmpuint (arec_index_n_chunks (footer.index), ==, 100000);
        g_assert_cmpuint (arec_index_memory (footer.index), <=, 256 + 32768);
        footer_clear (&footer);
    }
}

/* ---- footers that lie ---- */

typedef void (*Spoil) (TestForge *forge);

static void
count_more_chunks (TestForge *forge)
{
    forge->num_chunks++;
}

static void
count_enormous_chunks (TestForge *forge)
{
    forge->num_chunks = UINT64_MAX;
}

static void
count_more_records (TestForge *forge)
{
    forge->num_records++;
}

static void
count_fewer_records (TestForge *forge)
{
    forge->num_records--;
}

static void
tell_another_version (TestForge *forge)
{
    forge->version = 2;
}

static void
add_raw (TestForge *forge)
{
    test_forge_raw_entry (forge, "\x08", 1);
}

static void
add_no_offset (TestForge *forge)
{
    test_forge_raw_entry (forge, "\x10\1\x18\1", 4);
    forge->num_records++;
}

static void
add_no_records (TestForge *forge)
{
    test_forge_entry (forge, 5000, 1, 0);
}

static void
add_backwards (TestForge *forge)
{
    test_forge_entry (forge, 64, 1, 1);
}

static void
add_behind_footer (TestForge *forge)
{
    test_forge_entry (forge, 1 << 30, 1, 1);
}

static void
add_in_block_header (TestForge *forge)
{
    test_forge_entry (forge, 65536 + 24, 1, 1);
}

static void
add_enormous (TestForge *forge)
{
    test_forge_entry (forge, 5000, 1, UINT64_MAX);
}

static void
add_long_entry (TestForge *forge)
{
    g_autofree uint8_t *entry = g_malloc0 (200000);

    /* The unknown field 15 of many bytes, longer than a window, then the usual three. */
    memcpy (entry, "\x7a\xb0\x9a\x0c", 4);
    memcpy (entry + 4 + 199984, "\x08\x88\x27\x10\1\x18\1", 7);
    test_forge_raw_entry (forge, entry, 4 + 199984 + 7);
    forge->num_records++;
}

static const struct {
    Spoil spoil;
    bool is_sound;
} spoils[] = {
    {count_more_chunks, false},   {count_enormous_chunks, false}, {count_more_records, false},
    {count_fewer_records, false}, {tell_another_version, false},  {add_raw, false},
    {add_no_offset, false},       {add_no_records, false},        {add_backwards, false},
    {add_behind_footer, false},   {add_in_block_header, false},   {add_enormous, false},
    {add_long_entry, true}};

static void
test_lies (void)
{
    for (unsigned c = 0; c < G_N_ELEMENTS (all); c++) {
        for (unsigned i = 0; i < G_N_ELEMENTS (spoils); i++) {
            g_autoptr (TestForge) forge = new_forge (70000);

            forge->footer_compression = all[c];
            for (unsigned k = 0; k < 100; k++) {
                test_forge_entry (forge, 64 + 30 * k, k, 2);
            }
            spoils[i].spoil (forge);
            g_test_message ("lie %u, compression %d", i, all[c]);
            g_assert_cmpint (check_forge (forge), ==, spoils[i].is_sound);
        }
    }
}

/* A postscript that points to a chunk that is not a footer, or an unusual one. */
static bool
check_chunk (const TestForgeChunk *chunk)
{
    g_autoptr (TestForge) forge = test_forge_new();

    forge->lies_footer_offset = true;
    forge->footer_offset = test_forge_chunk (forge, chunk);
    return check_forge (forge);
}

static void
test_other_chunks (void)
{
    static const char metadata[] = "\x0a\x06\x08\1\x10\0\x18\0";
    static const char types[] = {'t', 'p', 's', 'm', 'x', 0};

    for (unsigned c = 0; c < G_N_ELEMENTS (all); c++) {
        const TestForgeRecord record = {metadata, sizeof metadata - 1};
        g_autoptr (GByteArray) none = test_forge_simple_data (all[c], NULL, 0);
        g_autoptr (GByteArray) one = test_forge_simple_data (all[c], &record, 1);

        g_assert_false (check_chunk (
            &(TestForgeChunk){.type = 'r', .data = none->data, .data_size = none->len}));
        for (unsigned i = 0; i < G_N_ELEMENTS (types); i++) {
            TestForgeChunk chunk = {.type = (uint8_t)types[i],
                                    .num_records = 1,
                                    .decoded_data_size = record.size,
                                    .data = one->data,
                                    .data_size = one->len};

            g_assert_false (check_chunk (&chunk));
            chunk.type = 'r';
            g_assert_true (check_chunk (&chunk));
            chunk.data_size = i;
            g_assert_false (check_chunk (&chunk));
        }
    }
}

/* Random changes of the plain bytes, compressed afterwards. */
static void
test_random_changes (void)
{
    g_autoptr (GByteArray) sizes = g_byte_array_new();
    g_autoptr (GByteArray) values = g_byte_array_new();

    g_byte_array_append (sizes, (const uint8_t *)"\x09", 1);
    g_byte_array_append (values, (const uint8_t *)"\x0a\x07\x08\1\x10\x1e\x18\xba\1", 9);
    for (unsigned i = 0; i < 30; i++) {
        const uint8_t entry[] = {0x08, 64 + i, 0x10, i, 0x18, 1 + i % 13};

        g_byte_array_append (sizes, (const uint8_t *)"\6", 1);
        g_byte_array_append (values, entry, sizeof entry);
    }
    for (unsigned round = 0; round < 4000; round++) {
        GByteArray *changed = round % 2 ? sizes : values;
        guint at = (guint)g_test_rand_int_range (0, (gint32)changed->len);
        uint8_t before = changed->data[at];
        g_autoptr (GByteArray) data = NULL;

        changed->data[at] ^= (uint8_t)(1u << g_test_rand_int_range (0, 8));
        data = test_forge_simple_parts (all[round / 2 % 4], sizes->data, sizes->len,
                                        values->data, values->len);
        changed->data[at] = before;
        check_chunk (&(TestForgeChunk){.type = 'r',
                                       .num_records = 31,
                                       .decoded_data_size = values->len,
                                       .data = data->data,
                                       .data_size = data->len});
    }
}

/* A frame that cannot be streamed is decoded whole. */
static void
test_large_window (void)
{
    static const uint8_t sizes[] = {8}, values[] = "\x0a\x06\x08\1\x10\0\x18\0";
    g_autoptr (GByteArray) data = g_byte_array_new();
    ZSTD_CCtx *context = ZSTD_createCCtx();
    const struct {
        const uint8_t *bytes;
        size_t size;
    } parts[] = {{sizes, sizeof sizes}, {values, sizeof values - 1}};

    g_byte_array_append (data, (const uint8_t *)"z", 1);
    for (unsigned i = 0; i < G_N_ELEMENTS (parts); i++) {
        uint8_t frame[200];
        ZSTD_inBuffer in = {parts[i].bytes, parts[i].size, 0};
        ZSTD_outBuffer out = {frame, sizeof frame, 0};

        ZSTD_CCtx_reset (context, ZSTD_reset_session_and_parameters);
        ZSTD_CCtx_setParameter (context, ZSTD_c_compressionLevel, 1);
        ZSTD_CCtx_setParameter (context, ZSTD_c_windowLog, i == 0 ? 20 : 28);
        ZSTD_compressStream2 (context, &out, &in, ZSTD_e_flush);
        g_assert_cmpuint (ZSTD_compressStream2 (context, &out, &in, ZSTD_e_end), ==, 0);
        if (i == 0) {
            test_forge_varint (data, out.pos + 1);
        }
        test_forge_varint (data, parts[i].size);
        g_byte_array_append (data, frame, (guint)out.pos);
    }
    ZSTD_freeCCtx (context);
    g_assert_true (check_chunk (&(TestForgeChunk){.type = 'r',
                                                  .num_records = 1,
                                                  .decoded_data_size = 8,
                                                  .data = data->data,
                                                  .data_size = data->len}));
}

/* A record that decodes to much more than entries do is refused by the numbers in the
 * chunk's header, and none of it is decoded. */
static void
test_bombs (void)
{
    const uint64_t size = UINT64_C (64) << 20;
    g_autofree uint8_t *zeros = g_malloc0 (size);

    for (unsigned c = 0; c < G_N_ELEMENTS (all); c++) {
        g_autoptr (TestForge) forge = new_forge (70000);
        g_autoptr (ArecSource) source = NULL;
        g_autoptr (GError) error = NULL;
        g_autoptr (ArecIndexFile) file = arec_index_file_new (NULL);
        TestFaults faults = {.fail_at_read = -1};
        ArecFooter footer;

        forge->footer_compression = all[c];
        test_forge_entry (forge, 64, 1, 1);
        memcpy (zeros, "\x08\xc0\0\x10\1\x18\1\x7a", 8);
        test_forge_raw_entry (forge, zeros, size);
        test_forge_finish (forge);
        source = test_faulty_source_new (
            arec_memory_source_new ("a-file", forge->file->data, forge->file->len), &faults);
        for (int offloaded = 0; offloaded < 2; offloaded++) {
            faults.bytes = 0;
            g_assert_false (
                read_footer (source, MAX_SIZE, offloaded ? file : NULL, &footer, &error));
            g_assert_error (error, AREC_ERROR, AREC_ERROR_LIMIT);
            g_assert_nonnull (strstr (error->message, "the limit for an entry"));
            g_clear_error (&error);
            g_assert_cmpuint (faults.bytes, <, 1000);
        }
    }
}

/* More entries than chunks fit before the footer: none of them is read. */
static void
test_too_many_entries (void)
{
    g_autoptr (TestForge) forge = test_forge_new();
    g_autoptr (ArecSource) source = NULL;
    g_autoptr (GError) error = NULL;
    ArecFooter footer;

    for (unsigned i = 0; i < 64; i++) {
        test_forge_raw_entry (forge, "", 0);
    }
    test_forge_finish (forge);
    source = arec_memory_source_new ("a-file", forge->file->data, forge->file->len);
    g_assert_false (read_footer (source, MAX_SIZE, NULL, &footer, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
    g_assert_nonnull (strstr (error->message, "has 65 records, more than chunks can lie"));
}

/* ---- what a chunk looks like ---- */

static ArecFooterLooks
probe (const TestForgeChunk *chunk, bool damaged)
{
    static const ArecDecodeLimits limits = {.max_size = MAX_SIZE};
    g_autoptr (TestForge) forge = new_forge (100);
    uint64_t begin = test_forge_chunk (forge, chunk);
    g_autoptr (ArecSource) source = NULL;
    g_autoptr (GError) error = NULL;
    ArecFooterLooks looks;

    forge->file->data[begin + 45] ^= damaged;
    source = arec_memory_source_new ("a-file", forge->file->data, forge->file->len);
    g_assert_true (
        arec_footer_probe (source, begin, forge->file->len, &limits, &looks, &error));
    g_assert_no_error (error);
    return looks;
}

static void
test_probe (void)
{
    static const char metadata[] = "\x0a\x06\x08\1\x10\0\x18\0";
    const uint64_t size = 2 << 20;
    g_autofree char *zeros = g_malloc0 (size);
    const struct {
        TestForgeRecord record;
        ArecFooterLooks looks;
    } rows[] = {{{metadata, sizeof metadata - 1}, AREC_LOOKS_LIKE_FOOTER},
                {{"text", 4}, AREC_LOOKS_LIKE_RECORDS},
                {{"", 0}, AREC_LOOKS_LIKE_RECORDS},
                {{zeros, size}, AREC_LOOKS_LIKE_RECORDS}};

    for (unsigned c = 0; c < G_N_ELEMENTS (all); c++) {
        for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
            g_autoptr (GByteArray) data = test_forge_simple_data (all[c], &rows[i].record, 1);
            TestForgeChunk chunk = {.type = 'r',
                                    .num_records = 1,
                                    .decoded_data_size = rows[i].record.size,
                                    .data = data->data,
                                    .data_size = data->len};

            g_assert_cmpint (probe (&chunk, false), ==, rows[i].looks);
            if (i == 0) {
                g_assert_cmpint (probe (&chunk, true), ==, AREC_LOOKS_DAMAGED);
                chunk.num_records = 1000; /* more than bytes before it */
                g_assert_cmpint (probe (&chunk, true), ==, AREC_LOOKS_LIKE_RECORDS);
            }
        }
    }
}

/* Each read fails once: there is an error, no range is left behind, and the next try
 * succeeds. */
static void
test_failing_reads (void)
{
    g_autoptr (TestForge) forge = forge_chunks (AREC_COMPRESSION_NONE, 500000, false);
    g_autoptr (ArecIndexFile) file = arec_index_file_new (NULL);
    TestFaults faults = {.fail_at_read = -1};
    g_autoptr (ArecSource) source = NULL;

    test_forge_finish (forge);
    source = test_faulty_source_new (
        arec_memory_source_new ("a-file", forge->file->data, forge->file->len), &faults);
    for (int64_t n = 0;; n++) {
        g_autoptr (GError) error = NULL;
        ArecFooter footer = {0};

        faults.reads = 0;
        faults.fail_at_read = n;
        if (read_footer (source, MAX_SIZE, file, &footer, &error)) {
            g_assert_cmpint (n, >, 20);
            footer_clear (&footer);
            break;
        }
        g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
        g_assert_cmpuint (arec_index_file_size (file), ==, 0);
    }
}

/* Postscript, first bytes, the rest: no more reads than for an index in memory. */
static void
test_reads (void)
{
    g_autoptr (TestForge) forge = forge_chunks (AREC_COMPRESSION_ZSTD, 100000, true);
    g_autoptr (ArecIndexFile) file = arec_index_file_new (NULL);
    TestFaults faults = {.fail_at_read = -1};
    g_autoptr (ArecSource) source = NULL;
    ArecFooter footer = {0};

    test_forge_finish (forge);
    source = test_faulty_source_new (
        arec_memory_source_new ("a-file", forge->file->data, forge->file->len), &faults);
    g_assert_true (read_footer (source, MAX_SIZE, file, &footer, NULL));
    g_assert_cmpuint (faults.reads, ==, 3);
    g_assert_cmpuint (faults.bytes, <=, forge->footer_end - forge->footer_at + 4096);
    footer_clear (&footer);
}

/* The error of an unusable folder names the source and the folder. */
static void
test_unusable_folder (void)
{
    g_autoptr (TestForge) forge = forge_chunks (AREC_COMPRESSION_ZSTD, 10, true);
    g_autoptr (ArecIndexFile) file = arec_index_file_new ("/nonexistent/folder");
    g_autoptr (ArecSource) source = NULL;
    g_autoptr (GError) error = NULL;
    ArecFooter footer = {0};

    test_forge_finish (forge);
    source = arec_memory_source_new ("a-file", forge->file->data, forge->file->len);
    g_assert_false (read_footer (source, MAX_SIZE, file, &footer, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_NOT_FOUND);
    g_assert_cmpstr (error->message, ==,
                     "a-file: /nonexistent/folder: cannot make the file for offloaded indexes: "
                     "No such file or directory");
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/footer-reader/golden", test_golden);
    g_test_add_func ("/footer-reader/lengths", test_lengths);
    g_test_add_func ("/footer-reader/large", test_large);
    g_test_add_func ("/footer-reader/memory", test_memory_is_bounded);
    g_test_add_func ("/footer-reader/lies", test_lies);
    g_test_add_func ("/footer-reader/other-chunks", test_other_chunks);
    g_test_add_func ("/footer-reader/random-changes", test_random_changes);
    g_test_add_func ("/footer-reader/large-window", test_large_window);
    g_test_add_func ("/footer-reader/bombs", test_bombs);
    g_test_add_func ("/footer-reader/too-many-entries", test_too_many_entries);
    g_test_add_func ("/footer-reader/probe", test_probe);
    g_test_add_func ("/footer-reader/failing-reads", test_failing_reads);
    g_test_add_func ("/footer-reader/reads", test_reads);
    g_test_add_func ("/footer-reader/unusable-folder", test_unusable_folder);
    return g_test_run();
}
