#include "arrayrecord/footer_reader.h"

#include <inttypes.h>

#include "arrayrecord/footer.h"
#include "base/error.h"
#include "base/limits.h"
#include "riegeli/block.h"
#include "riegeli/chunk.h"

/* What a postscript chunk takes in the file, block header included: fetched in one read. */
#define POSTSCRIPT_GUESS 128

static const ArecDecodeLimits postscript_limits = {.max_size =
                                                       AREC_BLOCK_SIZE * AREC_BLOCK_SIZE};

static bool
corrupt (const ArecSource *source, uint64_t offset, GError **error, const char *what)
{
    return arec_fail (error, AREC_ERROR_CORRUPT, "%s: at %" PRIu64 ": %s", source->name, offset,
                      what);
}

bool
arec_postscript_read (ArecSource *source, uint64_t *footer_offset, GError **error)
{
    ArecChunkPlace place = {
        .source = source, .limit = source->size, .max_size = AREC_BLOCK_SIZE};
    g_autoptr (ArecChunk) chunk = NULL;
    ArecChunkHeader header;
    ArecPostscript postscript;

    if (source->size < AREC_BLOCK_SIZE) {
        return arec_fail (error, AREC_ERROR_CORRUPT,
                          "%s: at %" PRIu64 ": the file ends here, expected a postscript in its"
                          " last %" PRIu64 " bytes",
                          source->name, source->size, AREC_BLOCK_SIZE);
    }
    place.begin = source->size - AREC_BLOCK_SIZE;
    if (!arec_chunk_load (&place, POSTSCRIPT_GUESS, &postscript_limits, &header, &chunk,
                          error)) {
        return false;
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
        return arec_fail (error, AREC_ERROR_CORRUPT,
                          "%s: at %" PRIu64 ": the postscript puts the footer at %" PRIu64
                          ", where it cannot be",
                          source->name, place.begin, postscript.footer_offset);
    }
    *footer_offset = postscript.footer_offset;
    return true;
}

static bool
check_metadata (const ArecSource *source, uint64_t footer_offset, const ArecChunk *footer,
                const ArecFooterMetadata *metadata, GError **error)
{
    if (!metadata->is_array_record) {
        return corrupt (source, footer_offset, error,
                        "the footer is not that of an ArrayRecord file");
    }
    if (metadata->version != AREC_FOOTER_VERSION) {
        return arec_fail (error, AREC_ERROR_UNSUPPORTED,
                          "%s: at %" PRIu64 ": the footer has version %" PRIu32 ", expected %d",
                          source->name, footer_offset, metadata->version, AREC_FOOTER_VERSION);
    }
    if (metadata->num_chunks != footer->ends.n - 1) {
        return arec_fail (
            error, AREC_ERROR_CORRUPT,
            "%s: at %" PRIu64 ": the footer announces %" PRIu64 " chunks and lists %" PRIu64,
            source->name, footer_offset, metadata->num_chunks, footer->ends.n - 1);
    }
    return true;
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

static ArecIndex *
build_index (const ArecSource *source, uint64_t footer_offset, const ArecChunk *footer,
             const ArecFooterMetadata *metadata, GError **error)
{
    g_autoptr (ArecIndexBuilder) builder = arec_index_builder_new();
    uint64_t least_offset = 1, records_left = metadata->num_records;

    for (uint64_t i = 1; i < footer->ends.n; i++) {
        ArecFooterEntry entry;
        const char *fault =
            arec_footer_entry_parse (arec_chunk_record (footer, i), &entry)
                ? entry_fault (&entry, least_offset, footer_offset, records_left)
                : "is not a footer entry";

        if (fault) {
            arec_fail (error, AREC_ERROR_CORRUPT,
                       "%s: at %" PRIu64 ": in the footer, chunk %" PRIu64 " %s", source->name,
                       footer_offset, i - 1, fault);
            return NULL;
        }
        arec_index_builder_add (builder, entry.chunk_offset, entry.decoded_data_size,
                                entry.num_records);
        least_offset = entry.chunk_offset + 1;
        records_left -= entry.num_records;
    }
    if (records_left > 0) {
        arec_fail (error, AREC_ERROR_CORRUPT,
                   "%s: at %" PRIu64 ": the footer announces %" PRIu64
                   " records and lists %" PRIu64,
                   source->name, footer_offset, metadata->num_records,
                   metadata->num_records - records_left);
        return NULL;
    }
    return arec_index_builder_finish (g_steal_pointer (&builder), footer_offset);
}

bool
arec_footer_read (ArecSource *source, uint64_t footer_offset, uint64_t limit,
                  const ArecDecodeLimits *limits, ArecFooter *out, GError **error)
{
    ArecChunkPlace place = {
        .source = source, .begin = footer_offset, .limit = limit, .max_size = limits->max_size};
    g_autoptr (ArecChunk) footer = NULL;
    ArecChunkHeader header;
    ArecFooterMetadata metadata;
    ArecIndex *index;

    if (!arec_chunk_load (&place, 0, limits, &header, &footer, error)) {
        return false;
    }
    if (footer->ends.n == 0 ||
        !arec_footer_metadata_parse (arec_chunk_record (footer, 0), &metadata)) {
        return corrupt (source, footer_offset, error, "this chunk is not a footer");
    }
    if (!check_metadata (source, footer_offset, footer, &metadata, error)) {
        return false;
    }
    index = build_index (source, footer_offset, footer, &metadata, error);
    if (!index) {
        return false;
    }
    out->index = index;
    out->options = metadata.options
                       ? g_strndup ((const char *)metadata.options,
                                    MIN (metadata.options_size, AREC_MAX_WRITER_OPTIONS))
                       : NULL;
    return true;
}
