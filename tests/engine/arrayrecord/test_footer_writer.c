/* Footers written and read again, by the reader of files and entry by entry. */
#include "arrayrecord/footer_writer.h"

#include <string.h>

#include "arrayrecord/footer.h"
#include "arrayrecord/footer_reader.h"
#include "base/error.h"
#include "riegeli/block.h"
#include "riegeli/simple_stream.h"
#include "source/memory_sink.h"
#include "source/memory_source.h"

#include "failing_memory.h"
#include "faulty_sink.h"

#define OPTIONS "group_size:?"

static const ArecCompression all[] = {AREC_COMPRESSION_NONE, AREC_COMPRESSION_BROTLI,
                                      AREC_COMPRESSION_ZSTD, AREC_COMPRESSION_SNAPPY};

typedef struct {
    size_t n;
    ArecFooterEntry *entries;
} List;

static void
list_clear (List *list)
{
    g_free (list->entries);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (List, list_clear)

/* Chunks that lie one after the other. */
static List
make_list (size_t n)
{
    List list = {n, g_new (ArecFooterEntry, n + 1)};
    uint64_t offset = 64;

    for (size_t i = 0; i < n; i++) {
        list.entries[i] =
            (ArecFooterEntry){.chunk_offset = offset,
                              .decoded_data_size = (uint64_t)g_test_rand_int_range (0, 1000),
                              .num_records = i + 1 < n ? 2 : 1};
        offset = arec_block_chunk_end (offset, (uint64_t)g_test_rand_int_range (30, 90), 2);
    }
    return list;
}

static ArecFooterWriter *
add_all (const List *list)
{
    ArecFooterWriter *footer = arec_footer_writer_new();

    for (size_t i = 0; i < list->n; i++) {
        const ArecFooterEntry *entry = &list->entries[i];
        g_autoptr (GError) error = NULL;

        arec_footer_writer_add (footer, entry->chunk_offset, entry->decoded_data_size,
                                entry->num_records, &error);
        g_assert_no_error (error);
    }
    return footer;
}

/* A sink with so many bytes that the chunks of @list may lie in them. */
static ArecSink *
make_sink (const List *list, bool is_real)
{
    static const uint8_t zeros[AREC_BLOCK_SIZE];
    ArecSink *sink = arec_memory_sink_new ("out");
    uint64_t end = list->n > 0 && is_real ? list->entries[list->n - 1].chunk_offset : 0;

    do {
        g_assert_true (arec_sink_write (sink, zeros, sizeof zeros, NULL));
    } while (sink->position <= end + AREC_BLOCK_SIZE);
    return sink;
}

/* The file with the footer of @list. @footer_offset  (out) */
static ArecSink *
write_file (const List *list, bool is_real, const ArecCodecOptions *codec,
            uint64_t *footer_offset)
{
    g_autoptr (ArecFooterWriter) footer = add_all (list);
    ArecSink *sink = make_sink (list, is_real);
    g_autoptr (GError) error = NULL;

    *footer_offset = sink->position;
    arec_footer_writer_write (footer, sink, codec, OPTIONS, &error);
    g_assert_no_error (error);
    return sink;
}

static ArecSource *
source_of (const ArecSink *sink)
{
    ArecBytes bytes = arec_memory_sink_bytes (sink);

    return arec_memory_source_new ("in", bytes.at, arec_bytes_left (&bytes));
}

static void
check_index (ArecSource *source, uint64_t footer_offset, const List *list)
{
    const ArecDecodeLimits limits = arec_decode_limits_resolve (&(ArecDecodeLimits){0});
    g_autoptr (GError) error = NULL;
    ArecFooter footer = {0};
    uint64_t at = 0;

    arec_postscript_read (source, &at, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (at, ==, footer_offset);
    arec_footer_read (source, at, source->size - AREC_BLOCK_SIZE, &limits, NULL, &footer,
                      &error);
    g_assert_no_error (error);
    g_assert_cmpstr (footer.options, ==, OPTIONS);
    g_assert_cmpuint (arec_index_n_chunks (footer.index), ==, list->n);
    for (size_t i = 0; i < list->n; i++) {
        ArecIndexEntry entry;

        g_assert_true (arec_index_get (footer.index, i, &entry, NULL));
        g_assert_cmpuint (entry.offset, ==, list->entries[i].chunk_offset);
        g_assert_cmpuint (entry.n_records, ==, list->entries[i].num_records);
    }
    arec_index_free (footer.index);
    g_free (footer.options);
}

/* The codec that has no stream needs the whole; a reader of records reads all others. */
static void
check_records (ArecSource *source, uint64_t footer_offset, const List *list)
{
    const ArecChunkPlace place = {.source = source,
                                  .begin = footer_offset,
                                  .limit = source->size,
                                  .max_size = UINT64_C (1) << 30};
    const ArecSimpleStreamOptions options = {.max_record_size = 1000};
    g_autoptr (ArecSimpleStream) stream = NULL;
    g_autoptr (GError) error = NULL;
    ArecFooterMetadata metadata;
    ArecChunkHeader header;
    ArecBytes record;

    arec_simple_stream_open (&place, &options, &header, &stream, &error);
    g_assert_no_error (error);
    if (!stream) {
        return;
    }
    g_assert_cmpuint (header.num_records, ==, list->n + 1);
    g_assert_true (arec_simple_stream_next (stream, &record, NULL));
    g_assert_true (arec_footer_metadata_parse (record, &metadata));
    g_assert_cmpuint (metadata.num_chunks, ==, list->n);
    for (size_t i = 0; i < list->n; i++) {
        ArecFooterEntry entry;

        g_assert_true (arec_simple_stream_next (stream, &record, NULL));
        g_assert_true (arec_footer_entry_parse (record, &entry));
        g_assert_cmpuint (entry.chunk_offset, ==, list->entries[i].chunk_offset);
        g_assert_cmpuint (entry.decoded_data_size, ==, list->entries[i].decoded_data_size);
        g_assert_cmpuint (entry.num_records, ==, list->entries[i].num_records);
    }
    g_assert_true (arec_simple_stream_end (stream, NULL));
}

static void
check (const List *list, bool is_real, const ArecCodecOptions *codec)
{
    uint64_t footer_offset;
    g_autoptr (ArecSink) sink = write_file (list, is_real, codec, &footer_offset);
    g_autoptr (ArecSource) source = source_of (sink);

    check_records (source, footer_offset, list);
    if (is_real) {
        check_index (source, footer_offset, list);
    }
}

static void
test_read_again (void)
{
    static const size_t rows[] = {0, 1, 2, 1000, 60000};

    for (unsigned r = 0; r < G_N_ELEMENTS (rows); r++) {
        g_auto (List) list = make_list (rows[r]);

        for (unsigned c = 0; c < G_N_ELEMENTS (all); c++) {
            const ArecCodecOptions codec = arec_codec_options_default (all[c]);

            check (&list, true, &codec);
        }
    }
}

/* Numbers that no file has. */
static void
test_hostile_numbers (void)
{
    static const uint64_t numbers[] = {0, UINT64_C (1) << 40, (UINT64_C (1) << 63) - 1,
                                       UINT64_C (1) << 63, UINT64_MAX};
    enum { N = G_N_ELEMENTS (numbers) };
    ArecFooterEntry entries[N * N];
    const List list = {N * N, entries};

    for (size_t i = 0; i < list.n; i++) {
        entries[i] = (ArecFooterEntry){.chunk_offset = numbers[i / N],
                                       .decoded_data_size = numbers[i % N],
                                       .num_records = numbers[(i + 1) % N]};
    }
    for (unsigned c = 0; c < G_N_ELEMENTS (all); c++) {
        const ArecCodecOptions codec = arec_codec_options_default (all[c]);

        check (&list, false, &codec);
    }
}

/* ---- memory ---- */

/* A sink that asks a footer what it holds at each write. */
typedef struct {
    ArecSink base;
    const ArecFooterWriter *footer;
    uint64_t begin; /* position of the footer */
    uint64_t n_chunks, last_memory;
} WatchingSink;

/* Of an uncompressed footer no more is held than what differs in the entries to come. */
static bool
watch (ArecSink *sink, const void *data, size_t size, GError **error)
{
    WatchingSink *watching = (WatchingSink *)sink;

    (void)data, (void)error, (void)size;
    watching->last_memory = arec_footer_writer_memory (watching->footer);
    g_assert_cmpuint (watching->last_memory, <=, 4 * watching->n_chunks + 300000);
    return true;
}

static const ArecSinkOps watching_ops = {.write = watch};

static void
check_memory (ArecCompression compression, bool is_freed_before)
{
    enum { N = 500000, SEGMENT = 256 * 1024 };
    const ArecCodecOptions codec = arec_codec_options_default (compression);
    g_auto (List) list = make_list (N);
    g_autoptr (ArecFooterWriter) footer = add_all (&list);
    WatchingSink sink = {
        .base = {.ops = &watching_ops, .name = (char *)"out"}, .footer = footer, .n_chunks = N};
    g_autoptr (GError) error = NULL;

    g_assert_cmpuint (arec_footer_writer_memory (footer), >, N);
    g_assert_cmpuint (arec_footer_writer_memory (footer), <=, 4 * N + SEGMENT);
    if (is_freed_before) {
        sink.n_chunks = 0;
    }
    arec_footer_writer_write (footer, &sink.base, &codec, OPTIONS, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (sink.last_memory, <=, SEGMENT);
}

/* A compressed footer is whole before its first byte is written, and the entries are gone. */
static void
test_memory_of (void)
{
    check_memory (AREC_COMPRESSION_NONE, false);
    check_memory (AREC_COMPRESSION_ZSTD, true);
}

/* ---- failures ---- */

static void
test_each_failing_write (void)
{
    g_auto (List) list = make_list (40000);

    for (unsigned c = 0; c < G_N_ELEMENTS (all); c++) {
        const ArecCodecOptions codec = arec_codec_options_default (all[c]);
        bool ok = false;

        for (int64_t at = 0; !ok; at++) {
            TestSinkFaults faults = {.fail_at_call = at};
            g_autoptr (ArecFooterWriter) footer = add_all (&list);
            g_autoptr (ArecSink) sink =
                test_faulty_sink_new (arec_memory_sink_new ("out"), &faults);
            g_autoptr (GError) error = NULL;

            ok = arec_footer_writer_write (footer, sink, &codec, OPTIONS, &error);
            g_assert_cmpint (ok, ==, faults.calls == (uint64_t)at);
            if (!ok) {
                g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
                g_assert_true (g_str_has_prefix (error->message, "out: at "));
            }
        }
    }
}

/* Each allocation of adding and writing. */
static void
test_without_memory (void)
{
    g_auto (List) list = make_list (40000);

    for (unsigned c = 0; c < G_N_ELEMENTS (all); c++) {
        const ArecCodecOptions codec = arec_codec_options_default (all[c]);
        bool has_failed = true;

        for (int64_t at = 0; has_failed; at++) {
            g_autoptr (ArecFooterWriter) footer = add_all (&list);
            g_autoptr (ArecSink) sink = arec_memory_sink_new ("out");
            g_autoptr (GError) error = NULL;
            bool ok;

            test_memory_begin (at);
            ok = arec_footer_writer_write (footer, sink, &codec, OPTIONS, &error);
            has_failed = test_memory_end();
            g_assert_true (ok || has_failed);
            if (!ok) {
                g_assert_error (error, AREC_ERROR, AREC_ERROR_NOMEM);
                g_assert_true (g_str_has_prefix (error->message, "out: "));
            }
        }
    }
}

static void
test_no_memory_for_an_entry (void)
{
    g_autoptr (ArecFooterWriter) footer = arec_footer_writer_new();
    g_autoptr (GError) error = NULL;

    test_memory_begin (0);
    g_assert_false (arec_footer_writer_add (footer, 64, 1, 1, &error));
    g_assert_true (test_memory_end());
    g_assert_error (error, AREC_ERROR, AREC_ERROR_NOMEM);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/footer-writer/read-again", test_read_again);
    g_test_add_func ("/footer-writer/hostile-numbers", test_hostile_numbers);
    g_test_add_func ("/footer-writer/memory", test_memory_of);
    g_test_add_func ("/footer-writer/failing-writes", test_each_failing_write);
    g_test_add_func ("/footer-writer/no-memory/writing", test_without_memory);
    g_test_add_func ("/footer-writer/no-memory/adding", test_no_memory_for_an_entry);
    return g_test_run();
}
