#include "arrayrecord/footer_reader.h"

#include <inttypes.h>

#include "arrayrecord/footer.h"
#include "base/error.h"
#include "base/limits.h"
#include "riegeli/block.h"
#include "riegeli/chunk.h"
#include "riegeli/simple_stream.h"

/* What a postscript chunk takes in the file, block header included: fetched in one read. */
#define POSTSCRIPT_GUESS 128

static const ArecDecodeLimits postscript_limits = {.max_size =
                                                       AREC_BLOCK_SIZE * AREC_BLOCK_SIZE};

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

/* What is read where no block begins says nothing, in whatever way it fails to be a chunk.
 * Takes over @cause. */
static bool
fail_to_load (const ArecSource *source, GError *cause, GError **error)
{
    if (arec_error_is_of_bytes (cause) && source->size % AREC_BLOCK_SIZE != 0) {
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
    uint64_t n_chunks;           /* records behind the first */
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

/* The name of the source in front of an error that tells of the index's folder. */
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
        return "does not lie behind the chunk before it";
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

static bool
read_whole (const ArecChunkPlace *place, const ArecDecodeLimits *limits, Footer *footer,
            ArecFooter *out, GError **error)
{
    g_autoptr (ArecChunk) chunk = NULL;

    if (!arec_chunk_load (place, 0, limits, &out->header, &chunk, error)) {
        return false;
    }
    if (chunk->ends.n == 0) {
        return corrupt (footer->source, footer->offset, error, "this chunk is not a footer");
    }
    if (!footer_begin (footer, arec_chunk_record (chunk, 0), chunk->ends.n, error)) {
        return false;
    }
    for (uint64_t i = 1; i < chunk->ends.n; i++) {
        if (!footer_take (footer, arec_chunk_record (chunk, i), error)) {
            return false;
        }
    }
    return footer_end (footer, out, error);
}

static bool
read_stream (ArecSimpleStream *stream, Footer *footer, ArecFooter *out, GError **error)
{
    ArecBytes record;

    if (out->header.num_records == 0) {
        return arec_simple_stream_end (stream, error) &&
               corrupt (footer->source, footer->offset, error, "this chunk is not a footer");
    }
    if (!arec_simple_stream_next (stream, &record, error) ||
        !footer_begin (footer, record, out->header.num_records, error)) {
        return false;
    }
    for (uint64_t i = 1; i < out->header.num_records; i++) {
        if (!arec_simple_stream_next (stream, &record, error) ||
            !footer_take (footer, record, error)) {
            return false;
        }
    }
    return arec_simple_stream_end (stream, error) && footer_end (footer, out, error);
}

bool
arec_footer_read (ArecSource *source, uint64_t footer_offset, uint64_t limit,
                  const ArecDecodeLimits *limits, ArecIndexFile *offloaded, ArecFooter *out,
                  GError **error)
{
    ArecChunkPlace place = {
        .source = source, .begin = footer_offset, .limit = limit, .max_size = limits->max_size};
    g_auto (Footer)
        footer = {.source = source, .offset = footer_offset, .offloaded = offloaded};
    g_autoptr (ArecSimpleStream) stream = NULL;
    ArecChunkPlace streamed = place;

    /* What is offloaded to spare memory does not go through memory as a whole, unless its form
     * leaves no choice. */
    streamed.max_size = AREC_MAX_STREAMED_SIZE;
    if (offloaded &&
        !arec_simple_stream_open (&streamed, limits->max_size, &out->header, &stream, error)) {
        return false;
    }
    return stream ? read_stream (stream, &footer, out, error)
                  : read_whole (&place, limits, &footer, out, error);
}
