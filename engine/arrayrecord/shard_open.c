/* From a source to its index: by the postscript, by a scan, or not at all, with the reason. */
#include <inttypes.h>

#include "arrayrecord/footer_reader.h"
#include "arrayrecord/foreign.h"
#include "arrayrecord/shard.h"
#include "arrayrecord/shard_inside.h"
#include "base/error.h"
#include "base/limits.h"
#include "riegeli/block.h"

/* Whether the file begins as every Riegeli/records file does. false with *error set: the system
 * failed to read it. */
static bool
has_signature (ArecSource *source, GError **error)
{
    ArecChunkPlace place = {.source = source, .limit = source->size, .max_size = 0};
    ArecChunkHeader header;
    GError *cause = NULL;

    if (!arec_chunk_read_header (&place, &header, &cause)) {
        if (arec_error_is_of_bytes (cause)) {
            g_clear_error (&cause);
        } else {
            g_propagate_error (error, cause);
        }
        return false;
    }
    return header.type == AREC_CHUNK_SIGNATURE && header.data_size == 0 &&
           header.num_records == 0 && header.decoded_data_size == 0;
}

static bool
fail_foreign (const ArecSource *source, ArecError code, const char *name, GError **error)
{
    return arec_fail_place (error, code, source->name, 0, "%s, not an ArrayRecord file", name);
}

static bool
fail_unknown (ArecSource *source, GError **error)
{
    const char *foreign;

    if (!arec_foreign_find (source, &foreign, error)) {
        return false;
    }
    if (arec_source_is_being_written (source)) {
        return arec_fail_place (error, AREC_ERROR_FORMAT, source->name, 0, "%s; " AREC_GROWING,
                                foreign ? foreign : "no Riegeli/records signature");
    }
    if (foreign) {
        return fail_foreign (source, AREC_ERROR_FORMAT, foreign, error);
    }
    return arec_fail_place (error, AREC_ERROR_FORMAT, source->name, 0,
                            "neither an ArrayRecord postscript at the end nor a"
                            " Riegeli/records signature at the start");
}

static bool
open_indexed (ArecShard *shard, uint64_t footer_offset, uint64_t footer_limit, GError **error)
{
    ArecFooter footer;

    if (!arec_footer_read (shard->source, footer_offset, footer_limit, &shard->limits,
                           shard->offloaded, &footer, error)) {
        return false;
    }
    shard->kind = AREC_KIND_ARRAY_RECORD;
    shard->is_listed = true;
    shard->footer_offset = footer_offset;
    shard->index = footer.index;
    shard->options = footer.options;
    arec_seen_chunks_note_other (shard->seen, AREC_SEEN_FOOTER, footer_offset, &footer.header);
    return true;
}

/* Fails with the damage of @why and the commands that can help. */
static bool
fail_damaged (ArecSource *source, const GError *why, GError **error)
{
    const char *foreign;

    if (arec_source_is_being_written (source)) {
        return arec_fail (error, AREC_ERROR_CORRUPT, "%s; " AREC_GROWING, why->message);
    }
    if (!arec_foreign_find (source, &foreign, error)) {
        return false;
    }
    if (foreign) {
        return fail_foreign (source, AREC_ERROR_CORRUPT, foreign, error);
    }
    return arec_fail (error, AREC_ERROR_CORRUPT,
                      "%s; 'arecfs --recover' mounts what a scan of the damaged file finds,"
                      " 'arec repair' makes a sound copy",
                      why->message);
}

/* The options of a plain Riegeli/records file are in its metadata, if anywhere. */
static bool
take_options_of_metadata (ArecShard *shard, GError **error)
{
    g_autoptr (ArecChunk) chunk = NULL;
    ArecMetadataMessage metadata = {0};
    GError *cause = NULL;

    if (!arec_shard_load_metadata (shard, &metadata, &chunk, &cause)) {
        if (!arec_error_is_of_bytes (cause)) {
            g_propagate_error (error, cause);
            return false;
        }
        g_clear_error (&cause); /* damaged metadata costs no record */
    }
    if (chunk && metadata.record_writer_options.at) {
        shard->options =
            g_strndup ((const char *)metadata.record_writer_options.at,
                       MIN (metadata.record_writer_options.size, AREC_MAX_WRITER_OPTIONS));
    }
    return true;
}

/* Makes an index by a scan for a file without a usable one. @why (nullable) says why the
 * index of an ArrayRecord file cannot be used. */
static bool
open_scanned (ArecShard *shard, const ArecShardOptions *options, const GError *why,
              GError **error)
{
    const ArecScanIndexOptions scan = {
        .limits = &shard->limits,
        .keep_bookkeeping = options->kind == AREC_KIND_RIEGELI,
        .footer_offset = shard->announced_footer,
        .postscript_offset = shard->postscript_offset,
        .offloaded = shard->offloaded,
        .progress = options->progress,
        .progress_data = options->progress_data,
    };
    ArecScanFindings *found = &shard->findings;

    if (!arec_scan_index (shard->source, &scan, found, error)) {
        return false;
    }
    shard->postscript_offset = found->postscript_offset;
    if (why && (found->has_footer || found->has_damaged_footer) && !options->recover) {
        return fail_damaged (shard->source, why, error);
    }
    if (found->has_footer) {
        shard->is_recovered = true;
        return open_indexed (shard, found->footer_begin, found->footer_end, error);
    }
    shard->is_recovered = options->recover && (found->gaps.n > 0 || shard->is_array_record ||
                                               found->has_damaged_footer);
    if (found->has_damaged_footer) {
        shard->footer_offset = found->footer_begin;
    } else if (shard->announced_footer >= found->end) {
        shard->footer_offset = shard->announced_footer; /* its very header is damaged */
    }
    shard->kind = shard->is_array_record || found->has_damaged_footer ? AREC_KIND_ARRAY_RECORD
                                                                      : AREC_KIND_RIEGELI;
    shard->index = g_steal_pointer (&found->index);
    return shard->kind == AREC_KIND_ARRAY_RECORD || take_options_of_metadata (shard, error);
}

/* There is no valid postscript, for the reason @why: finds out what the file is. */
static bool
open_without_postscript (ArecShard *shard, const ArecShardOptions *options, const GError *why,
                         GError **error)
{
    GError *failure = NULL;
    bool looks_like_riegeli;

    if (shard->is_array_record && !options->recover) {
        return fail_damaged (shard->source, why, error);
    }
    looks_like_riegeli = has_signature (shard->source, &failure);
    if (failure) {
        g_propagate_error (error, failure);
        return false;
    }
    if (!looks_like_riegeli && !options->recover) {
        return fail_unknown (shard->source, error);
    }
    if (!open_scanned (shard, options, why, error)) {
        return false;
    }
    return looks_like_riegeli || shard->is_array_record ||
           arec_index_n_chunks (shard->index) > 0 || fail_unknown (shard->source, error);
}

/* Every chunk with records counts, whatever the file says of itself at its end. */
static bool
open_riegeli (ArecShard *shard, const ArecShardOptions *options, GError **error)
{
    GError *failure = NULL;

    if (!has_signature (shard->source, &failure) && !options->recover) {
        if (failure) {
            g_propagate_error (error, failure);
            return false;
        }
        return arec_fail (
            error, AREC_ERROR_FORMAT,
            "%s: at 0: no Riegeli/records signature (arecfs --recover mounts what a"
            " scan finds)",
            shard->source->name);
    }
    g_clear_error (&failure);
    return open_scanned (shard, options, NULL, error);
}

/* The file's own way: postscript, footer; and what is left when one of them fails. */
static bool
open_by_postscript (ArecShard *shard, const ArecShardOptions *options, GError **error)
{
    ArecSource *source = shard->source;
    g_autoptr (GError) cause = NULL;
    uint64_t footer_offset;

    if (!arec_postscript_read (source, &footer_offset, &cause)) {
        if (arec_error_is_of_bytes (cause)) {
            return open_without_postscript (shard, options, cause, error);
        }
        g_propagate_error (error, g_steal_pointer (&cause)); /* nothing is known of the file */
        return false;
    }
    shard->is_array_record = true;
    shard->announced_footer = footer_offset;
    shard->postscript_offset = source->size - AREC_BLOCK_SIZE;
    if (open_indexed (shard, footer_offset, source->size - AREC_BLOCK_SIZE, &cause)) {
        return true;
    }
    if (!g_error_matches (cause, AREC_ERROR, AREC_ERROR_CORRUPT)) {
        g_propagate_error (error, g_steal_pointer (&cause));
        return false;
    }
    return options->recover ? open_scanned (shard, options, cause, error)
                            : fail_damaged (source, cause, error);
}

ArecShard *
arec_shard_open (ArecSource *source, const ArecShardOptions *options, GError **error)
{
    g_autoptr (ArecShard) shard = g_new0 (ArecShard, 1);
    bool ok;

    shard->source = source;
    shard->seen = arec_seen_chunks_new (source);
    /* Whatever an opening does for long, it reads: footers, scans. */
    source->cancel = options->cancel;
    shard->limits = arec_decode_limits_resolve (&options->limits);
    shard->offloaded = options->offloaded;
    shard->is_array_record = options->kind == AREC_KIND_ARRAY_RECORD ||
                             (options->kind == AREC_KIND_AUTO && options->name_is_array_record);
    ok = options->kind == AREC_KIND_RIEGELI ? open_riegeli (shard, options, error)
                                            : open_by_postscript (shard, options, error);
    if (!ok ||
        !arec_seen_chunks_set_index (shard->seen, shard->index, shard->offloaded != NULL,
                                     error) ||
        !arec_shard_check (shard, error)) {
        return NULL;
    }
    source->cancel = NULL; /* from now on it is shared */
    return g_steal_pointer (&shard);
}
