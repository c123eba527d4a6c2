/* The shard: what it reads and when, and files with a lie in every number. A lie gives an
 * error with the right code, and costs no memory. */
#include "arrayrecord/shard.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include "faulty_source.h"
#include "files.h"
#include "forge.h"
#include "loads.h"
#include "sanitized.h"

#include "base/error.h"
#include "base/limits.h"
#include "riegeli/block.h"
#include "riegeli/hash.h"
#include "source/memory_source.h"

#define NAME "some.array_record"
#define MAX_CHUNK (UINT64_C (1) << 20)
/* Options for files whose names promise ArrayRecord, and for others. */
static const ArecShardOptions named = {.limits = {.max_size = MAX_CHUNK},
                                       .name_is_array_record = true};
static const ArecShardOptions unnamed = {.limits = {.max_size = MAX_CHUNK}};

/* Memory for opening a file and loading its chunks: the limit of a chunk, stored and
 * decoded, and the codecs' own memory, of which Brotli's 4 MiB window is the largest. */
#define MOST_MEMORY (4 * MAX_CHUNK + (UINT64_C (8) << 20))

/* ---- counting memory ---- */

static _Atomic size_t live, peak, largest;

#ifndef SANITIZED
extern void *__libc_malloc (size_t size);
extern void *__libc_calloc (size_t n, size_t size);
extern void *__libc_realloc (void *memory, size_t size);
extern void __libc_free (void *memory);

static void *
note (void *memory, size_t size)
{
    size_t more = malloc_usable_size (memory);
    size_t now = atomic_fetch_add (&live, more) + more;

    if (now > peak) {
        peak = now;
    }
    if (size > largest) {
        largest = size;
    }
    return memory;
}

void *
malloc (size_t size)
{
    return note (__libc_malloc (size), size);
}

void *
calloc (size_t n, size_t size)
{
    size_t all;

    return note (__libc_calloc (n, size),
                 __builtin_mul_overflow (n, size, &all) ? SIZE_MAX : all);
}

void *
realloc (void *memory, size_t size)
{
    live -= malloc_usable_size (memory);
    return note (__libc_realloc (memory, size), size);
}

void
free (void *memory)
{
    live -= malloc_usable_size (memory);
    __libc_free (memory);
}
#endif

static size_t baseline;

static void
start_counting (void)
{
    baseline = live;
    peak = baseline;
    largest = 0;
}

/* Checks that since then no more than @most was in use, or asked for at once and refused. */
static void
check_memory (size_t most)
{
    g_assert_cmpuint (peak - baseline, <=, most);
    g_assert_cmpuint (largest, <=, most);
}

#ifndef SANITIZED
static void
test_counting_counts (void)
{
    start_counting();
    g_free (g_malloc (3000000));
    g_assert_cmpuint (peak - baseline, >=, 3000000);
    g_assert_cmpuint (largest, ==, 3000000);
    g_assert_null (g_try_malloc ((gsize)1 << 60));
    g_assert_cmpuint (largest, ==, (size_t)1 << 60);
}
#endif

/* ---- files that lie ---- */

typedef struct {
    const char *name;
    void (*build) (TestForge *forge); /* all but the end */
    void (*spoil) (TestForge *forge); /* nullable: after the end was written */
    bool opens;                       /* then loading chunk 0 fails */
    ArecError code;
} Lie;

#define RECORD(text)                                                                           \
    (TestForgeRecord)                                                                          \
    {                                                                                          \
        text, sizeof (text) - 1                                                                \
    }

static void
add_sound (TestForge *forge)
{
    const TestForgeRecord records[] = {RECORD ("one"), RECORD ("three"), RECORD ("")};

    test_forge_records (forge, AREC_COMPRESSION_NONE, records, G_N_ELEMENTS (records));
}

/* A chunk that the footer lists as its header describes it. */
static void
add_chunk (TestForge *forge, const TestForgeChunk *chunk)
{
    uint64_t at = test_forge_chunk (forge, chunk);

    test_forge_entry (forge, at, chunk->decoded_data_size, chunk->num_records);
}

static void
add_data (TestForge *forge, uint64_t num_records, uint64_t decoded, const void *data,
          size_t size)
{
    add_chunk (forge, &(TestForgeChunk){.type = 'r',
                                        .num_records = num_records,
                                        .decoded_data_size = decoded,
                                        .data = data,
                                        .data_size = size});
}

#define ADD_DATA(forge, num_records, decoded, text)                                            \
    add_data (forge, num_records, decoded, text, sizeof (text) - 1)

static void
put_le64 (uint8_t *at, uint64_t value)
{
    value = GUINT64_TO_LE (value);
    memcpy (at, &value, sizeof value);
}

/* -- where things are -- */

static void
footer_at (TestForge *forge, uint64_t offset)
{
    add_sound (forge);
    forge->lies_footer_offset = true;
    forge->footer_offset = offset;
}

static void
footer_at_0 (TestForge *forge)
{
    footer_at (forge, 0);
}

static void
footer_in_block_header (TestForge *forge)
{
    footer_at (forge, 24);
}

static void
footer_at_postscript (TestForge *forge)
{
    footer_at (forge, 65536);
}

static void
footer_behind_postscript (TestForge *forge)
{
    footer_at (forge, 65536 + 200);
}

static void
footer_behind_file (TestForge *forge)
{
    footer_at (forge, 1 << 20);
}

static void
footer_at_end_of_numbers (TestForge *forge)
{
    footer_at (forge, UINT64_MAX);
}

static void
footer_is_record (TestForge *forge)
{
    footer_at (forge, 64);
}

static void
footer_is_signature_like (TestForge *forge)
{
    footer_at (forge, 65);
}

static void
wrong_magic (TestForge *forge)
{
    add_sound (forge);
    forge->magic++;
}

static void
chunk_listed_at (TestForge *forge, uint64_t offset)
{
    add_sound (forge);
    g_ptr_array_set_size (forge->entries, 0);
    forge->num_chunks = forge->num_records = 0;
    test_forge_entry (forge, offset, 8, 3);
}

static void
chunk_at_0 (TestForge *forge)
{
    chunk_listed_at (forge, 0);
}

static void
chunk_in_block_header (TestForge *forge)
{
    chunk_listed_at (forge, 10);
}

static void
chunk_behind_footer (TestForge *forge)
{
    chunk_listed_at (forge, 65000);
}

static void
chunk_at_end_of_numbers (TestForge *forge)
{
    chunk_listed_at (forge, UINT64_MAX);
}

static void
chunk_is_footer (TestForge *forge)
{
    add_sound (forge);
    test_forge_entry (forge, forge->file->len, 100, 3);
}

static void
chunk_within_chunk (TestForge *forge)
{
    chunk_listed_at (forge, 70);
}

static void
chunks_at_same_place (TestForge *forge)
{
    add_sound (forge);
    test_forge_entry (forge, 64, 8, 3);
}

static void
chunks_descend (TestForge *forge)
{
    uint64_t first = forge->file->len;

    add_sound (forge);
    add_sound (forge);
    test_forge_entry (forge, first, 8, 3);
}

static void
chunk_without_offset (TestForge *forge)
{
    add_sound (forge);
    test_forge_raw_entry (forge, "\x10\x08\x18\x03", 4);
    forge->num_records += 3;
}

static void
chunk_is_padding (TestForge *forge)
{
    uint64_t at = test_forge_chunk (
        forge, &(TestForgeChunk){.type = 'p', .data = "\0\0\0", .data_size = 3});

    test_forge_entry (forge, at, 0, 1);
}

static void
chunk_is_metadata (TestForge *forge)
{
    uint64_t at = test_forge_chunk (
        forge,
        &(TestForgeChunk){.type = 'm', .decoded_data_size = 3, .data = "abc", .data_size = 3});

    test_forge_entry (forge, at, 3, 1);
}

static void
chunk_is_signature (TestForge *forge)
{
    uint64_t at = test_forge_chunk (forge, &(TestForgeChunk){.type = 's'});

    test_forge_entry (forge, at, 0, 1);
}

static void
chunk_is_transposed (TestForge *forge)
{
    add_chunk (forge, &(TestForgeChunk){.type = 't',
                                        .num_records = 1,
                                        .decoded_data_size = 3,
                                        .data = "\0\0\0\0",
                                        .data_size = 4});
}

static void
chunk_is_unknown (TestForge *forge)
{
    add_chunk (forge, &(TestForgeChunk){.type = 'q',
                                        .num_records = 1,
                                        .decoded_data_size = 3,
                                        .data = "\0\0\0\0",
                                        .data_size = 4});
}

/* -- sizes and counts of a chunk -- */

static void
data_size_is (TestForge *forge, uint64_t announced)
{
    add_chunk (forge, &(TestForgeChunk){.type = 'r',
                                        .num_records = 1,
                                        .decoded_data_size = 1,
                                        .data = "\0\1\1a",
                                        .data_size = 4,
                                        .lies_data_size = true,
                                        .announced_data_size = announced});
}

static void
data_size_max (TestForge *forge)
{
    data_size_is (forge, UINT64_MAX);
}

static void
data_size_wraps_with_header (TestForge *forge)
{
    data_size_is (forge, UINT64_MAX - 39);
}

static void
data_size_half_of_numbers (TestForge *forge)
{
    data_size_is (forge, UINT64_C (1) << 63);
}

static void
data_size_of_file (TestForge *forge)
{
    data_size_is (forge, 131072);
}

static void
data_size_into_next_chunk (TestForge *forge)
{
    data_size_is (forge, 5);
    add_sound (forge);
}

static void
data_size_too_small (TestForge *forge)
{
    data_size_is (forge, 3);
}

static void
num_records_max (TestForge *forge)
{
    ADD_DATA (forge, (UINT64_C (1) << 56) - 1, 1, "\0\1\1a");
}

static void
num_records_beyond_file (TestForge *forge)
{
    uint64_t at = test_forge_chunk (
        forge, &(TestForgeChunk){
                   .type = 'r', .num_records = 131073 << 8, .data = "\0\0", .data_size = 2});

    test_forge_entry (forge, at, 0, 131073 << 8);
}

/* A chunk of that many records would reach over the next one. */
static void
num_records_beyond_next (TestForge *forge)
{
    add_chunk (forge, &(TestForgeChunk){.type = 'r',
                                        .num_records = 5000,
                                        .decoded_data_size = 1,
                                        .data = "\0\1\1a",
                                        .data_size = 4});
    /* Cut off the slack again. */
    g_byte_array_set_size (forge->file, 64 + 44);
    add_sound (forge);
}

static void
decoded_size_max (TestForge *forge)
{
    ADD_DATA (forge, 1, UINT64_MAX, "\0\1\1a");
}

static void
decoded_size_above_limit (TestForge *forge)
{
    ADD_DATA (forge, 1, MAX_CHUNK, "z\1\1a");
}

static void
stored_size_above_limit (TestForge *forge)
{
    g_autofree uint8_t *data = g_malloc0 (MAX_CHUNK + 1);

    add_data (forge, 1, 1, data, MAX_CHUNK + 1);
}

static void
header_has_other_records (TestForge *forge)
{
    uint64_t at = test_forge_chunk (forge, &(TestForgeChunk){.type = 'r',
                                                             .num_records = 2,
                                                             .decoded_data_size = 1,
                                                             .data = "\0\2\1\0a",
                                                             .data_size = 5});

    test_forge_entry (forge, at, 1, 3);
}

static void
header_has_other_size (TestForge *forge)
{
    uint64_t at = test_forge_chunk (forge, &(TestForgeChunk){.type = 'r',
                                                             .num_records = 2,
                                                             .decoded_data_size = 1,
                                                             .data = "\0\2\1\0a",
                                                             .data_size = 5});

    test_forge_entry (forge, at, 2, 2);
}

/* -- block headers, with right hashes -- */

static void
over_block (TestForge *forge)
{
    static const uint8_t text[2000];
    const TestForgeRecord records[] = {{text, 1000}, {text, 1000}};

    test_forge_pad_to (forge, 65536 - 500);
    test_forge_records (forge, AREC_COMPRESSION_NONE, records, G_N_ELEMENTS (records));
}

static void
spoil_block (TestForge *forge, unsigned field, uint64_t value)
{
    uint8_t *header = forge->file->data + 65536;

    put_le64 (header + field, value);
    put_le64 (header, arec_hash (header + 8, 16));
}

static void
previous_chunk_before_file (TestForge *forge)
{
    spoil_block (forge, 8, 65537);
}

static void
previous_chunk_0 (TestForge *forge)
{
    spoil_block (forge, 8, 0);
}

static void
next_chunk_0 (TestForge *forge)
{
    spoil_block (forge, 16, 0);
}

static void
next_chunk_wraps (TestForge *forge)
{
    spoil_block (forge, 16, -UINT64_C (65536));
}

/* -- simple chunks -- */

static void
no_data (TestForge *forge)
{
    add_data (forge, 1, 0, "", 0);
}

static void
compression_only (TestForge *forge)
{
    ADD_DATA (forge, 1, 0, "\0");
}

static void
sizes_longer_than_data (TestForge *forge)
{
    ADD_DATA (forge, 1, 1, "\0\5\1a");
}

static void
sizes_length_max (TestForge *forge)
{
    ADD_DATA (forge, 1, 1, "\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\1a");
}

static void
sizes_length_overflows (TestForge *forge)
{
    ADD_DATA (forge, 1, 1, "\0\x81\x80\x80\x80\x80\x80\x80\x80\x80\x02\1a");
}

static void
sizes_length_of_11_bytes (TestForge *forge)
{
    ADD_DATA (forge, 1, 1, "\0\x81\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00\1a");
}

static void
size_is_cut (TestForge *forge)
{
    ADD_DATA (forge, 1, 1, "\0\1\x81");
}

static void
size_overflows (TestForge *forge)
{
    ADD_DATA (forge, 1, 1,
              "\0\x0a\x81\x80\x80\x80\x80\x80\x80\x80\x80\x02"
              "a");
}

static void
size_above_rest (TestForge *forge)
{
    ADD_DATA (forge, 2, 3, "\0\2\2\2abc");
}

static void
sizes_wrap_to_sum (TestForge *forge)
{
    ADD_DATA (forge, 3, 3,
              "\0\x0c\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\2\2"
              "abc");
}

static void
sizes_below_sum (TestForge *forge)
{
    ADD_DATA (forge, 2, 3, "\0\2\1\1abc");
}

static void
one_size_too_few (TestForge *forge)
{
    ADD_DATA (forge, 3, 3, "\0\2\1\2abc");
}

static void
one_size_too_many (TestForge *forge)
{
    ADD_DATA (forge, 2, 3, "\0\3\1\2\0abc");
}

static void
values_too_short (TestForge *forge)
{
    ADD_DATA (forge, 2, 3, "\0\2\1\2ab");
}

static void
values_too_long (TestForge *forge)
{
    ADD_DATA (forge, 2, 3, "\0\2\1\2abcd");
}

static void
unknown_compression (TestForge *forge)
{
    ADD_DATA (forge, 2, 3, "g\2\1\2abc");
}

static void
snappy_length_max (TestForge *forge)
{
    ADD_DATA (forge, 1, 1, "s\4\1\1\0\1\1\xff\xff\xff\xff\x0f\0a");
}

static void
zstd_skippable_first (TestForge *forge)
{
    g_autoptr (GByteArray) data = g_byte_array_new();

    g_byte_array_append (data, (const uint8_t *)"z\x0b\1\x28\xb5\x2f\xfd\x20\x01\x09\0\0\1\1",
                         14);
    g_byte_array_append (data, (const uint8_t *)"\x50\x2a\x4d\x18\0\0\0\0", 8);
    g_byte_array_append (data, (const uint8_t *)"\x28\xb5\x2f\xfd\x20\x01\x09\0\0a", 10);
    add_data (forge, 1, 1, data->data, data->len);
}

/* Codecs that produce much more than is announced: stopped at the announced size. */
static void
add_bomb (TestForge *forge, ArecCompression compression, bool in_sizes)
{
    enum { BOMB = 64 << 20 };
    g_autofree uint8_t *zeros = g_malloc0 (BOMB);
    g_autoptr (GByteArray) data =
        in_sizes ? test_forge_simple_parts (compression, zeros, BOMB, "a", 1)
                 : test_forge_simple_parts (compression, "\5", 1, zeros, BOMB);

    add_data (forge, 1, in_sizes ? 1 : 5, data->data, data->len);
}

static void
bomb_brotli_sizes (TestForge *forge)
{
    add_bomb (forge, AREC_COMPRESSION_BROTLI, true);
}

static void
bomb_brotli_values (TestForge *forge)
{
    add_bomb (forge, AREC_COMPRESSION_BROTLI, false);
}

static void
bomb_zstd_sizes (TestForge *forge)
{
    add_bomb (forge, AREC_COMPRESSION_ZSTD, true);
}

static void
bomb_zstd_values (TestForge *forge)
{
    add_bomb (forge, AREC_COMPRESSION_ZSTD, false);
}

/* -- the footer -- */

static void
announced_chunks (TestForge *forge, uint64_t n)
{
    add_sound (forge);
    forge->num_chunks = n;
}

static void
chunks_max (TestForge *forge)
{
    announced_chunks (forge, UINT64_MAX);
}

static void
chunks_one_more (TestForge *forge)
{
    announced_chunks (forge, 2);
}

static void
chunks_one_less (TestForge *forge)
{
    announced_chunks (forge, 0);
}

static void
announced_records (TestForge *forge, uint64_t n)
{
    add_sound (forge);
    forge->num_records = n;
}

static void
records_max (TestForge *forge)
{
    announced_records (forge, UINT64_MAX);
}

static void
records_one_more (TestForge *forge)
{
    announced_records (forge, 4);
}

static void
records_one_less (TestForge *forge)
{
    announced_records (forge, 2);
}

static void
entry_of_no_records (TestForge *forge)
{
    uint64_t at = forge->file->len;

    add_sound (forge);
    g_ptr_array_set_size (forge->entries, 0);
    forge->num_chunks = forge->num_records = 0;
    test_forge_entry (forge, at, 0, 0);
}

/* The sum wraps around to the announced number. */
static void
record_sum_wraps (TestForge *forge)
{
    add_sound (forge);
    test_forge_entry (forge, forge->file->len - 1, 8, UINT64_MAX);
    add_sound (forge);
}

static void
huge_group (TestForge *forge)
{
    uint64_t at = forge->file->len;

    add_sound (forge);
    g_ptr_array_set_size (forge->entries, 0);
    forge->num_chunks = forge->num_records = 0;
    test_forge_entry (forge, at, 8, UINT64_MAX);
}

static void
version_0 (TestForge *forge)
{
    add_sound (forge);
    forge->version = 0;
}

static void
version_2 (TestForge *forge)
{
    add_sound (forge);
    forge->version = 2;
}

static void
bad_entry (TestForge *forge, const char *bytes, size_t size)
{
    add_sound (forge);
    test_forge_raw_entry (forge, bytes, size);
}

#define BAD_ENTRY(name, bytes)                                                                 \
    static void name (TestForge *forge)                                                        \
    {                                                                                          \
        bad_entry (forge, bytes, sizeof (bytes) - 1);                                          \
    }

BAD_ENTRY (entry_is_cut, "\x08\x80")
BAD_ENTRY (entry_field_0, "\x00\x01")
BAD_ENTRY (entry_wire_type_6, "\x0e\x01")
BAD_ENTRY (entry_wire_type_7, "\x0f\x01")
BAD_ENTRY (entry_end_group_alone, "\x0c")
BAD_ENTRY (entry_group_not_closed, "\x2b\x08\x01")
BAD_ENTRY (entry_group_closed_by_other, "\x2b\x34")
BAD_ENTRY (entry_nested_beyond, "\x2a\x05zz")
BAD_ENTRY (entry_nested_max, "\x2a\xff\xff\xff\xff\x07")
BAD_ENTRY (entry_is_empty, "")

static const Lie lies[] = {
    {"footer-at-0", footer_at_0, NULL, false, AREC_ERROR_CORRUPT},
    {"footer-in-block-header", footer_in_block_header, NULL, false, AREC_ERROR_CORRUPT},
    {"footer-at-postscript", footer_at_postscript, NULL, false, AREC_ERROR_CORRUPT},
    {"footer-behind-postscript", footer_behind_postscript, NULL, false, AREC_ERROR_CORRUPT},
    {"footer-behind-file", footer_behind_file, NULL, false, AREC_ERROR_CORRUPT},
    {"footer-at-2^64-1", footer_at_end_of_numbers, NULL, false, AREC_ERROR_CORRUPT},
    {"footer-is-record", footer_is_record, NULL, false, AREC_ERROR_CORRUPT},
    {"footer-is-nothing", footer_is_signature_like, NULL, false, AREC_ERROR_CORRUPT},
    {"wrong-magic", wrong_magic, NULL, false, AREC_ERROR_CORRUPT},
    {"chunk-at-0", chunk_at_0, NULL, false, AREC_ERROR_CORRUPT},
    {"chunk-in-block-header", chunk_in_block_header, NULL, false, AREC_ERROR_CORRUPT},
    {"chunk-behind-footer", chunk_behind_footer, NULL, false, AREC_ERROR_CORRUPT},
    {"chunk-at-2^64-1", chunk_at_end_of_numbers, NULL, false, AREC_ERROR_CORRUPT},
    {"chunk-is-footer", chunk_is_footer, NULL, false, AREC_ERROR_CORRUPT},
    {"chunk-within-chunk", chunk_within_chunk, NULL, true, AREC_ERROR_CORRUPT},
    {"chunks-at-same-place", chunks_at_same_place, NULL, false, AREC_ERROR_CORRUPT},
    {"chunks-descend", chunks_descend, NULL, false, AREC_ERROR_CORRUPT},
    {"chunk-without-offset", chunk_without_offset, NULL, false, AREC_ERROR_CORRUPT},
    {"chunk-is-padding", chunk_is_padding, NULL, true, AREC_ERROR_CORRUPT},
    {"chunk-is-metadata", chunk_is_metadata, NULL, true, AREC_ERROR_CORRUPT},
    {"chunk-is-signature", chunk_is_signature, NULL, true, AREC_ERROR_CORRUPT},
    {"chunk-is-transposed", chunk_is_transposed, NULL, true, AREC_ERROR_CORRUPT},
    {"chunk-is-unknown", chunk_is_unknown, NULL, true, AREC_ERROR_UNSUPPORTED},
    {"data-size-2^64-1", data_size_max, NULL, true, AREC_ERROR_CORRUPT},
    {"data-size-wraps", data_size_wraps_with_header, NULL, true, AREC_ERROR_CORRUPT},
    {"data-size-2^63", data_size_half_of_numbers, NULL, true, AREC_ERROR_CORRUPT},
    {"data-size-of-file", data_size_of_file, NULL, true, AREC_ERROR_CORRUPT},
    {"data-size-into-next", data_size_into_next_chunk, NULL, true, AREC_ERROR_CORRUPT},
    {"data-size-too-small", data_size_too_small, NULL, true, AREC_ERROR_CORRUPT},
    {"records-2^56-1", num_records_max, NULL, true, AREC_ERROR_CORRUPT},
    {"records-beyond-file", num_records_beyond_file, NULL, true, AREC_ERROR_CORRUPT},
    {"records-beyond-next", num_records_beyond_next, NULL, true, AREC_ERROR_CORRUPT},
    {"decoded-2^64-1", decoded_size_max, NULL, true, AREC_ERROR_LIMIT},
    {"decoded-above-limit", decoded_size_above_limit, NULL, true, AREC_ERROR_LIMIT},
    {"stored-above-limit", stored_size_above_limit, NULL, true, AREC_ERROR_LIMIT},
    {"other-records", header_has_other_records, NULL, true, AREC_ERROR_CORRUPT},
    {"other-size", header_has_other_size, NULL, true, AREC_ERROR_CORRUPT},
    {"previous-before-file", over_block, previous_chunk_before_file, true, AREC_ERROR_CORRUPT},
    {"previous-0", over_block, previous_chunk_0, true, AREC_ERROR_CORRUPT},
    {"next-0", over_block, next_chunk_0, true, AREC_ERROR_CORRUPT},
    {"next-wraps", over_block, next_chunk_wraps, true, AREC_ERROR_CORRUPT},
    {"no-data", no_data, NULL, true, AREC_ERROR_CORRUPT},
    {"compression-only", compression_only, NULL, true, AREC_ERROR_CORRUPT},
    {"sizes-longer-than-data", sizes_longer_than_data, NULL, true, AREC_ERROR_CORRUPT},
    {"sizes-length-2^64-1", sizes_length_max, NULL, true, AREC_ERROR_CORRUPT},
    {"sizes-length-overflows", sizes_length_overflows, NULL, true, AREC_ERROR_CORRUPT},
    {"sizes-length-11-bytes", sizes_length_of_11_bytes, NULL, true, AREC_ERROR_CORRUPT},
    {"size-is-cut", size_is_cut, NULL, true, AREC_ERROR_CORRUPT},
    {"size-overflows", size_overflows, NULL, true, AREC_ERROR_CORRUPT},
    {"size-above-rest", size_above_rest, NULL, true, AREC_ERROR_CORRUPT},
    {"sizes-wrap-to-sum", sizes_wrap_to_sum, NULL, true, AREC_ERROR_CORRUPT},
    {"sizes-below-sum", sizes_below_sum, NULL, true, AREC_ERROR_CORRUPT},
    {"one-size-too-few", one_size_too_few, NULL, true, AREC_ERROR_CORRUPT},
    {"one-size-too-many", one_size_too_many, NULL, true, AREC_ERROR_CORRUPT},
    {"values-too-short", values_too_short, NULL, true, AREC_ERROR_CORRUPT},
    {"values-too-long", values_too_long, NULL, true, AREC_ERROR_CORRUPT},
    {"unknown-compression", unknown_compression, NULL, true, AREC_ERROR_UNSUPPORTED},
    {"snappy-length-2^32-1", snappy_length_max, NULL, true, AREC_ERROR_CORRUPT},
    {"zstd-skippable-first", zstd_skippable_first, NULL, true, AREC_ERROR_CORRUPT},
    {"bomb-brotli-sizes", bomb_brotli_sizes, NULL, true, AREC_ERROR_CORRUPT},
    {"bomb-brotli-values", bomb_brotli_values, NULL, true, AREC_ERROR_CORRUPT},
    {"bomb-zstd-sizes", bomb_zstd_sizes, NULL, true, AREC_ERROR_CORRUPT},
    {"bomb-zstd-values", bomb_zstd_values, NULL, true, AREC_ERROR_CORRUPT},
    {"chunks-2^64-1", chunks_max, NULL, false, AREC_ERROR_CORRUPT},
    {"chunks-one-more", chunks_one_more, NULL, false, AREC_ERROR_CORRUPT},
    {"chunks-one-less", chunks_one_less, NULL, false, AREC_ERROR_CORRUPT},
    {"all-records-2^64-1", records_max, NULL, false, AREC_ERROR_CORRUPT},
    {"all-records-one-more", records_one_more, NULL, false, AREC_ERROR_CORRUPT},
    {"all-records-one-less", records_one_less, NULL, false, AREC_ERROR_CORRUPT},
    {"entry-no-records", entry_of_no_records, NULL, false, AREC_ERROR_CORRUPT},
    {"record-sum-wraps", record_sum_wraps, NULL, false, AREC_ERROR_CORRUPT},
    {"huge-group", huge_group, NULL, true, AREC_ERROR_CORRUPT},
    {"version-0", version_0, NULL, false, AREC_ERROR_UNSUPPORTED},
    {"version-2", version_2, NULL, false, AREC_ERROR_UNSUPPORTED},
    {"entry-is-cut", entry_is_cut, NULL, false, AREC_ERROR_CORRUPT},
    {"entry-field-0", entry_field_0, NULL, false, AREC_ERROR_CORRUPT},
    {"entry-wire-type-6", entry_wire_type_6, NULL, false, AREC_ERROR_CORRUPT},
    {"entry-wire-type-7", entry_wire_type_7, NULL, false, AREC_ERROR_CORRUPT},
    {"entry-end-group", entry_end_group_alone, NULL, false, AREC_ERROR_CORRUPT},
    {"entry-open-group", entry_group_not_closed, NULL, false, AREC_ERROR_CORRUPT},
    {"entry-other-end-group", entry_group_closed_by_other, NULL, false, AREC_ERROR_CORRUPT},
    {"entry-nested-beyond", entry_nested_beyond, NULL, false, AREC_ERROR_CORRUPT},
    {"entry-nested-2^31-1", entry_nested_max, NULL, false, AREC_ERROR_CORRUPT},
    {"entry-is-empty", entry_is_empty, NULL, false, AREC_ERROR_CORRUPT},
};

/* Reading sizes does not notice lies after the size list, and no others pass. */
static bool
is_after_sizes (const Lie *lie)
{
    static const char *const names[] = {"values-too-short",
                                        "values-too-long",
                                        "snappy-length-2^32-1",
                                        "zstd-skippable-first",
                                        "bomb-brotli-values",
                                        "bomb-zstd-values",
                                        "data-size-too-small",
                                        "previous-before-file",
                                        "previous-0",
                                        "next-0",
                                        "next-wraps"};

    for (unsigned i = 0; i < G_N_ELEMENTS (names); i++) {
        if (strcmp (lie->name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void
check_error (GError **error, ArecError code)
{
    g_assert_error (*error, AREC_ERROR, (gint)code);
    g_assert_true (g_str_has_prefix ((*error)->message, NAME ": at "));
    g_clear_error (error);
}

static void
test_lie (gconstpointer data)
{
    const Lie *lie = data;
    g_autoptr (TestForge) forge = test_forge_new();
    g_autoptr (ArecShard) shard = NULL;
    g_autoptr (ArecChunk) chunk = NULL;
    g_autoptr (GError) error = NULL;
    ArecSource *source;
    ArecRecordEnds ends = {0};

    lie->build (forge);
    test_forge_finish (forge);
    if (lie->spoil) {
        lie->spoil (forge);
    }
    source = arec_memory_source_new (NAME, forge->file->data, forge->file->len);
    start_counting();
    shard = arec_shard_open (source, &named, &error);
    if (!lie->opens) {
        g_assert_null (shard);
        check_error (&error, lie->code);
        check_memory (MOST_MEMORY);
        return;
    }
    g_assert_no_error (error);
    g_assert_false (test_load_chunk (shard, 0, &chunk, &error));
    check_error (&error, lie->code);
    g_assert_null (chunk);
    if (!is_after_sizes (lie)) {
        g_assert_false (test_load_sizes (shard, 0, &ends, &error));
        check_error (&error, lie->code);
        g_assert_cmpuint (ends.n, ==, 0);
    } else {
        test_load_sizes (shard, 0, &ends, NULL);
        arec_record_ends_clear (&ends);
    }
    check_memory (MOST_MEMORY);
}

/* ---- odd, but true ---- */

static ArecShard *
open_forged_within (TestForge *forge, const ArecShardOptions *options)
{
    g_autoptr (GError) error = NULL;
    ArecShard *shard;

    test_forge_finish (forge);
    shard = arec_shard_open (arec_memory_source_new (NAME, forge->file->data, forge->file->len),
                             options, &error);
    g_assert_no_error (error);
    return shard;
}

static ArecShard *
open_forged (TestForge *forge)
{
    return open_forged_within (forge, &named);
}

static void
check_one_record (const ArecShard *shard_, uint64_t number, const char *text)
{
    ArecShard *shard = (ArecShard *)shard_;
    g_autoptr (ArecChunk) chunk = NULL;
    g_autoptr (GError) error = NULL;

    test_load_chunk (shard, number, &chunk, &error);
    g_assert_no_error (error);
    g_assert_cmpmem (chunk->values, arec_record_ends_end (&chunk->ends, 0), text,
                     strlen (text));
}

/* The size before a stream is only a hint (FORMAT.md 5). */
static void
test_wrong_size_prefix (void)
{
    g_autoptr (TestForge) forge = test_forge_new();
    g_autoptr (ArecShard) shard = NULL;

    ADD_DATA (forge, 1, 1,
              "z\x0b\x77\x28\xb5\x2f\xfd\x20\x01\x09\0\0\1"
              "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
              "\x28\xb5\x2f\xfd\x20\x01\x09\0\0a");
    ADD_DATA (forge, 1, 1,
              "b\6\0\x0b\0\x80\1\3"
              "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"
              "\x0b\0\x80\x61\3");
    ADD_DATA (forge, 1, 1, "s\4\2\1\0\1\x63\1\0a");
    start_counting();
    shard = open_forged (forge);
    for (uint64_t i = 0; i < 3; i++) {
        check_one_record (shard, i, "a");
    }
    check_memory (MOST_MEMORY);
}

/* Sizes may be written longer than needed. */
static void
test_overlong_sizes (void)
{
    g_autoptr (TestForge) forge = test_forge_new();
    g_autoptr (ArecShard) shard = NULL;
    g_autoptr (GByteArray) data = test_forge_simple_parts (
        AREC_COMPRESSION_SNAPPY, "\x82\x80\x80\x80\x80\x80\x80\x80\x80\0", 10, "ab", 2);

    add_data (forge, 1, 2, data->data, data->len);
    ADD_DATA (forge, 1, 2, "\0\x82\0\x82\0ab");
    shard = open_forged (forge);
    check_one_record (shard, 0, "ab");
    check_one_record (shard, 1, "ab");
}

/* Slack may hold any bytes, and is not part of the chunk. */
static void
test_slack (void)
{
    enum { N = 70000 };
    g_autoptr (TestForge) forge = test_forge_new();
    g_autofree TestForgeRecord *records = g_new0 (TestForgeRecord, N);
    g_autoptr (ArecShard) shard = NULL;
    g_autoptr (ArecChunk) chunk = NULL;
    g_autoptr (GError) error = NULL;
    ArecRecordEnds ends = {0};
    uint64_t at;

    for (unsigned i = 0; i < N; i++) {
        records[i].data = "";
    }
    at = test_forge_records (forge, AREC_COMPRESSION_ZSTD, records, N);
    g_assert_cmpuint (forge->file->len, ==, at + N);
    test_forge_chunk (
        forge, &(TestForgeChunk){.type = 'p', .data = "xyz", .data_size = 3, .slack = 200});
    ADD_DATA (forge, 1, 1, "\0\1\1a");
    start_counting();
    shard = open_forged (forge);
    test_load_chunk (shard, 0, &chunk, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (chunk->ends.n, ==, N);
    g_assert_cmpuint (arec_record_ends_end (&chunk->ends, N - 1), ==, 0);
    test_load_sizes (shard, 0, &ends, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (ends.n, ==, N);
    arec_record_ends_clear (&ends);
    check_one_record (shard, 1, "a");
    check_memory (MOST_MEMORY);
}

/* ---- few stored bytes that decode to many ---- */

/* Millions of records of 0 bytes, or of 0 and 1 in turn: each takes bits and not bytes,
 * whether the records are loaded or only their sizes. */
static void
test_many_short_records (void)
{
    static const ArecCompression compressions[] = {AREC_COMPRESSION_ZSTD,
                                                   AREC_COMPRESSION_BROTLI};
    static const ArecShardOptions roomy = {.limits = {.max_size = UINT64_C (64) << 20},
                                           .name_is_array_record = true};
    const uint64_t n = UINT64_C (1) << 24;
    g_autofree uint8_t *sizes = g_malloc0 (n);
    g_autofree uint8_t *values = g_malloc0 (n / 16);

    for (unsigned i = 0; i < 2 * G_N_ELEMENTS (compressions); i++) {
        g_autoptr (TestForge) forge = test_forge_new();
        uint64_t decoded = i % 2 ? n / 16 : 0;
        g_autoptr (GByteArray) data = NULL;
        g_autoptr (ArecShard) shard = NULL;
        g_autoptr (ArecChunk) chunk = NULL;
        g_autoptr (GError) error = NULL;
        ArecRecordEnds ends = {0};

        for (uint64_t k = 0; k < n; k += 16) {
            sizes[k] = i % 2;
        }
        data = test_forge_simple_parts (compressions[i / 2], sizes, n, values, decoded);
        test_forge_entry (
            forge,
            test_forge_chunk (forge, &(TestForgeChunk){.type = 'r',
                                                       .num_records = n,
                                                       .decoded_data_size = decoded,
                                                       .data = data->data,
                                                       .data_size = data->len,
                                                       .slack = n}),
            decoded, n);
        shard = open_forged_within (forge, &roomy);
        start_counting();
        test_load_sizes (shard, 0, &ends, &error);
        g_assert_no_error (error);
        g_assert_cmpuint (arec_record_ends_end (&ends, n - 1), ==, decoded);
        arec_record_ends_clear (&ends);
        test_load_chunk (shard, 0, &chunk, &error);
        g_assert_no_error (error);
        g_assert_cmpuint (arec_record_ends_end (&chunk->ends, n - 1), ==, decoded);
        check_memory (decoded + n / 8 * (i % 2 ? 8 : 0) + (UINT64_C (9) << 20));
    }
}

/* A postscript that decodes to 64 MiB. */
static void
test_postscript_bomb (void)
{
    g_autoptr (TestForge) forge = test_forge_new();
    const uint64_t size = UINT64_C (64) << 20;
    g_autofree uint8_t *zeros = g_malloc0 (size);
    g_autoptr (GByteArray) list = g_byte_array_new();
    g_autoptr (GByteArray) data = NULL;
    g_autoptr (GError) error = NULL;
    ArecSource *source;

    test_forge_varint (list, size);
    data = test_forge_simple_parts (AREC_COMPRESSION_ZSTD, list->data, list->len, zeros, size);
    ADD_DATA (forge, 1, 1, "\0\1\1a");
    test_forge_pad (forge);
    test_forge_chunk (forge, &(TestForgeChunk){.type = 'r',
                                               .num_records = 1,
                                               .decoded_data_size = size,
                                               .data = data->data,
                                               .data_size = data->len});
    test_forge_pad (forge);
    source = arec_memory_source_new (NAME, forge->file->data, forge->file->len);
    start_counting();
    g_assert_null (arec_shard_open (source, &named, &error));
    check_error (&error, AREC_ERROR_CORRUPT);
    check_memory (1 << 20);
}

/* Metadata that decode to more than the limit: only they are left out. */
static void
test_metadata_bomb (void)
{
    static const ArecShardOptions plain = {.limits = {.max_size = UINT64_C (1) << 40},
                                           .kind = AREC_KIND_RIEGELI};
    g_autoptr (TestForge) forge = test_forge_new();
    const uint64_t size = AREC_MAX_METADATA_SIZE + 1;
    g_autofree uint8_t *zeros = g_malloc0 (size);
    g_autoptr (GByteArray) list = g_byte_array_new();
    g_autoptr (GByteArray) data = NULL;
    g_autoptr (ArecShard) shard = NULL;
    g_autoptr (ArecChunk) chunk = NULL;
    g_autoptr (GError) error = NULL;
    ArecMetadataMessage metadata;

    test_forge_varint (list, size);
    data = test_forge_simple_parts (AREC_COMPRESSION_ZSTD, list->data, list->len, zeros, size);
    test_forge_chunk (forge, &(TestForgeChunk){.type = 'm',
                                               .decoded_data_size = size,
                                               .data = data->data,
                                               .data_size = data->len});
    ADD_DATA (forge, 1, 1, "\0\1\1a");
    shard = arec_shard_open (arec_memory_source_new (NAME, forge->file->data, forge->file->len),
                             &plain, &error);
    g_assert_no_error (error);
    start_counting();
    g_assert_false (arec_shard_load_metadata (shard, &metadata, &chunk, &error));
    check_error (&error, AREC_ERROR_LIMIT);
    check_memory (1 << 20);
}

/* Chunks of other types between those that the footer lists are skipped. */
static void
test_unlisted_chunks (void)
{
    g_autoptr (TestForge) forge = test_forge_new();
    g_autoptr (ArecShard) shard = NULL;

    test_forge_chunk (
        forge,
        &(TestForgeChunk){.type = 'm', .decoded_data_size = 9, .data = "q", .data_size = 1});
    ADD_DATA (forge, 1, 1, "\0\1\1a");
    test_forge_chunk (forge, &(TestForgeChunk){.type = 0x01, .data = "q", .data_size = 1});
    ADD_DATA (forge, 1, 1, "\0\1\1b");
    shard = open_forged (forge);
    check_one_record (shard, 0, "a");
    check_one_record (shard, 1, "b");
}

static uint64_t
chunk_of (const ArecIndex *index, uint64_t record)
{
    uint64_t chunk = UINT64_MAX;
    ArecIndexEntry entry;

    g_assert_true (arec_index_find (index, record, &chunk, &entry, NULL));
    return chunk;
}

/* Groups of different sizes, which the reference misreads. */
static void
test_uneven_groups (void)
{
    g_autoptr (TestForge) forge = test_forge_new();
    g_autoptr (ArecShard) shard = NULL;
    const ArecIndex *index;

    ADD_DATA (forge, 1, 1, "\0\1\1a");
    ADD_DATA (forge, 3, 3, "\0\3\1\1\1bcd");
    ADD_DATA (forge, 2, 2, "\0\2\1\1ef");
    shard = open_forged (forge);
    index = arec_shard_index (shard);
    g_assert_cmpuint (arec_index_n_records (index), ==, 6);
    g_assert_cmpuint (chunk_of (index, 0), ==, 0);
    g_assert_cmpuint (chunk_of (index, 1), ==, 1);
    g_assert_cmpuint (chunk_of (index, 3), ==, 1);
    g_assert_cmpuint (chunk_of (index, 4), ==, 2);
}

/* Fields in any order, unknown ones among them, the last one wins. */
static void
test_unusual_entry (void)
{
    static const char entry[] = "\x18\x07\x2a\2zz\x33\x34\x18\x01\x08\x05\x08\x40\x10\x01";
    g_autoptr (TestForge) forge = test_forge_new();
    g_autoptr (ArecShard) shard = NULL;

    test_forge_chunk (forge, &(TestForgeChunk){.type = 'r',
                                               .num_records = 1,
                                               .decoded_data_size = 1,
                                               .data = "\0\1\1a",
                                               .data_size = 4});
    test_forge_raw_entry (forge, entry, sizeof entry - 1);
    forge->num_records = 1;
    shard = open_forged (forge);
    check_one_record (shard, 0, "a");
}

static void
test_options (void)
{
    static const char odd[] = "group_size:1,\xff\xfe\n\x1b[31m";
    g_autofree char *huge = g_strnfill (300000, 'x');
    const struct {
        const char *bytes;
        size_t size;
        size_t kept;
    } rows[] = {{NULL, 0, 0},
                {"", 0, 0},
                {odd, sizeof odd - 1, sizeof odd - 1},
                {"abc\0def", 7, 3},
                {huge, 300000, AREC_MAX_WRITER_OPTIONS}};

    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autoptr (TestForge) forge = test_forge_new();
        g_autoptr (ArecShard) shard = NULL;

        add_sound (forge);
        forge->options = rows[i].bytes;
        forge->options_size = rows[i].size;
        shard = open_forged (forge);
        if (!rows[i].bytes) {
            g_assert_null (arec_shard_options (shard));
            continue;
        }
        g_assert_cmpuint (strlen (arec_shard_options (shard)), ==, rows[i].kept);
        g_assert_cmpmem (arec_shard_options (shard), rows[i].kept, rows[i].bytes, rows[i].kept);
    }
}

/* ---- what is read, and when ---- */

static ArecShard *
open_counted (const char *name, TestFaults *faults)
{
    size_t size;
    g_autofree uint8_t *data = test_golden_read (name, &size);
    g_autoptr (GError) error = NULL;
    ArecShard *shard = arec_shard_open (
        test_faulty_source_new (arec_memory_source_new (name, data, size), faults), &named,
        &error);

    g_assert_no_error (error);
    return shard;
}

/* Opening reads postscript and footer; a size list costs its header and itself; a chunk of
 * moderate size is one read. */
static void
test_reads (void)
{
    TestFaults faults = {.fail_at_read = -1};
    g_autoptr (ArecShard) shard = open_counted ("text.default.array_record", &faults);
    g_autoptr (GError) error = NULL;
    uint64_t n = arec_index_n_chunks (arec_shard_index (shard));

    g_assert_cmpuint (faults.reads, <=, 3);
    g_assert_cmpuint (faults.bytes, <=, 8192 + 16 * n);
    for (uint64_t i = 0; i < MIN (n, 50); i++) {
        g_autoptr (ArecChunk) chunk = NULL;
        ArecIndexEntry entry;

        g_assert_true (arec_index_get (arec_shard_index (shard), i, &entry, NULL));
        faults.reads = 0;
        faults.bytes = 0;
        test_load_chunk (shard, i, &chunk, &error);
        g_assert_no_error (error);
        g_assert_cmpuint (faults.reads, ==, 1);
        g_assert_cmpuint (faults.bytes, <=, entry.limit - entry.offset);
    }
}

/* Opens golden file @name without its last @cut bytes. */
static ArecShard *
open_cancelled (const char *name, size_t cut, ArecShardOptions options, TestFaults *faults,
                GError **error)
{
    size_t size;
    g_autofree uint8_t *data = test_golden_read (name, &size);

    options.cancel = faults->cancel;
    return arec_shard_open (
        test_faulty_source_new (arec_memory_source_new (name, data, size - cut), faults),
        &options, error);
}

/* A cancelled opening ends at its next read, whichever that is: of a footer, of a scan. A
 * file that is open ignores the flag. */
static void
test_cancelled (void)
{
    static const struct {
        const char *name;
        size_t cut;
        ArecShardOptions options;
    } rows[] = {{"text.groupsize64-snappy.array_record", 0, {.name_is_array_record = true}},
                {"text.groupsize64-snappy.array_record", 70000, {.recover = true}},
                {"text.uncompressed.riegeli", 0, {.recover = false}}};

    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        TestFaults all = {.fail_at_read = -1};
        g_autoptr (ArecShard) whole =
            open_cancelled (rows[i].name, rows[i].cut, rows[i].options, &all, NULL);

        g_assert_nonnull (whole);
        g_assert_cmpuint (all.reads, >=, 2);
        for (uint64_t at = 0; at < all.reads; at++) {
            ArecCancel cancel = {0};
            TestFaults faults = {.fail_at_read = -1, .cancel = &cancel, .cancel_at = at};
            g_autoptr (GError) error = NULL;
            g_autoptr (ArecChunk) chunk = NULL;
            g_autoptr (ArecShard) shard =
                open_cancelled (rows[i].name, rows[i].cut, rows[i].options, &faults, &error);

            if (at + 1 == all.reads) {
                g_assert_no_error (error);
                g_assert_true (test_load_chunk (shard, 0, &chunk, NULL));
            } else {
                g_assert_null (shard);
                g_assert_error (error, AREC_ERROR, AREC_ERROR_CANCELLED);
                g_assert_cmpuint (faults.reads, ==, at + 1);
            }
        }
    }
}

static void
test_reads_of_sizes (void)
{
    TestFaults faults = {.fail_at_read = -1};
    g_autoptr (TestForge) forge = test_forge_new();
    static const uint8_t text[20000];
    TestForgeRecord records[200];
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecShard) shard = NULL;
    ArecRecordEnds ends;

    for (unsigned i = 0; i < G_N_ELEMENTS (records); i++) {
        records[i] = (TestForgeRecord){text, 100};
    }
    test_forge_records (forge, AREC_COMPRESSION_NONE, records, G_N_ELEMENTS (records));
    test_forge_finish (forge);
    shard = arec_shard_open (
        test_faulty_source_new (
            arec_memory_source_new (NAME, forge->file->data, forge->file->len), &faults),
        &named, &error);
    g_assert_no_error (error);
    faults.reads = 0;
    faults.bytes = 0;
    test_load_sizes (shard, 0, &ends, &error);
    g_assert_no_error (error);
    /* Header, codec byte, two bytes of length, a byte for each record; not the values. */
    g_assert_cmpuint (faults.bytes, <=, 40 + 11 + 200);
    g_assert_cmpuint (faults.reads, <=, 3);
    arec_record_ends_clear (&ends);
}

static void
test_coding (void)
{
    static const struct {
        const char *name;
        uint8_t compression;
        bool transposed;
    } rows[] = {{"text.groupsize64-snappy.array_record", 's', false},
                {"text.groupsize100-brotli6.array_record", 'b', false},
                {"text.groupsize128-transposetrue-zstd3.array_record", 'z', true},
                {"tiny.groupsize256-uncompressed.array_record", 0, false}};

    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        TestFaults faults = {.fail_at_read = -1};
        g_autoptr (ArecShard) shard = open_counted (rows[i].name, &faults);
        g_autoptr (GError) error = NULL;
        uint8_t compression;
        bool transposed;

        arec_shard_read_coding (shard, 0, &compression, &transposed, &error);
        g_assert_no_error (error);
        g_assert_cmpuint (compression, ==, rows[i].compression);
        g_assert_cmpint (transposed, ==, rows[i].transposed);
    }
}

static void
test_other_formats (void)
{
    static const ArecShardOptions forced = {.kind = AREC_KIND_RIEGELI};
    static const struct {
        const char *name;
        const ArecShardOptions *options;
        bool opens; /* as plain Riegeli/records */
        ArecError code;
    } rows[] = {{"text.uncompressed.riegeli", &unnamed, true, 0},
                {"empty.default.riegeli", &unnamed, true, 0},
                {"manifest.json", &unnamed, false, AREC_ERROR_FORMAT},
                {"README.md", &unnamed, false, AREC_ERROR_FORMAT},
                {"text.uncompressed.riegeli", &named, false, AREC_ERROR_CORRUPT},
                {"manifest.json", &named, false, AREC_ERROR_CORRUPT},
                {"text.groupsize64-snappy.array_record", &forced, true, 0},
                {"manifest.json", &forced, false, AREC_ERROR_FORMAT}};

    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        size_t size;
        g_autofree uint8_t *data = test_golden_read (rows[i].name, &size);
        g_autoptr (GError) error = NULL;

        g_autoptr (ArecShard) shard = arec_shard_open (
            arec_memory_source_new (rows[i].name, data, size), rows[i].options, &error);

        if (rows[i].opens) {
            g_assert_no_error (error);
            g_assert_cmpint (arec_shard_kind (shard), ==, AREC_KIND_RIEGELI);
        } else {
            g_assert_null (shard);
            g_assert_error (error, AREC_ERROR, (gint)rows[i].code);
        }
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
#ifndef SANITIZED
    g_test_add_func ("/shard/counting", test_counting_counts);
#endif
    for (unsigned i = 0; i < G_N_ELEMENTS (lies); i++) {
        g_autofree char *path = g_strconcat ("/shard/lie/", lies[i].name, NULL);

        g_test_add_data_func (path, &lies[i], test_lie);
    }
    g_test_add_func ("/shard/wrong-size-prefix", test_wrong_size_prefix);
    g_test_add_func ("/shard/overlong-sizes", test_overlong_sizes);
    g_test_add_func ("/shard/slack", test_slack);
    g_test_add_func ("/shard/many-short-records", test_many_short_records);
    g_test_add_func ("/shard/postscript-bomb", test_postscript_bomb);
    g_test_add_func ("/shard/metadata-bomb", test_metadata_bomb);
    g_test_add_func ("/shard/unlisted-chunks", test_unlisted_chunks);
    g_test_add_func ("/shard/uneven-groups", test_uneven_groups);
    g_test_add_func ("/shard/unusual-entry", test_unusual_entry);
    g_test_add_func ("/shard/options", test_options);
    g_test_add_func ("/shard/reads", test_reads);
    g_test_add_func ("/shard/cancelled", test_cancelled);
    g_test_add_func ("/shard/reads-of-sizes", test_reads_of_sizes);
    g_test_add_func ("/shard/coding", test_coding);
    g_test_add_func ("/shard/other-formats", test_other_formats);
    return g_test_run();
}
