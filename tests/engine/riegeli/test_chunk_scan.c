/* The walk over all chunks: what it finds in sound files, after every kind of damage and in
 * files that lie, compared with a transcription of the rules (FORMAT.md 11) over the whole
 * file; what it reads; failing reads. */
#include "riegeli/chunk_scan.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "faulty_source.h"
#include "files.h"
#include "forge.h"

#include "base/error.h"
#include "riegeli/hash.h"
#include "source/file_source.h"
#include "source/memory_source.h"

#define NAME "some.riegeli"
#define BLOCK UINT64_C (65536)

/* ---- files ---- */

static void
put_le64 (uint8_t *at, uint64_t value)
{
    value = GUINT64_TO_LE (value);
    memcpy (at, &value, sizeof value);
}

static uint64_t
get_le64 (const uint8_t *at)
{
    uint64_t value;

    memcpy (&value, at, sizeof value);
    return GUINT64_FROM_LE (value);
}

/* Appends a chunk of @size bytes of some data. */
static uint64_t
put_chunk (TestForge *forge, size_t size, uint64_t num_records)
{
    g_autofree uint8_t *data = g_malloc (size + 1);

    for (size_t i = 0; i < size; i++) {
        data[i] = (uint8_t)(i * 31 + (i >> 8));
    }
    return test_forge_chunk (forge, &(TestForgeChunk){.type = 'r',
                                                      .num_records = num_records,
                                                      .decoded_data_size = size,
                                                      .data = data,
                                                      .data_size = size});
}

static TestForge *
forge_copy (const TestForge *other)
{
    TestForge *forge = test_forge_new();

    g_byte_array_set_size (forge->file, 0);
    g_byte_array_append (forge->file, other->file->data, other->file->len);
    return forge;
}

/* A block header with a right hash. */
static void
forge_block_header (TestForge *forge, uint64_t block, uint64_t previous, uint64_t next)
{
    uint8_t *at = forge->file->data + block;

    g_assert_cmpuint (block + 24, <=, forge->file->len);
    put_le64 (at + 8, previous);
    put_le64 (at + 16, next);
    put_le64 (at, arec_hash (at + 8, 16));
}

static ArecSource *
source_of (const TestForge *forge, TestFaults *faults)
{
    ArecSource *memory = arec_memory_source_new (NAME, forge->file->data, forge->file->len);

    *faults = (TestFaults){.fail_at_read = -1};
    return test_faulty_source_new (memory, faults);
}

/* ---- what a scan finds ---- */

typedef struct {
    ArecScanStep step;
    ArecScanItem item;
} Found;

/* Scans to the end; tries again after each injected failure and counts them. */
static GArray *
scan_through_failures (ArecChunkScan *scan, uint64_t size, unsigned *n_failures)
{
    GArray *all = g_array_new (FALSE, FALSE, sizeof (Found));

    *n_failures = 0;
    for (;;) {
        g_autoptr (GError) error = NULL;
        Found found;

        if (!arec_chunk_scan_next (scan, &found.step, &found.item, &error)) {
            g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
            ++*n_failures;
            continue;
        }
        g_assert_no_error (error);
        if (found.step == AREC_SCAN_END) {
            g_assert_cmpuint (found.item.begin, ==, size);
            g_assert_cmpuint (found.item.end, ==, size);
            return all;
        }
        g_assert_cmpuint (all->len, <=, size / 20);
        g_array_append_val (all, found);
    }
}

static GArray *
scan_all (ArecChunkScan *scan, uint64_t size)
{
    unsigned n_failures;
    GArray *all = scan_through_failures (scan, size, &n_failures);

    g_assert_cmpuint (n_failures, ==, 0);
    return all;
}

/* Checks that the items cover [begin, end) without overlap, and that each has the members of
 * its kind. */
static void
check_items (const GArray *all, uint64_t begin, uint64_t end)
{
    for (guint i = 0; i < all->len; i++) {
        const Found *found = &g_array_index (all, Found, i);

        g_assert_cmpuint (found->item.begin, ==, begin);
        g_assert_cmpuint (found->item.end, >, begin);
        begin = found->item.end;
        if (found->step == AREC_SCAN_CHUNK) {
            g_assert_cmpuint (found->item.header.end, ==, found->item.end);
            g_assert_null (found->item.reason);
        } else {
            g_assert_cmpint (found->step, ==, AREC_SCAN_GAP);
            g_assert_nonnull (found->item.reason);
            g_assert_cmpuint (found->item.fault, >=, found->item.begin);
            g_assert_cmpuint (found->item.fault, <=, end);
            g_assert_true (!found->item.truncated || found->item.end == end);
        }
    }
    g_assert_cmpuint (begin, ==, end);
}

/* All items from @begin on; reads stay linear in the size. */
static GArray *
scan_from (const TestForge *forge, uint64_t begin)
{
    uint64_t size = forge->file->len;
    TestFaults faults;
    g_autoptr (ArecSource) source = source_of (forge, &faults);
    g_autoptr (ArecChunkScan) scan = arec_chunk_scan_new (source, begin);
    GArray *all = scan_all (scan, size);

    check_items (all, begin, size);
    g_assert_cmpuint (faults.reads, <=, 2 * all->len + 4 * (size / BLOCK) + 8);
    g_assert_cmpuint (faults.bytes, <=, 3 * size);
    return all;
}

/* One line for each item: "64-200", "200-300!" for a gap, "...?" for a truncated one. */
static char *
describe (const GArray *all)
{
    GString *text = g_string_new (NULL);

    for (guint i = 0; i < all->len; i++) {
        const Found *found = &g_array_index (all, Found, i);

        g_string_append_printf (text, "%s%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT "%s",
                                i > 0 ? " " : "", found->item.begin, found->item.end,
                                found->step == AREC_SCAN_CHUNK ? ""
                                : found->item.truncated        ? "?"
                                                               : "!");
    }
    return g_string_free (text, FALSE);
}

static void
check_scan (const TestForge *forge, const char *expected)
{
    g_autoptr (GArray) all = scan_from (forge, 0);
    g_autofree char *text = describe (all);

    g_assert_cmpstr (text, ==, expected);
}

/* Checks gap number @n of the scan. */
static void
check_gap (const TestForge *forge, unsigned n, uint64_t fault, const char *reason)
{
    g_autoptr (GArray) all = scan_from (forge, 0);

    for (guint i = 0; i < all->len; i++) {
        const Found *found = &g_array_index (all, Found, i);

        if (found->step == AREC_SCAN_GAP && n-- == 0) {
            g_assert_cmpuint (found->item.fault, ==, fault);
            g_assert_cmpstr (found->item.reason, ==, reason);
            return;
        }
    }
    g_assert_not_reached();
}

static bool
has_chunk (const GArray *all, uint64_t begin)
{
    for (guint i = 0; i < all->len; i++) {
        const Found *found = &g_array_index (all, Found, i);

        if (found->item.begin == begin) {
            return found->step == AREC_SCAN_CHUNK;
        }
    }
    return false;
}

/* ---- the rules, transcribed over the whole file ---- */

typedef enum { FINE, ENDS, HAVE, FIND } Outcome;

typedef struct {
    const uint8_t *data;
    uint64_t size;
    uint64_t chunk;    /* start of the current one */
    uint64_t cur;      /* next byte */
    uint64_t end;      /* of the chunk; 0: not known yet */
    bool forgiving;    /* block headers that cannot be read are skipped */
    uint64_t block;    /* position of the last block header met, */
    uint64_t next;     /* and its next_chunk; 0: none met */
    uint64_t question; /* of HAVE and FIND: the position */
    uint64_t fault;
} Model;

static Outcome
model_fault (Model *model, Outcome outcome, uint64_t question, uint64_t fault)
{
    model->question = question;
    model->fault = fault;
    return outcome;
}

static bool
model_block_is_sound (const uint8_t *header)
{
    uint64_t previous = get_le64 (header + 8), next = get_le64 (header + 16);

    return arec_hash (header + 8, 16) == get_le64 (header) && previous % BLOCK < 65512 &&
           next > 0 && (next - 1) % BLOCK >= 24;
}

static Outcome
model_take_block (Model *model)
{
    const uint8_t *header = model->data + model->cur;
    uint64_t block = model->cur;

    if (model->size - block < 24) {
        return ENDS;
    }
    model->cur += 24;
    if (!model_block_is_sound (header)) {
        return model->forgiving ? FINE : model_fault (model, FIND, model->cur, block);
    }
    model->block = block;
    model->next = get_le64 (header + 16);
    if (get_le64 (header + 8) != block - model->chunk) {
        if (get_le64 (header + 8) == 0) {
            return model_fault (model, HAVE, block, block);
        }
        return model->next <= BLOCK ? model_fault (model, HAVE, block + model->next, block)
                                    : model_fault (model, FIND, model->cur, block);
    }
    if (model->end != 0 && model->next != model->end - block) {
        return model_fault (model, FIND, model->cur, block);
    }
    return FINE;
}

/* The next @n bytes of the chunk, block headers verified and left out; @out may be NULL. */
static Outcome
model_take (Model *model, uint64_t n, uint8_t *out)
{
    while (n > 0) {
        uint64_t piece;

        if (model->cur % BLOCK == 0) {
            Outcome outcome = model_take_block (model);

            if (outcome != FINE) {
                return outcome;
            }
        }
        piece = MIN (n, BLOCK - model->cur % BLOCK);
        if (piece > model->size - model->cur) {
            return ENDS;
        }
        if (out) {
            memcpy (out, model->data + model->cur, piece);
            out += piece;
        }
        model->cur += piece;
        n -= piece;
    }
    return FINE;
}

static uint64_t
model_chunk_end (uint64_t begin, uint64_t data_size, uint64_t num_records)
{
    uint64_t by_records = begin + num_records;
    uint64_t left = (40 + data_size) % 65512;
    uint64_t cur = begin + (40 + data_size) / 65512 * BLOCK;

    while (left > 0) {
        uint64_t piece;

        cur += cur % BLOCK == 0 ? 24 : 0;
        piece = MIN (left, BLOCK - cur % BLOCK);
        cur += piece;
        left -= piece;
    }
    if (by_records % BLOCK >= 1 && by_records % BLOCK <= 24) {
        by_records += 25 - by_records % BLOCK;
    }
    return MAX (cur, by_records);
}

/* Reads the chunk header at @chunk; on FINE gives its data size and chunk end. */
static Outcome
model_header (Model *model, uint64_t chunk, uint64_t *data_size)
{
    static const uint8_t signature[33] = {0, [24] = 's'};
    uint8_t raw[40];
    Outcome outcome;
    uint64_t end;

    model->chunk = model->cur = chunk;
    model->end = model->next = 0;
    outcome = model_take (model, sizeof raw, raw);
    if (outcome != FINE) {
        return outcome;
    }
    *data_size = get_le64 (raw + 8);
    if (arec_hash (raw + 8, 32) != get_le64 (raw) || *data_size >> 62 != 0) {
        return model_fault (model, FIND, model->cur, chunk);
    }
    end = model_chunk_end (chunk, *data_size, get_le64 (raw + 24) >> 8);
    if (model->next != 0 && model->next != end - model->block) {
        return model_fault (model, FIND, model->cur, model->block);
    }
    if (chunk == 0 && (*data_size != 0 || memcmp (raw + 24, signature + 24, 8) != 0 ||
                       get_le64 (raw + 32) != 0)) {
        return model_fault (model, FIND, model->cur, chunk);
    }
    model->end = end;
    return FINE;
}

/* Whether a chunk begins at @at, or the file ends there. */
static bool
model_leads_on (const Model *model, uint64_t at)
{
    Model ahead = {.data = model->data, .size = model->size};
    uint64_t data_size;

    return at == model->size || model_header (&ahead, at, &data_size) == FINE;
}

static Outcome
model_chunk (Model *model, uint64_t chunk)
{
    uint64_t data_size;
    Outcome outcome;

    if (chunk % BLOCK >= 1 && chunk % BLOCK <= 24) {
        return model_fault (model, FIND, chunk, chunk);
    }
    outcome = model_header (model, chunk, &data_size);
    if (outcome != FINE) {
        return outcome;
    }
    model->forgiving = model->end <= model->size;
    if (!model->forgiving || !model_leads_on (model, model->end)) {
        outcome = model_take (model, data_size, NULL);
    }
    if (outcome == FINE && model->end > model->size) {
        outcome = ENDS; /* within the slack */
    }
    model->forgiving = false;
    return outcome;
}

/* The search of FORMAT.md 11, with its constraints on a sound block header. */
static uint64_t
model_recover (const Model *model, Outcome outcome)
{
    uint64_t pos = MIN (model->question, model->size);

    if (outcome == HAVE && (pos == model->size || pos % BLOCK == 0 || pos % BLOCK >= 25)) {
        return pos;
    }
    for (;;) {
        const uint8_t *header = model->data + pos;

        if (pos % BLOCK != 0) {
            pos += BLOCK - pos % BLOCK;
            header = model->data + MIN (pos, model->size);
        }
        if (pos >= model->size) {
            return model->size;
        }
        if (model->size - pos < 24) {
            return pos;
        }
        if (!model_block_is_sound (header)) {
            pos += 24;
        } else if (get_le64 (header + 8) == 0) {
            return pos;
        } else {
            return get_le64 (header + 16) > model->size - pos ? model->size
                                                              : pos + get_le64 (header + 16);
        }
    }
}

static GArray *
model_scan (const TestForge *forge)
{
    Model model = {.data = forge->file->data, .size = forge->file->len};
    GArray *all = g_array_new (FALSE, FALSE, sizeof (Found));

    for (uint64_t pos = 0; pos < model.size;) {
        Found found = {.step = AREC_SCAN_GAP, .item.begin = pos};
        Outcome outcome = model_chunk (&model, pos);

        if (outcome == FINE) {
            found.step = AREC_SCAN_CHUNK;
            found.item.end = model.end;
        } else if (outcome == ENDS) {
            found.item.end = found.item.fault = model.size;
            found.item.truncated = true;
        } else {
            found.item.end = model_recover (&model, outcome);
            found.item.fault = model.fault;
        }
        g_array_append_val (all, found);
        pos = found.item.end;
    }
    return all;
}

/* Checks that the scan finds the same as the model. */
static void
check_against_model (const TestForge *forge)
{
    g_autoptr (GArray) all = scan_from (forge, 0);
    g_autoptr (GArray) expected = model_scan (forge);
    g_autofree char *text = describe (all);
    g_autofree char *expected_text = describe (expected);

    g_assert_cmpstr (text, ==, expected_text);
    for (guint i = 0; i < all->len; i++) {
        g_assert_cmpuint (g_array_index (all, Found, i).item.fault, ==,
                          g_array_index (expected, Found, i).item.fault);
    }
}

/* ---- sound files ---- */

/* Whether the 40 bytes of a chunk at @begin, block header left out, have a right hash. */
static bool
hash_says_chunk (const uint8_t *data, size_t size, uint64_t begin)
{
    uint8_t raw[40];
    uint64_t cur = begin;

    for (unsigned i = 0; i < sizeof raw; i++, cur++) {
        cur += cur % BLOCK == 0 ? 24 : 0;
        if (cur >= size) {
            return false;
        }
        raw[i] = data[cur];
    }
    return arec_hash (raw + 8, 32) == get_le64 (raw);
}

/* Checks that at each position of the file the scan has a chunk exactly where the hash says
 * so, and that each chunk's data hash is right. */
static void
check_golden (const char *name)
{
    TestForge forge = {.file = NULL};
    g_autoptr (GByteArray) file = NULL;
    g_autoptr (ArecSource) source = NULL;
    g_autoptr (GArray) all = NULL;
    size_t size;
    uint8_t *data = test_golden_read (name, &size);
    guint i = 0;

    g_test_message ("%s", name);
    forge.file = file = g_byte_array_new_take (data, size);
    source = arec_memory_source_new (name, data, size);
    all = scan_from (&forge, 0);
    for (uint64_t at = 0; at < size; at++) {
        if ((at % BLOCK == 0 || at % BLOCK >= 25) && hash_says_chunk (data, size, at)) {
            g_assert_cmpuint (i, <, all->len);
            g_assert_cmpuint (g_array_index (all, Found, i).item.begin, ==, at);
            i++;
        }
    }
    g_assert_cmpuint (i, ==, all->len);
    for (i = 0; i < all->len; i++) {
        const ArecScanItem *item = &g_array_index (all, Found, i).item;
        ArecChunkPlace place = {
            .source = source, .begin = item->begin, .limit = size, .max_size = size};
        g_autoptr (GError) error = NULL;
        ArecChunkHeader header;
        ArecStoredChunk stored = {.place = &place, .header = &header};

        g_assert_cmpint (g_array_index (all, Found, i).step, ==, AREC_SCAN_CHUNK);
        arec_chunk_read (&stored, 0, &error);
        g_assert_no_error (error);
        g_free (stored.memory);
        g_assert_cmpuint (header.data_size, ==, item->header.data_size);
        g_assert_cmpuint (header.data_hash, ==, item->header.data_hash);
        g_assert_cmpuint (header.type, ==, item->header.type);
        g_assert_cmpuint (header.num_records, ==, item->header.num_records);
        g_assert_cmpuint (header.decoded_data_size, ==, item->header.decoded_data_size);
        g_assert_cmpuint (header.end, ==, item->header.end);
    }
}

static void
test_golden (void)
{
    g_autoptr (GDir) dir = g_dir_open (AREC_TEST_GOLDEN_DIR, 0, NULL);
    unsigned n = 0;
    const char *name;

    g_assert_nonnull (dir);
    while ((name = g_dir_read_name (dir))) {
        if (g_str_has_suffix (name, ".riegeli") || g_str_has_suffix (name, ".array_record")) {
            check_golden (name);
            n++;
        }
    }
    g_assert_cmpuint (n, >=, 40);
}

/* Chunks that begin and end at every kind of position. */
static void
test_places (void)
{
    static const uint64_t begins[] = {200,   65496, 65497, 65510, 65535,
                                      65536, 65561, 70000, 131072};
    static const size_t sizes[] = {0, 1, 33, 500, 65000, 65472, 65473, 65512, 200000};

    for (unsigned b = 0; b < G_N_ELEMENTS (begins); b++) {
        for (unsigned s = 0; s < G_N_ELEMENTS (sizes); s++) {
            g_autoptr (TestForge) forge = test_forge_new();
            g_autoptr (GArray) all = NULL;
            uint64_t second, third;

            test_forge_pad_to (forge, begins[b]);
            second = put_chunk (forge, sizes[s], 7);
            third = put_chunk (forge, 10, 100000);
            all = scan_from (forge, 0);
            g_assert_cmpuint (all->len, ==, 4);
            g_assert_true (has_chunk (all, 0) && has_chunk (all, 64));
            g_assert_true (has_chunk (all, second) && has_chunk (all, third));
            check_against_model (forge);
        }
    }
}

static void
test_empty (void)
{
    g_autoptr (TestForge) forge = test_forge_new();

    check_scan (forge, "0-64");
    g_byte_array_set_size (forge->file, 0);
    check_scan (forge, "");
}

/* Only at 0 must there be a signature; anywhere else it is a chunk like any other. */
static void
test_begin (void)
{
    g_autoptr (TestForge) forge = test_forge_new();
    uint64_t first = put_chunk (forge, 100, 1), second = put_chunk (forge, 100, 1);
    g_autoptr (GArray) from_first = NULL;
    g_autoptr (GArray) from_inside = NULL;
    g_autoptr (GArray) from_end = NULL;
    g_autofree char *text = NULL;

    test_forge_chunk (forge, &(TestForgeChunk){.type = 's'});
    from_first = scan_from (forge, first);
    g_assert_cmpuint (from_first->len, ==, 3);
    g_assert_true (has_chunk (from_first, second));
    from_inside = scan_from (forge, 10);
    text = describe (from_inside);
    g_assert_cmpstr (text, ==, "10-384!");
    from_end = scan_from (forge, forge->file->len);
    g_assert_cmpuint (from_end->len, ==, 0);
}

/* ---- damage ---- */

/* Signature, chunks at 64, 204 and 344, one from 484 over three block headers to 200570, one
 * from there to 200710, one over a block header to 270774, one more to 270914. */
static TestForge *
make_typical (void)
{
    TestForge *forge = test_forge_new();

    put_chunk (forge, 100, 1);
    put_chunk (forge, 100, 1);
    put_chunk (forge, 100, 1);
    put_chunk (forge, 200000 - 26, 1);
    put_chunk (forge, 100, 1);
    put_chunk (forge, 70000, 1);
    put_chunk (forge, 100, 1);
    return forge;
}

#define TYPICAL_FRONT "0-64 64-204 204-344 344-484 "
#define TYPICAL                                                                                \
    "0-64 64-204 204-344 344-484 484-200570 200570-200710 200710-270774 270774-270914"

static void
test_typical (void)
{
    g_autoptr (TestForge) forge = make_typical();

    check_scan (forge, TYPICAL);
    check_against_model (forge);
}

/* A damaged chunk header costs everything up to the end of the chunk over the next block. */
static void
test_flipped_chunk_header (void)
{
    g_autoptr (TestForge) forge = make_typical();

    for (unsigned i = 0; i < 40; i++) {
        forge->file->data[204 + i] ^= 0x40;
        check_scan (forge, "0-64 64-204 204-200570! 200570-200710 200710-270774 270774-270914");
        check_gap (forge, 0, 204, "chunk header hash mismatch");
        forge->file->data[204 + i] ^= 0x40;
    }
}

static void
test_flipped_signature (void)
{
    g_autoptr (TestForge) forge = make_typical();

    for (unsigned i = 0; i < 64; i++) {
        forge->file->data[i] ^= 0x40;
        check_scan (forge, "0-200570! 200570-200710 200710-270774 270774-270914");
        check_gap (forge, 0, 0,
                   i < 24 ? "block header hash mismatch" : "chunk header hash mismatch");
        forge->file->data[i] ^= 0x40;
    }
}

static void
test_other_signatures (void)
{
    static const TestForgeChunk wrong[] = {
        {.type = 'p'},
        {.type = 's', .num_records = 1},
        {.type = 's', .decoded_data_size = 1},
        {.type = 's', .data = "x", .data_size = 1},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS (wrong); i++) {
        g_autoptr (TestForge) forge = test_forge_new();
        g_autoptr (GArray) all = NULL;
        uint64_t next;

        g_byte_array_set_size (forge->file, 0);
        test_forge_chunk (forge, &wrong[i]);
        put_chunk (forge, 70000, 1);
        next = put_chunk (forge, 100, 1);
        check_gap (forge, 0, 0, "missing file signature");
        all = scan_from (forge, 0);
        g_assert_cmpuint (all->len, ==, 2);
        g_assert_true (has_chunk (all, next));
    }
}

/* Damaged data, and damaged block headers in it, are skipped unread. */
static void
test_data_is_not_read (void)
{
    g_autoptr (TestForge) forge = make_typical();

    memset (forge->file->data + 524, 0xff, 200570 - 524);
    check_scan (forge, TYPICAL);
    check_against_model (forge);
}

/* A block header within or before a chunk header belongs to it. */
static void
test_block_header_of_a_chunk_header (void)
{
    static const uint64_t at[] = {65497, 65510, 65535, 65536};

    for (unsigned i = 0; i < G_N_ELEMENTS (at); i++) {
        g_autoptr (TestForge) forge = test_forge_new();
        uint8_t *block;
        uint64_t begin, next;
        g_autoptr (GArray) all = NULL;

        test_forge_pad_to (forge, at[i]);
        begin = put_chunk (forge, 70000, 1);
        next = put_chunk (forge, 100, 1);
        block = forge->file->data + 65536;
        for (unsigned k = 0; k < 24; k++) {
            block[k] ^= 2;
            check_gap (forge, 0, 65536, "block header hash mismatch");
            check_against_model (forge);
            block[k] ^= 2;
        }
        block[24] ^= 2;
        check_gap (forge, 0, begin, "chunk header hash mismatch");
        block[24] ^= 2;
        forge_block_header (forge, 65536, 65536 - begin, next - 65536 + 1);
        check_gap (forge, 0, 65536, "the block header implies another end of the chunk");
        check_against_model (forge);
        forge_block_header (forge, 65536, 65536 - begin + 1, next - 65536);
        check_gap (forge, 0, 65536, "the block header implies another begin of the chunk");
        all = scan_from (forge, 0);
        g_assert_true (has_chunk (all, next));
        check_against_model (forge);
    }
}

/* A chunk header was overwritten up to a block with which another chunk begins. That chunk
 * is found although the header's own chunk would end later. */
static void
test_chunk_begins_at_the_block (void)
{
    g_autoptr (TestForge) forge = test_forge_new();
    g_autoptr (TestForge) old = test_forge_new();
    uint64_t next;

    test_forge_pad_to (forge, 65510);
    test_forge_pad_to (old, 65510);
    put_chunk (old, 200, 1);
    g_byte_array_append (forge->file, old->file->data + 65510, 26);
    g_assert_cmpuint (forge->file->len, ==, 65536);
    put_chunk (forge, 100, 1);
    next = put_chunk (forge, 100, 1);
    g_assert_cmpuint (next, ==, 65536 + 24 + 140);
    check_scan (forge, "0-64 64-65510 65510-65536! 65536-65700 65700-65840");
    check_against_model (forge);
}

static void
test_zeroed_blocks (void)
{
    g_autoptr (TestForge) forge = test_forge_new();
    g_autoptr (GArray) all = NULL;
    uint64_t begins[1200];
    unsigned lost = 0;

    for (unsigned i = 0; i < G_N_ELEMENTS (begins); i++) {
        begins[i] = put_chunk (forge, 460, 1);
    }
    memset (forge->file->data + 2 * BLOCK, 0, 3 * BLOCK);
    all = scan_from (forge, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS (begins); i++) {
        lost += !has_chunk (all, begins[i]);
        /* The chunk over the start of the zeros is found by its header. After the zeros the
         * first block says where the next chunk begins. */
        if (begins[i] + 40 <= 2 * BLOCK || begins[i] > 5 * BLOCK) {
            g_assert_true (has_chunk (all, begins[i]));
        }
    }
    g_assert_cmpuint (lost, <=, 3 * BLOCK / 500 + 2);
    check_against_model (forge);
}

/* Padding up to blocks: each block has a chunk of its own. */
static void
test_padded (void)
{
    g_autoptr (TestForge) forge = test_forge_new();
    g_autoptr (GArray) all = NULL;

    for (unsigned i = 0; i < 5; i++) {
        test_forge_pad (forge);
        g_assert_cmpuint (put_chunk (forge, 1000, 1), ==, (i + 1) * BLOCK);
    }
    forge->file->data[2 * BLOCK] ^= 1;
    forge->file->data[4 * BLOCK + 30] ^= 1;
    all = scan_from (forge, 0);
    for (unsigned i = 1; i <= 5; i++) {
        g_assert_cmpint (has_chunk (all, i * BLOCK), ==, i == 1 || i == 3 || i == 5);
    }
    check_against_model (forge);
}

/* ---- ends ---- */

/* Wherever the file is cut: the chunks before, then one truncated gap. */
static void
test_cut (void)
{
    g_autoptr (TestForge) forge = test_forge_new();
    uint64_t begins[8], length;
    unsigned n = 0;

    begins[n++] = 0;
    begins[n++] = put_chunk (forge, 40, 1);
    begins[n++] = put_chunk (forge, 30, 300); /* slack */
    begins[n++] = 444;
    test_forge_pad_to (forge, 65515);
    begins[n++] = put_chunk (forge, 65500, 1); /* its header is split, its end in block 2 */
    begins[n++] = put_chunk (forge, 10, 1);
    length = forge->file->len;
    for (uint64_t cut = length - 1; cut > 0; cut--) {
        bool far = cut % BLOCK > 700 && cut % BLOCK < 65400;
        g_autoptr (GArray) all = NULL;
        const Found *last;

        g_byte_array_set_size (forge->file, (guint)cut);
        if (far && cut % 997 != 0) {
            continue;
        }
        while (begins[n - 1] >= cut) {
            n--;
        }
        all = scan_from (forge, 0);
        last = &g_array_index (all, Found, all->len - 1);
        if (last->step == AREC_SCAN_CHUNK) {
            g_assert_cmpuint (last->item.end, ==, cut);
        }
        g_assert_cmpuint (all->len, ==, n);
        for (unsigned i = 0; i < n; i++) {
            g_assert_cmpuint (g_array_index (all, Found, i).item.begin, ==, begins[i]);
        }
        if (last->step == AREC_SCAN_GAP) {
            g_assert_true (last->item.truncated);
            g_assert_cmpuint (last->item.fault, ==, cut);
            g_assert_cmpstr (last->item.reason, ==, "the file ends within this chunk");
        }
        check_against_model (forge);
    }
}

/* Within the slack, too. */
static void
test_cut_in_slack (void)
{
    g_autoptr (TestForge) forge = test_forge_new();

    put_chunk (forge, 30, 200000);
    check_scan (forge, "0-64 64-200064");
    memset (forge->file->data + 65536, 0xff, 24); /* which is not checked there */
    g_byte_array_set_size (forge->file, 200063);
    check_scan (forge, "0-64 64-200063?");
    g_byte_array_set_size (forge->file, 65537);
    check_scan (forge, "0-64 64-65537?");
}

/* A cut chunk with a damaged block header is not sound up to the cut. */
static void
test_cut_and_damaged (void)
{
    g_autoptr (TestForge) forge = make_typical();

    g_byte_array_set_size (forge->file, 150000);
    check_scan (forge, TYPICAL_FRONT "484-150000?");
    forge->file->data[131072 + 9] ^= 1;
    check_scan (forge, TYPICAL_FRONT "484-150000!");
    check_gap (forge, 0, 131072, "block header hash mismatch");
}

static void
test_garbage_at_the_end (void)
{
    static const struct {
        guint length;
        const char *expected;
    } rows[] = {
        {39, TYPICAL " 270914-270953?"}, /* nothing says that this is no chunk */
        {40, TYPICAL " 270914-270954!"},
        {1000, TYPICAL " 270914-271914!"},
        {56766, TYPICAL " 270914-327680!"},
        {56789, TYPICAL " 270914-327680! 327680-327703?"}, /* less than a block header */
        {56790, TYPICAL " 270914-327704!"},
        {60000, TYPICAL " 270914-330914!"},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autoptr (TestForge) forge = make_typical();

        g_byte_array_set_size (forge->file, 270914 + rows[i].length);
        memset (forge->file->data + 270914, 0x5a, rows[i].length);
        check_scan (forge, rows[i].expected);
        check_against_model (forge);
    }
}

/* A writer died within a big chunk, and another one appended records from the next block on.
 * They are found whether or not the end of the big chunk lies within the present file. */
static void
test_crash_and_append (void)
{
    static const struct {
        guint cut;
        unsigned n_appended;
    } rows[] = {
        {100000, 1},               /* the end of the big chunk is not there */
        {100000, 200},             /* it exists, within other chunks */
        {65536, 1},                /* cut at a block, before the header that would come */
        {65536, 200},  {65537, 5}, /* a torn block header */
        {540, 300},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autoptr (TestForge) forge = make_typical();
        uint64_t resumed = (rows[i].cut + BLOCK - 1) / BLOCK * BLOCK;
        g_autoptr (GArray) all = NULL;
        g_autoptr (GArray) begins = g_array_new (FALSE, FALSE, sizeof (uint64_t));

        g_byte_array_set_size (forge->file, rows[i].cut);
        g_byte_array_set_size (forge->file, (guint)resumed);
        memset (forge->file->data + rows[i].cut, 0, resumed - rows[i].cut);
        for (unsigned k = 0; k < rows[i].n_appended; k++) {
            uint64_t begin = put_chunk (forge, 1000, 1);

            g_array_append_val (begins, begin);
        }
        all = scan_from (forge, 0);
        g_assert_cmpuint (g_array_index (all, Found, 4).item.begin, ==, 484);
        g_assert_cmpuint (g_array_index (all, Found, 4).item.end, ==, resumed);
        g_assert_cmpint (g_array_index (all, Found, 4).step, ==, AREC_SCAN_GAP);
        g_assert_cmpuint (all->len, ==, 5 + rows[i].n_appended);
        for (guint k = 0; k < begins->len; k++) {
            g_assert_true (has_chunk (all, g_array_index (begins, uint64_t, k)));
        }
        check_against_model (forge);
    }
}

/* A damaged successor alone does not make a chunk suspicious, not even together with damaged
 * block headers inside. */
static void
test_damaged_successor (void)
{
    g_autoptr (TestForge) forge = make_typical();

    forge->file->data[200570] ^= 1;
    check_scan (forge, TYPICAL_FRONT "484-200570 200570-270774! 270774-270914");
    forge->file->data[131072] ^= 1;
    check_scan (forge, TYPICAL_FRONT "484-200570 200570-270774! 270774-270914");
    check_against_model (forge);
}

/* ---- lies with right hashes ---- */

static const uint64_t numbers[] = {0,
                                   1,
                                   24,
                                   25,
                                   26,
                                   64,
                                   1000,
                                   65511,
                                   65512,
                                   65535,
                                   65536,
                                   65537,
                                   65561,
                                   131072,
                                   134498,
                                   200000,
                                   1000000,
                                   UINT64_C (1) << 32,
                                   UINT64_C (1) << 62,
                                   (UINT64_C (1) << 63) - 1,
                                   UINT64_C (1) << 63,
                                   UINT64_MAX - 270000,
                                   UINT64_MAX - 65536,
                                   UINT64_MAX - 65535,
                                   UINT64_MAX - 65471,
                                   UINT64_MAX - 65011,
                                   UINT64_MAX - 1,
                                   UINT64_MAX};

/* Block headers that point nowhere, backwards, or around 2^64: met in a search, within a
 * chunk header, and before one. */
static void
test_hostile_block_headers (void)
{
    g_autoptr (TestForge) good = make_typical();
    g_autoptr (TestForge) split = test_forge_new();

    good->file->data[204] ^= 1; /* so that the block header at 65536 is searched for */
    test_forge_pad_to (split, 65510);
    put_chunk (split, 70000, 1);
    test_forge_pad (split);
    put_chunk (split, 100000, 1);

    for (unsigned p = 0; p < G_N_ELEMENTS (numbers); p++) {
        for (unsigned n = 0; n < G_N_ELEMENTS (numbers); n++) {
            g_autoptr (TestForge) forge = forge_copy (good);
            g_autoptr (TestForge) other = forge_copy (split);

            forge_block_header (forge, 65536, numbers[p], numbers[n]);
            check_against_model (forge);
            forge_block_header (other, 65536, numbers[p], numbers[n]);
            check_against_model (other);
            forge_block_header (other, 196608, numbers[p], numbers[n]);
            check_against_model (other);
        }
    }
}

static void
test_impossible_block_header (void)
{
    g_autoptr (TestForge) forge = test_forge_new();

    test_forge_pad (forge);
    put_chunk (forge, 100, 1);
    put_chunk (forge, 100, 1);
    forge_block_header (forge, 65536, 1, 0); /* an endless loop, if believed */
    check_scan (forge, "0-64 64-65536 65536-65840!");
    check_gap (forge, 0, 65536, "the block header has impossible numbers");
}

/* Chunk headers with extreme numbers. */
static void
test_hostile_chunk_headers (void)
{
    for (unsigned d = 0; d < G_N_ELEMENTS (numbers); d++) {
        for (unsigned r = 0; r < G_N_ELEMENTS (numbers); r++) {
            for (unsigned at = 0; at < 3; at++) {
                g_autoptr (TestForge) forge = test_forge_new();

                test_forge_pad_to (forge, at == 0 ? 200 : at == 1 ? 65515 : 65536);
                test_forge_chunk (
                    forge, &(TestForgeChunk){.type = 'r',
                                             .num_records = numbers[r] & (UINT64_MAX >> 8),
                                             .data = "some",
                                             .data_size = 4,
                                             .lies_data_size = true,
                                             .announced_data_size = numbers[d]});
                put_chunk (forge, 140000, 1);
                put_chunk (forge, 100, 1);
                check_against_model (forge);
            }
        }
    }
}

/* Chunk after chunk claims to extend beyond the file. Each costs a read of the next block
 * header, which shows another chunk, and not a walk to the end of the file. */
static void
test_many_huge_chunks (void)
{
    g_autoptr (TestForge) forge = test_forge_new();
    g_autofree uint8_t *data = g_malloc0 (65472);
    g_autoptr (GArray) all = NULL;

    test_forge_pad (forge);
    for (unsigned i = 0; i < 60; i++) {
        uint64_t announced = i % 2 ? 10000000 : 1000000;
        uint64_t begin =
            test_forge_chunk (forge, &(TestForgeChunk){.type = 'r',
                                                       .data = data,
                                                       .data_size = 65472,
                                                       .lies_data_size = true,
                                                       .announced_data_size = announced});

        /* Otherwise the block header before the chunk header would expose the lie. */
        forge_block_header (forge, begin, 0, model_chunk_end (begin, announced, 0) - begin);
    }
    all = scan_from (forge, 0); /* counts reads */
    g_assert_cmpuint (all->len, ==, 2 + 60);
    for (guint i = 2; i < all->len; i++) {
        g_assert_cmpint (g_array_index (all, Found, i).step, ==, AREC_SCAN_GAP);
        g_assert_cmpuint (g_array_index (all, Found, i).item.begin, ==, (i - 1) * BLOCK);
    }
    check_against_model (forge);
}

/* ---- seeking ---- */

static void
test_seek (void)
{
    g_autoptr (TestForge) forge = make_typical();
    TestFaults faults;
    g_autoptr (ArecSource) source = NULL;
    g_autoptr (ArecChunkScan) scan = NULL;
    g_autoptr (GError) error = NULL;
    ArecScanStep step;
    ArecScanItem item;

    forge->file->data[64] ^= 1;
    source = source_of (forge, &faults);
    scan = arec_chunk_scan_new (source, 0);
    g_assert_true (arec_chunk_scan_next (scan, &step, &item, &error));
    g_assert_true (arec_chunk_scan_next (scan, &step, &item, &error));
    g_assert_cmpint (step, ==, AREC_SCAN_GAP);
    g_assert_cmpuint (item.end, ==, 200570);

    arec_chunk_scan_seek (scan, 204); /* back into the gap */
    g_assert_true (arec_chunk_scan_next (scan, &step, &item, &error));
    g_assert_cmpint (step, ==, AREC_SCAN_CHUNK);
    g_assert_cmpuint (item.begin, ==, 204);
    g_assert_cmpuint (item.end, ==, 344);

    arec_chunk_scan_seek (scan, 400); /* to where no chunk begins */
    g_assert_true (arec_chunk_scan_next (scan, &step, &item, &error));
    g_assert_cmpint (step, ==, AREC_SCAN_GAP);
    g_assert_cmpuint (item.begin, ==, 400);
    arec_chunk_scan_seek (scan, 65536 + 3);
    g_assert_true (arec_chunk_scan_next (scan, &step, &item, &error));
    g_assert_cmpint (step, ==, AREC_SCAN_GAP);
    g_assert_cmpuint (item.begin, ==, 65539);
    g_assert_cmpuint (item.end, ==, 200570);
    g_assert_cmpstr (item.reason, ==, "no chunk can begin here");

    arec_chunk_scan_seek (scan, source->size);
    g_assert_true (arec_chunk_scan_next (scan, &step, &item, &error));
    g_assert_cmpint (step, ==, AREC_SCAN_END);
    g_assert_true (arec_chunk_scan_next (scan, &step, &item, &error));
    g_assert_cmpint (step, ==, AREC_SCAN_END);
}

static void
forge_header (TestForge *forge, uint64_t begin, uint64_t data_size)
{
    uint8_t *at = forge->file->data + begin;

    put_le64 (at + 8, data_size);
    put_le64 (at + 16, 0);
    put_le64 (at + 24, 'r');
    put_le64 (at + 32, 0);
    put_le64 (at, arec_hash (at + 8, 32));
}

/* Chunks at the start of each other, over the same unreadable block headers, without a
 * successor: a walk that is sent to each of them reads the block headers once. */
static void
test_seek_to_chunks_in_chunks (void)
{
    enum { N = 100, N_BLOCKS = 60 };
    g_autoptr (TestForge) forge = test_forge_new();
    TestFaults faults;
    g_autoptr (ArecSource) source = NULL;
    g_autoptr (ArecChunkScan) scan = NULL;
    ArecScanStep step;
    ArecScanItem item;

    put_chunk (forge, (N_BLOCKS + 2) * BLOCK, 1);
    for (uint64_t i = 1; i <= N_BLOCKS + 2; i++) {
        forge->file->data[i * BLOCK] ^= 1;
    }
    for (uint64_t i = 0; i < N; i++) {
        forge_header (forge, 1000 + 100 * i, N_BLOCKS * BLOCK + 100);
    }
    source = source_of (forge, &faults);
    scan = arec_chunk_scan_new (source, 0);
    g_assert_true (arec_chunk_scan_next (scan, &step, &item, NULL));
    for (uint64_t i = 0; i < N; i++) {
        arec_chunk_scan_seek (scan, 1000 + 100 * i);
        g_assert_true (arec_chunk_scan_next (scan, &step, &item, NULL));
        g_assert_cmpint (step, ==, AREC_SCAN_CHUNK);
    }
    g_assert_cmpuint (faults.reads, <=, 2 * N + N_BLOCKS + 10);
}

/* ---- expecting ---- */

/* The chunk at 64 is damaged; @expected, terminated by 0, has the positions of further
 * chunks according to the file. */
static void
check_first_gap (const TestForge *forge, const uint64_t *expected, uint64_t end)
{
    TestFaults faults;
    g_autoptr (ArecSource) source = source_of (forge, &faults);
    g_autoptr (ArecChunkScan) scan = arec_chunk_scan_new (source, 0);
    ArecScanStep step;
    ArecScanItem item;

    for (; *expected > 0; expected++) {
        arec_chunk_scan_expect (scan, *expected);
    }
    g_assert_true (arec_chunk_scan_next (scan, &step, &item, NULL));
    g_assert_true (arec_chunk_scan_next (scan, &step, &item, NULL));
    g_assert_cmpint (step, ==, AREC_SCAN_GAP);
    g_assert_cmpuint (item.begin, ==, 64);
    g_assert_cmpuint (item.end, ==, end);
    g_assert_true (arec_chunk_scan_next (scan, &step, &item, NULL));
    g_assert_cmpint (step, ==, AREC_SCAN_CHUNK);
    g_assert_cmpuint (item.begin, ==, end);
}

static void
test_expected (void)
{
    static const struct {
        uint64_t expected[4], end;
    } cases[] = {
        {{0}, 200570},
        {{204}, 204},
        {{344, 204}, 204},
        {{344, 64, UINT64_MAX}, 344},
        {{65536 + 3, 150, 200570}, 200570}, /* nothing begins at the first two */
    };
    g_autoptr (TestForge) forge = make_typical();

    forge->file->data[64] ^= 1;
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        check_first_gap (forge, cases[i].expected, cases[i].end);
    }
    forge->file->data[204] ^= 1;
    check_first_gap (forge, (uint64_t[]){204, 344, 0}, 344);
}

/* A file cut off within a chunk, with another chunk expected inside it: not all of the rest
 * is cut off. */
static void
test_expected_before_the_end (void)
{
    g_autoptr (TestForge) forge = test_forge_new();
    static const uint8_t data[100] = {0};
    uint64_t begin = test_forge_chunk (forge, &(TestForgeChunk){.type = 'r',
                                                                .data = data,
                                                                .data_size = 100,
                                                                .lies_data_size = true,
                                                                .announced_data_size = 5000});
    uint64_t inner = put_chunk (forge, 10, 1);

    g_assert_cmpuint (begin, ==, 64);
    check_first_gap (forge, (uint64_t[]){inner, 0}, inner);
}

static void
test_has_chunk (void)
{
    g_autoptr (TestForge) forge = make_typical();
    TestFaults faults;
    g_autoptr (ArecSource) source = source_of (forge, &faults);
    g_autoptr (ArecChunkScan) scan = arec_chunk_scan_new (source, 0);
    g_autoptr (GError) error = NULL;
    const uint64_t positions[] = {0,     64,        204,          344,       205,
                                  BLOCK, BLOCK + 3, source->size, UINT64_MAX};
    bool has_chunk;

    for (size_t i = 0; i < G_N_ELEMENTS (positions); i++) {
        g_assert_true (arec_chunk_scan_has_chunk (scan, positions[i], &has_chunk, &error));
        g_assert_true (has_chunk == (i < 4));
    }
    faults.fail_at_read = (int64_t)faults.reads;
    g_assert_false (arec_chunk_scan_has_chunk (scan, 200570, &has_chunk, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
    g_array_unref (scan_all (scan, source->size)); /* it still begins at 0 */
}

/* ---- reads ---- */

/* 20,000 chunks of 140 bytes, and one of 70,000 in the middle: one read for each 256 KiB,
 * and some more, twice, until the window has grown. */
static void
test_reads_of_small_chunks (void)
{
    g_autoptr (TestForge) forge = test_forge_new();
    TestFaults faults;
    g_autoptr (ArecSource) source = NULL;
    g_autoptr (ArecChunkScan) scan = NULL;
    g_autoptr (GArray) all = NULL;

    for (unsigned i = 0; i < 20000; i++) {
        put_chunk (forge, i == 10000 ? 70000 : 100, 1);
    }
    source = source_of (forge, &faults);
    scan = arec_chunk_scan_new (source, 0);
    all = scan_all (scan, source->size);
    g_assert_cmpuint (all->len, ==, 20001);
    g_assert_cmpuint (faults.reads, <=, source->size / (256 * 1024) + 2 * 7);
    g_assert_cmpuint (faults.bytes, <=, source->size + 65536);
}

/* Chunks of 1 MiB: a small read for each, none of data. */
static void
test_reads_of_big_chunks (void)
{
    g_autoptr (TestForge) forge = test_forge_new();
    TestFaults faults;
    g_autoptr (ArecSource) source = NULL;
    g_autoptr (ArecChunkScan) scan = NULL;
    g_autoptr (GArray) all = NULL;

    for (unsigned i = 0; i < 40; i++) {
        put_chunk (forge, 1024 * 1024 + i, 1);
    }
    source = source_of (forge, &faults);
    scan = arec_chunk_scan_new (source, 0);
    all = scan_all (scan, source->size);
    g_assert_cmpuint (all->len, ==, 41);
    g_assert_cmpuint (faults.reads, <=, 41);
    g_assert_cmpuint (faults.bytes, <=, 41 * 4096);
}

/* A damaged megabyte is crossed by reads of 24 bytes, one for each block. */
static void
test_reads_of_damage (void)
{
    g_autoptr (TestForge) forge = test_forge_new();
    TestFaults faults;
    g_autoptr (ArecSource) source = NULL;
    g_autoptr (ArecChunkScan) scan = NULL;
    g_autoptr (GArray) all = NULL;

    put_chunk (forge, 16 * BLOCK, 1);
    put_chunk (forge, 10, 1);
    memset (forge->file->data + 64, 0, 16 * BLOCK);
    source = source_of (forge, &faults);
    scan = arec_chunk_scan_new (source, 0);
    all = scan_all (scan, source->size);
    g_assert_cmpuint (all->len, ==, 2); /* nothing is left that shows the last chunk */
    g_assert_cmpuint (faults.reads, <=, 1 + 16);
    g_assert_cmpuint (faults.bytes, <=, 4096 + 16 * 24);
}

/* What the walk finds in @forge if [begin, end), all zeros, is reported as a hole; *n_reads
 * and *n_asked (out) count the calls. g_free () */
static char *
describe_with_hole (const TestForge *forge, uint64_t begin, uint64_t end, uint64_t *n_reads,
                    uint64_t *n_asked)
{
    TestFaults faults;
    g_autoptr (ArecSource) source = source_of (forge, &faults);
    g_autoptr (ArecChunkScan) scan = NULL;
    g_autoptr (GArray) all = NULL;

    faults.hole_begin = begin;
    faults.hole_end = end;
    scan = arec_chunk_scan_new (source, 0);
    all = scan_all (scan, source->size);
    check_items (all, 0, source->size);
    *n_reads = faults.reads;
    *n_asked = faults.n_asked_for_data;
    return describe (all);
}

/* A hole that begins and ends anywhere is skipped by one call. What follows it is found,
 * exactly as if the zeros were read. */
static void
test_holes (void)
{
    static const uint64_t ends[] = {40 * BLOCK - 7,  40 * BLOCK,      40 * BLOCK + 1,
                                    40 * BLOCK + 23, 40 * BLOCK + 24, 40 * BLOCK + 30000};

    for (unsigned i = 0; i < G_N_ELEMENTS (ends); i++) {
        g_autoptr (TestForge) forge = test_forge_new();
        g_autofree char *read = NULL, *passed = NULL;
        uint64_t begin, n_reads, n_asked, n_plain_reads, n_plain_asked;

        put_chunk (forge, 100, 1);
        begin = forge->file->len;
        g_byte_array_set_size (forge->file, (guint)ends[i]);
        memset (forge->file->data + begin, 0, ends[i] - begin);
        /* Everything up to the next block is damaged, then a chunk follows. */
        while (forge->file->len < 41 * BLOCK) {
            g_byte_array_append (forge->file, (const uint8_t *)"\377", 1);
        }
        put_chunk (forge, 100000, 3);
        read = describe_with_hole (forge, 0, 0, &n_plain_reads, &n_plain_asked);
        passed = describe_with_hole (forge, begin, ends[i], &n_reads, &n_asked);
        g_assert_cmpstr (passed, ==, read);
        g_assert_nonnull (strstr (passed, "!"));
        g_assert_cmpuint (n_plain_reads, >=, 39);
        g_assert_cmpuint (n_reads, <=, 8);
        g_assert_cmpuint (n_asked, <=, 2);
    }
}

/* A chunk that was never finished, over zeros up to the end; and one that reaches over zeros
 * to a position where no chunk follows. */
static void
test_holes_in_chunks (void)
{
    for (unsigned finished = 0; finished < 2; finished++) {
        g_autoptr (TestForge) forge = test_forge_new();
        g_autofree char *read = NULL, *passed = NULL;
        uint64_t begin, size, n_reads, n_asked, n_plain_reads, n_plain_asked;

        put_chunk (forge, 40 * BLOCK, 1);
        size = forge->file->len;
        if (finished) {
            g_byte_array_append (forge->file,
                                 (const uint8_t *)"no chunk at all, but as long as a "
                                                  "header of one",
                                 47);
        } else {
            g_byte_array_set_size (forge->file, (guint)(size - 100));
            size -= 100;
        }
        begin = 1000;
        memset (forge->file->data + begin, 0, size - begin);
        read = describe_with_hole (forge, 0, 0, &n_plain_reads, &n_plain_asked);
        passed = describe_with_hole (forge, begin, size, &n_reads, &n_asked);
        g_assert_cmpstr (passed, ==, read);
        g_assert_cmpuint (n_plain_reads, >=, 39);
        g_assert_cmpuint (n_reads, <=, 8);
        g_assert_cmpuint (n_asked, <=, 3);
    }
}

/* Whichever read fails, there is an error, and a second try goes on as if nothing had
 * happened. */
static void
test_read_errors (void)
{
    g_autoptr (TestForge) forge = make_typical();
    TestFaults faults;
    g_autoptr (ArecSource) source = NULL;
    g_autoptr (ArecChunkScan) undisturbed = NULL;
    g_autoptr (GArray) expected = NULL;
    g_autofree char *expected_text = NULL;
    uint64_t n_reads;

    /* Headers, a look ahead, a walk along a chunk, a search, a walk along a cut one. */
    forge->file->data[200570] ^= 1;
    put_chunk (forge, 200000, 1);
    g_byte_array_set_size (forge->file, 400000);
    source = source_of (forge, &faults);
    undisturbed = arec_chunk_scan_new (source, 0);
    expected = scan_all (undisturbed, source->size);
    expected_text = describe (expected);
    n_reads = faults.reads;
    g_assert_cmpuint (n_reads, >=, 1 + 1 + 3 + 1 + 1 + 2);
    for (uint64_t fail_at = 0; fail_at < n_reads; fail_at++) {
        g_autoptr (ArecChunkScan) scan = arec_chunk_scan_new (source, 0);
        g_autoptr (GArray) all = NULL;
        g_autofree char *text = NULL;
        unsigned n_failures;

        faults.reads = 0;
        faults.fail_at_read = (int64_t)fail_at;
        all = scan_through_failures (scan, source->size, &n_failures);
        g_assert_cmpuint (n_failures, ==, 1);
        text = describe (all);
        g_assert_cmpstr (text, ==, expected_text);
    }
}

static void
test_failure_leaves_outs_unchanged (void)
{
    g_autoptr (TestForge) forge = make_typical();
    TestFaults faults;
    g_autoptr (ArecSource) source = source_of (forge, &faults);
    g_autoptr (ArecChunkScan) scan = arec_chunk_scan_new (source, 0);
    g_autoptr (GError) error = NULL;
    ArecScanStep step = AREC_SCAN_GAP;
    ArecScanItem item = {.begin = 12345};

    faults.fail_at_read = 0;
    g_assert_false (arec_chunk_scan_next (scan, &step, &item, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
    g_assert_cmpint (step, ==, AREC_SCAN_GAP);
    g_assert_cmpuint (item.begin, ==, 12345);
}

/* The file shrinks during the scan. */
static void
test_shrinking_file (void)
{
    g_autoptr (TestForge) forge = make_typical();
    char *path = test_file_write (NAME, forge->file->data, forge->file->len);
    ArecFdPool *pool = arec_fd_pool_new (0);
    g_autoptr (GError) error = NULL;
    ArecSource *source = arec_file_source_new (pool, AT_FDCWD, path, path, &error);
    g_autoptr (ArecChunkScan) scan = arec_chunk_scan_new (source, 0);
    ArecScanStep step;
    ArecScanItem item;

    for (unsigned i = 0; i < 4; i++) {
        g_assert_true (arec_chunk_scan_next (scan, &step, &item, &error));
    }
    g_assert_cmpint (truncate (path, 100000), ==, 0);
    for (unsigned i = 0; i < 2; i++) {
        g_assert_false (arec_chunk_scan_next (scan, &step, &item, &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_CHANGED);
        g_clear_error (&error);
    }
    arec_source_free (source);
    arec_fd_pool_free (pool);
    test_file_remove (path);
}

/* ---- random damage ---- */

static uint64_t
random_below (uint64_t n)
{
    g_assert_cmpuint (n, >, 0);
    g_assert_cmpuint (n, <=, G_MAXINT32);
    return (uint64_t)g_test_rand_int_range (0, (gint32)n);
}

/* Small and large chunks, slack, chunks that begin with blocks. */
static TestForge *
make_mixed (GArray *begins)
{
    TestForge *forge = test_forge_new();
    uint64_t begin = 0;

    g_array_append_val (begins, begin);
    while (forge->file->len < 1200000) {
        switch (random_below (40)) {
        case 0: begin = put_chunk (forge, random_below (300000), 5); break;
        case 1: begin = put_chunk (forge, random_below (80000), 5); break;
        case 2: begin = put_chunk (forge, random_below (50), random_below (100000)); break;
        case 3:
            begin = forge->file->len;
            test_forge_pad (forge);
            break;
        default: begin = put_chunk (forge, random_below (2000), 5); break;
        }
        if (begin > g_array_index (begins, uint64_t, begins->len - 1)) {
            g_array_append_val (begins, begin);
        }
    }
    return forge;
}

static uint64_t
random_of (const GArray *values)
{
    return g_array_index (values, uint64_t, random_below (values->len));
}

static uint64_t
random_number (void)
{
    return random_below (2) ? numbers[random_below (G_N_ELEMENTS (numbers))]
                            : random_below (400000);
}

/* A block that has a whole header; the file has 24 bytes at least. */
static uint64_t
random_block (const TestForge *forge)
{
    return random_below ((forge->file->len - 24) / BLOCK + 1) * BLOCK;
}

static void
flip (TestForge *forge, uint64_t at)
{
    if (at < forge->file->len) {
        forge->file->data[at] ^= (uint8_t)(1 + random_below (255));
    }
}

static void
forge_random_chunk_header (TestForge *forge, uint64_t at)
{
    uint8_t *raw = forge->file->data + at;

    if (at + 40 > forge->file->len || at % BLOCK == 0 || at % BLOCK > BLOCK - 40) {
        return;
    }
    put_le64 (raw + 8, random_number());
    if (random_below (2)) {
        put_le64 (raw + 24, random_number());
    }
    put_le64 (raw, arec_hash (raw + 8, 32));
}

static void
append_garbage (TestForge *forge, uint64_t length)
{
    for (; length > 0; length--) {
        uint8_t byte = (uint8_t)random_below (256);

        g_byte_array_append (forge->file, &byte, 1);
    }
}

/* Like a writer that appends to a file, whatever its end. */
static void
append_chunks (TestForge *forge)
{
    uint64_t end = forge->file->len, aligned = (end + BLOCK - 1) / BLOCK * BLOCK;

    if (end % BLOCK >= 1 && end % BLOCK <= 24) {
        g_byte_array_set_size (forge->file, (guint)aligned);
        memset (forge->file->data + end, 0, aligned - end);
    }
    for (uint64_t n = random_below (20); n > 0; n--) {
        put_chunk (forge, random_below (n == 10 ? 200000 : 3000), 1);
    }
}

static void
damage (TestForge *forge, const GArray *begins)
{
    uint64_t size = forge->file->len, at = random_below (size);
    uint64_t wanted = random_below (100000);
    guint length = (guint)MIN (wanted, size - at);

    switch (random_below (11)) {
    case 0: flip (forge, at); break;
    case 1:
    case 2: flip (forge, random_of (begins) + random_below (64)); break;
    case 3: flip (forge, random_block (forge) + random_below (24)); break;
    case 4: memset (forge->file->data + at, 0, length); break;
    case 5: g_byte_array_set_size (forge->file, (guint)MAX (at, 24)); break;
    case 6: append_garbage (forge, random_below (70000)); break;
    case 7:
        forge_block_header (forge, random_block (forge), random_number(), random_number());
        break;
    case 8: forge_random_chunk_header (forge, random_of (begins)); break;
    case 9:
        if (size - length >= 24) {
            g_byte_array_remove_range (forge->file, (guint)at, length);
        }
        break;
    case 10:
        g_byte_array_set_size (forge->file, (guint)MAX (at, 24));
        append_chunks (forge);
        break;
    default: g_assert_not_reached();
    }
}

static void
test_random_damage (void)
{
    for (unsigned round = 0; round < 20; round++) {
        g_autoptr (GArray) begins = g_array_new (FALSE, FALSE, sizeof (uint64_t));
        g_autoptr (TestForge) sound = make_mixed (begins);

        check_against_model (sound);
        for (unsigned i = 0; i < 100; i++) {
            g_autoptr (TestForge) forge = forge_copy (sound);

            for (uint64_t n = 1 + random_below (4); n > 0; n--) {
                damage (forge, begins);
            }
            check_against_model (forge);
        }
    }
}

/* The end of the last of @begins that is at or before @at. */
static uint64_t
end_of_chunk_at (const GArray *begins, uint64_t at, uint64_t size)
{
    guint i = 0;

    while (i < begins->len && g_array_index (begins, uint64_t, i) <= at) {
        i++;
    }
    return i < begins->len ? g_array_index (begins, uint64_t, i) : size;
}

/* One overwritten range: all chunks before it are found, and so are all after the chunk that
 * lies over the first block header after both the range and the last chunk header that the
 * range touched. */
static void
test_sound_chunks_are_found (void)
{
    for (unsigned i = 0; i < 300; i++) {
        g_autoptr (GArray) begins = g_array_new (FALSE, FALSE, sizeof (uint64_t));
        g_autoptr (TestForge) forge = make_mixed (begins);
        uint64_t size = forge->file->len, from = random_below (size);
        uint64_t to = from + 1 + random_below (MIN (150000, size - from));
        uint64_t search = MAX (to, MIN (end_of_chunk_at (begins, to - 1, size), to + 64));
        uint64_t block = (search + BLOCK - 1) / BLOCK * BLOCK;
        uint64_t sound_again = block < size ? end_of_chunk_at (begins, block, size) : size;
        g_autoptr (GArray) all = NULL;

        for (uint64_t at = from; at < to; at++) {
            forge->file->data[at] = (uint8_t)random_below (256);
        }
        all = scan_from (forge, 0);
        for (guint k = 0; k < begins->len; k++) {
            uint64_t begin = g_array_index (begins, uint64_t, k);

            if (end_of_chunk_at (begins, begin, size) <= from || begin >= sound_again) {
                g_assert_true (has_chunk (all, begin));
            }
        }
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/chunk-scan/golden", test_golden);
    g_test_add_func ("/chunk-scan/places", test_places);
    g_test_add_func ("/chunk-scan/empty", test_empty);
    g_test_add_func ("/chunk-scan/begin", test_begin);
    g_test_add_func ("/chunk-scan/typical", test_typical);
    g_test_add_func ("/chunk-scan/flipped-chunk-header", test_flipped_chunk_header);
    g_test_add_func ("/chunk-scan/flipped-signature", test_flipped_signature);
    g_test_add_func ("/chunk-scan/other-signatures", test_other_signatures);
    g_test_add_func ("/chunk-scan/data-not-read", test_data_is_not_read);
    g_test_add_func ("/chunk-scan/block-header-of-header", test_block_header_of_a_chunk_header);
    g_test_add_func ("/chunk-scan/chunk-at-the-block", test_chunk_begins_at_the_block);
    g_test_add_func ("/chunk-scan/zeroed-blocks", test_zeroed_blocks);
    g_test_add_func ("/chunk-scan/padded", test_padded);
    g_test_add_func ("/chunk-scan/cut", test_cut);
    g_test_add_func ("/chunk-scan/cut-in-slack", test_cut_in_slack);
    g_test_add_func ("/chunk-scan/cut-and-damaged", test_cut_and_damaged);
    g_test_add_func ("/chunk-scan/garbage-at-the-end", test_garbage_at_the_end);
    g_test_add_func ("/chunk-scan/crash-and-append", test_crash_and_append);
    g_test_add_func ("/chunk-scan/damaged-successor", test_damaged_successor);
    g_test_add_func ("/chunk-scan/hostile-block-headers", test_hostile_block_headers);
    g_test_add_func ("/chunk-scan/impossible-block-header", test_impossible_block_header);
    g_test_add_func ("/chunk-scan/hostile-chunk-headers", test_hostile_chunk_headers);
    g_test_add_func ("/chunk-scan/many-huge-chunks", test_many_huge_chunks);
    g_test_add_func ("/chunk-scan/seek", test_seek);
    g_test_add_func ("/chunk-scan/seek-to-chunks-in-chunks", test_seek_to_chunks_in_chunks);
    g_test_add_func ("/chunk-scan/expected", test_expected);
    g_test_add_func ("/chunk-scan/expected-before-the-end", test_expected_before_the_end);
    g_test_add_func ("/chunk-scan/has-chunk", test_has_chunk);
    g_test_add_func ("/chunk-scan/reads-small-chunks", test_reads_of_small_chunks);
    g_test_add_func ("/chunk-scan/reads-big-chunks", test_reads_of_big_chunks);
    g_test_add_func ("/chunk-scan/reads-damage", test_reads_of_damage);
    g_test_add_func ("/chunk-scan/holes", test_holes);
    g_test_add_func ("/chunk-scan/holes-in-chunks", test_holes_in_chunks);
    g_test_add_func ("/chunk-scan/read-errors", test_read_errors);
    g_test_add_func ("/chunk-scan/failure-leaves-outs", test_failure_leaves_outs_unchanged);
    g_test_add_func ("/chunk-scan/shrinking-file", test_shrinking_file);
    g_test_add_func ("/chunk-scan/random-damage", test_random_damage);
    g_test_add_func ("/chunk-scan/sound-chunks-found", test_sound_chunks_are_found);
    return g_test_run();
}
