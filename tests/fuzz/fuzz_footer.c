/* The end of a file: postscript, footer, and the index made of it.
 *
 * - The parsers take any bytes; what they point to lies within these. An entry in the usual
 *   form, which has a fast path, gives the same with an unknown field before it, which has no
 *   fast path.
 * - The index of a forged file that opens is sound: offsets ascend and lie in the file, the
 *   record numbers are without gaps, every chunk is found by its first and its last record, and
 *   the sums are right. An index from the forged footer has that footer's entries. A chunk that
 *   loads agrees with the index.
 * - An index in memory and an offloaded one agree in all of that, and if one is refused so is
 *   the other, in the same words. Limits on memory may refuse the first alone.
 * - Memory stays bounded, and so does an error's message.
 *
 * Input: which of the parsers and its message, or how to open a file and the steps to forge it.
 */
#include <string.h>

#include <arec/error.h>

#include "arrayrecord/footer.h"
#include "arrayrecord/shard.h"
#include "base/limits.h"
#include "forged_file.h"
#include "fuzz.h"
#include "loads.h"
#include "riegeli/block.h"
#include "source/memory_source.h"

enum { PARSE_POSTSCRIPT, PARSE_METADATA, PARSE_ENTRY, OPEN_FILE, N_MODES };

/* An error names a file, an offset and what was found; it never quotes a file at length. */
#define MAX_MESSAGE 400

/* Bytes that a codec's window may take if a footer is read as a stream; a footer with a larger
 * window is read whole, within the limits. */
#define MAX_WINDOW ((size_t)128 << 20)

/* Field 15, a varint, which no message has. */
static const uint8_t unknown_field[] = {0x78, 0x00};

/* @message with a field before it that changes nothing. g_byte_array_unref (). */
static GByteArray *
after_unknown_field (ArecBytes message)
{
    GByteArray *longer = g_byte_array_new();

    g_byte_array_append (longer, unknown_field, sizeof unknown_field);
    return g_byte_array_append (longer, message.at, (guint)arec_bytes_left (&message));
}

static void
parse_postscript (ArecBytes message)
{
    g_autoptr (GByteArray) longer = after_unknown_field (message);
    ArecPostscript one, other;
    bool valid = arec_postscript_parse (message, &one);

    g_assert_true (arec_postscript_parse (arec_bytes (longer->data, longer->len), &other) ==
                   valid);
    if (valid) {
        g_assert_true (one.has_footer_offset == other.has_footer_offset);
        g_assert_cmpuint (one.footer_offset, ==, other.footer_offset);
        g_assert_true (one.has_magic == other.has_magic);
        g_assert_cmphex (one.magic, ==, other.magic);
    }
}

static void
parse_metadata (ArecBytes message)
{
    ArecFooterMetadata metadata;

    if (!arec_footer_metadata_parse (message, &metadata)) {
        return;
    }
    if (metadata.options) {
        g_assert_true (metadata.is_array_record);
        g_assert_true (metadata.options >= message.at && metadata.options <= message.end);
        g_assert_cmpuint (metadata.options_size, <=, (size_t)(message.end - metadata.options));
    } else {
        g_assert_cmpuint (metadata.options_size, ==, 0);
    }
}

static void
parse_entry (ArecBytes message)
{
    g_autoptr (GByteArray) longer = after_unknown_field (message);
    ArecFooterEntry one, other;
    bool valid = arec_footer_entry_parse (message, &one);

    g_assert_true (arec_footer_entry_parse (arec_bytes (longer->data, longer->len), &other) ==
                   valid);
    if (valid) {
        g_assert_true (one.has_chunk_offset == other.has_chunk_offset);
        g_assert_cmpuint (one.chunk_offset, ==, other.chunk_offset);
        g_assert_cmpuint (one.decoded_data_size, ==, other.decoded_data_size);
        g_assert_cmpuint (one.num_records, ==, other.num_records);
    }
}

/* ---- the index ---- */

static void
check_find (const ArecIndex *index, uint64_t record, uint64_t chunk)
{
    ArecIndexEntry entry;
    uint64_t found;

    g_assert_true (arec_index_find (index, record, &found, &entry, NULL));
    g_assert_cmpuint (found, ==, chunk);
    g_assert_cmpuint (record - entry.first_record, <, entry.n_records);
}

static void
check_entry (const ArecIndex *index, uint64_t chunk, const ArecIndexEntry *entry)
{
    g_assert_true (arec_block_is_chunk_boundary (entry->offset));
    g_assert_cmpuint (entry->offset, <, entry->limit);
    g_assert_cmpuint (entry->n_records, >=, 1);
    check_find (index, entry->first_record, chunk);
    check_find (index, entry->first_record + entry->n_records - 1, chunk);
}

static void
check_index (const ArecIndex *index, uint64_t file_size)
{
    uint64_t n_records = 0, decoded_size = 0, limit = 0;

    for (uint64_t i = 0; i < arec_index_n_chunks (index); i++) {
        ArecIndexEntry entry;

        g_assert_true (arec_index_get (index, i, &entry, NULL));
        check_entry (index, i, &entry);
        g_assert_cmpuint (entry.first_record, ==, n_records);
        g_assert_true (i == 0 || entry.offset == limit);
        n_records += entry.n_records;
        decoded_size += entry.decoded_size;
        limit = entry.limit;
    }
    g_assert_cmpuint (arec_index_n_records (index), ==, n_records);
    g_assert_cmpuint (arec_index_decoded_size (index), ==, decoded_size);
    g_assert_cmpuint (limit, <=, file_size);
}

/* The index has the entries of the footer of @file. */
static void
check_listed (const ArecIndex *index, const FuzzForgedFile *file)
{
    uint64_t n = arec_index_n_chunks (index);

    g_assert_cmpuint (n, ==, file->forge->num_chunks);
    g_assert_cmpuint (arec_index_n_records (index), ==, file->forge->num_records);
    for (uint64_t i = 0; file->is_exact && i < n; i++) {
        const FuzzForgedEntry *meant = &g_array_index (file->entries, FuzzForgedEntry, i);
        ArecIndexEntry entry;

        g_assert_true (arec_index_get (index, i, &entry, NULL));
        g_assert_cmpuint (entry.offset, ==, meant->offset);
        g_assert_cmpuint (entry.decoded_size, ==, meant->decoded_size);
        g_assert_cmpuint (entry.n_records, ==, meant->n_records);
        g_assert_cmpuint (entry.limit, <=, file->forge->footer_at);
    }
}

static void
check_same_index (const ArecIndex *a, const ArecIndex *b)
{
    g_assert_cmpuint (arec_index_n_chunks (a), ==, arec_index_n_chunks (b));
    g_assert_cmpuint (arec_index_group_size (a), ==, arec_index_group_size (b));
    for (uint64_t i = 0; i < arec_index_n_chunks (a); i++) {
        ArecIndexEntry one, other;

        g_assert_true (arec_index_get (a, i, &one, NULL));
        g_assert_true (arec_index_get (b, i, &other, NULL));
        g_assert_cmpmem (&one, sizeof one, &other, sizeof other);
    }
}

/* ---- files ---- */

/* There must be an error, with any short message. */
static void
check_error (const GError *error)
{
    g_assert_nonnull (error);
    g_assert_cmpuint (strlen (error->message), <=, MAX_MESSAGE);
}

static void
load_chunks (ArecShard *shard)
{
    uint64_t n = MIN (arec_index_n_chunks (arec_shard_index (shard)), 20);

    for (uint64_t i = 0; i < n; i++) {
        g_autoptr (ArecChunk) chunk = NULL;
        g_autoptr (GError) error = NULL;
        ArecIndexEntry entry;

        if (!test_load_chunk (shard, i, &chunk, &error)) {
            check_error (error);
            continue;
        }
        g_assert_true (arec_index_get (arec_shard_index (shard), i, &entry, NULL));
        g_assert_cmpuint (chunk->ends.n, ==, entry.n_records);
        g_assert_cmpuint (arec_record_ends_end (&chunk->ends, entry.n_records - 1), ==,
                          entry.decoded_size);
    }
}

static ArecShard *
open_shard (const GByteArray *bytes, const ArecShardOptions *options, GError **error)
{
    return arec_shard_open (arec_memory_source_new ("fuzz", bytes->data, bytes->len), options,
                            error);
}

static void
check_same_origin (const ArecShard *a, const ArecShard *b)
{
    ArecShardOrigin one, other;

    arec_shard_origin (a, &one);
    arec_shard_origin (b, &other);
    g_assert_true (one.is_listed == other.is_listed);
    g_assert_true (one.is_recovered == other.is_recovered);
    g_assert_true (one.has_damaged_postscript == other.has_damaged_postscript);
    g_assert_cmpuint (one.footer_offset, ==, other.footer_offset);
    g_assert_cmpuint (one.postscript_offset, ==, other.postscript_offset);
    g_assert_cmpuint (one.gaps.n, ==, other.gaps.n);
    g_assert_cmpuint (one.gaps.bytes, ==, other.gaps.bytes);
    g_assert_cmpuint (one.gaps.first_fault, ==, other.gaps.first_fault);
    g_assert_cmpstr (one.gaps.first_reason, ==, other.gaps.first_reason);
}

/* Opens the file once more with an offloaded index; the first time gave @shard or @failure. */
static void
check_offloaded (const GByteArray *bytes, const ArecShardOptions *options, ArecShard *shard,
                 const GError *failure)
{
    g_autoptr (ArecIndexFile) file = arec_index_file_new (NULL);
    ArecShardOptions offloading = *options;
    g_autoptr (ArecShard) offloaded = NULL;
    g_autoptr (GError) error = NULL;

    if (g_error_matches (failure, AREC_ERROR, AREC_ERROR_LIMIT)) {
        return;
    }
    offloading.offloaded = file;
    offloaded = open_shard (bytes, &offloading, &error);
    if (!shard) {
        g_assert_null (offloaded);
        g_assert_error (error, AREC_ERROR, failure->code);
        g_assert_cmpstr (error->message, ==, failure->message);
        return;
    }
    g_assert_no_error (error);
    g_assert_cmpint (arec_shard_kind (shard), ==, arec_shard_kind (offloaded));
    g_assert_cmpstr (arec_shard_options (shard), ==, arec_shard_options (offloaded));
    check_same_origin (shard, offloaded);
    check_same_index (arec_shard_index (shard), arec_shard_index (offloaded));
    check_index (arec_shard_index (offloaded), bytes->len);
}

static void
check_shard (ArecShard *shard, const FuzzForgedFile *file)
{
    const ArecIndex *index = arec_shard_index (shard);
    const char *text = arec_shard_options (shard);
    ArecShardOrigin origin;

    arec_shard_origin (shard, &origin);
    check_index (index, file->forge->file->len);
    g_assert_true (!text || strlen (text) <= AREC_MAX_WRITER_OPTIONS);
    if (origin.is_listed && origin.footer_offset == file->forge->footer_at) {
        check_listed (index, file);
    }
    load_chunks (shard);
}

static void
open_file (ArecBytes *input)
{
    static const ArecKind kinds[] = {AREC_KIND_AUTO, AREC_KIND_ARRAY_RECORD, AREC_KIND_RIEGELI};
    unsigned how = fuzz_take_u8 (input);
    const ArecShardOptions options = {.limits = fuzz_limits,
                                      .name_is_array_record = how & 1,
                                      .recover = how & 2,
                                      .kind = kinds[(how >> 2) % G_N_ELEMENTS (kinds)]};
    g_autoptr (FuzzForgedFile) file = fuzz_forged_file_new (input);
    const GByteArray *bytes = file->forge->file;
    g_autoptr (ArecShard) shard = NULL;
    g_autoptr (GError) error = NULL;

    fuzz_memory_bound (FUZZ_MAX_MEMORY);
    shard = open_shard (bytes, &options, &error);
    if (shard) {
        check_shard (shard, file);
    } else {
        check_error (error);
    }
    fuzz_memory_unbound();
    fuzz_memory_bound (FUZZ_MAX_MEMORY + MAX_WINDOW);
    check_offloaded (bytes, &options, shard, error);
    fuzz_memory_unbound();
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    ArecBytes input = arec_bytes (data, size);

    switch (fuzz_take_u8 (&input) % N_MODES) {
    case PARSE_POSTSCRIPT: parse_postscript (input); break;
    case PARSE_METADATA: parse_metadata (input); break;
    case PARSE_ENTRY: parse_entry (input); break;
    case OPEN_FILE: open_file (&input); break;
    }
    return 0;
}
