#include <arec/reader.h>

#include <string.h>

#include <arec/error.h>

#define GIB UINT64_C (1073741824)
#define UNKNOWN(key)                                                                           \
    "Unknown option " key ", valid options: max_parallelism, readahead_buffer_size, "          \
    "index_storage_option, footer_prefetch_bytes"
#define BAD_INT(value)                                                                         \
    "Option max_parallelism: invalid value: " value                                            \
    ", valid values: auto, integers in the range [0..2147483647]"
#define BAD_BYTES(key, value)                                                                  \
    "Option " key ": invalid value: " value                                                    \
    ", valid values: auto, integers expressed as reals with optional suffix [BkKMGTPE], "      \
    "in the range [0..1073741824]"
#define BAD_STORAGE(value)                                                                     \
    "Option index_storage_option: invalid value: " value                                       \
    ", valid values: (empty), in_memory, offloaded"

static void
test_accepted (void)
{
    static const struct {
        const char *text;
        ArecReaderOptions options;
    } rows[] = {
        {"", {0}},
        {",,", {0}},
        {"max_parallelism:auto", {0}},
        {"max_parallelism:0", {.has_max_parallelism = true}},
        {"max_parallelism:8", {.has_max_parallelism = true, .max_parallelism = 8}},
        {"max_parallelism: +8 ", {.has_max_parallelism = true, .max_parallelism = 8}},
        {"max_parallelism:2147483647",
         {.has_max_parallelism = true, .max_parallelism = INT32_MAX}},
        {"readahead_buffer_size:auto", {0}},
        {"readahead_buffer_size:0", {0}},
        {"readahead_buffer_size:-0", {0}},
        {"readahead_buffer_size:16M,", {.readahead_buffer_size = 16 << 20}},
        {"readahead_buffer_size:16MB", {.readahead_buffer_size = 16 << 20}},
        {"readahead_buffer_size:512KB", {.readahead_buffer_size = 512 << 10}},
        {"readahead_buffer_size:512KiB", {.readahead_buffer_size = 512 << 10}},
        {"readahead_buffer_size:0.5", {.readahead_buffer_size = 1}},
        {"readahead_buffer_size:1G", {.readahead_buffer_size = GIB}},
        {"readahead_buffer_size:1073741824.4", {.readahead_buffer_size = GIB}},
        {"index_storage_option", {0}},
        {"index_storage_option:", {0}},
        {"index_storage_option:in_memory", {.index_storage = AREC_INDEX_IN_MEMORY}},
        {"index_storage_option:offloaded", {.index_storage = AREC_INDEX_OFFLOADED}},
        {"footer_prefetch_bytes:auto", {0}},
        {"footer_prefetch_bytes:1M", {.footer_prefetch_bytes = 1 << 20}},
        {"index_storage_option:offloaded,footer_prefetch_bytes:1",
         {.index_storage = AREC_INDEX_OFFLOADED, .footer_prefetch_bytes = 1}},
        {"readahead_buffer_size:0,max_parallelism:0", {.has_max_parallelism = true}},
        {",index_storage_option:offloaded,readahead_buffer_size:64MB,,max_parallelism:4",
         {.has_max_parallelism = true,
          .max_parallelism = 4,
          .readahead_buffer_size = 64 << 20,
          .index_storage = AREC_INDEX_OFFLOADED}},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        const ArecReaderOptions *expected = &rows[i].options;
        g_autoptr (GError) error = NULL;
        ArecReaderOptions options;

        memset (&options, 0xa5, sizeof options);
        if (!arec_reader_options_parse (rows[i].text, &options, &error)) {
            g_error ("'%s': %s", rows[i].text, error->message);
        }
        g_assert_no_error (error);
        g_assert_cmpint (options.has_max_parallelism, ==, expected->has_max_parallelism);
        g_assert_cmpuint (options.max_parallelism, ==, expected->max_parallelism);
        g_assert_cmpuint (options.readahead_buffer_size, ==, expected->readahead_buffer_size);
        g_assert_cmpint (options.index_storage, ==, expected->index_storage);
        g_assert_cmpuint (options.footer_prefetch_bytes, ==, expected->footer_prefetch_bytes);
    }
}

static void
test_rejected (void)
{
    static const struct {
        const char *text;
        const char *message;
    } rows[] = {
        {"default", UNKNOWN ("default")},
        {"max_parallelism:4,zstd:3", UNKNOWN ("zstd")},
        {"readahead_buffer_size=0", UNKNOWN ("readahead_buffer_size=0")},
        {" max_parallelism:4", UNKNOWN (" max_parallelism")},
        {"Max_parallelism:4", UNKNOWN ("Max_parallelism")},
        {"max_parallelism", BAD_INT ("(empty)")},
        {"max_parallelism:", BAD_INT ("(empty)")},
        {"max_parallelism:-1", BAD_INT ("-1")},
        {"max_parallelism:2147483648", BAD_INT ("2147483648")},
        {"max_parallelism:4.0", BAD_INT ("4.0")},
        {"max_parallelism:0x4", BAD_INT ("0x4")},
        {"max_parallelism:1:2", BAD_INT ("1:2")},
        {"max_parallelism:Auto", BAD_INT ("Auto")},
        {"readahead_buffer_size", BAD_BYTES ("readahead_buffer_size", "(empty)")},
        {"readahead_buffer_size:1073741825", BAD_BYTES ("readahead_buffer_size", "1073741825")},
        {"readahead_buffer_size:1073741824.5",
         BAD_BYTES ("readahead_buffer_size", "1073741824.5")},
        {"readahead_buffer_size:2GB", BAD_BYTES ("readahead_buffer_size", "2GB")},
        {"readahead_buffer_size:inf", BAD_BYTES ("readahead_buffer_size", "inf")},
        {"readahead_buffer_size:nan", BAD_BYTES ("readahead_buffer_size", "nan")},
        {"readahead_buffer_size:16m", BAD_BYTES ("readahead_buffer_size", "16m")},
        {"readahead_buffer_size:16M ", BAD_BYTES ("readahead_buffer_size", "16M ")},
        {"readahead_buffer_size:-1", BAD_BYTES ("readahead_buffer_size", "-1")},
        {"footer_prefetch_bytes:-1", BAD_BYTES ("footer_prefetch_bytes", "-1")},
        {"footer_prefetch_bytes", BAD_BYTES ("footer_prefetch_bytes", "(empty)")},
        {"index_storage_option:memory", BAD_STORAGE ("memory")},
        {"index_storage_option:offloaded ", BAD_STORAGE ("offloaded ")},
        {"index_storage_option:auto", BAD_STORAGE ("auto")},
        {"max_parallelism:1,max_parallelism:1",
         "Option max_parallelism is present more than once"},
        {"index_storage_option,index_storage_option:x",
         "Option index_storage_option is present more than once"},
        {"max_parallelism:x,foo", BAD_INT ("x")},
        {"foo,max_parallelism:x", UNKNOWN ("foo")},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autoptr (GError) error = NULL;
        ArecReaderOptions options;
        ArecReaderOptions before;

        memset (&options, 0xa5, sizeof options);
        memcpy (&before, &options, sizeof options);
        if (arec_reader_options_parse (rows[i].text, &options, &error)) {
            g_error ("'%s' was taken", rows[i].text);
        }
        g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
        g_assert_cmpstr (error->message, ==, rows[i].message);
        g_assert_cmpmem (&options, sizeof options, &before, sizeof before);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/reader_options/accepted", test_accepted);
    g_test_add_func ("/reader_options/rejected", test_rejected);
    return g_test_run();
}
