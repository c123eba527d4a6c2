#include "forged_file.h"

#include <string.h>

#include "raw_file.h"

/* A list of entries may be this long: some frames of the index. */
#define MAX_ENTRIES 300

enum { MAX_RECORDS = 80, MAX_RECORD_SIZE = 3000, MAX_DATA = 4096 };

typedef enum {
    STEP_END,
    STEP_RECORDS, /* a true chunk and its entry */
    STEP_CHUNK,   /* any header over any bytes, and the entry that fits the header */
    STEP_PARTS,   /* the same over any size list and any values, compressed */
    STEP_ENTRY,   /* an entry for nothing */
    STEP_RAW,     /* an entry of any bytes */
    STEP_RUN,     /* many entries at even steps */
    STEP_PAD,     /* up to the next block */
    STEP_FOOTER,  /* other numbers in footer and postscript */
    STEP_MISLIST, /* a true chunk whose entry gives it another size and number of records */
    N_STEPS,
} Step;

static ArecCompression
take_compression (ArecBytes *input)
{
    static const ArecCompression all[] = {AREC_COMPRESSION_NONE, AREC_COMPRESSION_BROTLI,
                                          AREC_COMPRESSION_ZSTD, AREC_COMPRESSION_SNAPPY};

    return all[fuzz_take_u8 (input) % G_N_ELEMENTS (all)];
}

static void
note_entry (FuzzForgedFile *file, uint64_t offset, uint64_t decoded_size, uint64_t n_records)
{
    FuzzForgedEntry entry = {offset, decoded_size, n_records};

    g_array_append_val (file->entries, entry);
}

static void
add_entry (FuzzForgedFile *file, uint64_t offset, uint64_t decoded_size, uint64_t n_records)
{
    test_forge_entry (file->forge, offset, decoded_size, n_records);
    note_entry (file, offset, decoded_size, n_records);
}

/* Records of sizes that grow by the same step, over a pattern. @entry_numbers: NULL, or the
 * input of the numbers in the entry. */
static void
add_records (FuzzForgedFile *file, ArecBytes *input, ArecBytes *entry_numbers)
{
    ArecCompression compression = take_compression (input);
    uint64_t n = 1 + fuzz_take_number (input) % MAX_RECORDS;
    uint64_t size = fuzz_take_number (input), step = fuzz_take_number (input);
    uint8_t pattern = fuzz_take_u8 (input);
    uint8_t bytes[MAX_RECORD_SIZE];
    TestForgeRecord records[MAX_RECORDS];
    uint64_t decoded = 0, at;

    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(pattern + i * i / 7);
    }
    for (uint64_t i = 0; i < n; i++) {
        records[i] = (TestForgeRecord){bytes, (size + i * step) % (MAX_RECORD_SIZE + 1)};
        decoded += records[i].size;
    }
    if (entry_numbers) {
        g_autoptr (GByteArray) data = test_forge_simple_data (compression, records, n);

        at = test_forge_chunk (file->forge, &(TestForgeChunk){.type = 'r',
                                                              .num_records = n,
                                                              .decoded_data_size = decoded,
                                                              .data = data->data,
                                                              .data_size = data->len});
        decoded = fuzz_take_number (entry_numbers);
        add_entry (file, at, decoded, fuzz_take_number (entry_numbers));
    } else {
        at = test_forge_records (file->forge, compression, records, n);
        note_entry (file, at, decoded, n);
    }
}

static void
add_chunk (FuzzForgedFile *file, TestForgeChunk *chunk, ArecBytes *input)
{
    /* Numbers above 2^16 would only write more slack, until the writer ignores them. */
    chunk->num_records = fuzz_take_number (input);
    if (chunk->num_records >> 16 > 0 && chunk->num_records >> 21 == 0) {
        chunk->num_records &= 0xffff;
    }
    chunk->num_records &= (UINT64_C (1) << 56) - 1;
    chunk->decoded_data_size = fuzz_take_number (input);
    add_entry (file, test_forge_chunk (file->forge, chunk), chunk->decoded_data_size,
               chunk->num_records);
}

static void
add_any_chunk (FuzzForgedFile *file, ArecBytes *input)
{
    uint8_t type = fuzz_take_u8 (input);
    ArecBytes data = fuzz_take_bytes (input, fuzz_take_number (input) % (MAX_DATA + 1));
    TestForgeChunk chunk = {
        .type = type & 0x7f, .data = data.at, .data_size = arec_bytes_left (&data)};

    if (type & 0x80) {
        chunk.lies_data_size = true;
        chunk.announced_data_size = fuzz_take_number (input);
    }
    add_chunk (file, &chunk, input);
}

static void
add_parts (FuzzForgedFile *file, ArecBytes *input)
{
    ArecCompression compression = take_compression (input);
    ArecBytes sizes = fuzz_take_bytes (input, fuzz_take_number (input) % (MAX_DATA + 1));
    ArecBytes values = fuzz_take_bytes (input, fuzz_take_number (input) % (MAX_DATA + 1));
    g_autoptr (GByteArray) data = test_forge_simple_parts (
        compression, sizes.at, arec_bytes_left (&sizes), values.at, arec_bytes_left (&values));

    add_chunk (file, &(TestForgeChunk){.type = 'r', .data = data->data, .data_size = data->len},
               input);
}

static void
add_raw_entry (FuzzForgedFile *file, ArecBytes *input)
{
    ArecBytes bytes = fuzz_take_bytes (input, fuzz_take_u8 (input));

    test_forge_raw_entry (file->forge, bytes.at, arec_bytes_left (&bytes));
    file->is_exact = false;
}

static void
add_run (FuzzForgedFile *file, ArecBytes *input)
{
    uint64_t n = fuzz_take_number (input) % MAX_ENTRIES;
    uint64_t offset = fuzz_take_number (input), offset_step = fuzz_take_number (input);
    uint64_t size = fuzz_take_number (input), size_step = fuzz_take_number (input);
    uint64_t records = fuzz_take_number (input);

    for (uint64_t i = 0; i < n && file->entries->len < MAX_ENTRIES; i++) {
        add_entry (file, offset + i * offset_step, size + i * size_step, records);
    }
}

static void
change_footer (FuzzForgedFile *file, ArecBytes *input)
{
    TestForge *forge = file->forge;
    ArecBytes options;

    switch (fuzz_take_u8 (input) % 7) {
    case 0: forge->version = fuzz_take_number (input); break;
    case 1: forge->magic ^= fuzz_take_number (input); break;
    case 2: forge->num_chunks += fuzz_take_number (input); break;
    case 3: forge->num_records += fuzz_take_number (input); break;
    case 4:
        forge->lies_footer_offset = true;
        forge->footer_offset = fuzz_take_number (input);
        break;
    case 5: forge->footer_compression = take_compression (input); break;
    case 6:
        options = fuzz_take_bytes (input, fuzz_take_u8 (input));
        forge->options = options.at;
        forge->options_size = arec_bytes_left (&options);
        break;
    }
}

/* False: it was the last step. */
static bool
take_step (FuzzForgedFile *file, ArecBytes *input)
{
    switch ((Step)(fuzz_take_u8 (input) % N_STEPS)) {
    case STEP_RECORDS: add_records (file, input, NULL); return true;
    case STEP_MISLIST: add_records (file, input, input); return true;
    case STEP_CHUNK: add_any_chunk (file, input); return true;
    case STEP_PARTS: add_parts (file, input); return true;
    case STEP_ENTRY: {
        uint64_t offset = fuzz_take_number (input), size = fuzz_take_number (input);

        add_entry (file, offset, size, fuzz_take_number (input));
        return true;
    }
    case STEP_RAW: add_raw_entry (file, input); return true;
    case STEP_RUN: add_run (file, input); return true;
    case STEP_PAD: test_forge_pad (file->forge); return true;
    case STEP_FOOTER: change_footer (file, input); return true;
    case STEP_END:
    case N_STEPS: break;
    }
    return false;
}

FuzzForgedFile *
fuzz_forged_file_new (ArecBytes *input)
{
    FuzzForgedFile *file = g_new0 (FuzzForgedFile, 1);

    file->forge = test_forge_new();
    file->entries = g_array_new (FALSE, FALSE, sizeof (FuzzForgedEntry));
    file->is_exact = true;
    while (file->forge->file->len < FUZZ_MAX_FILE && file->forge->entries->len < MAX_ENTRIES &&
           take_step (file, input)) {
    }
    test_forge_finish (file->forge);
    return file;
}

void
fuzz_forged_file_free (FuzzForgedFile *file)
{
    if (!file) {
        return;
    }
    test_forge_free (file->forge);
    g_array_unref (file->entries);
    g_free (file);
}
