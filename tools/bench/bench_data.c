#include "bench/bench_data.h"

#include <string.h>

#include "bench/bench_files.h"

/* Bytes of records that are taken from files. A sample that is larger than its average record
 * promised ends at twice that. */
#define SAMPLE_SIZE (UINT64_C (256) << 20)
#define MAX_SAMPLE_SIZE (2 * SAMPLE_SIZE)

void
tool_bench_data_clear (ToolBenchData *data)
{
    g_clear_pointer (&data->source, g_free);
    g_clear_pointer (&data->bytes, g_free);
    g_clear_pointer (&data->records, g_free);
}

static bool
fail_memory (size_t size, GError **error)
{
    return arec_fail (error, AREC_ERROR_NOMEM, "no memory for %zu bytes of records", size);
}

/* Makes room for @more bytes. The records point into bytes that may move, so set_pointers ()
 * comes last. */
static bool
reserve (ToolBenchData *data, size_t *capacity, size_t more, GError **error)
{
    size_t wanted = data->size + more;
    uint8_t *bytes;

    if (wanted <= *capacity) {
        return true;
    }
    *capacity = MAX (wanted, *capacity + *capacity / 2);
    bytes = g_try_realloc (data->bytes, *capacity);
    if (!bytes) {
        return fail_memory (*capacity, error);
    }
    data->bytes = bytes;
    return true;
}

static bool
add (ToolBenchData *data, size_t *capacity, const void *bytes, size_t size, GError **error)
{
    if (!reserve (data, capacity, size, error)) {
        return false;
    }
    if (size > 0) {
        memcpy (data->bytes + data->size, bytes, size);
    }
    data->size += size;
    data->records[data->n_records++].size = size;
    return true;
}

static void
set_pointers (ToolBenchData *data)
{
    const uint8_t *at = data->bytes;

    for (size_t i = 0; i < data->n_records; i++) {
        data->records[i].data = at;
        at += data->records[i].size;
    }
}

static bool
begin (ToolBenchData *data, size_t n, GError **error)
{
    data->records = g_try_new0 (ArecWriterRecord, n);
    return data->records || fail_memory (n * sizeof *data->records, error);
}

bool
tool_bench_data_make (ToolBenchData *data, size_t n, GError **error)
{
    char filling[101];
    size_t capacity = 0;

    memset (filling, 'x', 100);
    filling[100] = '\0';
    if (!begin (data, n, error)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        char record[160];
        int size = g_snprintf (record, sizeof record, "Test record %zu: %s", i, filling);

        if (!add (data, &capacity, record, (size_t)size, error)) {
            return false;
        }
    }
    data->source = g_strdup ("the guide's records");
    set_pointers (data);
    return true;
}

/* How many records to take of @reader. */
static bool
sample_count (ArecReader *reader, uint64_t *n, GError **error)
{
    uint64_t n_records = arec_reader_n_records (reader), size = 0, part;

    if (*n > 0) {
        *n = MIN (*n, n_records);
        return true;
    }
    for (size_t i = 0; i < arec_reader_n_files (reader); i++) {
        if (!arec_reader_file_range_size (reader, i, &part, error)) {
            return false;
        }
        size += part;
    }
    *n = size <= SAMPLE_SIZE
             ? n_records
             : MAX ((uint64_t)((double)n_records * (double)SAMPLE_SIZE / (double)size), 1);
    return true;
}

/* @is_bounded  the sample ends when it is too large. */
static bool
read_sample (ToolBenchData *data, ArecReader *reader, uint64_t n, bool is_bounded,
             GError **error)
{
    uint64_t n_records = arec_reader_n_records (reader);
    size_t capacity = 0;

    for (uint64_t i = 0; i < n && !(is_bounded && data->size > MAX_SAMPLE_SIZE); i++) {
        uint64_t record = (uint64_t)((unsigned __int128)i * n_records / n);
        g_auto (ArecView) view = {0};

        if (!arec_reader_read (reader, record, &view, error) ||
            !add (data, &capacity, view.data, view.size, error)) {
            return false;
        }
    }
    set_pointers (data);
    return true;
}

bool
tool_bench_data_read (ToolBenchData *data, char **files, size_t n_files, uint64_t n,
                      GError **error)
{
    g_autoptr (ArecEngine) engine = arec_engine_new (NULL);
    g_autoptr (ArecReader) reader = tool_bench_files_open (files, n_files, engine, NULL, error);
    uint64_t wanted = n;

    if (!reader) {
        return false;
    }
    data->source = g_strjoinv (" ", files);
    return sample_count (reader, &wanted, error) && begin (data, wanted, error) &&
           read_sample (data, reader, wanted, n == 0, error);
}
