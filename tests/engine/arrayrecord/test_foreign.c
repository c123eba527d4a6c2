/* Files of other formats are named; ArrayRecord and Riegeli files are not. */
#include "arrayrecord/foreign.h"

#include <string.h>

#include <glib.h>

/* The name of the format of these bytes. */
static const char *
name_of (const void *bytes, size_t size)
{
    size_t n = MIN (size, AREC_FOREIGN_SAMPLE);

    return arec_foreign_name (bytes, (const uint8_t *)bytes + size - n, n, size);
}

static void
test_known (void)
{
    static const struct {
        const char *bytes;
        const char *part; /* of its name */
    } cases[] = {
        {"version https://git-lfs.github.com/spec/v1\noid", "Git LFS"},
        {"\x1f\x8b\x08", "gzip"},
        {"PK\x03\x04", "a zip"},
        {"BZh9", "bzip2"},
        {"\x28\xb5\x2f\xfd", "zstd"},
        {"<!DOCTYPE html>", "HTML"},
        {"\xef\xbb\xbf\r\n\t <HTML>", "HTML"},
        {"<?xml version='1.0'?><Error>", "XML"},
        {"{\"error\": 404}", "JSON"},
        {"PAR1", "Parquet"},
    };
    static const uint8_t tfrecord[] = {5, 0, 0, 0, 0, 0, 0, 0, 0xea, 0xb2, 0x04, 0x3e};
    uint8_t tar[512] = "a name";

    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        const char *name = name_of (cases[i].bytes, strlen (cases[i].bytes));

        g_assert_nonnull (name);
        g_assert_nonnull (strstr (name, cases[i].part));
    }
    g_assert_cmpstr (name_of (tfrecord, sizeof tfrecord), ==, "a TFRecord file");
    g_assert_null (name_of (tfrecord, sizeof tfrecord - 1));
    memcpy (tar + 257, "ustar", 5);
    g_assert_cmpstr (name_of (tar, sizeof tar), ==, "a tar file");
    g_assert_null (name_of (tar, 261));
}

static void
test_zeros (void)
{
    enum { SIZE = 3 * AREC_FOREIGN_SAMPLE };
    g_autofree uint8_t *bytes = g_malloc0 (SIZE);

    g_assert_cmpstr (name_of ("", 0), ==, "an empty file");
    g_assert_cmpstr (name_of (bytes, 1), ==, "a file of zeros");
    g_assert_cmpstr (name_of (bytes, AREC_FOREIGN_SAMPLE), ==, "a file of zeros");
    g_assert_cmpstr (name_of (bytes, SIZE), ==, "a file of zeros, at least at both ends");
    bytes[SIZE - 1] = 1;
    g_assert_null (name_of (bytes, SIZE));
    bytes[SIZE - 1] = 0;
    bytes[1] = 1;
    g_assert_null (name_of (bytes, SIZE));
}

static void
test_ours_and_others (void)
{
    static const char signature[] = "\x83\xaf\x70\xd1\x0d\x88\x4a\x3f";

    g_assert_null (name_of (signature, sizeof signature - 1));
    g_assert_null (name_of ("text", 4));
    g_assert_null (name_of ("<", 1));
    g_assert_null (name_of (" \n", 2));
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/foreign/known", test_known);
    g_test_add_func ("/foreign/zeros", test_zeros);
    g_test_add_func ("/foreign/ours-and-others", test_ours_and_others);
    return g_test_run();
}
