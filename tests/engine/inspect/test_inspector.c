/* The walk of verify and repair: its reports on sound files, on listed chunks that do not
 * exist, on chunks that are not listed; record numbers, which are those of a reader with
 * recover; leniency; failing reads. */
#include "inspect/inspector.h"

#include <string.h>

#include "faulty_source.h"
#include "forge.h"
#include "loads.h"

#include "base/error.h"
#include "riegeli/block.h"
#include "source/memory_source.h"

#define NAME "some.array_record"
#define MAX_CHUNK (UINT64_C (1) << 20)
#define BLOCK AREC_BLOCK_SIZE

/* ---- files ---- */

/* Two records. */
static uint64_t
put_pair (TestForge *forge)
{
    const TestForgeRecord records[] = {{"some record", 11}, {"another", 7}};

    return test_forge_records (forge, AREC_COMPRESSION_NONE, records, G_N_ELEMENTS (records));
}

/* A record over several blocks. */
static uint64_t
put_large (TestForge *forge)
{
    g_autofree char *data = g_strnfill (200000, 'x');
    const TestForgeRecord record = {data, 200000};

    return test_forge_records (forge, AREC_COMPRESSION_NONE, &record, 1);
}

/* Three pairs, each in a block of its own. */
static TestForge *
make_padded (uint64_t begins[3])
{
    TestForge *forge = test_forge_new();

    for (unsigned i = 0; i < 3; i++) {
        begins[i] = put_pair (forge);
        test_forge_pad (forge);
    }
    test_forge_finish (forge);
    return forge;
}

/* ---- reports ---- */

typedef struct {
    TestFaults faults;
    ArecSource *source;
} Input;

static ArecInspector *
inspect (const TestForge *forge, Input *input, const ArecInspectorOptions *options,
         GError **error)
{
    const ArecShardOptions shard = {.limits = {.max_size = MAX_CHUNK},
                                    .name_is_array_record = true};

    input->source = test_faulty_source_new (
        arec_memory_source_new (NAME, forge->file->data, forge->file->len), &input->faults);
    return arec_inspector_new (input->source, &shard, options, error);
}

/* A line for each chunk of records and each damage: `64 2` for a chunk and its records,
 * `64+40: 2:4` for a damage and the records lost, `64+40: 2:?` where it is unknown how many.
 * false: a read failed. */
static bool
try_describe (ArecInspector *inspector, char **out, GError **error)
{
    g_autoptr (GString) text = g_string_new (NULL);

    for (;;) {
        ArecInspectStep step;
        ArecInspectedChunk chunk;
        ArecDamage damage;

        if (!arec_inspector_next (inspector, &step, &chunk, &damage, error)) {
            return false;
        }
        if (step == AREC_INSPECT_END) {
            *out = g_strdup (text->str);
            return true;
        }
        if (step == AREC_INSPECT_DAMAGE) {
            g_assert_nonnull (damage.reason);
            g_assert_true (damage.knows_first_record);
            g_string_append_printf (
                text, "%" G_GUINT64_FORMAT "+%" G_GUINT64_FORMAT ": %" G_GUINT64_FORMAT ":",
                damage.offset, damage.length, damage.first_record);
            if (damage.knows_n_records) {
                g_string_append_printf (text, "%" G_GUINT64_FORMAT "%s\n",
                                        damage.first_record + damage.n_records,
                                        damage.is_restorable ? " restorable" : "");
            } else {
                g_string_append (text, "?\n");
            }
        } else if (chunk.role == AREC_ROLE_RECORDS) {
            g_string_append_printf (text, "%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT "\n",
                                    chunk.begin, chunk.header.num_records);
        }
    }
}

static void
check_with (const TestForge *forge, ArecInspectorOptions options, const char *expected)
{
    for (options.n_threads = 1; options.n_threads <= 3; options.n_threads++) {
        Input input = {.faults.fail_at_read = -1};
        g_autoptr (GError) error = NULL;
        g_autoptr (ArecInspector) inspector = inspect (forge, &input, &options, &error);
        g_autofree char *text = NULL;
        bool ok;

        g_assert_no_error (error);
        ok = try_describe (inspector, &text, &error);
        g_assert_no_error (error);
        g_assert_true (ok);
        g_assert_cmpstr (text, ==, expected);
    }
}

static void check (const TestForge *forge, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* Inspects strictly, like verify. */
static void
check (const TestForge *forge, const char *format, ...)
{
    g_autofree char *expected = NULL;
    va_list args;

    va_start (args, format);
    expected = g_strdup_vprintf (format, args);
    va_end (args);
    check_with (forge, (ArecInspectorOptions){0}, expected);
}

#define U G_GUINT64_FORMAT

/* ---- tests ---- */

static void
test_sound (void)
{
    uint64_t at[3];
    g_autoptr (TestForge) forge = make_padded (at);

    check (forge, "%" U " 2\n%" U " 2\n%" U " 2\n", at[0], at[1], at[2]);
}

static void
test_empty (void)
{
    g_autoptr (TestForge) forge = test_forge_new();

    test_forge_finish (forge);
    check (forge, "%s", "");
}

static void
test_lost_chunk_keeps_its_numbers (void)
{
    uint64_t at[3];
    g_autoptr (TestForge) forge = make_padded (at);

    forge->file->data[at[1] + 33] ^= 1; /* of its header */
    check (forge, "%" U " 2\n%" U "+65536: 2:4\n%" U " 2\n", at[0], at[1], at[2]);
}

static void
test_damaged_data (void)
{
    uint64_t at[3];
    g_autoptr (TestForge) forge = make_padded (at);
    uint64_t size = 40 + 1 + 1 + 2 + 18;

    forge->file->data[at[2] + 24 + 40 + 10] ^= 1;
    check (forge, "%" U " 2\n%" U " 2\n%" U "+%" U ": 4:6\n", at[0], at[1], at[2], size + 24);
}

/* The footer lists a chunk between two others that does not exist. */
static void
test_listed_chunk_that_does_not_exist (void)
{
    g_autoptr (TestForge) forge = test_forge_new();
    uint64_t first = put_pair (forge), second;

    test_forge_pad (forge);
    test_forge_entry (forge, first + 1000, 50, 5);
    second = put_pair (forge);
    test_forge_finish (forge);
    check (forge, "%" U " 2\n%" U "+%" U ": 2:7\n%" U " 2\n", first, first + 1000,
           second - first - 1000, second);
}

static void
test_unlisted_chunk (void)
{
    static const uint8_t data[] = {0, 1, 1, 'x'};
    g_autoptr (TestForge) forge = test_forge_new();
    uint64_t first = put_pair (forge), unlisted, last;

    unlisted = test_forge_chunk (forge, &(TestForgeChunk){.type = 'r',
                                                          .num_records = 1,
                                                          .decoded_data_size = 1,
                                                          .data = data,
                                                          .data_size = sizeof data});
    last = put_pair (forge);
    test_forge_finish (forge);
    check (forge, "%" U " 2\n%" U "+44: 2:2\n%" U " 2\n", first, unlisted, last);
}

/* The footer entry of a chunk differs from the chunk's header. */
static void
test_footer_contradicts (void)
{
    static const uint8_t data[] = {0, 1, 1, 'x'};
    g_autoptr (TestForge) forge = test_forge_new();
    uint64_t at = test_forge_chunk (forge, &(TestForgeChunk){.type = 'r',
                                                             .num_records = 1,
                                                             .decoded_data_size = 1,
                                                             .data = data,
                                                             .data_size = sizeof data});

    test_forge_entry (forge, at, 1, 3);
    test_forge_finish (forge);
    check (forge, "%" U "+44: 0:3\n", at);
}

/* Chunks of types that cannot have records but claim some; a reader of records skips them. */
static void
test_records_in_other_types (void)
{
    static const uint8_t types[] = {'p', 's', 'm', 'x'};

    for (size_t i = 0; i < G_N_ELEMENTS (types); i++) {
        g_autoptr (TestForge) forge = test_forge_new();
        uint64_t first = put_pair (forge), last;
        uint64_t liar = test_forge_chunk (
            forge, &(TestForgeChunk){
                       .type = types[i], .num_records = 1, .data = "some", .data_size = 4});

        last = put_pair (forge);
        test_forge_finish (forge);
        check (forge, "%" U " 2\n%" U "+44: 2:2\n%" U " 2\n", first, liar, last);
    }
}

static void
test_no_footer (void)
{
    g_autoptr (TestForge) forge = test_forge_new();
    uint64_t at = put_pair (forge);

    check (forge, "%" U " 2\n%u+0: 2:?\n", at, forge->file->len);
}

static void
test_no_footer_and_a_gap (void)
{
    uint64_t at[3];
    g_autoptr (TestForge) forge = make_padded (at);

    g_byte_array_set_size (forge->file, (guint)forge->footer_at);
    forge->file->data[at[1] + 33] ^= 1;
    check (forge, "%" U " 2\n%" U "+65536: 2:?\n%" U " 2\n%u+0: 4:?\n", at[0], at[1], at[2],
           forge->file->len);
}

/* Damaged block headers among a chunk's bytes, within its data and before its header. */
static void
test_lenient (void)
{
    g_autoptr (TestForge) forge = test_forge_new();
    uint64_t large = put_large (forge), pair;
    g_autofree char *strict = NULL, *lenient = NULL, *restorable = NULL;

    test_forge_pad (forge);
    pair = put_pair (forge);
    g_assert_cmpuint (pair % BLOCK, ==, 0);
    test_forge_finish (forge);
    forge->file->data[BLOCK + 3] ^= 1;
    forge->file->data[pair + 3] ^= 1;
    strict = g_strdup_printf ("%" U "+%" U ": 0:1\n%" U "+%" U ": 1:3\n", large,
                              arec_block_add (large, 40 + 1 + 1 + 3 + 200000) - large, pair,
                              forge->footer_at - pair);
    /* The same, and each damage is followed by its chunk. */
    lenient = g_strdup_printf ("%" U "+%" U ": 0:1 restorable\n%" U " 1\n%" U "+%" U
                               ": 1:3 restorable\n%" U " 2\n",
                               large, arec_block_add (large, 40 + 1 + 1 + 3 + 200000) - large,
                               large, pair, forge->footer_at - pair, pair);
    restorable = g_strdup_printf (
        "%" U "+%" U ": 0:1 restorable\n%" U "+%" U ": 1:3 restorable\n", large,
        arec_block_add (large, 40 + 1 + 1 + 3 + 200000) - large, pair, forge->footer_at - pair);
    check_with (forge, (ArecInspectorOptions){0}, restorable);
    check_with (forge, (ArecInspectorOptions){.lenient = true, .keeps_data = true}, lenient);

    /* Other damage stays damage, even leniently. */
    forge->file->data[BLOCK + 3000] ^= 1;
    forge->file->data[pair + 70] ^= 1;
    check_with (forge, (ArecInspectorOptions){0}, strict);
    check_with (forge, (ArecInspectorOptions){.lenient = true, .keeps_data = true}, strict);
}

static void
test_kept_data (void)
{
    const ArecInspectorOptions options = {
        .n_threads = 1, .keeps_data = true, .keeps_records = true};
    g_autoptr (TestForge) forge = test_forge_new();
    Input input = {.faults.fail_at_read = -1};
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecInspector) inspector = NULL;
    ArecInspectStep step;
    ArecInspectedChunk chunk;
    ArecDamage damage;
    ArecBytes record;

    put_pair (forge);
    test_forge_finish (forge);
    inspector = inspect (forge, &input, &options, &error);
    do {
        g_assert_true (arec_inspector_next (inspector, &step, &chunk, &damage, &error));
        g_assert_cmpint (step, ==, AREC_INSPECT_CHUNK);
    } while (chunk.role != AREC_ROLE_RECORDS);
    g_assert_cmpmem (chunk.data, chunk.header.data_size, forge->file->data + chunk.begin + 40,
                     chunk.header.data_size);
    record = arec_chunk_record (chunk.chunk, 1);
    g_assert_cmpmem (record.at, arec_bytes_left (&record), "another", 7);
    g_assert_cmpuint (arec_inspector_position (inspector), ==, chunk.header.end);
    /* Freed in the middle: chunks that are still in the threads are freed. */
}

/* Fails each read once: a failure of the system is reported as such, never as a damage. */
static void
test_read_errors (void)
{
    const ArecInspectorOptions options = {.n_threads = 1};
    uint64_t at[3], n_reads = 0;
    g_autoptr (TestForge) forge = make_padded (at);

    forge->file->data[at[1] + 33] ^= 1;
    for (uint64_t fail_at = 0; fail_at <= n_reads; fail_at++) {
        Input input = {.faults.fail_at_read = fail_at > 0 ? (int64_t)fail_at - 1 : -1};
        g_autoptr (GError) error = NULL;
        g_autoptr (ArecInspector) inspector = inspect (forge, &input, &options, &error);
        g_autofree char *text = NULL;
        bool ok = inspector && try_describe (inspector, &text, &error);

        if (fail_at == 0) {
            g_assert_true (ok);
            n_reads = input.faults.reads;
            g_assert_cmpuint (n_reads, >=, 10);
        } else {
            g_assert_false (ok);
            g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
        }
    }
}

static void
test_changed (void)
{
    const ArecInspectorOptions options = {.n_threads = 1};
    uint64_t at[3];
    g_autoptr (TestForge) forge = make_padded (at);
    Input input = {.faults.fail_at_read = -1};
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecInspector) inspector = inspect (forge, &input, &options, &error);
    g_autofree char *text = NULL;

    input.faults.changed = true;
    g_assert_false (try_describe (inspector, &text, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_CHANGED);
}

/* A pair of records that consist of @letter. */
static void
put_letters (TestForge *forge, char letter)
{
    char text[20];
    const TestForgeRecord records[] = {{text, 15}, {text, sizeof text}};

    memset (text, letter, sizeof text);
    test_forge_records (forge, AREC_COMPRESSION_NONE, records, G_N_ELEMENTS (records));
}

static TestForge *
make_letters (char letter)
{
    TestForge *forge = test_forge_new();

    for (unsigned i = 0; i < 40; i++) {
        put_letters (forge, letter);
    }
    test_forge_finish (forge);
    return forge;
}

/* A file written in place, or not, after everything was read: that the stamp has moved is
 * examined at the end, with an index and without. */
static void
test_written (gconstpointer data)
{
    const ArecShardOptions shard = {.limits = {.max_size = MAX_CHUNK},
                                    .kind = GPOINTER_TO_UINT (data)};
    const ArecInspectorOptions options = {.n_threads = 2};
    g_autoptr (TestForge) old = make_letters ('o'), new = make_letters ('n');
    uint64_t end = 64 + 30 * ((old->footer_at - 64) / 40); /* after chunk 29 */

    g_assert_cmpuint (old->file->len, ==, new->file->len);
    for (unsigned is_written = 0; is_written < 2; is_written++) {
        TestFaults faults = {.fail_at_read = -1};
        ArecSource *source = test_faulty_source_new (
            arec_memory_source_new (NAME, old->file->data, old->file->len), &faults);
        g_autoptr (GError) error = NULL;
        g_autoptr (ArecInspector) inspector =
            arec_inspector_new (source, &shard, &options, &error);
        unsigned n = 0;

        g_assert_no_error (error);
        for (;;) {
            ArecInspectStep step;
            ArecInspectedChunk chunk;
            ArecDamage damage;

            if (!arec_inspector_next (inspector, &step, &chunk, &damage, &error) ||
                step == AREC_INSPECT_END) {
                break;
            }
            g_assert_cmpint (step, ==, AREC_INSPECT_CHUNK);
            n += chunk.role == AREC_ROLE_RECORDS;
            if (n == 40 && is_written) {
                faults.written = new->file->data;
                faults.written_begin = 64 + 29 * ((old->footer_at - 64) / 40);
                faults.written_end = end;
            }
            faults.stamps++;
        }
        g_assert_cmpuint (n, >=, 40);
        if (is_written) {
            g_assert_error (error, AREC_ERROR, AREC_ERROR_CHANGED);
        } else {
            g_assert_no_error (error);
        }
    }
}

/* ---- the records of a reader with recover ---- */

/* A line for each sound chunk: its position, the number of its first record, the number of
 * records. */
static void
append_place (GString *text, uint64_t begin, uint64_t first_record, uint64_t n_records)
{
    g_string_append_printf (text, "%" U ": %" U "+%" U "\n", begin, first_record, n_records);
}

static char *
describe_inspected (const TestForge *forge, const ArecShardOptions *shard)
{
    const ArecInspectorOptions options = {.n_threads = 1};
    g_autoptr (GString) text = g_string_new (NULL);
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecInspector) inspector =
        arec_inspector_new (arec_memory_source_new (NAME, forge->file->data, forge->file->len),
                            shard, &options, &error);
    uint64_t next_record = 0;
    ArecInspectStep step;

    g_assert_no_error (error);
    do {
        ArecInspectedChunk chunk;
        ArecDamage damage;

        g_assert_true (arec_inspector_next (inspector, &step, &chunk, &damage, &error));
        if (step == AREC_INSPECT_DAMAGE) {
            g_assert_cmpuint (damage.first_record, ==, next_record);
            next_record += damage.n_records;
        } else if (step == AREC_INSPECT_CHUNK && chunk.role == AREC_ROLE_RECORDS) {
            append_place (text, chunk.begin, next_record, chunk.header.num_records);
            next_record += chunk.header.num_records;
        }
    } while (step != AREC_INSPECT_END);
    append_place (text, 0, next_record, 0);
    return g_strdup (text->str);
}

static char *
describe_read (const TestForge *forge, ArecShardOptions options)
{
    g_autoptr (GString) text = g_string_new (NULL);
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecShard) shard = NULL;
    const ArecIndex *index;

    options.recover = true;
    shard = arec_shard_open (arec_memory_source_new (NAME, forge->file->data, forge->file->len),
                             &options, &error);
    g_assert_no_error (error);
    index = arec_shard_index (shard);
    for (uint64_t i = 0; i < arec_index_n_chunks (index); i++) {
        g_autoptr (ArecChunk) chunk = NULL;
        ArecIndexEntry entry;

        g_assert_true (arec_index_get (index, i, &entry, NULL));
        if (test_load_chunk (shard, i, &chunk, NULL)) {
            append_place (text, entry.offset, entry.first_record, entry.n_records);
        }
    }
    append_place (text, 0, arec_index_n_records (index), 0);
    return g_strdup (text->str);
}

static void
check_agreement (const TestForge *forge)
{
    static const ArecKind kinds[] = {AREC_KIND_ARRAY_RECORD, AREC_KIND_RIEGELI};

    for (size_t i = 0; i < G_N_ELEMENTS (kinds); i++) {
        const ArecShardOptions options = {.limits = {.max_size = MAX_CHUNK}, .kind = kinds[i]};
        g_autofree char *inspected = describe_inspected (forge, &options);
        g_autofree char *read = describe_read (forge, options);

        g_assert_cmpstr (inspected, ==, read);
    }
}

#define N_CHUNKS 4

/* Chunks of a pair, each in a block of its own or all in one. The postscript says that the
 * footer is chunk @lie of these, or the truth. */
static TestForge *
make_lying (bool padded, unsigned lie, uint64_t chunks[N_CHUNKS + 2])
{
    TestForge *forge = test_forge_new();

    for (unsigned i = 0; i < N_CHUNKS; i++) {
        chunks[i] = put_pair (forge);
        if (padded) {
            test_forge_pad (forge);
        }
    }
    if (lie < N_CHUNKS) {
        forge->lies_footer_offset = true;
        forge->footer_offset = chunks[lie];
    }
    test_forge_finish (forge);
    chunks[N_CHUNKS] = forge->footer_at;
    chunks[N_CHUNKS + 1] = forge->postscript_at;
    return forge;
}

/* @what  of the two things that can be damaged in each chunk: header, data. */
static void
damage (TestForge *forge, const uint64_t *chunks, unsigned what)
{
    uint64_t begin = chunks[what / 2];

    forge->file->data[arec_block_add (begin, what % 2 == 0 ? 33 : 45) - 1] ^= 1;
}

/* Any two damages, of chunks, footer and postscript, with each lie. */
static void
test_agrees_on_two_damages (void)
{
    const unsigned n_damages = 2 * (N_CHUNKS + 2);

    for (unsigned file = 0; file < 2 * (N_CHUNKS + 1); file++) {
        for (unsigned both = 0; both < n_damages * n_damages; both++) {
            uint64_t chunks[N_CHUNKS + 2];
            g_autoptr (TestForge) forge = make_lying (file % 2, file / 2, chunks);

            damage (forge, chunks, both / n_damages);
            if (both % n_damages != both / n_damages) {
                damage (forge, chunks, both % n_damages);
            }
            check_agreement (forge);
        }
    }
}

/* The first listed chunk ends after the start of the next listed one, which lies in its
 * data: the footer decides. */
static void
test_agrees_on_chunks_in_chunks (void)
{
    static const uint8_t inner_data[] = {0, 1, 1, 'x'};
    g_autoptr (TestForge) inner = test_forge_new();

    test_forge_chunk (inner, &(TestForgeChunk){.type = 'r',
                                               .num_records = 1,
                                               .decoded_data_size = 1,
                                               .data = inner_data,
                                               .data_size = sizeof inner_data});
    for (unsigned listed = 0; listed < 4; listed++) {
        static const uint8_t types[] = {'r', 'p'};

        for (unsigned type = 0; type < G_N_ELEMENTS (types); type++) {
            g_autoptr (TestForge) forge = test_forge_new();
            const uint8_t *chunk = inner->file->data + 64;
            guint size = inner->file->len - 64;
            g_autoptr (GByteArray) data = test_forge_simple_data (
                AREC_COMPRESSION_NONE, &(TestForgeRecord){chunk, size}, 1);
            uint64_t at = test_forge_chunk (
                forge, &(TestForgeChunk){.type = types[type],
                                         .num_records = type == 0 ? 1 : 0,
                                         .decoded_data_size = type == 0 ? size : 0,
                                         .data = data->data,
                                         .data_size = data->len});

            if (listed & 1 && type == 0) {
                test_forge_entry (forge, at, size, 1);
            }
            if (listed & 2) {
                test_forge_entry (forge, at + 40 + (data->len - size), 1, 1);
            }
            put_pair (forge);
            test_forge_finish (forge);
            check_agreement (forge);
        }
    }
}

/* A postscript that starts within a block, which only its position shows. */
static void
test_agrees_on_postscript_within_a_block (void)
{
    static const uint8_t bytes[100] = {0};
    g_autoptr (TestForge) forge = test_forge_new();
    g_autoptr (TestForge) moved = test_forge_new();
    uint64_t size;

    put_pair (forge);
    test_forge_finish (forge);
    size = forge->postscript_end - forge->postscript_at - AREC_BLOCK_HEADER_SIZE;
    put_pair (moved);
    test_forge_chunk (moved, &(TestForgeChunk){.type = 'p', .data = bytes, .data_size = 100});
    g_byte_array_append (moved->file,
                         forge->file->data + forge->postscript_at + AREC_BLOCK_HEADER_SIZE,
                         (guint)size);
    moved->postscript_at = moved->file->len - size;
    test_forge_pad (moved);
    test_forge_pad_to (moved, moved->postscript_at + BLOCK);
    check_agreement (moved);
}

/* A chunk beyond the limit, as stored or as decoded, is one damage, and the rest is
 * examined. A copy takes it as it is if it fits as stored. */
static void
test_limit (void)
{
    g_autoptr (TestForge) forge = test_forge_new();
    g_autofree char *stored = g_strnfill (MAX_CHUNK + 1, 'x');
    const TestForgeRecord large = {stored, MAX_CHUNK + 1};
    uint64_t first = put_pair (forge), second, third, fourth;
    g_autofree char *reported = NULL, *copied = NULL;

    second = test_forge_records (forge, AREC_COMPRESSION_NONE, &large, 1);
    third = test_forge_records (forge, AREC_COMPRESSION_ZSTD, &large, 1);
    fourth = put_pair (forge);
    test_forge_finish (forge);
    reported = g_strdup_printf ("%" G_GUINT64_FORMAT " 2\n%" G_GUINT64_FORMAT
                                "+%" G_GUINT64_FORMAT ": 2:3\n%" G_GUINT64_FORMAT
                                "+%" G_GUINT64_FORMAT ": 3:4\n%" G_GUINT64_FORMAT " 2\n",
                                first, second, third - second, third, fourth - third, fourth);
    copied =
        g_strdup_printf ("%" G_GUINT64_FORMAT " 2\n%" G_GUINT64_FORMAT "+%" G_GUINT64_FORMAT
                         ": 2:3\n%" G_GUINT64_FORMAT " 1\n%" G_GUINT64_FORMAT " 2\n",
                         first, second, third - second, third, fourth);
    check_with (forge, (ArecInspectorOptions){0}, reported);
    check_with (forge, (ArecInspectorOptions){.keeps_data = true, .keeps_records = true},
                reported);
    check_with (forge, (ArecInspectorOptions){.keeps_data = true, .lenient = true}, copied);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/inspector/sound", test_sound);
    g_test_add_func ("/inspector/empty", test_empty);
    g_test_add_func ("/inspector/lost-chunk", test_lost_chunk_keeps_its_numbers);
    g_test_add_func ("/inspector/damaged-data", test_damaged_data);
    g_test_add_func ("/inspector/not-there", test_listed_chunk_that_does_not_exist);
    g_test_add_func ("/inspector/unlisted", test_unlisted_chunk);
    g_test_add_func ("/inspector/footer-contradicts", test_footer_contradicts);
    g_test_add_func ("/inspector/records-in-other-types", test_records_in_other_types);
    g_test_add_func ("/inspector/no-footer", test_no_footer);
    g_test_add_func ("/inspector/no-footer-and-gap", test_no_footer_and_a_gap);
    g_test_add_func ("/inspector/lenient", test_lenient);
    g_test_add_func ("/inspector/kept-data", test_kept_data);
    g_test_add_func ("/inspector/read-errors", test_read_errors);
    g_test_add_func ("/inspector/agrees/two-damages", test_agrees_on_two_damages);
    g_test_add_func ("/inspector/agrees/chunks-in-chunks", test_agrees_on_chunks_in_chunks);
    g_test_add_func ("/inspector/agrees/postscript-within-a-block",
                     test_agrees_on_postscript_within_a_block);
    g_test_add_func ("/inspector/changed", test_changed);
    g_test_add_data_func ("/inspector/written/listed",
                          GUINT_TO_POINTER (AREC_KIND_ARRAY_RECORD), test_written);
    g_test_add_data_func ("/inspector/written/walked", GUINT_TO_POINTER (AREC_KIND_RIEGELI),
                          test_written);
    g_test_add_func ("/inspector/limit", test_limit);
    return g_test_run();
}
