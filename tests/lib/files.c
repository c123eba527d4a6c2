#include "files.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>

#include <glib/gstdio.h>

const char *const test_golden_simple[] = {
    "big.groupsize1-uncompressed.array_record",
    "big.groupsize2-brotli5.array_record",
    "big.groupsize3-zstd3.array_record",
    "blocks.groupsize1-uncompressed.array_record",
    "blocks.groupsize4-uncompressed-padtoblockboundarytrue.array_record",
    "empties.groupsize10-zstd3.array_record",
    "empties.groupsize37-uncompressed.array_record",
    "empty.groupsize1.array_record",
    "examples.groupsize1-zstd3.array_record",
    "mixed_empty.groupsize1-brotli1.array_record",
    "mixed_empty.groupsize17-snappy.array_record",
    "random.groupsize10-snappy-padtoblockboundarytrue.array_record",
    "random.groupsize16-zstd3-windowlog31.array_record",
    "text.default.array_record",
    "text.groupsize1-uncompressed.array_record",
    "text.groupsize1-uncompressed.metadata.array_record",
    "text.groupsize100-brotli6.array_record",
    "text.groupsize100-brotli6.metadata.array_record",
    "text.groupsize1000-zstd9.array_record",
    "text.groupsize33-brotli0-padtoblockboundarytrue.array_record",
    "text.groupsize50-zstd-5-windowlog12.array_record",
    "text.groupsize64-snappy.array_record",
    "text.groupsize700-brotli11-windowlog24.array_record",
    "tiny.groupsize2500-brotli6.array_record",
    "tiny.groupsize256-uncompressed.array_record",
    "tiny.groupsize7-zstd1.array_record",
    NULL,
};

const char *const test_golden_transposed[] = {
    "examples.groupsize1-transposetrue-snappy.array_record",
    "examples.groupsize300-transposetrue-brotli6-transposebucketsize1K.array_record",
    "examples.groupsize50-transposetrue-uncompressed.array_record",
    "examples.groupsize64-transposetrue-zstd3.array_record",
    "examples.groupsize64-transposetrue-zstd3.metadata.array_record",
    "text.groupsize128-transposetrue-zstd3.array_record",
    NULL,
};

char *
test_golden_path (const char *name)
{
    return g_build_filename (AREC_TEST_GOLDEN_DIR, name, NULL);
}

uint8_t *
test_golden_read (const char *name, size_t *size)
{
    g_autofree char *path = test_golden_path (name);
    g_autoptr (GError) error = NULL;
    char *data;

    g_file_get_contents (path, &data, size, &error);
    g_assert_no_error (error);
    return (uint8_t *)data;
}

/* The text after `"key": [` or `"key": {` within [at, end). The manifest is JSON of a known,
 * plain shape. */
static const char *
find_key (const char *at, const char *key)
{
    g_autofree char *quoted = g_strdup_printf ("\"%s\"", key);
    const char *found = strstr (at, quoted);

    g_assert_nonnull (found);
    found = strpbrk (found + strlen (quoted), "[{0123456789");
    g_assert_nonnull (found);
    return found;
}

TestRecords *
test_golden_records (const char *name)
{
    g_autofree char *set = g_strndup (name, strcspn (name, "."));
    g_autofree char *manifest = NULL;
    TestRecords *records = g_new0 (TestRecords, 1);
    size_t length;
    const char *at;

    manifest = (char *)test_golden_read ("manifest.json", &length);
    manifest = g_realloc (manifest, length + 1);
    manifest[length] = '\0';
    at = find_key (find_key (manifest, "record_sets"), set);
    records->n = g_ascii_strtoull (find_key (at, "num_records"), NULL, 10);
    records->sizes = g_new0 (uint64_t, records->n + 1);
    records->sha256 = g_malloc0_n (records->n + 1, 65);
    at = find_key (at, "sizes");
    for (uint64_t i = 0; i < records->n; i++) {
        char *end;

        at = strpbrk (at, "0123456789");
        records->sizes[i] = g_ascii_strtoull (at, &end, 10);
        at = end;
    }
    at = find_key (at, "sha256");
    for (uint64_t i = 0; i < records->n; i++) {
        at = strchr (at, '"') + 1;
        memcpy (records->sha256[i], at, 64);
        at += 65;
    }
    return records;
}

void
test_records_free (TestRecords *records)
{
    g_free (records->sizes);
    g_free (records->sha256);
    g_free (records);
}

gboolean
test_record_matches (const TestRecords *records, uint64_t i, const uint8_t *data, size_t size)
{
    g_autofree char *sum = NULL;

    if (i >= records->n || records->sizes[i] != size) {
        return FALSE;
    }
    sum = g_compute_checksum_for_data (G_CHECKSUM_SHA256, size > 0 ? data : (const uint8_t *)"",
                                       size);
    return strcmp (sum, records->sha256[i]) == 0;
}

char *
test_file_write (const char *name, const void *data, size_t size)
{
    g_autoptr (GError) error = NULL;
    g_autofree char *folder = g_dir_make_tmp ("arec-test-XXXXXX", &error);
    char *path;

    g_assert_no_error (error);
    path = g_build_filename (folder, name, NULL);
    g_file_set_contents (path, data, (gssize)size, &error);
    g_assert_no_error (error);
    return path;
}

void
test_file_remove (char *path)
{
    g_autofree char *folder = g_path_get_dirname (path);

    g_unlink (path);
    g_rmdir (folder);
    g_free (path);
}

static int
remove_entry (const char *path, const struct stat *st, int type, struct FTW *place)
{
    (void)st;
    (void)type;
    (void)place;
    return remove (path);
}

void
test_tree_remove (const char *path)
{
    g_assert_true (nftw (path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT);
}
