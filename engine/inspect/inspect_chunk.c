#include "inspect/inspect_chunk.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "riegeli/block.h"

void
arec_inspect_chunk_free (void *data)
{
    ArecInspectorJob *job = data;

    if (!job) {
        return;
    }
    g_free (job->reason);
    g_free (job->memory);
    arec_chunk_free (job->chunk);
    g_clear_error (&job->failure);
    g_free (job);
}

static bool
check_listed (const ArecInspector *inspector, const ArecInspectorJob *job, GError **error)
{
    if (!job->is_listed || (job->header.num_records == job->n_records &&
                            job->header.decoded_data_size == job->decoded_size)) {
        return true;
    }
    return arec_fail_place (error, AREC_ERROR_CORRUPT, inspector->source->name, job->begin,
                            "the chunk has %" PRIu64 " records of %" PRIu64
                            " bytes in all, the footer says %" PRIu64 " of %" PRIu64,
                            job->header.num_records, job->header.decoded_data_size,
                            job->n_records, job->decoded_size);
}

/* Decodes the data of a chunk by its type. Takes the memory of @stored over. */
static bool
decode (const ArecInspector *inspector, ArecStoredChunk *stored, ArecInspectorJob *job,
        GError **error)
{
    const ArecChunkPlace *place = stored->place;

    switch (job->header.type) {
    case AREC_CHUNK_METADATA:
        return arec_chunk_decode_metadata (stored, &inspector->limits, &job->chunk, error);
    case AREC_CHUNK_SIMPLE:
    case AREC_CHUNK_TRANSPOSED:
        return arec_chunk_decode (stored, &inspector->limits, &job->chunk, error);
    case AREC_CHUNK_SIGNATURE:
    case AREC_CHUNK_PADDING:
        g_free (stored->memory);
        return (job->header.num_records == 0 && job->header.decoded_data_size == 0) ||
               arec_fail_place (error, AREC_ERROR_CORRUPT, place->source->name, place->begin,
                                "a chunk of type 0x%02x announces %" PRIu64 " records",
                                job->header.type, job->header.num_records);
    default:
        g_free (stored->memory);
        return job->header.num_records == 0 ||
               arec_fail_place (error, AREC_ERROR_UNSUPPORTED, place->source->name,
                                place->begin,
                                "unknown chunk type 0x%02x with %" PRIu64 " records",
                                job->header.type, job->header.num_records);
    }
}

static bool
read_chunk (const ArecInspector *inspector, ArecInspectorJob *job, bool lenient, GError **error)
{
    const ArecChunkPlace place = {.source = inspector->source,
                                  .begin = job->begin,
                                  .limit = job->end,
                                  .max_size = inspector->limits.max_size,
                                  .lenient = lenient};
    ArecStoredChunk stored = {.place = &place, .header = &job->header};

    if (!arec_chunk_read (&stored, job->end - job->begin, error)) {
        return false;
    }
    if (job->is_indexed) {
        arec_shard_note_read (inspector->shard, job->chunk_number, &job->header);
    }
    if (!check_listed (inspector, job, error)) {
        g_free (stored.memory);
        return false;
    }
    if (inspector->options.keeps_data) {
        job->memory = g_try_malloc (MAX (job->header.data_size, 1));
        if (!job->memory) {
            g_free (stored.memory);
            return arec_fail (error, AREC_ERROR_NOMEM, "no memory for %" PRIu64 " stored bytes",
                              job->header.data_size);
        }
        memcpy (job->memory, stored.data, job->header.data_size);
        job->data = job->memory;
    }
    return decode (inspector, &stored, job, error);
}

static void
drop_data (ArecInspectorJob *job)
{
    g_clear_pointer (&job->memory, g_free);
    g_clear_pointer (&job->chunk, arec_chunk_free);
    job->data = NULL;
}

/* @reason  taken over; dropped if the job has one already, which is closer to the cause. */
static void
turn_into_damage (ArecInspectorJob *job, char *reason)
{
    job->is_damage = true;
    if (job->reason) {
        g_free (reason);
    } else {
        job->reason = reason;
    }
    drop_data (job);
}

/* Whether block headers may be the only damaged part of a chunk: errors about the chunk itself
 * have its own offset. */
static bool
is_of_block_header (const GError *error)
{
    const char *reason;
    uint64_t offset;

    return g_error_matches (error, AREC_ERROR, AREC_ERROR_CORRUPT) &&
           arec_error_place (error, &offset, &reason) && offset % AREC_BLOCK_SIZE == 0;
}

/* Reads the chunk as a reader would; if that fails only because of block headers, reads it
 * again without checking them. A job that has a reason already would fail the first way. */
static bool
read_or_restore (const ArecInspector *inspector, ArecInspectorJob *job, GError **error)
{
    g_autoptr (GError) strict = NULL;
    GError *lenient = NULL;

    if (!job->reason) {
        if (read_chunk (inspector, job, false, &strict)) {
            return true;
        }
        if (!is_of_block_header (strict)) {
            g_propagate_error (error, g_steal_pointer (&strict));
            return false;
        }
        job->reason = arec_error_reason_at (strict, job->begin);
        drop_data (job);
    }
    job->is_restorable = true;
    if (read_chunk (inspector, job, true, &lenient)) {
        return true;
    }
    job->is_restorable = g_error_matches (lenient, AREC_ERROR, AREC_ERROR_LIMIT) && job->data;
    g_propagate_error (error, lenient);
    return false;
}

void
arec_inspect_chunk_work (const ArecInspector *inspector, ArecInspectorJob *job)
{
    const ArecInspectorOptions *options = &inspector->options;
    GError *error = NULL;

    if (job->is_damage) {
        return;
    }
    if (!read_or_restore (inspector, job, &error)) {
        if (g_error_matches (error, AREC_ERROR, AREC_ERROR_LIMIT) && job->data &&
            !options->keeps_records) {
            g_clear_error (&error); /* too large to decode, but its hash has matched */
        } else if (arec_error_is_of_bytes (error)) {
            turn_into_damage (job, arec_error_reason_at (error, job->begin));
            g_clear_error (&error);
        } else {
            job->failure = error;
        }
    }
    if (job->is_restorable && !job->is_damage && !job->failure) {
        job->reports_twice = options->lenient;
        job->is_damage = !options->lenient;
    }
    if (!options->keeps_records) {
        g_clear_pointer (&job->chunk, arec_chunk_free);
    }
}
