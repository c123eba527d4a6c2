#include "arrayrecord/footer_reader.h"

#include <inttypes.h>

#include "arrayrecord/footer.h"
#include "base/error.h"
#include "base/limits.h"
#include "riegeli/block.h"
#include "riegeli/chunk.h"
#include "riegeli/raw_headers.h"
#include "riegeli/simple_stream.h"

/* What a postscript chunk takes in the file, block header included: fetched in one read. */
#define POSTSCRIPT_GUESS 128

/* Bytes of one record of a footer: the writer's option string, of which more is not kept, and
 * whatever else a later version may add. */
#define MAX_RECORD (16 * AREC_MAX_WRITER_OPTIONS)

/* Bytes of an entry, on average; writers make some 12 of it. The same of a footer that is held
 * whole, and what such a one may decode to: so many times what is stored, or the least limit.
 */
#define MAX_ENTRY 4096
#define MAX_WHOLE_ENTRY 512
#define MAX_WHOLE_RATIO 32
#define LEAST_WHOLE_LIMIT (UINT64_C (64) << 20)

/* Stored bytes that stay in memory rather than be read again: enough for a million chunks
 * where the index is in memory, too. */
#define KEEP_SIZE (UINT64_C (16) << 20)
#define OFFLOADED_KEEP_SIZE (UINT64_C (4) << 20)

static const ArecDecodeLimits postscript_limits = {.max_size = AREC_MAX_POSTSCRIPT_SIZE};

static bool
corrupt (const ArecSource *source, uint64_t offset, GError **error, const char *what)
{
    return arec_fail_place (error, AREC_ERROR_CORRUPT, source->name, offset, "%s", what);
}

/* A whole file ends with a block that holds its postscript. */
static bool
fail_cut_off (const ArecSource *source, GError **error)
{
    return arec_fail_place (error, AREC_ERROR_CORRUPT, source->name, source->size,
                            "no postscript at the end: the file is cut off");
}

/* *is_cut: the last block cannot hold a postscript, as it is the first one, or no whole block,
 * or a chunk goes on in it from the one before. Errors: those of the source. */
static bool
judge_end (ArecSource *source, bool *is_cut, GError **error)
{
    uint8_t raw[AREC_BLOCK_HEADER_SIZE];
    ArecBlockHeader header;

    *is_cut = source->size % AREC_BLOCK_SIZE != 0 || source->size == AREC_BLOCK_SIZE;
    if (*is_cut) {
        return true;
    }
    if (!arec_source_pread (source, raw, sizeof raw, source->size - AREC_BLOCK_SIZE, error)) {
        return false;
    }
    *is_cut = arec_block_header_parse (raw, &header) && header.previous_chunk > 0;
    return true;
}

/* What is read where no postscript can be says nothing, in whatever way it fails to be a chunk.
 * Takes over @cause. */
static bool
fail_to_load (ArecSource *source, GError *cause, GError **error)
{
    bool is_cut = false;

    if (arec_error_is_of_bytes (cause) && !judge_end (source, &is_cut, error)) {
        g_error_free (cause);
        return false;
    }
    if (is_cut) {
        g_error_free (cause);
        return fail_cut_off (source, error);
    }
    g_propagate_error (error, cause);
    return false;
}

bool
arec_postscript_read (ArecSource *source, uint64_t *footer_offset, GError **error)
{
    ArecChunkPlace place = {
        .source = source, .limit = source->size, .max_size = AREC_BLOCK_SIZE};
    g_autoptr (ArecChunk) chunk = NULL;
    GError *cause = NULL;
    ArecChunkHeader header;
    ArecPostscript postscript;

    if (source->size < AREC_BLOCK_SIZE) {
        return fail_cut_off (source, error);
    }
    place.begin = source->size - AREC_BLOCK_SIZE;
    if (!arec_chunk_load (&place, POSTSCRIPT_GUESS, &postscript_limits, &header, &chunk,
                          &cause)) {
        return fail_to_load (source, cause, error);
    }
    if (chunk->ends.n == 0 ||
        !arec_postscript_parse (arec_chunk_record (chunk, 0), &postscript) ||
        !postscript.has_magic || postscript.magic != AREC_POSTSCRIPT_MAGIC ||
        !postscript.has_footer_offset) {
        return corrupt (source, place.begin, error,
                        "this chunk is not the postscript of an ArrayRecord file");
    }
    if (postscript.footer_offset == 0 || postscript.footer_offset >= place.begin ||
        !arec_block_is_chunk_boundary (postscript.footer_offset)) {
        return arec_fail_place (error, AREC_ERROR_CORRUPT, source->name, place.begin,
                                "the postscript puts the footer at %" PRIu64
                                ", where it cannot be",
                                postscript.footer_offset);
    }
    *footer_offset = postscript.footer_offset;
    return true;
}

/* ---- the footer, record by record ---- */

typedef struct {
    const ArecSource *source;
    uint64_t offset;
    uint64_t n_chunks;           /* records after the first */
    ArecIndexFile *offloaded;    /* NULL: an index in memory */
    ArecFooterMetadata metadata; /* but its options, which are `options` */
    char *options;
    ArecIndexBuilder *builder;
    uint64_t n_entries; /* taken so far */
    uint64_t least_offset;
    uint64_t records_left;
} Footer;

static void
footer_clear (Footer *footer)
{
    g_free (footer->options);
    arec_index_builder_free (footer->builder);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Footer, footer_clear)

static bool
check_metadata (const Footer *footer, GError **error)
{
    const ArecFooterMetadata *metadata = &footer->metadata;

    if (!metadata->is_array_record) {
        return corrupt (footer->source, footer->offset, error,
                        "the footer is not that of an ArrayRecord file");
    }
    if (metadata->version != AREC_FOOTER_VERSION) {
        return arec_fail_place (error, AREC_ERROR_UNSUPPORTED, footer->source->name,
                                footer->offset,
                                "the footer has version %" PRIu32 ", expected %d",
                                metadata->version, AREC_FOOTER_VERSION);
    }
    if (metadata->num_chunks != footer->n_chunks) {
        return arec_fail_place (error, AREC_ERROR_CORRUPT, footer->source->name, footer->offset,
                                "the footer announces %" PRIu64 " chunks and lists %" PRIu64,
                                metadata->num_chunks, footer->n_chunks);
    }
    return true;
}

/* The name of the source in front of an error of the index's folder. */
static bool
fail_offloading (const Footer *footer, GError **error)
{
    g_prefix_error (error, "%s: ", footer->source->name);
    return false;
}

/* The first of @n_records records. */
static bool
footer_begin (Footer *footer, ArecBytes record, uint64_t n_records, GError **error)
{
    ArecFooterMetadata *metadata = &footer->metadata;

    footer->n_chunks = n_records - 1;
    if (!arec_footer_metadata_parse (record, metadata)) {
        return corrupt (footer->source, footer->offset, error, "this chunk is not a footer");
    }
    if (!check_metadata (footer, error)) {
        return false;
    }
    if (metadata->options) {
        footer->options = g_strndup ((const char *)metadata->options,
                                     MIN (metadata->options_size, AREC_MAX_WRITER_OPTIONS));
        metadata->options = NULL; /* the record does not stay */
    }
    footer->least_offset = 1;
    footer->records_left = metadata->num_records;
    footer->builder =
        footer->offloaded
            ? arec_index_builder_new_offloaded (footer->offloaded, footer->n_chunks, error)
            : arec_index_builder_new();
    return footer->builder || fail_offloading (footer, error);
}

/* Checks one entry against the chunk before it. Returns NULL or what is wrong. */
static const char *
entry_fault (const ArecFooterEntry *entry, uint64_t least_offset, uint64_t footer_offset,
             uint64_t records_left)
{
    if (!entry->has_chunk_offset) {
        return "has no chunk offset";
    }
    if (entry->chunk_offset < least_offset) {
        return "does not lie after the chunk before it";
    }
    if (entry->chunk_offset >= footer_offset) {
        return "does not lie before the footer";
    }
    if (!arec_block_is_chunk_boundary (entry->chunk_offset)) {
        return "cannot begin where the footer says";
    }
    if (entry->num_records == 0) {
        return "has no records";
    }
    if (entry->num_records > records_left) {
        return "has more records than the file";
    }
    return NULL;
}

/* The next record. */
static bool
footer_take (Footer *footer, ArecBytes record, GError **error)
{
    ArecFooterEntry entry;
    const char *fault =
        arec_footer_entry_parse (record, &entry)
            ? entry_fault (&entry, footer->least_offset, footer->offset, footer->records_left)
            : "is not a footer entry";

    if (fault) {
        return arec_fail_place (error, AREC_ERROR_CORRUPT, footer->source->name, footer->offset,
                                "in the footer, chunk %" PRIu64 " %s", footer->n_entries,
                                fault);
    }
    footer->n_entries++;
    footer->least_offset = entry.chunk_offset + 1;
    footer->records_left -= entry.num_records;
    return arec_index_builder_add (footer->builder, entry.chunk_offset, entry.decoded_data_size,
                                   entry.num_records, error) ||
           fail_offloading (footer, error);
}

/* Behind the last record. */
static bool
footer_end (Footer *footer, ArecFooter *out, GError **error)
{
    ArecIndex *index;

    if (footer->records_left > 0) {
        return arec_fail_place (error, AREC_ERROR_CORRUPT, footer->source->name, footer->offset,
                                "the footer announces %" PRIu64 " records and lists %" PRIu64,
                                footer->metadata.num_records,
                                footer->metadata.num_records - footer->records_left);
    }
    index =
        arec_index_builder_finish (g_steal_pointer (&footer->builder), footer->offset, error);
    if (!index) {
        return fail_offloading (footer, error);
    }
    out->index = index;
    out->options = g_steal_pointer (&footer->options);
    return true;
}

/* ---- where the records come from ---- */

/* The records of a chunk, one after the other: streamed, or of a chunk that is held whole. */
typedef struct {
    ArecChunkHeader header;
    ArecSimpleStream *stream;
    ArecChunk *chunk;
    uint64_t next; /* of the chunk */
} Records;

static void
records_clear (Records *records)
{
    arec_simple_stream_free (records->stream);
    arec_chunk_free (records->chunk);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Records, records_clear)

/* Bytes that @n_records records may take. */
static uint64_t
most_bytes (uint64_t n_records)
{
    return n_records < (UINT64_MAX - MAX_RECORD) / MAX_ENTRY
               ? MAX_RECORD + n_records * MAX_ENTRY
               : UINT64_MAX;
}

/* Whether a chunk at @offset may be a footer by what it says of itself. */
static bool
is_plausible (const ArecChunkHeader *header, uint64_t offset)
{
    return header->num_records <= offset &&
           header->decoded_data_size <= most_bytes (header->num_records);
}

/* A footer whose numbers cannot be right, or are not those of a writer, is not read. */
static bool
check_header (void *data, const ArecChunkHeader *header, GError **error)
{
    const ArecChunkPlace *place = data;

    if (header->num_records > place->begin) {
        return arec_fail_place (error, AREC_ERROR_CORRUPT, place->source->name, place->begin,
                                "the footer has %" PRIu64
                                " records, more than chunks can lie before it",
                                header->num_records);
    }
    return is_plausible (header, place->begin) ||
           arec_fail_place (error, AREC_ERROR_LIMIT, place->source->name, place->begin,
                            "the footer decodes to %" PRIu64 " bytes in %" PRIu64
                            " records, the limit for an entry is %d bytes",
                            header->decoded_data_size, header->num_records, MAX_ENTRY);
}

/* What a footer that is held whole may decode to. */
static uint64_t
limit_of_whole (const ArecChunkHeader *header, uint64_t max_size)
{
    uint64_t by_ratio = header->data_size < UINT64_MAX / MAX_WHOLE_RATIO
                            ? MAX (header->data_size * MAX_WHOLE_RATIO, LEAST_WHOLE_LIMIT)
                            : UINT64_MAX;

    return MIN (max_size, by_ratio);
}

/* Opens the chunk at @place. records->header is set also if the check finds that it is no
 * footer. */
static bool
records_open (Records *records, const ArecChunkPlace *place, const ArecDecodeLimits *limits,
              bool offloaded, GError **error)
{
    ArecChunkPlace streamed = *place;
    const ArecSimpleStreamOptions options = {
        .max_record_size = MIN (MAX_RECORD, limits->max_size),
        .keep_size = offloaded ? OFFLOADED_KEEP_SIZE : KEEP_SIZE,
        .check = check_header,
        .data = &streamed};
    ArecDecodeLimits whole = *limits;

    streamed.max_size = AREC_MAX_STREAMED_SIZE;
    if (!arec_simple_stream_open (&streamed, &options, &records->header, &records->stream,
                                  error)) {
        return false;
    }
    whole.max_size = limit_of_whole (&records->header, limits->max_size);
    return records->stream ||
           arec_chunk_load (place, records->header.end - place->begin, &whole, &records->header,
                            &records->chunk, error);
}

/* The next record, of which there is one; it stays until the next call. */
static bool
records_next (Records *records, ArecBytes *record, GError **error)
{
    if (records->stream) {
        return arec_simple_stream_next (records->stream, record, error);
    }
    *record = arec_chunk_record (records->chunk, records->next++);
    return true;
}

static bool
records_end (const Records *records, GError **error)
{
    return !records->stream || arec_simple_stream_end (records->stream, error);
}

static bool
read_all (Records *records, Footer *footer, ArecFooter *out, GError **error)
{
    uint64_t n = records->header.num_records;
    ArecBytes record;

    out->header = records->header;
    if (n == 0) {
        return records_end (records, error) &&
               corrupt (footer->source, footer->offset, error, "this chunk is not a footer");
    }
    if (!records_next (records, &record, error) || !footer_begin (footer, record, n, error)) {
        return false;
    }
    for (uint64_t i = 1; i < n; i++) {
        if (!records_next (records, &record, error) || !footer_take (footer, record, error)) {
            return false;
        }
    }
    return records_end (records, error) && footer_end (footer, out, error);
}

bool
arec_footer_read (ArecSource *source, uint64_t footer_offset, uint64_t limit,
                  const ArecDecodeLimits *limits, ArecIndexFile *offloaded, ArecFooter *out,
                  GError **error)
{
    const ArecChunkPlace place = {
        .source = source, .begin = footer_offset, .limit = limit, .max_size = limits->max_size};
    g_auto (Footer)
        footer = {.source = source, .offset = footer_offset, .offloaded = offloaded};
    g_auto (Records) records = {0};

    return records_open (&records, &place, limits, offloaded != NULL, error) &&
           read_all (&records, &footer, out, error);
}

/* Whether @record is the first of a footer of @n_records records. */
static bool
is_first_of_footer (ArecBytes record, uint64_t n_records)
{
    ArecFooterMetadata metadata;

    return arec_footer_metadata_parse (record, &metadata) && metadata.is_array_record &&
           metadata.version == AREC_FOOTER_VERSION && metadata.num_chunks == n_records - 1;
}

bool
arec_footer_probe (ArecSource *source, uint64_t begin, uint64_t limit,
                   const ArecDecodeLimits *limits, ArecFooterLooks *looks, GError **error)
{
    const ArecChunkPlace place = {
        .source = source, .begin = begin, .limit = limit, .max_size = limits->max_size};
    g_auto (Records) records = {0};
    GError *cause = NULL;
    ArecBytes record;

    if (records_open (&records, &place, limits, true, &cause) &&
        (records.header.num_records == 0 || records_next (&records, &record, &cause))) {
        *looks = records.header.num_records > 0 &&
                         is_first_of_footer (record, records.header.num_records)
                     ? AREC_LOOKS_LIKE_FOOTER
                     : AREC_LOOKS_LIKE_RECORDS;
        return true;
    }
    if (!arec_error_is_of_bytes (cause)) {
        g_propagate_error (error, cause);
        return false;
    }
    *looks = g_error_matches (cause, AREC_ERROR, AREC_ERROR_LIMIT) ||
                     !is_plausible (&records.header, begin)
                 ? AREC_LOOKS_LIKE_RECORDS
                 : AREC_LOOKS_DAMAGED;
    g_error_free (cause);
    return true;
}
