/* What stands at the end of a file: postscript, footer, and the index made of it.
 *
 * - The parsers take any bytes; what they point to lies within these. An entry in the usual
 *   form, which has a fast path, means the same as with an unknown field in front of it, which
 *   has not.
 * - A forged file that opens has the index that its footer tells: offsets ascend and lie before
 *   the footer, the record numbers are without gaps, every chunk is found by its first and its
 *   last record, and the sums are right and those that the footer announces. A chunk that loads
 * is what the index says.
 * - Memory stays bounded, and so does an error's message.
 *
 * Input: which of the parsers and its message, or the steps of a forged file.
 */
#include <string.h>

#include "arrayrecord/footer.h"
#include "arrayrecord/shard.h"
#include "base/limits.h"
#include "forged_file.h"
#include "fuzz.h"
#include "riegeli/block.h"
#include "source/memory_source.h"

enum { PARSE_POSTSCRIPT, PARSE_METADATA, PARSE_ENTRY, OPEN_FILE, N_MODES };

/* An error names a file, an offset and what was found; it never quotes a file at length. */
#define MAX_MESSAGE 400

/* Field 15, a varint: no message knows it. */
static const uint8_t unknown_field[] = {0x78, 0x00};

/* @message with a field in front of it that changes nothing. g_byte_array_unref (). */
static GByteArray *
behind_unknown_field (ArecBytes message)
{
    GByteArray *longer = g_byte_array_new();

    g_byte_array_append (longer, unknown_field, sizeof unknown_field);
    return g_byte_array_append (longer, message.at, (guint)arec_bytes_left (&message));
}

static void
parse_postscript (ArecBytes message)
{
    g_autoptr (GByteArray) longer = behind_unknown_field (message);
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
    g_autoptr (GByteArray) longer = behind_unknown_field (message);
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
check_index (const ArecIndex *index, const FuzzForgedFile *file)
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
        if (file->is_exact) {
            const FuzzForgedEntry *meant = &g_array_index (file->entries, FuzzForgedEntry, i);

            g_assert_cmpuint (entry.offset, ==, meant->offset);
            g_assert_cmpuint (entry.decoded_size, ==, meant->decoded_size);
            g_assert_cmpuint (entry.n_records, ==, meant->n_records);
        }
    }
    g_assert_cmpuint (arec_index_n_chunks (index), ==, file->forge->num_chunks);
    g_assert_cmpuint (arec_index_n_records (index), ==, file->forge->num_records);
    g_assert_cmpuint (arec_index_n_records (index), ==, n_records);
    g_assert_cmpuint (arec_index_decoded_size (index), ==, decoded_size);
    g_assert_cmpuint (limit, <, file->forge->file->len);
}

/* Any error will do, but it must be one, and short. */
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

        if (!arec_shard_load_chunk (shard, i, &chunk, &error)) {
            check_error (error);
            continue;
        }
        g_assert_true (arec_index_get (arec_shard_index (shard), i, &entry, NULL));
        g_assert_cmpuint (chunk->ends.n, ==, entry.n_records);
        g_assert_cmpuint (arec_record_ends_end (&chunk->ends, entry.n_records - 1), ==,
                          entry.decoded_size);
    }
}

static void
open_file (ArecBytes *input)
{
    bool expected = fuzz_take_u8 (input) & 1;
    g_autoptr (FuzzForgedFile) file = fuzz_forged_file_new (input);
    const GByteArray *bytes = file->forge->file;
    ArecSource *source = arec_memory_source_new ("fuzz", bytes->data, bytes->len);
    const ArecShardOptions options = {.limits = fuzz_limits, .name_is_array_record = expected};
    g_autoptr (ArecShard) shard = NULL;
    g_autoptr (GError) error = NULL;

    fuzz_memory_bound (FUZZ_MAX_MEMORY);
    shard = arec_shard_open (source, &options, &error);
    if (shard) {
        const char *text = arec_shard_options (shard);

        check_index (arec_shard_index (shard), file);
        g_assert_true (!text || strlen (text) <= AREC_MAX_WRITER_OPTIONS);
        load_chunks (shard);
    } else {
        check_error (error);
    }
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
