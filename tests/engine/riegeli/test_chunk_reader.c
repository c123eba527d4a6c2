/* Chunks at every kind of position: within a block, over block headers; from the start, in
 * parts and whole; and every lie in a header. */
#include "riegeli/chunk_reader.h"

#include <string.h>

#include "faulty_source.h"
#include "forge.h"

#include "base/error.h"
#include "riegeli/block.h"
#include "riegeli/hash.h"
#include "source/memory_source.h"

#define NAME "some.riegeli"

/* A file with one chunk of @size data bytes at @begin, and the counters of its source. */
typedef struct {
    TestForge *forge;
    TestFaults faults;
    uint8_t *data;
    size_t size;
    ArecChunkPlace place;
} Fixture;

static Fixture *
set_up (uint64_t begin, size_t size)
{
    Fixture *fixture = g_new0 (Fixture, 1);

    fixture->forge = test_forge_new();
    if (begin > 64) {
        test_forge_pad_to (fixture->forge, begin);
    }
    fixture->data = g_malloc (size + 1);
    for (size_t i = 0; i < size; i++) {
        fixture->data[i] = (uint8_t)(i * 31 + (i >> 8));
    }
    fixture->size = size;
    fixture->place.begin =
        test_forge_chunk (fixture->forge, &(TestForgeChunk){.type = 'r',
                                                            .num_records = 7,
                                                            .decoded_data_size = 1234,
                                                            .data = fixture->data,
                                                            .data_size = size});
    g_assert_cmpuint (fixture->place.begin, ==, begin);
    fixture->place.limit = fixture->forge->file->len;
    fixture->place.max_size = UINT64_MAX;
    test_forge_chunk (fixture->forge,
                      &(TestForgeChunk){.type = 'p', .data = "next", .data_size = 4});
    return fixture;
}

/* Makes a new source, so that bytes that a test wrote into the file count. */
static void
reset_source (Fixture *fixture)
{
    arec_source_free (fixture->place.source);
    fixture->faults = (TestFaults){.fail_at_read = -1};
    fixture->place.source = test_faulty_source_new (
        arec_memory_source_new (NAME, fixture->forge->file->data, fixture->forge->file->len),
        &fixture->faults);
}

static void
tear_down (Fixture *fixture)
{
    arec_source_free (fixture->place.source);
    test_forge_free (fixture->forge);
    g_free (fixture->data);
    g_free (fixture);
}

static void
check_header (const Fixture *fixture, const ArecChunkHeader *header)
{
    g_assert_cmpuint (header->data_size, ==, fixture->size);
    g_assert_cmpuint (header->data_hash, ==, arec_hash (fixture->data, fixture->size));
    g_assert_cmpuint (header->type, ==, 'r');
    g_assert_cmpuint (header->num_records, ==, 7);
    g_assert_cmpuint (header->decoded_data_size, ==, 1234);
    g_assert_cmpuint (header->end, ==, fixture->place.limit);
}

static const uint64_t begins[] = {64,    65000, 65480, 65496, 65497, 65511,
                                  65520, 65535, 65536, 65561, 70000, 131072};
static const size_t sizes[] = {0,     1,     10,     33,     500,     65000,  65472,
                               65473, 65512, 131024, 200000, 2200000, 4300000};

static void
for_each_place (void (*check) (Fixture *fixture))
{
    for (unsigned b = 0; b < G_N_ELEMENTS (begins); b++) {
        for (unsigned s = 0; s < G_N_ELEMENTS (sizes); s++) {
            Fixture *fixture = set_up (begins[b], sizes[s]);

            reset_source (fixture);
            check (fixture);
            tear_down (fixture);
        }
    }
}

static void
check_reads_header (Fixture *fixture)
{
    g_autoptr (GError) error = NULL;
    ArecChunkHeader header;

    arec_chunk_read_header (&fixture->place, &header, &error);
    g_assert_no_error (error);
    check_header (fixture, &header);
    g_assert_cmpuint (fixture->faults.reads, ==, 1);
    g_assert_cmpuint (fixture->faults.bytes, <=, 40 + 24);
}

static void
test_header (void)
{
    for_each_place (check_reads_header);
}

static void
check_reads_whole (Fixture *fixture)
{
    const uint64_t there = fixture->place.limit - fixture->place.begin;
    const uint64_t guesses[] = {0, 1, 41, there, there + 100000, UINT64_MAX};

    for (unsigned i = 0; i < G_N_ELEMENTS (guesses); i++) {
        g_autoptr (GError) error = NULL;
        ArecChunkHeader header;
        ArecStoredChunk stored = {.place = &fixture->place, .header = &header};

        reset_source (fixture);
        arec_chunk_read (&stored, guesses[i], &error);
        g_assert_no_error (error);
        check_header (fixture, &header);
        g_assert_cmpmem (stored.data, header.data_size, fixture->data, fixture->size);
        g_free (stored.memory);
        g_assert_cmpuint (fixture->faults.bytes, <=, there); /* nothing twice */
        if (guesses[i] >= there && there <= 100000) {
            g_assert_cmpuint (fixture->faults.reads, ==, 1);
        }
    }
}

static void
test_whole (void)
{
    for_each_place (check_reads_whole);
}

static void
check_reads_parts (Fixture *fixture)
{
    g_autofree uint8_t *buffer = g_malloc (fixture->size + 1);
    ArecChunkHeader header;
    g_autoptr (GError) error = NULL;

    arec_chunk_read_header (&fixture->place, &header, &error);
    g_assert_no_error (error);
    for (unsigned i = 0; i < 12; i++) {
        uint64_t from =
            i == 0 ? 0 : (uint64_t)g_test_rand_int_range (0, (int)fixture->size + 1);
        size_t most = fixture->size - from;
        size_t n = i == 0 ? most : (size_t)g_test_rand_int_range (0, (int)most + 1);

        arec_chunk_read_part (&fixture->place, &header, from, buffer, n, &error);
        g_assert_no_error (error);
        g_assert_cmpmem (buffer, n, fixture->data + from, n);
    }
}

static void
test_parts (void)
{
    for_each_place (check_reads_parts);
}

static void
check_reads_front (Fixture *fixture)
{
    static const size_t wanted[] = {0, 1, 2, 11, 100, 216};

    for (unsigned i = 0; i < G_N_ELEMENTS (wanted); i++) {
        uint8_t buffer[216];
        g_autoptr (GError) error = NULL;
        ArecChunkHeader header;
        size_t got;

        reset_source (fixture);
        arec_chunk_read_front (&fixture->place, &header, buffer, wanted[i], &got, &error);
        g_assert_no_error (error);
        check_header (fixture, &header);
        g_assert_cmpuint (got, ==, MIN (wanted[i], fixture->size));
        g_assert_cmpmem (buffer, got, fixture->data, got);
        g_assert_cmpuint (fixture->faults.reads, ==, 1);
        g_assert_cmpuint (fixture->faults.bytes, <=, 40 + 48 + wanted[i]);
    }
}

static void
test_front (void)
{
    for_each_place (check_reads_front);
}

/* ---- what is refused ---- */

static void
check_refused (Fixture *fixture, ArecError code, const char *text, bool by_header_too)
{
    g_autoptr (GError) error = NULL;
    ArecChunkHeader header;
    ArecStoredChunk stored = {.place = &fixture->place, .header = &header};

    reset_source (fixture);
    g_assert_false (arec_chunk_read (&stored, 0, &error));
    g_assert_error (error, AREC_ERROR, (gint)code);
    g_assert_true (g_str_has_prefix (error->message, NAME ": at "));
    g_assert_nonnull (strstr (error->message, text));
    g_assert_null (stored.memory);
    g_clear_error (&error);
    g_assert_cmpint (arec_chunk_read_header (&fixture->place, &header, &error), ==,
                     !by_header_too);
}

static void
put_le64 (uint8_t *at, uint64_t value)
{
    value = GUINT64_TO_LE (value);
    memcpy (at, &value, sizeof value);
}

static void
test_flipped_header (void)
{
    Fixture *fixture = set_up (64, 100);

    for (unsigned i = 0; i < 40; i++) {
        fixture->forge->file->data[64 + i] ^= 1;
        check_refused (fixture, AREC_ERROR_CORRUPT, "at 64: chunk header hash mismatch", true);
        fixture->forge->file->data[64 + i] ^= 1;
    }
    tear_down (fixture);
}

static void
test_flipped_data (void)
{
    Fixture *fixture = set_up (64, 100);

    for (unsigned i = 0; i < 100; i++) {
        fixture->forge->file->data[104 + i] ^= 1;
        check_refused (fixture, AREC_ERROR_CORRUPT, "data hash mismatch", false);
        fixture->forge->file->data[104 + i] ^= 1;
    }
    tear_down (fixture);
}

/* Block headers within the chunk header are checked when the header alone is read, those in
 * the data when the data is read. */
static void
test_block_headers (void)
{
    static const struct {
        uint64_t begin;
        bool in_chunk_header;
    } rows[] = {{65536, true}, {65510, true}, {65497, true}, {65496, false}, {64, false}};

    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        Fixture *fixture = set_up (rows[i].begin, 70000);
        uint8_t *header = fixture->forge->file->data + 65536;
        uint8_t good[24];

        memcpy (good, header, sizeof good);
        for (unsigned k = 0; k < sizeof good; k++) {
            header[k] ^= 0x10;
            check_refused (fixture, AREC_ERROR_CORRUPT, "at 65536: block header hash mismatch",
                           rows[i].in_chunk_header);
            header[k] ^= 0x10;
        }
        put_le64 (header + 8, 65536 - rows[i].begin + 1);
        put_le64 (header, arec_hash (header + 8, 16));
        check_refused (fixture, AREC_ERROR_CORRUPT, "implies another begin",
                       rows[i].in_chunk_header);
        memcpy (header, good, sizeof good);
        put_le64 (header + 16, fixture->place.limit - 65536 + 1);
        put_le64 (header, arec_hash (header + 8, 16));
        check_refused (fixture, AREC_ERROR_CORRUPT, "implies another end",
                       rows[i].in_chunk_header);
        tear_down (fixture);
    }
}

static void
check_salvaged (Fixture *fixture)
{
    reset_source (fixture);
    fixture->place.lenient = true;
    for (uint64_t guess = 0; guess <= 400000; guess += 100000) {
        g_autoptr (GError) error = NULL;
        ArecChunkHeader header;
        ArecStoredChunk stored = {.place = &fixture->place, .header = &header};

        arec_chunk_read (&stored, guess, &error);
        g_assert_no_error (error);
        check_header (fixture, &header);
        g_assert_cmpmem (stored.data, header.data_size, fixture->data, fixture->size);
        g_free (stored.memory);
    }
    fixture->place.lenient = false;
}

/* A lenient read accepts damaged block headers before, inside and after the chunk header,
 * and block headers that lie with right hashes. */
static void
test_lenient (void)
{
    static const uint64_t at[] = {64, 65496, 65497, 65510, 65536};

    for (unsigned i = 0; i < G_N_ELEMENTS (at); i++) {
        Fixture *fixture = set_up (at[i], 200000);
        uint8_t *file = fixture->forge->file->data;
        uint64_t last = fixture->place.limit - fixture->place.limit % 65536;

        for (uint64_t block = 65536; block <= last; block += 65536) {
            g_autofree uint8_t *good = g_memdup2 (file + block, 24);

            file[block] ^= 1;
            check_refused (fixture, AREC_ERROR_CORRUPT, "block header hash mismatch",
                           block == 65536 && at[i] > 65496);
            check_salvaged (fixture);
            put_le64 (file + block + 8, 0);
            put_le64 (file + block + 16, 100);
            put_le64 (file + block, arec_hash (file + block + 8, 16));
            check_salvaged (fixture);
            memset (file + block, 0, 24);
            check_salvaged (fixture);
            memcpy (file + block, good, 24);
        }
        tear_down (fixture);
    }
}

/* The chunk's own two hashes still decide. */
static void
test_lenient_is_not_blind (void)
{
    Fixture *fixture = set_up (65510, 100000);
    uint8_t *file = fixture->forge->file->data;

    fixture->place.lenient = true;
    file[65536 + 24 + 100] ^= 1;
    check_refused (fixture, AREC_ERROR_CORRUPT, "data hash mismatch", false);
    file[65536 + 24 + 100] ^= 1;
    file[65511] ^= 1;
    check_refused (fixture, AREC_ERROR_CORRUPT, "chunk header hash mismatch", true);
    tear_down (fixture);
}

/* Block headers past the data, in the slack, are not checked. */
static void
test_slack_is_not_read (void)
{
    g_autoptr (TestForge) forge = test_forge_new();
    g_autoptr (ArecSource) source = NULL;
    g_autoptr (GError) error = NULL;
    ArecChunkPlace place;
    ArecChunkHeader header;

    test_forge_chunk (
        forge,
        &(TestForgeChunk){.type = 'r', .num_records = 200000, .data = "ab", .data_size = 2});
    g_assert_cmpuint (forge->file->len, ==, 200064);
    memset (forge->file->data + 65536, 0xff, 24);
    source = arec_memory_source_new (NAME, forge->file->data, forge->file->len);
    place = (ArecChunkPlace){.source = source, .begin = 64, .limit = 200064, .max_size = 2};
    for (uint64_t guess = 0; guess <= 200000; guess += 100000) {
        ArecStoredChunk stored = {.place = &place, .header = &header};

        arec_chunk_read (&stored, guess, &error);
        g_assert_no_error (error);
        g_assert_cmpmem (stored.data, header.data_size, "ab", 2);
        g_assert_cmpuint (header.end, ==, 200064);
        g_free (stored.memory);
    }
}

static void
test_bounds (void)
{
    Fixture *fixture = set_up (64, 1000);
    uint64_t limit = fixture->place.limit;

    fixture->place.max_size = 999;
    check_refused (fixture, AREC_ERROR_LIMIT, "limit is 999", true);
    fixture->place.max_size = 1000;
    fixture->place.limit = limit - 1;
    check_refused (fixture, AREC_ERROR_CORRUPT, "at 64: the chunk would end at", true);
    fixture->place.limit = limit;
    fixture->place.begin = 10;
    check_refused (fixture, AREC_ERROR_CORRUPT, "cannot begin here", true);
    fixture->place.begin = 65536 + 24;
    check_refused (fixture, AREC_ERROR_CORRUPT, "cannot begin here", true);
    tear_down (fixture);
}

/* Wherever the file ends, no byte past its end is read. */
static void
test_cut (void)
{
    Fixture *fixture = set_up (65500, 300);
    uint64_t whole = fixture->place.limit;

    for (uint64_t length = 65500; length < whole; length++) {
        g_byte_array_set_size (fixture->forge->file, (guint)length);
        fixture->place.limit = length;
        check_refused (fixture, AREC_ERROR_CORRUPT, "", true);
    }
    tear_down (fixture);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/chunk-reader/header", test_header);
    g_test_add_func ("/chunk-reader/whole", test_whole);
    g_test_add_func ("/chunk-reader/parts", test_parts);
    g_test_add_func ("/chunk-reader/front", test_front);
    g_test_add_func ("/chunk-reader/flipped-header", test_flipped_header);
    g_test_add_func ("/chunk-reader/flipped-data", test_flipped_data);
    g_test_add_func ("/chunk-reader/block-headers", test_block_headers);
    g_test_add_func ("/chunk-reader/lenient", test_lenient);
    g_test_add_func ("/chunk-reader/lenient-not-blind", test_lenient_is_not_blind);
    g_test_add_func ("/chunk-reader/slack", test_slack_is_not_read);
    g_test_add_func ("/chunk-reader/bounds", test_bounds);
    g_test_add_func ("/chunk-reader/cut", test_cut);
    return g_test_run();
}
