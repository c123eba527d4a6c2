#include "dataset/inspector.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "arrayrecord/footer_reader.h"
#include "base/error.h"
#include "base/pipeline.h"
#include "riegeli/block.h"
#include "riegeli/chunk_scan.h"

/* Batches for each thread that are inside at the same time: one at work, one to go on with. */
#define BATCHES_PER_THREAD 2

/* A thread gets this many jobs at once, or as many as have this many stored bytes: handing over
 * costs more than a small chunk does. */
#define BATCH_JOBS 64
#define BATCH_SIZE (UINT64_C (256) * 1024)

/* One thing that the walk met: a chunk to be read by a thread, or a damage that is known
 * already.
 */
typedef struct {
    uint64_t begin, end;
    bool is_damage;
    char *reason; /* of a damage, be it only of block headers; g_free () */
    bool knows_n_records;
    uint64_t first_record, n_records;
    /* of a chunk */
    ArecChunkRole role;
    bool is_listed; /* by the index; then n_records and decoded_size are what it says */
    uint64_t decoded_size;
    bool is_indexed; /* is chunk `chunk_number` of the index, made by a walk or listed */
    uint64_t chunk_number;
    ArecChunkHeader header;
    uint8_t *memory; /* of the stored bytes, when kept */
    const uint8_t *data;
    ArecChunk *chunk;
    GError *failure; /* of the system */
} Job;

struct ArecInspector {
    ArecInspectorOptions options;
    ArecShard *shard;
    ArecSource *source; /* the shard's */
    const ArecIndex *index;
    ArecShardOrigin origin;
    ArecDecodeLimits limits;
    char *postscript_fault; /* why there is none where it should be, for ArrayRecord */
    ArecChunkScan *scan;
    bool walk_ended;
    const char *foreign;    /* what the file is instead; NULL: not looked for, or not known */
    uint64_t last_gap_end;  /* of the last damage that the walk itself met */
    uint64_t next_listed;   /* chunk of the index that the walk has not met yet */
    uint64_t next_indexed;  /* the same, where the index is none that the file has */
    uint64_t next_record;   /* where nothing is listed: number of the next record found */
    GQueue *pending;        /* of Job: the next batch, as far as the walk has come */
    uint64_t pending_size;  /* bytes of these in the file */
    ArecPipeline *pipeline; /* of batches: a GQueue of Job each */
    GQueue *telling;        /* the batch that is being told; NULL: none */
    Job *told;              /* what the caller looks at */
    bool has_told_damage;
    uint64_t position;
};

static void
free_job (void *data)
{
    Job *job = data;

    if (!job) {
        return;
    }
    g_free (job->reason);
    g_free (job->memory);
    arec_chunk_free (job->chunk);
    g_clear_error (&job->failure);
    g_free (job);
}

/* ---- reading one chunk, in any thread ---- */

static bool
check_listed (const ArecInspector *inspector, const Job *job, GError **error)
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

/* Decodes what was read, by its type. @memory is taken over when that succeeds. */
static bool
decode (ArecInspector *inspector, const ArecChunkPlace *place, Job *job, uint8_t *memory,
        const uint8_t *data, GError **error)
{
    switch (job->header.type) {
    case AREC_CHUNK_METADATA:
        return arec_chunk_decode_metadata (place, &job->header, memory, data,
                                           &inspector->limits, &job->chunk, error);
    case AREC_CHUNK_SIMPLE:
    case AREC_CHUNK_TRANSPOSED:
        return arec_chunk_decode (place, &job->header, memory, data, &inspector->limits,
                                  &job->chunk, error);
    case AREC_CHUNK_SIGNATURE:
    case AREC_CHUNK_PADDING:
        g_free (memory);
        return (job->header.num_records == 0 && job->header.decoded_data_size == 0) ||
               arec_fail_place (error, AREC_ERROR_CORRUPT, place->source->name, place->begin,
                                "a chunk of type 0x%02x announces %" PRIu64 " records",
                                job->header.type, job->header.num_records);
    default:
        g_free (memory);
        return job->header.num_records == 0 ||
               arec_fail_place (error, AREC_ERROR_UNSUPPORTED, place->source->name,
                                place->begin,
                                "unknown chunk type 0x%02x with %" PRIu64 " records",
                                job->header.type, job->header.num_records);
    }
}

static bool
read_chunk (ArecInspector *inspector, Job *job, GError **error)
{
    const ArecChunkPlace place = {.source = inspector->source,
                                  .begin = job->begin,
                                  .limit = job->end,
                                  .max_size = inspector->limits.max_size,
                                  .lenient = inspector->options.lenient};
    uint8_t *memory;
    const uint8_t *data;

    if (!arec_chunk_read (&place, job->end - job->begin, &job->header, &memory, &data, error)) {
        return false;
    }
    if (job->is_indexed) {
        arec_shard_note_read (inspector->shard, job->chunk_number, &job->header);
    }
    if (!check_listed (inspector, job, error)) {
        g_free (memory);
        return false;
    }
    if (inspector->options.keeps_data) {
        job->memory = g_try_malloc (MAX (job->header.data_size, 1));
        if (!job->memory) {
            g_free (memory);
            return arec_fail (error, AREC_ERROR_NOMEM, "no memory for %" PRIu64 " stored bytes",
                              job->header.data_size);
        }
        memcpy (job->memory, data, job->header.data_size);
        job->data = job->memory;
    }
    return decode (inspector, &place, job, memory, data, error);
}

/* @reason  taken over; what the walk met before is the better one. */
static void
turn_into_damage (Job *job, char *reason)
{
    job->is_damage = true;
    if (job->reason) {
        g_free (reason);
    } else {
        job->reason = reason;
    }
    g_clear_pointer (&job->memory, g_free);
    g_clear_pointer (&job->chunk, arec_chunk_free);
}

static void
work_on (ArecInspector *inspector, Job *job)
{
    const ArecInspectorOptions *options = &inspector->options;
    GError *error = NULL;

    if (job->is_damage) {
        return;
    }
    if (!read_chunk (inspector, job, &error)) {
        if (g_error_matches (error, AREC_ERROR, AREC_ERROR_LIMIT) && job->data &&
            !options->keeps_records) {
            g_clear_error (&error); /* too large to look into, but what was written */
        } else if (arec_error_is_of_bytes (error)) {
            turn_into_damage (job, arec_error_reason_at (error, job->begin));
            g_clear_error (&error);
        } else {
            job->failure = error;
        }
    }
    if (!options->keeps_records) {
        g_clear_pointer (&job->chunk, arec_chunk_free);
    }
}

static void
work_on_batch (void *data, void *batch)
{
    for (GList *link = ((GQueue *)batch)->head; link; link = link->next) {
        work_on (data, link->data);
    }
}

static void
free_batch (void *batch)
{
    if (batch) {
        g_queue_free_full (batch, free_job);
    }
}

/* ---- the walk ---- */

static bool
is_listed_walk (const ArecInspector *inspector)
{
    return inspector->origin.is_listed;
}

/* The next chunk of the index that the walk has not met. false: there is none. */
static bool
peek_listed (const ArecInspector *inspector, uint64_t ahead, ArecIndexEntry *entry)
{
    uint64_t number = inspector->next_listed + ahead;

    if (!is_listed_walk (inspector) || number >= arec_index_n_chunks (inspector->index)) {
        return false;
    }
    return arec_index_get (inspector->index, number, entry, NULL);
}

static Job *
new_job (ArecInspector *inspector, uint64_t begin, uint64_t end)
{
    Job *job = g_new0 (Job, 1);
    ArecIndexEntry entry;

    job->begin = begin;
    job->end = end;
    job->knows_n_records = true;
    job->first_record = inspector->next_record;
    if (peek_listed (inspector, 0, &entry)) {
        job->first_record = entry.first_record;
    }
    g_queue_push_tail (inspector->pending, job);
    inspector->pending_size += end - begin;
    return job;
}

/* @job is about the next chunk of the index. */
static void
take_listed (ArecInspector *inspector, Job *job, const ArecIndexEntry *entry)
{
    job->is_listed = job->is_indexed = true;
    job->chunk_number = entry->chunk;
    job->n_records = entry->n_records;
    job->decoded_size = entry->decoded_size;
    inspector->next_listed++;
    inspector->next_record = entry->first_record + entry->n_records;
}

/* @job is about a chunk that the walk has met, where no footer lists any. */
static void
find_indexed (ArecInspector *inspector, Job *job)
{
    uint64_t n = arec_index_n_chunks (inspector->index);
    ArecIndexEntry entry;

    while (inspector->next_indexed < n &&
           arec_index_get (inspector->index, inspector->next_indexed, &entry, NULL) &&
           entry.offset <= job->begin) {
        inspector->next_indexed++;
        job->is_indexed = entry.offset == job->begin;
        job->chunk_number = entry.chunk;
    }
}

/* Chunks of the index before @position where the walk has met none. */
static void
tell_missing (ArecInspector *inspector, uint64_t position)
{
    ArecIndexEntry entry;

    while (peek_listed (inspector, 0, &entry) && entry.offset < position) {
        Job *job = new_job (inspector, entry.offset, MIN (entry.limit, position));

        take_listed (inspector, job, &entry);
        job->is_damage = true;
        job->reason = g_strdup ("the footer lists a chunk here, where none begins");
    }
}

static ArecChunkRole
role_of (const ArecInspector *inspector, const ArecScanItem *item)
{
    switch (item->header.type) {
    case AREC_CHUNK_METADATA: return AREC_ROLE_METADATA;
    case AREC_CHUNK_SIMPLE:
    case AREC_CHUNK_TRANSPOSED: break;
    default: return AREC_ROLE_BOOKKEEPING;
    }
    return item->begin > 0 && (item->begin == inspector->origin.postscript_offset ||
                               item->begin == inspector->origin.footer_offset)
               ? AREC_ROLE_BOOKKEEPING
               : AREC_ROLE_RECORDS;
}

static void
tell_postscript (ArecInspector *inspector, uint64_t begin, uint64_t end, char *reason)
{
    Job *job = new_job (inspector, begin, end);

    job->is_damage = true;
    job->reason = reason;
    /* Without a footer there may have been more. */
    job->knows_n_records = is_listed_walk (inspector) || inspector->origin.footer_offset > 0;
}

/* The chunk that begins at @begin is a sound postscript that says nothing of use. */
static bool
is_useless_postscript (const ArecInspector *inspector, uint64_t begin)
{
    return inspector->postscript_fault && !inspector->origin.has_damaged_postscript &&
           begin > 0 && begin == inspector->origin.postscript_offset &&
           begin + AREC_BLOCK_SIZE == inspector->source->size;
}

/* Where the chunk @item ends at the latest, for who reads it by the index: that has the last
 * word, so the walk goes on there. Chunks that it does not list are in nobody's way, unless one
 * that it lists does begin within. */
static bool
find_limit (ArecInspector *inspector, const ArecScanItem *item, bool is_listed, uint64_t *limit,
            GError **error)
{
    uint64_t ahead = is_listed ? 1 : 0, next;
    ArecIndexEntry entry;
    bool has_chunk;

    do {
        bool is_footer = !peek_listed (inspector, ahead++, &entry);

        next = is_footer ? inspector->origin.footer_offset : entry.offset;
        if (next <= item->begin || next >= item->end) {
            *limit = item->end;
            return true;
        }
        has_chunk = is_listed || is_footer;
        if (!has_chunk &&
            !arec_chunk_scan_has_chunk (inspector->scan, next, &has_chunk, error)) {
            return false;
        }
    } while (!has_chunk);
    arec_chunk_scan_seek (inspector->scan, next);
    *limit = next;
    return true;
}

static bool
take_chunk (ArecInspector *inspector, const ArecScanItem *item, GError **error)
{
    ArecIndexEntry entry;
    bool is_listed;
    uint64_t limit;
    Job *job;

    tell_missing (inspector, item->begin);
    is_listed = peek_listed (inspector, 0, &entry) && entry.offset == item->begin;
    if (!is_listed_walk (inspector)) {
        limit = item->end;
    } else if (!find_limit (inspector, item, is_listed, &limit, error)) {
        return false;
    }
    job = new_job (inspector, item->begin, limit);
    job->role = role_of (inspector, item);
    if (is_listed) {
        take_listed (inspector, job, &entry);
    } else if (job->role == AREC_ROLE_RECORDS && is_listed_walk (inspector) &&
               item->header.num_records > 0) {
        job->is_damage = true;
        job->reason =
            g_strdup_printf ("a chunk of %" PRIu64 " records that the footer does not list",
                             item->header.num_records);
    } else if (job->role == AREC_ROLE_RECORDS) {
        job->n_records = item->header.num_records;
        inspector->next_record += job->n_records;
        find_indexed (inspector, job);
    }
    if (is_useless_postscript (inspector, item->begin)) {
        tell_postscript (inspector, item->begin, inspector->source->size,
                         g_steal_pointer (&inspector->postscript_fault));
    }
    return true;
}

/* The nearest position behind @begin where the footer, or how it was found, says that a chunk
 * begins. */
static uint64_t
next_known (const ArecInspector *inspector, uint64_t begin)
{
    uint64_t nearest = UINT64_MAX;
    ArecIndexEntry entry;

    if (!is_listed_walk (inspector)) {
        return nearest; /* the scan itself knows what the index was made from */
    }
    for (uint64_t ahead = 0; ahead < 2 && peek_listed (inspector, ahead, &entry); ahead++) {
        if (entry.offset > begin) {
            nearest = entry.offset;
            break;
        }
    }
    if (inspector->origin.footer_offset > begin) {
        nearest = MIN (nearest, inspector->origin.footer_offset);
    }
    if (inspector->origin.postscript_offset > begin) {
        nearest = MIN (nearest, inspector->origin.postscript_offset);
    }
    return nearest;
}

/* Whether it is known what was lost in the gap [begin, end): nothing. A footer lists all
 * chunks, and in its own place, and in that of the signature, there are none. */
static bool
knows_of_losses (const ArecInspector *inspector, uint64_t begin, uint64_t end)
{
    return is_listed_walk (inspector) ||
           (begin > 0 && begin == inspector->origin.footer_offset) ||
           (begin == 0 && end == AREC_SIGNATURE_END);
}

static char *
gap_reason (const ArecInspector *inspector, const ArecScanItem *item)
{
    if (inspector->foreign && item->begin == 0 && item->end == inspector->source->size) {
        return g_strdup_printf ("%s, not an ArrayRecord file", inspector->foreign);
    }
    return item->fault == item->begin
               ? g_strdup (item->reason)
               : g_strdup_printf ("at %" PRIu64 ": %s", item->fault, item->reason);
}

static void
take_gap (ArecInspector *inspector, const ArecScanItem *item)
{
    uint64_t known, end = item->end;
    ArecIndexEntry entry;
    Job *job;

    tell_missing (inspector, item->begin);
    known = next_known (inspector, item->begin);
    if (known < end) {
        arec_chunk_scan_seek (inspector->scan, known);
        end = known;
    }
    job = new_job (inspector, item->begin, end);
    inspector->last_gap_end = end;
    job->is_damage = true;
    job->reason = gap_reason (inspector, item);
    if (peek_listed (inspector, 0, &entry) && entry.offset == item->begin) {
        take_listed (inspector, job, &entry);
        job->is_damage =
            !inspector->options.lenient; /* it may be whole but for block headers */
    } else {
        job->knows_n_records = knows_of_losses (inspector, item->begin, end);
    }
}

/* There is no postscript: a damaged one has told of itself, and so has a gap up to the end of
 * the file. */
static void
tell_no_postscript (ArecInspector *inspector, uint64_t end)
{
    if (!inspector->postscript_fault || inspector->origin.has_damaged_postscript ||
        (end > 0 && inspector->last_gap_end == end)) {
        return;
    }
    tell_postscript (inspector, end, end,
                     g_strdup (end == 0 ? "an empty file, not an ArrayRecord file"
                                        : "the file ends without a postscript"));
}

static void
take_end (ArecInspector *inspector, uint64_t end)
{
    tell_missing (inspector, UINT64_MAX);
    inspector->walk_ended = true;
    tell_no_postscript (inspector, end);
}

static bool
is_batch_full (const ArecInspector *inspector)
{
    return inspector->pending->length >= BATCH_JOBS || inspector->pending_size >= BATCH_SIZE;
}

/* Walks on until there is a batch to be worked on, or the end is reached. */
static bool
walk_on (ArecInspector *inspector, GError **error)
{
    while (!is_batch_full (inspector) && !inspector->walk_ended) {
        ArecScanItem item;
        ArecScanStep step;

        if (!arec_chunk_scan_next (inspector->scan, &step, &item, error)) {
            return false;
        }
        switch (step) {
        case AREC_SCAN_CHUNK:
            if (!take_chunk (inspector, &item, error)) {
                return false;
            }
            break;
        case AREC_SCAN_GAP: take_gap (inspector, &item); break;
        case AREC_SCAN_END: take_end (inspector, item.end); break;
        }
    }
    return true;
}

static bool
fill (ArecInspector *inspector, GError **error)
{
    while (arec_pipeline_has_room (inspector->pipeline)) {
        if (!walk_on (inspector, error)) {
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
take_job (ArecInspector *inspector, Job **job, GError **error)
{
    if (!inspector->telling || inspector->telling->length == 0) {
        g_clear_pointer (&inspector->telling, free_batch);
        if (!fill (inspector, error)) {
            return false;
        }
        inspector->telling = arec_pipeline_take (inspector->pipeline);
    }
    *job = inspector->telling ? g_queue_pop_head (inspector->telling) : NULL;
    return true;
}

/* ---- outside ---- */

/* @recovers  whether the caller wants what is there of a file that grows. */
static bool
look_for_postscript (ArecInspector *inspector, bool recovers, GError **error)
{
    GError *cause = NULL;
    uint64_t footer_offset;

    if (arec_shard_kind (inspector->shard) != AREC_SHARD_ARRAY_RECORD ||
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

ArecInspector *
arec_inspector_new (ArecSource *source, const ArecShardOptions *shard_options,
                    const ArecInspectorOptions *options, GError **error)
{
    g_autoptr (ArecInspector) inspector = g_new0 (ArecInspector, 1);
    ArecShardOptions open_options = *shard_options;
    unsigned n_threads =
        options->n_threads > 0 ? options->n_threads : (unsigned)sysconf (_SC_NPROCESSORS_ONLN);

    open_options.recover = true;
    open_options.offloaded = NULL; /* in memory it is asked without fail */
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
        arec_scan_begin (source, inspector->origin.announced_footer,
                         inspector->origin.announced_footer > 0
                             ? inspector->origin.postscript_offset
                             : 0); /* one that the scan has found by itself, it meets again */
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
    free_batch (inspector->telling);
    free_job (inspector->told);
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
damage_of (const Job *job)
{
    return (ArecDamage){.offset = job->begin,
                        .length = job->end - job->begin,
                        .reason = job->reason,
                        .knows_first_record = true,
                        .first_record = job->first_record,
                        .knows_n_records = job->knows_n_records,
                        .n_records = job->n_records};
}

/* At the end: a damage where each chunk is sound and the index cannot be used all the same, as
 * the footer is not where the postscript says, or lists other chunks. NULL: there is none. */
static Job *
unusable_index (ArecInspector *inspector)
{
    uint64_t size = inspector->source->size;
    Job *job;

    if (inspector->has_told_damage || !inspector->origin.is_recovered) {
        return NULL;
    }
    job = g_new0 (Job, 1);
    job->begin =
        inspector->origin.postscript_offset > 0 ? inspector->origin.postscript_offset : size;
    job->end = size;
    job->is_damage = true;
    job->reason = g_strdup ("no footer lists the chunks of this file");
    job->first_record = inspector->next_record;
    return job;
}

bool
arec_inspector_next (ArecInspector *inspector, ArecInspectStep *step, ArecInspectedChunk *chunk,
                     ArecDamage *damage, GError **error)
{
    Job *job;

    g_clear_pointer (&inspector->told, free_job);
    if (!take_job (inspector, &job, error)) {
        return false;
    }
    inspector->told = job;
    if (!job) {
        job = inspector->told = unusable_index (inspector);
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
    if (job->is_damage) {
        *step = AREC_INSPECT_DAMAGE;
        *damage = damage_of (job);
        inspector->has_told_damage = true;
    } else {
        *step = AREC_INSPECT_CHUNK;
        *chunk = (ArecInspectedChunk){.role = job->role,
                                      .begin = job->begin,
                                      .header = job->header,
                                      .data = job->data,
                                      .chunk = job->chunk};
    }
    return true;
}
