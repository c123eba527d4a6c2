/* A whole file, of any bytes with hashes repaired or forged by steps, read as users read.
 *
 * - All calls about a file that opens agree: places lie in the file and in order.
 * - The size reported for a record is that of its bytes whenever both can be had, before the
 *   read and after it.
 * - A range gives bytes of its record, and can be read if the whole record can be.
 * - A scan and a read of many records give the same bytes as single reads; a read of many
 *   succeeds if and only if those of its records do.
 * - Names of records are as many as records, or an error of bytes.
 * - The outs of a failed call are untouched, and its error is set.
 * - Memory stays bounded.
 *
 * Input: what to repair, or that the file is forged, perhaps one byte to spoil, how to open the
 * file, which records to read; the file.
 */
#include <string.h>

#include <arec/arec.h>

#include "forged_file.h"
#include "fuzz.h"
#include "raw_file.h"
#include "temp_file.h"

/* Records looked at: the first ones, and some that the input names. */
enum { FIRST_RECORDS = 40, NAMED_RECORDS = 4 };

/* Flags beside those for what to repair. */
enum { IS_FORGED = 0x10, IS_SPOILED = 0x20, IS_OFFLOADED = 0x40, HAS_OPTIONS = 0x80 };

#define CACHE_SIZE (UINT64_C (256) << 10)

/* Small, so that small files have both kinds of chunks: decoded whole, and as needed. */
#define MAX_WHOLE 100

/* @error points to the variable, because its value may be taken before the call that gives
 * @ok. */
static bool
check_outcome (bool ok, GError *const *error)
{
    g_assert_true (ok == (*error == NULL));
    g_assert_true (ok || (*error)->domain == AREC_ERROR);
    return ok;
}

/* ---- one record ---- */

static bool
size_of (ArecReader *reader, uint64_t record, uint64_t *size)
{
    g_autoptr (GError) error = NULL;
    uint64_t before = *size;
    bool ok = check_outcome (arec_reader_record_size (reader, record, size, &error), &error);

    g_assert_true (ok || *size == before);
    return ok;
}

static bool
read_record (ArecReader *reader, uint64_t record, ArecView *view)
{
    g_autoptr (GError) error = NULL;
    bool ok = check_outcome (arec_reader_read (reader, record, view, &error), &error);

    g_assert_true (ok == (view->owner != NULL));
    g_assert_true (!ok || view->data);
    return ok;
}

/* A range of @record, before any later byte was requested. The caller compares it with the
 * whole record. */
static bool
read_range (ArecReader *reader, uint64_t record, uint64_t offset, uint64_t size, ArecView *view)
{
    g_autoptr (GError) error = NULL;
    bool ok = check_outcome (
        arec_reader_read_range (reader, record, offset, size, view, &error), &error);

    g_assert_true (ok == (view->owner != NULL));
    g_assert_cmpuint (view->size, <=, size);
    return ok;
}

static void
check_range (const ArecView *part, uint64_t offset, uint64_t size, const ArecView *whole)
{
    uint64_t from = MIN (offset, whole->size);

    g_assert_true (part->owner);
    g_assert_cmpmem (part->data, part->size, whole->data + from,
                     MIN (size, whole->size - from));
}

/* Size, bytes, size again; false: the bytes cannot be had. */
static bool
look_at (ArecReader *reader, uint64_t record, ArecView *view)
{
    uint64_t before = 0, after = 0;
    bool reported = size_of (reader, record, &before);
    uint64_t offset = before / 3, size = before / 2;
    g_auto (ArecView) part = {0};
    ArecPlace place;

    g_assert_true (arec_reader_locate (reader, record, &place, NULL));
    g_assert_cmpuint (place.file_record, ==, record);
    read_range (reader, record, offset, size, &part);
    if (!read_record (reader, record, view)) {
        return false;
    }
    check_range (&part, offset, size, view);
    g_assert_true (size_of (reader, record, &after));
    g_assert_cmpuint (after, ==, view->size);
    if (reported) {
        g_assert_cmpuint (before, ==, view->size);
    }
    return true;
}

/* ---- many records ---- */

/* Reads records [first, end), or as many of them as there is time for. */
static void
check_scan (ArecReader *reader, uint64_t first, uint64_t end)
{
    uint64_t next = first;
    g_autoptr (ArecCursor) scan = arec_cursor_new (reader, first, end);

    for (unsigned i = 0; i <= FIRST_RECORDS; i++) {
        g_autoptr (GError) error = NULL;
        g_auto (ArecView) view = {0};
        const uint8_t *data = NULL;
        size_t size = 0;
        uint64_t record;
        bool ok =
            check_outcome (arec_cursor_next (scan, &record, &data, &size, &error), &error);

        g_assert_cmpuint (record, ==, next);
        if (ok && !data) {
            g_assert_cmpuint (next, ==, end);
            break;
        }
        g_assert_true (read_record (reader, record, &view) == ok);
        if (ok) {
            g_assert_cmpmem (view.data, view.size, data, size);
        }
        g_assert_cmpuint (arec_cursor_position (scan), >, record);
        next = arec_cursor_position (scan);
        g_assert_cmpuint (next, <=, end);
    }
}

/* A scan that may end within a chunk, and one of all records, as far as there is time. */
static void
check_scans (ArecReader *reader, uint64_t first)
{
    uint64_t n_records = arec_reader_n_records (reader);

    check_scan (reader, first, first + MIN (n_records - first, FIRST_RECORDS));
    check_scan (reader, first, n_records);
}

static void
check_many (ArecReader *reader, const uint64_t *records, const ArecView *alone, size_t n)
{
    ArecView views[NAMED_RECORDS] = {0};
    g_autoptr (GError) error = NULL;
    bool all = true;
    bool ok = check_outcome (arec_reader_read_many (reader, records, n, views, &error), &error);

    for (size_t i = 0; i < n; i++) {
        all = all && alone[i].owner;
        if (ok) {
            g_assert_cmpmem (views[i].data, views[i].size, alone[i].data, alone[i].size);
        } else {
            g_assert_null (views[i].owner);
        }
        arec_view_clear (&views[i]);
    }
    g_assert_true (ok == all);
}

static void
look_at_named (ArecReader *reader, ArecBytes *which)
{
    uint64_t n_records = arec_reader_n_records (reader), past = 0;
    uint64_t records[NAMED_RECORDS];
    ArecView views[NAMED_RECORDS] = {0}, none = {0};

    for (size_t i = 0; i < NAMED_RECORDS; i++) {
        records[i] = fuzz_take_number (which) % n_records;
        look_at (reader, records[i], &views[i]);
    }
    check_many (reader, records, views, NAMED_RECORDS);
    check_scans (reader, records[0]);
    for (size_t i = 0; i < NAMED_RECORDS; i++) {
        arec_view_clear (&views[i]);
    }
    g_assert_false (size_of (reader, n_records, &past));
    g_assert_false (read_record (reader, n_records, &none));
}

/* ---- the file ---- */

static void
check_names (ArecReader *reader)
{
    uint64_t n = arec_reader_n_records (reader);
    g_autoptr (ArecStoredNames) names = NULL;
    g_autoptr (GError) error = NULL;

    if (!check_outcome (arec_stored_names_load (reader, 0, &names, &error), &error)) {
        g_assert_true (arec_error_is_of_bytes (error));
        g_assert_null (names);
    }
    for (uint64_t i = 0; names && i < n; i += 1 + n / FIRST_RECORDS) {
        g_assert_cmpuint (strlen (arec_stored_names_get (names, i)), <=, FUZZ_MAX_CHUNK);
    }
    g_assert_true (!names || n == 0 || arec_stored_names_get (names, n - 1));
}

static void
check_file (ArecReader *reader, size_t file_size)
{
    ArecFileInfo info;
    ArecCodecName codec;
    bool transposed;
    g_autoptr (GError) error = NULL;

    arec_reader_file_info (reader, 0, &info);
    g_assert_cmpuint (info.file_size, ==, file_size);
    g_assert_cmpuint (info.n_records, ==, arec_reader_n_records (reader));
    g_assert_cmpuint (info.n_chunks, <=, info.n_records);
    check_outcome (arec_reader_file_coding (reader, 0, &codec, &transposed, &error), &error);
    check_names (reader);
}

static ArecReaderOptions
take_options (unsigned flags, ArecBytes *input)
{
    static const ArecKind kinds[] = {AREC_KIND_AUTO, AREC_KIND_ARRAY_RECORD, AREC_KIND_RIEGELI};
    unsigned how = flags & HAS_OPTIONS ? fuzz_take_u8 (input) : 0;

    return (ArecReaderOptions){.index_storage = flags & IS_OFFLOADED ? AREC_INDEX_OFFLOADED
                                                                     : AREC_INDEX_IN_MEMORY,
                               .recover = how & 1,
                               .kind = kinds[(how >> 1) % G_N_ELEMENTS (kinds)]};
}

static void
read_file (const char *path, size_t size, const ArecReaderOptions *reader_options,
           ArecBytes *which)
{
    ArecEngineOptions options = {.cache_size = CACHE_SIZE,
                                 .max_whole_chunk = MAX_WHOLE,
                                 .max_parallelism = 1,
                                 .max_chunk_size = FUZZ_MAX_CHUNK,
                                 .max_open_files = 4};
    g_autoptr (ArecEngine) engine = arec_engine_new (&options);
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecReader) reader = arec_reader_open (engine, path, reader_options, &error);
    uint64_t n;

    if (!check_outcome (reader != NULL, &error)) {
        return;
    }
    check_file (reader, size);
    n = MIN (arec_reader_n_records (reader), FIRST_RECORDS);
    for (uint64_t i = 0; i < n; i++) {
        g_auto (ArecView) view = {0};

        look_at (reader, i, &view);
    }
    check_scans (reader, 0);
    if (n > 0) {
        look_at_named (reader, which);
    }
}

/* g_byte_array_unref (). */
static GByteArray *
make_file (unsigned flags, ArecBytes *input)
{
    g_autoptr (FuzzForgedFile) forged = NULL;
    GByteArray *file;

    if (flags & IS_FORGED) {
        forged = fuzz_forged_file_new (input);
        return g_byte_array_ref (forged->forge->file);
    }
    file = fuzz_file_unpack (input->at, arec_bytes_left (input));
    fuzz_file_repair (file, flags);
    return file;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    ArecBytes input = arec_bytes (data, size);
    unsigned flags = fuzz_take_u8 (&input);
    uint64_t spoiled = flags & IS_SPOILED ? fuzz_take_number (&input) : 0;
    ArecReaderOptions options = take_options (flags, &input);
    ArecBytes which = fuzz_take_bytes (&input, 8);
    g_autoptr (GByteArray) file = make_file (flags, &input);

    if (flags & IS_SPOILED && file->len > 0) {
        file->data[spoiled % file->len] ^= 0x55;
    }
    fuzz_memory_bound (FUZZ_MAX_MEMORY);
    read_file (fuzz_temp_file (file->data, file->len), file->len, &options, &which);
    fuzz_memory_unbound();
    return 0;
}
