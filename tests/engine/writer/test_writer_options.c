/* A writer's option strings: what the reference takes and refuses, in its words, and what it
 * keeps of them in a file. */
#include "writer/writer_options.h"

#include <string.h>

#include "base/error.h"

#define KEYS                                                                                   \
    "default, group_size, max_parallelism, saturation_delay_ms, transpose, "                   \
    "transpose_bucket_size, uncompressed, brotli, zstd, snappy, window_log, "                  \
    "pad_to_block_boundary"
#define UNKNOWN(key) "Unknown option " key ", valid options: " KEYS
#define TWICE(key) "Option " key " is present more than once"
#define CONFLICT(key, other) "Option " key " conflicts with option " other
#define BAD(key, value, valid) "Option " key ": invalid value: " value ", valid values: " valid
#define INTS(min, max) "integers in the range [" #min ".." #max "]"
#define BUCKETS                                                                                \
    "auto, integers expressed as reals with optional suffix [BkKMGTPE], in the range "         \
    "[1..18446744073709551615]"

#define ONE "group_size:1,transpose:false,pad_to_block_boundary:false,"

static ArecWriterOptions
parse (const char *text)
{
    g_autoptr (GError) error = NULL;
    ArecWriterOptions options;

    memset (&options, 0xa5, sizeof options);
    if (!arec_writer_options_parse (text, &options, &error)) {
        g_error ("'%s': %s", text, error->message);
    }
    g_assert_no_error (error);
    return options;
}

static void
assert_equal (const ArecWriterOptions *a, const ArecWriterOptions *b)
{
    g_assert_cmpuint (a->group_size, ==, b->group_size);
    g_assert_cmpuint (a->max_parallelism, ==, b->max_parallelism);
    g_assert_cmpint (a->transpose, ==, b->transpose);
    g_assert_cmpint (a->pad_to_block_boundary, ==, b->pad_to_block_boundary);
    g_assert_cmpint (a->codec, ==, b->codec);
    g_assert_cmpint (a->window_log, ==, b->window_log);
    if (a->transpose) {
        g_assert_cmpuint (a->transpose_bucket_size, ==, b->transpose_bucket_size);
    }
    if (a->codec != AREC_CODEC_SNAPPY) {
        g_assert_cmpint (a->level, ==, b->level);
    }
}

/* ---- what is kept in a file ---- */

static const struct {
    const char *given, *kept; /* by a writer without threads */
} strings[] = {
    {"", ONE "zstd:3,window_log:20,max_parallelism:1"},
    {"default", ONE "zstd:3,window_log:20,max_parallelism:1"},
    {"default:xyz", ONE "zstd:3,window_log:20,max_parallelism:1"},
    {",,default,,", ONE "zstd:3,window_log:20,max_parallelism:1"},
    {"group_size:1024,zstd:5,window_log:10",
     "group_size:1024,transpose:false,pad_to_block_boundary:false,zstd:5,window_log:10,"
     "max_parallelism:1"},
    {"group_size:256,brotli:9",
     "group_size:256,transpose:false,pad_to_block_boundary:false,brotli:9,max_parallelism:1"},
    {"brotli:0,window_log:30", ONE "brotli:0,window_log:30,max_parallelism:1"},
    {"window_log:30,brotli", ONE "brotli:6,window_log:30,max_parallelism:1"},
    {"brotli:,window_log:auto", ONE "brotli:6,max_parallelism:1"},
    {"snappy:2,saturation_delay_ms:7", ONE "snappy,max_parallelism:1"},
    {"snappy", ONE "snappy,max_parallelism:1"},
    {"uncompressed,pad_to_block_boundary:true",
     "group_size:1,transpose:false,pad_to_block_boundary:true,uncompressed,max_parallelism:1"},
    {"pad_to_block_boundary", ONE "zstd:3,window_log:20,max_parallelism:1"},
    {"pad_to_block_boundary:", ONE "zstd:3,window_log:20,max_parallelism:1"},
    {"transpose",
     "group_size:1,transpose:true,pad_to_block_boundary:false,transpose_bucket_size:256,zstd:3,"
     "window_log:20,max_parallelism:1"},
    {"transpose:false", ONE "zstd:3,window_log:20,max_parallelism:1"},
    {"transpose_bucket_size:7", ONE "zstd:3,window_log:20,max_parallelism:1"},
    {"group_size:32,transpose,transpose_bucket_size:0.5M,zstd,window_log:auto",
     "group_size:32,transpose:true,pad_to_block_boundary:false,transpose_bucket_size:524288,"
     "zstd:3,window_log:20,max_parallelism:1"},
    {"transpose,transpose_bucket_size:inf",
     "group_size:1,transpose:true,pad_to_block_boundary:false,"
     "transpose_bucket_size:18446744073709551615,zstd:3,window_log:20,max_parallelism:1"},
    {"window_log:22", ONE "zstd:3,window_log:22,max_parallelism:1"},
    {"window_log:31", ONE "zstd:3,window_log:31,max_parallelism:1"},
    {"group_size:32,transpose,brotli:6,window_log:25,pad_to_block_boundary:true,"
     "max_parallelism:4",
     "group_size:32,transpose:true,pad_to_block_boundary:true,transpose_bucket_size:256,"
     "brotli:6,window_log:25,max_parallelism:1"},
    {"zstd:-5,max_parallelism:500", ONE "zstd:-5,window_log:20,max_parallelism:1"},
    {"zstd: 7,group_size:+7 ",
     "group_size:7,transpose:false,pad_to_block_boundary:false,zstd:7,window_log:20,"
     "max_parallelism:1"},
    {"zstd:-131072", ONE "zstd:-131072,window_log:20,max_parallelism:1"},
    {"zstd:0", ONE "zstd:0,window_log:20,max_parallelism:1"},
};

static void
test_kept_strings (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (strings); i++) {
        ArecWriterOptions options = parse (strings[i].given);
        g_autofree char *kept = NULL;

        options.max_parallelism = 1;
        kept = arec_writer_options_to_string (&options);
        g_assert_cmpstr (kept, ==, strings[i].kept);
    }
}

/* What is written can be read back, and says the same. */
static void
test_read_back (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (strings); i++) {
        ArecWriterOptions options = parse (strings[i].given), again;
        g_autofree char *kept = arec_writer_options_to_string (&options);
        g_autofree char *kept_again = NULL;

        again = parse (kept);
        assert_equal (&options, &again);
        kept_again = arec_writer_options_to_string (&again);
        g_assert_cmpstr (kept, ==, kept_again);
    }
}

/* The guide's own strings, and the forms of sizes that it prints elsewhere. */
static void
test_forms_of_the_guide (void)
{
    static const struct {
        const char *text;
        uint64_t bucket;
        uint32_t max_parallelism;
    } rows[] = {
        {"group_size:10000,max_parallelism:8,snappy", 256, 8},
        {"group_size:5000,brotli:6,max_parallelism:4", 256, 4},
        {"group_size:100,max_parallelism:auto", 256, 0},
        {"transpose_bucket_size:16MB", 16 << 20, 0},
        {"transpose_bucket_size:512KB", 512 << 10, 0},
        {"transpose_bucket_size:512KiB", 512 << 10, 0},
        {"transpose_bucket_size:512B", 512, 0},
        {"transpose_bucket_size:auto", 256, 0},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        ArecWriterOptions options = parse (rows[i].text);

        g_assert_cmpuint (options.transpose_bucket_size, ==, rows[i].bucket);
        g_assert_cmpuint (options.max_parallelism, ==, rows[i].max_parallelism);
    }
}

static void
test_members (void)
{
    ArecWriterOptions options = parse (""), initial;

    arec_writer_options_init (&initial);
    assert_equal (&options, &initial);
    g_assert_cmpuint (initial.group_size, ==, 1);
    g_assert_cmpuint (initial.max_parallelism, ==, 0);
    g_assert_cmpuint (initial.saturation_delay_ms, ==, 10);
    g_assert_cmpint (initial.codec, ==, AREC_CODEC_ZSTD);
    options = parse ("snappy:2,saturation_delay_ms:7,max_parallelism:2147483647,"
                     "group_size:2147483647");
    g_assert_cmpint (options.codec, ==, AREC_CODEC_SNAPPY);
    g_assert_cmpint (options.level, ==, 2);
    g_assert_cmpint (options.window_log, ==, 0);
    g_assert_cmpuint (options.saturation_delay_ms, ==, 7);
    g_assert_cmpuint (options.max_parallelism, ==, INT32_MAX);
    g_assert_cmpuint (options.group_size, ==, INT32_MAX);
    options = parse ("uncompressed");
    g_assert_cmpint (options.level, ==, 0);
    g_assert_cmpint (options.window_log, ==, 0);
}

/* ---- refusals ---- */

static void
test_refused (void)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"foo", UNKNOWN ("foo")},
        {" zstd", UNKNOWN (" zstd")},
        {"group_size=1", UNKNOWN ("group_size=1")},
        {"readahead_buffer_size:16M", UNKNOWN ("readahead_buffer_size")},
        {"brotli_encoder:rbrotli", UNKNOWN ("brotli_encoder")},
        {"group_size:1,group_size:1", TWICE ("group_size")},
        {"zstd,zstd", TWICE ("zstd")},
        {"group_size:1,default", "Option default must be first"},
        {"group_size", BAD ("group_size", "(empty)", INTS (1, 2147483647))},
        {"group_size:0", BAD ("group_size", "0", INTS (1, 2147483647))},
        {"group_size:2147483648", BAD ("group_size", "2147483648", INTS (1, 2147483647))},
        {"group_size:1:2", BAD ("group_size", "1:2", INTS (1, 2147483647))},
        {"max_parallelism:0", BAD ("max_parallelism", "0", "auto, " INTS (1, 2147483647))},
        {"max_parallelism", BAD ("max_parallelism", "(empty)", "auto, " INTS (1, 2147483647))},
        {"saturation_delay_ms:0", BAD ("saturation_delay_ms", "0", INTS (1, 2147483647))},
        {"saturation_delay_ms:auto", BAD ("saturation_delay_ms", "auto", INTS (1, 2147483647))},
        {"transpose:1", BAD ("transpose", "1", "(empty), true, false")},
        {"transpose_bucket_size:0", BAD ("transpose_bucket_size", "0", BUCKETS)},
        {"transpose_bucket_size", BAD ("transpose_bucket_size", "(empty)", BUCKETS)},
        {"transpose_bucket_size:-5k", BAD ("transpose_bucket_size", "-5k", BUCKETS)},
        {"pad_to_block_boundary:yes",
         BAD ("pad_to_block_boundary", "yes", "(empty), true, false")},
        {"uncompressed:0", BAD ("uncompressed", "0", "(empty)")},
        {"uncompressed:true", BAD ("uncompressed", "true", "(empty)")},
        {"brotli:12", BAD ("brotli", "12", "(empty), " INTS (0, 11))},
        {"brotli:-1", BAD ("brotli", "-1", "(empty), " INTS (0, 11))},
        {"zstd:23", BAD ("zstd", "23", "(empty), " INTS (-131072, 22))},
        {"zstd:-131073", BAD ("zstd", "-131073", "(empty), " INTS (-131072, 22))},
        {"snappy:0", BAD ("snappy", "0", "(empty), " INTS (1, 2))},
        {"snappy:3", BAD ("snappy", "3", "(empty), " INTS (1, 2))},
        {"window_log", BAD ("window_log", "(empty)", "auto, " INTS (10, 31))},
        {"window_log:9", BAD ("window_log", "9", "auto, " INTS (10, 31))},
        {"zstd,window_log:32", BAD ("window_log", "32", "auto, " INTS (10, 31))},
        {"window_log:31,brotli", BAD ("window_log", "31", "auto, " INTS (10, 30))},
        /* two codecs, before anything else of the second stage */
        {"brotli,zstd", CONFLICT ("zstd", "brotli")},
        {"zstd:99,snappy:99", CONFLICT ("snappy", "zstd")},
        {"window_log:0,snappy:9,uncompressed:9", CONFLICT ("uncompressed", "snappy")},
        {"snappy,zstd,brotli", CONFLICT ("zstd", "snappy")},
        /* a window without a codec that has one: the later option is wrong, before its value */
        {"window_log:15,snappy", CONFLICT ("snappy", "window_log")},
        {"snappy,window_log:15", CONFLICT ("window_log", "snappy")},
        {"uncompressed,window_log:auto", CONFLICT ("window_log", "uncompressed")},
        {"window_log,uncompressed", CONFLICT ("uncompressed", "window_log")},
        {"window_log:0,snappy:0", CONFLICT ("snappy", "window_log")},
        {"snappy:9,window_log:15", BAD ("snappy", "9", "(empty), " INTS (1, 2))},
        /* the first stage wins */
        {"zstd:99,group_size:0", BAD ("group_size", "0", INTS (1, 2147483647))},
        {"brotli,zstd,foo", UNKNOWN ("foo")},
        {"window_log:9,zstd:99", BAD ("window_log", "9", "auto, " INTS (10, 31))},
        {"zstd:99,window_log:9", BAD ("zstd", "99", "(empty), " INTS (-131072, 22))},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autoptr (GError) error = NULL;
        ArecWriterOptions options, before;

        memset (&options, 0xa5, sizeof options);
        memcpy (&before, &options, sizeof options);
        if (arec_writer_options_parse (rows[i].text, &options, &error)) {
            g_error ("'%s' was taken", rows[i].text);
        }
        g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
        g_assert_cmpstr (error->message, ==, rows[i].message);
        g_assert_cmpmem (&options, sizeof options, &before, sizeof before);
    }
}

/* Options that no string made get the string's message. */
static void
test_check (void)
{
    g_autoptr (GError) error = NULL;
    ArecWriterOptions options;

    arec_writer_options_init (&options);
    g_assert_true (arec_writer_options_check (&options, &error));
    options.group_size = 0;
    g_assert_false (arec_writer_options_check (&options, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
    g_assert_cmpstr (error->message, ==, BAD ("group_size", "0", INTS (1, 2147483647)));
    g_clear_error (&error);
    arec_writer_options_init (&options);
    options.codec = AREC_CODEC_SNAPPY;
    g_assert_false (arec_writer_options_check (&options, &error));
    g_assert_cmpstr (error->message, ==, CONFLICT ("window_log", "snappy"));
    g_clear_error (&error);
    options.codec = AREC_CODEC_MIXED;
    g_assert_false (arec_writer_options_check (&options, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
}

static void
test_codecs (void)
{
    static const ArecCompression all[] = {AREC_COMPRESSION_NONE, AREC_COMPRESSION_BROTLI,
                                          AREC_COMPRESSION_ZSTD, AREC_COMPRESSION_SNAPPY};
    ArecWriterOptions options = parse ("brotli:9,window_log:25");
    ArecCodecOptions codec = arec_writer_options_codec (&options);

    g_assert_cmpint (codec.compression, ==, AREC_COMPRESSION_BROTLI);
    g_assert_cmpint (codec.level, ==, 9);
    g_assert_true (codec.has_window_log);
    g_assert_cmpint (codec.window_log, ==, 25);
    for (size_t i = 0; i < G_N_ELEMENTS (all); i++) {
        ArecCodecOptions given = arec_codec_options_default (all[i]);

        arec_writer_options_set_codec (&options, &given);
        codec = arec_writer_options_codec (&options);
        g_assert_cmpint (codec.compression, ==, given.compression);
        g_assert_cmpint (codec.level, ==, given.level);
        g_assert_cmpint (codec.has_window_log, ==, given.has_window_log);
        g_assert_true (arec_writer_options_check (&options, NULL));
    }
}

/* ---- over what is set already ---- */

/* What @text does not name stays; the codec keys count as one. */
static void
test_update (void)
{
    static const struct {
        const char *earlier, *text, *kept;
    } rows[] = {
        {"group_size:100,brotli:6", "zstd:9",
         "group_size:100,transpose:false,pad_to_block_boundary:false,zstd:9,window_log:20"},
        {"group_size:100,brotli:6", "group_size:7",
         "group_size:7,transpose:false,pad_to_block_boundary:false,brotli:6"},
        {"group_size:100,brotli:6", "",
         "group_size:100,transpose:false,pad_to_block_boundary:false,brotli:6"},
        {"brotli:9", "window_log:22", ONE "brotli:9,window_log:22"},
        {"brotli:9,window_log:22", "brotli", ONE "brotli:6"},
        {"zstd:9,window_log:25", "window_log:auto", ONE "zstd:9,window_log:20"},
        {"zstd:9,window_log:25", "zstd", ONE "zstd:3,window_log:20"},
        {"snappy,max_parallelism:8", "uncompressed", ONE "uncompressed,max_parallelism:8"},
        {"snappy,max_parallelism:8", "max_parallelism:auto", ONE "snappy"},
        {"snappy,transpose,transpose_bucket_size:9", "transpose_bucket_size:auto",
         "group_size:1,transpose:true,pad_to_block_boundary:false,transpose_bucket_size:256,"
         "snappy"},
        {"transpose,pad_to_block_boundary:true,snappy", "transpose:false",
         "group_size:1,transpose:false,pad_to_block_boundary:true,snappy"},
        {"snappy", "zstd:1,window_log:12", ONE "zstd:1,window_log:12"},
        {"snappy", "window_log:12,zstd:1", ONE "zstd:1,window_log:12"},
        {"group_size:5,snappy", "default,group_size:6",
         "group_size:6,transpose:false,pad_to_block_boundary:false,snappy"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        ArecWriterOptions options = parse (rows[i].earlier);
        g_autoptr (GError) error = NULL;
        g_autofree char *kept = NULL;

        options.max_memory = 77;
        g_test_message ("'%s' over '%s'", rows[i].text, rows[i].earlier);
        arec_writer_options_update (rows[i].text, &options, &error);
        g_assert_no_error (error);
        kept = arec_writer_options_to_string (&options);
        g_assert_cmpstr (kept, ==, rows[i].kept);
        g_assert_cmpuint (options.max_memory, ==, 77);
    }
}

/* A window is refused where the codec that stays has none. Nothing changes then. */
static void
test_update_refused (void)
{
    static const struct {
        const char *earlier, *text, *message;
    } rows[] = {
        {"snappy", "window_log:20", CONFLICT ("window_log", "snappy")},
        {"uncompressed", "group_size:3,window_log:auto",
         CONFLICT ("window_log", "uncompressed")},
        {"brotli", "window_log:31", BAD ("window_log", "31", "auto, " INTS (10, 30))},
        {"brotli", "zstd:3,snappy", CONFLICT ("snappy", "zstd")},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        ArecWriterOptions options = parse (rows[i].earlier), before = options;
        g_autoptr (GError) error = NULL;

        g_assert_false (arec_writer_options_update (rows[i].text, &options, &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
        g_assert_cmpstr (error->message, ==, rows[i].message);
        assert_equal (&options, &before);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/writer_options/kept-strings", test_kept_strings);
    g_test_add_func ("/writer_options/read-back", test_read_back);
    g_test_add_func ("/writer_options/forms-of-the-guide", test_forms_of_the_guide);
    g_test_add_func ("/writer_options/members", test_members);
    g_test_add_func ("/writer_options/refused", test_refused);
    g_test_add_func ("/writer_options/check", test_check);
    g_test_add_func ("/writer_options/codecs", test_codecs);
    g_test_add_func ("/writer_options/update", test_update);
    g_test_add_func ("/writer_options/update-refused", test_update_refused);
    return g_test_run();
}
