#include "inspect/inspector.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "arrayrecord/footer_reader.h"
#include "base/error.h"
#include "base/phases.h"
#include "inspect/inspect_chunk.h"
#include "inspect/inspect_walk.h"
#include "inspect/inspector_inside.h"

/* Batches for each thread in the pipeline at the same time: one at work, one to go on with. */
#define BATCHES_PER_THREAD 2

static void
work_on_batch (void *data, void *batch)
{
    ArecPhaseMark mark = arec_phases_enter (AREC_PHASE_DECODING);

    for (GList *link = ((GQueue *)batch)->head; link; link = link->next) {
        arec_inspect_chunk_work (data, link->data);
    }
    arec_phases_leave (mark);
}

static void
free_batch (void *batch)
{
    if (batch) {
        g_queue_free_full (batch, arec_inspect_chunk_free);
    }
}

static bool
fill (ArecInspector *inspector, GError **error)
{
    while (arec_pipeline_has_room (inspector->pipeline)) {
        if (!arec_inspect_walk_on (inspector, error)) {
            return false;
        }
        if (inspector->pending->length == 0) {
            break;
        }
        arec_pipeline_put (inspector->pipeline, inspector->pending);
        inspector->pending = g_queue_new();
        inspector->pending_size = 0;
    }
    return true;
}

/* The next job that is done, in the order of the file; NULL at the end. */
static bool
take_job (ArecInspector *inspector, ArecInspectorJob **job, GError **error)
{
    if (!inspector->batch || inspector->batch->length == 0) {
        ArecPhaseMark mark;

        g_clear_pointer (&inspector->batch, free_batch);
        if (!fill (inspector, error)) {
            return false;
        }
        mark = arec_phases_enter (AREC_PHASE_WAITING_DECODING);
        inspector->batch = arec_pipeline_take (inspector->pipeline);
        arec_phases_leave (mark);
    }
    *job = inspector->batch ? g_queue_pop_head (inspector->batch) : NULL;
    return true;
}

/* Notes why the postscript is unusable, if it is.
 * @recovers  false: fails if the file is still being written. */
static bool
look_for_postscript (ArecInspector *inspector, bool recovers, GError **error)
{
    GError *cause = NULL;
    uint64_t footer_offset;

    if (arec_shard_kind (inspector->shard) != AREC_KIND_ARRAY_RECORD ||
        arec_postscript_read (inspector->source, &footer_offset, &cause)) {
        return true;
    }
    if (!arec_error_is_of_bytes (cause)) {
        g_propagate_error (error, cause);
        return false;
    }
    if (!recovers && arec_source_is_being_written (inspector->source)) {
        arec_fail (error, AREC_ERROR_CORRUPT, "%s; " AREC_GROWING, cause->message);
        g_error_free (cause);
        return false;
    }
    inspector->postscript_fault =
        arec_error_reason_at (cause, inspector->origin.postscript_offset);
    g_error_free (cause);
    return true;
}

/* The order matters. The shard takes @source over even if it fails, and says where the index is
 * from, which the postscript's fault and the walk depend on. The pipeline comes last, because
 * its threads use all the rest. */
ArecInspector *
arec_inspector_new (ArecSource *source, const ArecShardOptions *shard_options,
                    const ArecInspectorOptions *options, GError **error)
{
    g_autoptr (ArecInspector) inspector = g_new0 (ArecInspector, 1);
    ArecShardOptions open_options = *shard_options;
    unsigned n_threads =
        options->n_threads > 0 ? options->n_threads : (unsigned)sysconf (_SC_NPROCESSORS_ONLN);

    open_options.recover = true;
    open_options.offloaded = NULL; /* an index in memory cannot fail when it is asked */
    inspector->options = *options;
    inspector->source = source;
    inspector->limits = arec_decode_limits_resolve (&shard_options->limits);
    inspector->shard = arec_shard_open (source, &open_options, error);
    if (!inspector->shard) {
        return NULL;
    }
    inspector->index = arec_shard_index (inspector->shard);
    arec_shard_origin (inspector->shard, &inspector->origin);
    if (!look_for_postscript (inspector, shard_options->recover, error)) {
        return NULL;
    }
    if (arec_index_n_chunks (inspector->index) == 0 && !inspector->origin.is_listed &&
        !arec_shard_find_foreign_name (inspector->shard, &inspector->foreign, error)) {
        return NULL;
    }
    inspector->scan =
        arec_scan_index_walk (source, inspector->origin.announced_footer,
                              inspector->origin.announced_footer > 0
                                  ? inspector->origin.postscript_offset
                                  : 0); /* the scan finds any other postscript by itself */
    inspector->pending = g_queue_new();
    inspector->pipeline =
        arec_pipeline_new (n_threads, n_threads * BATCHES_PER_THREAD, work_on_batch, inspector);
    return g_steal_pointer (&inspector);
}

void
arec_inspector_free (ArecInspector *inspector)
{
    if (!inspector) {
        return;
    }
    arec_pipeline_free (inspector->pipeline, free_batch);
    free_batch (inspector->pending);
    free_batch (inspector->batch);
    arec_inspect_chunk_free (inspector->current);
    arec_chunk_scan_free (inspector->scan);
    arec_shard_free (inspector->shard);
    g_free (inspector->postscript_fault);
    g_free (inspector);
}

ArecShard *
arec_inspector_shard (ArecInspector *inspector)
{
    return inspector->shard;
}

uint64_t
arec_inspector_position (const ArecInspector *inspector)
{
    return inspector->position;
}

static ArecDamage
damage_of (const ArecInspectorJob *job)
{
    return (ArecDamage){.offset = job->begin,
                        .length = job->end - job->begin,
                        .reason = job->reason,
                        .knows_first_record = true,
                        .first_record = job->first_record,
                        .knows_n_records = job->knows_n_records,
                        .n_records = job->n_records,
                        .is_foreign = job->is_foreign,
                        .is_restorable = job->is_restorable};
}

/* The damage that is reported last, if all chunks are sound but the index cannot be used: the
 * footer is not where the postscript says, or lists other chunks. NULL: there is none. */
static ArecInspectorJob *
unusable_index (ArecInspector *inspector)
{
    uint64_t size = inspector->source->size;
    ArecInspectorJob *job;

    if (inspector->has_reported_damage || !inspector->origin.is_recovered) {
        return NULL;
    }
    job = g_new0 (ArecInspectorJob, 1);
    job->begin =
        inspector->origin.postscript_offset > 0 ? inspector->origin.postscript_offset : size;
    job->end = size;
    job->is_damage = true;
    job->reason = g_strdup ("no footer lists the chunks of this file");
    job->first_record = inspector->next_record;
    return job;
}

/* A restorable chunk is given twice, as a damage and then as a chunk. At the end the file is
 * asked once more whether it is still the same: a report about a mixture would be worthless. */
bool
arec_inspector_next (ArecInspector *inspector, ArecInspectStep *step, ArecInspectedChunk *chunk,
                     ArecDamage *damage, GError **error)
{
    ArecInspectorJob *job = inspector->current;
    bool again = job && job->reports_twice;

    if (again) {
        job->reports_twice = false;
    } else {
        g_clear_pointer (&inspector->current, arec_inspect_chunk_free);
        if (!take_job (inspector, &job, error)) {
            return false;
        }
        inspector->current = job;
    }
    if (!job) {
        job = inspector->current = unusable_index (inspector);
    }
    if (!job) {
        *step = AREC_INSPECT_END;
        return arec_shard_check (inspector->shard, error);
    }
    if (job->failure) {
        g_propagate_error (error, g_steal_pointer (&job->failure));
        return false;
    }
    inspector->position = MAX (inspector->position, job->end);
    if (job->is_damage || job->reports_twice) {
        *step = AREC_INSPECT_DAMAGE;
        *damage = damage_of (job);
        inspector->has_reported_damage = true;
    } else {
        *step = AREC_INSPECT_CHUNK;
        *chunk = (ArecInspectedChunk){.role = job->role,
                                      .begin = job->begin,
                                      .first_record = job->first_record,
                                      .header = job->header,
                                      .data = job->data,
                                      .chunk = job->chunk};
    }
    return true;
}
