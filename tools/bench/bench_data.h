/* ToolBenchData: the records that are measured with, in memory. Immutable once made. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include <arec/arec.h>

typedef struct {
    char *source; /* for people: the files, or what the records are */
    uint8_t *bytes;
    size_t size; /* of all records */
    ArecWriterRecord *records;
    size_t n_records;
} ToolBenchData;

/* Records of the guide's benchmark: `Test record N: ` and 100 times `x`.
 * @n  at least 1. Errors: NOMEM. */
bool tool_bench_data_make (ToolBenchData *data, size_t n, GError **error);

/* Records of @files, SOURCEs as of arecfs, as one sequence, evenly spread over it.
 * @n  how many at most; 0: as many as fit 256 MiB by their average size.
 * Errors: those of arec_reader_open () and of reads; INVALID: there are none. Blocks on I/O. */
bool tool_bench_data_read (ToolBenchData *data, char **files, size_t n_files, uint64_t n,
                           GError **error);

void tool_bench_data_clear (ToolBenchData *data); /* takes a zeroed one */

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ToolBenchData, tool_bench_data_clear)
