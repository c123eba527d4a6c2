/* A chunk of names of any bytes, whose hash is right, and the files that they would become.
 *
 * - Names are as many as records and together the bytes that were stored, or the error is one
 *   of bytes, with the offset of the chunk.
 * - The name of a file is below its folder, part by part, and is neither that of another record
 *   nor a folder of one.
 * - Memory stays bounded, whatever sizes are claimed.
 *
 * Input: the number of records; whether the bytes are names, packed here by a codec, or a body;
 * the bytes.
 */
#include <string.h>

#include <arec/arec.h>

#include "arrayrecord/shard.h"
#include "base/limits.h"
#include "forge.h"
#include "fuzz.h"
#include "pack/safe_name.h"
#include "pack/unpack_names.h"
#include "source/memory_source.h"

enum { MAX_RECORDS = 64, MAX_PART = 255 };

static const ArecCompression codecs[] = {AREC_COMPRESSION_NONE, AREC_COMPRESSION_BROTLI,
                                         AREC_COMPRESSION_ZSTD, AREC_COMPRESSION_SNAPPY};

/* The body of a chunk of @names by @codec. g_byte_array_unref (). */
static GByteArray *
pack (ArecCompression codec, ArecBytes names)
{
    g_autoptr (GByteArray) stream =
        test_forge_compress (codec, names.at, arec_bytes_left (&names));
    GByteArray *body = g_byte_array_new();
    uint8_t byte = codec;

    g_byte_array_append (body, &byte, 1);
    if (codec != AREC_COMPRESSION_NONE) {
        test_forge_varint (body, arec_bytes_left (&names));
    }
    g_byte_array_append (body, stream->data, stream->len);
    return body;
}

/* A file of @n empty records. *at is where its names are. */
static TestForge *
make_file (uint64_t n, const GByteArray *body, uint64_t *at)
{
    static const TestForgeRecord records[MAX_RECORDS];
    TestForge *forge = test_forge_new();

    if (n > 0) {
        test_forge_records (forge, AREC_COMPRESSION_NONE, records, n);
    }
    *at = test_forge_chunk (forge, &(TestForgeChunk){.type = AREC_CHUNK_NAMES,
                                                     .data = body->data,
                                                     .data_size = body->len});
    test_forge_finish (forge);
    return forge;
}

static const char *
name_of (void *data, uint64_t record)
{
    return arec_name_table_get (data, record);
}

static void
check_paths (ArecNameTable *table)
{
    uint64_t n = arec_name_table_n (table);
    g_autoptr (ToolUnpackPlan) plan = tool_unpack_plan_new (n, name_of, table, MAX_PART, NULL);
    g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
    g_autoptr (GString) path = g_string_new (NULL);
    ToolUnpackNames names;

    tool_unpack_names_init (&names, n, false, "", n % 2, MAX_PART);
    names.plan = plan;
    for (uint64_t i = 0; i < n; i++) {
        tool_unpack_names_format (&names, i, (const uint8_t *)"", 0, path);
        g_assert_null (tool_safe_name_fault (path->str, MAX_PART));
        g_assert_null (tool_safe_name_without_dots (path->str));
        for (guint k = 0; k < paths->len; k++) {
            const char *other = g_ptr_array_index (paths, k);
            size_t length = strlen (other), common = MIN (length, path->len);

            g_assert_true (
                memcmp (other, path->str, common) != 0 ||
                (length != path->len && other[common] != '/' && path->str[common] != '/'));
        }
        g_ptr_array_add (paths, g_strdup (path->str));
    }
}

static void
check_error (const GError *error, uint64_t at)
{
    const char *reason;
    uint64_t offset;

    g_assert_true (arec_error_is_of_bytes (error));
    g_assert_true (arec_error_place (error, &offset, &reason));
    g_assert_cmpuint (offset, ==, at);
}

/* @stored  the names, if they were packed here and are as many as records. */
static void
check_shard (ArecShard *shard, uint64_t at, const ArecBytes *stored)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecNameTable) table = NULL;
    ArecNamesChunk found;
    const char *all;
    size_t size;

    g_assert_true (arec_shard_find_names (shard, &found, &error));
    g_assert_true (found.is_there);
    g_assert_cmpuint (found.begin, ==, at);
    if (!arec_shard_load_names (shard, &found, &table, &error)) {
        g_assert_null (stored);
        check_error (error, at);
        return;
    }
    g_assert_cmpuint (arec_name_table_n (table), ==,
                      arec_index_n_records (arec_shard_index (shard)));
    all = arec_name_table_get_many (table, 0, arec_name_table_n (table), &size);
    if (stored) {
        g_assert_cmpmem (all, size, stored->at, arec_bytes_left (stored));
    }
    check_paths (table);
}

static bool
has_n_names (ArecBytes names, uint64_t n)
{
    size_t size = arec_bytes_left (&names);
    uint64_t found = 0;

    for (size_t i = 0; i < size; i++) {
        found += names.at[i] == '\0';
    }
    return found == n && (size == 0 || names.at[size - 1] == '\0');
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    ArecBytes input = arec_bytes (data, size);
    uint64_t n = fuzz_take_u8 (&input) % (MAX_RECORDS + 1), at;
    unsigned how = fuzz_take_u8 (&input);
    bool is_body = how % 5 == 4;
    ArecBytes bytes = fuzz_take_bytes (&input, SIZE_MAX);
    g_autoptr (GByteArray) body = NULL;
    g_autoptr (TestForge) forge = NULL;
    g_autoptr (ArecShard) shard = NULL;
    const ArecShardOptions options = {.limits = fuzz_limits, .name_is_array_record = true};

    if (is_body) {
        body = g_byte_array_new();
        g_byte_array_append (body, bytes.at, (guint)arec_bytes_left (&bytes));
    } else {
        body = pack (codecs[how % 5], bytes);
    }
    forge = make_file (n, body, &at);
    fuzz_memory_bound (FUZZ_MAX_MEMORY);
    shard = arec_shard_open (
        arec_memory_source_new ("x.array_record", forge->file->data, forge->file->len),
        &options, NULL);
    g_assert_nonnull (shard);
    check_shard (shard, at, !is_body && has_n_names (bytes, n) ? &bytes : NULL);
    fuzz_memory_unbound();
    return 0;
}
