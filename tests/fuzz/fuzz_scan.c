/* Damaged files walked chunk by chunk: scanned, inspected, repaired.
 *
 * - The items of a scan cover the file from its start position, in order and without overlap;
 *   what it reads is linear in the file's size.
 * - An index made by a scan lists chunks with records that the scan met, all of them if none
 *   counts as footer or postscript; an offloaded index is the same.
 * - An inspection reports in the order of the file, except one damage that explains records
 *   which nothing else explains. Chunks that it gives match their hash. Each record that the
 *   index numbers is in one sound chunk or in one damage, in order. Exactly the sound ones can
 *   be read by their numbers.
 * - A copy is a sound file with the same chunks.
 * - Memory stays bounded.
 *
 * Input: which hashes to repair, or that the file is forged, perhaps one byte to spoil; how to
 * scan and inspect; the file.
 */
#include <string.h>

#include <arec/error.h>

#include "arrayrecord/footer_reader.h"
#include "arrayrecord/shard.h"
#include "arrayrecord/shard_writer.h"
#include "forged_file.h"
#include "fuzz.h"
#include "inspect/inspector.h"
#include "loads.h"
#include "raw_file.h"
#include "riegeli/block.h"
#include "riegeli/chunk_scan.h"
#include "riegeli/hash.h"
#include "source/memory_sink.h"
#include "source/memory_source.h"
#include "writer/writer.h"

/* Flags beside those for what to repair. */
enum { IS_FORGED = 0x10, IS_SPOILED = 0x20 };

/* How to scan and inspect. */
enum {
    IS_EXPECTED = 1,  /* the name promises ArrayRecord */
    KEEPS = 2,        /* footer and postscript count as records */
    REENCODES = 4,    /* records are copied one by one */
    KNOWS_FOOTER = 8, /* the caller says where it is */
    KIND_SHIFT = 4,
};

static ArecSource *
open_source (const GByteArray *file)
{
    return arec_memory_source_new ("fuzz", file->data ? file->data : (void *)"", file->len);
}

/* ---- scans ---- */

/* A bound on all reads of a scan: windows grow to twice what was used of them, and each item
 * may need one for itself and one for what follows; block headers are read alone. */
static void
check_reads (const ArecSourceCounters *counters, uint64_t size, uint64_t n_items)
{
    uint64_t n_blocks = size / AREC_BLOCK_SIZE + 1;

    g_assert_cmpuint (counters->reads, <=, 2 * n_items + 2 * n_blocks + 2);
    g_assert_cmpuint (counters->bytes, <=, 4 * size + (n_items + 1) * UINT64_C (8192));
}

static void
check_item (const ArecSource *source, ArecScanStep step, const ArecScanItem *item)
{
    g_assert_cmpuint (item->end, >, item->begin);
    g_assert_cmpuint (item->end, <=, source->size);
    if (step == AREC_SCAN_CHUNK) {
        g_assert_true (arec_block_is_chunk_boundary (item->begin));
        g_assert_cmpuint (item->header.end, ==, item->end);
        g_assert_null (item->reason);
        return;
    }
    g_assert_nonnull (item->reason);
    g_assert_cmpuint (item->fault, >=, item->begin);
    g_assert_cmpuint (item->fault, <=, source->size);
    g_assert_true (!item->truncated || item->end == source->size);
}

static void
check_scan (ArecSource *source, uint64_t begin)
{
    g_autoptr (ArecChunkScan) scan = arec_chunk_scan_new (source, begin);
    ArecSourceCounters counters = {0};
    uint64_t position = begin, n_items = 0;
    ArecScanStep step;
    ArecScanItem item;

    source->counters = &counters;
    for (;; n_items++) {
        g_assert_true (arec_chunk_scan_next (scan, &step, &item, NULL));
        g_assert_cmpuint (item.begin, ==, position);
        if (step == AREC_SCAN_END) {
            break;
        }
        check_item (source, step, &item);
        position = item.end;
    }
    source->counters = NULL;
    g_assert_cmpuint (position, ==, source->size);
    check_reads (&counters, source->size - begin, n_items);
    g_assert_true (arec_chunk_scan_next (scan, &step, &item, NULL));
    g_assert_cmpint (step, ==, AREC_SCAN_END);
}

/* ---- indexes ---- */

/* The chunks and gaps that a walk over the whole file meets. */
typedef struct {
    GArray *chunks; /* of ArecScanItem: those with records */
    uint64_t n_gaps, gap_bytes;
} Met;

static bool
holds_records (const ArecChunkHeader *header)
{
    return header->num_records > 0 &&
           (header->type == AREC_CHUNK_SIMPLE || header->type == AREC_CHUNK_TRANSPOSED);
}

static Met
walk (ArecSource *source, const ArecScanIndexOptions *options)
{
    g_autoptr (ArecChunkScan) scan =
        arec_scan_index_walk (source, options->footer_offset, options->postscript_offset);
    Met met = {.chunks = g_array_new (FALSE, FALSE, sizeof (ArecScanItem))};
    ArecScanStep step;
    ArecScanItem item;

    for (;;) {
        g_assert_true (arec_chunk_scan_next (scan, &step, &item, NULL));
        if (step == AREC_SCAN_END) {
            return met;
        }
        if (step == AREC_SCAN_GAP) {
            met.n_gaps++;
            met.gap_bytes += item.end - item.begin;
        } else if (holds_records (&item.header)) {
            g_array_append_val (met.chunks, item);
        }
    }
}

/* The entries are those of the first chunks that were met, without a postscript that was
 * known. */
static void
check_index (const ArecScanFindings *found, const Met *met, const ArecScanIndexOptions *options)
{
    uint64_t n = arec_index_n_chunks (found->index), first_record = 0, at = 0;

    for (uint64_t i = 0; i < n; i++, at++) {
        const ArecScanItem *item;
        ArecIndexEntry entry;

        g_assert_cmpuint (at, <, met->chunks->len);
        item = &g_array_index (met->chunks, ArecScanItem, at);
        if (!options->keep_bookkeeping && item->begin == options->postscript_offset) {
            g_assert_cmpuint (++at, <, met->chunks->len);
            item++;
        }
        g_assert_true (arec_index_get (found->index, i, &entry, NULL));
        g_assert_cmpuint (entry.offset, ==, item->begin);
        g_assert_cmpuint (entry.limit, >=, item->end);
        g_assert_cmpuint (entry.limit, <=, found->end);
        g_assert_cmpuint (entry.n_records, ==, item->header.num_records);
        g_assert_cmpuint (entry.decoded_size, ==, item->header.decoded_data_size);
        g_assert_cmpuint (entry.first_record, ==, first_record);
        first_record += entry.n_records;
    }
}

static bool
is_met (const Met *met, uint64_t begin)
{
    for (guint i = 0; i < met->chunks->len; i++) {
        if (g_array_index (met->chunks, ArecScanItem, i).begin == begin) {
            return true;
        }
    }
    return false;
}

/* Only the last chunks may be left out: a footer, a postscript. */
static void
check_left_out (const ArecScanFindings *found, const Met *met,
                const ArecScanIndexOptions *options)
{
    uint64_t left_out = met->chunks->len - arec_index_n_chunks (found->index);

    if (options->keep_bookkeeping) {
        g_assert_cmpuint (left_out, ==, 0);
        g_assert_false (found->has_footer || found->has_damaged_footer);
        g_assert_cmpuint (found->postscript_offset, ==, 0);
        return;
    }
    g_assert_false (found->has_footer && found->has_damaged_footer);
    if (options->postscript_offset > 0) {
        g_assert_cmpuint (found->postscript_offset, ==, options->postscript_offset);
    }
    g_assert_cmpuint (left_out, ==,
                      (found->has_footer || found->has_damaged_footer ? 1U : 0U) +
                          (is_met (met, found->postscript_offset) ? 1U : 0U));
}

static void
check_found (const ArecScanFindings *found, const Met *met, const ArecScanIndexOptions *options)
{
    g_assert_cmpuint (found->gaps.n, ==, met->n_gaps);
    g_assert_cmpuint (found->gaps.bytes, ==, met->gap_bytes);
    g_assert_true ((found->gaps.n > 0) == (found->gaps.first_reason != NULL));
    check_index (found, met, options);
    check_left_out (found, met, options);
}

static void
check_same (const ArecScanFindings *a, const ArecScanFindings *b)
{
    g_assert_cmpuint (a->end, ==, b->end);
    g_assert_true (a->has_footer == b->has_footer);
    g_assert_true (a->has_damaged_footer == b->has_damaged_footer);
    g_assert_cmpuint (a->footer_begin, ==, b->footer_begin);
    g_assert_cmpuint (a->footer_end, ==, b->footer_end);
    g_assert_cmpuint (a->postscript_offset, ==, b->postscript_offset);
    g_assert_cmpuint (arec_index_n_chunks (a->index), ==, arec_index_n_chunks (b->index));
}

/* Scans twice: the index in memory, and offloaded. */
static void
check_scan_index (ArecSource *source, ArecScanIndexOptions options)
{
    g_autoptr (ArecIndexFile) file = arec_index_file_new (NULL);
    g_auto (ArecScanFindings) found = {0}, offloaded = {0};
    Met met = walk (source, &options);

    g_assert_true (arec_scan_index (source, &options, &found, NULL));
    check_found (&found, &met, &options);
    options.offloaded = file;
    g_assert_true (arec_scan_index (source, &options, &offloaded, NULL));
    check_found (&offloaded, &met, &options);
    check_same (&found, &offloaded);
    g_array_unref (met.chunks);
}

/* @footer_offset  any number, passed as the footer's position if the file has none. */
static void
check_indexes (ArecSource *source, unsigned how, uint64_t footer_offset)
{
    const ArecDecodeLimits limits = arec_decode_limits_resolve (&fuzz_limits);
    ArecScanIndexOptions options = {.limits = &limits, .keep_bookkeeping = how & KEEPS};

    if (arec_postscript_read (source, &options.footer_offset, NULL)) {
        options.postscript_offset = source->size - AREC_BLOCK_SIZE;
    }
    if (how & KNOWS_FOOTER) {
        options.footer_offset = footer_offset;
    }
    check_scan_index (source, options);
}

/* ---- inspection ---- */

typedef struct {
    uint64_t begin;        /* of the last chunk or damage */
    uint64_t position;     /* how far it was */
    uint64_t next_record;  /* number of the next one that is neither sound nor lost */
    uint64_t n_records;    /* sound ones */
    uint64_t decoded_size; /* of these */
    uint64_t n_chunks;     /* sound ones with records */
    uint64_t n_damages;
    bool is_last_told;   /* a damage was reported out of order: nothing may follow */
    uint64_t hash;       /* over what the sound chunks hold */
    uint64_t place_hash; /* over their places and numbers */
} Inspected;

static void
note_chunk (Inspected *all, const ArecInspectedChunk *chunk)
{
    uint64_t row[] = {all->hash, chunk->header.num_records, chunk->header.decoded_data_size,
                      chunk->header.data_hash};

    all->n_chunks++;
    all->n_records += chunk->header.num_records;
    all->next_record += chunk->header.num_records;
    all->decoded_size += chunk->header.decoded_data_size;
    all->hash = arec_hash ((const uint8_t *)row, sizeof row);
}

static void
note_place (Inspected *all, uint64_t begin, uint64_t first_record, uint64_t n_records)
{
    uint64_t row[] = {all->place_hash, begin, first_record, n_records};

    all->place_hash = arec_hash ((const uint8_t *)row, sizeof row);
}

static void
take_chunk (Inspected *all, const ArecInspectedChunk *chunk, uint64_t file_size,
            bool keeps_data)
{
    bool decodes = keeps_data && chunk->role == AREC_ROLE_RECORDS;

    g_assert_false (all->is_last_told);
    g_assert_cmpuint (chunk->begin, >=, all->begin);
    g_assert_cmpuint (chunk->header.end, <=, file_size);
    all->begin = chunk->begin;
    g_assert_true (keeps_data == (chunk->data != NULL));
    if (keeps_data) {
        g_assert_cmphex (arec_hash (chunk->data, chunk->header.data_size), ==,
                         chunk->header.data_hash);
    }
    if (decodes) {
        g_assert_nonnull (chunk->chunk);
        g_assert_cmpuint (chunk->chunk->ends.n, ==, chunk->header.num_records);
    }
    if (chunk->role == AREC_ROLE_RECORDS && chunk->header.num_records > 0) {
        note_place (all, chunk->begin, all->next_record, chunk->header.num_records);
        note_chunk (all, chunk);
    }
}

static void
take_damage (Inspected *all, const ArecDamage *damage, bool lenient, uint64_t file_size)
{
    g_assert_false (all->is_last_told);
    all->is_last_told = all->n_damages == 0 && damage->offset < all->begin;
    g_assert_true (damage->offset >= all->begin || all->is_last_told);
    g_assert_cmpuint (damage->offset, <=, file_size);
    g_assert_cmpuint (damage->length, <=, file_size - damage->offset);
    g_assert_nonnull (damage->reason);
    g_assert_true (damage->knows_first_record);
    g_assert_cmpuint (damage->first_record, ==, all->next_record);
    g_assert_true (damage->knows_n_records || damage->n_records == 0);
    all->begin = damage->offset;
    if (!lenient || !damage->is_restorable) {
        all->next_record += damage->n_records;
    }
    all->n_damages++;
}

/* ---- repair ---- */

typedef struct {
    ArecShardWriter *copier; /* one of these two is there */
    ArecWriter *reencoder;
    ArecSink *sink;   /* of either */
    Inspected copied; /* the members that describe the copy */
} Copy;

static void
copy_begin (Copy *copy, bool reencodes)
{
    const ArecShardWriterOptions copying = {
        .codec = arec_codec_options_default (AREC_COMPRESSION_SNAPPY)};
    ArecWriterOptions writing;

    *copy = (Copy){.sink = arec_memory_sink_new ("fuzz")};
    if (reencodes) {
        g_assert_true (arec_writer_options_parse ("group_size:3,snappy,max_parallelism:1",
                                                  &writing, NULL));
        copy->reencoder = arec_writer_new_for_sink (copy->sink, &writing, NULL);
    } else {
        copy->copier = arec_shard_writer_new (copy->sink, &copying, NULL);
    }
    g_assert_true (copy->copier || copy->reencoder);
}

static bool
copy_finish (Copy *copy)
{
    return copy->reencoder ? arec_writer_finish (copy->reencoder, NULL)
                           : arec_shard_writer_finish (copy->copier, NULL);
}

static void
copy_clear (Copy *copy)
{
    arec_writer_free (copy->reencoder);
    arec_shard_writer_free (copy->copier);
}

static void
copy_chunk (Copy *copy, const ArecInspectedChunk *chunk)
{
    bool is_first = copy->sink->position == AREC_BLOCK_HEADER_SIZE + AREC_CHUNK_HEADER_SIZE &&
                    copy->copied.n_records == 0;

    if (chunk->role == AREC_ROLE_METADATA && is_first) {
        g_assert_true (copy->reencoder ? arec_writer_put_metadata (
                                             copy->reencoder, &chunk->header, chunk->data, NULL)
                                       : arec_shard_writer_put_metadata (
                                             copy->copier, &chunk->header, chunk->data, NULL));
    }
    if (chunk->role != AREC_ROLE_RECORDS || chunk->header.num_records == 0) {
        return;
    }
    note_chunk (&copy->copied, chunk);
    if (copy->copier) {
        g_assert_true (
            arec_shard_writer_put_chunk (copy->copier, &chunk->header, chunk->data, NULL));
        return;
    }
    for (uint64_t i = 0; i < chunk->chunk->ends.n; i++) {
        ArecBytes record = arec_chunk_record (chunk->chunk, i);

        g_assert_true (
            arec_writer_write (copy->reencoder, record.at, arec_bytes_left (&record), NULL));
    }
}

/* ---- all of it ---- */

/* Inspects @file if its format can be determined. @copy  gets the sound chunks; nullable. */
static bool
inspect (const GByteArray *file, const ArecShardOptions *shard_options, bool lenient,
         Copy *copy, Inspected *all)
{
    const ArecInspectorOptions options = {.n_threads = 1,
                                          .keeps_data = copy != NULL,
                                          .keeps_records = copy != NULL,
                                          .lenient = lenient};
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecInspector) inspector =
        arec_inspector_new (open_source (file), shard_options, &options, &error);
    ArecInspectStep step;
    ArecInspectedChunk chunk;
    ArecDamage damage;

    *all = (Inspected){0};
    if (!inspector) {
        g_assert_nonnull (error);
        g_assert_false (g_error_matches (error, AREC_ERROR, AREC_ERROR_CORRUPT));
        return false;
    }
    do {
        if (!arec_inspector_next (inspector, &step, &chunk, &damage, &error)) {
            g_assert_error (error, AREC_ERROR, AREC_ERROR_LIMIT);
            return false;
        }
        g_assert_cmpuint (arec_inspector_position (inspector), >=, all->position);
        all->position = arec_inspector_position (inspector);
        if (step == AREC_INSPECT_CHUNK) {
            take_chunk (all, &chunk, file->len, copy != NULL);
            if (copy) {
                copy_chunk (copy, &chunk);
            }
        } else if (step == AREC_INSPECT_DAMAGE) {
            take_damage (all, &damage, lenient, file->len);
        }
    } while (step != AREC_INSPECT_END);
    g_assert_cmpuint (
        all->next_record, ==,
        arec_index_n_records (arec_shard_index (arec_inspector_shard (inspector))));
    return true;
}

/* The records of @file that can be read by number are those that @strict found sound. */
static void
check_readable (const GByteArray *file, const ArecShardOptions *shard_options,
                const Inspected *strict)
{
    ArecShardOptions options = *shard_options;
    g_autoptr (ArecShard) shard = NULL;
    const ArecIndex *index;
    Inspected read = {0};

    options.recover = true;
    shard = arec_shard_open (open_source (file), &options, NULL);
    g_assert_nonnull (shard);
    index = arec_shard_index (shard);
    for (uint64_t i = 0; i < arec_index_n_chunks (index); i++) {
        g_autoptr (ArecChunk) chunk = NULL;
        ArecIndexEntry entry;

        g_assert_true (arec_index_get (index, i, &entry, NULL));
        if (test_load_chunk (shard, i, &chunk, NULL)) {
            g_assert_cmpuint (chunk->ends.n, ==, entry.n_records);
            note_place (&read, entry.offset, entry.first_record, entry.n_records);
        }
    }
    g_assert_cmphex (read.place_hash, ==, strict->place_hash);
}

/* The copy opens without recovery and has no damage. */
static void
check_copy (const Copy *copy)
{
    const ArecShardOptions options = {.kind = AREC_KIND_ARRAY_RECORD};
    ArecBytes bytes = arec_memory_sink_bytes (copy->sink);
    g_autoptr (GByteArray) file =
        g_byte_array_append (g_byte_array_new(), bytes.at, (guint)arec_bytes_left (&bytes));
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecShard) shard = arec_shard_open (open_source (file), &options, &error);
    Inspected again;

    g_assert_no_error (error);
    g_assert_cmpuint (arec_index_n_records (arec_shard_index (shard)), ==,
                      copy->copied.n_records);
    g_assert_true (inspect (file, &options, false, NULL, &again));
    g_assert_cmpuint (again.n_damages, ==, 0);
    g_assert_cmpuint (again.n_records, ==, copy->copied.n_records);
    g_assert_cmpuint (again.decoded_size, ==, copy->copied.decoded_size);
    if (copy->copier) {
        g_assert_cmpuint (again.n_chunks, ==, copy->copied.n_chunks);
        g_assert_cmphex (again.hash, ==, copy->copied.hash);
    }
}

/* Verifies @file, and makes a sound copy of it, which may keep more. */
static void
check_inspections (const GByteArray *file, unsigned how)
{
    static const ArecKind kinds[] = {AREC_KIND_AUTO, AREC_KIND_ARRAY_RECORD, AREC_KIND_RIEGELI};
    const ArecShardOptions options = {.limits = fuzz_limits,
                                      .kind = kinds[(how >> KIND_SHIFT) % G_N_ELEMENTS (kinds)],
                                      .name_is_array_record = how & IS_EXPECTED};
    Inspected strict, lenient;
    Copy copy;

    if (!inspect (file, &options, false, NULL, &strict)) {
        return;
    }
    check_readable (file, &options, &strict);
    copy_begin (&copy, how & REENCODES);
    if (!inspect (file, &options, true, &copy, &lenient)) {
        copy_clear (&copy);
        return;
    }
    g_assert_cmpuint (lenient.n_records, >=, strict.n_records);
    g_assert_cmpuint (lenient.n_damages, ==, strict.n_damages);
    g_assert_cmpuint (lenient.next_record, ==, strict.next_record);
    g_assert_cmpuint (lenient.n_records, ==, copy.copied.n_records);
    g_assert_true (copy_finish (&copy));
    check_copy (&copy);
    copy_clear (&copy);
}

static GByteArray *
make_file (unsigned flags, uint64_t spoiled, ArecBytes *input)
{
    g_autoptr (FuzzForgedFile) forged = NULL;
    GByteArray *file;

    if (flags & IS_FORGED) {
        forged = fuzz_forged_file_new (input);
        file = g_byte_array_ref (forged->forge->file);
    } else {
        file = fuzz_file_unpack (input->at, arec_bytes_left (input));
        fuzz_file_repair (file, flags);
    }
    if (flags & IS_SPOILED && file->len > 0) {
        file->data[spoiled % file->len] ^= 0x55;
    }
    return file;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    ArecBytes input = arec_bytes (data, size);
    unsigned flags = fuzz_take_u8 (&input), how = fuzz_take_u8 (&input);
    uint64_t begin = fuzz_take_number (&input), footer = fuzz_take_number (&input);
    uint64_t spoiled = flags & IS_SPOILED ? fuzz_take_number (&input) : 0;
    g_autoptr (GByteArray) file = make_file (flags, spoiled, &input);
    g_autoptr (ArecSource) source = open_source (file);

    fuzz_memory_bound (FUZZ_MAX_MEMORY);
    check_scan (source, begin % ((uint64_t)file->len + 1));
    check_indexes (source, how, footer % ((uint64_t)file->len + 1));
    check_inspections (file, how);
    fuzz_memory_unbound();
    return 0;
}
