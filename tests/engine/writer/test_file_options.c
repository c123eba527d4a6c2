/* The options that write a file like one that is there: its option string; where it has none,
 * or one of another writer, what its chunks show. */
#include <arec/file_options.h>

#include <arec/arec.h>

#include "files.h"

static const struct {
    const char *name;
    const char *options;
} files[] = {
    {"text.default.array_record",
     "group_size:1,transpose:false,pad_to_block_boundary:false,zstd:3,window_log:20"},
    {"text.groupsize50-zstd-5-windowlog12.array_record",
     "group_size:50,transpose:false,pad_to_block_boundary:false,zstd:-5,window_log:12"},
    {"text.groupsize33-brotli0-padtoblockboundarytrue.array_record",
     "group_size:33,transpose:false,pad_to_block_boundary:true,brotli:0"},
    {"examples.groupsize300-transposetrue-brotli6-transposebucketsize1K.array_record",
     "group_size:300,transpose:true,pad_to_block_boundary:false,transpose_bucket_size:1024,"
     "brotli:6"},
    /* Riegeli's own files say nothing of ours. */
    {"text.uncompressed.riegeli",
     "group_size:11,transpose:false,pad_to_block_boundary:false,uncompressed"},
    {"text.snappy-chunksize4K-padding64K.riegeli",
     "group_size:11,transpose:false,pad_to_block_boundary:false,snappy"},
    {"examples.transpose-zstd3-chunksize16K.riegeli",
     "group_size:44,transpose:true,pad_to_block_boundary:false,transpose_bucket_size:256,zstd:"
     "3,"
     "window_log:20"},
    {"examples.transpose-brotli6.riegeli",
     "group_size:300,transpose:true,pad_to_block_boundary:false,transpose_bucket_size:256,"
     "brotli:6"},
    {"empty.default.riegeli",
     "group_size:1,transpose:false,pad_to_block_boundary:false,zstd:3,window_log:20"},
};

/* The number of threads is no property of a file. */
static void
test_files (void)
{
    g_autoptr (ArecEngine) engine = arec_engine_new (NULL);

    for (size_t i = 0; i < G_N_ELEMENTS (files); i++) {
        g_autofree char *path = test_golden_path (files[i].name);
        g_autoptr (ArecReader) reader = NULL;
        g_autoptr (GError) error = NULL;
        g_autofree char *text = NULL;
        ArecWriterOptions options;

        reader = arec_reader_open (engine, path, NULL, &error);
        g_assert_no_error (error);
        arec_file_options_of (reader, 0, &options, &error);
        g_assert_no_error (error);
        g_assert_cmpuint (options.max_parallelism, ==, 0);
        text = arec_writer_options_to_string (&options);
        g_assert_cmpstr (text, ==, files[i].options);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/file_options/files", test_files);
    return g_test_run();
}
