/* Files that tests read: the golden ones and what the manifest says about them. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <glib.h>

/* The whole file tests/golden/@name; aborts the test if it cannot be read. g_free (). */
uint8_t *test_golden_read (const char *name, size_t *size);

/* The path of tests/golden/@name. g_free (). */
char *test_golden_path (const char *name);

/* Names of the golden files that hold simple chunks and a footer; NULL-terminated, static. */
extern const char *const test_golden_simple[];
/* The same with transposed chunks. */
extern const char *const test_golden_transposed[];

/* The records that golden file @name must hold, from the manifest. */
typedef struct {
    uint64_t n;
    uint64_t *sizes;
    char (*sha256)[65]; /* lower-case hex */
} TestRecords;

TestRecords *test_golden_records (const char *name);
void test_records_free (TestRecords *records);

/* Whether @data is the content that record @i must have. */
gboolean test_record_matches (const TestRecords *records, uint64_t i, const uint8_t *data,
                              size_t size);

/* A temporary file with these bytes, removed by test_file_remove (). */
char *test_file_write (const char *name, const void *data, size_t size);
void test_file_remove (char *path); /* removes the file and its directory, frees @path */

/* Removes what @path names and all below it; no link is followed. What is not there is no
 * matter. */
void test_tree_remove (const char *path);
